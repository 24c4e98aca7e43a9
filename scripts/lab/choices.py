"""Choices: what one option changes, over all pairs of a suite's scenarios that differ in nothing else.

A scenario against its baseline is one such pair; here the same choice (consumer pinned to CPU 1, or not) is seen in
every company that the suite has it in, so that what it does by itself can be told from what it does in one place.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import pandas as pd

from lab import stages, statistics
from lab.findings import Case, of_suite
from lab.findings.study import DEFAULTS
from lab.statistics import Comparison, Verdict
from lab.kinds import MARGIN

LOAD = "prod-interval-us"  # pairs under one load are together: what is idle time there is waiting here
NEUTRAL = ("duration", LOAD)
METRICS = {
    "latency_p50_ns": "p50",
    "latency_p99_ns": "p99",
    "response_p99_ns": "response p99",
    "throughput_ops_s": "ops/s",
}
CLEAR = (Verdict.BETTER, Verdict.WORSE)
WORDS = {
    Verdict.BETTER: "**better**",
    Verdict.WORSE: "**worse**",
    Verdict.SAME: "same",
    Verdict.EQUAL: "same",
    Verdict.MIXED: "seeds disagree",
    Verdict.INCONCLUSIVE: "inconclusive",
}
NOT_SEEN = {  # by timing and accelerator: what it has not got
    ("exact", "tcg"): "what caches and CPUs that truly run at the same time add, as exact timing has neither.",
    ("live", "tcg"): "what hardware would do, as each CPU is an emulated one, woken and scheduled by this host.",
}
FEW_PAIRS = 2  # that are named


@dataclass(frozen=True)
class Choice:
    """One option's change from one value to another (empty: not given), under one load."""

    option: str
    before: str
    after: str
    interval_us: float
    pairs: tuple[tuple[str, str], ...]  # scenarios, before and after
    comparisons: tuple[Comparison, ...]  # of METRICS; a comparison's scenario is "before, after"
    mean_us: pd.DataFrame  # [pair, stage]: by how much the mean time in each stage changed; empty if not known


def of_measurement(raw: pd.DataFrame, environment: Mapping[str, Any], table: pd.DataFrame) -> list[Choice]:
    """All choices of one measurement; `raw` and `table`, of lab.stages.table(), are of that alone.

    In live timing the pairs of a choice share one level of error for each metric.
    """
    margin = environment.get("margin", MARGIN)
    cases = {case.scenario: case for case in of_suite(raw, environment).cases}
    runs = dict(tuple(statistics.quiet(raw).groupby("scenario", sort=False)))
    found: dict[tuple[str, str, str, float], list[tuple[str, str]]] = {}
    for first, second in permutations(cases.values(), 2):
        if difference := _difference(first, second):
            key = (*difference, first.interval_us)
            found.setdefault(key, []).append((first.scenario, second.scenario))
    return [
        Choice(*key, tuple(pairs), tuple(_compare(pairs, runs, margin)), _stage_changes(pairs, table))
        for key, pairs in sorted(found.items(), key=lambda each: (-each[0][3], list(found).index(each[0])))
    ]


def _difference(first: Case, second: Case) -> tuple[str, str, str] | None:
    """The only option in which two cases differ, with its values; each pair once: what is not given comes first."""
    if first.interval_us != second.interval_us:
        return None
    options = [dict(case.but_for(*NEUTRAL)[1]) for case in (first, second)]
    unlike = [name for name in options[0] | options[1] if options[0].get(name) != options[1].get(name)]
    if len(unlike) != 1:
        return None
    name = unlike[0]
    before, after = (each.get(name, "") for each in options)
    return (name, before, after) if _place(name, before) < _place(name, after) else None


def _place(option: str, value: str) -> tuple[object, ...]:
    """Orders values: none, what the program does by itself, numbers, words."""
    number = float(value) if value.replace(".", "", 1).isdigit() else math.inf
    return value != "", value != DEFAULTS.get(option), number, value


def _compare(pairs: Sequence[tuple[str, str]], runs: Mapping[str, pd.DataFrame], margin: float) -> Iterable[Comparison]:
    for metric in METRICS:
        of_pairs = [
            pair
            for before, after in pairs
            for pair in statistics.pairs_of(f"{before}, {after}", runs[before], runs[after], [metric])
        ]
        yield from statistics.compare(of_pairs, margin)


def _stage_changes(pairs: Sequence[tuple[str, str]], table: pd.DataFrame) -> pd.DataFrame:
    if table.empty:
        return pd.DataFrame()
    every = table[table["population"] == stages.ALL]
    means_us = every.pivot(index="scenario", columns="stage", values="mean_ns") / 1e3
    known = [(before, after) for before, after in pairs if {before, after} <= set(means_us.index)]
    return pd.DataFrame([means_us.loc[after] - means_us.loc[before] for before, after in known])


