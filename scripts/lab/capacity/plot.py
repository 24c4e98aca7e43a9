"""The picture of a capacity search: latency against offered load, the objectives' lines, and the bracket."""

import io

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lab import objectives
from lab.capacity.search import State
from lab.capacity.table import Answer, answers
from lab.plot import BLUE, ORANGE, RED, TITLES, Marks

CURVES = {
    "latency_p50_ns": Marks(BLUE, "o", label="p50"),
    "latency_p99_ns": Marks(ORANGE, "s", label="p99"),
    "response_p99_ns": Marks(RED, "^", label="response p99"),
}
GREY = "0.35"


def draw(rows: pd.DataFrame) -> bytes:
    """PNG bytes of a table of capacity_table, one panel a measurement."""
    found = list(answers(rows))
    suite, scenario = rows[["suite", "scenario"]].iloc[0]
    with plt.rc_context({"font.size": 14, "axes.spines.top": False, "axes.spines.right": False}):
        figure, panels = plt.subplots(len(found), 1, figsize=(9, 5.4 * len(found)), squeeze=False, layout="constrained")
        for answer, axes in zip(found, panels[:, 0]):
            _panel(axes, answer)
            target, timing, accelerator = answer.measurement
            title = f"{suite}/{scenario}: {TITLES[timing].format(target, accelerator)}"
            axes.set_title(title, loc="left", fontsize=14, pad=28)
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=120, metadata={"Software": None})
        plt.close(figure)
    return png.getvalue()


def _panel(axes: Axes, answer: Answer) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    _shade(axes, answer)
    for column, marks in CURVES.items():
        _curve(axes, answer.points, column, marks)
    _limits(axes, answer)
    axes.set_xlabel("offered load (items/s); hollow: the objectives are not held")
    axes.set_ylabel("µs")
    axes.xaxis.set_major_formatter(FuncFormatter(_short))
    axes.yaxis.set_major_formatter(FuncFormatter(_short))
    axes.yaxis.set_major_locator(LogLocator(subs=(1,), numticks=20))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.99), ncols=3, frameon=False, handletextpad=0.3)


def _curve(axes: Axes, points: pd.DataFrame, column: str, marks: Marks) -> None:
    """The medians, and what they lie between; held points are filled."""
    known = points[points[column].notna()]
    rates, values = known["rate_ops_s"], known[column] / 1e3
    axes.plot(rates, values, color=marks.colour, linewidth=1.5, alpha=0.7)
    axes.vlines(rates, known[f"{column}_low"] / 1e3, known[f"{column}_high"] / 1e3, color=marks.colour, alpha=0.5)
    held = known["verdict"] == State.HELD.value
    for chosen, fill in ((held, marks.colour), (~held, "white")):
        label = marks.label if chosen is held else None
        axes.plot(
            rates[chosen],
            values[chosen],
            marks.shape,
            color=marks.colour,
            markerfacecolor=fill,
            markersize=7,
            label=label,
        )


def _shade(axes: Axes, answer: Answer) -> None:
    """The bracket: from the highest rate that holds to the lowest that is missed for certain."""
    end = answer.beyond if answer.missed is None else answer.missed
    if answer.held is not None and end is not None:
        axes.axvspan(answer.held["rate_ops_s"], end["rate_ops_s"], color=GREY, alpha=0.25, linewidth=0)


def _limits(axes: Axes, answer: Answer) -> None:
    """A line for each objective that is a time."""
    for text in answer.points["objectives"].iloc[0].split(", "):
        name, relation, limit = text.split(" ")
        column, factor = objectives.METRICS[name]
        if column.endswith("_ns"):
            axes.axhline(float(limit) * factor / 1e3, color=GREY, linestyle="--", linewidth=1.2)
            place = (0.01, float(limit) * factor / 1e3)
            transform = axes.get_yaxis_transform()
            axes.annotate(
                f"{name} {relation} {limit}",
                place,
                xycoords=transform,
                xytext=(0, 4),
                textcoords="offset points",
                fontsize=12,
            )


def _short(value: float, _position: int) -> str:
    """12, 0.5, 20k, 1M."""
    for factor, suffix in ((1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:g}{suffix}"
    return f"{value:g}"
