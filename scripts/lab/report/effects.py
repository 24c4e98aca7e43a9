"""What choices change, in words: the lines of an answer, and the tables under it."""

import math
from collections import Counter
from collections.abc import Sequence

import pandas as pd

from lab.text import numbers
from lab.tables import stages
from lab.text.outside import markdown as words
from lab.judge.effects import METRICS, UNCHANGED, Choice, Effect
from lab.judge.comparing import Comparison, Verdict

NOT_SEEN = {  # by timing and accelerator: what it has not got
    ("exact", "tcg"): "what caches and CPUs that truly run at the same time add, as exact timing has neither",
    ("live", "tcg"): "what hardware would do, as each CPU is an emulated one, woken and scheduled by this host",
}
FEW_PAIRS = 2  # that are named
CLEAR = (Verdict.BETTER, Verdict.WORSE)
SHOWN = {"latency_p50_ns", "latency_p99_ns", "response_p99_ns", "throughput_ops_s"}  # in the tables


def answer(choices: Sequence[Choice]) -> list[str]:
    """A line an option, in the order of the suite, with what it does under each load; and what cannot be told."""
    options = dict.fromkeys((each.option, each.before, each.after) for each in choices)
    lines = []
    for key in options:
        of_option = [each for each in choices if (each.option, each.before, each.after) == key]
        lines.append(f"**{_name(of_option[0])}.** " + " ".join(_under_load(each) for each in of_option))
    return lines + [text for text in (unknown(choices),) if text]


def _under_load(choice: Choice) -> str:
    """'At 1,000/s (4 pairs): p50 worse (+5.9 % to +21.5 %); the same: ops/s, drop; open: p99 (worse in 3 of 4).'"""
    load = _at(choice).strip().capitalize()
    counted = len(choice.pairs) - len(choice.moved)
    parts = [_clear(each) for each in choice.effects if each.verdict in CLEAR]
    if same := [METRICS[each.metric] for each in choice.effects if each.verdict is Verdict.SAME]:
        parts.append(f"the same: {', '.join(same)}")
    if is_open := [_open(each) for each in choice.effects if each.verdict in (Verdict.MIXED, Verdict.INCONCLUSIVE)]:
        parts.append(f"open: {', '.join(is_open)}")
    if choice.moved:
        parts.append(
            ("not counted: " if counted else "")
            + "; ".join(f"{before} → {after}" for before, after in choice.moved)
            + ", which moved the threads between one CPU and two"
        )
    return f"{load} ({counted} pair{'s' * (counted != 1)}): {'; '.join(parts) or 'nothing to compare'}."


def _clear(effect: Effect) -> str:
    return f"{METRICS[effect.metric]} **{effect.verdict.value}** ({_amounts(effect.comparisons)})"


def _open(effect: Effect) -> str:
    """'p99 (worse in 3 of 4)'; of one pair, or where no pair is clear, the name and the changes."""
    counts = Counter(each.verdict for each in effect.comparisons if each.verdict in CLEAR)
    clear = [f"{verdict.value} in {counts[verdict]}" for verdict in CLEAR if counts[verdict]]
    name = METRICS[effect.metric]
    if clear:
        return f"{name} ({', '.join(clear)} of {len(effect.comparisons)} pairs)"
    return f"{name} ({_amounts(effect.comparisons) or 'not known'})"


def unknown(choices: Sequence[Choice]) -> str:
    """What the measurement cannot tell."""
    effects = [effect for choice in choices for effect in choice.effects]
    if not effects:
        return ""
    measured = effects[0].comparisons[0].measurement
    text = NOT_SEEN.get((measured.timing, measured.accelerator), "")
    is_open = [each for each in effects if each.verdict is Verdict.INCONCLUSIVE]
    if is_open:
        text += "; " * bool(text) + f"{len(is_open)} of {len(effects)} effects, which these runs leave open"
    return f"*Not known from this:* {text}." if text else ""


