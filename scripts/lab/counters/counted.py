"""What exact runs did for an item, as the counters saw it (scripts/count_runs.sh): columns, a table, shared lines."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab.text import names
from lab.counters import counters
from lab.text.complaint import FAILED, Complaint
from lab.text.files import read_text
from lab.text.outside import markdown as words
from lab.runs.run_record import RunRecord

MEASURED_REGION = 0
# Columns of raw and metrics: what they are called in the table, and what they are in counters.json.
PER_ITEM = {
    "instructions_per_item": ("instructions", "instructions"),
    "kernel_instructions_per_item": ("of these, kernel", "instructions"),
    "loads_per_item": ("loads", "loads"),
    "stores_per_item": ("stores", "stores"),
    "simulated_l1_misses_per_item": ("L1 misses", "l1_misses"),
    "simulated_l2_misses_per_item": ("L2 misses", "l2_misses"),
    "simulated_transfers_per_item": ("transfers", "transfers"),
    "simulated_false_sharing_per_item": ("false sharing", "false_sharing"),
}
STATE = "counters"  # "caches", or NONE and why
NONE = "none: "
SHARED = "false_sharing"  # where in the program several CPUs write at different offsets of a line
TEXTS = (STATE, SHARED)
LEAST_MISSES_PER_ITEM = 0.1  # less is not worth a finding
CAPTION = (
    "Counted from outside in a run of its own, with the same latencies, for each item that was consumed. "
    "Misses, transfers and false sharing (misses for lines that only share a place) are *simulated*."
)


def columns(record: RunRecord, consumed: int) -> dict[str, Any]:
    """A run's part of the raw table; nothing for a run that nobody asked to count."""
    folder = record.folder.parent / "counters" / record.row.run
    if not folder.is_dir():
        return {}
    seen = folder / "counters.json"
    if not seen.is_file():
        return {STATE: _read_state(folder)}
    counts = counters.counts(counters.read(seen))
    measured = counts[counts["region"] == MEASURED_REGION]
    kernel = measured[measured["space"] == "kernel"]
    values: dict[str, Any] = {STATE: _read_state(folder)}
    for column, (_, name) in PER_ITEM.items():
        rows = kernel if column.startswith("kernel") else measured
        values[column] = float(rows[name].sum()) / consumed if consumed else np.nan
    return values | {SHARED: shared(folder / "shared_lines.csv", consumed)}


def of_group(runs: pd.DataFrame) -> dict[str, Any]:
    """A scenario's part of the metrics table: medians over the runs that were counted; nothing if nobody asked."""
    if STATE not in runs or runs[STATE].fillna("").eq("").all():
        return {}
    medians = {name: runs[name].median() for name in PER_ITEM if name in runs}
    return {STATE: "; ".join(sorted(set(runs[STATE].fillna("")) - {""})), **medians}


def markdown(metrics: pd.DataFrame) -> str:
    """One line a scenario that was counted, and why others were not; empty when nobody asked."""
    if STATE not in metrics:
        return ""
    parts = [_table(metrics)]
    states = metrics[STATE].fillna("")
    for reason in sorted(set(states[states.str.startswith(NONE)])):
        those = names.names(list(metrics["scenario"][states == reason]), list(metrics["scenario"]))
        parts.append(f"Not counted: {those} ({words(reason.removeprefix(NONE))}).")
    return "\n\n".join(part for part in parts if part)


def _table(metrics: pd.DataFrame) -> str:
    names = [name for name in PER_ITEM if name in metrics and metrics[name].notna().any()]
    if not names:
        return ""
    table = metrics[metrics[names[0]].notna()]
    cells = table[names].apply(lambda column: column.map(_text))
    lines = ("| " + table["scenario"].astype(str)).str.cat([cells[name] for name in names], sep=" | ") + " |"
    head = f"| scenario, an item | {' | '.join(PER_ITEM[name][0] for name in names)} |"
    return "\n".join([head, "|---|" + "---:|" * len(names), *lines, "", CAPTION])


def shared(file: Path, consumed: int) -> str:
    """The program's lines that several CPUs write without need: "ring+0 and ring+16 (2.00 misses an item)"."""
    try:
        table = pd.read_csv(file)
        table = table[table["space"] == "user"].groupby("line", sort=False).agg({"data": list, "false_sharing": "sum"})
        table = table[table["false_sharing"] >= LEAST_MISSES_PER_ITEM * max(consumed, 1)]
        where = table["data"].map(lambda data: " and ".join(dict.fromkeys(data)))
        misses = (table["false_sharing"] / max(consumed, 1)).map("{:.2f} misses an item".format)
        return "; ".join(where + " (" + misses + ")")
    except (OSError, ValueError, KeyError) as error:
        what = f"is not what was kept ({error}): remove {file.parent} and count again"
        raise Complaint(file, what, FAILED) from None


def _text(value: float) -> str:
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def _read_state(folder: Path) -> str:
    file = folder / "counters.txt"
    try:
        return read_text(file).strip()
    except OSError as error:
        raise Complaint(file, f"{error.strerror}: remove {folder} and count again", FAILED) from None
