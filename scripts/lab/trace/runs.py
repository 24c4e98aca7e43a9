"""What the kernel's sched events said of scenarios: a table beside a suite's, and how an item's waits are split.

Written by scripts/trace.sh as <suite>_trace.csv: of each traced run the rows of split.table(), beside how long
the latencies of that run were, since tracing itself takes time.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab.plan import plan
from lab.plan.plan import Row
from lab.plan.contract import PERCENTILES, Contract
from lab.runs import observe, outputs
from lab.runs.guest_files import OUT
from lab.tables import kept, measured, measurement as measurements
from lab.tables.measurement import Measurement
from lab.tables.stages import ALL, NAMED_SHARE, SLOWEST
from lab.text import markdown as md, numbers
from lab.trace import split
from lab.trace.timeline import IDLE, RUN_DELAY, STATES

FILE = "{}_trace.csv"
PART = split.COLUMNS[:-1]
NAMED_HOLDER = 0.1  # of the run delays
# Its other columns are percentiles of the traced run.
KEPT = kept.Table(
    kept.MEASURED
    | {"options": kept.TEXT, "seed": kept.WHOLE, "items": kept.WHOLE}
    | {"population": kept.one_of(ALL, SLOWEST), "stage": kept.NAME, "part": kept.one_of(*STATES)}
    | {"cpu": kept.TEXT, "held_by": kept.TEXT, "mean_ns": kept.REAL},
    others=kept.optional(kept.REAL),
    remedy="remove it, and run scripts/trace.sh again",
)
HEAD = ["scenario, traced", "µs of an item", "asleep", "no CPU", "running", "who had the CPU"]
HEAD += ["slowest 1 %: asleep", "no CPU", "running", "who had the CPU"]
RIGHT = (2, 3, 4, 6, 7, 8)
CAPTION = (
    "*Traced*: means of {} guest{} that recorded the kernel's sched events. *asleep*: until something began to wake "
    "the thread that the item waited for; *no CPU*: woken, but not running; *running*: it had a CPU. Tracing takes "
    "time itself, and may lead the scheduler to other CPUs: in brackets, how much longer latencies were than untraced."
)


def table(folders: Sequence[Path], rows: Sequence[Row], workload: Contract) -> pd.DataFrame:
    """The table of the traced runs of `rows`, each in its folder.

    Beside what KEPT has: the headline percentiles of each run.
    """
    runs = [_of_run(folder, row, workload) for folder, row in zip(folders, rows, strict=True)]
    return pd.concat(runs, ignore_index=True)


def means(runs: pd.DataFrame) -> pd.DataFrame:
    """The columns of split.table(), of one scenario: means over its runs, so that parts still add up."""
    of_runs = runs.groupby("population")["seed"].nunique()  # a short run has no slowest items
    sums = runs.groupby(PART, sort=False)["mean_ns"].sum().reset_index()
    return sums.assign(mean_ns=sums["mean_ns"] / sums["population"].map(of_runs))


def holders(rows: pd.DataFrame) -> list[tuple[str, str, float]]:
    """Task, CPU and share of the run delays in `rows`, of one population of means(), the largest first."""
    delays = rows[rows["part"] == RUN_DELAY].groupby(["held_by", "cpu"])["mean_ns"].sum().sort_values(ascending=False)
    return [(str(task), str(cpu), float(mean_ns / delays.sum())) for (task, cpu), mean_ns in delays.items()]


def holder(task: str, cpu: str) -> str:
    """'consumer on CPU 1', 'CPU 0 idle'."""
    return f"CPU {cpu} idle" if task == IDLE else f"{task} on CPU {cpu}"


def markdown(traces: pd.DataFrame, measurement: Measurement, raw: pd.DataFrame, facts: Mapping[str, Any]) -> str:
    """A line a stage of each scenario that was traced in this measurement; empty when none was.

    `raw` has the untraced runs of the measurement, and `facts` what the environment file says of it.
    """
    lines, guests = [], 0
    for scenario, runs in kept.of(traces, measurement).groupby("scenario", sort=False):
        without = raw[raw["scenario"] == scenario]
        if plan.words(measurements.options(facts, scenario)) != runs["options"].iat[0]:
            without = without[:0]
        if measurement.timing == "exact":
            without = without[without["seed"].isin(runs["seed"])]
        times = [text for name in runs if name not in KEPT.columns and (text := _time(runs, without, str(name)))]
        first = f"{scenario}: {', '.join(times)}" if times else scenario
        for place, cells in enumerate(_stage_lines(means(runs))):
            lines.append(["" if place else first, *cells])
        guests = max(guests, runs["seed"].nunique())
    return f"{md.table(HEAD, lines, RIGHT)}\n\n{CAPTION.format(guests, 's' * (guests > 1))}" if lines else ""


def _stage_lines(known: pd.DataFrame) -> Iterator[list[str]]:
    """The cells of each stage that is worth a line, of means()."""
    sums = known.groupby(["population", "stage"], sort=False)["mean_ns"].sum()
    worth = sums[sums / known.groupby("population")["mean_ns"].sum() >= NAMED_SHARE].index
    for stage in dict.fromkeys(known["stage"]):
        if not any((population, stage) in worth for population in (ALL, SLOWEST)):
            continue
        cells = [str(stage).replace("_", " ")]
        for population in (ALL, SLOWEST):
            rows = known[(known["population"] == population) & (known["stage"] == stage)]
            parts = rows.groupby("part")["mean_ns"].sum()
            measured = (known["population"] == population).any()
            cells += [numbers.shown(float(parts.get(part, 0)), "ns") if measured else "" for part in STATES]
            cells.append(_held(rows))
        yield cells


def text(runs: pd.DataFrame) -> str:
    """One scenario's table for a terminal, in µs."""
    stages = list(dict.fromkeys(runs["stage"]))
    known = means(runs).pivot(index=PART[1:], columns="population", values="mean_ns").fillna(0) / 1e3
    known = known[[name for name in (ALL, SLOWEST) if name in known]]
    lines = [f"{'stage':<9} {'part':<10} {'cpu':<3} {'held by':<16} " + " ".join(f"{name:>12}" for name in known)]
    order = {name: place for place, name in enumerate([*stages, *STATES])}
    for part in sorted(known.index, key=lambda part: (order[part[0]], order[part[1]], *part[2:])):
        times = " ".join(f"{time:12,.3f}" for time in known.loc[part])
        lines.append(f"{part[0]:<9} {part[1]:<10} {part[2]:<3} {part[3]:<16} {times}")
    return "\n".join([*lines, f"{'response':<41} " + " ".join(f"{sum_us:12,.3f}" for sum_us in known.sum())])


