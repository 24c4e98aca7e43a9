"""Causes: where the response time of the items of a run went, item by item, checked to the nanosecond.

    response = lateness + enqueue + behind + wake-up + service

Queue latency is split by what the consumer did meanwhile. *Behind*: until it was done with the item
before. *Wake-up*: the rest, in which it had nothing else to do but to notice, be woken and be scheduled.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lab.text.complaint import FAILED, Complaint
from lab.tables.measurement import KEYS, Measurement

STAGES = {  # by the name that columns have: what readers call it
    "lateness": "late before creation",
    "enqueue": "waiting for room in the queue",
    "behind": "behind earlier items",
    "wake_up": "waiting for the consumer to wake up",
    "service": "the consumer's work",
}
COLUMNS = (
    "item",
    "intended_ns",
    "lateness_ns",
    "enqueue_ns",
    "queue_latency_ns",
    "service_ns",
    "latency_ns",
    "response_ns",
)
DURATIONS = COLUMNS[2:]
ALL, SLOWEST = "all", "slowest 1 %"
NAMED_SHARE = 0.05  # of a response time
SLOWEST_NEEDS = 100  # items, as a p99 does
CHUNK_ROWS = 1_000_000
WINDOWS = 200  # that a run's latency over time is cut into
REMEDY = "run it again, or remove the run's folder to leave it out"


@dataclass(frozen=True)
class RunStages:
    """The stages of one run's items.

    `means_ns` has a row for ALL and, of 100 items or more, one for SLOWEST: the hundredth with the longest
    response times. It is empty when not every item was kept: what an item waited for is told by the one before it.
    `windows_ns` are the median latencies of up to 200 equally long parts of the run.
    """

    items: int
    means_ns: pd.DataFrame  # [population, stage]
    windows_ns: np.ndarray


def read(path: Path, every: int = 1) -> RunStages:
    """Reads a latencies.csv that has one item in `every`.

    Raises Complaint naming the file, the row (1 is the first item) and the remedy.
    """
    blocks = [split(*block) for block in checked_blocks(path, every)]
    if not blocks:
        raise Complaint(path, f"has no items: {REMEDY}", FAILED)
    stages = [stages for stages, _, _ in blocks]  # never in one piece, which would take as much memory again
    response = np.concatenate([response for _, response, _ in blocks])
    latency = np.concatenate([latency for _, _, latency in blocks])
    rows = {ALL: np.sum([block.sum(axis=0) for block in stages], axis=0) / len(response)}
    if len(response) >= SLOWEST_NEEDS:
        chosen = slowest(response)
        of_blocks = np.split(chosen, np.cumsum([len(block) for block in stages])[:-1])
        sums = [block[picked].sum(axis=0) for block, picked in zip(stages, of_blocks)]
        rows[SLOWEST] = np.sum(sums, axis=0) / chosen.sum()
    windows = np.array_split(latency, min(WINDOWS, len(latency)))
    means = pd.DataFrame.from_dict(rows if every == 1 else {}, orient="index", columns=list(STAGES))
    return RunStages(len(response), means, np.array([np.median(window) for window in windows]))


def slowest(response_ns: np.ndarray) -> np.ndarray:
    """Which items are of the SLOWEST, as a mask: a hundredth, rounded up."""
    count = -(-len(response_ns) // 100)
    chosen = np.zeros(len(response_ns), dtype=bool)
    chosen[np.argpartition(response_ns, -count)[-count:]] = True
    return chosen


def table(scenario: str, measurement: Measurement, runs: Iterable[RunStages]) -> pd.DataFrame:
    """One row a population and stage: means over runs, so that stages still add up.

    Columns scenario, target, timing, accelerator, population, runs, items, stage, mean_ns, share (of the response time).
    """
    runs = list(runs)
    items = sum(run.items for run in runs if len(run.means_ns))
    rows = []
    for population in (ALL, SLOWEST):
        chosen = [run.means_ns.loc[population] for run in runs if population in run.means_ns.index]
        if not chosen:
            continue
        means = pd.concat(chosen, axis=1).mean(axis=1)
        total = means.sum()
        for stage, mean_ns in means.items():
            share = mean_ns / total if total else np.nan
            rows.append((scenario, *measurement, population, len(chosen), items, stage, mean_ns, share))
    return pd.DataFrame(rows, columns=["scenario", *KEYS, "population", "runs", "items", "stage", "mean_ns", "share"])


def told(of_scenario: pd.DataFrame) -> tuple[str, str]:
    """('the slowest 1 %', 'of 1,620 µs 81 % behind earlier items, 12 % late before creation'), of one table()."""
    population = SLOWEST if (of_scenario["population"] == SLOWEST).any() else ALL
    rows = of_scenario[of_scenario["population"] == population]
    name = f"the {SLOWEST if population == SLOWEST else 'mean item'}"
    return name, f"of {rows['mean_ns'].sum() / 1e3:,.0f} µs {parts(rows)}"


def parts(rows: pd.DataFrame) -> str:
    """'81 % behind earlier items, 12 % late before creation', of one population of one table()."""
    chosen = rows[rows["share"] >= NAMED_SHARE].sort_values("share", ascending=False)
    named = [f"{row.share * 100:.0f} % {STAGES[row.stage]}" for row in chosen.itertuples()]
    return ", ".join(named) or "no time at all"


def step(path: Path) -> int:
    """Of how many items one is in the file at `path`: the number of its second one."""
    with path.open(encoding="utf-8", errors="replace") as file:
        second = file.read(4096).split("\n")[2:3]
    text = second[0].split(",")[0] if second else ""
    return max(1, int(text)) if re.fullmatch("[0-9]{1,10}", text) else 1


def refuse_gaps(path: Path) -> None:
    """Raises Complaint where the items between those in the file at `path` were not kept."""
    if (every := step(path)) > 1:
        what = f"has one item in {every}, and what an item waited for is told by the one before it"
        raise Complaint(path, f"{what}: run it with sample-every = 1", FAILED)


def checked_blocks(path: Path, every: int = 1) -> Iterator[tuple[np.ndarray, int | None]]:
    """Blocks of items [items, COLUMNS], one in `every`, that passed every check; and when the one before was done."""
    _check_header(path)
    before: np.ndarray | None = None  # the last item of the block before
    row = 1
    try:
        for chunk in pd.read_csv(path, dtype="int64", chunksize=CHUNK_ROWS, engine="c", index_col=False):
            if chunk.empty:
                return
            block = chunk.to_numpy()
            _check(path, block, before, row, every)
            yield block, None if before is None else int(before[1] + before[-1])
            before = block[-1].copy()
            row += len(block)
    except (ValueError, OverflowError) as error:
        raise _bad_row(path, error) from None


def _check_header(path: Path) -> None:
    try:
        with path.open(encoding="utf-8") as file:
            header = file.readline().rstrip("\r\n").split(",")
            file.seek(0, 2)
            size = file.tell()
    except (OSError, UnicodeDecodeError) as error:
        raise Complaint(path, f"cannot be read ({error}): {REMEDY}", FAILED) from None
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise Complaint(path, f"row 0 lacks the columns {', '.join(missing)}: {REMEDY}", FAILED)
    if tuple(header) != COLUMNS:
        raise Complaint(path, f"row 0 should be {','.join(COLUMNS)}: {REMEDY}", FAILED)
    with path.open("rb") as bytes_of_file:
        bytes_of_file.seek(size - 1)
        if bytes_of_file.read() != b"\n":
            raise Complaint(path, f"is cut: its last row does not end: {REMEDY}", FAILED)


def _check(path: Path, block: np.ndarray, before: np.ndarray | None, row: int, every: int) -> None:
    """Each complaint names the first row that gives rise to it."""
    column = dict(zip(COLUMNS, block.T))
    done = column["intended_ns"] + column["response_ns"]
    latency = column["enqueue_ns"] + column["queue_latency_ns"]
    response = column["lateness_ns"] + latency + column["service_ns"]
    last_item, last_intended, last_done = (-every, block[0, 1], done[0])
    if before is not None:
        last_item, last_intended, last_done = before[0], before[1], before[1] + before[-1]
    wrongs = [
        (column[name] < 0, f"{name} is negative, as when a clock runs backwards") for name in DURATIONS
    ]  # one at a time: the rest see the columns whole
    wrongs += [
        (latency != column["latency_ns"], "enqueue_ns and queue_latency_ns do not add up to latency_ns"),
        (response != column["response_ns"], "the stages do not add up to response_ns"),
        (np.diff(column["item"], prepend=last_item) != every, "item does not count on from the row before"),
        (np.diff(column["intended_ns"], prepend=last_intended) < 0, "intended_ns runs backwards"),
        (np.diff(done, prepend=last_done) < 0, "the item is done before the one before it: the clock ran backwards"),
    ]
    firsts = [(int(np.argmax(wrong)), what) for wrong, what in wrongs if wrong.any()]
    if firsts:
        first, what = min(firsts, key=lambda place: place[0])
        raise Complaint(path, f"row {row + first}: {what}: {REMEDY}", FAILED)


def _bad_row(path: Path, error: Exception) -> Complaint:
    """Finds the first row that is not made of whole numbers; only damaged files are read this way."""
    whole = re.compile(r"(-?\d{1,18},){%d}-?\d{1,18}" % (len(COLUMNS) - 1))
    with path.open(errors="replace") as file:
        next(file)
        for row, line in enumerate(file, start=1):
            if not whole.fullmatch(line.rstrip("\r\n")):
                what = f"row {row} is not {len(COLUMNS)} whole numbers: '{line.strip()[:60]}'"
                return Complaint(path, f"{what}: {REMEDY}", FAILED)
    return Complaint(path, f"cannot be read as CSV ({error}): {REMEDY}", FAILED)


def split(block: np.ndarray, done_before: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The stages [items, STAGES], response times and latencies of checked items."""
    column = dict(zip(COLUMNS, block.T))
    done = column["intended_ns"] + column["response_ns"]
    free = np.roll(done, 1)  # when the consumer was done with the item before
    free[0] = block[0, 1] if done_before is None else done_before
    pushed = column["intended_ns"] + column["lateness_ns"] + column["enqueue_ns"]
    behind = np.clip(free - pushed, 0, column["queue_latency_ns"])
    wake_up = column["queue_latency_ns"] - behind
    stages = np.column_stack([column["lateness_ns"], column["enqueue_ns"], behind, wake_up, column["service_ns"]])
    return stages, column["response_ns"].copy(), column["latency_ns"].copy()
