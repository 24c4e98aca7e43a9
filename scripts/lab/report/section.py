"""A measurement's part of a page: its table, verdicts, stages, objectives and findings."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from lab.judge.evaluation import Evaluation
from lab.judge.finding import Finding, Rule, stage_shares, stage_words
from lab.plan.contract import Column, Contract
from lab.judge.objectives import Judgement
from lab.report import findings, verdicts
from lab.report.pictures import stages as stage_picture
from lab.tables.measured import INTERVAL_RUNS, in_metrics
from lab.tables.measurement import LEAST_BEYOND, Measurement, quiet as quiet_runs
from lab.tables.stages import ALL, SLOWEST
from lab.text import names, numbers
from lab.text.markdown import Markup, bold, table, words
from lab.text.page import STAGES, Block, Picture

SPAN = "the smallest and the largest"
INTERVAL = "the 95 % interval of the median"
NOISY = " ({noisy_runs:.0f} of {runs:.0f} runs noisy)"
KEPT_ALL = 0.999  # of a run's items


def body(
    suite: str,
    measurement: Measurement,
    contract: Contract,
    metrics: pd.DataFrame,
    raw: pd.DataFrame,
    known: Evaluation,
    baselines: Mapping[str, str],
    rules: Mapping[str, Rule],
    beside: Sequence[str] = (),
    of: int = 0,
    steps: Sequence[str] = (),
) -> list[Block]:
    """`metrics`, `raw` and `known` are of that measurement alone, the suite's at the place `of`.

    `baselines` says what each scenario is compared with; `beside` is what instruments say of it; `steps` are its ladder's.
    """
    found = findings.lines(known.findings, rules, contract, list(metrics["scenario"]))
    return [
        _table(metrics, contract),
        _caption(measurement, metrics, contract),
        *(
            verdicts.of_ladder(steps, known.comparisons, contract)
            or verdicts.table_of(known.comparisons, contract, baselines)
        ),
        *verdicts.elsewhere(metrics, known.comparisons, baselines),
        *beside,
        *_stages(suite, measurement, contract, known, raw, of),
        *_objectives(known.judgements),
        *[listed(found)] * bool(found),
    ]


def listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(metrics: pd.DataFrame, contract: Contract) -> str:
    """One line a scenario."""
    head = ["scenario", *(numbers.titled(each.title, each.metric.unit) for each in contract.headline)]
    rows = [
        [
            row["scenario"] + NOISY.format(**row) * bool(row["noisy_runs"]),
            *(_spread(row, each) for each in contract.headline),
        ]
        for row in metrics.to_dict("records")
    ]
    return table(head, rows, right=range(1, len(head)))


def span(row: Mapping[Any, float], column: Column) -> list[float]:
    """The median of a line of the metrics table and what it lies between, in the metric's unit."""
    factor = 1e6 if column.metric.unit == "ns" else 1  # the table has milliseconds
    return [row[in_metrics(column.name, part)] * factor for part in ("", "_low", "_high")]


def _spread(row: Mapping[Any, float], column: Column) -> str:
    """The median, and what it lies between where that looks different; empty if not measured, and of a percentile UNKNOWN."""
    median, low, high = (numbers.shown(value, column.metric.unit) for value in span(row, column))
    if not median:
        return verdicts.UNKNOWN if column.percentile else ""
    return median if low == high else f"{median} ({low}–{high})"


def brackets(measurement: Measurement, metrics: pd.DataFrame) -> str:
    """What stands beside the medians of a measurement's lines of the metrics table."""
    if measurement.timing == "exact":
        return f"{SPAN} of the seeds"
    few = _shown_runs(metrics) < INTERVAL_RUNS
    if few.all():
        return SPAN
    return INTERVAL + f", or {SPAN} of fewer than {INTERVAL_RUNS} runs" * bool(few.any())


def _shown_runs(metrics: pd.DataFrame) -> pd.Series:
    """How many runs each scenario's medians are of: its quiet ones, or all where none is."""
    quiet = metrics["runs"] - metrics["noisy_runs"]
    return quiet.where(quiet > 0, metrics["runs"])


def _caption(measurement: Measurement, metrics: pd.DataFrame, contract: Contract) -> str:
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
    shown = [in_metrics(each.name) for each in contract.headline if each.percentile]
    of_few = f" {verdicts.UNKNOWN}: fewer than {LEAST_BEYOND} {contract.items[1]} of all runs are beyond it."
    return text + "." + of_few * bool(metrics[shown].isna().any(axis=None))


