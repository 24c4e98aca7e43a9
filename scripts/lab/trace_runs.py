"""What the kernel's sched events said of scenarios: a table beside a suite's, and how an item's waits are split.

Written by scripts/trace.sh as <suite>_trace.csv: of each traced run the rows of sched_trace.table(), beside how long
the latencies of that run were, since tracing itself takes time.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lab import analyse, measurement as measurements, plan, sched_trace
from lab.complaint import FAILED, Complaint
from lab.files import read_facts
from lab.measurement import KEYS, Measurement
from lab.stages import ALL, SLOWEST, STAGES
from lab.timeline import IDLE, RUN_DELAY, STATES

FILE = "{}_trace.csv"
LATENCIES = {"latency_p50_ns": 0.5, "latency_p99_ns": 0.99}
PART = sched_trace.COLUMNS[:-1]
TEXTS = ["scenario", *KEYS, "options", *PART]
NUMBERS = ["seed", "items", *LATENCIES, "mean_ns"]
COLUMNS = ["scenario", *KEYS, "options", "seed", "items", *LATENCIES, *sched_trace.COLUMNS]
SHOWN = {"lateness": "late", "wake_up": "wake-up"}  # by stage: how the table's columns begin
SHORT = {"run delay": "no CPU"}
NAMED_HOLDER = 0.1  # of the run delays
REMEDY = "remove it, and run scripts/trace.sh again"
CAPTION = (
    "*Traced*: {} guest{} that recorded the kernel's sched events; mean µs of an item. *asleep*: until something "
    "began to wake its thread; *no CPU*: woken, but not running yet, or no more; *running*: it had a CPU. Tracing takes time "
    "itself: in brackets, how much longer the latencies were than without."
)


def table(folders: Sequence[Path], plan_file: Path) -> pd.DataFrame:
    """COLUMNS of the traced runs in `folders`; the plan has their rows in the same order."""
    return pd.concat([_of_run(*run) for run in zip(folders, plan.read(plan_file), strict=True)], ignore_index=True)


def csv(runs: pd.DataFrame) -> str:
    return runs.to_csv(index=False, lineterminator="\n", float_format="%.12g")


def merged(path: Path, new: pd.DataFrame) -> pd.DataFrame:
    """`new`, and what the file at `path` has of other scenarios and measurements."""
    if not path.is_file():
        return new
    old = read(path)
    subject = [*KEYS, "scenario"]
    same = old[subject].apply(tuple, axis=1).isin(set(new[subject].apply(tuple, axis=1)))
    return pd.concat([old[~same], new], ignore_index=True)[COLUMNS]


def read(path: Path) -> pd.DataFrame:
    """The table at `path`; empty when there is none. Raises Complaint naming file, row and remedy."""
    if not path.is_file():
        return pd.DataFrame(columns=COLUMNS)
    try:
        text = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise Complaint(path, f"cannot be read as CSV ({error}): {REMEDY}", FAILED) from None
    missing = [name for name in COLUMNS if name not in text]
    if missing:
        raise Complaint(path, f"row 0 lacks the columns {', '.join(missing)}: {REMEDY}", FAILED)
    for name, known in {"population": (ALL, SLOWEST), "stage": STAGES, "part": STATES}.items():
        _refuse(path, ~text[name].isin(list(known)), f"{name} = {{}} is not known", text[name])
    for name in NUMBERS:
        values = pd.to_numeric(text[name], errors="coerce")
        bad = (values.isna() & ((text[name] != "") | (name not in LATENCIES))) | (values < 0)
        _refuse(path, bad, f"{name} = {{}} is not a number of at least 0", text[name])
        text[name] = values
    return text


def _refuse(path: Path, wrong: pd.Series, what: str, cells: pd.Series) -> None:
    if wrong.any():
        place = int(wrong.to_numpy().argmax())
        raise Complaint(path, f"row {place + 1}: {what.format(cells.iat[place])}: {REMEDY}", FAILED)


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
    """Two lines a scenario that was traced in this measurement; empty when none was.

    `raw` has the untraced runs of the measurement, and `facts` what the environment file says of it.
    """
    lines = []
    for scenario, runs in of(traces, measurement):
        without = raw[raw["scenario"] == scenario]
        if measurements.options(facts, scenario).split("; ")[-1] != runs["options"].iat[0]:
            without = without[:0]
        if measurement.timing == "exact":
            without = without[without["seed"].isin(runs["seed"])]
        known = means(runs)
        for population, rows in known.groupby("population", sort=False):
            name = scenario if population == ALL else "its slowest 1 %"
            latencies = [_latency(runs, without, column) if population == ALL else "" for column in LATENCIES]
            lines.append(f"| {' | '.join([name, *latencies, *_parts(rows), _held(rows)])} |")
    if not lines:
        return ""
    heads = [f"{short}: {SHORT.get(part, part)}" for short in SHOWN.values() for part in STATES]
    head = f"| scenario, traced | p50 (µs) | p99 (µs) | {' | '.join(heads)} | who had the CPU |"
    guests = int(traces.groupby(["scenario", *KEYS])["seed"].nunique().median())
    rule = "|---|" + "---:|" * (2 + len(heads)) + "---|"
    return "\n".join([head, rule, *lines, "", CAPTION.format(guests, "s" * (guests > 1))])


def text(runs: pd.DataFrame) -> str:
    """One scenario's table for a terminal."""
    known = means(runs).pivot(index=PART[1:], columns="population", values="mean_ns").fillna(0)
    populations = [name for name in (ALL, SLOWEST) if name in known]
    lines = [f"{'stage':<9} {'part':<10} {'cpu':<3} {'held by':<16} " + " ".join(f"{name:>12}" for name in populations)]
    order = {name: place for place, name in enumerate([*STAGES, *STATES])}
    for part in sorted(known.index, key=lambda part: (order[part[0]], order[part[1]], *part[2:])):
        figures = " ".join(f"{known.at[part, name] / 1e3:12,.3f}" for name in populations)
        lines.append(f"{part[0]:<9} {part[1]:<10} {part[2]:<3} {part[3]:<16} {figures}")
    sums = " ".join(f"{known[name].sum() / 1e3:12,.3f}" for name in populations)
    return "\n".join([*lines, f"{'response':<41} {sums}"])


