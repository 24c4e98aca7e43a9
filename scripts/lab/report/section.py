"""A section of results.md: one measurement's table, verdicts, stages, objectives and findings, as Markdown."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import pandas as pd

from lab.text import numbers, naming
from lab.findings import rules as findings
from lab.report import stage_picture
from lab.tables import stages
from lab.judge import comparing
from lab.tables.measured import INTERVAL_RUNS
from lab.judge.evaluation import Evaluation
from lab.findings.pipeline import SLOWEST_ITEMS
from lab.tables.measurement import Measurement
from lab.plan.objectives import Judgement
from lab.judge.comparing import MOST_RUNS, Comparison, Verdict

TABLE_HEAD = (
    "| scenario | p50 (µs) | p95 (µs) | p99 (µs) | ops/s | drop | response p99 (µs) |\n"
    "|---|---:|---:|---:|---:|---:|---:|"
)
SPAN = "the smallest and the largest"
INTERVAL = "the 95 % interval of the median"
UNCHANGED = (Verdict.SAME, Verdict.EQUAL)
EXPLAINED = {
    Verdict.MIXED: "Seeds disagree: not better, worse or the same with all.",
    Verdict.INCONCLUSIVE: "Inconclusive: these runs do not tell; so many REPS probably would.",
}
# Why a verdict may be inconclusive beside an interval that excludes no change.
INTERVALS = (
    "An interval in brackets is that of one comparison alone; the verdict also allows for the number of comparisons "
    "in the table (Holm), and for the margin of {:g} %."
)
KEPT_ALL = 0.999  # of a run's items
# The metrics that have a verdict, as the table's columns call them.
VERDICT_COLUMNS = {
    "latency_p50_ns": "p50",
    "latency_p99_ns": "p99",
    "response_p99_ns": "response p99",
    "throughput_ops_s": "ops/s",
    "drop_rate": "drop",
}


def markdown(
    suite: str,
    measurement: Measurement,
    metrics: pd.DataFrame,
    raw: pd.DataFrame,
    known: Evaluation,
    baselines: Mapping[str, str],
    counts: str = "",
) -> str:
    """`metrics`, `raw` and `known` are of that measurement alone; `baselines` says what each scenario is compared with.

    `counts` is a table of what was counted in other runs.
    """
    parts = [_table(metrics), _caption(measurement, metrics), _verdicts(known.comparisons, baselines)]
    parts += [counts, _stages(suite, measurement, known, raw), _objectives(known.judgements)]
    parts += [findings.markdown(known.findings, list(metrics["scenario"]))]
    return "\n\n".join(part for part in parts if part)


def _table(metrics: pd.DataFrame) -> str:
    """One line a scenario."""
    lines = metrics.apply(
        lambda row: " | ".join(
            [
                f"| {row['scenario']}{_noise(row)}",
                *(_spread(row, f"latency_{name}", "_ms", 1e3, numbers.significant) for name in ("p50", "p95", "p99")),
                _spread(row, "throughput", "_ops_s", 1, numbers.rate),
                _spread(row, "drop_rate", "", 1, lambda value: f"{value:.3f}"),
                _spread(row, "response_p99", "_ms", 1e3, numbers.significant) + " |",
            ]
        ),
        axis=1,
    )
    return "\n".join([TABLE_HEAD, *lines])


def _noise(row: pd.Series) -> str:
    return f" ({row['noisy_runs']:.0f} of {row['runs']:.0f} runs noisy)" if row["noisy_runs"] else ""


def _spread(row: pd.Series, name: str, unit: str, factor: float, text: Callable[[float], str]) -> str:
    """The median, and what it lies between where that looks different; empty if not measured."""
    median, low, high = (row[f"{name}{part}{unit}"] * factor for part in ("", "_low", "_high"))
    if math.isnan(median):
        return ""
    alone = math.isnan(low) or text(low) == text(high)
    return text(median) if alone else f"{text(median)} ({text(low)}–{text(high)})"


def brackets(measurement: Measurement, metrics: pd.DataFrame) -> str:
    """What the figures of a measurement's lines of the metrics table are that stand beside the medians."""
    if measurement.timing == "exact":
        return f"{SPAN} of the seeds"
    few = _shown_runs(metrics) < INTERVAL_RUNS
    if few.all():
        return SPAN
    return INTERVAL + f", or {SPAN} of fewer than {INTERVAL_RUNS} runs" * bool(few.any())


