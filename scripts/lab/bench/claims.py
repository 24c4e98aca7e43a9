"""What the ring claims to be, and whether a run of the bench bears it out."""

from dataclasses import dataclass

import pandas as pd

from lab.bench.tables import NOT_PEERS, PLACEMENTS, Work, undisturbed
from lab.text import numbers

LEAST_SAMPLES = 7  # of each side, for a verdict
ALL_PEERS: tuple[str, ...] = ()
ROUND_TRIPS = ("round_trip", "call")  # works that are timed


@dataclass(frozen=True)
class Claim(Work):
    """In this `work`, `ours` over `others` (the fastest of them) is at least, or at most, a bound."""

    text: str
    ours: str
    bounds: dict[str, float]  # by placement
    others: tuple[str, ...] = ALL_PEERS
    hint: int | None = None  # only with, or without; else each as suits it

    @property
    def larger_is_better(self) -> bool:
        return self.work not in ROUND_TRIPS

    @property
    def measure(self) -> str:
        whom = " and ".join(self.others) or "the fastest peer"
        near, far = self.bounds["near"], self.bounds["far"]
        times = f"{near:g}" if near == far else f"{near:g} (near) and {far:g} (far)"
        return f"at {'least' if self.larger_is_better else 'most'} {times} times {whom}"


def _both(bound: float) -> dict[str, float]:
    return {placement: bound for placement in PLACEMENTS}


EAGER, BATCHED = "spsc_ring eager", "spsc_ring batched"
LINES = "lines slot"  # of the workload exchange
SLAB = "list slab"  # of the workload ingress
CLAIMS = (
    Claim("8 B, capacity 1024, batched", BATCHED, {"near": 2.0, "far": 1.5}),
    Claim("8 B, capacity 1024, eager", EAGER, {"near": 1.5, "far": 1.0}),
    Claim("8 B, capacity 1024, eager", EAGER, _both(3.0), others=("boost spsc_queue",)),
    Claim("8 B, capacity 64, eager", EAGER, _both(3.0), capacity=64),
    Claim("8 B, capacity 8, eager", EAGER, _both(1.3), capacity=8),
    Claim("64 B, capacity 64, batched", BATCHED, _both(2.0), item_bytes=64, capacity=64),
    Claim("64 B, capacity 1024, batched", BATCHED, _both(2.0), item_bytes=64),
    Claim("batches of 32 × 8 B, capacity 1024", BATCHED, _both(1.7), mode="batch", batch=32,
          others=("boost spsc_queue", "rte_ring")),
    Claim("round trip, 8 B, one spin hint a poll", EAGER, _both(1.05), work="round_trip", hint=1),
    Claim("round trip, 8 B, one spin hint a poll", EAGER, _both(1.5), work="round_trip", hint=1, others=("raw line",)),
    Claim("round trip, 64 B", EAGER, _both(1.0), work="round_trip", item_bytes=64),
    Claim("call, 56 B, one line", LINES, _both(1.15), work="call", item_bytes=56, others=("raw line",)),
    Claim("call, 64 B, two lines", LINES, {"near": 0.5, "far": 1.0}, work="call", item_bytes=64,
          others=("claimed slot",)),
    Claim("call, 64 B, two lines", LINES, _both(1.0), work="call", item_bytes=64, others=("two queues",)),
    *(
        Claim(f"tasks of {mode}, 16 B", SLAB, bounds, work="submit", mode=mode, item_bytes=16, others=others)
        for mode in ("1 producer", "8 producers", "32 producers")
        for bounds, others in (
            (_both(2.0), ("mutex swap",)),
            ({"near": 1.0, "far": 1.5}, ("ConcurrentQueue", "ConcurrentQueue tokens")),
        )
    ),
    *(
        Claim("request of 206 B, read and judged", "rpc simdjson", _both(bound), work="parse", mode="small",
              item_bytes=206, capacity=0, others=(other,))
        for bound, other in ((0.9, "simdjson"), (4.0, "RapidJSON"))
    ),
    Claim("a reply's request, found in another thread", "slots", _both(4.0), work="correlate", mode="two threads",
          item_bytes=24, others=("oneTBB table",)),
    Claim("buffer of 206 B, given back by another thread", "return ring", {"near": 1.47, "far": 1.09}, work="pool",
          mode="two threads", item_bytes=206, others=("mimalloc",)),
)  # fmt: skip


@dataclass(frozen=True)
class TimeClaim:
    """In `work`, one item takes `contender` at most so many ns."""

    text: str
    work: str
    contender: str
    beyond: str  # what is, and is not, in it
    bounds_ns: dict[str, float]  # by placement

    @property
    def measure(self) -> str:
        near, far = self.bounds_ns["near"], self.bounds_ns["far"]
        times = f"{near:g} ns" if near == far else f"{near:g} ns (near) and {far:g} ns (far)"
        return f"at most {times} an item, {self.beyond}"


