"""The gate: is one set of results worse than another, and does it hold the suite's objectives?"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from lab.tables import measurement
from lab.judge import comparing
from lab.text import numbers
from lab.text.complaint import Complaint
from lab.tables.measurement import CIRCUMSTANCES, Measurement
from lab.judge.objectives import Judgement, judge, objectives_of
from lab.plan.contract import Contract
from lab.plan.objectives import Objective
from lab.tables.results import Results
from lab.judge.comparing import Comparison, Verdict
from lab.judge.finding import TICKED_S
from lab.plan.kinds import MARGIN

GOOD, WORSE, MISSED, INCONCLUSIVE = 0, 3, 4, 5
Groups = Mapping[tuple[Measurement, str], pd.DataFrame]
# What the attendant leaves of a user's program: what it is, its unit, and how much of it is worth a word.
CPU_S = "cpu_s"  # of both kinds together
COUNTED = {
    "voluntary_switches": ("threads went to sleep", " times", 100),
    "involuntary_switches": ("threads were preempted", " times", 100),
    CPU_S: ("CPU time", " s", 0.02),
    "system_s": ("CPU time of the kernel", " s", TICKED_S),
    "user_s": ("CPU time of the program", " s", TICKED_S),
    "threads": ("threads", "", 2),
    "max_rss_bytes": ("largest resident memory", " bytes", 1 << 22),
}
MUCH = 1.5  # times as much
UNDECIDED = (Verdict.INCONCLUSIVE, Verdict.MIXED)


@dataclass(frozen=True)
class Gate:
    """What came of comparing two sets of one suite, and of its objectives."""

    suite: str
    comparisons: list[Comparison]
    judgements: list[Judgement]
    remarks: list[str]  # what differs, for the reader
    lacking: list[str]  # what was measured on both sides, but cannot be compared
    contract: Contract  # of what was measured
    causes: Sequence[str] = ()  # what else became different where something is better or worse

    @property
    def exit_code(self) -> int:
        """3 before 4 before 5: what is certain to be bad comes first."""
        if any(each.verdict is Verdict.WORSE for each in self.comparisons):
            return WORSE
        if any(each.held is False for each in self.judgements):
            return MISSED
        undecided = bool(self.lacking) or any(each.verdict in UNDECIDED for each in self.comparisons)
        unmeasured = any(each.held is None for each in self.judgements)
        nothing = not self.comparisons and not self.judgements
        return INCONCLUSIVE if undecided or unmeasured or nothing else GOOD


def check(base: Results, new: Results, allowed: Collection[str] = ()) -> list[str]:
    """Refuses two sets that differ in more than the program, unless the difference is in `allowed`.

    Gives a remark for each difference that was allowed.
    """
    for name in allowed:
        if name not in CIRCUMSTANCES:
            raise Complaint("--allow", f"'{name}' is not valid: give one of {', '.join(CIRCUMSTANCES)}")
    remarks = []
    for (name, first, second), places in _differences(base, new).items():
        others = f", and {len(places) - 1} more" if len(places) > 1 else ""
        what = f"{name} is {second}, but {first} in {base.source.parent} ({places[0]}{others})"
        if name not in allowed:
            remedy = f"measure both alike, or name the difference with '--allow {name}'"
            raise Complaint(new.source, f"{new.suite}: {what}: {remedy}")
        remarks.append(f"{what}; allowed")
    return remarks


def run(
    base: Results,
    new: Results,
    objectives: Iterable[Objective] = (),
    allowed: Collection[str] = (),
    margin: float = MARGIN,
) -> Gate:
    """Compares what both have, measurement by measurement; the objectives are of `new`."""
    remarks = check(base, new, allowed)
    before, now = (_quiet_groups(each) for each in (base, new))
    lacking: list[str] = []
    for only, where, other in ((before.keys() - now.keys(), base, new), (now.keys() - before.keys(), new, base)):
        for measured, scenario in sorted(only):
            text = f"{scenario}, {measured}: has quiet runs in {where.source.parent} alone"
            (lacking if _was_tried(other, measured, scenario) else remarks).append(text)
    comparisons: list[Comparison] = []
    known = measurement.contract_of(new.environment)
    for measured in dict.fromkeys(measured for measured, _ in now):
        both = [key for key in now if key in before and key[0] == measured]
        if both and (apart := _made_apart(measured, base, new)):
            lacking.append(apart)
            continue
        pairs = [pair for key in both for pair in comparing.pairs_of(key[1], before[key], now[key], known.judged)]
        comparisons += comparing.compare(pairs, margin)
    judgements = judge(new.raw, objectives)
    return Gate(new.suite, comparisons, judgements, remarks, lacking, known, _causes(before, now, comparisons))


def _made_apart(measured: Measurement, base: Results, new: Results) -> str:
    """What keeps live runs from being compared: those of one side were over when most of the other's were made.

    What a host does drifts, and more runs make it only surer of what was the day's: verdicts of runs that were made
    apart would be wrong in a third of cases and more. Exact runs know no day.
    """
    if measured.timing == "exact":
        return ""
    spans = []
    for side in (base, new):
        host = measurement.each_of(side.environment)[measured]["host"]
        spans.append(tuple(datetime.fromisoformat(host[end]) for end in ("from", "to")))
    (first, until), (other_first, other_until) = spans
    together = min(until, other_until) - max(first, other_first)
    shorter = min(until - first, other_until - other_first)
    if together >= shorter / 2 and together >= timedelta(0):
        return ""
    times = [f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}" for begin, end in spans]
    return (
        f"{measured}: these runs were made from {times[1]}, and those of {base.source.parent} from {times[0]}: what the"
        " host did meanwhile may be all that differs: not comparable. 'make ab' runs both in turns"
    )


def _causes(before: Groups, now: Groups, comparisons: Iterable[Comparison]) -> list[str]:
    """What the kernel counted of a user's program where a verdict is clear, if it changed by much: the largest first."""
    clear = dict.fromkeys(
        (each.measurement, each.scenario) for each in comparisons if each.verdict in (Verdict.BETTER, Verdict.WORSE)
    )
    lines = []
    for measured, scenario in clear:
        sides = [_with_cpu_time(side[measured, scenario]) for side in (before, now)]
        changes = []
        for name, (what, unit, least) in COUNTED.items():
            first, second = (float(side[name].median()) if name in side else math.nan for side in sides)
            if max(first, second) >= least and not 1 / MUCH < (second + least / 10) / (first + least / 10) < MUCH:
                texts = [numbers.count(value) for value in (first, second)]
                factor = abs(math.log((second + least / 10) / (first + least / 10)))
                changes.append((factor, f"{what} {texts[0]} → {texts[1]}{unit}"))
        if changes:
            said = ", ".join(text for _, text in sorted(changes, reverse=True))
            lines.append(f"{scenario}, {measured}, what else changed: {said}")
    return lines


