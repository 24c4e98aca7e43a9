"""Verdicts of whole reports are right: nothing is called different that is not, and docs/trust.md has what was simulated."""

import os

import pytest

from lab.plan.places import ROOT
from lab.tests import trust


@pytest.mark.slow
@pytest.mark.parametrize("shape", trust.SHAPES)
@pytest.mark.parametrize(("timing", "runs"), [("exact", 3), ("exact", 7), ("live", 6)])
def test_a_report_of_what_has_not_changed_says_so(shape: str, timing: str, runs: int) -> None:
    assert trust.false_reports(shape, timing, runs, 20) <= 1 / 20


@pytest.mark.slow
def test_what_has_changed_is_found_where_there_are_enough_seeds() -> None:
    assert trust.found("Gaussian, 2 %", "exact", 6, 1.1, 3) == 0  # two modes could do that in 145 comparisons
    assert trust.found("Gaussian, 2 %", "exact", 8, 1.1, 3) > 0.75


@pytest.mark.slow
@pytest.mark.skipif("PIPELAB_THOROUGH" not in os.environ, reason="takes minutes: make thorough")
def test_the_tables_of_the_docs_are_what_was_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "RUNS", {"live": trust.RUNS["live"]})
    text = (ROOT / "docs/trust.md").read_text()
    assert all(each in text for each in trust.tables(trust.REPORTS).split("\n\n"))
