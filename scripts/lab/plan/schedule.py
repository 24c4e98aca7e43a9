"""When items come, as a scenario's options say it (src/load/)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lab.plan.contract import Contract
from lab.plan.kinds import TIMES as NANOSECONDS, Value


@dataclass(frozen=True)
class Schedule:
    """Items `interval_ns` apart (0: as fast as possible), or that on average, or so far apart within bursts."""

    interval_ns: float
    arrival: str = "constant"

    @property
    def burst(self) -> tuple[int, float] | None:
        """Items of a burst, and the pause after it in nanoseconds."""
        if not self.arrival.startswith("burst:"):
            return None
        items, pause_us = self.arrival.removeprefix("burst:").split(",")
        return int(float(items)), float(pause_us) * NANOSECONDS["us"]

    @property
    def mean_ns(self) -> float:
        """The time between items on average; 0: as fast as possible."""
        if not self.burst:
            return self.interval_ns
        items, pause_ns = self.burst
        return ((items - 1) * self.interval_ns + pause_ns) / items

    def chance(self, items: float) -> float:
        """The share by which a run of so many items may come out faster or slower than on average."""
        if self.arrival == "poisson":
            return 4 / math.sqrt(max(items, 1))  # four standard deviations
        return self.burst[0] / max(items, 1) if self.burst else 0.0

    def items(self, duration_s: float) -> int | None:
        """How many items it has in that time; None where that is chance, or has no schedule."""
        if self.arrival != "constant" or not self.interval_ns:
            return None
        return -(-round(duration_s * NANOSECONDS["s"]) // round(self.interval_ns))


def of(known: Contract, options: Mapping[str, Value]) -> Schedule | None:
    """The schedule that `options` make; None for a workload without one."""
    said = known.defaults | dict(options)
    load, arrival = known.load, known.meaning("arrival")
    if load is None:
        return None
    value = float(said.get(load.name, 0))
    if load.means == "rate":
        interval_ns = NANOSECONDS["s"] / value if value else 0.0
    else:
        interval_ns = value * NANOSECONDS[load.unit or "s"]
    return Schedule(interval_ns, str(said[arrival.name]) if arrival else "constant")
