"""The picture of where response time went: one bar a scenario, in microseconds and in per cent."""

import io

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from lab.tables.measurement import Measurement
from lab.report.pictures import MANY, names_inches
from lab.tables.stages import ALL, SLOWEST, STAGES

# Okabe and Ito's colours, which colour-blind readers can tell apart; the hatches say the same in print.
COLOURS = {"lateness": "#E69F00", "enqueue": "#F0E442", "behind": "#D55E00", "wake_up": "#56B4E9", "service": "#009E73"}
HATCHES = {"lateness": "", "enqueue": "..", "behind": "//", "wake_up": "", "service": "\\\\"}
TITLES = {ALL: "all items, mean", SLOWEST: "the slowest 1 %, mean"}
LEGIBLE_SHARE = 0.08  # of a bar, below which a part gets no number


def file_name(suite: str, measurement: Measurement) -> str:
    return f"{suite}_stages_{'_'.join(measurement)}.png"


def stages(chosen: pd.DataFrame) -> bytes:
    """PNG bytes for a table as lab.stages.table() makes it: one measurement, one or more scenarios."""
    populations = [name for name in TITLES if (chosen["population"] == name).any()]
    scenarios = list(dict.fromkeys(chosen["scenario"]))
    dense = len(scenarios) > MANY
    beside = len(populations) if dense else 1  # how many pairs of panels
    legend_columns, legend_inches = (5, 0.5) if beside > 1 else (3, 0.9)
    panel_inches = 1.2 + (0.3 if dense else 0.5) * len(scenarios)
    size = (9 + 4 * beside + names_inches(scenarios), legend_inches + panel_inches * len(populations) / beside)
    with plt.rc_context({"font.size": 14, "axes.spines.top": False, "axes.spines.right": False}):
        figure, panels = plt.subplots(
            len(populations) // beside,
            2 * beside,
            figsize=size,
            squeeze=False,
            sharey=True,
            layout="constrained",
        )
        for population, (times, shares) in zip(populations, panels.reshape(-1, 2)):
            means = chosen[chosen["population"] == population].pivot(
                index="scenario", columns="stage", values="mean_ns"
            )
            _panels(times, shares, means.reindex(index=scenarios, columns=list(STAGES)))
            times.set_title(TITLES[population], loc="left", fontsize=14)
        handles, labels = panels[0, 0].get_legend_handles_labels()
        room = (0, 0, 1, 1 - legend_inches / size[1])  # but for the legend
        figure.get_layout_engine().set(rect=room, w_pad=0.1 if dense else None)
        figure.legend(handles, labels, loc="upper center", ncols=legend_columns, frameon=False)
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=110, metadata={"Software": None})
        plt.close(figure)
    return png.getvalue()


def _panels(times: Axes, shares: Axes, means_ns: pd.DataFrame) -> None:
    """One population: the means and their sums, and the shares."""
    total = means_ns.sum(axis=1)
    _bars(times, means_ns / 1e3, "response time (µs)")
    for line, value in enumerate(total / 1e3):
        times.annotate(f" {value:,.3g}" if value < 1000 else f" {value:,.0f}", (value, line), va="center")
    times.set_xlim(0, (1.3 if len(means_ns) > MANY else 1.15) * max(total.max() / 1e3, 1e-3))
    _bars(shares, means_ns.div(total.where(total > 0), axis=0) * 100, "share (%)", numbers=True)
    shares.set_xlim(0, 100)


def _bars(axes: Axes, parts: pd.DataFrame, unit: str, numbers: bool = False) -> None:
    lines = range(len(parts))
    left = pd.Series(0.0, index=parts.index)
    for stage in parts:
        width = parts[stage].fillna(0)
        axes.barh(
            lines,
            width,
            left=left,
            color=COLOURS[stage],
            hatch=HATCHES[stage],
            edgecolor="white",
            linewidth=0.5,
            label=STAGES[stage],
        )
        for line, (start, size) in enumerate(zip(left, width)):
            if numbers and size >= LEGIBLE_SHARE * 100:
                box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1}
                axes.text(start + size / 2, line, f"{size:.0f}", ha="center", va="center", fontsize=12, bbox=box)
        left += width
    axes.set_yticks(lines, parts.index)
    axes.set_ylim(len(parts) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(4 if len(parts) > MANY else 6))
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.set_xlabel(unit)
