"""What the rules look at: a suite's cases, and all else that is known of them."""

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lab.tables import measurement as measurements
from lab.plan import guest
from lab.judge import comparing
from lab.judge.comparing import Comparison, Verdict
from lab.judge.finding import Finding
from lab.plan.contract import Contract, load
from lab.tables.measurement import Measurement

# What the program does when a scenario does not say (src/pipeline/options.hpp).
DEFAULTS = {
    "prod-interval-us": "1000",
    "queue": "spsc",
    "queue-cap": "64",
    "on-full": "drop",
    "pacing": "deadline",
    "arrival": "constant",
    "wait": "futex",
    "warmup": "0.1",
}
ONE_CPU, TWO_CPUS, MIXED = "one CPU", "two CPUs", "now one, now two"  # where the two threads of a run were
TAKEN_ON_ONE, TAKEN_ON_TWO = 0.7, 0.05  # involuntary switches of both threads an item: at least, at most
OPPOSITE = {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}
SWITCHES = ["producer_involuntary_switches", "consumer_involuntary_switches"]


@dataclass(frozen=True)
class Case:
    """One scenario in one measurement: its runs as rows of the raw table.

    `replicates` says how many runs there were where `rows` are only their medians. `windows_ns` has each
    run's latency over time (lab.stages.RunStages).
    """

    scenario: str
    measurement: Measurement
    options: Mapping[str, str]
    rows: pd.DataFrame
    replicates: int
    windows_ns: Sequence[np.ndarray] = ()

    @property
    def timing(self) -> str:
        return self.measurement.timing

    def value(self, column: str) -> float:
        """The median over runs; NaN if it was not measured."""
        known = self.rows[column].dropna() if column in self.rows else ()
        return float(np.median(known)) if len(known) else math.nan

    @property
    def interval_us(self) -> float:
        """The time between items that the schedule has on average; 0: as fast as possible."""
        interval_us = float(self.options["prod-interval-us"])
        if not self._burst:
            return interval_us
        items, pause_us = self._burst
        return ((items - 1) * interval_us + pause_us) / items

    @property
    def chance(self) -> float:
        """The share by which the schedule of a run may come out faster or slower than on average."""
        if self.options["arrival"] == "poisson":
            return 4 / math.sqrt(max(self.items, 1))  # four standard deviations
        return self._burst[0] / max(self.items, 1) if self._burst else 0.0

    @property
    def _burst(self) -> tuple[float, float] | None:
        """Items of a burst, and the pause after it in microseconds."""
        arrival = self.options["arrival"]
        if not arrival.startswith("burst:"):
            return None
        items, pause_us = arrival.removeprefix("burst:").split(",")
        return float(items), float(pause_us)

    @property
    def items(self) -> float:
        """Items that a run consumed: the samples behind its percentiles."""
        counted = self.value("consumed")
        return self.value("throughput_ops_s") * self.value("duration_s") if math.isnan(counted) else counted

    @property
    def produced_ops_s(self) -> float:
        counted = self.value("produced") / self.value("duration_s")
        return self.value("throughput_ops_s") / (1 - self.value("drop_rate")) if math.isnan(counted) else counted

    def per_item(self, column: str) -> float:
        return self.value(column) / self.items if self.items > 0 else math.nan

    @property
    def places(self) -> pd.Series:
        """Of each run ONE_CPU, TWO_CPUS or MIXED; empty where neither pins nor counts of switches tell.

        Nobody writes down where a thread runs, but two on one CPU cannot both run: who is woken takes the CPU from the
        other, an involuntary switch of that one (getrusage(2), ru_nivcsw). With a CPU each, next to nothing does. So a
        run in which one took the CPU from the other for most of its items had both on one CPU.
        """
        pins = {self.options.get(pin) for pin in guest.PINS}
        if self.options.get("smp") == "1" or None not in pins:
            alone = self.options.get("smp") == "1" or len(pins) == 1
            return pd.Series(ONE_CPU if alone else TWO_CPUS, index=self.rows.index)
        if not {*SWITCHES, "consumed"} <= set(self.rows) or self.rows[[*SWITCHES, "consumed"]].isna().any(axis=None):
            return pd.Series(dtype=str)
        taken = self.rows[SWITCHES].sum(axis=1) / self.rows["consumed"]
        return pd.Series(
            np.select([taken >= TAKEN_ON_ONE, taken <= TAKEN_ON_TWO], [ONE_CPU, TWO_CPUS], MIXED), index=self.rows.index
        )

    def found(self, **values: float | str) -> Finding:
        """A finding about it, which its rule gives a name."""
        return Finding("", self.scenario, self.measurement, values)

    def but_for(self, *options: str) -> tuple[Measurement, tuple[tuple[str, str], ...]]:
        """What is the same in cases that differ in these options alone."""
        return self.measurement, tuple(
            sorted((key, value) for key, value in self.options.items() if key not in options)
        )