def _of_run(folder: Path, planned: plan.Row) -> pd.DataFrame:
    known = sched_trace.split(folder)
    histogram = folder / "histogram.csv"
    try:
        buckets = pd.read_csv(histogram).query("metric == 'latency'")
        highest, counts = buckets["highest_ns"].to_numpy(), buckets["count"].to_numpy()
    except (OSError, ValueError, KeyError) as error:
        raise Complaint(histogram, f"cannot be read ({error}): run scripts/trace.sh again", FAILED) from None
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
    return sched_trace.table(known).assign(**facts)[COLUMNS]


def _latency(runs: pd.DataFrame, without: pd.DataFrame, column: str) -> str:
    """The median over traced runs, and by how much it is longer than over untraced ones, where there are any."""
    traced = float(runs.drop_duplicates("seed")[column].median())
    if math.isnan(traced):
        return ""
    untraced = float(without[column].median()) if len(without) else math.nan
    told = "" if not untraced > 0 else f" ({(traced / untraced - 1) * 100:+.0f} %)"
    return f"{_us(traced)}{told}"


def _parts(rows: pd.DataFrame) -> list[str]:
    sums = rows.groupby(["stage", "part"])["mean_ns"].sum()
    return [_us(float(sums.get((stage, part), 0))) for stage in SHOWN for part in STATES]


def _held(rows: pd.DataFrame) -> str:
    """Who had the CPU in the run delays that the columns show."""
    found = holders(rows[rows["stage"].isin(list(SHOWN))])
    return ", ".join(f"{holder(task, cpu)} {share * 100:.0f} %" for task, cpu, share in found if share >= NAMED_HOLDER)


def _us(value_ns: float) -> str:
    """Three significant digits, and all digits before the point."""
    if value_ns <= 0:
        return "0"
    return f"{value_ns / 1e3:,.{max(0, 2 - math.floor(math.log10(value_ns / 1e3)))}f}"
