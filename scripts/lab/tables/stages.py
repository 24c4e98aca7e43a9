"""Causes: where the response time of the items of a run went, by the stages of its samples.csv, which add up to it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lab.plan.contract import Contract
from lab.runs.outputs import REMEDY, samples_columns
from lab.tables.measurement import KEYS, LEAST_BEYOND, NEARLY, Measurement
from lab.text.complaint import FAILED, Complaint

ALL, SLOWEST = "all", "slowest 1 %"
NAMED_SHARE = 0.05  # of a response time
SLOWEST_NEEDS = 100  # items, as a p99 does
CHUNK_ROWS = 1_000_000
WINDOWS = 200  # that a run's times are cut into


@dataclass(frozen=True)
class RunStages:
    """The stages of one run's sampled items.

    `means_ns` has a row for ALL and, of 100 items or more, one for SLOWEST: the hundredth with the longest response
    times. `windows_ns` are the medians, over up to 200 equally long parts of the run, of the time that the headline
    has first.
    """

    items: int
    means_ns: pd.DataFrame  # [population, stage]
    windows_ns: np.ndarray


def read(path: Path, known: Contract) -> RunStages:
    """Reads a samples.csv. Raises Complaint naming the file, the row (1 is the first item) and the remedy."""
    columns = [stage.column for stage in known.stages.values()]
    first = f"{known.headline[0].metric.name}_ns"
    stages, response, times = [], [], []
    for block in samples(path, known):
        stages.append(block[columns].to_numpy())  # never in one piece, which would take as much memory again
        response.append(block["response_ns"].to_numpy())
        times.append(block[first if first in block else "response_ns"].to_numpy())
    if not stages:
        raise Complaint(path, f"has no items: {REMEDY}", FAILED)
    all_response, all_times = np.concatenate(response), np.concatenate(times)
    rows = {ALL: np.sum([block.sum(axis=0) for block in stages], axis=0) / len(all_response)}
    if len(all_response) >= SLOWEST_NEEDS:
        chosen = slowest(all_response)
        of_blocks = np.split(chosen, np.cumsum([len(block) for block in stages])[:-1])
        sums = [block[picked].sum(axis=0) for block, picked in zip(stages, of_blocks)]
        rows[SLOWEST] = np.sum(sums, axis=0) / chosen.sum()
    means = pd.DataFrame.from_dict(rows, orient="index", columns=list(known.stages))
    return RunStages(len(all_response), means, _medians(all_times, min(WINDOWS, len(all_times))))


def _medians(values: np.ndarray, windows: int) -> np.ndarray:
    """Of so many parts of them, the first of which are one longer than the others where that has to be."""
    length, longer = divmod(len(values), windows)
    border = longer * (length + 1)
    parts = values[:border].reshape(longer, length + 1), values[border:].reshape(-1, length)
    return np.concatenate([np.median(part, axis=1) for part in parts])


def samples(path: Path, known: Contract) -> Iterator[pd.DataFrame]:
    """The items of a samples.csv in blocks that passed every check: whole numbers, times in nanoseconds."""
    columns = samples_columns(path, known)
    stages = [stage.column for stage in known.stages.values()]
    before: pd.Series | None = None  # the last item of the block before
    row = 1
    try:
        for block in pd.read_csv(path, dtype="int64", chunksize=CHUNK_ROWS, engine="c", index_col=False):
            if block.empty:  # of a file that has its first row only
                continue
            _check(path, block, stages, before, row, known.ordered)
            before, row = block.iloc[-1], row + len(block)
            yield block
    except (ValueError, OverflowError) as error:
        raise _bad_row(path, len(columns), error) from None


def _check(
    path: Path, block: pd.DataFrame, stages: list[str], before: pd.Series | None, row: int, ordered: bool
) -> None:
    """Each complaint names the first row that gives rise to it."""
    last_item, last_intended = (-1, block["intended_ns"].iat[0]) if before is None else before[["item", "intended_ns"]]
    values = dict(zip(block, block.to_numpy().T))  # pandas takes ten times as long
    wrongs = [
        (times < 0, f"{name} is negative, as when a clock runs backwards")
        for name, times in values.items()
        if name not in ("item", "intended_ns")
    ]
    wrongs += [
        (sum(values[name] for name in stages) != values["response_ns"], "the stages do not add up to response_ns"),
        (np.diff(values["item"], prepend=last_item) <= 0, "item does not count on from the row before"),
        (ordered & (np.diff(values["intended_ns"], prepend=last_intended) < 0), "intended_ns runs backwards"),
    ]
    firsts = [(int(np.argmax(wrong)), what) for wrong, what in wrongs if np.any(wrong)]
    if firsts:
        first, what = min(firsts, key=lambda place: place[0])
        raise Complaint(path, f"row {row + first}: {what}: {REMEDY}", FAILED)


def _bad_row(path: Path, columns: int, error: Exception) -> Complaint:
    """Finds the first row that is not made of whole numbers; only damaged files are read this way."""
    whole = re.compile(r"(-?\d{1,18},){%d}-?\d{1,18}" % (columns - 1))
    with path.open(errors="replace") as file:
        next(file)
        for row, line in enumerate(file, start=1):
            if not whole.fullmatch(line.rstrip("\r\n")):
                what = f"row {row} is not {columns} whole numbers: '{line.strip()[:60]}'"
                return Complaint(path, f"{what}: {REMEDY}", FAILED)
    return Complaint(path, f"cannot be read as CSV ({error}): {REMEDY}", FAILED)


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
    return stated(
        pd.DataFrame(rows, columns=["scenario", *KEYS, "population", "runs", "items", "stage", "mean_ns", "share"])
    )


def stated(table_of: pd.DataFrame) -> pd.DataFrame:
    """The rows of such a table that rest on enough items: of the SLOWEST only where there are that many."""
    of_few = (table_of["population"] == SLOWEST) & (table_of["items"] < 100 * NEARLY * LEAST_BEYOND)
    return table_of[~of_few].reset_index(drop=True)
