"""What the rules about requests and replies say, and of which runs."""

from typing import Any

import pandas as pd
import pytest

from lab.findings import rpc
from lab.judge.evidence import Case, Evidence
from lab.plan import contract
from lab.plan.schedule import Schedule
from lab.report import findings
from lab.tests.test_findings import EXACT

USUAL: dict[str, Any] = {"copy": "none", "pool": "return-ring", "correlate": "slots", "window": 64}
GOOD = {"cpu_time_us": 10.0, "lookup_p50_ns": 50.0, "response_p99_ns": 3e4, "round_trip_p99_ns": 2e4}
GOOD |= {"most_pending": 40.0, "pool_bytes": 5e5}


def case(options: dict[str, Any], values: dict[str, float], scheduled: bool = False) -> Case:
    return Case(
        "a", EXACT, USUAL | options, pd.DataFrame([GOOD | values]), 1, schedule=Schedule(1e5) if scheduled else None
    )


def found(*cases: Case) -> list[str]:
    """What is told of runs, as `rule: evidence`."""
    known = contract.load("rpc")
    evidence = Evidence(cases)
    return [f"{rule.name}: {findings.sentences(each, rule, known)[0]}" for rule in rpc.RULES for each in rule(evidence)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, []),
        ({"most_pending": 64.0}, []),  # they were taken, and nothing waited
        ({"most_pending": 60.0, "response_p99_ns": 2e5}, []),
        (
            {"most_pending": 64.0, "response_p99_ns": 2e5},
            [
                "the window is too small for the rate: all 64 places of the window were taken, and one response in a hundred"
                " took 200 µs or more, one round trip in a hundred 20 µs"
            ],
        ),
        (
            {"most_pending": 5.0, "pool_bytes": 2e6},
            [
                "the window is larger than it needs: at most 5 of 64 requests were without a reply, and the pools have 2.0 MB"
                " for all"
            ],
        ),
        ({"most_pending": 5.0, "pool_bytes": float("nan")}, []),  # sockets have no pool
    ],
)
def test_a_window_is_judged_where_there_is_a_schedule(values: dict[str, float], expected: list[str]) -> None:
    assert found(case({}, values, scheduled=True)) == expected
    assert not found(case({}, values))


@pytest.mark.parametrize(
    ("options", "values", "expected"),
    [
        (
            {"copy": "once"},
            {"cpu_time_us": 20.0},
            "copies each message: a request takes 20.00 µs of CPU time with a copy of each message, and 10.00 µs in place",
        ),
        (
            {"pool": "malloc"},
            {"cpu_time_us": 12.0},
            "allocates each message: a request takes 12.00 µs of CPU time with buffers from malloc, and 10.00 µs with a stock"
            " of them",
        ),
        (
            {"correlate": "map"},
            {"lookup_p50_ns": 400.0},
            "looks requests up in a table: finding a reply's request takes 400 ns with map, and 50 ns with slots",
        ),
    ],
)
def test_what_costs_more_is_compared_with_what_differs_in_it_alone(
    options: dict[str, Any], values: dict[str, float], expected: str
) -> None:
    assert found(case({}, {}), case(options, values)) == [expected]
    assert not found(case({}, {}), case(options, {}))
    assert not found(case({"window": 1}, {}), case(options, values))
    assert not found(case(options, values))
