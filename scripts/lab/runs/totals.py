"""What a run counted: its stats.csv and histogram.csv, read strictly, and checked to add up with its latencies.csv.

    produced = consumed + dropped                 each histogram counts the consumed
    produced + missed = the items of the schedule  latencies.csv has one row in --sample-every, up to --max-samples

Without numpy and pandas, which take longer to load than all of this, since each run is sealed by a process of its own.
"""

import bisect
import csv
import math
import re
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.text import strict
from lab.text.complaint import FAILED, Complaint
from lab.text.files import read_text

LATENCIES, HISTOGRAM, STATS = "latencies.csv", "histogram.csv", "stats.csv"
TIMES = ("latency", "response")
BUCKETS = ["metric", "lowest_ns", "highest_ns", "count"]
THREADS = ("producer", "consumer")
# What the kernel has counted for each thread, and the program for both: empty in recordings that are older.
COUNTERS = ("missed", "wake_ups") + tuple(
    f"{thread}_{counter}"
    for thread in THREADS
    for counter in (
        "voluntary_switches",
        "involuntary_switches",
        "migrations",
        "page_faults",
        "run_delay_ns",
        "run_time_ns",
        "user_ns",
        "system_ns",
    )
)
COUNTED = ("produced", "consumed", "dropped")
MEASURED = ("duration_s", "clock_read_ns")
OPTIONAL = ("latencies_kept", *COUNTERS)  # this program, or this kernel, may not count it
MOST_BYTES = {STATS: 2**16, HISTOGRAM: 2**23}  # of the program's own: a row a bucket
MOST_LINE = 1000  # characters
NANOSECONDS = 1_000_000_000
SECONDS_LOST = 1e-6  # by which a duration that is printed to the nanosecond may seem shorter than it was
REMEDY = "run it again, or remove the run's folder to leave it out"


@dataclass(frozen=True)
class Buckets:
    """Counted times in ascending order: how often each bucket, up to `highest_ns`, was met."""

    lowest_ns: "array[int]"
    highest_ns: "array[int]"
    count: "array[int]"


@dataclass(frozen=True)
class Totals:
    """`stats` has NaN for what was not counted; `histograms` are by TIMES."""

    stats: dict[str, float]
    histograms: dict[str, Buckets]


