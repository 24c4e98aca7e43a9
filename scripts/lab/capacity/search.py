"""A capacity search: the highest rate at which a scenario holds its objectives, by bisection.

Rates are tried from the lowest up, a decade apart, until one is not held; then the span between the last two is
halved on a logarithmic scale. All is decided by the runs that are there, so a search that was stopped goes on.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import pandas as pd

from lab.judge.objectives import RELATIONS, Judgement, judge
from lab.plan.contract import Option
from lab.plan.kinds import TIMES, Number, Value, plain
from lab.plan.objectives import Objective
from lab.tables.measurement import quiet
from lab.plan.suite import Scenario, Suite
from lab.text import numbers
from lab.text.complaint import FAILED, Complaint

DIGITS = 3  # of a rate
LADDER = 10.0  # between the rates that are tried first
FASTEST_OPS_S = 10_000_000.0  # an interval is whole nanoseconds: beyond this they would be too coarse
NEGATED = {"<=": ">", ">=": "<", "<": ">=", ">": "<="}


class State(Enum):
    """What the runs of a point say."""

    HELD = "held"
    MISSED = "missed"
    UNDECIDED = "undecided"  # the runs disagree, or the host disturbed them, and there may be no more of them
    OPEN = "open"  # more runs are needed


@dataclass(frozen=True)
class Point:
    """One rate and its runs, as rows of a raw table. `why` names the objectives that are missed."""

    rate_ops_s: float
    runs: pd.DataFrame
    state: State
    why: str = ""


@dataclass(frozen=True)
class Search:
    """What to find, and how closely: until the rates of a bracket differ by `precision` (a share) or less.

    A point has `replicates` runs; in live timing as many more again while they disagree, up to `most_replicates`.
    """

    low_ops_s: float
    high_ops_s: float
    precision: float
    replicates: int
    most_replicates: int
    objectives: tuple[Objective, ...]

    def explore(self, point_of: Callable[[float], Point]) -> tuple[list[Point], list[float]]:
        """What is known, and the rates that need runs now: none when the search is over.

        `point_of` gives the point at a rate, judged as judge() does.
        """
        known = {rate: point for rate in self.ladder() if (point := point_of(rate)).state is not State.OPEN}
        low = high = 0.0
        for rate in self.ladder():
            if rate not in known:
                return list(known.values()), [rate]
            low, high = high, rate
            if known[rate].state is not State.HELD:
                break
        else:
            return list(known.values()), []
        if not low:
            return list(known.values()), []
        beyond = [rate for rate in self.ladder() if rate > high][:1]  # shows how the curve goes on
        wanted = [rate for rate in beyond if rate not in known]
        while high / low > 1 + self.precision and (rate := rounded(math.sqrt(low * high))) not in (low, high):
            point = point_of(rate)
            if point.state is State.OPEN:
                return list(known.values()), [rate, *wanted]
            known[rate] = point
            low, high = (rate, high) if point.state is State.HELD else (low, rate)
        return [known[rate] for rate in sorted(known)], wanted

    def ladder(self) -> list[float]:
        """The rates that are tried first, ascending."""
        steps = math.ceil(math.log(self.high_ops_s / self.low_ops_s, LADDER) - 1e-9)
        return [*(rounded(self.low_ops_s * LADDER**step) for step in range(steps)), self.high_ops_s]

    def judge(self, rate_ops_s: float, runs: pd.DataFrame) -> Point:
        """The point of finished `runs` (rows of a raw table). Raises Complaint where an objective cannot be measured."""
        good = quiet(runs) if len(runs) else runs
        if len(good) < self.replicates:
            return self._short_of(rate_ops_s, runs, "the host disturbed its runs")
        judgements = judge(good, self.objectives)
        holds = [_holds(run, self.objectives) for _, run in good.iterrows()]
        missed = [each for each in judgements if each.held is False]
        unknown = [str(each.objective) for each in judgements if each.held is None]
        if unknown and not missed:
            what = f"{unknown[0]} cannot be judged from {good['items'].median():,.0f} items"
            remedy = "give a longer DURATION, or a higher lowest rate (RATES)"
            raise Complaint(f"at {per_second(rate_ops_s)}", f"{what}: {remedy}", FAILED)
        if all(holds):
            return Point(rate_ops_s, runs, State.HELD)
        if not any(holds):
            why = ", ".join(map(_excess, missed))
            return Point(rate_ops_s, runs, State.MISSED, why or "no run holds all objectives")
        unsure = [each for each in judgements if not each.certain]
        said = ", ".join(_excess(each) + _doubt(each) for each in missed or unsure)
        why = f"{sum(holds)} of {len(holds)} runs hold" + f": {said}" * bool(said)
        if any(each.certain for each in missed):
            return Point(rate_ops_s, runs, State.MISSED, why)
        if not missed and not unsure:
            return Point(rate_ops_s, runs, State.HELD, why)
        return self._short_of(rate_ops_s, runs, why)

    def _short_of(self, rate_ops_s: float, runs: pd.DataFrame, why: str) -> Point:
        """A point that the runs do not decide: open while there may be more of them."""
        return Point(rate_ops_s, runs, State.OPEN if len(runs) < self.most_replicates else State.UNDECIDED, why)

    def wanted_replicates(self, there: int) -> int:
        """How many runs an open point with so many is to have."""
        return self.replicates if there < self.replicates else min(self.most_replicates, there + self.replicates)


def rounded(rate_ops_s: float) -> float:
    """To DIGITS significant digits, which is what people read."""
    return float(f"{rate_ops_s:.{DIGITS - 1}e}")


def per_second(rate_ops_s: float) -> str:
    """41,000/s."""
    return f"{rate_ops_s:,.10g}/s"


def so_far(points: Sequence[Point]) -> str:
    """'5 rates: holds at 10,000/s, not at 100,000/s'."""
    beyond = min((each.rate_ops_s for each in points if each.state is not State.HELD), default=math.inf)
    held = max((each.rate_ops_s for each in points if each.rate_ops_s < beyond), default=0.0)
    known = [f"holds at {per_second(held)}"] * (held > 0) + [f"not at {per_second(beyond)}"] * (beyond < math.inf)
    rates = f"{len(points)} rate{'s' * (len(points) != 1)}"
    return f"{rates}: {', '.join(known)}" if known else rates


def interval_us(rate_ops_s: float) -> Value:
    """The time between items, to the nanosecond."""
    return plain(round(1e6 / rate_ops_s, 3))


def value_at(rate_ops_s: float, load: Option) -> Value:
    """What sets the rate: the time between items, to the nanosecond, or the rate itself."""
    if load.means == "rate":
        return round(rate_ops_s) if isinstance(load.kind, Number) and load.kind.whole else plain(rate_ops_s)
    return plain(round(TIMES["s"] / rate_ops_s) / TIMES[load.unit or "s"])


def at(suite: Suite, scenario: Scenario, rate_ops_s: float, load: Option) -> Suite:
    """The suite with that scenario alone, at that rate, which the option `load` sets."""
    options = scenario.options | {load.name: value_at(rate_ops_s, load)}
    return replace(suite, scenarios=(replace(scenario, options=options),))


def scenario_of(suite: Suite) -> tuple[Scenario, Option]:
    """The suite's only scenario, and the option that sets its rate. Raises Complaint when none does."""
    (scenario,), workload = suite.scenarios, suite.contract
    where, load, arrival = f"{suite.name}/{scenario.name}", workload.load, workload.meaning("arrival")
    if load is None:
        raise Complaint(where, f"{workload.name} has no option for its rate: give a scenario of another workload")
    if arrival and str(scenario.options.get(arrival.name, "")).startswith("burst"):
        what = f"{arrival.name} = {scenario.options[arrival.name]} has no rate that its interval alone decides"
        raise Complaint(where, f"{what}: give a scenario with constant or poisson arrivals")
    return scenario, load


def _holds(run: pd.Series, wanted: Sequence[Objective]) -> bool:
    """Whether one run alone holds all objectives."""
    return all(RELATIONS[each.relation](run.get(each.column, math.nan) / each.factor, each.limit) for each in wanted)


def _excess(judgement: Judgement) -> str:
    """'response_p99_us 231 > 200', or how it stands where the median holds."""
    objective = judgement.objective
    relation = objective.relation if judgement.held else NEGATED[objective.relation]
    median = unlike(judgement.measured.median, objective.limit)
    return f"{objective.name} {median} {relation} {objective.limit:,g}"


def _doubt(judgement: Judgement) -> str:
    """The interval of the median, where the limit is inside it."""
    low, high = judgement.measured.low, judgement.measured.high
    unsure = not judgement.certain and not math.isnan(low)
    return f", 95 % interval {numbers.count(low)} to {numbers.count(high)}" if unsure else ""


def unlike(value: float, limit: float) -> str:
    """Three significant digits; more where the value would read as the limit that it is not."""
    texts = (numbers.count(value, digits) for digits in range(DIGITS, 10))
    return next((text for text in texts if value == limit or float(text.replace(",", "")) != limit), str(value))
