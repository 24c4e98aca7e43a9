"""What a run left: stats.csv, histogram.csv, threads.csv, samples.csv and (series.py) series.csv, read strictly against the workload's contract.

A user's own program may leave its numbers elsewhere (its contract says where), and the attendant leaves process.csv in the
place of what the kit's programs say of their run.

A run's numbers must add up: each histogram counts the items, the contract's [sums] hold, samples.csv has the rows that
stats.csv says, its stages add up, and its items are among those that the histograms count.

Without numpy and pandas, which take longer to load than all of this, since each run is sealed by a process of its own.
"""

import bisect
import csv
import math
import operator
import re
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab.plan import schedule
from lab.plan.contract import HISTOGRAM, SAMPLES, SCHEDULED, SERIES, STATS, THREADS, Contract
from lab.plan.own import Source
from lab.plan.plan import Row
from lab.text import hlog, printed, strict
from lab.text.complaint import FAILED, Complaint
from lab.text.files import read_text
from lab.text.time_limit import within

PROCESS = "process.csv"
REQUIRED = ("begin_ns", "duration_s", "items")  # of stats.csv
REQUIRED_OF_PROCESS = REQUIRED[:2]
TEXTS = ("version",)  # that may be in it
KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
BUCKETS = ["metric", "lowest_ns", "highest_ns", "count"]
THREAD = ["thread", "tid", "role", "cpu"]  # its first columns; what follows is what the kernel counted
MOST_BYTES = {
    STATS: 2**16,
    PROCESS: 2**16,
    HISTOGRAM: 2**23,  # a row a bucket
    THREADS: 2**24,  # a row a thread
    SERIES: 2**20,  # a row an interval
}
MOST_LINE = 1000  # characters
MOST_NS = 10**18
READ_S = 30  # that a metric of a user's program may take to be found in what it left; a file of 32 MB takes a second
SECONDS_LOST = 1e-6  # by which a duration that is printed to the nanosecond may seem shorter than it was
REMEDY = "run it again, or remove the run's folder to leave it out"


@dataclass(frozen=True)
class Buckets:
    """Counted times in ascending order: how often each bucket, up to `highest_ns`, was met."""

    lowest_ns: "array[int]"
    highest_ns: "array[int]"
    count: "array[int]"


@dataclass(frozen=True)
class Thread:
    """A thread of the workload. `cpu` is where it was in the end; NaN is what the kernel does not count."""

    name: str
    tid: int
    role: str
    cpu: float
    counters: dict[str, float]


@dataclass(frozen=True)
class Outputs:
    """`stats` has NaN for what was not counted; `histograms` are by metric."""

    stats: dict[str, float]
    histograms: dict[str, Buckets]
    threads: list[Thread]
    percentiles_ns: dict[str, float] = field(default_factory=dict)  # that a user's program computed itself, by column


def names_of(known: Contract) -> list[str]:
    """The files that a run of the workload leaves."""
    return [PROCESS, THREADS, *known.files] if known.own else known.files


def read(folder: Path, row: Row, known: Contract) -> Outputs:
    """What the run of `row` in `folder` counted. Raises Complaint, with file and row, when it cannot be so."""
    if known.own:
        return _of_own(folder, row, known)
    files = names_of(known)
    stats = read_stats(folder / STATS)
    for metric in known.metrics.values():
        if metric.unit != "ns" and metric.name not in stats:
            raise _damaged(folder / STATS, f"has no row for '{metric.name}', a metric of the contract")
    histograms = read_histograms(folder / HISTOGRAM, known.histograms) if HISTOGRAM in files else {}
    for metric_name, buckets in histograms.items():
        if not known.metrics[metric_name].sampled and sum(buckets.count) != stats["items"]:
            what = f"its {metric_name} counts {sum(buckets.count)} and not the {stats['items']:.0f} items of {STATS}"
            raise _damaged(folder / HISTOGRAM, what)
    _check_sums(folder / STATS, stats, row, known)
    if SAMPLES in files:
        _check_rows(folder / SAMPLES, int(stats.get("samples", 0)))
    threads = read_threads(folder / THREADS, known) if THREADS in files else []
    return Outputs(stats, histograms, threads)