def answer(choices: Sequence[Choice]) -> list[str]:
    """What changed for better or for worse in every pair, and what the measurement cannot tell. None without choices."""
    clear = [
        f"{_name(choice)}{_load(choice)}: {', '.join(effects)}"
        for choice in choices
        if (effects := list(filter(None, (_clear(choice, metric) for metric in METRICS))))
    ]
    found = f"Better or worse in every pair of scenarios: {'; '.join(clear)}." if clear else ""
    return [text for text in (found, unknown(choices)) if text]


def _clear(choice: Choice, metric: str) -> str:
    """'p50 better (-16 % to -5 %)' if all pairs say so."""
    known = [each for each in choice.comparisons if each.metric == metric]
    if not known or known[0].verdict not in CLEAR or len({each.verdict for each in known}) > 1:
        return ""
    return f"{METRICS[metric]} {known[0].verdict.value} ({_amounts(known)})"


def _load(choice: Choice) -> str:
    return f" at {1e6 / choice.interval_us:,.0f}/s" if choice.interval_us else " at full speed"


def unknown(choices: Sequence[Choice]) -> str:
    """What the measurement cannot tell: one or two sentences."""
    comparisons = [each for choice in choices for each in choice.comparisons]
    if not comparisons:
        return ""
    measured = comparisons[0].measurement
    undecided = [each for each in comparisons if each.verdict is Verdict.INCONCLUSIVE]
    text = NOT_SEEN.get((measured.timing, measured.accelerator), "")
    if undecided:
        text += f" {len(undecided)} of {len(comparisons)} comparisons of pairs are inconclusive"
        needed = sorted(each.runs + each.more_runs for each in undecided if not math.isnan(each.more_runs))
        if needed and (half := needed[(len(needed) - 1) // 2]) <= statistics.MOST_RUNS:
            text += f", of which REPS={half:.0f} would decide half"
        text += "."
    return f"*Not known from this:* {text.strip()}" if text else ""


def markdown(choices: Sequence[Choice]) -> str:
    """A table of each load, a line a choice."""
    loads = dict.fromkeys(each.interval_us for each in choices)
    return "\n\n".join(_table(load, [each for each in choices if each.interval_us == load]) for load in loads)


def _table(interval_us: float, choices: Sequence[Choice]) -> str:
    load = f"{1e6 / interval_us:,.0f} items a second" if interval_us else "As many items as can be"
    lines = [
        f"| {load}: choice | pairs | {' | '.join(METRICS.values())} | mean response time, and the stage that changed most |",
        "|---" * (3 + len(METRICS)) + "|",
    ]
    for each in choices:
        cells = [_verdicts([known for known in each.comparisons if known.metric == metric]) for metric in METRICS]
        lines.append(f"| {_name(each)} | {_pairs(each)} | {' | '.join(cells)} | {_stages(each.mean_us)} |")
    return "\n".join(lines)


def _name(choice: Choice) -> str:
    return f"`{choice.option}`: {choice.before or 'none'} → {choice.after}"


def _pairs(choice: Choice) -> str:
    """How many they are; few are named."""
    if len(choice.pairs) > FEW_PAIRS:
        return str(len(choice.pairs))
    return "; ".join(f"{before} → {after}" for before, after in choice.pairs)


def _verdicts(comparisons: Sequence[Comparison]) -> str:
    """'2 worse, 1 same (-1.0 % to +35 %)': the verdicts, and the smallest and the largest change of a pair."""
    if not comparisons:
        return ""
    counts = Counter(WORDS[each.verdict] for each in comparisons)
    words = ", ".join(f"{count} {word}" if len(comparisons) > 1 else word for word, count in counts.most_common())
    amounts = _amounts(comparisons)
    return words + f" ({amounts})" * bool(amounts)


def _amounts(comparisons: Sequence[Comparison]) -> str:
    """The smallest and the largest change; empty where nothing changed."""
    known = sorted((each for each in comparisons if not math.isnan(each.change)), key=lambda each: each.change)
    if not known or known[0].change == known[-1].change == 0:
        return ""
    return " to ".join(dict.fromkeys(each.amount(each.change) for each in (known[0], known[-1])))


def _stages(changes_us: pd.DataFrame) -> str:
    if changes_us.empty:
        return ""
    total = changes_us.sum(axis=1)
    most = str(changes_us.abs().sum().idxmax())
    return f"{_span(total)} µs; {stages.STAGES[most]} {_span(changes_us[most])} µs"


def _span(values: pd.Series) -> str:
    return " to ".join(dict.fromkeys(f"{value:+,.1f}" for value in (values.min(), values.max())))
