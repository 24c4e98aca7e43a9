"""The pictures of a suite, one a headline metric: a panel a measurement, a line a scenario, all runs visible."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.judge import comparing, placement
from lab.plan.contract import Column, Contract, Metric
from lab.tables.measurement import KEYS
from lab.text import numbers, picture
from lab.text.picture import BLUE, MANY, ORANGE, PINK, RED, TITLES

LEGEND_POINTS = 28  # its height, above which the title stands
CONSTANT = 0.01  # of a value: what differs by less in all runs needs no picture
ONE_CPU = "run on one CPU"
NOISY, ONLY_NOISY = "noisy run", "only noisy runs"  # as the legend calls what is hollow
# Colour, shape and how far off its line (in lines) each of a metric's columns is drawn.
MARKS = ((BLUE, "o", -0.22), (ORANGE, "s", 0.0), (RED, "^", 0.22), (PINK, "D", 0.36))


def file_name(suite: str, metric: Metric) -> str:
    return f"{suite}_{metric.name.removesuffix('_ops_s')}.png"


def draw(suite: str, raw: pd.DataFrame, contract: Contract) -> dict[str, bytes]:
    """PNG bytes by the name of their file; none of a picture that would show nothing. `raw` is the suite's raw table."""
    by_metric: dict[Metric, list[Column]] = {}
    for column in contract.headline:
        by_metric.setdefault(column.metric, []).append(column)
    shown = metrics(raw, contract)
    return {
        file_name(suite, metric): draw_metric(raw, metric, columns) if metric in shown else b""
        for metric, columns in by_metric.items()
    }


def metrics(raw: pd.DataFrame, contract: Contract) -> list[Metric]:
    """Those of the headline that a picture shows something of: times that are stated, and what is not constant."""
    found: dict[Metric, None] = {}
    for column in contract.headline:
        values = raw[column.name].dropna() if column.name in raw else pd.Series(dtype=float)
        varies = len(values) and values.max() - values.min() > CONSTANT * abs(values).max()
        if varies or (len(values) and column.percentile):
            found[column.metric] = None
    return list(found)


def draw_metric(raw: pd.DataFrame, metric: Metric, columns: Sequence[Column]) -> bytes:
    """PNG bytes of some columns of a metric. Legible at half width."""
    raw = raw[raw[[each.name for each in columns]].notna().any(axis=1)]
    names = raw["scenario"].nunique()
    shown = picture.extremes(raw.groupby("scenario", sort=False)[columns[0].name].median())
    raw = raw[raw["scenario"].isin(shown)]
    measurements = [group for _, group in raw.groupby(KEYS, sort=False)]
    lines = {name: line for line, name in enumerate(dict.fromkeys(raw["scenario"]))}
    dense = len(lines) > MANY
    width = 9 + picture.names_inches(lines)

    def fill(_figure: Figure, panels: np.ndarray) -> None:
        drawn = [_Panel(axes, runs, lines) for axes, runs in zip(panels.flat, measurements)]
        for panel in drawn:
            panel.draw(metric, columns)
        for panel in drawn:
            panel.frame(panel.axes.get_legend() is not None, names)

    inches = (width, (2 + 0.33 * len(lines) if dense else 1.7 + 0.45 * len(lines)) * len(measurements))
    return picture.drawn(fill, inches, len(measurements))


