"""The numbers that the plots of results.html draw, rounded for a file that stays small: times in microseconds."""

import itertools
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab.tables import measured, stages
from lab.judge import evaluation, comparing
from lab.report import stage_picture, section
from lab.runs import totals
from lab.tables.measurement import KEYS, Measurement, each_of
from lab.tables.results import Results

# 1 / (1 - quantile): each per cent, and beyond 99 % twenty steps a decade, as an HdrHistogram is drawn.
ONE_IN = np.concatenate([100 / np.arange(100, 0, -1), 10 ** (2 + np.arange(1, 101) / 20)])
WINDOWS = 200  # that a run is cut into: about two pixels each
DIGITS = 4  # significant ones, which no screen can show more of


def of_suite(results: Results, runs: Path) -> dict[str, Any]:
    """A suite's series, ready for JSON. `runs` is where its runs are; those that are gone are left out."""
    folder = results.source.parent
    metrics = measured.read(folder / f"{results.suite}_metrics.csv")
    known = evaluation.read(results.suite, folder, results.raw, results.environment)
    told = [
        _of_measurement(each, _of(each, metrics), _of(each, results.raw), known.of(each).stages, runs)
        for each in each_of(results.environment)
    ]
    names = dict.fromkeys(scenario for each in told for scenario in each["rates"])
    return {"scenarios": list(names), "measurements": told}


def _of(measurement: Measurement, table: pd.DataFrame) -> pd.DataFrame:
    return table[(table[KEYS] == list(measurement)).all(axis=1)]


def _of_measurement(
    measurement: Measurement, metrics: pd.DataFrame, raw: pd.DataFrame, parts: pd.DataFrame, runs: Path
) -> dict[str, Any]:
    series: dict[str, Any] = {
        "title": str(measurement),
        "brackets": section.brackets(measurement, metrics),
        "rates": {row.scenario: _rates(row, raw[raw["scenario"] == row.scenario]) for row in metrics.itertuples()},
        "stages": stage_times(parts),
        "percentiles": {},
        "windows": {},
    }
    for scenario, of_scenario in raw.groupby("scenario", sort=False):
        quiet = comparing.quiet(of_scenario)
        chosen = of_scenario if quiet.empty else quiet
        there = chosen[[(runs / run).is_dir() for run in chosen["run"]]]
        if there.empty:
            continue
        series["percentiles"][scenario] = percentiles([runs / run for run in there["run"]])
        files = {str(row.replicate): runs / row.run / totals.LATENCIES for row in there.itertuples()}
        if known := {replicate: found for replicate, file in files.items() if (found := windows(file))}:
            series["windows"][scenario] = known
    return series


def _rates(metrics: Any, raw: pd.DataFrame) -> dict[str, Any]:
    """Each run's throughput and drop rate, their medians, and what these lie between."""
    return {
        "throughput": {
            "runs": rounded(raw["throughput_ops_s"]),
            "interval": rounded(
                [metrics.throughput_low_ops_s, metrics.throughput_ops_s, metrics.throughput_high_ops_s]
            ),
        },
        "drop": {
            "runs": rounded(raw["drop_rate"] * 100),
            "interval": rounded(np.array([metrics.drop_rate_low, metrics.drop_rate, metrics.drop_rate_high]) * 100),
        },
        "quiet": raw.index.isin(comparing.quiet(raw).index).tolist(),
    }


def stage_times(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A row a scenario and population of lab.stages.table(): the mean of each stage."""
    if table.empty:
        return []
    rows = []
    for (scenario, population), means in table.groupby(["scenario", "population"], sort=False):
        times = means.set_index("stage")["mean_ns"].reindex(list(stages.STAGES), fill_value=0)
        rows.append({"scenario": scenario, "population": population, "means": rounded(times / 1e3)})
    return rows


def stage_legend() -> list[dict[str, str]]:
    """The stages in the order of stage_times(), as the pictures call and colour them."""
    return [
        {"name": name, "colour": look[0]}
        for name, look in zip(stages.STAGES.values(), itertools.cycle(stage_picture.LOOKS))
    ]


def percentiles(folders: Iterable[Path]) -> dict[str, dict[str, list[float | None]]]:
    """By time, at ONE_IN: the medians over runs as in the tables, the lowest and the highest run.

    It ends where a run has too few items, as its percentiles do in the tables.
    """
    histograms = [totals.read_histograms(folder / totals.HISTOGRAM) for folder in folders]
    curves = {}
    for time in totals.TIMES:
        values = np.array([_curve(each[time]) for each in histograms])
        known = int((~np.isnan(values).any(axis=0)).sum())
        chosen = values[:, :known] / 1e3
        spread = {"median": np.median(chosen, axis=0), "low": chosen.min(axis=0), "high": chosen.max(axis=0)}
        curves[time] = {name: rounded(of_runs) for name, of_runs in spread.items()}
    return curves


def _curve(buckets: totals.Buckets) -> list[float]:
    highest, count = np.array(buckets.highest_ns), np.array(buckets.count)
    return [measured.percentile_ns(highest, count, 1 - 1 / one_in) for one_in in ONE_IN]


def windows(path: Path) -> dict[str, Any]:
    """A run over time, from its latencies.csv: of up to 200 equally long windows the median and the largest item.

    Empty windows are None. "last_ms" is when the last window ends; the first begins at 0. Nothing where a run kept no
    items.
    """
    blocks = [block for block, _ in stages.checked_blocks(path, stages.step(path))]
    if not blocks:
        return {}
    items = pd.DataFrame(np.concatenate(blocks), columns=stages.COLUMNS)
    since_ns = items["intended_ns"] - items["intended_ns"].iloc[0]
    length_ns = int(since_ns.iloc[-1]) + 1
    count = min(WINDOWS, len(items))
    grouped = items.groupby(since_ns * count // length_ns)
    series: dict[str, Any] = {"last_ms": round(length_ns / 1e6, 3)}
    for time in totals.TIMES:
        found = grouped[f"{time}_ns"]
        series[time] = {
            "median": rounded(found.median().reindex(range(count)) / 1e3),
            "largest": rounded(found.max().reindex(range(count)) / 1e3),
        }
    return series


def rounded(values: Iterable[float]) -> list[float | None]:
    """To 4 significant digits; None for what was not measured."""
    return [_rounded(float(value)) for value in values]


def _rounded(value: float) -> float | None:
    if math.isnan(value):
        return None
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short == int(short) else short


def no_drops(series: Mapping[str, Any]) -> bool:
    """Whether no run of a measurement dropped an item."""
    return not any(any(rates["drop"]["runs"]) for rates in series["rates"].values())
