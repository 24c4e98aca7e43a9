"""The picture of the course of runs whose load changes: rate, response time and backlog over time, a row a scenario."""

import itertools

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from lab.tables.measurement import Measurement, rests_on_few
from lab.text import numbers, picture
from lab.text.picture import BLUE, GREY, ORANGE

MOST = 12  # scenarios: nobody reads more
PANELS = ("rate (1/s)", "response time (µs)", "backlog")
TIMES = (("p50", BLUE, "-"), ("p99", ORANGE, "--"))


def file_name(suite: str, measurement: Measurement) -> str:
    return f"{suite}_series_{'_'.join(measurement)}.png"


def draw(course: pd.DataFrame, phases: pd.DataFrame) -> bytes:
    """PNG bytes of rows of lab.tables.series of one measurement: the median over runs, and the span of all. `phases`, of
    lab.tables.phases, say where a scenario's load changes."""
    names = list(dict.fromkeys(course["scenario"]))[:MOST]
    inches = (15, 0.9 + 2.1 * len(names))

    def fill(figure: Figure, panels: np.ndarray) -> None:
        for name, (rate, times, backlog) in zip(names, panels):
            rows = _stated(course[course["scenario"] == name])
            seconds = rows["length_ns"] / 1e9
            _line(rate, rows, rows["items"] / seconds, BLUE, "-", "done")
            if rows["offered"].notna().any():
                _line(rate, rows, rows["offered"] / seconds, GREY, ":", "offered")
                _line(backlog, rows, rows["backlog"], BLUE, "-", "")
            for percentile, colour, style in TIMES:
                if (column := f"response_{percentile}_ns") in rows and rows[column].notna().any():
                    _line(times, rows, rows[column] / 1e3, colour, style, percentile)
            known = rows["response_p99_ns"].dropna() / 1e3 if "response_p99_ns" in rows else pd.Series(dtype=float)
            if len(known) and known.max() / max(known.min(), 1e-3) >= picture.SPAN_OF_A_LOG_SCALE:
                lowest = rows["response_p50_ns"].dropna() / 1e3
                picture.logarithmic(times.yaxis, float(min(lowest.min(), known.min())), float(known.max()))
            for axes, title in zip((rate, times, backlog), PANELS):
                _frame(axes, phases[phases["scenario"] == name], title if name == names[-1] else "")
            rate.set_title(name, loc="left", fontsize=14)
        for axes, below in zip(panels[0, :2], panels.T):
            known = {label: line for each in below for line, label in zip(*each.get_legend_handles_labels())}
            axes.legend(
                known.values(), known, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize=12
            )
        for axes, title in zip(panels[0], PANELS):
            axes.annotate(title, (0.5, 1.32), xycoords="axes fraction", ha="center", fontsize=14)

    return picture.drawn(fill, inches, len(names), len(PANELS), dots=90)


def _stated(rows: pd.DataFrame) -> pd.DataFrame:
    """Without the percentiles of intervals that too few items of all runs are beyond."""
    items = rows["items"].groupby(rows["begin_ns"]).transform("sum")
    columns = {percentile: f"response_{percentile}_ns" for percentile, *_ in TIMES}
    return rows.assign(
        **{
            column: rows[column].mask([rests_on_few(each, percentile) for each in items])
            for percentile, column in columns.items()
            if column in rows
        }
    )


def _line(axes: Axes, rows: pd.DataFrame, values: pd.Series, colour: str, style: str, label: str) -> None:
    """A level an interval, from its begin to its end."""
    grouped = values.groupby(rows["begin_ns"])
    length_s = rows.groupby("begin_ns")["length_ns"].median() / 1e9
    begins_s = grouped.median().index.to_numpy() / 1e9
    places = np.append(begins_s, begins_s[-1] + length_s.iloc[-1])

    def level(found: pd.Series) -> np.ndarray:
        return np.append(found.to_numpy(), found.iloc[-1])

    if rows["seed"].nunique() > 1:
        axes.fill_between(
            places, level(grouped.min()), level(grouped.max()), step="post", color=colour, alpha=0.2, lw=0
        )
    axes.step(places, level(grouped.median()), where="post", color=colour, linestyle=style, label=label)


def _frame(axes: Axes, phases: pd.DataFrame, title: str) -> None:
    borders = sorted(set(itertools.chain(phases["begin_s"], phases["end_s"])))[1:-1]
    for border in borders:
        axes.axvline(border, color=GREY, linewidth=0.8, alpha=0.5)
    if title:
        axes.set_xlabel("time (s)")
    if axes.get_yscale() == "linear":
        axes.set_ylim(0, 1.05 * axes.get_ylim()[1])
        axes.yaxis.set_major_formatter(FuncFormatter(numbers.axis))
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