@dataclass(frozen=True)
class _Panel:
    """Where the runs (rows of a raw table) of one measurement are drawn, each scenario on its line."""

    axes: Axes
    runs: pd.DataFrame
    lines: dict[str, int]

    @property
    def dense(self) -> bool:
        return len(self.lines) > MANY

    @cached_property
    def quiet(self) -> pd.Series:
        """Of each run, whether it is; the others are hollow."""
        return pd.Series(self.runs.index.isin(comparing.quiet(self.runs).index), self.runs.index)

    @cached_property
    def hollow(self) -> pd.Series:
        """Of each scenario, whether it has nothing but noisy runs, which are shown then."""
        return ~self.quiet.groupby(self.runs["scenario"], sort=False).any()

    @cached_property
    def together(self) -> pd.Series:
        """Of each run, whether its threads shared a CPU where those of others did not."""
        alone = placement.places(self.runs).reindex(self.runs.index) == placement.ONE_CPU
        return alone & (not alone.all())

    def draw(self, metric: Metric, columns: Sequence[Column]) -> None:
        values = numbers.scaled(self.runs[[each.name for each in columns]], metric.unit)
        for column, marks in zip(columns, MARKS):
            colour, shape, shift = marks if len(columns) > 1 else (*MARKS[0][:2], 0.0)
            medians = self._runs_and_medians(values[column.name], colour, shape, shift, column.percentile)
            if len(columns) == 1:
                self._label(medians, metric.unit)
        picture.scale(self.axes, values)
        log = ", log scale" * (self.axes.get_xscale() == "log")
        self.axes.set_xlabel(numbers.titled(metric.title, metric.unit) + log)
        self._legend()

    def _runs_and_medians(self, values: pd.Series, colour: str, shape: str, shift: float, label: str) -> pd.Series:
        """Each run's value as a dot, the span of those behind the median as a line, and the median as a mark."""
        heights, quiet = self.runs["scenario"].map(self.lines) + shift, self.quiet
        chosen = (quiet | self.runs["scenario"].map(self.hollow)) & values.notna()
        spans = values[chosen].groupby(heights[chosen])
        self.axes.hlines(spans.min().index, spans.min(), spans.max(), color=colour, linewidth=2, alpha=0.5)
        for those, mark, size in ((~self.together, ".", 5), (self.together, "x", 6)):
            self.axes.plot(
                values[quiet & those], heights[quiet & those], mark, color=colour, markersize=size, alpha=0.6
            )
        self.axes.plot(values[~quiet], heights[~quiet], "o", color=colour, fillstyle="none", markersize=4)
        medians = values[chosen].groupby(self.runs["scenario"], sort=False).median()
        hollow = self.hollow[medians.index]
        for those, edge in ((~hollow, {"markeredgecolor": "white"}), (hollow, {"markerfacecolor": "white"})):
            places = medians[those].index.map(self.lines) + shift
            style = {"color": colour, "markersize": 7 if self.dense else 9, "label": "" if those is hollow else label}
            self.axes.plot(medians[those], places, shape, **(style | edge))
        return medians

    def _label(self, medians: pd.Series, unit: str) -> None:
        """Writes each scenario's median above its mark, from there to the right: so it never crosses the axis."""
        offset, size = ((4, 3), 10) if self.dense else ((0, 7), 12)
        for name, value in medians.items():
            text, place = numbers.count(value) + " %" * (unit == "share"), (value, self.lines[str(name)])
            self.axes.annotate(text, place, xytext=offset, textcoords="offset points", ha="left", fontsize=size)

    def _legend(self) -> None:
        """What the marks are, and what hollow ones are where there are any. Nothing where it would be empty."""
        if not self.quiet.all():
            self.axes.plot([], [], "o", color="black", fillstyle="none", markersize=4, label=NOISY)
        if self.together.any():
            self.axes.plot([], [], "x", color="black", markersize=6, label=ONE_CPU)
        if self.hollow.any():
            self.axes.plot([], [], "o", color="black", markerfacecolor="white", markersize=8, label=ONLY_NOISY)
        handles, labels = self.axes.get_legend_handles_labels()
        if handles:
            self.axes.legend(
                loc="lower right",
                bbox_to_anchor=(1, 0.98 if not self.dense else 1),
                ncols=len(labels),
                frameon=False,
                handletextpad=0.1,
                columnspacing=2 if len(labels) < 4 else 1,
                fontsize=12 if self.dense else None,
            )

    def frame(self, room: bool, names: int) -> None:
        """The scenarios' names, the grid, and the title; with `room` for a legend below it. There are so many `names`."""
        target, timing, accelerator = self.runs[KEYS].iloc[0]
        picture.lines(self.axes, self.lines, "both" if self.dense else "x")  # to find the name of a mark far from it
        runs = self.runs.groupby("scenario").size().max()
        title = f"{TITLES[timing].format(target, accelerator)}, {runs} runs{picture.of_all(len(self.lines), names)}"
        self.axes.set_title(title, loc="left", fontsize=14, pad=LEGEND_POINTS if room else None)
