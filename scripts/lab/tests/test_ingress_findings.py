"""What the rules about tasks for one loop say, and of which runs."""

from typing import Any

import pandas as pd
import pytest

from lab.findings import ingress
from lab.judge.evidence import Case, Evidence
from lab.plan import contract
from lab.report import findings
from lab.tests.test_findings import EXACT

GOOD = {"items": 1000.0, "submit_p50_ns": 100.0, "fairness": 1.0, "turn_p99_us": 50.0, "batch_mean": 10.0}
GOOD |= {"wakes_per_task": 0.1}


def case(options: dict[str, Any], values: dict[str, float]) -> Case:
    return Case("a", EXACT, options, pd.DataFrame([GOOD | values]), 1)


def found(*cases: Case) -> list[str]:
    """What is told of runs, as `rule: evidence`."""
    known = contract.load("ingress")
    evidence = Evidence(cases)
    return [
        f"{rule.name}: {findings.sentences(each, rule, known)[0]}" for rule in ingress.RULES for each in rule(evidence)
    ]


@pytest.mark.parametrize(
    ("options", "values", "expected"),
    [
        ({}, {}, []),
        ({"producers": 1}, {"fairness": 0.5}, []),
        (
            {"producers": 8},
            {"fairness": 0.25},
            [
                "some producers starve: Jain's index of the 8 producers' tasks is 0.25: as if 2 of them had submitted all"
            ],
        ),
        ({"budget": 1}, {"turn_p99_us": 5000.0}, []),
        (
            {"budget": 4096},
            {"turn_p99_us": 5000.0, "batch_mean": 4000.0},
            [
                "a turn delays others: one turn in a hundred takes 5,000 µs or more, with a budget of 4096 tasks and 4,000 in"
                " a turn on average"
            ],
        ),
        (
            {"wake": "epoll"},
            {"wakes_per_task": 0.95},
            ["wakes the loop for each task: 0.95 system calls a task woke the loop, which sleeps in epoll"],
        ),
    ],
)
def test_each_rule_tells_of_its_runs_and_of_no_others(
    options: dict[str, Any], values: dict[str, float], expected: list[str]
) -> None:
    assert found(case(options, values)) == expected


@pytest.mark.parametrize(
    ("heap_ns", "other", "expected"),
    [
        (110.0, {}, []),
        (
            250.0,
            {},
            [
                "allocates for each task: a submit takes 250 ns with nodes from malloc, and 100 ns with nodes that are used"
                " again"
            ],
        ),
        (250.0, {"producers": 8}, []),  # the slab of another number of producers is no comparison
    ],
)
def test_malloc_is_compared_with_the_same_list_alone(
    heap_ns: float, other: dict[str, Any], expected: list[str]
) -> None:
    heap = case({"producers": 2, "nodes": "malloc"}, {"submit_p50_ns": heap_ns})
    assert found(case({"producers": 2, "nodes": "slab"} | other, {}), heap) == expected
