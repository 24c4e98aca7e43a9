"""Findings about a user's program that need little to be wrong: what a few ticks say, and threads that wait for nobody."""

import math
from typing import Any

import pandas as pd
import pytest

from lab.findings import own
from lab.judge import gate
from lab.judge.comparing import Verdict
from lab.judge.evidence import Case, Evidence
from lab.tests.test_own_trace import EXACT, KNOWN, NAMES, ONE, TWO, Kernel, program, shared
from lab.trace import futexes, own_findings, own_runs, threads


def case(**values: float) -> Case:
    usual = {"items": 1.0, "duration_s": 1.0, "voluntary_switches": 5000.0}
    return Case("a", EXACT, {}, pd.DataFrame([usual | values]), 1)


def names(known: Any, *cases: Case) -> list[str]:
    """Of the rules that find something in the trace."""
    waits = futexes.waits(known)
    about = {"scenario": "a", **EXACT._asdict(), "seed": 1}
    beside = {
        own_runs.THREADS_FILE: threads.table(known, futexes.sleeps_in(waits, len(known.spans))).assign(**about),
        own_runs.FUTEXES_FILE: futexes.table(known, waits).assign(**about),
    }
    evidence = Evidence(list(cases), beside=beside)
    return [rule.name for rule in own_findings.RULES for _ in rule(evidence)]


@pytest.mark.parametrize(
    ("user_s", "system_s", "share"),
    [(0.2, 0.6, 0.75), (0.0, 0.07, math.nan), (0.5, 0.0, 0.0), (math.nan, 1.0, math.nan)],
)
def test_a_few_ticks_do_not_say_whose_the_cpu_time_was(user_s: float, system_s: float, share: float) -> None:
    known = case(user_s=user_s, system_s=system_s)
    assert known.kernel_share == pytest.approx(share, nan_ok=True)
    assert bool(list(own.in_kernel(Evidence([known])))) == (share == 0.75)


def test_threads_that_work_for_the_kernel_do_not_spin() -> None:
    known = program(shared(), NAMES, 40_000)
    assert names(known, case(user_s=0.9, system_s=0.1)) == ["spinning threads on one CPU"]
    assert names(known, case(user_s=0.1, system_s=0.9)) == []
    assert names(known, case(user_s=0.0, system_s=0.1)) == ["spinning threads on one CPU"]  # of ticks too few to know


@pytest.mark.parametrize(("works_ns", "found"), [(900, ["waits for another thread"]), (100, [])])
def test_a_thread_that_waits_itself_is_not_the_slower_one(works_ns: int, found: list[str]) -> None:
    """ONE sleeps until TWO wakes it, which works so long in each 1,000 ns and sleeps until a timer for the rest."""
    kernel = Kernel()
    kernel.make(0, 0, 10, ONE)
    kernel.make(0, 1, 10, TWO)
    kernel.switch(0, 0, 0, ONE)
    kernel.switch(0, 1, 0, TWO)
    for number in range(20):
        at = 1000 * number
        kernel.call(at + 5, at + works_ns + 10, ONE, 0x2000, 9)
        kernel.switch(at + 10, 0, ONE, 0)
        kernel.call(at + works_ns - 20, at + works_ns - 2, TWO, 0x2000, 1, 1)
        kernel.wake(at + works_ns - 10, 1, TWO, ONE, 0)
        kernel.switch(at + works_ns, 1, TWO, 0)
        kernel.switch(at + works_ns + 1, 0, 0, ONE, 0)
        kernel.wake(at + 990, 1, 0, TWO, 1, 1)  # in an interrupt
        kernel.switch(at + 1000, 1, 0, TWO, 0)
    assert [name for name in names(program(kernel, NAMES, 20_000)) if name == "waits for another thread"] == found


def test_ab_says_cpu_time_of_both_kinds_where_ticks_part_them_badly() -> None:
    def side(user_s: float, system_s: float) -> Any:
        return {(EXACT, "a"): pd.DataFrame({"user_s": [user_s], "system_s": [system_s]})}

    class Clear:
        measurement, scenario, verdict = EXACT, "a", Verdict.BETTER

    assert gate._causes(side(0.11, 0.002), side(0.0, 0.11), [Clear()]) == []  # type: ignore[list-item]
    (line,) = gate._causes(side(0.11, 0.1), side(0.0, 0.07), [Clear()])  # type: ignore[list-item]
    assert line.endswith("what else changed: CPU time 0.21 → 0.07 s")
    (line,) = gate._causes(side(3.0, 1.0), side(1.0, 1.0), [Clear()])  # type: ignore[list-item]
    assert "CPU time of the program 3 → 1 s" in line and "kernel" not in line