def _of_run(folder: Path, planned: Row, workload: Contract) -> pd.DataFrame:
    known = split.split(folder, workload)
    histograms = outputs.read_histograms(folder / OUT / outputs.HISTOGRAM, workload.histograms)
    about = observe.about(folder, planned)
    about |= {"options": plan.words(planned.options), "items": len(known.bounds_ns)}
    times = {}
    for column in (each for each in workload.headline if each.percentile):
        buckets = histograms[column.metric.name]
        counted = np.array(buckets.highest_ns), np.array(buckets.count)
        times[column.name] = measured.percentile_ns(*counted, PERCENTILES[column.percentile])
    return split.table(known).assign(**about)[list(KEPT.columns)].assign(**times)


def _time(runs: pd.DataFrame, without: pd.DataFrame, column: str) -> str:
    """'latency p50 22.2 µs (+12 %)': the median over traced runs, and how much longer it is than over untraced ones."""
    traced = runs.drop_duplicates("seed")[column].dropna().median()
    untraced = without[column].dropna().median() if column in without else math.nan
    if math.isnan(traced):
        return ""
    longer = "" if math.isnan(untraced) else f" ({numbers.change(traced / untraced - 1)})"
    return f"{column.removesuffix('_ns').replace('_', ' ')} {numbers.time(traced)}{longer}"


def _held(rows: pd.DataFrame) -> str:
    """Who had the CPU in the run delays of `rows`: with its share where there are several."""
    found = [each for each in holders(rows) if each[2] >= NAMED_HOLDER]
    return ", ".join(holder(task, cpu) + f" {numbers.share(part, 0)}" * (len(found) > 1) for task, cpu, part in found)
