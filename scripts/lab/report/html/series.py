"""The numbers that the plots of results.html draw, rounded for a file that stays small: times in microseconds."""

import math
from collections.abc import Iterable, Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab.tables import kept, measured, stages
from lab.judge import evaluation
from lab.plan.contract import Contract
from lab.report import section
from lab.report.pictures import stages as stage_picture
from lab.runs import outputs
from lab.tables.measurement import LEAST_BEYOND, NEARLY, Measurement, each_of, quiet as quiet_runs
from lab.tables.results import Results
from lab.text import numbers

# 1 / (1 - quantile): each per cent, and beyond 99 % twenty steps a decade, as an HdrHistogram is drawn.
ONE_IN = np.concatenate([100 / np.arange(100, 0, -1), 10 ** (2 + np.arange(1, 101) / 20)])
WINDOWS = 200  # that a run is cut into: about two pixels each
DIGITS = 4  # significant ones, which no screen can show more of
STAGE_COLOURS = [colour for colour, _ in stage_picture.LOOKS]  # by the place of a stage


def of_suite(results: Results, runs: Path) -> dict[str, Any]:
    """A suite's series, ready for JSON. `runs` is where its runs are; those that are gone are left out."""
    folder, contract = results.source.parent, results.contract
    metrics = measured.stated(measured.read(folder / f"{results.suite}_metrics.csv"), results.raw, contract)
    known = evaluation.read(results.suite, folder, results.raw, results.environment)
    measurements = [
        _of_measurement(each, contract, kept.of(metrics, each), kept.of(results.raw, each), known.of(each).stages, runs)
        for each in each_of(results.environment)
    ]
    stage_texts = zip(contract.stages.values(), cycle(STAGE_COLOURS))
    return {
        "scenarios": list(dict.fromkeys(scenario for each in measurements for scenario in each["values"])),
        "measurements": measurements,
        "items": contract.items[1],
        "times": {name: contract.metrics[name].title for name in contract.times},
        "axes": {each.name: numbers.titled(each.title, each.unit) for each in contract.metrics.values()},
        "stages": [{"name": stage.text, "colour": colour} for stage, colour in stage_texts],
    }


def _of_measurement(
    measurement: Measurement,
    contract: Contract,
    metrics: pd.DataFrame,
    raw: pd.DataFrame,
    parts: pd.DataFrame,
    runs: Path,
) -> dict[str, Any]:
    series: dict[str, Any] = {
        "title": str(measurement),
        "brackets": section.brackets(measurement, metrics),
        "values": {
            row["scenario"]: _values(row, raw[raw["scenario"] == row["scenario"]], contract)
            for row in metrics.to_dict("records")
        },
        "stages": stage_times(parts, contract),
        "percentiles": {},
        "windows": {},
    }
    for scenario, of_scenario in raw.groupby("scenario", sort=False):
        quiet = quiet_runs(of_scenario)
        chosen = of_scenario if quiet.empty else quiet
        there = chosen[[(runs / run).is_dir() for run in chosen["run"]]]
        if there.empty:
            continue
        series["percentiles"][scenario] = percentiles([runs / run for run in there["run"]], contract)
        files = {str(row.replicate): runs / row.run / outputs.SAMPLES for row in there.itertuples()}
        if known := {replicate: found for replicate, file in files.items() if (found := windows(file, contract))}:
            series["windows"][scenario] = known
    return series


def _values(metrics: Mapping[str, float], raw: pd.DataFrame, contract: Contract) -> dict[str, Any]:
    """Of each metric that is no time: each run's value, their median, and what it lies between."""
    values: dict[str, Any] = {"quiet": raw.index.isin(quiet_runs(raw).index).tolist()}
    for column in (each for each in contract.headline if not each.percentile):
        median, low, high = section.span(metrics, column)
        unit = column.metric.unit
        values[column.name] = {
            "runs": rounded(numbers.scaled(raw[column.name], unit)),
            "interval": rounded(numbers.scaled(np.array([low, median, high]), unit)),
        }
    return values


def stage_times(table: pd.DataFrame, contract: Contract) -> list[dict[str, Any]]:
    """A row a scenario and population of lab.tables.stages.table(): the mean of each stage."""
    if table.empty:
        return []
    rows = []
    for (scenario, population), means in table.groupby(["scenario", "population"], sort=False):
        times = means.set_index("stage")["mean_ns"].reindex(list(contract.stages), fill_value=0)
        rows.append({"scenario": scenario, "population": population, "means": rounded(times / 1e3)})
    return rows


def percentiles(folders: Iterable[Path], contract: Contract) -> dict[str, dict[str, list[float | None]]]:
    """By time, at ONE_IN: the medians over runs as in the tables, the lowest and the highest run.

    It ends where all runs together have too few items beyond, as its percentiles do in the tables.
    """
    histograms = [outputs.histograms_of(folder, contract) for folder in folders]
    curves = {}
    for time in contract.times:
        values = np.array([_curve(each[time]) for each in histograms])
        items = sum(sum(each[time].count) for each in histograms)
        enough = np.round(ONE_IN) * NEARLY * LEAST_BEYOND <= items
        known = int((~np.isnan(values).any(axis=0) & enough).sum())
        chosen = values[:, :known] / 1e3
        spread = {"median": np.median(chosen, axis=0), "low": chosen.min(axis=0), "high": chosen.max(axis=0)}
        curves[time] = {name: rounded(of_runs) for name, of_runs in spread.items()}
    return curves


def _curve(buckets: outputs.Buckets) -> list[float]:
    highest, count = np.array(buckets.highest_ns), np.array(buckets.count)
    return [measured.percentile_ns(highest, count, 1 - 1 / one_in) for one_in in ONE_IN]


def windows(path: Path, contract: Contract) -> dict[str, Any]:
    """A run over time, from its samples.csv: of up to 200 equally long windows the median and the largest item.

    Empty windows are None. "last_ms" is when the last window ends; the first begins at 0. Nothing where a run kept no
    items.
    """
    blocks = list(stages.samples(path, contract)) if contract.stages else []
    if not blocks:
        return {}
    items = pd.concat(blocks, ignore_index=True)
    since_ns = items["intended_ns"] - items["intended_ns"].iloc[0]
    length_ns = int(since_ns.iloc[-1]) + 1
    count = min(WINDOWS, len(items))
    grouped = items.groupby(since_ns * count // length_ns)
    series: dict[str, Any] = {"last_ms": round(length_ns / 1e6, 3)}
    for time in (each for each in contract.times if f"{each}_ns" in items):
        found = grouped[f"{time}_ns"]
        series[time] = {
            "median": rounded(found.median().reindex(range(count)) / 1e3),
            "largest": rounded(found.max().reindex(range(count)) / 1e3),
        }
    return series


def rounded(values: Iterable[float]) -> list[float | None]:
    """To 4 significant digits; None for what was not measured."""
    short = (float(f"{value:.{DIGITS}g}") for value in values)
    return [None if math.isnan(value) else int(value) if value.is_integer() else value for value in short]


def all_zero(series: Mapping[str, Any], metric: str) -> bool:
    """Whether a metric was 0 in all runs of a measurement."""
    return not any(any(values[metric]["runs"]) for values in series["values"].values())
