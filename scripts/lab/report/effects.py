"""What options change, in words: the lines of an answer, and the tables under it."""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

import pandas as pd

from lab.judge.comparing import Comparison, Verdict
from lab.judge.effects import UNCHANGED, Change, Effect
from lab.plan.contract import Contract
from lab.text import numbers
from lab.text.markdown import Markup, bold, table, words

NOT_SEEN = {  # by timing and accelerator: what it has not got
    (
        "exact",
        "tcg",
    ): "what caches, CPUs that truly run at the same time, and weaker memory orders add, as exact timing "
    "has none of them: run live for that",
    ("live", "tcg"): "what hardware would do, as each CPU is an emulated one, woken and scheduled by this host",
}
OF_ALL = {
    "exact": "What an option changes in each pair of scenarios that differ in it alone, at equal placement: how many pairs "
    "have which verdict, and in brackets the smallest and the largest change.",
    "live": "What an option changes over all pairs of scenarios that differ in it alone, at equal placement: one verdict of "
    "one test over all pairs (van Elteren's, with Holm's correction for the table), which may be certain where no pair is by "
    "itself; in brackets the smallest and the largest change of a pair.",
}
FEW_PAIRS = 2  # that are named
CLEAR = (Verdict.BETTER, Verdict.WORSE)
OPEN = (Verdict.MIXED, Verdict.INCONCLUSIVE)


def answer(changes: Sequence[Change], contract: Contract, about: Collection[str]) -> list[str]:
    """A line an option, in the order of the suite, with what it does under each load; of those that the question is not
    `about` only where something is certain; and what cannot be known."""
    lines, unclear = [], []
    for key in dict.fromkeys((each.option, each.before, each.after) for each in changes):
        of_option = [each for each in changes if (each.option, each.before, each.after) == key]
        verdicts = {effect.verdict for each in of_option for effect in each.effects}
        certain = bool(verdicts & {*CLEAR}) or verdicts == {Verdict.SAME}
        if certain or (key[0] in about and any(each.effects for each in of_option)):
            lines.append(f"**{name(of_option[0])}.** " + " ".join(_under_load(each, contract) for each in of_option))
        else:
            unclear.append(name(of_option[0]))
    return lines + [f"**Not decided by these runs:** {'; '.join(unclear)}."] * bool(unclear) + unknown(changes)


def _under_load(change: Change, contract: Contract) -> str:
    """'At 1,000/s (4 pairs): latency p50 worse (+5.9 % to +21.5 %); the same: throughput; open: latency p99 (worse in 3 of 4).'"""
    parts = [
        f"{contract.columns[each.metric].title} {bold(each.verdict.value)} ({amounts(each.comparisons)})"
        for each in change.effects
        if each.verdict in CLEAR
    ]
    if same := [contract.columns[each.metric].title for each in change.effects if each.verdict is Verdict.SAME]:
        parts.append(f"the same: {', '.join(same)}")
    if still := [each for each in change.effects if each.verdict in OPEN and amounts(each.comparisons)]:
        parts.append(f"open: {', '.join(open_words(each, contract) for each in still)}")
    counted = len(change.pairs) - len(change.moved)
    pairs = f"{counted} pair{'s' * (counted != 1)}"
    if change.moved or any(one.where for each in change.effects for one in each.comparisons):
        pairs += " at equal placement" + f", {len(change.moved)} never were" * bool(change.moved)
    under = load(change.interval_ns, contract)
    begin = f"{under.capitalize()} ({pairs})" if under else pairs.capitalize()
    return f"{begin}: {'; '.join(parts) or 'nothing to compare'}."


def open_words(effect: Effect, contract: Contract) -> str:
    """'latency p99 (worse in 3 of 4; -1.0 % to +12 %)': the verdicts of pairs that are clear, and the changes."""
    exact = effect.comparisons[0].measurement.timing == "exact"
    counts = Counter(each.verdict for each in effect.comparisons if exact and each.verdict in CLEAR)
    clear = [f"{verdict.value} in {counts[verdict]}" for verdict in CLEAR if counts[verdict]]
    known = [f"{', '.join(clear)} of {len(effect.comparisons)}"] * bool(clear)
    known += [span] if (span := amounts(effect.comparisons)) else []
    return f"{contract.columns[effect.metric].title} ({'; '.join(known) or 'not known'})"


def unknown(changes: Sequence[Change]) -> list[str]:
    """What the measurement cannot say."""
    measured = [one.measurement for each in changes for effect in each.effects for one in effect.comparisons]
    text = NOT_SEEN.get((measured[0].timing, measured[0].accelerator), "") if measured else ""
    return [f"*Not known from this:* {text}."] * bool(text)


