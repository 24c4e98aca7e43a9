"""What the rules look at: a suite's cases, and all else that is known of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from lab.tables import measurement as measurements
from lab.plan import schedule
from lab.plan.contract import Contract
from lab.plan.kinds import Value
from lab.plan.schedule import Schedule
from lab.tables.measurement import Measurement
from lab.judge.comparing import Comparison

ONE_CPU, TWO_CPUS, MIXED = "one CPU", "two CPUs", "now one, now two"  # where the threads of a run were


@dataclass(frozen=True)
class Finding:
    """Something odd. `scenario` is empty when it concerns the whole suite."""

    name: str
    scenario: str
    measurement: Measurement
    evidence: str
    cause: str
    remedy: str


@dataclass(frozen=True)
class Case:
    """One scenario in one measurement: its runs as rows of the raw table.

    `replicates` says how many runs there were where `rows` are only their medians. `windows_ns` has each
    run's latency over time (lab.stages.RunStages).
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
        known = self.rows[column].dropna() if column in self.rows else ()
        return float(np.median(known)) if len(known) else math.nan

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
    def places(self) -> pd.Series:
        """Of each run ONE_CPU, TWO_CPUS or MIXED; empty where it is not known where the threads were.

        A run's threads.csv has the CPU that each was on in the end, and how often it had moved until then.
        """
        if not {"cpus", "migrations"} <= set(self.rows) or self.rows[["cpus", "migrations"]].isna().any(axis=None):
            return pd.Series(dtype=str)
        alone, moved = self.rows["cpus"] == 1, self.rows["migrations"] > 0
        fixed = self.options.get("smp") == 1
        return pd.Series(np.select([moved & (not fixed), alone], [MIXED, ONE_CPU], TWO_CPUS), index=self.rows.index)

    def found(self, name: str, evidence: str, cause: str, remedy: str) -> Finding:
        return Finding(name, self.scenario, self.measurement, evidence, cause, remedy)

    def but_for(self, *options: str) -> tuple[Measurement, tuple[tuple[str, Value], ...]]:
        """What is the same in cases that differ in these options alone."""
        return self.measurement, tuple(
            sorted((key, value) for key, value in self.options.items() if key not in options)
        )


@dataclass(frozen=True)
class Evidence:
    """A suite's results.

    `stages` is a table of lab.stages.table(), `traces` one of lab.trace.runs; `environment` the suite's json.
    """

    cases: Sequence[Case]
    comparisons: Sequence[Comparison] = ()
    stages: pd.DataFrame = field(default_factory=pd.DataFrame)
    environment: Mapping[str, Any] = field(default_factory=lambda: {"measurements": []})
    traces: pd.DataFrame = field(default_factory=pd.DataFrame)


def of_suite(
    raw: pd.DataFrame,
    environment: Mapping[str, Any],
    comparisons: Sequence[Comparison] = (),
    stages: pd.DataFrame | None = None,
    windows_ns: Mapping[tuple[Measurement, str], Sequence[np.ndarray]] | None = None,
    beside: Callable[[Measurement, str], Mapping[str, float]] | None = None,
    traces: pd.DataFrame | None = None,
) -> Evidence:
    """The study of a raw table and what the environment file says; `windows_ns` by measurement and scenario.

    `beside` gives further columns of a scenario's rows, which an instrument measured; `traces` is a table of lab.trace.runs.
    """
    known = measurements.contract_of(environment)
    described = measurements.each_of(environment)
    cases = []
    for measurement, scenario, rows in measurements.groups(measurements.quiet(raw)):
        windows = (windows_ns or {}).get((measurement, scenario), ())
        said = described[measurement]["scenarios"][scenario]
        if beside is not None:
            rows = rows.assign(**beside(measurement, scenario))
        options = (
            known.defaults | said["options"] | {key.replace("_", "-"): each for key, each in said["guest"].items()}
        )
        of_case = schedule.of(known, said["options"])
        cases.append(Case(scenario, measurement, options, rows, len(rows), windows, of_case))
    stages, traces = (pd.DataFrame() if table is None else table for table in (stages, traces))
    return Evidence(cases, comparisons, stages, environment, traces)


def percent(share: float, digits: int = 0) -> str:
    return f"{share * 100:.{digits}f} %"