def _with_cpu_time(runs: pd.DataFrame) -> pd.DataFrame:
    parts = [name for name in ("user_s", "system_s") if name in runs]
    return runs.assign(**{CPU_S: runs[parts].sum(axis=1)}) if parts else runs


def _quiet_groups(results: Results) -> dict[tuple[Measurement, str], pd.DataFrame]:
    return {(each, name): runs for each, name, runs in measurement.groups(measurement.quiet(results.raw))}


def _was_tried(results: Results, measured: Measurement, scenario: str) -> bool:
    """Whether there are such runs, but noisy ones, or on another accelerator: then nothing is known of them."""
    raw = results.raw
    alike = (raw["target"] == measured.target) & (raw["timing"] == measured.timing) & (raw["scenario"] == scenario)
    return bool(alike.any())


def _differences(base: Results, new: Results) -> dict[tuple[str, str, str], list[str]]:
    """Where the two are not alike: name, before and now, and in which measurements and scenarios that both have."""
    before, now = (measurement.each_of(each.environment) for each in (base, new))
    found: dict[tuple[str, str, str], list[str]] = {}
    for measured in (each for each in now if each in before):
        for scenario in (name for name in now[measured]["scenarios"] if name in before[measured]["scenarios"]):
            first, second = (measurement.circumstances(side[measured], scenario) for side in (before, now))
            for name in (name for name in first if name in second and first[name] != second[name]):
                found.setdefault((name, first[name], second[name]), []).append(f"{scenario}, {measured}")
    return found


def run_all(base: Mapping[str, Results], new: Mapping[str, Results], allowed: Collection[str] = ()) -> list[Gate]:
    """A gate for each suite of `new` that there is something to say about, judged as its environment file says."""
    gates = []
    for name, results in new.items():
        objectives = objectives_of(results.environment)
        if name in base:
            margin = results.environment.get("margin", MARGIN)
            gates.append(run(base[name], results, objectives, allowed, margin=margin))
        elif objectives:
            known = measurement.contract_of(results.environment)
            gates.append(Gate(name, [], judge(results.raw, objectives), ["has nothing to be compared with"], [], known))
    if not gates:
        both = f"{', '.join(new)} here, {', '.join(base)} there"
        raise Complaint("--base", f"has no suite in common with the new results ({both}): measure the same suites")
    return gates


def overall(gates: Iterable[Gate]) -> int:
    """The exit code of several suites: the worst, in the order 3, 4, 5, 0."""
    codes = {each.exit_code for each in gates}
    return next((code for code in (WORSE, MISSED, INCONCLUSIVE) if code in codes), GOOD)
