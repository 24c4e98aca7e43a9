"""What the rules about calls between processes say, and of which runs."""

from typing import Any

import pandas as pd
import pytest

from lab.findings import exchange
from lab.judge.evidence import Case, Evidence
from lab.plan import contract
from lab.report import findings
from lab.tests.test_findings import EXACT

GOOD = {"items": 1000.0, "all_calls": 1100.0, "cpu_time_us": 2.0, "round_trip_mean_us": 1.0, "cycle_us": 1.1}
GOOD |= {"fairness": 1.0, "parks": 20.0, "wakes": 20.0, "late_finds": 0.0, "failed": 0.0}
ONE_CPU = {"pin-caller": 1, "pin-responder": 1, "smp": 2}
FAILED = {"failed": 2.0, "failed_died": 1.0, "failed_late": 1.0, "failed_broken": 0.0}


def found(options: dict[str, Any], values: dict[str, float]) -> list[str]:
    """What is told of a run, as `rule: evidence`."""
    evidence = Evidence([Case("a", EXACT, options, pd.DataFrame([GOOD | values]), 1)])
    known = contract.load("exchange")
    return [
        f"{rule.name}: {findings.sentences(each, rule, known)[0]}" for rule in exchange.RULES for each in rule(evidence)
    ]


@pytest.mark.parametrize(
    ("options", "values", "expected"),
    [
        ({"pairs": 12, "smp": 2}, {}, []),
        ({"pairs": 12, "smp": 2, "wait": "futex"}, {"cpu_time_us": 900.0}, []),
        ({"pairs": 1, "smp": 2, "wait": "spin"}, {"cpu_time_us": 900.0}, []),
        (
            {"pairs": 12, "smp": 2, "wait": "spin"},
            {"cpu_time_us": 900.0, "round_trip_mean_us": 8000.0, "cycle_us": 8001.0},
            [
                "spins where the other side should run: a call takes 900 µs of CPU time with wait = spin, and 8,000 µs in all"
            ],
        ),
        (
            {"pairs": 1, "wait": "counted", **ONE_CPU},
            {"cpu_time_us": 101.0},
            [
                "spins where the other side should run: a call takes 101 µs of CPU time with wait = counted, and 1 µs in all"
            ],
        ),
        ({}, {"parks": 1750.0}, []),
        (
            {},
            {"parks": 2200.0, "wakes": 2200.0},
            ["sleeps for each answer: each side fell asleep 1 times a call, and 2 system calls woke it"],
        ),
        (
            {"pairs": 4, "smp": 4},
            {"fairness": 0.5},
            [
                "some pairs get most calls: Jain's index of the 4 pairs' calls is 0.50: as if 2 of them had made all, whose round trips the percentiles are of"
            ],
        ),
        (
            {},
            {"cycle_us": 1.3},
            ["throughput is not the round trip: a caller makes a call every 1.30 µs, of which a round trip is 1.00 µs"],
        ),
        ({}, {"late_finds": 1.0}, ["wake-ups were lost: 1 sleeps of 200 ms ended with something to find"]),
        (
            {},
            FAILED | {"notice_us": 285.0},
            [
                "calls failed: 2 of 1,002 calls were not answered: 1 as the responder died, 1 as it was late, 0 as it broke"
                " the protocol; the last caller knew after 285 µs"
            ],
        ),
        (
            {},
            FAILED,
            [
                "calls failed: 2 of 1,002 calls were not answered: 1 as the responder died, 1 as it was late, 0 as it broke"
                " the protocol"
            ],
        ),
    ],
)
def test_each_rule_tells_of_its_runs_and_of_no_others(
    options: dict[str, Any], values: dict[str, float], expected: list[str]
) -> None:
    assert found(options, values) == expected
