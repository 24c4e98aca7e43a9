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
    pattern: str = ""  # of a rate that changes, in place of an interval: that is then its mean

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
        """How many items it has in that time; None where that is chance, of a pattern, or has no schedule."""
        if self.arrival != "constant" or self.pattern or not self.interval_ns:
            return None
        return -(-round(duration_s * NANOSECONDS["s"]) // round(self.interval_ns))


def of(known: Contract, options: Mapping[str, Value]) -> Schedule | None:
    """The schedule that `options` make; None for a workload without one."""
    said = known.defaults | dict(options)
    load, arrival = known.load, known.meaning("arrival")
    if load is None:
        return None
    spread = str(said[arrival.name]) if arrival else "constant"
    pattern, duration = known.meaning("pattern"), known.meaning("duration")
    if pattern and duration and said.get(pattern.name):
        text = str(said[pattern.name])
        return Schedule(NANOSECONDS["s"] / _mean_rate(text, float(said[duration.name])), spread, text)
    value = float(said.get(load.name, 0))
    if load.means == "rate":
        interval_ns = NANOSECONDS["s"] / value if value else 0.0
    else:
        interval_ns = value * NANOSECONDS[load.unit or "s"]
    return Schedule(interval_ns, spread)


SPIKE = "during the spike"


@dataclass(frozen=True)
class Phase:
    """A part of a pattern, and how many items it has on average."""

    name: str
    begin_s: float
    end_s: float
    items: float


def phases(known: Contract, options: Mapping[str, Value]) -> list[Phase]:
    """The parts of the pattern that `options` have: before, during and after a spike, each step, thirds of a ramp; none
    where there is no pattern."""
    said = known.defaults | dict(options)
    pattern, duration = known.meaning("pattern"), known.meaning("duration")
    if not pattern or not duration or not said.get(pattern.name):
        return []
    kind, _, text = str(said[pattern.name]).partition(":")
    duration_s = float(said[duration.name])
    if kind == "ramp":
        first, last = map(_rate, text.split(".."))
        rates = [first + (last - first) * middle for middle in (1 / 6, 1 / 2, 5 / 6)]
        return _phases(["first third", "second third", "last third"], rates, [duration_s / 3] * 3)
    rates, times = _rates_and_times(kind, text, duration_s)
    if kind == "spike":
        beside = times[0] / 2
        return _phases(["before", SPIKE, "after"], [*rates, rates[0]], [beside, times[1], beside])
    names = [f"step {number}" for number in range(1, len(rates) + 1)] if kind == "step" else ["always"]
    return _phases(names, rates, times)


def _phases(names: list[str], rates: list[float], times: list[float]) -> list[Phase]:
    found, begin_s = [], 0.0
    for name, rate, time in zip(names, rates, times, strict=True):
        if time > 0:
            found.append(Phase(name, round(begin_s, 9), round(begin_s + time, 9), rate * time))
        begin_s += time
    return found


def _mean_rate(pattern: str, duration_s: float) -> float:
    """Items a second that a pattern has on average in a run of so many seconds."""
    kind, _, text = pattern.partition(":")
    if kind == "ramp":
        return sum(map(_rate, text.split(".."))) / 2
    rates, times = _rates_and_times(kind, text, duration_s)
    return sum(rate * time for rate, time in zip(rates, times, strict=True)) / duration_s


def _rates_and_times(kind: str, text: str, duration_s: float) -> tuple[list[float], list[float]]:
    """Of each part of a pattern whose rates do not change within it: its rate, and how long that lasts in all."""
    rates, times = [], []
    for part in text.split(","):
        rate, _, time = part.partition("@")
        rates.append(_rate(rate))
        times.append(_seconds(time) if time else 0.0)
    if kind == "spike":
        times[0] = duration_s - times[1]
    else:
        times[-1] = duration_s - sum(times[:-1])  # the last goes on
    return rates, times


def _rate(text: str) -> float:
    return float(text.rstrip("kM")) * {"k": 1e3, "M": 1e6}.get(text[-1], 1.0)


def _seconds(text: str) -> float:
    return float(text[:-2]) / 1e3 if text.endswith("ms") else float(text[:-1])
