"""What the rules look at: a suite's cases, and all else that is known of them."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from lab.tables import measurement as measurements
from lab.judge import comparing, placement
from lab.judge.comparing import Comparison, Verdict
from lab.judge.finding import TICKED_S, Finding
from lab.plan import schedule
from lab.plan.contract import Contract
from lab.plan.kinds import Value
from lab.plan.schedule import Schedule
from lab.tables.measurement import Measurement

OPPOSITE = {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}


@dataclass(frozen=True)
class Case:
    """One scenario in one measurement: its runs as rows of the raw table.

    `replicates` says how many runs there were where `rows` are only their medians. `windows_ns` has each
    run's latency over time (lab.tables.stages.RunStages).
    """

    scenario: str
    measurement: Measurement
    options: Mapping[str, Value]  # of the program and of the guest, the usual ones filled in
    rows: pd.DataFrame
    replicates: int
    windows_ns: Sequence[np.ndarray] = ()
    schedule: Schedule | None = None

    @property
    def timing(self) -> str:
        return self.measurement.timing

    def value(self, column: str) -> float:
        """The median over runs; NaN if it was not measured."""
        if column not in self._medians:  # rules ask again and again
            known = self.rows[column].dropna() if column in self.rows else ()
            self._medians[column] = float(np.median(known)) if len(known) else math.nan
        return self._medians[column]

    @cached_property
    def _medians(self) -> dict[str, float]:
        return {}

    @property
    def interval_ns(self) -> float:
        """The time between items that the schedule has on average; 0: as fast as possible, or without a schedule."""
        return self.schedule.mean_ns if self.schedule else 0.0

    @property
    def chance(self) -> float:
        """The share by which the schedule of a run may come out faster or slower than on average."""
        return self.schedule.chance(self.items) if self.schedule else 0.0

    @property
    def items(self) -> float:
        """Items that a run recorded: the samples behind its percentiles."""
        return self.value("items")

    def per_item(self, column: str) -> float:
        return self.value(column) / self.items if self.items > 0 else math.nan

    @property
    def kernel_share(self) -> float:
        """Of the CPU time of a user's program, the kernel's; NaN where it is too little to know."""
        user_s, system_s = self.value("user_s"), self.value("system_s")
        return system_s / (user_s + system_s) if user_s + system_s >= TICKED_S else math.nan

    @cached_property
    def places(self) -> pd.Series:
        """Of each run, where its threads were."""
        return placement.places(self.rows)

    def found(self, **values: float | str) -> Finding:
        """A finding about it, which its rule gives a name."""
        return Finding("", self.scenario, self.measurement, values)

    def but_for(self, *options: str) -> tuple[Measurement, tuple[tuple[str, Value], ...]]:
        """What is the same in cases that differ in these options alone."""
        return self.measurement, tuple(
            sorted((key, value) for key, value in self.options.items() if key not in options)
        )


@dataclass(frozen=True)
class Evidence:
    """A suite's results.

    `stages` is a table of lab.tables.stages.table(), `beside` has tables of instruments by the names of their files, and
    `environment` is the suite's json.
    """

    cases: Sequence[Case]
    comparisons: Sequence[Comparison] = ()
    stages: pd.DataFrame = field(default_factory=pd.DataFrame)
    environment: Mapping[str, Any] = field(default_factory=lambda: {"measurements": []})
    beside: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @cached_property
    def contract(self) -> Contract:
        """Of the suite's workload."""
        return measurements.contract_of(self.environment)

    def counterparts(self, option: str, better: Value) -> Iterator[tuple[Case, Case]]:
        """Each case that has another value of an option, and the case that differs in having the better one."""
        known = {case.but_for(option): case for case in self.cases if case.options[option] == better}
        for case in self.cases:
            other = known.get(case.but_for(option))
            if other and other is not case:
                yield case, other


def of_suite(
    raw: pd.DataFrame,
    environment: Mapping[str, Any],
    comparisons: Sequence[Comparison] = (),
    stages: pd.DataFrame | None = None,
    windows_ns: Mapping[tuple[Measurement, str], Sequence[np.ndarray]] | None = None,
    beside: Mapping[str, pd.DataFrame] | None = None,
) -> Evidence:
    """The evidence of a raw table and what the environment file says; `windows_ns` by measurement and scenario."""
    known = measurements.contract_of(environment)
    described = measurements.each_of(environment)
    cases = []
    for measurement, scenario, rows in measurements.groups(measurements.quiet(raw)):
        windows = (windows_ns or {}).get((measurement, scenario), ())
        said = described[measurement]["scenarios"][scenario]
        options = (
            known.defaults | said["options"] | {key.replace("_", "-"): each for key, each in said["guest"].items()}
        )
        of_case = schedule.of(known, said["options"])
        cases.append(Case(scenario, measurement, options, rows, len(rows), windows, of_case))
    return Evidence(cases, comparisons, pd.DataFrame() if stages is None else stages, environment, beside or {})


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
    columns = [evidence.contract.columns[metric]]
    found = comparing.compare(comparing.pairs_of(case.scenario, other.rows, case.rows, columns))
    return found[0].verdict if found else None


def isolated(kernel_args: str) -> set[int]:
    """{1, 2, 5} of 'isolcpus=managed_irq,1-2,5'."""
    match = re.search(r"(?:^|\s)isolcpus=(\S+)", kernel_args)
    ranges = [re.fullmatch(r"(\d+)(?:-(\d+))?", part) for part in match[1].split(",")] if match else []
    return {cpu for each in ranges if each for cpu in range(int(each[1]), int(each[2] or each[1]) + 1)}


def allowed(evidence: Evidence, case: Case, role: str) -> set[int]:
    """The CPUs that the kernel may run a role's threads on: pins say it, and what it was told to isolate."""
    smp, apart = int(case.options["smp"]), isolated(str(case.options["kernel-args"]))
    pins = [
        case.options[name] for name, pinned in evidence.contract.pins.items() if pinned == role and name in case.options
    ]
    return {int(pin) for pin in pins} or set(range(smp)) - apart
