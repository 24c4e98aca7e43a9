"""The bench's picture: who moves how much, and how soon an answer is there."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.bench.tables import PLACEMENTS, Work
from lab.text import picture
from lab.text.picture import BLUE, RED

MARKS = {"near": (BLUE, "o", -0.16), "far": (RED, "^", 0.16)}
OWN_BACKGROUND = "#f0f0f0"


@dataclass(frozen=True)
class View(Work):
    """One panel, and what it shows."""

    title: str


VIEWS = (
    View("8 B, capacity 1024"),
    View("64 B, capacity 1024", item_bytes=64),
    View("8 B, capacity 64", capacity=64),
    View("8 B, capacity 8", capacity=8),
    View("batches of 32 × 8 B, capacity 1024", mode="batch", batch=32),
    View("round trip, 8 B, capacity 1024", work="round_trip"),
)


def draw(throughput: pd.DataFrame, round_trip: pd.DataFrame) -> bytes:
    """PNG bytes: one panel a view, one line a contender, the best first."""
    both = pd.concat([throughput, round_trip])
    views = [(view, found) for view in VIEWS if not (found := view.of(both)).empty]
    rows = max(1, (len(views) + 1) // 2)

    def fill(_figure: Figure, panels: np.ndarray) -> None:
        for axes, (view, found) in zip(panels.flat, views):
            _panel(axes, view, found)

    return picture.drawn(fill, (15, 4.6 * rows), rows, 2, dots=100, font=13)


def _panel(axes: Axes, view: View, found: pd.DataFrame) -> None:
    """Each contender's median as a mark and its rounds' span as a line."""
    trips = view.work == "round_trip"
    names = [f"round_trip_p50{part}_ns" if trips else f"throughput{part}_items_s" for part in ("", "_min", "_max")]
    values = (found[names] * (1.0 if trips else 1e-6)).set_axis(["median", "low", "high"], axis=1)
    best = values["median"].groupby(found["contender"]).max()
    lines = {name: line for line, name in enumerate(best.sort_values(ascending=trips).index)}
    for placement in PLACEMENTS:
        colour, shape, shift = MARKS[placement]
        own = values[found["placement"] == placement]
        heights = found["contender"][own.index].map(lines) + shift
        axes.hlines(heights, own["low"], own["high"], color=colour, linewidth=2, alpha=0.4)
        look = {"color": colour, "markersize": 9, "markeredgecolor": "white"}
        if len(own):
            axes.plot(own["median"], heights, shape, label=f"CPUs {placement}", **look)
    for name, line in lines.items():
        if name.startswith("spsc_ring"):
            axes.axhspan(line - 0.5, line + 0.5, color=OWN_BACKGROUND, zorder=0)
    picture.logarithmic(axes.xaxis, values["low"].min(), values["high"].max())
    axes.tick_params(axis="x", labelsize=11)
    picture.lines(axes, lines)
    # The best come first, so that this corner has no marks.
    axes.legend(loc="upper right" if trips else "lower right", handletextpad=0.1)
    axes.set_title(view.title, loc="left", fontsize=14)
    axes.set_xlabel("round trip, p50 (ns): less is better" if trips else "million items a second")
