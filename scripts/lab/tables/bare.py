"""Tables of medians without runs: a folder whose <suite>_metrics.csv have the first columns alone, as another program
may write them. They can be exported; to judge or to make them again needs the runs."""

from pathlib import Path

import pandas as pd

from lab.text.complaint import FAILED, Complaint
from lab.tables.measurement import KEYS
from lab.tables.results import Results

# By column: what it is in a table of runs, and by what it is multiplied.
COLUMNS = {
    "latency_p50_ms": ("latency_p50_ns", 1e6),
    "latency_p95_ms": ("latency_p95_ns", 1e6),
    "latency_p99_ms": ("latency_p99_ns", 1e6),
    "throughput_ops_s": ("throughput_ops_s", 1),
    "drop_rate": ("drop_rate", 1),
}
SUFFIX = "_metrics.csv"


def load(folder: Path) -> dict[str, Results]:
    """All suites of the folder, each scenario as one run that tells no more than these columns."""
    return {results.suite: results for results in map(_read, sorted(folder.glob(f"*{SUFFIX}")))}


def _read(file: Path) -> Results:
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise Complaint(file, f"cannot be read as CSV ({error}): write it again", FAILED) from None
    missing = [name for name in ("scenario", *COLUMNS) if name not in table]
    if missing:
        raise Complaint(file, f"row 0 lacks the columns {', '.join(missing)}: write it again with them", FAILED)
    raw = pd.DataFrame({name: table[name] if name in table else "" for name in ("scenario", *KEYS)})
    for name, (column, factor) in COLUMNS.items():
        values = pd.to_numeric(table[name], errors="coerce")
        bad = (values.isna() & (table[name] != "")) | (values < 0) | (values == float("inf"))
        if bad.any():
            row = int(bad.to_numpy().argmax())
            what = f"row {row + 1}: {name} = {table[name].iat[row]} is not a number of at least 0"
            raise Complaint(file, f"{what}: write it again", FAILED)
        raw[column] = values * factor
    return Results(file.name.removesuffix(SUFFIX), file, raw, {"measurements": []})
