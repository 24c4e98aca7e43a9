"""Effects: what one option changes, over all pairs of a suite's scenarios that differ in nothing else.

A scenario against its baseline is one such pair; here the same change (consumer pinned to CPU 1, or not) is seen in
every company that the suite has it in, so that what it does by itself can be told from what it does in one place.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd

from lab.tables import stages
from lab.judge import comparing
from lab.judge.evidence import Case, of_suite
from lab.plan.contract import Column, Contract
from lab.plan.contract import PERCENTILES
from lab.plan.kinds import MARGIN, Value
from lab.tables.measurement import contract_of, quiet
from lab.judge.comparing import ALPHA, Comparison, Pair, Verdict

NEUTRAL = ("duration", "interval", "rate")  # meanings: pairs under one load are together
RESPONSE = "response"  # the metric that the stages add up to
BEYOND_PERCENTILE = 10  # items that one needs beyond it, to be compared between runs of unlike length
UNCHANGED = {Verdict.SAME, Verdict.EQUAL}


@dataclass(frozen=True)
class Effect:
    """What a change does to one metric over its pairs. In live timing `p_value` is of all pairs together."""

    metric: str
    comparisons: tuple[Comparison, ...]  # a pair each; a comparison's scenario is "before, after"
    verdict: Verdict
    p_value: float = math.nan


@dataclass(frozen=True)
class Change:
    """One option's change from one value to another (empty: not given), under one load.

    `pairs` are scenarios, before and after. Those in `moved` also changed on how many CPUs the threads were: what they
    show is that, and they have no part in `effects`, unless the option is there to decide where threads run.
    """

    option: str
    before: str
    after: str
    interval_ns: float
    pairs: tuple[tuple[str, str], ...]
    moved: tuple[tuple[str, str], ...]
    effects: tuple[Effect, ...]
    mean_ns: pd.DataFrame  # [pair, stage]: by how much the mean time in each stage changed; empty if not known


def of_measurement(raw: pd.DataFrame, environment: Mapping[str, Any], table: pd.DataFrame) -> list[Change]:
    """All changes of one measurement; `raw` and `table`, of lab.tables.stages.table(), are of that alone.

    In live timing they share one level of error.
    """
    margin = environment.get("margin", MARGIN)
    known = contract_of(environment)
    cases = {case.scenario: case for case in of_suite(raw, environment).cases}
    runs = {name: rows.set_index("seed", drop=False) for name, rows in quiet(raw).groupby("scenario", sort=False)}
    # The pairs of scenarios by option, load and runs: scenarios that are alike share exact runs, and are one.
    found: dict[tuple[str, str, str, float], dict[object, tuple[str, str]]] = {}
    for first, second, difference in _differences(list(cases.values()), known):
        pairs = found.setdefault((*difference, first.interval_ns), {})
        pairs.setdefault((_runs(first), _runs(second)), (first.scenario, second.scenario))
    changes = [
        _change(key, list(pairs.values()), cases, runs, table, margin, known)
        for key, pairs in sorted(found.items(), key=lambda each: (-each[0][3], list(found).index(each[0])))
        if _is_step(key, list(found))
    ]
    return _judged(changes, margin)


def _differences(cases: Sequence[Case], known: Contract) -> Iterator[tuple[Case, Case, tuple[str, str, str]]]:
    """Each two cases under one load that differ in one option only, with it and its values: what is not given is first."""
    neutral = [option.name for option in map(known.meaning, NEUTRAL) if option]
    options = [{name: text(value) for name, value in case.but_for(*neutral)[1]} for case in cases]
    # Those that are alike but for one option: a large suite has too many pairs to look at each.
    alike: dict[tuple[str, object], list[int]] = {}
    for name in sorted(set().union(*options)):
        for number, of_case in enumerate(options):
            rest = frozenset((key, value) for key, value in of_case.items() if key != name)
            alike.setdefault((name, (cases[number].interval_ns, rest)), []).append(number)
    found: list[tuple[int, int, str]] = []
    for (name, _), numbers in alike.items():
        standard = text(known.defaults.get(name, ""))
        values = {number: options[number].get(name, "") for number in numbers}
        places = {number: _place(value, standard) for number, value in values.items()}
        found += [(first, second, name) for first, second in permutations(numbers, 2) if places[first] < places[second]]
    for first, second, name in sorted(found):
        yield cases[first], cases[second], (name, options[first].get(name, ""), options[second].get(name, ""))


def _runs(case: Case) -> tuple[str, ...]:
    return tuple(case.rows["run"]) if "run" in case.rows else (case.scenario,)


def text(value: Value) -> str:
    """As a `Change` has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _place(value: str, standard: str) -> tuple[object, ...]:
    """Orders values: none, what the program does by itself, numbers, words."""
    return value != "", value != standard, _number(value), value


def _number(value: str) -> float:
    return float(value) if value.replace(".", "", 1).isdigit() else math.inf


def _is_step(key: tuple[str, str, str, float], every: Sequence[tuple[str, str, str, float]]) -> bool:
    """False for 1 to 8 CPUs where there is 1 to 2, 2 to 4 and 4 to 8."""
    option, before, after, interval_ns = key
    between = {value for each in every if (each[0], each[3]) == (option, interval_ns) for value in each[1:3]}
    return not any(_number(before) < _number(value) < _number(after) < math.inf for value in between)


