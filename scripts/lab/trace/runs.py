"""What the kernel's sched events said of scenarios: a table beside a suite's, and how an item's waits are split.

Written by scripts/trace.sh as <suite>_trace.csv: of each traced run the rows of sched_trace.table(), beside how long
the latencies of that run were, since tracing itself takes time.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab.tables import measured as analyse, measurement as measurements
from lab.text import numbers
from lab.plan import plan
from lab.runs import totals
from lab.trace import split
from lab.text.files import read_facts
from lab.runs.guest_files import OUT
from lab.tables.kept import KeptTable
from lab.tables.measurement import KEYS, Measurement
from lab.text.outside import markdown as words
from lab.tables.stages import ALL, NAMED_SHARE, SLOWEST, STAGES
from lab.trace.timeline import IDLE, RUN_DELAY, STATES

FILE = "{}_trace.csv"
LATENCIES = {"latency_p50_ns": 0.5, "latency_p99_ns": 0.99}
PART = split.COLUMNS[:-1]
COLUMNS = ["scenario", *KEYS, "options", "seed", "items", *LATENCIES, *split.COLUMNS]
SHORT = {
    "lateness": "late",
    "enqueue": "for room",
    "behind": "behind others",
    "wake_up": "wake-up",
    "service": "service",
}
NAMED_HOLDER = 0.1  # of the run delays
KEPT = KeptTable(
    columns=COLUMNS,
    numbers=["seed", "items", *LATENCIES, "mean_ns"],
    optional=list(LATENCIES),
    known={"population": (ALL, SLOWEST), "stage": STAGES, "part": STATES},
    remedy="remove it, and run scripts/trace.sh again",
)
HEAD = (
    "| scenario, traced | µs of an item | asleep | no CPU | running | who had the CPU "
    "| slowest 1 %: asleep | no CPU | running | who had the CPU |\n|---|---|" + ("---:|" * 3 + "---|") * 2
)
CAPTION = (
    "*Traced*: means of {} guest{} that recorded the kernel's sched events. *asleep*: until something began to wake "
    "the thread that the item waited for; *no CPU*: woken, but not running; *running*: it had a CPU. Tracing takes "
    "time itself, and may lead the scheduler to other CPUs: in brackets, how much longer latencies were than untraced."
)


def table(folders: Sequence[Path], plan_file: Path) -> pd.DataFrame:
    """COLUMNS of the traced runs in `folders`; the plan has their rows in the same order."""
    return pd.concat([_of_run(*run) for run in zip(folders, plan.read(plan_file), strict=True)], ignore_index=True)


def of(traces: pd.DataFrame, measurement: Measurement) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each scenario that was traced in a measurement."""
    chosen = traces[(traces[KEYS] == list(measurement)).all(axis=1)]
    yield from chosen.groupby("scenario", sort=False)


def means(runs: pd.DataFrame) -> pd.DataFrame:
    """The columns of sched_trace.table(), of one scenario: means over its runs, so that parts still add up."""
    of_runs = runs.groupby("population")["seed"].nunique()  # a short run has no slowest items
    sums = runs.groupby(PART, sort=False)["mean_ns"].sum().reset_index()
    return sums.assign(mean_ns=sums["mean_ns"] / sums["population"].map(of_runs))


def holders(rows: pd.DataFrame) -> list[tuple[str, str, float]]:
    """Task, CPU and share of the run delays in `rows`, of one population of means(), the largest first."""
    delays = rows[rows["part"] == RUN_DELAY].groupby(["held_by", "cpu"])["mean_ns"].sum().sort_values(ascending=False)
    return [(str(task), str(cpu), float(mean_ns / delays.sum())) for (task, cpu), mean_ns in delays.items()]


def holder(task: str, cpu: str) -> str:
    """'consumer on CPU 1', 'nobody on CPU 0'."""
    return f"{'nobody' if task == IDLE else task} on CPU {cpu}"


