"""The system calls of a user's traced program: how many, and how long they took, as the kernel counted them (the
attendant's calls.csv), in a table beside a suite's: <suite>_calls.csv.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import seccomp

from lab.plan.contract import Contract
from lab.plan.plan import Row
from lab.runs import observe, outputs
from lab.runs.guest_files import OUT
from lab.tables import kept
from lab.tables.measurement import Measurement
from lab.tables.threads import common_names
from lab.text import markdown as md, numbers
from lab.text.complaint import FAILED, Complaint

FILE = "{}_calls.csv"
OF_GUEST = "calls.csv"
COUNTED = ["tid", "call", "count", "total_ns"]
MOST_BYTES = 1 << 24
KEPT = kept.Table(
    kept.MEASURED
    | {"seed": kept.WHOLE, "thread": kept.TEXT, "call": kept.NAME, "calls": kept.WHOLE, "total_ns": kept.WHOLE},
    remedy="remove it, and run scripts/trace.sh again",
)
ARCHITECTURES = {"ARMV7": "ARM"}  # what libseccomp calls targets that it does not call by their name
MOST = 8  # of a scenario, in the report
HEAD = ["scenario, traced", "system call", "by", "calls", "mean (µs)", "in all (ms)"]
CAPTION = (
    "*System calls*: means of the traced runs, those that took longest in all, with what they waited for. Counting takes time "
    "itself, in each of them."
)


def table(folders: Sequence[Path], rows: Sequence[Row], known: Contract) -> pd.DataFrame:
    """Columns of KEPT: the calls of the threads of each name in the traced runs of `rows`, each in its folder."""
    found = [
        _of_run(folder, row, known).assign(**observe.about(folder, row))
        for folder, row in zip(folders, rows, strict=True)
    ]
    filled = [each[list(KEPT.columns)] for each in found if len(each)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(KEPT.columns))


def _of_run(folder: Path, row: Row, known: Contract) -> pd.DataFrame:
    file = folder / OUT / OF_GUEST
    try:
        if not file.is_file() or file.stat().st_size > MOST_BYTES or not file.stat().st_size:
            return pd.DataFrame(columns=["thread", "call", "calls", "total_ns"])
        counted = pd.read_csv(file, dtype="int64")
    except (OSError, ValueError, OverflowError):
        counted = pd.DataFrame()
    if list(counted.columns) != COUNTED or (counted < 0).any(axis=None):
        raise Complaint(file, "is damaged: run scripts/trace.sh again", FAILED)
    threads = outputs.read_threads(folder / OUT / outputs.THREADS, known)
    names = pd.Series(
        common_names([each.name for each in threads]).tolist(), index=[each.tid for each in threads], dtype=str
    )
    of_program = counted[counted["tid"].isin(names.index)]
    named = of_program.assign(
        thread=of_program["tid"].map(names[~names.index.duplicated(keep="last")]),
        call=of_program["call"].map(lambda number: name_of(row.target, int(number))),
    )
    sums = named.groupby(["thread", "call"], as_index=False)[["count", "total_ns"]].sum()
    return sums.rename(columns={"count": "calls"})


def name_of(target: str, number: int) -> str:
    """What the system call is called on the machine; call-NUMBER where libseccomp does not know it."""
    machine = getattr(seccomp.Arch, ARCHITECTURES.get(target.upper(), target.upper()), None)
    try:
        return str(seccomp.resolve_syscall(machine, number).decode())
    except (ValueError, TypeError, OverflowError):
        return f"call-{number}"


def markdown(calls: pd.DataFrame, measurement: Measurement) -> str:
    """The longest calls of each scenario that was traced in this measurement; empty when none was."""
    lines = []
    for scenario, runs in kept.of(calls, measurement).groupby("scenario", sort=False):
        sums = runs.groupby(["call", "thread"], as_index=False)[["calls", "total_ns"]].sum()
        seeds = runs["seed"].nunique()
        for row in sums.nlargest(MOST, "total_ns").itertuples():
            mean = numbers.shown(row.total_ns / row.calls, "ns")
            each = [
                str(row.call),
                str(row.thread),
                f"{row.calls / seeds:,.0f}",
                mean,
                f"{row.total_ns / seeds / 1e6:,.1f}",
            ]
            lines.append([str(scenario), *each])
    return f"{md.table(HEAD, lines, (3, 4, 5))}\n\n{CAPTION}" if lines else ""