def _of_own(folder: Path, row: Row, known: Contract) -> Outputs:
    """What the run of a user's program left, wherever its numbers are."""
    stats = read_stats(folder / PROCESS, REQUIRED_OF_PROCESS)
    if STATS in known.files:
        stats |= read_stats(folder / STATS, ())
    histograms = histograms_of(folder, known)
    percentiles_ns: dict[str, float] = {}
    for metric in (each for each in known.metrics.values() if each.name not in histograms):
        source = metric.source
        if source is None:
            if metric.unit != "ns" and metric.name not in stats:
                raise _damaged(folder / STATS, f"has no row for '{metric.name}', a metric of the contract")
            continue
        with _blaming(folder, source, known):
            found = _numbers(folder / source.file, source)
        percentiles_ns |= {f"{metric.name}_{name}_ns": value for name, value in found.items() if name}
        stats |= {metric.name: found[""]} if "" in found else {}
    counted = [sum(buckets.count) for buckets in histograms.values()]
    stats.setdefault("items", counted[0] if counted else 1)  # without times the run itself is the item
    _check_sums(folder / STATS, stats, row, known)
    return Outputs(stats, histograms, read_threads(folder / THREADS, known), percentiles_ns)


def histograms_of(folder: Path, known: Contract) -> dict[str, Buckets]:
    """All times that the run in `folder` counted, by metric. Raises Complaint."""
    found = read_histograms(folder / HISTOGRAM, known.histograms) if known.histograms else {}
    for name in known.times:
        if source := known.metrics[name].source:
            with _blaming(folder, source, known):
                found[name] = _buckets(_counted(folder / source.file, source), source.factor)
    return found


@contextmanager
def _blaming(folder: Path, source: Source, known: Contract) -> Iterator[None]:
    """Makes complaints, with file and remedy, of what cannot be found in what a program left, or not within READ_S."""
    try:
        with within(READ_S, ValueError(f"takes longer than {READ_S} s to look into")):
            yield
    except (ValueError, ArithmeticError, re.error, RecursionError, MemoryError) as error:
        remedy = f"mend {source.place} of {known.given or known.name}, or what the program prints"
        raise Complaint(folder / source.file, f"{error}: {remedy}", FAILED) from None


def _numbers(file: Path, source: Source) -> dict[str, float]:
    """By percentile, or "", what the program says of a metric. Raises ValueError."""
    text = read_text(file)
    if source.patterns:
        found = {name: printed.only(text, pattern) for name, pattern in source.patterns.items()}
    else:
        content = strict.parse_json(text)
        found = {name: printed.of_json(content, path) for name, path in source.paths.items()}
    if wrong := [value for value in found.values() if not 0 <= value * source.factor <= MOST_NS]:
        raise ValueError(f"says {wrong[0]:g}, which is {'below 0' if wrong[0] < 0 else 'more than can be'}")
    return {name: value * source.factor for name, value in found.items()}


def _counted(file: Path, source: Source) -> Mapping[float, int]:
    """How often the program met each time, in its own unit. Raises ValueError."""
    text = read_text(file)
    if source.patterns:
        return printed.counted(text, source.patterns[""])
    if source.paths:
        return printed.counted_in_json(strict.parse_json(text), source.paths[""])
    return hlog.counted(text)


def _buckets(counts: Mapping[float, int], factor: float) -> Buckets:
    """Of times, `factor` of whose units are one ns, a bucket for each whole ns. Raises ValueError."""
    of_ns: Counter[int] = Counter()
    for time, times in counts.items():
        if not 0 <= time * factor <= MOST_NS or not 0 <= times <= MOST_NS:
            raise ValueError(f"has a time of {time:g} that was met {times} times, which cannot be")
        of_ns[round(time * factor)] += times
    if not 0 < sum(of_ns.values()) <= MOST_NS:
        raise ValueError(f"has times that were met {sum(of_ns.values())} times in all, which cannot be")
    found = Buckets(array("q"), array("q"), array("q"))
    for time_ns in sorted(+of_ns):
        found.lowest_ns.append(time_ns)
        found.highest_ns.append(time_ns)
        found.count.append(of_ns[time_ns])
    return found


