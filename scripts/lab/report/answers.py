"""The answers of a suite in short, for the first page: what its options change, what its baselines show, which objectives
are met."""

import math
from collections.abc import Collection, Iterable, Sequence

import pandas as pd

from lab.judge.comparing import Comparison, Verdict
from lab.judge.effects import NEUTRAL, Change, Effect, text as option_text
from lab.judge.evaluation import Evaluation
from lab.judge.evidence import Case, Evidence
from lab.judge.objectives import Judgement
from lab.plan.contract import Column, Contract
from lab.report import effects
from lab.report.placement import LEAST_RUNS, Family
from lab.text import names, numbers
from lab.text.markdown import bold, code, words

MOST, MOST_ANSWERS = 3, 3  # changes that are named, and those that a question is about


def of_changes(
    changes: Sequence[Change], evidence: Evidence, families: Sequence[Family], about: Collection[str]
) -> str:
    """What the options that the question is `about` change; then what others do for certain, the largest first.

    `families` are runs by where their threads were, which is the first thing to know of an option that pins.
    """
    contract = evidence.contract
    asked = [each for each in changes if each.option in about and len(each.pairs) > len(each.moved)]
    answers = [_placed(each, contract) for each in _plain(families)[:1]] if {*about} & {*contract.pins} else []
    for option in about:
        of_option = [each for each in asked if each.option == option]
        if (
            option not in contract.pins
            and len({value for each in of_option for value in (each.before, each.after)}) > 2
        ):
            answers += _rankings(option, evidence)
        else:
            answers += [_answer(each, contract) for each in _from_usual(of_option, contract)]
    clear, without = [], []
    for each in (each for each in changes if each.option not in about):
        if found := [effect for effect in each.effects if _is_clear(each, effect)]:
            clear.append((_size(found[0].comparisons), _sentence(each, contract)))
        elif each.effects and all(effect.verdict is Verdict.SAME for effect in each.effects):
            without.append(effects.name(each))
    texts = _first(answers, MOST_ANSWERS)
    if not answers:
        unchanged = _first(list(dict.fromkeys(without)), MOST)
        texts = _largest(clear) or [f"no difference: {', '.join(unchanged)}"] * bool(unchanged)
    return "; ".join(texts) or f"unclear: nothing is certain of {len(changes)} changes" * bool(changes)


def _plain(families: Sequence[Family]) -> list[Family]:
    """Those without further options that have enough runs on both sides."""
    return [each for each in families if not each.options and min(len(each.together), len(each.apart)) >= LEAST_RUNS]


def _placed(family: Family, contract: Contract) -> str:
    """'all threads on one CPU, or on several, at 1,000/s: latency p50 9.86 µs, or 18.3 µs (6 and 12 runs)'."""
    column = _column(family.interval_ns, contract)
    together, apart = (
        numbers.amount(float(side[column.name].median()), column.metric.unit)
        for side in (family.together, family.apart)
    )
    under = effects.load(family.interval_ns, contract)
    counts = f"{len(family.together)} and {len(family.apart)} runs"
    return f"all threads on one CPU, or on several, {under}: {words(column.title)} {together}, or {apart} ({counts})"


def _column(interval_ns: float, contract: Contract) -> Column:
    """What is told of one load: the first of the headline; at full speed how much comes through."""
    rates = [each for each in contract.headline if _is_rate(each)] if contract.load and not interval_ns else []
    return (rates or list(contract.headline))[0]


def _rankings(option: str, evidence: Evidence) -> list[str]:
    """Each value of an option with what its runs have, the best first: in the first and the last of the largest groups of
    scenarios that are alike but for it."""
    neutral = [each.name for each in map(evidence.contract.meaning, NEUTRAL) if each]
    groups: dict[tuple[float, frozenset[tuple[str, str]]], dict[str, Case]] = {}
    for case in evidence.cases:
        options = {name: option_text(value) for name, value in case.but_for(*neutral)[1]}
        value = options.pop(option, option_text(evidence.contract.defaults.get(option, "")))
        groups.setdefault((case.interval_ns, frozenset(options.items())), {}).setdefault(value, case)
    most = max(len(each) for each in groups.values())
    largest = [key for key, each in groups.items() if len(each) == most]
    shared = frozenset.intersection(*(options for _, options in largest))
    return [
        _ranking(option, key, groups[key], key[1] - shared, evidence.contract)
        for key in {largest[0]: 0, largest[-1]: 0}
    ]


def _ranking(
    option: str,
    key: tuple[float, Collection[tuple[str, str]]],
    cases: dict[str, Case],
    own: Collection[tuple[str, str]],
    contract: Contract,
) -> str:
    """'throughput at full speed by `wait` with `pairs = 12`: adaptive 167,779/s, hybrid 144,792/s'; numbers in their order."""
    column = _column(key[0], contract)
    known = {value: case.value(column.name) for value, case in cases.items()}
    ordered = sorted(
        (value for value in known if not math.isnan(known[value])),
        key=lambda value: known[value],
        reverse=column.metric.higher_is_better,
    )
    if all(value.replace(".", "", 1).isdigit() for value in ordered):
        ordered.sort(key=float)
    usual = contract.defaults
    where = ", ".join(
        code(f"{name} = {value}") for name, value in sorted(own) if value != option_text(usual.get(name, ""))
    )
    under = effects.load(key[0], contract)
    said = words(column.title) + f" {under}" * bool(under) + f" by {code(option)}" + f" with {where}" * bool(where)
    return f"{said}: " + ", ".join(
        f"{words(value or 'none')}: {numbers.amount(known[value], column.metric.unit)}" for value in ordered
    )


