"""The first page, results.md: each suite's question with its answer in short, what to trust, and where the rest is."""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from lab.judge.comparing import Comparison
from lab.judge.effects import Change, Effect, text as option_text
from lab.judge.evaluation import Evaluation
from lab.judge.objectives import Judgement
from lab.judge.evidence import ONE_CPU, TWO_CPUS, Case, Evidence
from lab.plan.contract import Column, Contract
from lab.report import effects
from lab.tables.measurement import Measurement
from lab.text import numbers
from lab.text.markdown import Markup, bold, table, words
from lab.text.page import Block, Part, Picture

MOST, MOST_ANSWERS = 3, 4  # changes that are named, and those that a question is about
READING = """\
Made by `make report` from the files in `result_data/`; do not edit. A cell names the largest changes that are certain, each in
the first of the suite's metrics that shows it, and in brackets the smallest and the largest change of all pairs of
scenarios that differ in nothing else; **better** and **worse** are beyond chance and the margin. The page of a suite has
all of it: tables, verdicts, stages, causes, environment, and the command that makes it again."""
TRUST = (
    "*Exact* is virtual time: the same in every run with the same seed, on every host, at 2 ns an instruction, and the CPUs "
    "run in turn. It shows what the code and the scheduler do. It has no caches, nothing that runs at the same time, and "
    "every CPU sees memory change in one order, so that a missing fence never shows: what may hang on that must run live.",
    "*Live* is wall time on an emulated machine (tcg) or on the host's own CPUs (kvm): compare it within a table, not with "
    "hardware.",
)
AGAIN = """\
    make run-scenarios                  # t000 and t001
    make run-scenarios SUITE=affinity   # another suite of scenarios/"""


@dataclass(frozen=True)
class SuitePage:
    """What is known of a suite, as data: its own page, and what the first page has of it."""

    name: str
    title: str  # in words, Markdown
    question: str  # in words, Markdown; empty: it asks none
    contract: Contract
    answers: dict[Measurement, str]
    warnings: Sequence[str]
    parts: list[Part] = field(default_factory=list)


def parts(suites: Sequence[SuitePage], others: Sequence[Part], link: Callable[[SuitePage], str]) -> list[Part]:
    """The first page. `others` are the pages of instruments, each by its title with its first words; a `link` goes to
    what more there is of a suite."""
    trust = [*TRUST, *_warned(suites)]
    body: list[Block] = [READING]
    if suites:
        timings = [each for each in ("exact", "live") if any(_said(suite, each) for suite in suites)]
        rows = [[_asked(each, link(each)), *(Markup(_said(each, timing)) for timing in timings)] for each in suites]
        body.append(table(["suite and question", *timings], rows))
        if picture := _picture(suites):
            body.append(picture)
    body += [f"[{each.heading}](result_data/{each.note}): {each.body[0]}" for each in others]
    found = [Part(1, "Results", body)]
    if suites:
        found.append(Part(2, "What to trust", ["\n".join(f"- {each}" for each in trust)]))
        found.append(Part(2, "Make it again", [AGAIN]))
    return found


def _asked(suite: SuitePage, link: str) -> Markup:
    return Markup(f"[{suite.name}]({link}): {suite.question or suite.title}")


def _said(suite: SuitePage, timing: str) -> str:
    """The answers of that timing; of several targets each with its name."""
    found = {measured: text for measured, text in suite.answers.items() if measured.timing == timing}
    several = len({(each.target, each.accelerator) for each in suite.answers}) > 1
    return " ".join(f"*{each.target}, {each.accelerator}*: " * several + text for each, text in found.items())


def _warned(suites: Sequence[SuitePage]) -> list[str]:
    return [f"{suite.name}: {each}" for suite in suites for each in suite.warnings]


def _picture(suites: Sequence[SuitePage]) -> Picture | None:
    """The first of the suite that runs by default, or of the first that there is."""
    first = next((each for each in suites if each.name == "t001"), suites[0])
    return next((block for part in first.parts for block in part.body if isinstance(block, Picture)), None)


def of_changes(changes: Sequence[Change], evidence: Evidence, about: Collection[str]) -> str:
    """What the options that the question is `about` change; then what others do for certain, the largest first."""
    contract = evidence.contract
    asked = [each for each in changes if each.option in about and len(each.pairs) > len(each.moved)]
    answers = [_answer(each, evidence) for each in _from_usual(asked, contract)]
    clear, without = [], []
    for each in (each for each in changes if each.option not in about):
        ordered = _ordered(each, contract)
        if effect := next((effect for effect in ordered if effect.verdict in effects.CLEAR), None):
            clear.append((_size(effect.comparisons), _sentence(each, effect, contract)))
        elif ordered and all(effect.verdict is effects.Verdict.SAME for effect in ordered):
            without.append(effects.name(each))
    texts = _first(answers, MOST_ANSWERS)
    texts += _first([text for _, text in sorted(clear, key=lambda each: -each[0])], MOST) if len(answers) < MOST else []
    names = _first(list(dict.fromkeys(without)), MOST)
    texts += [f"no difference: {', '.join(names)}"] * bool(names)
    return "; ".join(texts) or f"nothing is certain of {len(changes)} changes" * bool(changes)