def _shown_runs(metrics: pd.DataFrame) -> pd.Series:
    """How many runs each scenario's figures are of: its quiet ones, or all where none is."""
    quiet = metrics["runs"] - metrics["noisy_runs"]
    return quiet.where(quiet > 0, metrics["runs"])


def _caption(measurement: Measurement, metrics: pd.DataFrame) -> str:
    runs, quiet = _range(metrics["runs"]), metrics["runs"] - metrics["noisy_runs"]
    text = f"Medians of {runs} run{'s' * (runs != '1')}"
    if not quiet.any():
        text += ", all noisy"
    elif metrics["noisy_runs"].any():
        text = f"Medians of the {_range(quiet[quiet > 0])} quiet ones of {runs} runs"
    if _shown_runs(metrics).max() > 1:
        text += f", and in brackets {brackets(measurement, metrics)}"
    if metrics["noisy_runs"].any():
        text += "; noisy runs are left out of all verdicts"
        text += ", and shown where a scenario has no others" * bool((quiet == 0).any())
    return text + "."


def _range(counts: pd.Series) -> str:
    """'9', or '4 to 6'."""
    return " to ".join(dict.fromkeys(f"{count:.0f}" for count in (counts.min(), counts.max())))


def _verdicts(comparisons: list[Comparison], baselines: Mapping[str, str]) -> str:
    """A line a scenario and a column a metric, of those that have changed; the others are only named."""
    if not comparisons:
        return ""
    of_metric = {name: [each for each in comparisons if each.metric == name] for name in VERDICT_COLUMNS}
    known = {name: found for name, found in of_metric.items() if found}
    changed = [name for name, found in known.items() if not {each.verdict for each in found} <= set(UNCHANGED)]
    same = [VERDICT_COLUMNS[name] for name in known if name not in changed]
    lines = _verdict_lines([each for each in comparisons if each.metric in changed], changed, baselines)
    notes = _legend([each for each in comparisons if each.metric in changed])
    if same:
        notes.insert(0, f"The same within {comparisons[0].margin * 100:g} % in all scenarios: {', '.join(same)}.")
    return "\n".join(lines + [""] * bool(lines and notes) + [" ".join(notes)]).strip()


def _legend(shown: list[Comparison]) -> list[str]:
    """What the words and the brackets of a table mean."""
    verdicts = {each.verdict for each in shown}
    exact = any(each.measurement.timing == "exact" for each in shown)
    notes = [text for verdict, text in EXPLAINED.items() if verdict in verdicts]
    if exact and verdicts & set(UNCHANGED):
        notes.append(f"Equal: the same figures, seed by seed; same: within {shown[0].margin * 100:g} % with each seed.")
    if any(not math.isnan(each.p_adjusted) and not math.isnan(each.low) for each in shown):
        notes.append(INTERVALS.format(shown[0].margin * 100))
    return notes


def _verdict_lines(shown: list[Comparison], metrics: list[str], baselines: Mapping[str, str]) -> list[str]:
    if not shown:
        return []
    cells: dict[str, dict[str, str]] = {}
    for each in shown:
        cells.setdefault(each.scenario, {})[each.metric] = _cell(each)
    against = {baselines[scenario] for scenario in cells}
    first = f"against {against.pop()}" if len(against) == 1 else "scenario | against"
    lines = [f"| {first} | {' | '.join(VERDICT_COLUMNS[name] for name in metrics)} |"]
    lines += ["|---" * lines[0].count(" | ") + "|---|"]
    for scenario, by_metric in cells.items():
        names = [scenario] if first.startswith("against") else [scenario, baselines[scenario]]
        lines.append("| " + " | ".join(names + [by_metric.get(name, "") for name in metrics]) + " |")
    return lines


