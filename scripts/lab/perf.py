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


def read(path: Path, runs: int) -> pd.DataFrame:
    """Columns event, count (NaN when the guest lacks the event), unit, deviation_percent, and `note`."""
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
            "note": note,
        }
    )


def csv(table: pd.DataFrame) -> str:
    """Tidy: one event a row; what the guest lacks is empty."""
    return table.drop(columns="note").to_csv(index=False, lineterminator="\n", float_format="%.12g")


def text(table: pd.DataFrame) -> str:
    """The table for a terminal."""
    lines = [f"{'event':<20} {'count':>18} {'unit':<5} {'± %':>7}"]
    for row in table.itertuples():
        count = row.note or (f"{row.count:,.0f}" if not row.unit else f"{row.count:,.2f}")
        deviation = "" if pd.isna(row.deviation_percent) else f"{row.deviation_percent:.2f}"
        lines.append(f"{row.event:<20} {count:>18} {row.unit:<5} {deviation:>7}".rstrip())
    return "\n".join(lines)