WITH_RING = "the ring between the threads included"
TIME_CLAIMS = (
    TimeClaim("recording, every item counted and kept", "recording", "recorder", "beyond the reads of the clock",
              _both(5.0)),
    TimeClaim("a reply's request, found in another thread", "correlate", "slots", WITH_RING,
              {"near": 25.0, "far": 120.0}),
    TimeClaim("buffer of 206 B, given back by another thread", "pool", "return ring", WITH_RING,
              {"near": 30.0, "far": 165.0}),
)  # fmt: skip

PIPELINE_WORK = "pipeline, interval 0, blocks and spins, every item recorded"
PIPELINE_BOUND = 0.6
# Each thread reads the clock once an item (created, popped), both at the same time.
PIPELINE_CLOCK_READS = 1


def verdicts(samples: pd.DataFrame) -> pd.DataFrame:
    """One row a claim and placement. `figure` and `met` are empty where too little was measured."""
    quiet = undisturbed(samples)
    rows = [_verdict(quiet, claim, placement) for claim in CLAIMS for placement in PLACEMENTS]
    times = [_time_verdict(quiet, claim, placement) for claim in TIME_CLAIMS for placement in PLACEMENTS]
    return pd.DataFrame([*rows, *_pipeline_verdicts(quiet), *times])


def _verdict(samples: pd.DataFrame, claim: Claim, placement: str) -> dict[str, object]:
    found = claim.of(samples[samples["placement"] == placement])
    found = found[(found["hint"] == claim.hint) | (claim.hint is None)]
    column = "round_trip_p50_ns" if claim.work in ROUND_TRIPS else "throughput_items_s"
    medians = found.groupby(["contender", "hint"])[column].agg(["median", "size"])
    medians = medians[medians["size"] >= LEAST_SAMPLES]["median"]
    best = medians.groupby("contender").agg("max" if claim.larger_is_better else "min")
    others = best[best.index.isin(claim.others)] if claim.others else best[~best.index.isin(NOT_PEERS)]
    figure, other = None, ""
    if claim.ours in best.index and len(others) and set(claim.others) <= set(others.index):
        other = str(others.idxmax() if claim.larger_is_better else others.idxmin())
        figure = float(best[claim.ours] / others[other])
    bound = claim.bounds[placement]
    return _row(claim.text, claim.measure, placement, bound, figure, other, claim.larger_is_better)


def _pipeline_verdicts(samples: pd.DataFrame) -> list[dict[str, object]]:
    """As measured; only where that misses the bound, with the cost of the clock reads taken off, which is said."""
    measure = f"at least {numbers.share(PIPELINE_BOUND)} of the bare ring's rate, "
    shares = {placement: _pipeline_share(samples, placement, clock_reads=0) for placement in PLACEMENTS}
    missed = [f"{share:.2f}" for share in shares.values() if share is not None and share < PIPELINE_BOUND]
    if missed:
        measure += f"what its clock reads cost taken off (included: {' and '.join(missed)})"
        shares = {placement: _pipeline_share(samples, placement, PIPELINE_CLOCK_READS) for placement in PLACEMENTS}
    else:
        measure += "clock reads included"
    return [
        _row(PIPELINE_WORK, measure, placement, PIPELINE_BOUND, share, "bare ring", True)
        for placement, share in shares.items()
    ]


def _pipeline_share(samples: pd.DataFrame, placement: str, clock_reads: int) -> float | None:
    """The pipeline's rate over the bare ring's, without so many clock reads an item."""
    found = samples[(samples["work"] == "pipeline") & (samples["placement"] == placement)]
    pipeline, ring = (found[found["contender"] == name] for name in ("pipeline", "bare ring"))
    if min(len(pipeline), len(ring)) < LEAST_SAMPLES:
        return None
    item_ns, ring_item_ns = (1e9 / each["throughput_items_s"].median() for each in (pipeline, ring))
    if clock_reads:
        # The reads overlap with the rest, so this takes off too much; but never so much that it is faster than the ring.
        item_ns = max(item_ns - clock_reads * pipeline["clock_read_ns"].median(), ring_item_ns)
    return float(ring_item_ns / item_ns)


def _time_verdict(samples: pd.DataFrame, claim: TimeClaim, placement: str) -> dict[str, object]:
    alike = samples[["work", "contender", "placement"]] == [claim.work, claim.contender, placement]
    found = samples[alike.all(axis=1)]
    item_ns = float((found["duration_ns"] / found["items"]).median()) if len(found) >= LEAST_SAMPLES else None
    return _row(claim.text, claim.measure, placement, claim.bounds_ns[placement], item_ns, "", False)


def _row(
    work: str, measure: str, placement: str, bound: float, figure: float | None, against: str, at_least: bool
) -> dict[str, object]:
    row: dict[str, object] = {"work": work, "measure": measure, "placement": placement, "bound": bound}
    if figure is None:
        return row | {"figure": None, "against": "", "met": ""}
    met = figure >= bound if at_least else figure <= bound
    return row | {"figure": round(figure, 3), "against": against, "met": "yes" if met else "no"}
