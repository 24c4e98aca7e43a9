"""What the command line does with what nobody expected."""

import re
import sys
from pathlib import Path

import pytest

from lab import __main__
from lab.report import step


def test_a_fault_of_the_kit_is_one_line_and_its_traceback_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(arguments: object) -> None:
        raise KeyError("x\ny")

    monkeypatch.setattr(step, "make_report", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    command = ["lab", "report", "--runs", "a", "--result-data", "b", "--page", "c"]
    monkeypatch.setattr(sys, "argv", command)
    assert __main__.main() == 1
    line = capsys.readouterr().err
    match = re.fullmatch(
        r"pipelab: this is a fault of pipelab: KeyError in test_main.py, line \d+: please report it with (\S+), where "
        r"its traceback is\n",
        line,
    )
    assert match
    kept = Path(match[1]).read_text()
    assert kept.startswith("lab report --runs a") and "Traceback" in kept and "KeyError" in kept
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    assert __main__.main() == 1
    assert "its traceback could not be kept: No such file or directory" in capsys.readouterr().err