def check_samples(folder: Path, outputs: Outputs, known: Contract) -> None:
    """The items in samples.csv are among those that the histograms count, and their stages add up. Asked once, when a
    run is sealed.

    Raises Complaint, with the row, where that is not so.
    """
    file = folder / SAMPLES
    if SAMPLES not in names_of(known):
        return
    left = {name: list(buckets.count) for name, buckets in outputs.histograms.items()}
    columns = samples_columns(file, known)
    stages_of = operator.itemgetter(*(columns.index(stage.column) for stage in known.stages.values()), 0)
    response = columns.index("response_ns")
    of_metrics = {name: columns.index(f"{name}_ns") for name in left if f"{name}_ns" in columns}
    for number, values in enumerate(_samples(file, len(columns)), start=1):
        if sum(stages_of(values)[:-1]) != values[response]:
            raise _damaged(file, f"row {number}: the stages do not add up to response_ns")
        for name, place in of_metrics.items():
            buckets, value = outputs.histograms[name], values[place]
            bucket = bisect.bisect_left(buckets.highest_ns, value)
            counts = left[name]
            if bucket == len(counts) or value < buckets.lowest_ns[bucket] or not counts[bucket]:
                raise _damaged(file, f"row {number} has a {name} of {value} ns, which {HISTOGRAM} does not count")
            counts[bucket] -= 1


def samples_columns(file: Path, known: Contract) -> list[str]:
    """The columns of samples.csv. Raises Complaint where it lacks one that the contract needs, or is cut."""
    try:
        with file.open("rb") as content:
            columns = content.readline(MOST_LINE).decode(errors="replace").rstrip("\r\n").split(",")
            content.seek(max(0, file.stat().st_size - 1))
            whole = content.read() == b"\n"
    except OSError as error:
        raise _damaged(file, f"cannot be read ({error.strerror})") from None
    needed = ["item", "intended_ns", *(stage.column for stage in known.stages.values()), "response_ns"]
    if missing := [name for name in needed if name not in columns]:
        raise _damaged(file, f"row 0 lacks the columns {', '.join(missing)}")
    if len(set(columns)) != len(columns):
        raise _damaged(file, "row 0 has a column twice")
    if not whole:
        raise _damaged(file, "is cut: its last row does not end")
    return columns


def read_stats(file: Path, required: Sequence[str] = REQUIRED) -> dict[str, float]:
    """Its rows as numbers, NaN for what is empty; without TEXTS. A complaint names the row; 1 is the first."""
    stats: dict[str, float] = {}
    for number, (key, text) in enumerate(_rows(file, ["key", "value"]), start=1):
        if not KEY.fullmatch(key) or key in stats:
            raise _damaged(file, f"row {number}: '{key[:40]}' is no key, or comes again")
        if key not in TEXTS:
            stats[key] = _number(file, number, key, text) if text else math.nan
    for key in required:
        if not stats.get(key, math.nan) >= 0 or (key == "duration_s" and not stats[key]):
            raise _damaged(file, f"has no good value for '{key}'")
    return stats


def read_threads(file: Path, known: Contract) -> list[Thread]:
    """A thread a row. Of each role that a stage waits for there is one. A complaint names the row; 1 is the first."""
    first, *rows = _lines_of(file)
    if first[: len(THREAD)] != THREAD or not all(KEY.fullmatch(name) for name in first):
        raise _damaged(file, f"row 0 should begin with the columns {', '.join(THREAD)}")
    threads = []
    for number, cells in enumerate(rows, start=1):
        if len(cells) != len(first):
            raise _damaged(file, f"row {number} has {len(cells)} values and not {len(first)}")
        said = dict(zip(first, cells))
        if said["role"] not in (known.roles or ("",)):
            raise _damaged(file, f"row {number}: role = '{said['role'][:40]}' is none of {', '.join(known.roles)}")
        counted = {
            name: _number(file, number, name, text) if text else math.nan
            for name, text in said.items()
            if name not in ("thread", "role")
        }
        cpu, tid = counted.pop("cpu"), counted.pop("tid")
        if not tid > 0:
            raise _damaged(file, f"row {number} has no good value for 'tid'")
        threads.append(Thread(said["thread"], int(tid), said["role"], cpu, counted))
    if missing := known.needed_roles - {thread.role for thread in threads}:
        raise _damaged(file, f"has no thread whose role is {min(missing)}")
    return threads


def read_histograms(file: Path, metrics: list[str]) -> dict[str, Buckets]:
    """By metric. A complaint names the first row that gives rise to it; 1 is the first bucket."""
    found = {metric: Buckets(array("q"), array("q"), array("q")) for metric in metrics}
    for number, (metric, *texts) in enumerate(_rows(file, BUCKETS), start=1):
        try:
            lowest, highest, count = map(strict.whole, texts)
        except ValueError:
            raise _damaged(file, f"row {number} holds a value that is no integer") from None
        if metric not in found:
            raise _damaged(file, f"row {number} is of none of {', '.join(metrics)}")
        if what := _fault_of_bucket(found[metric], lowest, highest, count):
            raise _damaged(file, f"row {number} {what}")
        found[metric].lowest_ns.append(lowest)
        found[metric].highest_ns.append(highest)
        found[metric].count.append(count)
    return found


