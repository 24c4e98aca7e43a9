"""A share of tests/break, with a fixed seed: the whole of it runs by hand, and takes half an hour."""

import subprocess
import sys

import pytest

from lab.plan.places import ROOT

CASES = {"suites": 40, "runs": 3}


@pytest.mark.parametrize("what", CASES)
@pytest.mark.slow
def test_broken_files_are_told_of_and_stop_nothing(what: str) -> None:
    command = [sys.executable, str(ROOT / "tests" / "break" / f"{what}.py"), "--seed", "1", "--count", str(CASES[what])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    seed, ends, _, wrongs = done.stdout.splitlines()
    assert (seed, wrongs) == ("seed 1", "no case is wrong")
    assert ends.count(":") > 1  # some were refused, and others not
