"""Whether the runs of each scenario hold the suite's objectives."""

import math
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lab.plan.objectives import Objective
from lab.tables.estimate import Estimate, median_interval
from lab.tables.measurement import Measurement, groups, quiet

RELATIONS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


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


def judge(raw: pd.DataFrame, objectives: Iterable[Objective]) -> list[Judgement]:
    """Every scenario's quiet runs against every objective, in each measurement apart."""
    objectives = list(objectives)
    return [
        _judgement(scenario, measurement, each, runs)
        for measurement, scenario, runs in groups(quiet(raw))
        for each in objectives
    ]


def _judgement(scenario: str, measurement: Measurement, objective: Objective, runs: pd.DataFrame) -> Judgement:
    known = objective.column in runs
    measured = median_interval(runs[objective.column] / objective.factor if known else [])
    if not measured.runs:
        return Judgement(scenario, measurement, objective, measured, None, False)
    holds = RELATIONS[objective.relation]
    held = bool(holds(measured.median, objective.limit))
    ends = [bool(holds(end, objective.limit)) for end in (measured.low, measured.high)]
    certain = measurement.timing == "exact" or (not math.isnan(measured.low) and ends == [held, held])
    return Judgement(scenario, measurement, objective, measured, held, certain)


def objectives_of(environment: Mapping[str, Any]) -> list[Objective]:
    """Those that an environment file has."""
    return [Objective(**each) for each in environment.get("objectives", [])]