def _range(counts: pd.Series) -> str:
    """'9', or '4 to 6'."""
    return " to ".join(dict.fromkeys(f"{count:.0f}" for count in (counts.min(), counts.max())))


def _stages(
    suite: str, measurement: Measurement, contract: Contract, known: Evaluation, raw: pd.DataFrame, of: int
) -> list[Block]:
    """The picture, and what the slowest items waited for where no finding says it."""
    if known.stages.empty:
        return []
    title = f"Where the response time of {suite} went, {measurement}"
    blocks: list[Block] = [Picture(title, stage_picture.file_name(suite, measurement), suite, STAGES, of)]
    blocks += [partial] if (partial := _kept(known.stages, raw, contract)) else []
    found = {(each.rule, each.scenario) for each in known.findings}
    others: dict[str, list[Finding]] = {}
    for scenario, rows in known.stages.groupby("scenario", sort=False):
        population = SLOWEST if (rows["population"] == SLOWEST).any() else ALL
        name = f"the {SLOWEST if population == SLOWEST else f'mean {contract.items[0]}'}"
        if (name, scenario) not in found:
            shares = stage_shares(rows[rows["population"] == population])
            others.setdefault(name, []).append(Finding(name, str(scenario), measurement, shares))
    every = list(dict.fromkeys(known.stages["scenario"]))
    said = {
        name: "; ".join(
            f"{of}: {text}" for of, text in _together(each, lambda one: stage_words(one.values, contract), every)
        )
        for name, each in others.items()
    }
    lines = [f"**{name}.** {text}." for name, text in said.items()]
    return blocks + [listed(lines)] * bool(lines)


def _together(
    each: Sequence[Finding], template: Callable[[Finding], str], every: Sequence[str]
) -> list[tuple[str, str]]:
    """Scenarios with what is said of them: a line each, or where they are many, a line for those that are alike."""
    groups = [each] if len(each) > names.FEW else [[one] for one in each]
    return [(names.names(of, every), text) for group in groups for of, text in findings.alike(group, template)]


def _kept(stages: pd.DataFrame, raw: pd.DataFrame, contract: Contract) -> str:
    """Which scenarios' stages are not those of all items, since a run keeps its first ones only."""
    of_all = stages[stages["population"] == ALL].drop_duplicates("scenario").set_index("scenario")
    kept = of_all["items"] / of_all["runs"]
    recorded = quiet_runs(raw).groupby("scenario", sort=False)["items"].mean()
    partial = [name for name in kept.index if kept[name] < KEPT_ALL * recorded.get(name, 0)]
    if not partial:
        return ""
    of = names.names(partial, list(kept.index))
    first = f"{kept[partial].median():,.0f} {contract.items[1]}"
    return f"These are the stages of the first {first} of each run of {of}."


def _objectives(judgements: Sequence[Judgement]) -> list[str]:
    """What is missed or unknown, and how many are held."""
    if not judgements:
        return []
    held = sum(each.held is True for each in judgements)
    missed = [each for each in judgements if each.held is not True or not each.certain]
    every = list(dict.fromkeys(each.scenario for each in judgements))
    limits = [_limit(each, with_interval=len(missed) <= names.FEW) for each in missed]  # intervals make no range
    lines = [f"{of}: {words(text)}" for of, text in _together(limits, _limit_words, every)]
    wanted = ", ".join(dict.fromkeys(str(each.objective) for each in judgements))
    return [f"**Objectives: {held} of {len(judgements)} held** ({wanted}).", *[listed(lines)] * bool(lines)]


def _limit(each: Judgement, with_interval: bool) -> Finding:
    """A judgement as what _limit_words() has words for."""
    known = {"median": each.measured.median, "low": each.measured.low, "high": each.measured.high}
    if math.isnan(each.measured.low) or not with_interval:
        known = {"median": each.measured.median}
    verdict = {None: "not measured", True: "held", False: "missed"}[each.held]
    verdict += ", but not for certain" * (each.held is not None and not each.certain)
    said: dict[str, float | str] = {
        "verdict": verdict,
        "is": "is" if each.held else "is not",
        "name": each.objective.name,
        "relation": each.objective.relation,
        "limit": each.objective.limit,
    }
    return Finding("", each.scenario, each.measurement, said | known)


def _limit_words(limit: Finding) -> str:
    if limit.values["verdict"] == "not measured":
        return "{verdict}: {name} {relation} {limit:g}"
    interval = " ({low:,.4g} to {high:,.4g})" * ("low" in limit.values)
    return f"{{verdict}}: {{name}} of {{median:,.4g}}{interval} {{is}} {{relation}} {{limit:,g}}"
