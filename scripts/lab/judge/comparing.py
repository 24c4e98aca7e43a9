"""What runs can prove. The run is the unit of replication, never the item.

Why nothing here is resampled: a bootstrap of a median covers the truth in 72 to 95 % of cases at 3 to 10
runs, not in 95 %. The intervals below invert exact tests instead, and cover it in 93 to 97 %; where runs
are too few for that (under 6 of a scenario, under 4 against 4), Student's t of the logarithms does.
tests/test_comparing.py measures both.

- Interval of a median: see lab.tables.estimate.
- Change against a baseline: the median of the ratios of every run with every run of the baseline, with the
  interval that inverts the rank-sum test; Hollander, Wolfe and Chicken, Nonparametric Statistical Methods,
  4.2 and 4.3. One wild run in ten hardly moves either; a mean would follow it.
- p value: the permutation distribution of that rank sum, ties and all, enumerated and not sampled (lab.judge.ranks).
- Exact timing: its runs are alike but for the seed, which is chance all the same, as it is once code moves: a test of the
  steps from seed to seed (lab.judge.paired).
- Several comparisons: Holm, "A simple sequentially rejective multiple test procedure" (1979).
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy import special

from lab.judge import paired, placement, ranks
from lab.tables.estimate import LEVEL, MIN_RUNS, finite, student_t
from lab.tables.measurement import KEYS, Measurement, quiet
from lab.plan.contract import Column
from lab.plan.kinds import MARGIN
from lab.text import numbers

ALPHA = 0.04  # of all tests of one table together: 1,000 of them then stay below 5 % even by bad luck
POWER = 0.8  # with which the runs that are asked for would decide
DETECTED = 0.9  # power with which a comparison would have shown the change that is given beside "inconclusive"
LEAST_CHANGE = -1 + 2**-53  # -100 % is what rounding makes of it
MOST_RUNS = 1000  # that it makes sense to ask for
LEAST_PLACED = 2  # runs of each side at one placement: of one alone it is chance
RANK_EFFICIENCY = 3 / math.pi  # of the rank sum, beside a t test of normal values


class Verdict(Enum):
    """What is known of a change. Exact timing alone gives EQUAL and MIXED."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    INCONCLUSIVE = "inconclusive"
    EQUAL = "equal"
    MIXED = "seeds disagree"


@dataclass(frozen=True)
class Comparison:
    """One metric of one scenario against its baseline.

    `change`, `low` and `high` are relative (0.05: 5 % more) unless `absolute`: of a share, and where a zero or
    negative value allows no ratio, they are in the metric's own unit. In exact timing, `low` and `high` span
    the seeds. `more_runs` of each side would decide; NaN when none are needed,
    infinite when more than 1000 are. Where it is inconclusive, a true change of `detectable` would have been
    found with DETECTED; infinite where so few runs find nothing.
    """

    scenario: str
    measurement: Measurement
    metric: str  # a column of the raw table
    higher_is_better: bool
    base: float
    value: float
    base_runs: int
    runs: int
    margin: float
    change: float = math.nan
    low: float = math.nan
    high: float = math.nan
    absolute: bool = False
    p_value: float = math.nan  # as tested
    p_adjusted: float = math.nan  # for the number of comparisons
    verdict: Verdict = Verdict.INCONCLUSIVE
    more_runs: float = math.nan
    detectable: float = math.nan
    unit: str = "count"  # the metric's
    rare: str = ""  # what a few runs of one side have, and none of the other's, where both medians are 0
    where: str = ""  # the placement that both sides had, of lab.judge.placement; "" where all runs had the same
    steps: tuple[float, ...] = ()  # in exact timing, from seed to seed

    def text(self) -> str:
        """For a cell of a table: the verdict, the change and what would decide."""
        if self.verdict is Verdict.EQUAL:
            return "equal"
        if math.isnan(self.change):
            return f"{self.verdict.value}: too few runs have a value"
        word = f"same within {self.margin * 100:g} %" if self.verdict is Verdict.SAME else self.verdict.value
        text = f"{word}: {self.amount(self.change)}"
        if not math.isnan(self.low):
            text += f" ({self.amount(self.low)} to {self.amount(self.high)})"
        if self.verdict is Verdict.INCONCLUSIVE and not math.isnan(self.more_runs):
            many = f"more than {MOST_RUNS}" if math.isinf(self.more_runs) else f"about {self.more_runs:.0f}"
            text += f"; {many} more runs of each would decide"
        return text + (f"; {self.rare}" if self.rare else "")

    def amount(self, change: float) -> str:
        """'+5.0 %' or '× 12.3'; where it is absolute '+1.2 pp' of a share, and else '+3.4 µs'."""
        if self.absolute:
            return numbers.step(change, self.unit)
        return f"{change:+.1%}".replace("%", " %") if abs(change) < 10 else f"× {1 + change:.3g}"


