"""The pictures of a suite: one panel a target and timing, one line a scenario, all runs visible."""

import io
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from lab.text import numbers
from lab.judge import comparing
from lab.tables.measured import MEASUREMENT

# Okabe and Ito's colours, which colour-blind readers can tell apart; the shapes say the same.
BLUE, ORANGE, RED = "#0072B2", "#E69F00", "#D55E00"
TITLES = {"exact": "{0}, exact timing (virtual)", "live": "{0}, live timing (wall clock, {1})"}
SPAN_OF_A_LOG_SCALE = 10
LEGEND_POINTS = 28  # its height, above which the title stands
NAME_CHARACTERS = 26  # that there is room for beside a panel
CHARACTER_INCHES = 0.105
MANY = 8  # scenarios, above which lines are closer, and panels stand beside each other
NOISY, ONLY_NOISY = "noisy run", "only noisy runs"  # as the legend calls what is hollow


@dataclass(frozen=True)
class Marks:
    """One value of each scenario: how it is drawn, and how far off its line (in lines)."""

    colour: str
    shape: str = "o"
    shift: float = 0.0
    label: str = ""


PERCENTILE_MARKS = {
    "p50": Marks(BLUE, "o", -0.22, "p50"),
    "p95": Marks(ORANGE, "s", 0.0, "p95"),
    "p99": Marks(RED, "^", 0.22, "p99"),
}


@dataclass(frozen=True)
class Panel:
    """Where the runs of one target, timing and accelerator are drawn."""

    axes: Axes
    runs: pd.DataFrame  # raw table
    medians: pd.DataFrame  # metrics table
    lines: dict[str, int]  # of the scenarios

    @property
    def dense(self) -> bool:
        return len(self.lines) > MANY

    @property
    def quiet(self) -> pd.Series:
        """Of each run, whether it is; the others are hollow."""
        return pd.Series(self.runs.index.isin(comparing.quiet(self.runs).index), self.runs.index)

    def draw(self, of_runs: pd.Series, of_scenarios: pd.Series, marks: Marks) -> None:
        """Each run's value as a dot, the span of those behind the median as a line, and the median as a mark."""
        heights = self.runs["scenario"].map(self.lines) + marks.shift
        quiet = self.quiet
        chosen = quiet | ~quiet.groupby(self.runs["scenario"]).transform("any")
        spans = of_runs[chosen].groupby(heights[chosen])
        self.axes.hlines(spans.min().index, spans.min(), spans.max(), color=marks.colour, linewidth=2, alpha=0.5)
        self.axes.plot(of_runs[quiet], heights[quiet], ".", color=marks.colour, markersize=5, alpha=0.6)
        self.axes.plot(of_runs[~quiet], heights[~quiet], "o", color=marks.colour, fillstyle="none", markersize=4)
        hollow = self.medians["noisy_runs"] == self.medians["runs"]
        for those, style in ((~hollow, {"markeredgecolor": "white"}), (hollow, {"markerfacecolor": "white"})):
            self.axes.plot(
                of_scenarios[those],
                self.medians["scenario"][those].map(self.lines) + marks.shift,
                marks.shape,
                **{"color": marks.colour, "markersize": 7 if self.dense else 9, **style},
                label=marks.label if those is not hollow else "",
            )

    def legend(self) -> None:
        """What the marks are, and what hollow ones are where there are any. Nothing where it would be empty."""
        if not self.quiet.all():
            self.axes.plot([], [], "o", color="black", fillstyle="none", markersize=4, label=NOISY)
        if (self.medians["noisy_runs"] == self.medians["runs"]).any():
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

    def label(self, of_scenarios: pd.Series, text: Callable[[float], str]) -> None:
        """Writes each scenario's median above its mark, from there to the right: so it never crosses the axis."""
        offset, size = ((4, 3), 10) if self.dense else ((0, 7), 12)
        for name, value in zip(self.medians["scenario"], of_scenarios):
            place = (value, self.lines[name])
            self.axes.annotate(text(value), place, xytext=offset, textcoords="offset points", ha="left", fontsize=size)

    def scale(self, values: pd.Series) -> None:
        """A logarithmic axis where the values span a decade or more, else a linear one from 0."""
        values = values.dropna()
        if len(values) and values.min() > 0 and values.max() / values.min() >= SPAN_OF_A_LOG_SCALE:
            self.axes.set_xscale("log")
            subs = (1, 2, 5) if values.max() / values.min() < 200 else (1,)
            self.axes.xaxis.set_major_locator(LogLocator(subs=subs, numticks=20))
            self.axes.xaxis.set_minor_formatter(NullFormatter())
        else:
            largest = values.max() if values.max() > 0 else 1
            self.axes.set_xlim(-0.04 * largest if values.min() == 0 else 0, 1.08 * largest)
            self.axes.xaxis.set_major_locator(MaxNLocator(6))
        self.axes.xaxis.set_major_formatter(FuncFormatter(_short))


