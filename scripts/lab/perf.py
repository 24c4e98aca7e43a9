"""The counts of `perf stat -x,`, as a table and as CSV."""

from pathlib import Path

import pandas as pd

from lab.complaint import FAILED, Complaint

# The fields of a line that perf stat -x, writes (perf-stat(1), "CSV FORMAT"); the standard deviation
# is there when it ran several times.
FIELDS_ONE_RUN = ["count", "unit", "event", "running_ns", "running_percent", "derived", "derived_unit"]
FIELDS_MANY_RUNS = [
    "count",
    "unit",
    "event",
    "deviation_percent",
    "running_ns",
    "running_percent",
    "derived",
    "derived_unit",
]
UNCOUNTED = ("<not supported>", "<not counted>")
# Events of perf, and beyond those, what the counters' plugin gives for them: the caches' are as of the last level.
SIMULATED = {
    "instructions": "instructions",
    "cache-references": "l1_misses",
    "cache-misses": "l2_misses",
    "l1-accesses": "cache_accesses",
    "line-transfers": "transfers",
    "line-invalidations": "invalidations",
    "false-sharing-misses": "false_sharing",
}
MEASURED_REGION = 0


def read(path: Path, runs: int) -> pd.DataFrame:
    """Columns event, count (NaN when the guest lacks the event), unit, deviation_percent, `source`, and `note`."""
    names = FIELDS_ONE_RUN if runs == 1 else FIELDS_MANY_RUNS
    try:
        table = pd.read_csv(path, comment="#", names=names, dtype=str, skip_blank_lines=True)
    except (OSError, ValueError) as error:
        raise Complaint(path, f"is not what perf stat -x, writes ({error}): run it again", FAILED) from None
    if table.empty:
        raise Complaint(path, "holds no counts: run it again", FAILED)
    note = table["count"].where(table["count"].isin(UNCOUNTED), "").str.strip("<>")
    counted = note == ""
    deviation = table["deviation_percent"].str.rstrip("%") if runs > 1 else pd.Series("", index=table.index)
    return pd.DataFrame(
        {
            "event": table["event"],
            "count": pd.to_numeric(table["count"].where(counted)),
            "unit": table["unit"].fillna("").where(counted, ""),
            "deviation_percent": pd.to_numeric(deviation.where(counted)),
            "source": "perf",
            "note": note,
        }
    )


def fill(table: pd.DataFrame, counts: pd.DataFrame, runs: int) -> pd.DataFrame:
    """`table`, with what the guest lacks, and more, from `counters.counts`: of the measured part, by run."""
    measured = counts[counts["region"] == MEASURED_REGION].drop(columns=["region", "cpu", "space"]).sum() / runs
    known = {event: float(measured[name]) for event, name in SIMULATED.items() if name in measured}
    lacking = table["note"].ne("") & table["event"].isin(known)
    filled = table.assign(
        count=table["count"].where(~lacking, table["event"].map(known)),
        source=table["source"].where(~lacking, "simulated"),
        note=table["note"].where(~lacking, ""),
    )
    more = {event: count for event, count in known.items() if event not in set(table["event"])}
    rows = pd.DataFrame({"event": list(more), "count": list(more.values())})
    rows = rows.assign(unit="", deviation_percent=float("nan"), source="simulated", note="")
    return pd.concat([filled, rows], ignore_index=True)


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
