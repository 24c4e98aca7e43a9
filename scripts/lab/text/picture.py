"""What all pictures share: style, colours, and the bytes of the file."""

import io
from collections.abc import Callable, Iterable
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from lab.text import numbers

# Okabe and Ito's colours, which colour-blind readers can tell apart; shapes or hatches say the same in print.
BLUE, ORANGE, RED = "#0072B2", "#E69F00", "#D55E00"
SKY, GREEN, YELLOW, PINK, GREY = "#56B4E9", "#009E73", "#F0E442", "#CC79A7", "0.35"
TITLES = {"exact": "{0}, exact timing (virtual)", "live": "{0}, live timing (wall clock, {1})"}
STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,  # a name may have a $
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "pipelab",  # the same picture is the same file
}
SPAN_OF_A_LOG_SCALE = 10
MOST = 48  # lines: nobody reads more
MANY = 8  # lines, above which they are closer, and panels stand beside each other
NAME_CHARACTERS, CHARACTER_INCHES = 26, 0.105  # that there is room for beside a panel, and what one more takes


def drawn(
    fill: Callable[[Figure, np.ndarray], None],
    inches: tuple[float, float],
    rows: int = 1,
    columns: int = 1,
    *,
    form: str = "png",
    dots: int = 120,
    font: int = 14,
    **shape: Any,
) -> bytes:
    """A picture as a file of the form png or svg: `fill` draws in its panels [rows, columns], `shape` goes to subplots().

    Panels that stay empty are not shown. `inches` are its width and height.
    """
    with plt.rc_context(STYLE | {"font.size": font}):
        figure, panels = plt.subplots(rows, columns, figsize=inches, squeeze=False, layout="constrained", **shape)
        fill(figure, panels)
        for axes in panels.flat:
            axes.set_visible(axes.has_data())
        content = io.BytesIO()
        metadata = {"Software": None} if form == "png" else {"Date": None}
        figure.savefig(content, format=form, dpi=dots, metadata=metadata)
        plt.close(figure)
    return content.getvalue()


def extremes(values: pd.Series) -> list[str]:
    """The names of all `values`, or of the lowest and the highest where they are more than a picture has lines; in order."""
    if len(values) <= MOST:
        return list(values.index)
    places = values.to_numpy().argsort(kind="stable")
    return list(values.index[sorted([*places[: MOST // 2], *places[-MOST // 2 :]])])


def of_all(shown: int, names: int) -> str:
    """What a title says of lines that are left out; empty where none is."""
    return f"\n{shown} of {names} scenarios, those with the lowest and highest" if shown < names else ""


def names_inches(names: Iterable[str]) -> float:
    """How much wider than usual a picture must be, so that long names leave its panels their room."""
    return CHARACTER_INCHES * max(0, max(map(len, names)) - NAME_CHARACTERS)


def lines(axes: Axes, names: Iterable[str], grid: str = "x") -> None:
    """A line for each of `names`, from the top, and the grid."""
    known = list(names)
    axes.set_yticks(range(len(known)), known)
    axes.set_ylim(len(known) - 0.5, -0.5)
    axes.grid(axis=grid, alpha=0.3)
    axes.set_axisbelow(True)


def logarithmic(axis: Axis, least: float, most: float) -> None:
    """Makes an axis of values between `least` and `most` logarithmic, with figures that can be read."""
    getattr(axis.axes, f"set_{axis.axis_name}scale")("log")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if most / least < 200 else (1,), numticks=20))
    axis.set_major_formatter(FuncFormatter(numbers.axis))
    axis.set_minor_formatter(NullFormatter())


def scale(axes: Axes, values: Any) -> None:
    """A logarithmic x axis where the values span a decade or more, else a linear one from 0."""
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    least, most = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    if least > 0 and most / least >= SPAN_OF_A_LOG_SCALE:
        logarithmic(axes.xaxis, least, most)
        return
    most = most if most > 0 else 1
    axes.set_xlim(-0.04 * most if least == 0 else 0, 1.08 * most)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(numbers.axis))
