"""The order in which the runs of two builds alternate, so that drift of the host hits both alike."""

import random
from collections.abc import Sequence

from lab.plan.plan import TIMINGS, Row


def interleave(sweeps: Sequence[list[Row]], seed: int) -> list[tuple[str, int, int]]:
    """Timing, which sweep, and its row (from 1): exact ones first, then live ones, replicate by replicate.

    The rows of a replicate, of all sweeps together, are shuffled with `seed`.
    """
    order = [(row, side, number) for side, rows in enumerate(sweeps) for number, row in enumerate(rows, start=1)]
    random.Random(seed).shuffle(order)
    order.sort(key=lambda place: (TIMINGS.index(place[0].timing), place[0].replicate))
    return [(row.timing, side, number) for row, side, number in order]
