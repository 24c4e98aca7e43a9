"""A share of tests/break, with a fixed seed: the whole of it runs by hand, and takes half an hour."""

import runpy
from collections import Counter

import pytest

from lab.places import ROOT

CASES = {"suites": 400, "runs": 12}


@pytest.mark.parametrize("what", CASES)
def test_broken_files_are_told_of_and_stop_nothing(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ROOT / "tests" / "break"
    monkeypatch.syspath_prepend(str(folder))
    budget = runpy.run_path(str(folder / "budget.py"))
    wrongs, ends = budget["run"](runpy.run_path(str(folder / f"{what}.py"))["case"], seed=1, count=CASES[what])
    assert not wrongs, "\n".join(wrongs)
    assert isinstance(ends, Counter) and len(ends) > 2  # some were refused, and others not