def _change(
    key: tuple[str, str, str, float],
    pairs: Sequence[tuple[str, str]],
    cases: Mapping[str, Case],
    runs: Mapping[str, pd.DataFrame],
    table: pd.DataFrame,
    margin: float,
    known: Contract,
) -> Change:
    """Not yet judged."""
    moved = (
        [] if key[0] in (*known.pins, "smp") else [pair for pair in pairs if _moves(*(cases[name] for name in pair))]
    )
    counted = [pair for pair in pairs if pair not in moved]
    # Without a schedule items are intended when they are created.
    columns = [column for column in known.judged if key[3] or column.metric.name != RESPONSE]
    sides = [each for pair in counted for each in _pairs_of(pair, runs, columns)]
    effects = []
    for column in columns:
        of_pairs = [each for each in sides if each.metric == column.name]
        comparisons = tuple(comparing.compare(of_pairs, margin))
        if comparisons:
            effects.append(Effect(column.name, comparisons, Verdict.INCONCLUSIVE, stratified_p(of_pairs)))
    return Change(*key, tuple(pairs), tuple(moved), tuple(effects), _stage_changes(counted, table))


def _moves(before: Case, after: Case) -> bool:
    """Did the threads share a CPU in most runs of one, and not of the other?"""
    return len({case.places.mode().get(0, "") for case in (before, after)}) > 1


def _pairs_of(pair: tuple[str, str], runs: Mapping[str, pd.DataFrame], columns: Iterable[Column]) -> list[Pair]:
    """Of those columns for which both sides have enough items in all runs."""
    before, after = (runs[name] for name in pair)
    items = min(before["items"].min(), after["items"].min())
    return comparing.pairs_of(", ".join(pair), before, after, [each for each in columns if _has_enough(each, items)])


def _has_enough(column: Column, items: float) -> bool:
    counted = not column.metric.source or (column.percentile and not column.metric.source.percentiles)
    return not counted or not items * (1 - PERCENTILES.get(column.percentile, 0)) < BEYOND_PERCENTILE


def stratified_p(pairs: Iterable[Pair]) -> float:
    """The p value of rank sums within each pair, added up: is there one shift that all pairs have? NaN without any.

    Van Elteren, "On the combination of independent two sample tests of Wilcoxon", Bulletin of the International
    Statistical Institute 37 (1960), with the normal approximation.
    """
    distance = variance = 0.0
    for pair in pairs:
        base, value = (side.to_numpy(float)[np.isfinite(side.to_numpy(float))] for side in (pair.base, pair.value))
        both, count = np.concatenate([base, value]), len(base) + len(value)
        if pair.measurement.timing == "exact" or not len(base) or not len(value):
            continue
        ranks = pd.Series(both).rank().to_numpy()
        ties = (np.unique(both, return_counts=True)[1] ** 3.0 - np.unique(both, return_counts=True)[1]).sum()
        spread = len(base) * len(value) / 12 * (count + 1 - ties / (count * (count - 1)))
        distance += (ranks[len(base) :].sum() - len(value) * (count + 1) / 2) / (count + 1)
        variance += spread / (count + 1) ** 2
    return math.nan if not variance else math.erfc(abs(distance) / math.sqrt(2 * variance))


def _judged(changes: Sequence[Change], margin: float) -> list[Change]:
    """Each effect with its verdict; those of live timing share one level, ALPHA."""
    every = [effect for each in changes for effect in each.effects]
    adjusted = iter(comparing.holm([effect.p_value for effect in every]))
    return [
        replace(each, effects=tuple(_effect(effect, next(adjusted), margin) for effect in each.effects))
        for each in changes
    ]


def _effect(effect: Effect, p_value: float, margin: float) -> Effect:
    verdicts = {each.verdict for each in effect.comparisons}
    if verdicts <= UNCHANGED:
        return replace(effect, verdict=Verdict.SAME)
    if len(verdicts) == 1 and verdicts <= {Verdict.BETTER, Verdict.WORSE}:
        return replace(effect, verdict=verdicts.pop())
    if effect.comparisons[0].measurement.timing == "exact":
        return replace(effect, verdict=Verdict.MIXED)
    change = float(np.nanmedian([each.change for each in effect.comparisons]))
    contrary = {Verdict.BETTER, Verdict.WORSE} <= verdicts  # each for certain: then no one word is true of all pairs
    if contrary or math.isnan(p_value) or p_value > ALPHA or not abs(change) > margin:
        return effect
    verdict = comparing.direction(change, effect.comparisons[0].higher_is_better)
    return replace(effect, verdict=verdict, p_value=p_value)


def _stage_changes(pairs: Sequence[tuple[str, str]], table: pd.DataFrame) -> pd.DataFrame:
    if table.empty:
        return pd.DataFrame()
    every = table[table["population"] == stages.ALL]
    means_ns = every.pivot(index="scenario", columns="stage", values="mean_ns")
    known = [(before, after) for before, after in pairs if {before, after} <= set(means_ns.index)]
    return pd.DataFrame([means_ns.loc[after] - means_ns.loc[before] for before, after in known])