def agreement(first: Sequence[Choice], second: Sequence[Choice]) -> str:
    """What two measurements both find better, or both worse, and where they contradict each other. Empty without."""
    alike, contrary = [], []
    theirs = {(_key(choice), each.metric): each.verdict for choice in second for each in choice.effects}
    for choice in first:
        for effect in choice.effects:
            other = theirs.get((_key(choice), effect.metric))
            if effect.verdict not in CLEAR or other not in CLEAR:
                continue
            said = f"{_name(choice)}, {METRICS[effect.metric]}{_at(choice)} {effect.verdict.value}"
            if effect.verdict is other:
                alike.append(said)
            else:
                contrary.append(f"{said} against {other.value}")
    parts = [f"Both say: {'; '.join(alike)}."] * bool(alike)
    return " ".join(parts + [f"**They contradict each other**: {'; '.join(contrary)}."] * bool(contrary))


def _key(choice: Choice) -> tuple[str, str, str, float]:
    return choice.option, choice.before, choice.after, choice.interval_us


def _at(choice: Choice) -> str:
    return f" at {1e6 / choice.interval_us:,.0f}/s" if choice.interval_us else " at full speed"


def markdown(choices: Sequence[Choice]) -> str:
    """A table of each load, a line a choice."""
    loads = dict.fromkeys(each.interval_us for each in choices)
    return "\n\n".join(_table(load, [each for each in choices if each.interval_us == load]) for load in loads)


def _table(interval_us: float, choices: Sequence[Choice]) -> str:
    load = f"{1e6 / interval_us:,.0f} items a second" if interval_us else "As many items as can be"
    metrics = [name for name in METRICS if name in SHOWN and any(_of(each, name) for each in choices)]
    heads = [METRICS[name] for name in metrics]
    lines = [
        f"| {load}: choice | pairs | {' | '.join(heads)} | mean response time, and the stage that changed most |",
        "|---" * (3 + len(heads)) + "|",
    ]
    for each in choices:
        cells = [_verdicts(_of(each, name)) for name in metrics]
        lines.append(f"| {_name(each)} | {_pairs(each)} | {' | '.join(cells)} | {_stages(each.mean_us)} |")
    return "\n".join(lines)


def _of(choice: Choice, metric: str) -> Sequence[Comparison]:
    return next((each.comparisons for each in choice.effects if each.metric == metric), ())


def _name(choice: Choice) -> str:
    return words(f"`{choice.option}`: {choice.before or 'none'} → {choice.after}")


def _pairs(choice: Choice) -> str:
    """How many they are; few are named."""
    counted = [pair for pair in choice.pairs if pair not in choice.moved]
    text = str(len(counted))
    if len(counted) <= FEW_PAIRS:
        text = "; ".join(f"{before} → {after}" for before, after in counted)
    return text + f" ({len(choice.moved)} not counted)" * bool(choice.moved)


def _verdicts(comparisons: Sequence[Comparison]) -> str:
    """'2 worse, 1 same (-1.0 % to +35 %)': the verdicts, and the smallest and the largest change of a pair."""
    if not comparisons:
        return ""
    counts = Counter("same" if each.verdict in UNCHANGED else _word(each.verdict) for each in comparisons)
    words = ", ".join(f"{count} {word}" if len(comparisons) > 1 else word for word, count in counts.most_common())
    amounts = _amounts(comparisons)
    return words + f" ({amounts})" * bool(amounts)


def _word(verdict: Verdict) -> str:
    return f"**{verdict.value}**" if verdict in CLEAR else verdict.value


def _amounts(comparisons: Sequence[Comparison]) -> str:
    """The smallest and the largest change; empty where nothing changed."""
    known = sorted((each for each in comparisons if not math.isnan(each.change)), key=lambda each: each.change)
    if not known or known[0].change == known[-1].change == 0:
        return ""
    ends = (known[0], known[-1])
    if not any(each.absolute for each in ends) and numbers.are_manyfold(each.change for each in ends):
        return " to ".join(dict.fromkeys(numbers.factor(each.change) for each in ends))
    return " to ".join(dict.fromkeys(each.amount(each.change) for each in ends))


def _stages(changes_us: pd.DataFrame) -> str:
    if changes_us.empty:
        return ""
    total = changes_us.sum(axis=1)
    most = str(changes_us.abs().sum().idxmax())
    return f"{_span(total)} µs; {stages.STAGES[most]} {_span(changes_us[most])} µs"


def _span(values: pd.Series) -> str:
    return " to ".join(dict.fromkeys(f"{value:+,.1f}" for value in (values.min(), values.max())))
