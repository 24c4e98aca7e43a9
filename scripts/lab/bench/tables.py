"""What the bench measured: tables of medians over its rounds, from its samples."""

import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lab.tables import kept
from lab.text.complaint import FAILED, Complaint

PLACEMENTS = ("near", "far")
OWN = ("spsc_ring eager", "spsc_ring batched", "mutex queue")
RAW_LINES = ("raw line", "two raw lines")
OWN_MPSC = (
    "list slab",
    "list malloc",
    "list intrusive",
    "mutex swap",
    "mutex chunk",
    "mutex detach",
    "ticket ring",
    "lanes",
)
OWN_RPC = (
    "rpc simdjson",
    "rpc RapidJSON",
    "slots",
    "mutex map",
    "sharded map",
    "return ring",
    "shared stack",
    "mutex stack",
)
RINGS_ALONE = ("ids alone", "ring alone")  # what a ring costs that is in the figures of others
NOT_PEERS = (*OWN, *OWN_MPSC, *OWN_RPC, *RAW_LINES, *RINGS_ALONE)
MOVED = ["throughput", "pipeline", "submit", "parse", "correlate", "pool"]
CELL = ["work", "contender", "mode", "batch", "item_bytes", "capacity", "placement"]
CONTEST = ["work", "mode", "batch", "item_bytes", "capacity", "placement"]  # what is compared with each other
MOST_RUN_DELAY = 0.01  # of a sample's duration, both threads' together
REMEDY = "run 'make bench' again"
COUNT, TIME = kept.optional(kept.WHOLE), kept.optional(kept.REAL)  # a clock read has no size, a raw line no capacity
PLACEMENT = {"placement": kept.one_of(*PLACEMENTS)}
OF_CELL = dict.fromkeys(CELL[:3], kept.TEXT) | dict.fromkeys(CELL[3:-1], COUNT) | PLACEMENT
KEPT = kept.Table(OF_CELL, REMEDY, others=TIME)
REFERENCES = kept.Table(PLACEMENT, REMEDY, others=TIME)
COUNTS = ["seed", "round", "hint", "true_capacity"]
TIMES = ["raw_before_ns", "raw_after_ns", "run_delay_ns", "duration_ns", "round_trip_p50_ns", "round_trip_p99_ns"]
SAMPLES = kept.Table(
    OF_CELL | dict.fromkeys(COUNTS, COUNT) | dict.fromkeys(["items", *TIMES, "clock_read_ns"], TIME), REMEDY
)


@dataclass(frozen=True, kw_only=True)
class Work:
    """One thing that contenders do, as a row of a table has it."""

    work: str = "throughput"
    mode: str = "single"
    batch: int = 1
    item_bytes: int = 8
    capacity: int = 1024

    def of(self, table: pd.DataFrame) -> pd.DataFrame:
        """Its rows. The raw line has no capacity, and stands for every one."""
        columns = ["work", "mode", "batch", "item_bytes"]
        alike = (table[columns] == [self.work, self.mode, self.batch, self.item_bytes]).all(axis=1)
        return table[alike & ((table["capacity"] == self.capacity) | table["capacity"].isna())]


def read_samples(path: Path) -> pd.DataFrame:
    """The samples that `pipelab_bench` left, with their throughput. A last line that was cut off is left out."""
    try:
        text = path.read_text(errors="replace")
    except FileNotFoundError:
        raise Complaint(path, "is not there: run 'make bench'", FAILED) from None
    samples = SAMPLES.read(path, needed=True, content=text[: text.rfind("\n") + 1])
    return samples.assign(throughput_items_s=samples["items"] / samples["duration_ns"] * 1e9)


def undisturbed(samples: pd.DataFrame) -> pd.DataFrame:
    """The samples during which other programs took (nearly) nothing of the CPUs from the two threads."""
    # The clock read has no duration. That of the pipeline is known, but not its threads' run delay.
    return samples[~(samples["run_delay_ns"] > MOST_RUN_DELAY * samples["duration_ns"])]


def tables(samples: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """throughput, round_trip and calls (between two sides of an exchange): medians over rounds, for each placement, each
    contender with or without hint, as suits it better; references: what a placement is like."""
    quiet = undisturbed(samples)
    moved = _medians(quiet[quiet["work"].isin(MOVED)], {"throughput": "items_s"})
    sent, called = (
        _medians(quiet[quiet["work"] == work], {"round_trip_p50": "ns", "round_trip_p99": "ns"})
        for work in ("round_trip", "call")
    )
    round_trip = _compared(sent, "round_trip_p50_ns", largest=False)
    raw = round_trip[round_trip["contender"] == "raw line"].set_index("placement")["round_trip_p50_ns"]
    ratio = (round_trip["round_trip_p50_ns"] / round_trip["placement"].map(raw)).round(3)
    return {
        "throughput": _compared(moved, "throughput_items_s", largest=True),
        "round_trip": round_trip.assign(ratio_to_raw_line=ratio),
        "calls": called,
        "references": _references(samples),
    }


def _medians(samples: pd.DataFrame, quantities: dict[str, str]) -> pd.DataFrame:
    """Median, smallest and largest of each quantity (with its unit) over the rounds."""
    columns = {
        f"{name}{part}_{unit}": (f"{name}_{unit}", statistic)
        for name, unit in quantities.items()
        for part, statistic in (("", "median"), ("_min", "min"), ("_max", "max"))
    }
    groups = samples.groupby([*CELL, "hint"], dropna=False, sort=True)
    return groups.agg(
        true_capacity=("true_capacity", "max"),
        samples=("round", "size"),
        **columns,
    ).reset_index()


def best(table: pd.DataFrame, column: str, largest: bool, of: list[str]) -> pd.DataFrame:
    """Of the rows that have the columns `of` alike, the one that is best in `column`."""
    order = table.sort_values(column, ascending=not largest, kind="stable")
    return order.groupby(of, dropna=False, sort=False).head(1)


def _compared(medians: pd.DataFrame, column: str, largest: bool) -> pd.DataFrame:
    """Of the rows with and without hint the better one, with its ratio to the fastest peer; empty where no peer can do
    that work."""
    table = best(medians, column, largest, CELL).sort_values(CELL, kind="stable")
    peers = table[~table["contender"].isin(NOT_PEERS) & (table["work"] != "pipeline")]
    fastest = best(peers, column, largest, CONTEST)[[*CONTEST, column]].rename(columns={column: "fastest"})
    joined = table.merge(fastest, on=CONTEST, how="left")
    ratio = joined[column] / joined.pop("fastest")
    return joined.assign(ratio_to_fastest_peer=ratio.round(3))


def _references(samples: pd.DataFrame) -> pd.DataFrame:
    """For each placement the raw round trip, as every sample was taken with it, and the cost of a clock read."""
    disturbed = ~samples.index.isin(undisturbed(samples).index)
    groups = samples.assign(disturbed=disturbed).groupby("placement")
    return groups.agg(
        samples=("round", "size"),
        disturbed_samples=("disturbed", "sum"),
        raw_round_trip_ns=("raw_before_ns", "median"),
        raw_round_trip_min_ns=("raw_before_ns", "min"),
        raw_round_trip_max_ns=("raw_before_ns", "max"),
        clock_read_ns=("clock_read_ns", lambda column: column.dropna().median() if column.notna().any() else math.nan),
    ).reset_index()


def csv(table: pd.DataFrame) -> str:
    """Rates to the item, times to the thousandth of a nanosecond."""
    rates = [name for name in table.columns if name.endswith("_items_s")]
    return KEPT.csv(table.round({name: 0 for name in rates}).round(3))
