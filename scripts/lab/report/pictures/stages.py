"""The picture of where response time went: one bar a scenario, in microseconds and in per cent."""

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lab.plan.contract import Stage
from lab.tables.measurement import Measurement
from lab.tables.stages import ALL, SLOWEST
from lab.text import numbers, picture
from lab.text.picture import BLUE, GREEN, MANY, ORANGE, PINK, RED, SKY, YELLOW

# Of each stage, in the order of the contract's: its colour, and a hatch that says the same in print.
LOOKS = ((ORANGE, ""), (YELLOW, ".."), (RED, "//"), (SKY, ""), (GREEN, "\\\\"), (BLUE, ""), (PINK, "xx"))
TITLES = {ALL: "all, mean", SLOWEST: "the slowest 1 %, mean"}
BESIDE_INCHES, LETTER_INCHES = 0.95, 0.092  # of a label in the legend: its colour and gaps, and each letter
VISIBLE_SHARE = 0.01  # of a bar, which a stage has somewhere for the legend to name it
MANY_TIMES = 5.0  # as long as the median bar, beyond which a bar is cut
LEGIBLE_SHARE = 0.08  # of a bar, below which a part gets no number


def file_name(suite: str, measurement: Measurement) -> str:
    return f"{suite}_stages_{'_'.join(measurement)}.png"


def draw(chosen: pd.DataFrame, stages: Mapping[str, Stage]) -> bytes:
    """PNG bytes for a table as lab.tables.stages.table() makes it: one measurement, one or more scenarios."""
    populations = [name for name in TITLES if (chosen["population"] == name).any()]
    names = chosen["scenario"].nunique()
    totals = (
        chosen[chosen["population"] == chosen["population"].iat[0]].groupby("scenario", sort=False)["mean_ns"].sum()
    )
    scenarios = picture.extremes(totals)
    dense = len(scenarios) > MANY
    panel_inches = 1.2 + (0.3 if dense else 0.5) * len(scenarios)
    width = 13 + picture.names_inches(scenarios)
    responses = chosen.groupby(["scenario", "population"])["mean_ns"].transform("sum")
    largest = (chosen["mean_ns"] / responses).groupby(chosen["stage"]).max()
    visible = [stage.text for name, stage in stages.items() if largest.get(name, 0) >= VISIBLE_SHARE]
    legend_columns = _columns(visible, 3, width)
    legend_inches = 0.1 + 0.4 * math.ceil(len(visible) / legend_columns)
    height = legend_inches + panel_inches * len(populations)

    def fill(figure: Figure, panels: np.ndarray) -> None:
        for population, (times, shares) in zip(populations, panels.reshape(-1, 2)):
            rows = chosen[chosen["population"] == population]
            means = rows.pivot(index="scenario", columns="stage", values="mean_ns")
            _panels(times, shares, means.reindex(index=scenarios, columns=list(stages)).fillna(0), stages)
            title = TITLES[population] + picture.of_all(len(scenarios), names)
            times.set_title(title, loc="left", fontsize=14)
        handles, labels = zip(*(each for each in zip(*panels[0, 0].get_legend_handles_labels()) if each[1] in visible))
        room = (0, 0, 1, 1 - legend_inches / height)  # but for the legend
        figure.get_layout_engine().set(rect=room, w_pad=0.1 if dense else None)
        figure.legend(handles, labels, loc="upper center", ncols=legend_columns, frameon=False)

    return picture.drawn(fill, (width, height), len(populations), 2, dots=110, sharey=True)


def _columns(labels: Sequence[str], most: int, inches: float) -> int:
    """How many columns of a legend fit side by side, which is filled column by column."""
    for columns in range(min(most, len(labels)), 1, -1):
        widest = [max(map(len, column)) for column in np.array_split(labels, columns)]
        if sum(BESIDE_INCHES + LETTER_INCHES * letters for letters in widest) <= inches:
            return columns
    return 1


def _panels(times: Axes, shares: Axes, means_ns: pd.DataFrame, stages: Mapping[str, Stage]) -> None:
    """One population: the means and their sums, and the shares.

    A scenario that takes many times as long as most others would leave these no length: its bar fills the panel, in parts
    that are as long to each other as they should be, and has an arrow.
    """
    total = means_ns.sum(axis=1)
    longest = total[total <= MANY_TIMES * total[total > 0].median()].max() if len(total) > 2 else total.max()
    limit = 1.3 * max(longest if longest > 0 else 0.0, 1.0)
    cut = (limit / total.where(total > limit)).fillna(1)
    _bars(times, means_ns.mul(cut, axis=0) / 1e3, stages, "response time (µs)")
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1}
    for line, value in enumerate(total):
        if value > limit:
            text = f"{numbers.shown(value, 'ns')} →"
            times.text(0.98 * limit / 1e3, line, text, ha="right", va="center", bbox=box)
        else:
            times.annotate(f" {numbers.shown(value, 'ns')}" if value else " —", (value / 1e3, line), va="center")
    times.set_xlim(0, limit / 1e3)
    parts = means_ns.div(total.where(total > 0), axis=0).fillna(0) * 100
    for line, place, size in _bars(shares, parts, stages, "share (%)"):
        if size >= LEGIBLE_SHARE * 100:
            shares.text(place, line, f"{size:.0f}", ha="center", va="center", fontsize=12, bbox=box)
    shares.set_xlim(0, 100)


def _bars(axes: Axes, parts: pd.DataFrame, stages: Mapping[str, Stage], title: str) -> list[tuple[int, float, float]]:
    """Draws a bar a line; gives each part's line, its middle and its width."""
    rows = range(len(parts))
    places = []
    left = pd.Series(0.0, index=parts.index)
    for (stage, about), (colour, hatch) in zip(stages.items(), itertools.cycle(LOOKS)):
        look = {"color": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0.5, "label": about.text}
        axes.barh(rows, parts[stage], left=left, **look)
        places += list(zip(rows, left + parts[stage] / 2, parts[stage]))
        left += parts[stage]
    picture.lines(axes, parts.index)
    axes.xaxis.set_major_locator(MaxNLocator(4 if len(parts) > MANY else 6))
    axes.set_xlabel(title)
    return places