def latency(raw: pd.DataFrame, metrics: pd.DataFrame) -> bytes:
    """Latency percentiles in microseconds."""

    def draw(panel: Panel) -> None:
        for name, marks in PERCENTILE_MARKS.items():
            panel.draw(panel.runs[f"latency_{name}_ns"] / 1e3, panel.medians[f"latency_{name}_ms"] * 1e3, marks)
        panel.scale(pd.concat([panel.runs[f"latency_{name}_ns"] / 1e3 for name in PERCENTILE_MARKS]))
        panel.axes.set_xlabel("latency, creation to pop (µs)")

    return _picture(raw, metrics, draw)


def throughput(raw: pd.DataFrame, metrics: pd.DataFrame) -> bytes:
    """Items consumed per second."""

    def draw(panel: Panel) -> None:
        panel.draw(panel.runs["throughput_ops_s"], panel.medians["throughput_ops_s"], Marks(BLUE))
        panel.label(panel.medians["throughput_ops_s"], numbers.rate)
        panel.scale(panel.runs["throughput_ops_s"])
        panel.axes.set_xlabel("throughput (items consumed per second)")

    return _picture(raw, metrics, draw)


def drop_rate(raw: pd.DataFrame, metrics: pd.DataFrame) -> bytes:
    """Share of the produced items that found the queue full, in per cent."""

    def draw(panel: Panel) -> None:
        panel.draw(panel.runs["drop_rate"] * 100, panel.medians["drop_rate"] * 100, Marks(RED))
        panel.label(panel.medians["drop_rate"] * 100, "{:.1f} %".format)
        panel.scale(panel.runs["drop_rate"] * 100)
        if panel.runs["drop_rate"].max() == 0:
            box = {"facecolor": "white", "edgecolor": "none"} if panel.dense else None  # lines would cross the words
            where = {"transform": panel.axes.transAxes, "ha": "center", "va": "center"}
            panel.axes.text(0.5, 0.5, "no run dropped an item", bbox=box, **where)
        panel.axes.set_xlabel("drop rate (% of produced items)")

    return _picture(raw, metrics, draw)


PICTURES = {"latency": latency, "throughput": throughput, "drop_rate": drop_rate}


def names_inches(names: Iterable[str]) -> float:
    """How much wider than usual a picture must be, so that long names of scenarios leave its panels their room."""
    return CHARACTER_INCHES * max(0, max(map(len, names)) - NAME_CHARACTERS)


def _picture(raw: pd.DataFrame, metrics: pd.DataFrame, draw: Callable[[Panel], None]) -> bytes:
    """PNG bytes, one panel a target, timing and accelerator. Legible at half width."""
    measurements = list(metrics.groupby(MEASUREMENT, sort=False))
    runs = raw.groupby(MEASUREMENT, sort=False)
    lines = {name: line for line, name in enumerate(dict.fromkeys(metrics["scenario"]))}
    dense = len(lines) > MANY
    columns = min(2, len(measurements)) if dense else 1
    rows = math.ceil(len(measurements) / columns)
    width = (4 + 5 * columns if dense else 9) + names_inches(lines)
    size = (width, (2 + 0.33 * len(lines) if dense else 1.7 + 0.45 * len(lines)) * rows)
    with plt.rc_context({"font.size": 14, "axes.spines.top": False, "axes.spines.right": False}):
        figure, panels = plt.subplots(rows, columns, figsize=size, squeeze=False, sharey=dense, layout="constrained")
        drawn = [Panel(axes, runs.get_group(key), own, lines) for (key, own), axes in zip(measurements, panels.flat)]
        for panel in drawn:
            draw(panel)
            panel.legend()
        for panel in drawn:
            beside = drawn if dense else [panel]
            _frame(panel, room=any(each.axes.get_legend() for each in beside))
        for axes in panels.flat[len(measurements) :]:
            axes.set_visible(False)
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=120, metadata={"Software": None})
        plt.close(figure)
    return png.getvalue()


def _frame(panel: Panel, room: bool) -> None:
    """The scenarios' names, the grid, and the title; with `room` for a legend below it."""
    target, timing, accelerator = panel.medians[MEASUREMENT].iloc[0]
    axes = panel.axes
    axes.set_yticks(range(len(panel.lines)), panel.lines)
    axes.set_ylim(len(panel.lines) - 0.5, -0.5)
    axes.grid(axis="both" if panel.dense else "x", alpha=0.3)  # to find the name of a mark that is far from it
    title = f"{TITLES[timing].format(target, accelerator)}, {panel.medians['runs'].max()} runs"
    axes.set_title(title, loc="left", fontsize=14, pad=LEGEND_POINTS if room else None)


def _short(value: float, _position: int) -> str:
    """12, 0.5, 20k, 1.5M."""
    for factor, suffix in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= 10 * factor or (suffix == "M" and abs(value) >= factor):
            return f"{value / factor:g}{suffix}"
    return f"{value:g}"
