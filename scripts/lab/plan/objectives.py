"""Objectives: what a suite file's [slo] demands of every scenario, and whether its runs hold it.

    [slo]
    response_p99_us = 200           # at most, as less is better
    throughput_ops_s = ">= 900"
    drop_rate = 0
"""

import difflib
import math
import operator
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lab.text import strict
from lab.judge import comparing
from lab.text.complaint import Complaint
from lab.tables.estimate import Estimate, median_interval
from lab.tables.measurement import Measurement, groups
from lab.plan.suite import shown

TIMES = {"ns": 1.0, "us": 1e3, "ms": 1e6}
LARGEST = sys.float_info.max
PERCENTILES = ("p50", "p95", "p99", "p999")
RELATIONS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
LIMIT = re.compile(r"\s*(<=|>=|<|>)\s*([0-9][^\s]*)\s*")

# By the name that an objective may have: the column of the raw table, and its units in one of the objective's.
METRICS = {
    f"{time}_{percentile}_{unit}": (f"{time}_{percentile}_ns", factor)
    for time in ("latency", "response")
    for percentile in PERCENTILES
    for unit, factor in TIMES.items()
} | {"throughput_ops_s": ("throughput_ops_s", 1.0), "drop_rate": ("drop_rate", 1.0)}


@dataclass(frozen=True)
class Objective:
    """A limit on one metric, in the unit of its name."""

    name: str
    relation: str
    limit: float

    def __str__(self) -> str:
        return f"{self.name} {self.relation} {self.limit:g}"


@dataclass(frozen=True)
class Judgement:
    """Whether the median over a scenario's runs holds an objective. `held` None: it was not measured.

    `certain` when the whole 95 % interval of the median is on the same side.
    """

    scenario: str
    measurement: Measurement
    objective: Objective
    measured: Estimate  # in the unit of the objective
    held: bool | None
    certain: bool

    def text(self) -> str:
        """'missed: response_p99_us is 312 (250 to 390), not <= 200'."""
        estimate = self.measured
        if self.held is None:
            return f"not measured: {self.objective}"
        span = "" if math.isnan(estimate.low) else f" ({estimate.low:,.4g} to {estimate.high:,.4g})"
        wording = "is" if self.held else "is not"
        verdict = ("held" if self.held else "missed") + ("" if self.certain else ", but not for certain")
        limit = f"{self.objective.relation} {self.objective.limit:,g}"
        return f"{verdict}: {self.objective.name} of {estimate.median:,.4g}{span} {wording} {limit}"


def load(path: Path, section: object) -> list[Objective]:
    """The objectives of the table [slo] of a suite file at `path`. Raises Complaint with place and remedy."""
    if not isinstance(section, dict):
        raise Complaint(path, "slo: is not a section: write [slo] on a line of its own")
    return [_objective(f"{path}: [slo]", name, value) for name, value in section.items()]


def judge(raw: pd.DataFrame, objectives: Iterable[Objective]) -> list[Judgement]:
    """Every scenario's quiet runs against every objective, in each measurement apart."""
    objectives = list(objectives)
    return [
        _judgement(scenario, measurement, each, runs)
        for measurement, scenario, runs in groups(comparing.quiet(raw))
        for each in objectives
    ]


def _judgement(scenario: str, measurement: Measurement, objective: Objective, runs: pd.DataFrame) -> Judgement:
    column, factor = METRICS[objective.name]
    measured = median_interval(runs[column] / factor if column in runs else [])
    if not measured.runs:
        return Judgement(scenario, measurement, objective, measured, None, False)
    holds = RELATIONS[objective.relation]
    held = bool(holds(measured.median, objective.limit))
    ends = [bool(holds(end, objective.limit)) for end in (measured.low, measured.high)]
    certain = measurement.timing == "exact" or (not math.isnan(measured.low) and ends == [held, held])
    return Judgement(scenario, measurement, objective, measured, held, certain)


def _objective(where: str, name: str, value: Any) -> Objective:
    if name not in METRICS:
        near = difflib.get_close_matches(name, METRICS, n=1)
        remedy = f"did you mean {near[0]}?" if near else "give one of " + ", ".join(METRICS)
        raise Complaint(where, f"unknown objective {shown(name)}: {remedy}")
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= LARGEST:
        return Objective(name, ">=" if comparing.higher_is_better(name) else "<=", float(value))
    try:
        relation, limit = LIMIT.fullmatch(value).groups()  # type: ignore[union-attr]
        return Objective(name, relation, strict.real(limit))
    except (TypeError, AttributeError, ValueError):
        what = f'{name} = {shown(value)} is not valid: give a number, or a limit such as ">= 900"'
        raise Complaint(where, what) from None
