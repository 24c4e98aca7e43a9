"""Placement, which is a block: runs are compared only with runs whose threads were on as many CPUs.

Two threads on one CPU hand over by a switch, on two by a wake-up of the other CPU. That alone changes times and rates by
more than most options do, and where threads are not pinned the scheduler decides it by chance.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

ONE_CPU, TWO_CPUS, MIXED = "one CPU", "several CPUs", "now one, now several"  # where the threads of a run were
SIDES = (ONE_CPU, TWO_CPUS, MIXED)


def places(runs: pd.DataFrame) -> pd.Series:
    """Of each run ONE_CPU, TWO_CPUS or MIXED; empty where it is not known where the threads were.

    A run's threads.csv has the CPU that each was on in the end, and how often it had moved until then.
    """
    if not {"cpus", "migrations"} <= set(runs) or runs[["cpus", "migrations"]].isna().any(axis=None):
        return pd.Series(dtype=str)
    sides = np.select([runs["migrations"] > 0, runs["cpus"] == 1], [MIXED, ONE_CPU], TWO_CPUS)
    return pd.Series(sides, index=runs.index)


def blocks(base: pd.DataFrame, value: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """The runs of both sides by where their threads were, as far as both have some there; "" and all runs where they
    were all alike, or it is not known. Nothing of sides that have no placement in common."""
    first, second = places(base), places(value)
    sides = {*first, *second}
    if first.empty or second.empty or len(sides) == 1 or ONE_CPU not in sides:
        yield "", base, value
        return
    for side in SIDES:
        if (first == side).any() and (second == side).any():
            yield side, base[first == side], value[second == side]
