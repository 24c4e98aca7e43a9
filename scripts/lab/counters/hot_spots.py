"""Draws a profile: where the instructions of the measured part were, a bar a function."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lab.text import numbers, picture
from lab.text.outside import visible
from lab.text.picture import BLUE, ORANGE

MOST = 25  # functions that have a bar of their own
MOST_CHARACTERS = 60  # of a name
COLOURS = {"user": BLUE, "kernel": ORANGE}
NOTE = "every instruction counted, not sampled; each function has its own only: who called it is not known"


def draw(table: pd.DataFrame, title: str) -> bytes:
    """An SVG of what `counters.functions` gives. `title` says what was run."""
    hot = table.nlargest(MOST, "instructions")
    rest = table.drop(hot.index).groupby("space", as_index=False)[["instructions", "share"]].sum()
    bars = pd.concat([hot, rest.assign(function="all others")], ignore_index=True)
    names = [
        visible(name if len(name) <= MOST_CHARACTERS else f"…{name[1 - MOST_CHARACTERS:]}") for name in bars["function"]
    ]

    def fill(_figure: Figure, panels: np.ndarray) -> None:
        axes = panels[0, 0]
        for space, colour in COLOURS.items():
            own = bars[bars["space"] == space]
            share = numbers.share(own["share"].sum(), 1)
            label = f"{space}: {own['instructions'].sum():,} ({share})"
            axes.barh(own.index, own["share"] * 100, color=colour, label=label)
        for line, row in enumerate(bars.itertuples()):
            axes.annotate(
                f" {row.instructions:,} ({numbers.share(row.share, 1)})", (row.share * 100, line), va="center"
            )
        picture.lines(axes, names)
        axes.set_xlim(0, 130 * bars["share"].max())
        axes.set_xlabel(f"% of all {table['instructions'].sum():,} instructions\n{NOTE}")
        axes.set_title(visible(title), loc="left")
        axes.legend(loc="lower right", frameon=False)

    return picture.drawn(fill, (12, 2 + 0.3 * len(bars)), form="svg", font=11)
