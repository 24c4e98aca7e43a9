"""Verdicts of scenarios against their baselines: the table of a page, what stands below it, and the CSV with all."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from lab.judge.comparing import MOST_RUNS, Comparison, Verdict
from lab.judge.effects import UNCHANGED
from lab.plan.contract import Contract
from lab.plan.scenarios import NO_STEP, up_to
from lab.report.effects import CLEAR
from lab.text import names, numbers
from lab.text.markdown import Markup, bold, table, words

UNKNOWN = "—"  # a percentile that is not stated
FILE = "{}_verdicts.csv"
CSV_COLUMNS = ("base", "value", "base_runs", "runs", "absolute", "change", "low", "high", "p_adjusted", "detectable")
EXPLAINED = {
    Verdict.MIXED: "Seeds disagree: not better, worse or the same with all, nor decided by so many.",
    Verdict.INCONCLUSIVE: "Inconclusive: not decided by these runs, which would have shown a change of so much with 90 % "
    "power (none: they are too few); so many quiet ones (REPS) would probably decide.",
}
# Why a verdict may be inconclusive beside an interval that excludes no change.
INTERVALS = (
    "An interval in brackets is that of one comparison alone; the verdict also allows for the number of comparisons "
    "in the table (Holm), and for the margin of {:g} %."
)


def table_of(comparisons: Sequence[Comparison], contract: Contract, baselines: Mapping[str, str]) -> list[str]:
    """A line a scenario (and placement) that has changed, and a column a metric that has anywhere; the others are named."""
    if not comparisons:
        return []
    titles = {each.metric: contract.columns[each.metric].title for each in comparisons}
    changed = [name for name in titles if {each.verdict for each in comparisons if each.metric == name} - UNCHANGED]
    same = ", ".join(title for name, title in titles.items() if name not in changed)
    lines: dict[tuple[str, str], dict[str, Comparison]] = {}
    for each in (each for each in comparisons if each.metric in changed):
        lines.setdefault((each.scenario, each.where), {})[each.metric] = each
    clear = {key: of_line for key, of_line in lines.items() if {each.verdict for each in of_line.values()} & {*CLEAR}}
    unclear = [name for name in dict.fromkeys(name for name, _ in lines) if name not in {name for name, _ in clear}]
    shown = lines if len(lines) <= names.FEW else clear
    against = {baselines[scenario] for scenario, _ in shown}
    first = [f"against {against.pop()}"] if len(against) == 1 else ["scenario", "against"]
    rows = [
        [
            scenario + f", on {where}" * bool(where),
            *[baselines[scenario]] * (len(first) - 1),
            *(_cell(of_line[name]) if name in of_line else UNKNOWN for name in changed),
        ]
        for (scenario, where), of_line in shown.items()
    ]
    notes = [f"The same within {comparisons[0].margin * 100:g} % in all scenarios: {same}."] * bool(same)
    if unclear and shown is clear:
        of = names.names(unclear, list(dict.fromkeys(baselines)))
        notes.append(f"Neither better nor worse in any metric for certain: {words(of)}.")
    notes += _legend([each for of_line in shown.values() for each in of_line.values()])
    return [table([*first, *(titles[name] for name in changed)], rows)] * bool(rows) + [" ".join(notes)] * bool(notes)


def of_ladder(steps: Sequence[str], comparisons: Sequence[Comparison], contract: Contract) -> list[str]:
    """What each step of an ablation does alone, and with all above it: a line a step, and for each metric two columns; below
    it what the words mean. Empty where nothing is compared with the scenario without any."""
    found: dict[tuple[str, str], list[Comparison]] = {}
    for each in comparisons:
        found.setdefault((each.scenario, each.metric), []).append(each)
    scenarios = {scenario for scenario, _ in found}
    if not scenarios & {*steps, *map(up_to, steps)}:
        return []
    metrics = [name for name in contract.columns if any(name == metric for _, metric in found)]
    head = [f"{contract.columns[name].title}{how}" for name in metrics for how in (", alone", ", with all above")]
    rows = []
    for number, step in enumerate(steps):
        names = (step, up_to(step) if number else step)
        rows.append([step, *(_cells(found.get((name, metric), ())) for metric in metrics for name in names)])
    shown = [each for (scenario, _), several in found.items() for each in several]
    note = f"Each step against {NO_STEP}, which has none: alone, and together with the steps above it. "
    return [table(["step", *head], rows), note + " ".join(_legend(shown))]


def _cells(comparisons: Sequence[Comparison]) -> Markup:
    """One, or one for each placement."""
    texts = [_cell(each) + f", on {each.where}" * bool(each.where) for each in comparisons]
    return Markup("; ".join(texts) or UNKNOWN)


def not_compared(metrics: pd.DataFrame, comparisons: Sequence[Comparison], baselines: Mapping[str, str]) -> list[str]:
    """Which scenarios have no verdict, since too few runs of theirs were at the placement of their baseline's."""
    quiet = set(metrics.loc[metrics["runs"] > metrics["noisy_runs"], "scenario"])
    compared = {each.scenario for each in comparisons}
    return [name for name in metrics["scenario"] if {name, baselines.get(name)} <= quiet and name not in compared]


