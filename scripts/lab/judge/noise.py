"""The noise floor: which change this host can detect at all, from runs of A against A."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from lab.judge import comparing
from lab.plan.contract import Column
from lab.tables.estimate import spread
from lab.tables.measurement import Measurement, groups, quiet
from lab.judge.comparing import Comparison, Verdict
from lab.text import numbers

PLANNED_RUNS = (3, 5, 10, 20)
HEAD = "smallest change that REPS runs of each side find in nine of ten cases"


class Floor(NamedTuple):
    """Of one metric of one scenario: how far its runs spread, and what a comparison of so many can see."""

    measurement: Measurement
    scenario: str
    metric: str
    runs: int
    spread: float  # from run to run, as a share
    detectable: dict[int, float]  # by the runs of each side, as a share


def floors(raw: pd.DataFrame, metrics: Sequence[Column]) -> list[Floor]:
    """Of the quiet live runs, which are all of the same A. What does not vary, or may be 0, has no floor."""
    found = []
    for measurement, scenario, runs in groups(quiet(raw)):
        for metric in (each.name for each in metrics if measurement.timing == "live" and each.name in runs):
            deviation = spread(runs[metric])
            if deviation > 0:
                detectable = {each: comparing.detectable_change(deviation, each) for each in PLANNED_RUNS}
                found.append(Floor(measurement, scenario, metric, len(runs), deviation, detectable))
    return found


def against_itself(raw: pd.DataFrame, metrics: Sequence[Column]) -> list[Comparison]:
    """Every second run against the others: whatever is called better or worse here, no change has caused it."""
    comparisons: list[Comparison] = []
    for measurement, scenario, runs in groups(quiet(raw)):
        if measurement.timing == "live":
            halves = runs.iloc[::2], runs.iloc[1::2]
            if len(halves[1]):
                pairs = comparing.pairs_of(scenario, *halves, metrics)
                comparisons += comparing.compare(pairs)
    return comparisons


def text(found: Sequence[Floor], comparisons: Sequence[Comparison]) -> str:
    """For a terminal: a line a scenario and metric, and what A against A came to."""
    lines = []
    for measurement in dict.fromkeys(each.measurement for each in found):
        lines += [f"{measurement}: {HEAD}", ""]
        head = "".join(f"{f'REPS={runs}':>10}" for runs in PLANNED_RUNS)
        lines.append(f"{'scenario':20} {'metric':18} {'runs':>5} {'spread':>8}{head}")
        for each in (each for each in found if each.measurement == measurement):
            cells = "".join(f"{_share(change):>10}" for change in each.detectable.values())
            lines.append(f"{each.scenario:20} {each.metric:18} {each.runs:>5} {_share(each.spread):>8}{cells}")
        lines.append("")
    false = [each for each in comparisons if each.verdict in (Verdict.BETTER, Verdict.WORSE)]
    lines.append(f"A against A, every second run: {len(false)} of {len(comparisons)} comparisons are called different")
    lines += [f"  {each.scenario}, {each.measurement}, {each.metric}: {each.text()}" for each in false]
    return "\n".join(lines)


def _share(change: float) -> str:
    """2.5 %, 31 %, × 12; '-' where so few runs never tell."""
    if math.isinf(change):
        return "-"
    return numbers.factor(change) if change >= 9 else numbers.share(change)
