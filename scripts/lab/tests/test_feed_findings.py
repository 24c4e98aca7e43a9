"""What the rules about a feed say, and of which runs."""

from typing import Any

import pandas as pd
import pytest

from lab.findings import feed
from lab.judge.evidence import Case, Evidence
from lab.plan import contract
from lab.report import findings
from lab.tests.test_findings import EXACT

USUAL: dict[str, Any] = {"clients": 10, "batch": "due", "slow-policy": "wait", "fault": "stuck@0.1"}
GOOD = {"latency_p50_ns": 2e4, "latency_p99_ns": 5e4, "cpu_time_us": 2.0, "calls_a_delivery": 1.0}


def case(options: dict[str, Any], values: dict[str, float]) -> Case:
    return Case("a", EXACT, USUAL | options, pd.DataFrame([GOOD | values]), 1)


def found(*cases: Case) -> list[str]:
    """What is told of runs, as `rule: evidence`."""
    known = contract.load("feed")
    return [
        f"{rule.name}: {findings.sentences(each, rule, known)[0]}"
        for rule in feed.RULES
        for each in rule(Evidence(cases))
    ]


@pytest.mark.parametrize(
    ("good", "options", "values", "expected"),
    [
        (
            {"slow-policy": "conflate"},
            {},
            {"latency_p99_ns": 2e8},
            "one slow client holds up the others: one delivery in a hundred takes 200,000 µs or more where the server waits for a"
            " slow client, and 50 µs with slow-policy = conflate",
        ),
        (
            {},
            {"batch": "now"},
            {"cpu_time_us": 5.0, "calls_a_delivery": 2.5},
            "messages leave one by one: a delivery takes 2.50 system calls and 5.00 µs of CPU time where each message is sent at"
            " once, and 1.00 and 2.00 µs where all that are due leave together",
        ),
        (
            {"clients": 1},
            {"clients": 100},
            {"latency_p50_ns": 1.2e5},
            "clients take turns: the median delivery takes 120 µs with 100 clients, and 20 µs with one: 2.00 µs for each client"
            " that has its turn before",
        ),
    ],
)
def test_what_costs_more_is_compared_with_what_differs_in_it_alone(
    good: dict[str, Any], options: dict[str, Any], values: dict[str, float], expected: str
) -> None:
    assert found(case(good, {}), case(options, values)) == [expected]
    assert not found(case(good, {}), case(options, {}))
    assert not found(case(good | {"fault": "none"}, {}), case(options, values))
    assert not found(case(options, values))


def test_the_first_policy_that_there_is_stands_for_all() -> None:
    slow = case({}, {"latency_p99_ns": 2e8})
    assert len(found(slow, *(case({"slow-policy": policy}, {}) for policy in ("drop", "conflate", "disconnect")))) == 1