def elsewhere(metrics: pd.DataFrame, comparisons: Sequence[Comparison], baselines: Mapping[str, str]) -> list[str]:
    by_base: dict[str, list[str]] = {}
    for name in not_compared(metrics, comparisons, baselines):
        by_base.setdefault(baselines[name], []).append(name)
    texts = [f"{words(', '.join(each))} with {words(base)}" for base, each in by_base.items()]
    return [
        f"Not compared, as too few runs were at equal placement (more REPS, or pins for all threads, bring them): {'; '.join(texts)}."
    ] * bool(texts)


def _legend(shown: Sequence[Comparison]) -> list[str]:
    """What the words and the brackets of a table mean."""
    if not shown:
        return []
    verdicts = {each.verdict for each in shown}
    notes = [
        "Each verdict is of this pair of scenarios alone" + " at equal placement" * any(x.where for x in shown) + "."
    ]
    notes += [text for verdict, text in EXPLAINED.items() if verdict in verdicts]
    if any(each.measurement.timing == "exact" for each in shown) and verdicts & UNCHANGED:
        notes.append(f"Equal: the same, seed by seed; same: within {shown[0].margin * 100:g} % with each seed.")
    if any(not math.isnan(each.p_adjusted) and not math.isnan(each.low) for each in shown):
        notes.append(INTERVALS.format(shown[0].margin * 100))
    return notes


def _cell(each: Comparison) -> Markup:
    if each.verdict is Verdict.EQUAL:
        return Markup("equal")
    limits = (each.low, each.change, each.high)
    low, change, high = map(each.amount, limits) if each.absolute else numbers.together(limits)
    between = "" if math.isnan(each.low) or low == high else f"{low} to {high}"
    if each.verdict is Verdict.INCONCLUSIVE:
        known = [between] * bool(between)
        if not math.isnan(each.detectable):
            least = each.amount(each.detectable) if each.absolute else numbers.change(each.detectable)
            known.append(f"would show {'none' if math.isinf(each.detectable) else least}")
        needed = each.runs + each.more_runs
        reps = f"REPS={needed:.0f}" if each.more_runs <= MOST_RUNS else f"REPS above {MOST_RUNS}"
        known += [reps] * (not math.isnan(needed))
        return Markup("inconclusive" + f" ({'; '.join(known)})" * bool(known))
    word = bold(each.verdict.value) if each.verdict in CLEAR else each.verdict.value
    amount = "" if each.verdict is Verdict.MIXED or not each.change else f" {change}"
    return Markup(word + amount + f" ({between})" * bool(between))


def csv(comparisons: Sequence[Comparison], baselines: Mapping[str, str]) -> str:
    """All of them as a table: changes are relative, or where `absolute` says so in the unit of the raw table."""
    rows = [
        {
            "scenario": each.scenario,
            "baseline": baselines[each.scenario],
            "placement": each.where,
            **each.measurement._asdict(),
            "metric": each.metric,
            "verdict": each.verdict.value,
            **{name: getattr(each, name) for name in CSV_COLUMNS},
        }
        for each in comparisons
    ]
    return pd.DataFrame(rows).to_csv(index=False, lineterminator="\n", float_format="%.6g")