@dataclass(frozen=True)
class Evidence:
    """A suite's results.

    `stages` is a table of lab.stages.table(), `beside` has tables of instruments by the names of their files, and
    `environment` is the suite's json.
    """

    cases: Sequence[Case]
    comparisons: Sequence[Comparison] = ()
    stages: pd.DataFrame = field(default_factory=pd.DataFrame)
    environment: Mapping[str, Any] = field(default_factory=lambda: {"measurements": []})
    beside: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def contract(self) -> Contract:
        """Of the suite's workload."""
        return load("pipeline")


def of_suite(
    raw: pd.DataFrame,
    environment: Mapping[str, Any],
    comparisons: Sequence[Comparison] = (),
    stages: pd.DataFrame | None = None,
    windows_ns: Mapping[tuple[Measurement, str], Sequence[np.ndarray]] | None = None,
    beside: Mapping[str, pd.DataFrame] | None = None,
) -> Evidence:
    """The evidence of a raw table and what the environment file says; `windows_ns` by measurement and scenario."""
    cases = []
    told = measurements.each_of(environment)
    for measurement, scenario, rows in measurements.groups(comparing.quiet(raw)):
        windows = (windows_ns or {}).get((measurement, scenario), ())
        said = parse(measurements.options(told[measurement], scenario))
        cases.append(Case(scenario, measurement, DEFAULTS | said, rows, len(rows), windows))
    return Evidence(cases, comparisons, pd.DataFrame() if stages is None else stages, environment, beside or {})


def parse(options: str) -> dict[str, str]:
    """'--queue-cap 8 --mlock' as a dictionary, without dashes; an option that takes no value is "true".

    What comes first and is no option tells of the scenario's own guest (lab.guest.KEYS).
    """
    if not options.startswith("--") and options:
        shape, _, rest = options.partition("; ")
        return guest.told(shape) | parse(rest)
    words = shlex.split(options)
    names = [place for place, word in enumerate(words) if word.startswith("--")]
    return {
        words[place].removeprefix("--"): " ".join(words[place + 1 : end]) or "true"
        for place, end in zip(names, [*names[1:], len(words)])
    }


def verdict(evidence: Evidence, case: Case, other: Case, metric: str) -> Verdict | None:
    """That of the suite, which either side may be the baseline of, or else of their runs; None where nobody knows."""
    baselines = evidence.environment.get("baselines", {})
    for each in evidence.comparisons:
        pair = (each.scenario, baselines.get(each.scenario))
        if (each.measurement, each.metric) == (case.measurement, metric):
            if pair == (case.scenario, other.scenario):
                return each.verdict
            if pair == (other.scenario, case.scenario):
                return OPPOSITE.get(each.verdict, each.verdict)
    if not all({*measurements.KEYS, "seed"} <= set(each.rows) for each in (case, other)):
        return None
    found = comparing.compare(comparing.pairs_of(case.scenario, other.rows, case.rows, [metric]))
    return found[0].verdict if found else None


def guest_of(evidence: Evidence, case: Case) -> tuple[int, set[int]]:
    """How many CPUs a case's guest has, and which of them the kernel was told to isolate."""
    facts = measurements.each_of(evidence.environment).get(case.measurement, {})
    smp = int(case.options.get("smp", facts.get("smp", guest.Guest.smp)))
    common = {each.get("kernel_args", "") for each in facts.get("guests", [facts])}  # where they differ, options tell
    return smp, isolated(case.options.get("kernel-args") or (common.pop() if len(common) == 1 else ""))


def isolated(kernel_args: str) -> set[int]:
    """{1, 2, 5} of 'isolcpus=managed_irq,1-2,5'."""
    match = re.search(r"(?:^|\s)isolcpus=(\S+)", kernel_args)
    ranges = [re.fullmatch(r"(\d+)(?:-(\d+))?", part) for part in match[1].split(",")] if match else []
    return {cpu for each in ranges if each for cpu in range(int(each[1]), int(each[2] or each[1]) + 1)}


def allowed(evidence: Evidence, case: Case, role: str) -> set[int]:
    """The CPUs that the kernel may run a role's threads on: pins say it, and what it was told to isolate."""
    smp, apart = guest_of(evidence, case)
    pins = [
        case.options[name] for name, pinned in evidence.contract.pins.items() if pinned == role and name in case.options
    ]
    return {int(pin) for pin in pins} or set(range(smp)) - apart
