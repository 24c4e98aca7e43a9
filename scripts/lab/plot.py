"""The pictures of a suite: one panel a target and timing, one line a scenario, all runs visible."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from lab.analyse import MEASUREMENT

# Okabe and Ito's colours, which colour-blind readers can tell apart; the shapes say the same.
BLUE, ORANGE, RED = "#0072B2", "#E69F00", "#D55E00"
TITLES = {"exact": "{0}, exact timing (virtual)", "live": "{0}, live timing (wall clock, {1})"}
SPAN_OF_A_LOG_SCALE = 10
LEGEND_POINTS = 28  # its height, above which the title stands


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

    def draw(self, of_runs: pd.Series, of_scenarios: pd.Series, marks: Marks) -> None:
        """Each run's value as a dot, their span as a line, and the median as a mark."""
        heights = self.runs["scenario"].map(self.lines) + marks.shift
        spans = of_runs.groupby(heights)
        self.axes.hlines(spans.min().index, spans.min(), spans.max(), color=marks.colour, linewidth=2, alpha=0.5)
        self.axes.plot(of_runs, heights, ".", color=marks.colour, markersize=5, alpha=0.6)
        self.axes.plot(
            of_scenarios,
            self.medians["scenario"].map(self.lines) + marks.shift,
            marks.shape,
            color=marks.colour,
            markersize=9,
            markeredgecolor="white",
            label=marks.label,
        )

    def label(self, of_scenarios: pd.Series, text: str) -> None:
        """Writes each scenario's median above its mark, from there to the right: so it never crosses the axis."""
        for name, value in zip(self.medians["scenario"], of_scenarios):
            place = (value, self.lines[name])
            self.axes.annotate(
                text.format(value), place, xytext=(0, 7), textcoords="offset points", ha="left", fontsize=12
            )

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
        panel.axes.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=3, frameon=False, handletextpad=0.1)

    return _picture(raw, metrics, draw)


def throughput(raw: pd.DataFrame, metrics: pd.DataFrame) -> bytes:
    """Items consumed per second."""

    def draw(panel: Panel) -> None:
        panel.draw(panel.runs["throughput_ops_s"], panel.medians["throughput_ops_s"], Marks(BLUE))
        panel.label(panel.medians["throughput_ops_s"], "{:,.0f}")
        panel.scale(panel.runs["throughput_ops_s"])
        panel.axes.set_xlabel("throughput (items consumed per second)")

    return _picture(raw, metrics, draw)


def drop_rate(raw: pd.DataFrame, metrics: pd.DataFrame) -> bytes:
    """Share of the produced items that found the queue full, in per cent."""

    def draw(panel: Panel) -> None:
        panel.draw(panel.runs["drop_rate"] * 100, panel.medians["drop_rate"] * 100, Marks(RED))
        panel.label(panel.medians["drop_rate"] * 100, "{:.1f} %")
        panel.scale(panel.runs["drop_rate"] * 100)
        if panel.runs["drop_rate"].max() == 0:
            panel.axes.text(
                0.5, 0.5, "no run dropped an item", transform=panel.axes.transAxes, ha="center", va="center"
            )
        panel.axes.set_xlabel("drop rate (% of produced items)")

    return _picture(raw, metrics, draw)


PICTURES = {"latency": latency, "throughput": throughput, "drop_rate": drop_rate}


def _picture(raw: pd.DataFrame, metrics: pd.DataFrame, draw: Callable[[Panel], None]) -> bytes:
    """PNG bytes, one panel a target, timing and accelerator. Legible at half width."""
    measurements = list(metrics.groupby(MEASUREMENT, sort=False))
    runs = raw.groupby(MEASUREMENT, sort=False)
    lines = {name: line for line, name in enumerate(dict.fromkeys(metrics["scenario"]))}
    height = 1.7 + 0.45 * len(lines)
    with plt.rc_context({"font.size": 14, "axes.spines.top": False, "axes.spines.right": False}):
        figure, panels = plt.subplots(
            len(measurements), 1, figsize=(9, height * len(measurements)), squeeze=False, layout="constrained"
        )
        for ((target, timing, accelerator), medians), axes in zip(measurements, panels[:, 0]):
            draw(Panel(axes, runs.get_group((target, timing, accelerator)), medians, lines))
            axes.set_yticks(range(len(lines)), lines)
            axes.set_ylim(len(lines) - 0.5, -0.5)
            axes.grid(axis="x", alpha=0.3)
            title = f"{TITLES[timing].format(target, accelerator)}, {medians['runs'].max()} runs"
            axes.set_title(title, loc="left", fontsize=14, pad=LEGEND_POINTS if axes.get_legend() else None)
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=120, metadata={"Software": None})
        plt.close(figure)
    return png.getvalue()


def _short(value: float, _position: int) -> str:
    """12, 0.5, 20k, 1.5M."""
    for factor, suffix in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= 10 * factor or (suffix == "M" and abs(value) >= factor):
            return f"{value / factor:g}{suffix}"
    return f"{value:g}"