@dataclass(frozen=True)
class Pair:
    """The values of one metric to compare, by seed in exact timing. `base` is the baseline's."""

    scenario: str
    measurement: Measurement
    metric: str
    higher_is_better: bool
    base: pd.Series
    value: pd.Series
    unit: str = "count"
    where: str = ""


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values, raised for their number. NaN was no test, and stays."""
    order = [index for index in np.argsort(p_values) if not math.isnan(p_values[index])]
    adjusted = [math.nan] * len(p_values)
    highest = 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, p_values[index] * (len(order) - place)))
        adjusted[index] = highest
    return adjusted


def compare(pairs: Sequence[Pair], margin: float = MARGIN, others: int = 0) -> list[Comparison]:
    """A verdict for each pair. They share one level, ALPHA, with so many `others`."""
    measured = [_measured(pair, margin) for pair in pairs]
    adjusted = holm([each.p_value for each in measured] + [1.0] * others)
    tests = others + sum(not math.isnan(each.p_value) for each in measured)
    return [
        each if math.isnan(p_value) else _judged(replace(each, p_adjusted=p_value), tests)
        for each, p_value in zip(measured, adjusted)
    ]


def against_baseline(
    raw: pd.DataFrame, baselines: Mapping[str, str], metrics: Sequence[Column], margin: float = MARGIN
) -> list[Comparison]:
    """Every scenario against the one that `baselines` has for it, in each measurement apart, if both have quiet runs
    at equal placement."""
    comparisons = []
    for _, runs in quiet(raw).groupby(KEYS, sort=False):
        groups = {name: group for name, group in runs.groupby("scenario", sort=False)}
        both = [name for name in groups if baselines.get(name) in groups]
        pairs = [pair for name in both for pair in placed_pairs(name, groups[baselines[name]], groups[name], metrics)]
        comparisons += compare(pairs, margin)
    return comparisons


def pairs_of(
    scenario: str, base: pd.DataFrame, value: pd.DataFrame, metrics: Iterable[Column], where: str = ""
) -> list[Pair]:
    """The pairs of those metrics that any of the runs has. All rows are of one measurement."""
    before, after = (side if side.index.name == "seed" else side.set_index("seed") for side in (base, value))
    measurement = Measurement(*value[KEYS].iloc[0])
    present = [(each.name, each.metric) for each in metrics if each.name in before and each.name in after]
    return [
        Pair(scenario, measurement, name, metric.higher_is_better, before[name], after[name], metric.unit, where)
        for name, metric in present
        if before[name].notna().any() or after[name].notna().any()
    ]


def placed_pairs(scenario: str, base: pd.DataFrame, value: pd.DataFrame, metrics: Sequence[Column]) -> Iterator[Pair]:
    """The same at equal placement: those that LEAST_PLACED runs of both sides had, in exact timing with the same seeds. A
    percentile that one side has not is not compared."""
    for where, before, after in placement.blocks(base, value):
        exact = value["timing"].iat[0] == "exact"
        runs = len({*before["seed"]} & {*after["seed"]}) if exact else min(len(before), len(after))
        stated = [
            each
            for each in metrics
            if not each.percentile
            or all(each.name in side and side[each.name].notna().any() for side in (before, after))
        ]
        if not where or runs >= LEAST_PLACED:
            yield from pairs_of(scenario, before, after, stated, where)


def detectable_change(spread_share: float, runs: int, margin: float = MARGIN) -> float:
    """The smallest true change, as a share, that `runs` of each side find with DETECTED (one comparison)."""
    return math.expm1(_detectable(_error(spread_share, runs, runs), runs, runs, ALPHA, math.log1p(margin)))


def _detectable(error: float, first: int, second: int, alpha: float, margin: float) -> float:
    """The same on the scale of the test, of an `error` of the difference of both sides."""
    levels = 2 * np.cumsum(ranks.untied(first, second))  # that so few runs can have
    if levels[0] > alpha:
        return math.inf
    alpha = float(levels[levels <= alpha][-1])
    error /= math.sqrt(RANK_EFFICIENCY)
    return max(student_t(alpha, first + second - 2) * error, margin) + float(special.ndtri(DETECTED)) * error


def _measured(pair: Pair, margin: float) -> Comparison:
    """What is known of a pair before the tests of all pairs are judged together."""
    if pair.measurement.timing == "exact":  # seed by seed
        both = np.column_stack([pair.base, pair.value.reindex(pair.base.index)]).astype(float)
        base, value = both[np.isfinite(both).all(axis=1)].T
    else:
        base, value = finite(pair.base), finite(pair.value)
    unknown = Comparison(
        scenario=pair.scenario,
        measurement=pair.measurement,
        metric=pair.metric,
        higher_is_better=pair.higher_is_better,
        base=float(np.median(base)) if len(base) else math.nan,
        value=float(np.median(value)) if len(value) else math.nan,
        base_runs=len(base),
        runs=len(value),
        margin=margin,
        unit=pair.unit,
        where=pair.where,
    )
    if not len(base) or not len(value):
        return unknown
    absolute = pair.unit == "share" or bool(min(base.min(), value.min()) <= 0)
    known = replace(unknown, absolute=absolute, rare=_rare(base, value, pair.unit))
    return (_exact if pair.measurement.timing == "exact" else _live)(known, base, value)


def _rare(base: np.ndarray, value: np.ndarray, unit: str) -> str:
    """What medians of 0 hide: a drop in one run of ten is harm, and one of none is not."""
    if np.median(base) != 0 or np.median(value) != 0 or bool(base.any()) == bool(value.any()):
        return ""
    has, other = (value, base) if value.any() else (base, value)
    most = numbers.step(float(has[np.argmax(np.abs(has))]), unit).lstrip("+")
    who = "the baseline's" if has is base else "these"
    return f"{np.count_nonzero(has)} of {who} {len(has)} runs have up to {most}, and none of the other {len(other)}"


def _live(known: Comparison, base: np.ndarray, value: np.ndarray) -> Comparison:
    """Measured and tested, but not yet judged. The sign is that of most runs."""
    if not np.ptp(np.concatenate([base, value])):  # nothing varies: no test, and no room for chance
        enough = min(len(base), len(value)) >= MIN_RUNS
        verdict = Verdict.SAME if enough else Verdict.INCONCLUSIVE
        more = math.nan if enough else float(MIN_RUNS - min(len(base), len(value)))
        limit = 0.0 if enough else math.nan
        return replace(known, change=0.0, low=limit, high=limit, verdict=verdict, more_runs=more)
    scaled = (base, value) if known.absolute else (np.log(base), np.log(value))
    p_value = ranks.rank_sum_p(base, value)
    change, low, high = _shift(*scaled)
    if not change and p_value <= ALPHA:  # so many ties that the median of differences sees nothing of what differs
        change, low, high = float(scaled[1].mean() - scaled[0].mean()), *_two_samples(*scaled)
    if not known.absolute:
        change, low, high = (math.expm1(limit) for limit in (change, low, high))
    return replace(known, change=change, low=low, high=high, p_value=p_value)


def _judged(measured: Comparison, tests: int) -> Comparison:
    if measured.measurement.timing == "exact":
        return _judged_exact(measured, tests)
    margin, change, low, high = _on_test_scale(measured)
    decided = measured.p_adjusted <= ALPHA and (low > 0 or high < 0) and abs(change) > margin
    if -margin <= low and high <= margin:
        verdict = Verdict.INCONCLUSIVE if measured.rare else Verdict.SAME
    elif decided:
        verdict = direction(change, measured.higher_is_better)
    else:
        return _undecided(measured, ALPHA / tests)
    return replace(measured, verdict=verdict)


def _on_test_scale(measured: Comparison) -> tuple[float, float, float, float]:
    """Margin, change and interval where they are symmetric: of ratios the logarithm, of differences themselves."""
    limits = (measured.change, measured.low, measured.high)
    if measured.absolute:
        return measured.margin * max(abs(measured.base), abs(measured.value)), *limits
    change, low, high = (math.log1p(max(limit, LEAST_CHANGE)) for limit in limits)
    return math.log1p(measured.margin), change, low, high


def _undecided(measured: Comparison, alpha: float) -> Comparison:
    """With what these runs would have shown, and how many more of each side would decide with POWER, if change and spread
    are what they seem."""
    fewest = min(measured.base_runs, measured.runs)
    margin, change, low, high = _on_test_scale(measured)
    if math.isnan(low):
        return replace(measured, more_runs=float(MIN_RUNS - fewest))
    error = (high - low) / 2 / student_t(1 - LEVEL, measured.base_runs + measured.runs - 2)
    deviation = error / _error(1, measured.base_runs, measured.runs)
    runs = np.arange(MOST_RUNS + 1)
    same = abs(change) + deviation * _decisive(1 - LEVEL) <= margin
    apart = (abs(change) > margin) & (abs(change) > deviation * _decisive(alpha))
    enough = runs[(same | apart) & (runs > fewest)]
    shown = _detectable(error, measured.base_runs, measured.runs, alpha, margin)
    return replace(
        measured,
        more_runs=float(enough[0] - fewest) if len(enough) else math.inf,
        detectable=shown if measured.absolute else math.expm1(shown),
    )


@lru_cache(maxsize=256)
def _decisive(alpha: float) -> np.ndarray:
    """By runs of each side (0 to MOST_RUNS): the change, in deviations, that a test finds with POWER."""
    runs = np.arange(2, MOST_RUNS + 1)
    factors = (special.stdtrit(2 * runs - 2, 1 - alpha / 2) + special.ndtri(POWER)) * np.sqrt(2 / runs)
    testable = next(each for each in range(2, MOST_RUNS) if ranks.least_p(each, each) <= alpha)
    factors[: testable - 2] = math.inf
    return np.concatenate([[math.inf, math.inf], factors])


def _exact(known: Comparison, base: np.ndarray, value: np.ndarray) -> Comparison:
    """Seed by seed: yet to be judged where any of them differs by more than the margin."""
    changes = value - base if known.absolute else value / base - 1
    change, low, high = float(np.median(changes)), float(changes.min()), float(changes.max())
    measured = replace(known, change=change, low=low, high=high)
    steps = changes if known.absolute else np.log(value) - np.log(base)  # where there and back are equally far
    measured = replace(measured, steps=tuple(steps))
    if low == high == 0:
        return replace(measured, verdict=Verdict.EQUAL)
    margin = _on_test_scale(measured)[0]
    beyond = np.where(np.abs(steps) > margin, np.sign(steps), 0)  # by seed: more, less, or the same
    alike = (beyond == beyond[0]).all()
    verdict = Verdict.MIXED if not alike else Verdict.INCONCLUSIVE if beyond[0] else Verdict.SAME
    return replace(measured, verdict=verdict, p_value=paired.p_value(steps))


def is_beyond(measured: Comparison) -> bool:
    """Whether the middle step from seed to seed is beyond the margin, and the mean one on its side."""
    middle = float(np.median(measured.steps))
    return abs(middle) > _on_test_scale(measured)[0] and middle * float(np.mean(measured.steps)) > 0


def _judged_exact(measured: Comparison, tests: int) -> Comparison:
    if measured.verdict is Verdict.SAME:
        return measured
    steps, alpha, margin = np.array(measured.steps), ALPHA / tests, _on_test_scale(measured)[0]
    if measured.p_adjusted <= ALPHA and is_beyond(measured):
        return replace(measured, verdict=direction(measured.change, measured.higher_is_better))
    shown = paired.detectable(steps, alpha, margin, DETECTED)
    return replace(
        measured,
        more_runs=paired.more_seeds(steps, alpha, POWER),
        detectable=shown if measured.absolute else math.expm1(shown),
    )


def direction(change: float, higher_is_better: bool) -> Verdict:
    """The verdict of a change that is none of chance, and not 0."""
    return Verdict.BETTER if (change > 0) == higher_is_better else Verdict.WORSE


def _shift(base: np.ndarray, value: np.ndarray) -> tuple[float, float, float]:
    """Hodges and Lehmann's estimate of value - base, and its interval."""
    steps = np.sort(np.subtract.outer(value, base).ravel())
    change = float(np.median(steps))
    covered = 1 - 2 * np.cumsum(ranks.untied(len(base), len(value)))  # by the steps from here to its mirror
    depth = int(np.count_nonzero(covered >= LEVEL)) - 1
    if depth < 0:
        return change, *_two_samples(base, value)
    part = (covered[depth] - LEVEL) / (covered[depth] - covered[depth + 1])
    low = (1 - part) * steps[depth] + part * steps[depth + 1]
    high = (1 - part) * steps[-1 - depth] + part * steps[-2 - depth]
    return change, float(low), float(high)


def _two_samples(base: np.ndarray, value: np.ndarray) -> tuple[float, float]:
    """Student's, with one spread for both sides, as the rank sum supposes too."""
    if min(len(base), len(value)) < MIN_RUNS:
        return math.nan, math.nan
    freedom = len(base) + len(value) - 2
    variance = sum(((side - side.mean()) ** 2).sum() for side in (base, value)) / freedom
    half = student_t(1 - LEVEL, freedom) * _error(math.sqrt(variance), len(base), len(value))
    centre = value.mean() - base.mean()
    return float(centre - half), float(centre + half)


def _error(deviation: float, first: int, second: int) -> float:
    return deviation * math.sqrt(1 / first + 1 / second)
