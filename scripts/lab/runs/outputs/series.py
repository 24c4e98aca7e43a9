"""The course of a run, series.csv: a row an interval, with what was offered, done, failed and left, and how long it took.

Without numpy and pandas, as all that seals a run.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from lab.plan.contract import SERIES, Contract
from lab.plan.plan import Row
from lab.runs import outputs
from lab.runs.outputs import REMEDY, Outputs
from lab.text import strict
from lab.text.complaint import FAILED, Complaint

COUNTS = ("begin_ns", "length_ns", "offered", "items", "failed", "backlog")
RATE = "rate_ops_s"
PERCENTILE = re.compile(r"(\w+)_(p50|p99)_ns")
NEEDS = {"p50": 2, "p99": 100}  # items, so that one is beyond it
MOST_ROWS = 1501  # src/record/intervals.hpp: 1000 that are planned, and what comes late
SECONDS_LOST = 1e-6


@dataclass(frozen=True)
class Series:
    """By column, a value an interval; NaN where it is not known."""

    columns: dict[str, list[float]]

    def __len__(self) -> int:
        return len(self.columns["begin_ns"])

    @property
    def percentiles(self) -> list[str]:
        """The columns of times."""
        return [name for name in self.columns if PERCENTILE.fullmatch(name)]


def is_kept(row: Row, known: Contract) -> bool:
    """Whether a run of `row` is cut into intervals."""
    option = known.meaning("series")
    return option is not None and bool(row.options.get(option.name, option.default))


def read(folder: Path, known: Contract) -> Series:
    """The series of the run in `folder`. Raises Complaint, with the row (1 is the first interval), when it cannot be so."""
    file = folder / SERIES
    first, *rows = outputs._lines_of(file)
    times = first[len(COUNTS) + 1 :]
    if first[: len(COUNTS) + 1] != [*COUNTS, RATE]:
        raise _damaged(file, f"row 0 should begin with the columns {', '.join((*COUNTS, RATE))}")
    if not all((found := PERCENTILE.fullmatch(name)) and found[1] in known.histograms for name in times):
        raise _damaged(file, f"row 0 should end with the p50 and p99 of some of {', '.join(known.histograms)}")
    if len(set(first)) != len(first):
        raise _damaged(file, "row 0 has a column twice")
    if len(rows) > MOST_ROWS:
        raise _damaged(file, f"row {MOST_ROWS + 1} is too many")
    columns: dict[str, list[float]] = {name: [] for name in first}
    left = end_ns = 0.0
    for number, cells in enumerate(rows, start=1):
        if len(cells) != len(first):
            raise _damaged(file, f"row {number} has {len(cells)} values and not {len(first)}")
        said = {name: _value(file, number, name, text) for name, text in zip(first, cells)}
        if what := _fault(said, end_ns, left):
            raise _damaged(file, f"row {number} {what}")
        end_ns = said["begin_ns"] + said["length_ns"]
        left += said["offered"] - said["items"] - said["failed"]
        for name, value in said.items():
            columns[name].append(value)
    return Series(columns)


def check(folder: Path, left: Outputs, row: Row, known: Contract) -> None:
    """The series of a run adds up to what stats.csv says. Asked once, when a run is sealed. Raises Complaint."""
    if SERIES not in outputs.names_of(known):
        return
    file, found = folder / SERIES, read(folder, known)
    if not is_kept(row, known):
        if len(found):
            raise _damaged(file, "row 1 is too many: the run was not to be cut into intervals")
        return
    if not len(found):
        raise _damaged(file, "has no interval")
    items, length_ns = sum(found.columns["items"]), sum(found.columns["length_ns"])
    if items != left.stats["items"]:
        raise _damaged(
            file, f"its rows have {items:.0f} items and not the {left.stats['items']:.0f} of {outputs.STATS}"
        )
    if abs(length_ns / 1e9 - left.stats["duration_s"]) > SECONDS_LOST:
        what = f"its rows last {length_ns / 1e9:g} s and not the {left.stats['duration_s']:g} s of {outputs.STATS}"
        raise _damaged(file, what)


def _value(file: Path, row: int, name: str, text: str) -> float:
    if not text and (name in ("offered", "backlog") or PERCENTILE.fullmatch(name)):
        return math.nan
    try:
        value = strict.real(text) if name == RATE else float(strict.whole(text))
    except ValueError:
        value = math.nan
    if not 0 <= value <= outputs.MOST_NS:
        raise _damaged(file, f"row {row} has no good value for '{name}': {text[:40]}")
    return value


def _fault(said: dict[str, float], end_ns: float, left: float) -> str:
    """What is wrong with an interval that comes after `end_ns`, at which so many items were `left`; empty when nothing is."""
    if said["begin_ns"] != end_ns:
        return f"does not begin where the row before ends, at {end_ns:.0f} ns"
    if not said["length_ns"]:
        return "has no length"
    if abs(said[RATE] - said["items"] / said["length_ns"] * 1e9) > 0.001:
        return f"has a {RATE} that is not its items by its length"
    if math.isnan(said["offered"]) != math.isnan(said["backlog"]) or (math.isnan(left) and said["offered"] >= 0):
        return "knows only one of offered and backlog, or one that the row before does not know"
    if said["backlog"] >= 0 and said["backlog"] != max(0, left + said["offered"] - said["items"] - said["failed"]):
        return "has a backlog that is not what was offered, but neither done nor failed"
    for name in (name for name in said if PERCENTILE.fullmatch(name)):
        metric, percentile = PERCENTILE.fullmatch(name).groups()  # type: ignore[union-attr]
        if said["items"] < NEEDS[percentile] and not math.isnan(said[name]):
            return f"has a {name} of {said['items']:.0f} items, which do not tell it"
        if percentile == "p99" and said[name] < said.get(f"{metric}_p50_ns", 0):
            return f"has a {name} below the p50"
    return ""


def _damaged(file: Path, what: str) -> Complaint:
    return Complaint(file, f"{what}: {REMEDY}", FAILED)