def agreement(first: Sequence[Change], second: Sequence[Change], contract: Contract) -> str:
    """What two measurements both find better, or both worse, and where they contradict each other. Empty without."""
    alike, contrary = [], []
    theirs = {(_key(each), effect.metric): effect.verdict for each in second for effect in each.effects}
    for each in first:
        for effect in each.effects:
            other = theirs.get((_key(each), effect.metric))
            if effect.verdict not in CLEAR or other not in CLEAR:
                continue
            title = contract.columns[effect.metric].title
            said = " ".join(
                filter(None, [f"{name(each)}, {title}", load(each.interval_ns, contract), effect.verdict.value])
            )
            if effect.verdict is other:
                alike.append(said)
            else:
                contrary.append(f"{said} against {other.value}")
    parts = [f"Both say: {'; '.join(alike)}."] * bool(alike)
    return " ".join(parts + [f"**They contradict each other**: {'; '.join(contrary)}."] * bool(contrary))


def _key(change: Change) -> tuple[str, str, str, float]:
    return change.option, change.before, change.after, change.interval_ns


def load(interval_ns: float, contract: Contract) -> str:
    """'at 1,000/s'; empty for a workload without a schedule."""
    if contract.load is None:
        return ""
    return f"at {numbers.rate(1e9 / interval_ns)}/s" if interval_ns else "at full speed"


def tables(changes: Sequence[Change], contract: Contract) -> list[str]:
    """A table of each load, a line an option of which anything is known."""
    known = [each for each in changes if {effect.verdict for effect in each.effects} - {Verdict.INCONCLUSIVE}]
    loads = dict.fromkeys(each.interval_ns for each in known)
    found = [_table(load, [each for each in known if each.interval_ns == load], contract) for load in loads]
    measured = [one.measurement.timing for each in known for effect in each.effects for one in effect.comparisons]
    return [OF_ALL[measured[0]], *found] if measured else []


def _table(interval_ns: float, changes: Sequence[Change], contract: Contract) -> str:
    many = contract.items[1]
    under = f"{numbers.rate(1e9 / interval_ns)} {many} a second: " if interval_ns else f"As many {many} as can be: "
    if contract.load is None:
        under = ""
    metrics = dict.fromkeys(effect.metric for each in changes for effect in each.effects)
    shown = [each for each in contract.columns.values() if each.name in metrics and each.metric.unit != "share"]
    head = [f"{under}option", "pairs", *(each.title for each in shown)]
    rows = []
    for each in changes:
        effects = {effect.metric: _verdict(effect) for effect in each.effects}
        cells = [effects.get(column.name, "—") for column in shown]
        rows.append([name(each), _pairs(each), *cells, *[_stages(each.mean_ns, contract)] * bool(contract.stages)])
    head += ["mean response time, and the stage that changed most"] * bool(contract.stages)
    return table(head, rows)


def name(change: Change) -> Markup:
    """The option, and from what to what it changes."""
    return words(f"`{change.option}`: {change.before or 'none'} → {change.after}")


def _pairs(change: Change) -> str:
    """How many they are; few are named."""
    counted = [pair for pair in change.pairs if pair not in change.moved]
    text = str(len(counted))
    if len(counted) <= FEW_PAIRS:
        text = "; ".join(f"{before} → {after}" for before, after in counted)
    return text + f" ({len(change.moved)} not counted)" * bool(change.moved)


def _verdict(effect: Effect) -> Markup:
    """'2 worse, 1 same (-1.0 % to +35 %)': the verdicts, and the smallest and the largest change of a pair. In live timing
    the one verdict over all pairs."""
    comparisons = effect.comparisons
    if comparisons[0].measurement.timing == "live":
        comparisons = tuple(replace(each, verdict=effect.verdict) for each in comparisons[:1])
    counts = Counter(Verdict.SAME if each.verdict in UNCHANGED else each.verdict for each in comparisons)
    texts = {verdict: bold(verdict.value) if verdict in CLEAR else verdict.value for verdict in counts}
    many = len(comparisons) > 1
    text = ", ".join(f"{count} {texts[each]}" if many else texts[each] for each, count in counts.most_common())
    span = amounts(effect.comparisons)
    return Markup(text + f" ({span})" * bool(span))


def amounts(comparisons: Sequence[Comparison]) -> str:
    """The smallest and the largest change; empty where nothing changed."""
    known = sorted((each for each in comparisons if not math.isnan(each.change)), key=lambda each: each.change)
    if not known or known[0].change == known[-1].change == 0:
        return ""
    ends = (known[0], known[-1])
    if not any(each.absolute for each in ends) and numbers.are_manyfold(each.change for each in ends):
        return " to ".join(dict.fromkeys(numbers.factor(each.change) for each in ends))
    return " to ".join(dict.fromkeys(each.amount(each.change) for each in ends))


def _stages(changes_ns: pd.DataFrame, contract: Contract) -> str:
    if changes_ns.empty:
        return ""
    most = str(changes_ns.abs().sum().idxmax())
    total, largest = _span(changes_ns.sum(axis=1)), _span(changes_ns[most])
    return f"{total} µs; {contract.stages[most].text} {largest} µs"


def _span(values: pd.Series) -> str:
    return " to ".join(dict.fromkeys(f"{value / 1e3:+,.1f}" for value in (values.min(), values.max())))