def _from_usual(changes: Sequence[Change], contract: Contract) -> list[Change]:
    """Those that begin at what an option usually is; of an option that has none of these, all."""
    usual = [each for each in changes if each.before in ("", option_text(contract.defaults.get(each.option, "")))]
    return usual or list(changes)


def _answer(change: Change, contract: Contract) -> str:
    """What one change does: for certain; nothing; or what is unclear."""
    if any(_is_clear(change, effect) for effect in change.effects):
        return _sentence(change, contract)
    under = effects.load(change.interval_ns, contract)
    beginning = effects.name(change) + f" {under}" * bool(under)
    if change.effects and all(effect.verdict is Verdict.SAME for effect in change.effects):
        return f"{beginning}: no difference"
    unclear = [
        each
        for each in change.effects
        if each.verdict is not Verdict.SAME and not all(math.isnan(one.change) for one in each.comparisons)
    ]
    return f"{beginning}: unclear" + (f", {effects.open_words(unclear[0], contract)}" if unclear else "")


def _is_clear(change: Change, effect: Effect) -> bool:
    """Better or worse, measured in every pair that counts."""
    counted = {", ".join(pair) for pair in change.pairs if pair not in change.moved}
    return effect.verdict in effects.CLEAR and {each.scenario for each in effect.comparisons} == counted


def of_baselines(known: Evaluation, contract: Contract, others: Sequence[str]) -> str:
    """What is better or worse than its baseline for certain at equal placement, the largest first; or that nothing is.

    The `others` are not compared.
    """
    order = [each.name for each in contract.headline]
    clear: dict[str, list[Comparison]] = {}
    for each in sorted(known.comparisons, key=lambda one: (*order, one.metric).index(one.metric)):
        if each.verdict in effects.CLEAR:
            clear.setdefault(each.scenario + f", on {each.where}" * bool(each.where), []).append(each)
    texts = [
        (
            _size(found[:1]),
            f"{words(name)}: {_verdicts([(each.metric, each.verdict, [each]) for each in found], contract)}",
        )
        for name, found in clear.items()
    ]
    said = _largest(texts) or ["unclear: nothing is certain"] * bool(known.comparisons)
    return "; ".join([*said, *[f"{words(names.names(others))}: too few runs at equal placement"] * bool(others)])


def _verdicts(found: Sequence[tuple[str, Verdict, Sequence[Comparison]]], contract: Contract) -> str:
    """'latency p50 better (-62 %), throughput worse (-68 %)': the first metric, and the first that goes the other way."""
    shown: dict[Verdict, tuple[str, Sequence[Comparison]]] = {}
    for metric, verdict, comparisons in found:
        shown.setdefault(verdict, (metric, comparisons))
    return ", ".join(
        f"{words(contract.columns[metric].title)} {bold(verdict.value)} ({effects.amounts(comparisons)})"
        for verdict, (metric, comparisons) in shown.items()
    )


def of_objectives(judgements: Sequence[Judgement]) -> str:
    """How many objectives are met in every scenario, and where others are not."""
    by_objective: dict[str, list[Judgement]] = {}
    for each in judgements:
        by_objective.setdefault(str(each.objective), []).append(each)
    missed = []
    for objective, found in by_objective.items():
        if where := [each.scenario for each in found if each.held is False]:
            everywhere = len(where) == len(found) > 1
            missed.append(
                f"{words(objective)} **missed** in {'all' if everywhere else ', '.join(map(str, map(words, where)))}"
            )
        elif any(each.held is None for each in found):
            missed.append(f"{words(objective)} not measured in some")
    if not by_objective:
        return ""
    met = len(by_objective) - len(missed)
    return "; ".join([f"{met} of {len(by_objective)} objectives met in every scenario", *_first(missed, MOST)])


def _is_rate(column: Column) -> bool:
    return not column.percentile and column.metric.unit.endswith("_s")


def _sentence(change: Change, contract: Contract) -> str:
    """'`sched`: other → fifo:50 at 1,000/s: latency p50 better (-16.4 % to -3.5 %)'."""
    found = [(each.metric, each.verdict, each.comparisons) for each in change.effects if _is_clear(change, each)]
    under = effects.load(change.interval_ns, contract)
    return effects.name(change) + f" {under}" * bool(under) + f": {_verdicts(found, contract)}"


def _size(comparisons: Iterable[Comparison]) -> float:
    """How far from no change, on a scale on which twice and half are as far."""
    changes = pd.Series([each.change for each in comparisons]).dropna()
    return float(changes.map(lambda change: abs(math.log(max(1 + change, 1e-9)))).median()) if len(changes) else 0.0


def _largest(found: Sequence[tuple[float, str]]) -> list[str]:
    return _first([text for _, text in sorted(found, key=lambda each: -each[0])], MOST)


def _first(texts: Sequence[str], most: int) -> list[str]:
    return [*texts[:most], *[f"and {len(texts) - most} more"] * (len(texts) > most)]
