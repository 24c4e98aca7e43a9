"""The counts of `perf stat -x,`, as a table and as CSV.

In exact timing the CPUs of a guest take turns, and QEMU's PMU counts by the one clock of all: each CPU's `instructions`
and `cycles` are those of the whole guest while the counter runs. With several CPUs they are no counts of the workload,
and are left out; QEMU's plugin counts the instructions instead, where it was loaded.
"""

import io
import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from lab.counters import counters
from lab.counters.counters import measured as of_measured
from lab.text.complaint import FAILED, Complaint
from lab.text.files import read_text
from lab.runs.guest_files import OUT

# The fields of a line that perf stat -x, writes (perf-stat(1), "CSV FORMAT").
FIELDS = ["count", "unit", "event", "running_ns", "running_percent", "derived", "derived_unit"]
UNCOUNTED = ("<not supported>", "<not counted>")
OF_ALL_CPUS = ("instructions", "cycles")  # where CPUs take turns
INSTRUCTIONS = {"instructions": ("user", "kernel"), "instructions:u": ("user",), "instructions:k": ("kernel",)}
# Events of perf, and beyond those, what the counters' plugin gives for them: the caches' are as of the last level.
SIMULATED = {
    "cache-references": "l1_misses",
    "cache-misses": "l2_misses",
    "l1-accesses": "cache_accesses",
    "line-transfers": "transfers",
    "line-invalidations": "invalidations",
    "false-sharing-misses": "false_sharing",
}
PLUGIN = "plugin"  # the source of what QEMU's plugin counted


def read(path: Path) -> pd.DataFrame:
    """One run: columns event, count (NaN when the guest lacks the event), unit, `source`, and `note`."""
    try:
        table = pd.read_csv(io.StringIO(read_text(path)), comment="#", names=FIELDS, dtype=str, skip_blank_lines=True)
    except (OSError, ValueError) as error:
        raise Complaint(path, f"is not what perf stat -x, writes ({error}): run it again", FAILED) from None
    if table.empty:
        raise Complaint(path, "holds no counts: run it again", FAILED)
    note = table["count"].where(table["count"].isin(UNCOUNTED), "").str.strip("<>")
    counted = note == ""
    counts = pd.to_numeric(table["count"].where(counted), errors="coerce")
    if (counts.isna() & counted).any():
        row = int((counts.isna() & counted).to_numpy().argmax())
        raise Complaint(path, f"row {row + 1} has no count but '{table['count'][row]}': run it again", FAILED)
    unit = table["unit"].fillna("").where(counted, "")
    return pd.DataFrame({"event": table["event"], "count": counts, "unit": unit, "source": "perf", "note": note})


def of_run(folder: Path, in_turn: bool) -> pd.DataFrame:
    """What was counted of the run in `folder`: its out/perf.csv, filled from its counters.json if that is there.

    `in_turn` says that the guest had several CPUs, which took turns.
    """
    table = read(folder / OUT / "perf.csv")
    if in_turn:
        shared = table["event"].str.split(":").str[0].isin(OF_ALL_CPUS)
        table.loc[shared, ["count", "note"]] = [math.nan, "not counted"]
    seen = folder / "counters.json"
    return fill(table, counters.counts(counters.read(seen))) if seen.is_file() else table


def mean(runs: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The mean of each event over runs; deviation_percent is the standard error of that mean, as perf's own ±."""
    counts = pd.concat([run["count"] for run in runs], axis=1)
    means = counts.mean(axis=1)
    error = counts.std(axis=1, ddof=1) / math.sqrt(len(runs)) / means.where(means != 0, 1) * 100
    table = runs[0].assign(count=means, deviation_percent=error)
    return table[["event", "count", "unit", "deviation_percent", "source", "note"]]


def fill(table: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """`table` of one run, with what the guest lacks, and more, from `counters.counts`: of the measured part."""
    measured = of_measured(counts)
    sums, by_space = measured.sum(numeric_only=True), measured.groupby("space")["instructions"].sum()
    caches = {event: float(sums[name]) for event, name in SIMULATED.items() if name in sums}
    counted = {event: float(by_space.reindex(spaces).sum()) for event, spaces in INSTRUCTIONS.items()}
    sources = dict.fromkeys(caches, "simulated") | dict.fromkeys(counted, PLUGIN)
    lacking = table["note"].ne("") & table["event"].isin(sources)
    filled = table.assign(
        count=table["count"].where(~lacking, table["event"].map(caches | counted)),
        source=table["source"].where(~lacking, table["event"].map(sources)),
        note=table["note"].where(~lacking, ""),
    )
    more = pd.DataFrame(caches.items(), columns=["event", "count"]).assign(unit="", source="simulated", note="")
    return pd.concat([filled, more[~more["event"].isin(table["event"])]], ignore_index=True)


def csv(table: pd.DataFrame) -> str:
    """Tidy: one event a row; what the guest lacks is empty."""
    return table.drop(columns="note").to_csv(index=False, lineterminator="\n", float_format="%.12g")


def text(table: pd.DataFrame) -> str:
    """The table for a terminal."""
    lines = [f"{'event':<20} {'count':>18} {'unit':<5} {'± %':>7}"]
    for row in table.itertuples():
        count = row.note or (f"{row.count:,.0f}" if not row.unit else f"{row.count:,.2f}")
        deviation = "" if pd.isna(row.deviation_percent) else f"{row.deviation_percent:.2f}"
        source = "" if row.source == "perf" else row.source
        lines.append(f"{row.event:<20} {count:>18} {row.unit:<5} {deviation:>7} {source}".rstrip())
    return "\n".join(lines)
