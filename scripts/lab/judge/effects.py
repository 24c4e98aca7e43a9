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
from lab.judge import comparing, paired
from lab.judge.evidence import OPPOSITE, Case, of_suite
from lab.plan.contract import Column, Contract
from lab.plan.kinds import MARGIN, Value
from lab.tables.measurement import contract_of, quiet
from lab.judge.comparing import ALPHA, Comparison, Pair, Verdict

NEUTRAL = ("duration", "interval", "rate")  # meanings: pairs under one load are together
RESPONSE = "response"  # the metric that the stages add up to
UNCHANGED = {Verdict.SAME, Verdict.EQUAL}


@dataclass(frozen=True)
class Effect:
    """What a change does to one metric over its pairs.

    The verdict is of all pairs together, of one test over all (`p_value`), which may be certain where no pair is by itself;
    never against a pair that is certain of the contrary, and in exact timing only where the pairs agree.
    """

    metric: str
    comparisons: tuple[Comparison, ...]  # a pair each at each placement; a comparison's scenario is "before, after"
    verdict: Verdict
    p_value: float = math.nan


@dataclass(frozen=True)
class Change:
    """One option's change from one value to another (empty: not given), under one load.

    `pairs` are scenarios, before and after. Those in `moved` have no placement in common: what they show is that, and they
    have no part in `effects`.
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

    They share one level of error.
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
    steps = {key: list(found[key].values()) for key in found if _is_step(key, list(found))}
    sides = {key: _sides(key, pairs, runs, known) for key, pairs in steps.items()}
    number = sum(len(each) for of_key in sides.values() for each in of_key.values())
    changes = [
        _change(key, steps[key], sides[key], table, margin, number)
        for key in sorted(steps, key=lambda each: (-each[3], list(found).index(each)))
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


def _sides(
    key: tuple[str, str, str, float],
    pairs: Sequence[tuple[str, str]],
    runs: Mapping[str, pd.DataFrame],
    known: Contract,
) -> dict[tuple[str, str], list[Pair]]:
    """What is compared of each two scenarios."""
    # Without a schedule items are intended when they are created.
    columns = [column for column in known.judged if key[3] or column.metric.name != RESPONSE]
    return {pair: _pairs_of(pair, runs, columns, key[0] == "smp") for pair in pairs}


def _change(
    key: tuple[str, str, str, float],
    pairs: Sequence[tuple[str, str]],
    sides: Mapping[tuple[str, str], Sequence[Pair]],
    table: pd.DataFrame,
    margin: float,
    number: int,
) -> Change:
    """Not yet judged, but for exact timing: its comparisons are of those `number` of the measurement."""
    moved = tuple(pair for pair in pairs if not sides[pair])
    effects = []
    for name in dict.fromkeys(each.metric for pair in pairs for each in sides[pair]):
        of_pairs = [each for pair in pairs for each in sides[pair] if each.metric == name]
        is_exact = of_pairs[0].measurement.timing == "exact"
        comparisons = tuple(comparing.compare(of_pairs, margin, (number - len(of_pairs)) * is_exact))
        if is_exact:
            p_value = paired.p_value(np.concatenate([each.steps for each in comparisons]))
        else:
            p_value = comparisons[0].p_value if len(comparisons) == 1 else stratified_p(of_pairs)
        effects.append(Effect(name, comparisons, Verdict.INCONCLUSIVE, p_value))
    whole = [pair for pair in pairs if sides[pair] and not any(each.where for each in sides[pair])]
    return Change(*key, tuple(pairs), moved, tuple(effects), _stage_changes(whole, table))


def _pairs_of(
    pair: tuple[str, str], runs: Mapping[str, pd.DataFrame], columns: Sequence[Column], moves: bool
) -> list[Pair]:
    """At equal placement, unless the option `moves` threads by itself."""
    before, after = (runs[name] for name in pair)
    name = ", ".join(pair)
    if moves:
        return comparing.pairs_of(name, before, after, columns)
    return list(comparing.placed_pairs(name, before, after, columns))


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
    """Each effect with its verdict; all share one level, ALPHA."""
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
    if effect.comparisons[0].measurement.timing == "exact":
        agree = (
            all(map(comparing.is_beyond, effect.comparisons))
            and len({each.change > 0 for each in effect.comparisons}) == 1
        )
        if not agree or p_value > ALPHA:
            return replace(effect, verdict=Verdict.INCONCLUSIVE if agree else Verdict.MIXED)
        first = effect.comparisons[0]
        return replace(effect, verdict=comparing.direction(first.change, first.higher_is_better), p_value=p_value)
    of_all = _middle(effect.comparisons)
    margin = of_all.margin * max(abs(of_all.base), abs(of_all.value)) if of_all.absolute else margin
    if math.isnan(p_value) or p_value > ALPHA or not abs(of_all.change) > margin:
        return effect
    verdict = comparing.direction(of_all.change, of_all.higher_is_better)
    return effect if OPPOSITE[verdict] in verdicts else replace(effect, verdict=verdict, p_value=p_value)


def _middle(comparisons: Sequence[Comparison]) -> Comparison:
    """The one with the middle change of those that know it; any where none does."""
    known = sorted((each for each in comparisons if not math.isnan(each.change)), key=lambda each: each.change)
    return known[len(known) // 2] if known else comparisons[0]


def _stage_changes(pairs: Sequence[tuple[str, str]], table: pd.DataFrame) -> pd.DataFrame:
    if table.empty:
        return pd.DataFrame()
    every = table[table["population"] == stages.ALL]
    means_ns = every.pivot(index="scenario", columns="stage", values="mean_ns")
    known = [(before, after) for before, after in pairs if {before, after} <= set(means_ns.index)]
    return pd.DataFrame([means_ns.loc[after] - means_ns.loc[before] for before, after in known])
