"""From runs to tables: one row a run (raw), and one row a measurement and scenario (metrics)."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab.text import names
from lab.judge import comparing
from lab.text.complaint import Complaint
from lab.tables.estimate import median_interval
from lab.tables.measurement import KEYS, Measurement, groups
from lab.runs.run_record import RunRecord
from lab.runs.totals import COUNTED, COUNTERS, MEASURED, TIMES

PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "p999": 0.999}
LARGEST_NS = 2**48 - 1  # that has a bucket of its own (src/record/histogram.hpp)
RATES = ("throughput_ops_s", "drop_rate")
TEXTS = ("run", "suite", "scenario", "target", "timing", "accelerator")
FLAGS = ("noisy",)
INTERVAL_RUNS = 6  # from which on the runs alone bound their median, without an assumption on how they are spread
MEASUREMENT = KEYS  # what is never mixed in one table


def percentile_ns(highest_ns: np.ndarray, count: np.ndarray, quantile: float) -> float:
    """The nearest-rank percentile of counted values: ascending values [n] and how often each came [n].

    NaN when there are fewer than 1 / (1 - quantile) values: then it would only be the maximum. NaN, too, when it is
    among the values that were too large for the program's buckets.
    """
    cumulative = np.cumsum(count)
    total = int(cumulative[-1]) if len(cumulative) else 0
    if total < round(1 / (1 - quantile)):
        return math.nan
    rank = math.ceil(quantile * total - 1e-9)  # 0.95 * 100 is 95, though not to a binary computer
    value = float(highest_ns[np.searchsorted(cumulative, rank)])
    return value if value <= LARGEST_NS else math.nan


def raw_table(records: Iterable[RunRecord]) -> tuple[pd.DataFrame, list[Complaint]]:
    """One row a run, in the order of `records`, and what is wrong with those that are left out."""
    rows, complaints = [], []
    for record in records:
        try:
            rows.append(_run_metrics(record))
        except Complaint as complaint:
            complaints.append(complaint)
    return pd.DataFrame(rows), complaints


def raw_csv(raw: pd.DataFrame) -> str:
    """The table as CSV: counters without a decimal point."""
    return raw.astype(dict.fromkeys(COUNTERS, "Int64")).to_csv(index=False, lineterminator="\n")


def read(path: Path) -> pd.DataFrame:
    """A table of this module from its CSV. What is empty is NaN; a scenario may be called NA, 008 or 1e3."""
    return typed(pd.read_csv(path, dtype=str, keep_default_na=False))


def typed(text: pd.DataFrame) -> pd.DataFrame:
    """A table of this module from its cells as they stand in the CSV. A run is quiet unless marked as noisy."""
    names.check_table(text)
    flags = {name: text[name].str.lower() == "true" for name in FLAGS if name in text}
    numbers = [name for name in text if name not in TEXTS + FLAGS]
    values = {name: pd.to_numeric(text[name].where(text[name] != "")) for name in numbers}
    return text.assign(**values, **flags)


def metrics_table(raw: pd.DataFrame) -> pd.DataFrame:
    """One row a measurement and scenario: of each metric the median over the quiet runs, and its span.

    *_low and *_high are the 95 % interval of the median in live timing with INTERVAL_RUNS values or more, and else,
    as in exact timing over the seeds, the smallest and the largest. A scenario without a quiet run shows the noisy
    ones. Times become milliseconds. The first columns are those of the project's first results.
    """
    table = pd.DataFrame([_scenario_metrics(*group) for group in groups(raw)])
    first = ["scenario", "latency_p50_ms", "latency_p95_ms", "latency_p99_ms", *RATES, *MEASUREMENT]
    first += ["runs", "noisy_runs"]
    return table[first + [name for name in table if name not in first]]


def _scenario_metrics(measured: Measurement, scenario: str, runs: pd.DataFrame) -> dict[str, Any]:
    quiet = comparing.quiet(runs)
    chosen = runs if quiet.empty else quiet
    metrics: dict[str, Any] = {"scenario": scenario, **measured._asdict()}
    metrics |= {"runs": len(runs), "noisy_runs": len(runs) - len(quiet)}
    for time in TIMES:
        for percentile in PERCENTILES:
            for suffix, value in _span(chosen[f"{time}_{percentile}_ns"], measured.timing).items():
                metrics[f"{time}_{percentile}{suffix}_ms"] = value / 1e6
    for rate in RATES:
        for suffix, value in _span(chosen[rate], measured.timing).items():
            metrics[_suffixed(rate, suffix)] = value
    return metrics


def _span(values: pd.Series, timing: str) -> dict[str, float]:
    """By the suffix of a column's name: the median, and what it lies between."""
    estimate = median_interval(values)
    if timing == "exact" or estimate.runs < INTERVAL_RUNS:
        return {"": estimate.median, "_low": values.min(), "_high": values.max()}
    low = float(np.maximum(estimate.low, 0))  # nothing that is measured here can be negative
    return {"": estimate.median, "_low": low, "_high": estimate.high}


def metrics_csv(metrics: pd.DataFrame) -> str:
    """The table as CSV: times to the nanosecond, and what was not measured empty."""
    text = metrics.copy()
    for name in metrics.select_dtypes("floating"):
        digits = 3 if name.startswith("throughput") else 6
        text[name] = metrics[name].map(lambda value, digits=digits: "" if math.isnan(value) else f"{value:.{digits}f}")
    return text.to_csv(index=False, lineterminator="\n")


def _suffixed(name: str, suffix: str) -> str:
    """`name` with `suffix` before its unit: throughput_low_ops_s, drop_rate_low."""
    return name.replace("_ops_s", f"{suffix}_ops_s") if name.endswith("_ops_s") else name + suffix


def _run_metrics(record: RunRecord) -> dict[str, Any]:
    stats = record.totals.stats
    row = record.row
    metrics: dict[str, Any] = {
        "run": row.run,
        "suite": row.suite,
        "scenario": row.scenario,
        "target": row.target,
        "timing": row.timing,
        "accelerator": record.facts["accelerator"],
        "replicate": row.replicate,
        "seed": row.seed,
        "noisy": bool(record.facts.get("noisy", False)),
    }
    for time, buckets in record.totals.histograms.items():
        for name, quantile in PERCENTILES.items():
            metrics[f"{time}_{name}_ns"] = percentile_ns(
                np.array(buckets.highest_ns), np.array(buckets.count), quantile
            )
    metrics["throughput_ops_s"] = stats["consumed"] / stats["duration_s"]
    metrics["drop_rate"] = stats["dropped"] / stats["produced"] if stats["produced"] else math.nan
    for key in COUNTED:
        metrics[key] = int(stats[key])
    for key in MEASURED:
        metrics[key] = stats[key]
    return metrics | {name: stats[name] for name in COUNTERS}
