"""What became of the threads of a user's program, as a table of the report."""

import pandas as pd

from lab.tables import kept
from lab.tables.measurement import Measurement
from lab.text.markdown import table
from lab.text.numbers import share

MOST_ROWS = 6  # of a scenario: the threads that took most CPU time
LEAST_SHARE = 0.005  # of its CPU time
HEAD = ["scenario", "thread", "threads", "CPU (ms)", "without a CPU", "switches", "of these preempted"]


def markdown(threads: pd.DataFrame, measurement: Measurement) -> str:
    """A line a scenario and name; empty where nothing is known."""
    chosen = kept.of(threads, measurement)
    if chosen.empty:
        return ""
    lines = []
    for scenario, rows in chosen.groupby("scenario", sort=False):
        total = rows["cpu_ns"].sum()
        shown = rows[rows["cpu_ns"] >= LEAST_SHARE * total].head(MOST_ROWS)
        for row in shown.itertuples():
            switches = row.voluntary_switches + row.involuntary_switches
            lines.append(
                [
                    scenario,
                    row.thread,
                    f"{row.threads:,.3g}",
                    f"{row.cpu_ns / 1e6:,.1f}",
                    share(row.run_delay_ns / row.elapsed_ns, 0) if row.elapsed_ns > 0 else "",
                    f"{switches:,.0f}",
                    share(row.involuntary_switches / switches, 0) if switches else "",
                ]
            )
    note = (
        "What the kernel counted of all threads of a name until each ended (means of the runs): *without a CPU* is the share of "
        "their life in which they could have run and had none."
    )
    return f"{table(HEAD, lines, right=range(2, len(HEAD)))}\n\n{note}"
