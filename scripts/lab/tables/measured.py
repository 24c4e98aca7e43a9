"""From runs to tables: one row a run (raw), and one row a measurement and scenario (metrics)."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab.text import names
from lab.text.complaint import Complaint
from lab.tables import series
from lab.tables.estimate import median_interval
from lab.tables.measurement import KEYS, Measurement, groups, quiet, rests_on_few
from lab.runs.outputs import Thread
from lab.runs.run_record import RunRecord
from lab.plan.contract import PERCENTILES, Column, Contract

LARGEST_NS = 2**48 - 1  # that has a bucket of its own (src/record/histogram.hpp)
RATES = ("_ops_s", "_bytes_s")  # ends of columns
# Of an exact run, the first digits of the SHA-256 over all files that the program left, and over the kernel's own
# account of what its CPUs did until then. The second is finer: it changes where the first does not.
FINGERPRINTS = ("output_sha256", "canary_sha256")
TEXTS = ("run", "suite", "scenario", "target", "timing", "accelerator", *FINGERPRINTS)
FLAGS = ("noisy",)
FRACTIONS = ("_s", "_rate", "_share")  # how columns end that are written with a decimal point, also where it is .0
INTERVAL_RUNS = 6  # from which on the runs alone bound their median, without an assumption on how they are spread


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
    """The table as CSV: whole numbers without a decimal point."""
    floats = raw.select_dtypes("floating")
    whole = [name for name in floats if not name.endswith(FRACTIONS) and (floats[name].dropna() % 1 == 0).all()]
    return raw.astype(dict.fromkeys(whole, "Int64")).to_csv(index=False, lineterminator="\n")


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


def metrics_table(raw: pd.DataFrame, known: Contract) -> pd.DataFrame:
    """One row a measurement and scenario: of each metric the median over the quiet runs, and its span.

    *_low and *_high are the 95 % interval of the median in live timing with INTERVAL_RUNS values or more, and else,
    as in exact timing over the seeds, the smallest and the largest. A scenario without a quiet run shows the noisy
    ones. A percentile that not all of these runs know is not known: p50 and p99 would be those of other runs. Times become milliseconds. The headline's columns come first, as in the project's first results.
    """
    table = pd.DataFrame([_scenario_metrics(*group, known) for group in groups(raw)])
    first = ["scenario", *(in_metrics(each.name) for each in known.headline), *KEYS, "runs", "noisy_runs"]
    return table[first + [name for name in table if name not in first]]


def stated(table: pd.DataFrame, raw: pd.DataFrame, known: Contract) -> pd.DataFrame:
    """A raw or metrics table without the percentiles that too few items are beyond (percentiles_of_few()): for all that
    readers see. The files keep them, as each run has them."""
    hidden = table.copy()
    for measurement, scenario, runs in groups(raw):
        names = [
            name
            for column in percentiles_of_few(runs, known)
            for name in (column.name, *(in_metrics(column.name, part) for part in ("", "_low", "_high")))
            if name in table
        ]
        rows = (table[[*KEYS, "scenario"]] == [*measurement, scenario]).all(axis=1)
        hidden.loc[rows, names] = math.nan
    return hidden


def percentiles_of_few(runs: pd.DataFrame, known: Contract) -> list[Column]:
    """Those of a scenario's `runs` that fewer than LEAST_BEYOND items are beyond, over all runs that count."""
    good = quiet(runs)
    items = (runs if good.empty else good).get("items", pd.Series(math.inf)).sum()
    return [
        column for column in known.columns.values() if column.counts_items and rests_on_few(items, column.percentile)
    ]


def in_metrics(column: str, suffix: str = "") -> str:
    """What a column of the raw table is called in the metrics table, or its `suffix` (_low, _high) is:
    latency_p50_ms, latency_p50_low_ms, throughput_low_ops_s, time_low_s, drop_rate_low."""
    for unit, named in (("_ns", "_ms"), *((rate, rate) for rate in RATES), ("_s", "_s")):
        if column.endswith(unit):
            return column.removesuffix(unit) + suffix + named
    return column + suffix


def _scenario_metrics(measured: Measurement, scenario: str, runs: pd.DataFrame, known: Contract) -> dict[str, Any]:
    good = quiet(runs)
    chosen = runs if good.empty else good
    metrics: dict[str, Any] = {"scenario": scenario, **measured._asdict()}
    metrics |= {"runs": len(runs), "noisy_runs": len(runs) - len(good)}
    for name, column in known.columns.items():
        values = chosen[name]
        if column.percentile and values.isna().any():
            values = values.mask(values.notna())
        for suffix, value in _span(values, measured.timing).items():
            metrics[in_metrics(name, suffix)] = value / 1e6 if column.metric.unit == "ns" else value
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
        digits = 3 if name.endswith(RATES) else 9 if name.endswith("_s") else 6
        text[name] = metrics[name].map(lambda value, digits=digits: "" if math.isnan(value) else f"{value:.{digits}f}")
    return text.to_csv(index=False, lineterminator="\n")


def _run_metrics(record: RunRecord) -> dict[str, Any]:
    """A run's row: what it was, each metric, all that its stats.csv has, and what the kernel counted for each role."""
    row, known, outputs = record.row, record.contract, record.outputs
    metrics: dict[str, Any] = {
        "run": row.run,
        "suite": row.suite,
        "scenario": row.scenario,
        "target": row.target,
        "timing": row.timing,
        "accelerator": record.facts["accelerator"],
        "replicate": row.replicate,
        "seed": row.seed,
        "noisy": record.noisy,
        **dict(zip(FINGERPRINTS, record.fingerprints)),
    }
    for metric, buckets in outputs.histograms.items():
        for name, quantile in PERCENTILES.items():
            metrics[f"{metric}_{name}_ns"] = percentile_ns(
                np.array(buckets.highest_ns), np.array(buckets.count), quantile
            )
    metrics |= outputs.percentiles_ns
    metrics |= {name: outputs.stats[name] for name in known.metrics if name in outputs.stats}
    metrics |= {name: value for name, value in outputs.stats.items() if name not in (*metrics, "begin_ns")}
    if known.meaning("series"):
        metrics |= series.worst(record)
    return metrics | _of_threads(outputs.threads, list(known.roles))


def _of_threads(threads: Sequence[Thread], roles: Sequence[str]) -> dict[str, float]:
    """Sums over each role's threads, on how many CPUs all were in the end, and how often they had moved until then."""
    if not threads:
        return {}
    sums = {
        f"{role}_{name}": sum(thread.counters[name] for thread in threads if thread.role == role)
        for role in roles
        for name in threads[0].counters
    }
    cpus = {thread.cpu for thread in threads}
    moves = sum(thread.counters.get("migrations", math.nan) for thread in threads)
    return {"cpus": math.nan if any(map(math.isnan, cpus)) else len(cpus), "migrations": moves, **sums}
