"""Objectives: what a suite file's [slo] demands of every scenario, and whether its runs hold it.

    [slo]
    response_p99_us = 200           # at most, as less is better
    throughput_ops_s = ">= 900"
    drop_rate = 0
    every = "1s"                    # in each interval of a run, of which series-ms says how long it is

What an interval has can hold in every one: p50, p99, and the throughput. The others are of the whole run.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lab.plan import kinds
from lab.plan.contract import Contract
from lab.plan.kinds import meant, shown
from lab.text import strict
from lab.text.complaint import Complaint


TIMES = {"ns": 1.0, "us": 1e3, "ms": 1e6}
LARGEST = sys.float_info.max
EVERY = "every"
RATE_COLUMN = "throughput_ops_s"  # what an interval's items by its length are
IN_INTERVALS = ("p50", "p99")
LIMIT = re.compile(r"\s*(<=|>=|<|>)\s*([0-9][^\s]*)\s*")


@dataclass(frozen=True)
class Objective:
    """A limit on one metric, in the unit of its name."""

    name: str  # a column of the raw table, of a time in any of TIMES
    relation: str
    limit: float
    column: str
    factor: float  # how many of the column's units one of the name's is
    every_ms: float = 0  # of an objective that holds in every interval: how long that is

    def __str__(self) -> str:
        return f"{self.name} {self.relation} {self.limit:g}" + f" in every {self.every_ms:g} ms" * bool(self.every_ms)


def in_worst_interval(column: str) -> str:
    """How the column of the raw table is called that has the worst interval of each run: response_p99_worst_ns."""
    for unit in ("_ops_s", "_ns"):
        if column.endswith(unit):
            return f"{column.removesuffix(unit)}_worst{unit}"
    return column


def load(path: Path, section: object, known: Contract) -> list[Objective]:
    """The objectives of the table [slo] of a suite file at `path`, on metrics of its workload. Raises Complaint with place and remedy."""
    if not isinstance(section, dict):
        raise Complaint(path, "slo: is not a section: write [slo] on a line of its own")
    where = f"{path}: [slo]"
    found = [_objective(where, name, value, known) for name, value in section.items() if name != EVERY]
    if EVERY not in section:
        return found
    every_ms = kinds.quantity(str(section[EVERY]), "ms")
    if not isinstance(section[EVERY], str) or not isinstance(every_ms, (int, float)) or every_ms <= 0:
        raise Complaint(where, f'{EVERY} = {shown(section[EVERY])} is not valid: give a time such as "1s"')
    if known.meaning("series") is None or not any(_in_intervals(each, known) for each in found):
        what = f"{EVERY}: an interval tells none of these objectives: give one of p50, p99 or {RATE_COLUMN}"
        raise Complaint(where, what)
    return [
        replace(each, every_ms=every_ms, column=in_worst_interval(each.column)) if _in_intervals(each, known) else each
        for each in found
    ]


def check_every(
    path: Path, found: Iterable[Objective], options: Mapping[str, Mapping[str, Any]], known: Contract
) -> None:
    """Raises Complaint where an objective is for intervals that a scenario's runs do not have: `options` of each scenario."""
    series = known.meaning("series")
    for every_ms in {each.every_ms for each in found if each.every_ms}:
        for scenario, said in options.items():
            if series and (given := said.get(series.name, series.default)) != every_ms:
                remedy = f"give {series.name} = {every_ms:g} in [common]"
                what = f"[slo]: {EVERY} is {every_ms:g} ms, but {scenario} has intervals of {given} ms"
                raise Complaint(path, f"{what}: {remedy}")


def _in_intervals(objective: Objective, known: Contract) -> bool:
    """Whether an interval tells it: a percentile of what every item has, or the throughput."""
    column = known.columns[objective.column]
    percentile = (
        column.percentile in IN_INTERVALS and column.metric.name in known.histograms and not column.metric.sampled
    )
    return percentile or column.name == RATE_COLUMN


def _objective(where: str, name: str, value: Any, known: Contract) -> Objective:
    metrics = _metrics(known)
    if name not in metrics:
        raise Complaint(where, f"unknown objective {shown(name)}: {meant(name, metrics)}")
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
