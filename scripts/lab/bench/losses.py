"""Where the queues of this project are slower than their peers: one line for results.md."""

from collections.abc import Sequence

import pandas as pd

from lab.bench.tables import CONTEST, NOT_PEERS, best
from lab.text.markdown import words

EAGER = ("spsc_ring eager",)
RINGS = (*EAGER, "spsc_ring batched")


def line(throughput: pd.DataFrame, round_trip: pd.DataFrame) -> str:
    """Each size at which the better ring, and then the eager one alone, is behind the fastest peer."""
    moved = throughput[(throughput["work"] == "throughput") & (throughput["mode"] == "single")]
    parts = []
    for rings, who in ((RINGS, "The better of our two rings"), (EAGER, "Eager alone")):
        lost = {
            "one item at a time": _losses(moved, rings, "throughput_items_s", largest=True),
            "round trips": _losses(round_trip, rings, "round_trip_p50_ns", largest=False),
        }
        said = [f"*{what}* {'; '.join(sizes)}" for what, sizes in lost.items() if sizes]
        parts.append(f"{who}: {'. '.join(said) or 'nowhere'}.")
    return f"**Where we lose against the fastest peer**, by size and capacity. {' '.join(parts)}"


def _losses(table: pd.DataFrame, rings: Sequence[str], column: str, largest: bool) -> list[str]:
    """'8 B, 8: 0.65 of atomic_queue optimist', in the order of sizes; a rate's share, or so many times its time."""
    ours = best(table[table["contender"].isin(rings)], column, largest, CONTEST)
    peers = best(table[~table["contender"].isin(NOT_PEERS)], column, largest, CONTEST)
    pairs = ours.merge(peers[[*CONTEST, "contender"]], on=CONTEST, suffixes=("", "_of_peer"))
    ratio = pairs["ratio_to_fastest_peer"]
    lost = pairs[ratio < 1 if largest else ratio > 1].sort_values(["placement", "item_bytes", "capacity"])
    several = table["placement"].nunique() > 1
    return [
        f"{row.placement}, " * several
        + f"{row.item_bytes:.0f} B, {row.capacity:.0f}: {_ratio(row.ratio_to_fastest_peer)} "
        + f"{'of' if largest else 'times'} {words(row.contender_of_peer)}"
        for row in lost.itertuples()
    ]


def _ratio(ratio: float) -> str:
    """0.65; 1.004, where two decimals would say that there is no difference."""
    text = f"{ratio:.2f}"
    return f"{ratio:.3f}" if text == "1.00" else text