def _fault_of_bucket(before: Buckets, lowest: int, highest: int, count: int) -> str:
    """What is wrong with a bucket that comes after those `before`; empty when nothing is."""
    if min(lowest, highest, count) < 0:
        return "holds a negative value, as when a clock runs backwards"
    if count == 0:
        return "counts nothing"
    if highest < lowest:
        return "ends before it begins"
    if before.highest_ns and lowest <= before.highest_ns[-1]:
        return "does not come after the row before"
    return ""


def _number(file: Path, row: int, key: str, text: str) -> float:
    try:
        value = strict.real(text)
    except ValueError:
        value = math.nan
    if not value >= 0:
        raise _damaged(file, f"row {row} has no good value for '{key}': {text[:40]}")
    return value


def _check_sums(file: Path, stats: dict[str, float], row: Row, known: Contract) -> None:
    """What the contract's [sums] say adds up does; a schedule's items are made, or said to be missed."""
    if known.own is None and stats["duration_s"] < row.duration_s - SECONDS_LOST:
        what = f"its duration of {stats['duration_s']:g} s is less than the {row.duration_s:g} s that it was to be"
        raise _damaged(file, what)
    planned = schedule.of(known, row.options)
    scheduled = planned.items(row.duration_s) if planned else None
    for total, parts in known.sums.items():
        for name in (*parts, total):
            if name != SCHEDULED and math.isnan(stats.get(name, math.nan)):
                raise _damaged(file, f"has no good value for '{name}', which the contract's [sums] have")
        whole = scheduled if total == SCHEDULED else stats[total]
        if whole is None:
            continue
        if whole != sum(stats[part] for part in parts):
            said = " and ".join(f"{stats[part]:.0f} {part}" for part in parts)
            raise _damaged(file, f"{said} are not the {whole:.0f} {total}")


def _check_rows(file: Path, kept: int) -> None:
    rows = _lines(file) - 1
    if rows != kept:
        what = f"row {max(rows, 0) + 1} is missing" if rows < kept else f"row {kept + 1} is too many"
        raise _damaged(file, f"{what}: the program kept {kept} items, and there are {max(rows, 0)}")


def _samples(file: Path, columns: int) -> Iterator[list[int]]:
    """The rows of samples.csv as whole numbers."""
    item = re.compile(",".join([strict.WHOLE.pattern] * columns))
    with file.open(encoding="utf-8", errors="replace", newline="") as content:
        content.readline(MOST_LINE)
        for number, line in enumerate(iter(lambda: content.readline(MOST_LINE), ""), start=1):
            texts = line.rstrip("\r\n").split(",")
            try:  # a whole line at a time, as there may be millions
                whole = bool(item.fullmatch(line.rstrip("\r\n")))
                values = [int(text) if whole else strict.whole(text) for text in texts]
            except ValueError as error:
                raise _damaged(file, f"row {number} is no item ({error})") from None
            if len(values) != columns:
                raise _damaged(file, f"row {number} is no item: it has {len(values)} values and not {columns}")
            yield values


def _lines(file: Path) -> int:
    try:
        with file.open("rb") as content:
            return sum(block.count(b"\n") for block in iter(lambda: content.read(2**20), b""))
    except OSError as error:
        raise _damaged(file, f"cannot be read ({error.strerror})") from None


def _rows(file: Path, columns: list[str]) -> list[list[str]]:
    first, *rows = _lines_of(file)
    if first != columns:
        raise _damaged(file, f"row 0 should have the columns {', '.join(columns)}")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(columns):
            raise _damaged(file, f"row {number} has {len(row)} values and not {len(columns)}")
    return rows


def _lines_of(file: Path) -> list[list[str]]:
    """The lines of a small CSV file, at least one."""
    if file.is_file() and file.stat().st_size > MOST_BYTES[file.name]:
        raise _damaged(file, f"has more than the {MOST_BYTES[file.name]} bytes that the program ever writes")
    try:
        table = [row for row in csv.reader(read_text(file).splitlines(), strict=True) if row]
    except (OSError, csv.Error) as error:
        raise _damaged(file, f"cannot be read as CSV ({error})") from None
    if not table:
        raise _damaged(file, "cannot be read as CSV (it is empty)")
    return table


def _damaged(file: Path, what: str) -> Complaint:
    return Complaint(file, f"{what}: {REMEDY}", FAILED)
