"""Objectives: what a suite file's [slo] demands of every scenario, and whether its runs hold it.

    [slo]
    response_p99_us = 200           # at most, as less is better
    throughput_ops_s = ">= 900"
    drop_rate = 0
"""

import difflib
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.plan.contract import Contract
from lab.plan.kinds import shown
from lab.text import strict
from lab.text.complaint import Complaint


TIMES = {"ns": 1.0, "us": 1e3, "ms": 1e6}
LARGEST = sys.float_info.max
LIMIT = re.compile(r"\s*(<=|>=|<|>)\s*([0-9][^\s]*)\s*")


@dataclass(frozen=True)
class Objective:
    """A limit on one metric, in the unit of its name."""

    name: str  # a column of the raw table, of a time in any of TIMES
    relation: str
    limit: float
    column: str
    factor: float  # how many of the column's units one of the name's is

    def __str__(self) -> str:
        return f"{self.name} {self.relation} {self.limit:g}"


def load(path: Path, section: object, known: Contract) -> list[Objective]:
    """The objectives of the table [slo] of a suite file at `path`, on metrics of its workload. Raises Complaint with place and remedy."""
    if not isinstance(section, dict):
        raise Complaint(path, "slo: is not a section: write [slo] on a line of its own")
    return [_objective(f"{path}: [slo]", name, value, known) for name, value in section.items()]


def _objective(where: str, name: str, value: Any, known: Contract) -> Objective:
    metrics = _metrics(known)
    if name not in metrics:
        near = difflib.get_close_matches(name, metrics, n=1)
        remedy = f"did you mean {near[0]}?" if near else "give one of " + ", ".join(metrics)
        raise Complaint(where, f"unknown objective {shown(name)}: {remedy}")
    column, factor = metrics[name]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= LARGEST:
        relation = ">=" if known.columns[column].metric.higher_is_better else "<="
        return Objective(name, relation, float(value), column, factor)
    try:
        relation, limit = LIMIT.fullmatch(value).groups()  # type: ignore[union-attr]
        return Objective(name, relation, strict.real(limit), column, factor)
    except (TypeError, AttributeError, ValueError):
        what = f'{name} = {shown(value)} is not valid: give a number, or a limit such as ">= 900"'
        raise Complaint(where, what) from None


def _metrics(known: Contract) -> dict[str, tuple[str, float]]:
    """By the name that an objective may have: the column of the raw table, and its units in one of the objective's."""
    found: dict[str, tuple[str, float]] = {}
    for name, column in known.columns.items():
        if column.metric.unit == "ns":
            found |= {f"{name.removesuffix('ns')}{unit}": (name, factor) for unit, factor in TIMES.items()}
        else:
            found[name] = (name, 1.0)
    return found