def _cell(each: Comparison) -> str:
    if each.verdict is Verdict.EQUAL:
        return "equal"
    limits = (each.low, each.change, each.high)
    low, change, high = [f"{figure:+.2g}" for figure in limits] if each.absolute else numbers.together(limits)
    span = "" if math.isnan(each.low) or low == high else f"{low} to {high}"
    if each.verdict is Verdict.INCONCLUSIVE:
        needed = each.runs + each.more_runs
        reps = f"REPS={needed:.0f}" if each.more_runs <= MOST_RUNS else f"REPS above {MOST_RUNS}"
        known = [span] * bool(span) + [reps] * (not math.isnan(needed))
        return "inconclusive" + f" ({'; '.join(known)})" * bool(known)
    word = f"**{each.verdict.value}**" if each.verdict in (Verdict.BETTER, Verdict.WORSE) else each.verdict.value
    amount = "" if each.verdict is Verdict.MIXED or not each.change else f" {change}"
    return word + amount + f" ({span})" * bool(span)


def _stages(suite: str, measurement: Measurement, known: Evaluation, raw: pd.DataFrame) -> str:
    """The picture, and what the slowest items waited for where no finding says it."""
    if known.stages.empty:
        return ""
    known_of = {each.scenario for each in known.findings if each.name == SLOWEST_ITEMS}
    every = list(dict.fromkeys(known.stages["scenario"]))
    untold: dict[str, list[tuple[str, str]]] = {}  # by what is told of: the slowest 1 %, or the mean item
    for scenario, rows in known.stages.groupby("scenario", sort=False):
        if scenario not in known_of:
            name, text = stages.told(rows)
            untold.setdefault(name, []).append((scenario, text))
    sentences = [
        f"- **{name}.** {names}: {text}." for name, texts in untold.items() for names, text in _told_of(texts, every)
    ]
    title = f"Where the response time of {suite} went, {measurement}"
    picture = f"![{title}](result_data/{stage_picture.file_name(suite, measurement)})"
    return "\n".join([picture, _kept(known.stages, raw), *[""] * bool(sentences), *sentences]).strip()


def _told_of(texts: list[tuple[str, str]], every: list[str]) -> list[tuple[str, str]]:
    """Scenarios with what is told of them: a line each, or where they are many, a line for those that are alike."""
    if len(texts) <= naming.FEW:
        return texts
    return [(naming.names(names, every), text) for names, text in naming.alike(texts)]


def _kept(table: pd.DataFrame, raw: pd.DataFrame) -> str:
    """Which scenarios' stages are not those of all items, since a run keeps its first ones only."""
    of_all = table[table["population"] == stages.ALL].drop_duplicates("scenario").set_index("scenario")
    kept = of_all["items"] / of_all["runs"]
    consumed = comparing.quiet(raw).groupby("scenario", sort=False)["consumed"].mean()
    partial = [name for name in kept.index if kept[name] < KEPT_ALL * consumed.get(name, 0)]
    if not partial:
        return ""
    names = naming.names(partial, list(kept.index))
    return f"\nThese are the stages of the first {kept[partial].median():,.0f} items of each run of {names}."


def _objectives(judgements: list[Judgement]) -> str:
    """What is missed or unknown, and how many are held."""
    if not judgements:
        return ""
    held = sum(each.held is True for each in judgements)
    lines = [f"**Objectives: {held} of {len(judgements)} held.**"]
    told = [each for each in judgements if each.held is not True or not each.certain]
    if len(told) > naming.FEW:  # by the median alone: intervals make no range
        told = [replace(each, measured=replace(each.measured, low=math.nan, high=math.nan)) for each in told]
    every = list(dict.fromkeys(each.scenario for each in judgements))
    wrong = [f"- {names}: {text}" for names, text in _told_of([(each.scenario, each.text()) for each in told], every)]
    return "\n".join(lines + [""] * bool(wrong) + wrong)
