"""The bench's picture: who moves how much, and how soon an answer is there."""

import io
from dataclasses import dataclass

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lab.bench.tables import PLACEMENTS

# As in plot.py: colours that colour-blind readers can tell apart; the shapes say the same.
MARKS = {"near": ("#0072B2", "o", -0.16), "far": ("#D55E00", "^", 0.16)}
OWN_BACKGROUND = "#f0f0f0"


@dataclass(frozen=True)
class View:
    """One panel: which work, and what of it."""

    title: str
    work: str
    item_bytes: int
    mode: str = "single"
    batch: int = 1
    capacity: int = 1024

    @property
    def column(self) -> str:
        return "round_trip_p50_ns" if self.work == "round_trip" else "throughput_items_s"

    def of(self, table: pd.DataFrame) -> pd.DataFrame:
        return table[
            (table["work"] == self.work)
            & (table["mode"] == self.mode)
            & (table["batch"] == self.batch)
            & (table["item_bytes"] == self.item_bytes)
            & ((table["capacity"] == self.capacity) | table["capacity"].isna())
        ]


VIEWS = (
    View("8 B, capacity 1024", "throughput", 8),
    View("64 B, capacity 1024", "throughput", 64),
    View("8 B, capacity 64", "throughput", 8, capacity=64),
    View("8 B, capacity 8", "throughput", 8, capacity=8),
    View("batches of 32 × 8 B, capacity 1024", "throughput", 8, mode="batch", batch=32),
    View("round trip, 8 B, capacity 1024", "round_trip", 8),
)


def picture(throughput: pd.DataFrame, round_trip: pd.DataFrame) -> bytes:
    """PNG bytes: one panel a view, one line a contender, the best first."""
    both = pd.concat([throughput, round_trip])
    views = [(view, view.of(both)) for view in VIEWS]
    views = [(view, found) for view, found in views if not found.empty]
    columns = 2
    rows = max(1, (len(views) + columns - 1) // columns)
    with plt.rc_context({"font.size": 13, "axes.spines.top": False, "axes.spines.right": False}):
        figure, panels = plt.subplots(rows, columns, figsize=(15, 4.6 * rows), squeeze=False, layout="constrained")
        for axes in panels.flat[len(views) :]:
            axes.set_visible(False)
        for axes, (view, found) in zip(panels.flat, views):
            _draw(axes, view, found)
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=100, metadata={"Software": None})
        plt.close(figure)
    return png.getvalue()


def _draw(axes: Axes, view: View, found: pd.DataFrame) -> None:
    """Each contender's median as a mark and its rounds' span as a line."""
    best = found.groupby("contender")[view.column].max()
    names = best.sort_values(ascending=view.work == "round_trip").index
    lines = {name: line for line, name in enumerate(names)}
    scale = 1.0 if view.work == "round_trip" else 1e-6
    for placement in PLACEMENTS:
        of_place = found[found["placement"] == placement]
        colour, shape, shift = MARKS[placement]
        heights = of_place["contender"].map(lines) + shift
        low, high = (of_place[_part(view.column, part)] * scale for part in ("_min", "_max"))
        axes.hlines(heights, low, high, color=colour, linewidth=2, alpha=0.4)
        if not of_place.empty:
            axes.plot(
                of_place[view.column] * scale, heights, shape, color=colour, markersize=9, markeredgecolor="white",
                label=f"CPUs {placement}",
            )  # fmt: skip
    for name, line in lines.items():
        if name.startswith("spsc_ring"):
            axes.axhspan(line - 0.5, line + 0.5, color=OWN_BACKGROUND, zorder=0)
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 200 else (1,), numticks=20))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", labelsize=11)
    axes.set_yticks(range(len(lines)), lines)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.grid(axis="x", alpha=0.3)
    # The best come first, so that this corner has no marks.
    axes.legend(loc="upper right" if view.work == "round_trip" else "lower right", handletextpad=0.1)
    axes.set_title(view.title, loc="left", fontsize=14)
    axes.set_xlabel("round trip, p50 (ns): less is better" if scale == 1.0 else "million items a second")


def _part(column: str, part: str) -> str:
    """throughput_items_s -> throughput_min_items_s."""
    quantity = "round_trip_p50" if column.startswith("round_trip_p50") else "throughput"
    return quantity + part + column.removeprefix(quantity)