def markdown(traces: pd.DataFrame, measurement: Measurement, raw: pd.DataFrame, facts: Mapping[str, Any]) -> str:
    """A line a stage of each scenario that was traced in this measurement; empty when none was.

    `raw` has the untraced runs of the measurement, and `facts` what the environment file says of it.
    """
    lines, guests = [], []
    for scenario, runs in of(traces, measurement):
        without = raw[raw["scenario"] == scenario]
        if measurements.options(facts, scenario).split("; ")[-1] != runs["options"].iat[0]:
            without = without[:0]
        if measurement.timing == "exact":
            without = without[without["seed"].isin(runs["seed"])]
        latencies = [text for column in LATENCIES if (text := _latency(runs, without, column))]
        first = f"{scenario}: {', '.join(latencies)}" if latencies else scenario
        for place, cells in enumerate(_stage_lines(means(runs))):
            lines.append(f"| {' | '.join(['' if place else first, *cells])} |")
        guests.append(runs["seed"].nunique())
    if not lines:
        return ""
    return "\n".join([HEAD, *lines, "", CAPTION.format(max(guests), "s" * (max(guests) > 1))])


def _stage_lines(known: pd.DataFrame) -> Iterator[list[str]]:
    """The cells of each stage that is worth a line, of means()."""
    sums = known.groupby(["population", "stage"])["mean_ns"].sum()
    shares = sums / known.groupby("population")["mean_ns"].sum()
    for stage, short in SHORT.items():
        if not any(shares.get((population, stage), 0) >= NAMED_SHARE for population in (ALL, SLOWEST)):
            continue
        cells = [short]
        for population in (ALL, SLOWEST):
            rows = known[(known["population"] == population) & (known["stage"] == stage)]
            parts = rows.groupby("part")["mean_ns"].sum()
            measured = (known["population"] == population).any()
            cells += [numbers.significant(float(parts.get(part, 0)) / 1e3) if measured else "" for part in STATES]
            cells.append(_held(rows))
        yield cells


def text(runs: pd.DataFrame) -> str:
    """One scenario's table for a terminal."""
    known = means(runs).pivot(index=PART[1:], columns="population", values="mean_ns").fillna(0)
    populations = [name for name in (ALL, SLOWEST) if name in known]
    lines = [f"{'stage':<9} {'part':<10} {'cpu':<3} {'held by':<16} " + " ".join(f"{name:>12}" for name in populations)]
    order = {name: place for place, name in enumerate([*STAGES, *STATES])}
    for part in sorted(known.index, key=lambda part: (order[part[0]], order[part[1]], *part[2:])):
        numbers = " ".join(f"{known.at[part, name] / 1e3:12,.3f}" for name in populations)
        lines.append(f"{part[0]:<9} {part[1]:<10} {part[2]:<3} {part[3]:<16} {numbers}")
    sums = " ".join(f"{known[name].sum() / 1e3:12,.3f}" for name in populations)
    return "\n".join([*lines, f"{'response':<41} {sums}"])


def _of_run(folder: Path, planned: plan.Row) -> pd.DataFrame:
    known = split.split(folder)
    histogram = folder / OUT / "histogram.csv"
    buckets = totals.read_histograms(histogram)["latency"]
    highest, counts = np.array(buckets.highest_ns), np.array(buckets.count)
    facts = {
        "scenario": planned.scenario,
        "target": planned.target,
        "timing": planned.timing,
        "accelerator": read_facts(folder / "vm.tsv", ["accelerator"], "run it again")["accelerator"],
        "options": planned.options,
        "seed": planned.seed,
        "items": len(known.bounds_ns),
        **{name: analyse.percentile_ns(highest, counts, quantile) for name, quantile in LATENCIES.items()},
    }
    return split.table(known).assign(**facts)[COLUMNS]


def _latency(runs: pd.DataFrame, without: pd.DataFrame, column: str) -> str:
    """'p50 22.2 µs (+12 %)': the median over traced runs, and how much longer it is than over untraced ones, if any."""
    traced = runs.drop_duplicates("seed")[column].dropna()
    untraced = without[column].dropna()
    if traced.empty:
        return ""
    longer = "" if untraced.empty else f" ({(traced.median() / untraced.median() - 1) * 100:+.0f} %)"
    return f"{column.split('_')[1]} {numbers.significant(traced.median() / 1e3)} µs{longer}"


def _held(rows: pd.DataFrame) -> str:
    """Who had the CPU in the run delays of `rows`: with its share where there are several."""
    found = [each for each in holders(rows) if each[2] >= NAMED_HOLDER]
    text = ", ".join(holder(task, cpu) + f" {share * 100:.0f} %" * (len(found) > 1) for task, cpu, share in found)
    return words(text)  # tasks are called as the guest says
