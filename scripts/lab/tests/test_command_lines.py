"""Random command lines, a few hundred of those that tests/break/command_lines.py can draw."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_random_command_lines_end_well_or_in_one_line() -> None:
    program = str(ROOT / "tests" / "break" / "command_lines.py")
    command = [sys.executable, program, "--seed", "1", "--budget", "5"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert " 0 faults" in ended.stdout
