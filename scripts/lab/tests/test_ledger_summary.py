"""The host's ledgers of a measurement in one cell: as few words as say whether the host was in the way."""

from pathlib import Path
from typing import Any

import pytest

from lab.report import environment as words
from lab.tables import environment, ledger_summary
from lab.runs import ledger
from lab.runs.run_record import RunRecord
from lab.tests.conftest import load_planned
from lab.tests.test_ledger import QUIET, changed
from lab.tests.test_report import make_report, rewrite_runs, write_plan

UNPINNED = {"pinned": False, "host_cpus": [], "why_not": "the host has 1 CPUs for 2 vCPUs"}
STARVED = {"vcpus": {"0": {"run_ns": 1, "run_delay_ns": 3}, "1": {"run_ns": 3, "run_delay_ns": 1}}}
LIMITS = "limits: run delay of all vCPUs 5 %, steal 2 %"


def steady() -> dict[str, Any]:
    before = QUIET["before"] | {"frequency_mhz": [2000.0]}
    return ledger.facts(changed(before=before, after_frequency_mhz=[2000.0, 2010.0]))


def text(*runs: dict[str, Any]) -> str:
    summary = ledger_summary.of_runs(runs)
    assert summary is not None
    return words.ledger(summary)


def test_quiet_runs_take_one_line() -> None:
    assert text(steady(), steady()) == (
        "vCPUs each pinned to its own CPU of the host (0, 1); run delay of a vCPU at most 0.6 %; stolen at most 0.1 %; "
        f"clock source tsc, stable; 2,010 MHz, stable; no run noisy ({LIMITS})"
    )


@pytest.mark.parametrize(
    ("other", "part"),
    [
        (ledger.facts(changed(vcpu_pinning=UNPINNED)), "host (0, 1) in 1 of 2 runs, not pinned (the host has 1 CPUs"),
        (ledger.facts(changed(**STARVED)), "; run delay of a vCPU at most 75.0 %; "),  # not that of both, 50 %
        (ledger.facts(changed(**STARVED)), "; 1 of 2 runs noisy (past run delay of all vCPUs 5 % in 1)"),
        (
            ledger.facts(changed(after_cpu_s=QUIET["after"]["cpu_s"] | {"steal": 2.5}, after_clock_source="hpet")),
            "; 1 of 2 runs noisy (past steal 2 % in 1, clock source in 1)",
        ),
        (ledger.facts(changed(after_cpu_s=QUIET["after"]["cpu_s"] | {"steal": 2.5})), "; stolen at most 20.2 %; "),
        (ledger.facts(changed(after_clock_source="hpet")), "; clock source hpet, tsc, changed in 1 of 2 runs; "),
        (ledger.facts(changed(after_frequency_mhz=[2600.0])), "; 2,000 to 2,600 MHz, not stable; "),
        (ledger.facts(None), "only 1 of 2 runs have one; vCPUs each pinned to its own CPU of the host (0, 1); run"),
        ({"ledger": {"steal_share": 0.9}, "noisy": True}, "only 1 of 2 runs have one; "),  # as of another kit
    ],
)
def test_one_run_that_differs_shows(other: dict[str, Any], part: str) -> None:
    assert part in text(steady(), other)


def test_what_the_host_does_not_say_is_unknown() -> None:
    silent = changed(vcpus={}, before=QUIET["before"] | {"frequency_mhz": []}, after_frequency_mhz=[])
    assert "run delay of a vCPU at most unknown; " in text(ledger.facts(silent))
    assert "; frequency unknown; " in text(ledger.facts(silent))
    assert ledger_summary.of_runs([ledger.facts(None), {}]) is None


def test_the_environment_file_has_it_of_live_runs_alone(runs: Path) -> None:
    found, rows = load_planned(runs, "t000")
    known = [RunRecord(each.folder, each.row, each.facts | steady()) for each in found]
    exact, live = environment.describe("", "t000", found[0].contract, known, rows)["measurements"]
    assert "host" not in exact
    assert (live["host"]["ledger"]["runs"], live["host"]["ledger"]["vcpu_run_delay_share_max"]) == (6, 0.006)


def test_the_page_shows_it_beside_the_tables(runs: Path) -> None:
    write_plan(runs, rewrite_runs(runs, lambda facts: facts | ledger.facts(changed(**STARVED)), "live"))
    assert make_report(runs).returncode == 0
    page = (runs.parent / "t000.md").read_text()
    line = next(line for line in page.splitlines() if line.startswith("| host's ledger, "))
    assert line.startswith("| host's ledger, live timing on aarch64 with tcg | vCPUs each pinned")
    assert "; 6 of 6 runs noisy (past run delay of all vCPUs 5 % in 6) |" in line
    assert "stolen from the host" not in page


def test_runs_in_which_qemu_did_not_wait_for_its_turn_are_told_of() -> None:
    guest = {"smp": 2, "quantum": "none"}
    said = words.GUEST_FACTS["turns of its CPUs"]
    quiet = said({"timing": "exact", "guests": [guest]}, {})
    forced = said({"timing": "exact", "guests": [guest], "runs_out_of_turn": 2}, {})
    assert quiet is not None and forced is not None
    assert "in 2 of the runs QEMU's main loop did not wait" in forced and "of the runs" not in quiet
