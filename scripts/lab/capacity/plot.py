"""The picture of a capacity search: latency against offered load, the objectives' lines, and the bracket."""

import itertools

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lab.capacity.search import State
from lab.capacity.table import Answer, answers, objectives_of, stated
from lab.plan.contract import Contract
from lab.plan.objectives import Objective
from lab.text import numbers, picture
from lab.text.picture import BLUE, GREEN, GREY, ORANGE, PINK, RED, TITLES

MARKS = ((BLUE, "o"), (ORANGE, "s"), (RED, "^"), (GREEN, "v"), (PINK, "D"))  # of the headline's times
TIMES_INCHES, OTHER_INCHES = 5.4, 2.2  # heights of panels


def draw(rows: pd.DataFrame, workload: Contract) -> bytes:
    """PNG bytes of a table of capacity.table: for each measurement a panel of times, and one of each other objective."""
    found = list(answers(rows))
    heights = [height for each in found for height in (TIMES_INCHES, *[OTHER_INCHES] * len(_others(each, workload)))]

    def fill(_figure: Figure, panels: np.ndarray) -> None:
        left = iter(panels[:, 0])
        for answer in found:
            axes = first = next(left)
            _times(axes, answer, workload)
            for objective in _others(answer, workload):
                axes = next(left)
                _other(axes, answer, objective)
                axes.sharex(first)
            axes.set_xlabel(f"offered load ({workload.items[1]}/s); hollow: the objectives are not held")
            target, timing, accelerator = answer.measurement
            title = f"{'/'.join(rows[['suite', 'scenario']].iloc[0])}: {TITLES[timing].format(target, accelerator)}"
            first.set_title(title, loc="left", fontsize=14, pad=28)

    return picture.drawn(fill, (9, sum(heights)), len(heights), gridspec_kw={"height_ratios": heights})


def _is_time(objective: Objective) -> bool:
    return objective.column.endswith("_ns")


def _others(answer: Answer, workload: Contract) -> list[Objective]:
    """The objectives that are no times; of two limits of a metric the first."""
    found = {each.name: each for each in reversed(objectives_of(answer.points)) if not _is_time(each)}
    return [each for each in reversed(found.values()) if each.column in answer.points]


def _times(axes: Axes, answer: Answer, workload: Contract) -> None:
    axes.set_yscale("log")
    _shade(axes, answer)
    times = [column for column in workload.headline if column.metric.unit == "ns" and column.name in answer.points]
    points = stated(answer.points, workload)
    for column, (colour, shape) in zip(times, itertools.cycle(MARKS)):
        _curve(axes, points, column.name, 1e3, colour, shape, column.title)
    for objective in filter(_is_time, objectives_of(answer.points)):
        _limit(axes, objective, objective.factor / 1e3)
    axes.set_ylabel("µs")
    axes.yaxis.set_major_locator(LogLocator(subs=(1,), numticks=20))
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.99), ncols=len(times), frameon=False, handletextpad=0.3,
                columnspacing=1, fontsize=11)  # fmt: skip


def _other(axes: Axes, answer: Answer, objective: Objective) -> None:
    """A metric with an objective that is no time: linear up to its limit, logarithmic beyond."""
    column, factor = objective.column, objective.factor
    values = answer.points[column] / factor
    least = values[values > 0].min()
    axes.set_yscale("symlog", linthresh=objective.limit or (1.0 if pd.isna(least) else least))
    _shade(axes, answer)
    _curve(axes, answer.points, column, factor, BLUE, "o", objective.name)
    axes.set_ylim(bottom=0)
    _limit(axes, objective, 1.0)
    axes.set_ylabel(objective.name)


def _curve(axes: Axes, points: pd.DataFrame, column: str, factor: float, colour: str, shape: str, label: str) -> None:
    """The medians over `factor`, and what they lie between; held points are filled."""
    known = points[points[column].notna()]
    rates, values = known["rate_ops_s"], known[column] / factor
    axes.plot(rates, values, color=colour, linewidth=1.5, alpha=0.7)
    several = known.dropna(subset=[f"{column}_low", f"{column}_high"])
    low, high = (several[f"{column}{end}"].clip(lower=0) / factor for end in ("_low", "_high"))
    axes.vlines(several["rate_ops_s"], low, high, color=colour, alpha=0.5)
    held = known["verdict"] == State.HELD.value
    for those, look in ((held, {"label": label}), (~held, {"markerfacecolor": "white"})):
        axes.plot(rates[those], values[those], shape, color=colour, markersize=7, **look)


def _shade(axes: Axes, answer: Answer) -> None:
    """The bracket: from the highest rate that holds to the lowest that is missed for certain; and the axes."""
    axes.set_xscale("log")
    end = answer.beyond if answer.missed is None else answer.missed
    if answer.held is not None and end is not None:
        axes.axvspan(answer.held["rate_ops_s"], end["rate_ops_s"], color=GREY, alpha=0.25, linewidth=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(numbers.axis))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3)


def _limit(axes: Axes, objective: Objective, factor: float) -> None:
    """A line for an objective, named, at its limit times `factor`."""
    height = objective.limit * factor
    axes.axhline(height, color=GREY, linestyle="--", linewidth=1.2)
    where = {"xycoords": axes.get_yaxis_transform(), "xytext": (0, 4), "textcoords": "offset points", "fontsize": 12}
    axes.annotate(str(objective), (0.01, height), **where)