@dataclass(frozen=True)
class Sampling:
    """Which items a run keeps in latencies.csv: the first of every so many, up to `most`."""

    every: int
    most: int

    def kept(self, consumed: int) -> int:
        return min(self.most, -(-consumed // self.every))


def sampling(command: str) -> Sampling:
    """As the program's `command` has it."""
    return Sampling(int(_option(command, "sample-every", "1")), int(_option(command, "max-samples", "100000")))


def read(folder: Path, command: str) -> Totals:
    """What the run of `command` in `folder` counted. Raises Complaint, with file and row, when it cannot be so."""
    stats = read_stats(folder / STATS)
    histograms = read_histograms(folder / HISTOGRAM)
    produced, consumed, dropped = (int(stats[key]) for key in COUNTED)
    if produced != consumed + dropped:
        what = f"{consumed} consumed and {dropped} dropped are not the {produced} produced"
        raise _damaged(folder / STATS, what)
    for time, buckets in histograms.items():
        if sum(buckets.count) != consumed:
            what = f"its {time} counts {sum(buckets.count)} and not the {consumed} items that were consumed"
            raise _damaged(folder / HISTOGRAM, what)
    _check_schedule(folder / STATS, stats, command)
    _check_samples(folder, stats, sampling(command).kept(consumed))
    return Totals(stats, histograms)


def check_times(folder: Path, known: Totals) -> None:
    """The items in latencies.csv are among those that the histograms count. Asked once, when a run is sealed.

    Raises Complaint, with the row, where an item is in no bucket, or a bucket has fewer than there are items.
    """
    file = folder / LATENCIES
    items: dict[str, list[int]] = {time: [] for time in TIMES}
    with file.open(encoding="utf-8", errors="replace", newline="") as content:
        rows = csv.reader(iter(lambda: content.readline(MOST_LINE), ""), strict=True)
        try:
            columns = {name: place for place, name in enumerate(next(rows, []))}
            places = [columns[f"{time}_ns"] for time in TIMES]
            for row in rows:
                for time, place in zip(TIMES, places):
                    items[time].append(strict.whole(row[place]))
        except KeyError as error:
            raise _damaged(file, f"row 0 lacks the column {error}") from None
        except (ValueError, IndexError, csv.Error) as error:
            raise _damaged(file, f"row {rows.line_num - 1} is no item ({error})") from None
    for time, values in items.items():
        buckets = known.histograms[time]
        left = list(buckets.count)
        for number, value in enumerate(values, start=1):
            place = bisect.bisect_left(buckets.highest_ns, value)
            if place == len(left) or value < buckets.lowest_ns[place] or not left[place]:
                raise _damaged(file, f"row {number} has a {time} of {value} ns, which {HISTOGRAM} does not count")
            left[place] -= 1


def read_stats(file: Path) -> dict[str, float]:
    """Its rows as numbers, NaN for what older programs did not write. A complaint names the row; 1 is the first."""
    texts: dict[str, str] = {}
    places: dict[str, int] = {}
    for number, (key, text) in enumerate(_rows(file, ["key", "value"]), start=1):
        if key in texts:
            raise _damaged(file, f"row {number} has no good value for '{key[:40]}': it is a second")
        texts[key], places[key] = text, number
    readers = dict.fromkeys(COUNTED, strict.whole) | dict.fromkeys(OPTIONAL, strict.whole)
    stats = {}
    for key in (*COUNTED, *MEASURED, *OPTIONAL):
        if not texts.get(key) and key in OPTIONAL:
            stats[key] = math.nan
        elif key not in texts:
            raise _damaged(file, f"has no good value for '{key}': its row is missing")
        else:
            stats[key] = _number(file, places[key], key, texts[key], readers.get(key, strict.real))
    return stats


def read_histograms(file: Path) -> dict[str, Buckets]:
    """By TIMES. A complaint names the first row that gives rise to it; 1 is the first bucket."""
    found = {time: Buckets(array("q"), array("q"), array("q")) for time in TIMES}
    for number, (time, *texts) in enumerate(_rows(file, BUCKETS), start=1):
        try:
            lowest, highest, count = map(strict.whole, texts)
        except ValueError:
            raise _damaged(file, f"row {number} holds a value that is no integer") from None
        if what := _fault_of_bucket(found.get(time), lowest, highest, count):
            raise _damaged(file, f"row {number} {what}")
        found[time].lowest_ns.append(lowest)
        found[time].highest_ns.append(highest)
        found[time].count.append(count)
    return found


def _fault_of_bucket(before: Buckets | None, lowest: int, highest: int, count: int) -> str:
    """What is wrong with a bucket that comes after those `before`; empty when nothing is."""
    if before is None:
        return "is of neither latency nor response"
    if min(lowest, highest, count) < 0:
        return "holds a negative value, as when a clock runs backwards"
    if count == 0:
        return "counts nothing"
    if highest < lowest:
        return "ends before it begins"
    if before.highest_ns and lowest <= before.highest_ns[-1]:
        return "does not come after the row before"
    return ""


def _number(file: Path, row: int, key: str, text: str, reader: Callable[[str], float]) -> float:
    try:
        value = float(reader(text))
    except ValueError:
        value = math.nan
    if not (value >= 0 and (value > 0 or key != "duration_s")):
        raise _damaged(file, f"row {row} has no good value for '{key}': {text[:40]}")
    return value


def _check_schedule(file: Path, stats: dict[str, float], command: str) -> None:
    """The producer makes each item of its schedule, or says that it missed it. Older recordings do not say that."""
    if math.isnan(stats["missed"]):
        return
    duration_ns = round(float(_option(command, "duration", "2")) * NANOSECONDS)
    interval_ns = round(float(_option(command, "prod-interval-us", "1000")) * 1000)
    if stats["duration_s"] < duration_ns / NANOSECONDS - SECONDS_LOST:
        what = f"its duration of {stats['duration_s']:g} s is less than the {duration_ns / NANOSECONDS:g} s that it was to be"
        raise _damaged(file, what)
    if _option(command, "arrival", "constant") != "constant" or not interval_ns:
        return
    produced, missed = int(stats["produced"]), int(stats["missed"])
    scheduled = -(-duration_ns // interval_ns)
    if produced + missed != scheduled:
        what = (
            f"{produced} produced and {missed} missed are not the {scheduled} items of {duration_ns / NANOSECONDS:g} s"
        )
        raise _damaged(file, what)


def _check_samples(folder: Path, stats: dict[str, float], wanted: int) -> None:
    kept = wanted if math.isnan(stats["latencies_kept"]) else int(stats["latencies_kept"])
    if kept != wanted:
        what = f"has no good value for 'latencies_kept': {kept}, and the program was to keep {wanted} items"
        raise _damaged(folder / STATS, what)
    file = folder / LATENCIES
    rows = _lines(file) - 1
    if rows != kept:
        what = f"row {max(rows, 0) + 1} is missing" if rows < kept else f"row {kept + 1} is too many"
        raise _damaged(file, f"{what}: the program kept {kept} items, and there are {max(rows, 0)}")


def _lines(file: Path) -> int:
    try:
        with file.open("rb") as content:
            return sum(block.count(b"\n") for block in iter(lambda: content.read(2**20), b""))
    except OSError as error:
        raise _damaged(file, f"cannot be read ({error.strerror})") from None


def _rows(file: Path, columns: list[str]) -> list[list[str]]:
    if file.is_file() and file.stat().st_size > MOST_BYTES[file.name]:
        raise _damaged(file, f"has more than the {MOST_BYTES[file.name]} bytes that the program ever writes")
    table: list[list[str]] = []
    try:
        for number, row in enumerate(row for row in csv.reader(read_text(file).splitlines(), strict=True) if row):
            if number == 0 and row != columns:
                raise _damaged(file, f"row 0 should have the columns {', '.join(columns)}")
            if len(row) != len(columns):
                raise _damaged(file, f"row {number} has {len(row)} values and not {len(columns)}")
            table.append(row)
    except (OSError, csv.Error) as error:
        raise _damaged(file, f"cannot be read as CSV ({error})") from None
    if not table:
        raise _damaged(file, "cannot be read as CSV (it is empty)")
    return table[1:]


def _option(command: str, name: str, usual: str) -> str:
    found = re.search(rf" --{name} (\S+)", command)
    return found[1] if found else usual


def _damaged(file: Path, what: str) -> Complaint:
    return Complaint(file, f"{what}: {REMEDY}", FAILED)
