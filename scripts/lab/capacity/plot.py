"""The picture of a capacity search: latency against offered load, the objectives' lines, and the bracket."""

import io

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lab.plan import objectives
from lab.capacity.search import State
from lab.capacity.table import Answer, answers
from lab.plan.objectives import Objective
from lab.report.pictures import BLUE, ORANGE, RED, TITLES, Marks

CURVES = {
    "latency_p50_ns": Marks(BLUE, "o", label="p50"),
    "latency_p99_ns": Marks(ORANGE, "s", label="p99"),
    "response_p99_ns": Marks(RED, "^", label="response p99"),
}
GREY = "0.35"
TIMES_INCHES, OTHER_INCHES = 5.4, 2.2  # heights of panels


def draw(rows: pd.DataFrame) -> bytes:
    """PNG bytes of a table of capacity_table: for each measurement a panel of times, and one of each other objective."""
    found = list(answers(rows))
    suite, scenario = rows[["suite", "scenario"]].iloc[0]
    others = [_others(answer) for answer in found]
    with plt.rc_context({"font.size": 14, "axes.spines.top": False, "axes.spines.right": False}):
        heights = [TIMES_INCHES + OTHER_INCHES * len(limits) for limits in others]
        figure = plt.figure(figsize=(9, sum(heights)), layout="constrained")
        parts = figure.subfigures(len(found), 1, squeeze=False, height_ratios=heights)[:, 0]
        for answer, limits, part in zip(found, others, parts):
            ratios = [TIMES_INCHES, *[OTHER_INCHES] * len(limits)]
            panels = part.subplots(1 + len(limits), 1, squeeze=False, sharex=True, height_ratios=ratios)[:, 0]
            _panel(panels[0], answer)
            for limit, axes in zip(limits, panels[1:]):
                _other_panel(axes, answer, limit)
            panels[-1].set_xlabel("offered load (items/s); hollow: the objectives are not held")
            target, timing, accelerator = answer.measurement
            title = f"{suite}/{scenario}: {TITLES[timing].format(target, accelerator)}"
            panels[0].set_title(title, loc="left", fontsize=14, pad=28)
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=120, metadata={"Software": None})
        plt.close(figure)
    return png.getvalue()


def _objectives(answer: Answer) -> list[Objective]:
    texts = answer.points["objectives"].iloc[0].split(", ")
    return [Objective(name, relation, float(limit)) for name, relation, limit in (text.split(" ") for text in texts)]


def _others(answer: Answer) -> list[Objective]:
    """The objectives that are no times; of two limits of a metric the first."""
    found = {each.name: each for each in reversed(_objectives(answer)) if not _is_time(each)}
    return [each for each in reversed(found.values()) if objectives.METRICS[each.name][0] in answer.points]


def _is_time(objective: Objective) -> bool:
    return objectives.METRICS[objective.name][0].endswith("_ns")


def _panel(axes: Axes, answer: Answer) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    _shade(axes, answer)
    for column, marks in CURVES.items():
        _curve(axes, answer.points, column, marks, 1e3)
    for objective in filter(_is_time, _objectives(answer)):
        _limit(axes, objective, objectives.METRICS[objective.name][1] / 1e3)
    axes.set_ylabel("µs")
    axes.xaxis.set_major_formatter(FuncFormatter(_short))
    axes.yaxis.set_major_formatter(FuncFormatter(_short))
    axes.yaxis.set_major_locator(LogLocator(subs=(1,), numticks=20))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.99), ncols=3, frameon=False, handletextpad=0.3)


def _other_panel(axes: Axes, answer: Answer, objective: Objective) -> None:
    """A metric with an objective that is no time: linear up to its limit, logarithmic beyond."""
    column, factor = objectives.METRICS[objective.name]
    _shade(axes, answer)
    _curve(axes, answer.points, column, Marks(BLUE, "o", label=objective.name), factor)
    values = answer.points[column] / factor
    least = values[values > 0].min()
    axes.set_yscale("symlog", linthresh=objective.limit or (1.0 if pd.isna(least) else least))
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(_short))
    axes.yaxis.set_minor_formatter(NullFormatter())
    _limit(axes, objective, 1.0)
    axes.set_ylabel(objective.name)
    axes.grid(alpha=0.3)


def _curve(axes: Axes, points: pd.DataFrame, column: str, marks: Marks, factor: float) -> None:
    """The medians over `factor`, and what they lie between; held points are filled."""
    known = points[points[column].notna()]
    rates, values = known["rate_ops_s"], known[column] / factor
    axes.plot(rates, values, color=marks.colour, linewidth=1.5, alpha=0.7)
    axes.vlines(
        rates,
        known[f"{column}_low"].clip(lower=0) / factor,
        known[f"{column}_high"] / factor,
        color=marks.colour,
        alpha=0.5,
    )
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


def _limit(axes: Axes, objective: Objective, factor: float) -> None:
    """A line for an objective, named, at its limit times `factor`."""
    height = objective.limit * factor
    axes.axhline(height, color=GREY, linestyle="--", linewidth=1.2)
    axes.annotate(
        str(objective),
        (0.01, height),
        xycoords=axes.get_yaxis_transform(),
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