def _from_usual(changes: Sequence[Change], contract: Contract) -> list[Change]:
    """Those that begin at what an option usually is; of an option that has none of these, all."""
    usual = [each for each in changes if each.before in ("", option_text(contract.defaults.get(each.option, "")))]
    with_usual = {each.option for each in usual}
    return [each for each in changes if each in usual or each.option not in with_usual]


def _answer(change: Change, evidence: Evidence) -> str:
    """What one change does: for certain; nothing; or what is open. Where threads may run is told by where they ran."""
    contract = evidence.contract
    ordered = _ordered(change, contract)
    if change.option in contract.pins and (text := _by_placement(change, evidence)):
        return text
    if effect := next((effect for effect in ordered if effect.verdict in effects.CLEAR), None):
        return _sentence(change, effect, contract)
    under = effects.load(change.interval_ns, contract)
    beginning = f"{effects.name(change)}" + f" {under}" * bool(under)
    if ordered and all(effect.verdict is effects.Verdict.SAME for effect in ordered):
        return f"{beginning}: no difference"
    known = [each for each in ordered if not all(math.isnan(one.change) for one in each.comparisons)]
    return f"{beginning}: open" + (f", {effects.open_words(known[0], contract)}" if known else "")


def _by_placement(change: Change, evidence: Evidence) -> str:
    """The medians of one pair's runs whose threads shared a CPU, and of those that had several: of the first pair that
    has both before and after."""
    full = evidence.contract.load is not None and not change.interval_ns
    column = next(
        (each for each in evidence.contract.headline if full and _is_rate(each)), evidence.contract.headline[0]
    )
    cases = {case.scenario: case for case in evidence.cases}
    texts = []
    for side in (ONE_CPU, TWO_CPUS):
        for pair in change.pairs:
            runs = [_values(cases[name], side, column) for name in pair]
            if all(len(each) for each in runs):
                before, after = (numbers.amount(float(each.median()), column.metric.unit) for each in runs)
                texts.append(f"on {side} {before} → {after} ({' → '.join(pair)})")
                break
    under = effects.load(change.interval_ns, evidence.contract)
    said = f"{effects.name(change)}: {words(column.title)}" + f" {under}" * bool(under) + f" {', '.join(texts)}"
    return said if texts else ""


def _values(case: Case, side: str, column: Column) -> pd.Series:
    return case.rows[case.places == side][column.name] if len(case.places) else pd.Series(dtype=float)


def of_baselines(known: Evaluation, contract: Contract) -> str:
    """What is better or worse than its baseline for certain, the largest first; or that nothing is."""
    first: dict[str, Comparison] = {}
    order = [each.name for each in contract.headline]
    for each in sorted(
        known.comparisons, key=lambda one: order.index(one.metric) if one.metric in order else len(order)
    ):
        if each.verdict in effects.CLEAR:
            first.setdefault(each.scenario, each)
    clear = [
        (_size([each]), f"{words(name)}: {_verdict(contract.columns[each.metric].title, each.verdict.value, [each])}")
        for name, each in first.items()
    ]
    count = len({each.scenario for each in known.comparisons})
    return "; ".join(
        _first([text for _, text in sorted(clear, key=lambda each: -each[0])], MOST)
    ) or f"nothing is certain of {count} scenarios" * bool(count)


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


def _ordered(change: Change, contract: Contract) -> list[Effect]:
    """Its effects as the suite's tables have them; at full speed what counts is how much comes through."""
    rates = {each.name for each in contract.columns.values() if _is_rate(each)}
    full = contract.load is not None and not change.interval_ns
    return sorted(change.effects, key=lambda each: full and each.metric not in rates)


def _is_rate(column: Column) -> bool:
    return not column.percentile and column.metric.unit.endswith("_s")


def _sentence(change: Change, effect: Effect, contract: Contract) -> str:
    said = _verdict(contract.columns[effect.metric].title, effect.verdict.value, effect.comparisons)
    load = effects.load(change.interval_ns, contract)
    return f"{effects.name(change)}: {said}" + f" {load}" * bool(load)


def _verdict(title: str, verdict: str, comparisons: Sequence[Comparison]) -> str:
    return f"{words(title)} {bold(verdict)} ({effects.amounts(comparisons)})"


def _size(comparisons: Iterable[Comparison]) -> float:
    """How far from no change, on a scale on which twice and half are as far."""
    changes = pd.Series([each.change for each in comparisons]).dropna()
    return float(changes.map(lambda change: abs(math.log(max(1 + change, 1e-9)))).median()) if len(changes) else 0.0


def _first(texts: Sequence[str], most: int) -> list[str]:
    return [*texts[:most], *[f"and {len(texts) - most} more"] * (len(texts) > most)]
