"""Placement: whether producer and consumer were on one CPU in a run, and what that did to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lab.text import numbers, naming
from lab.findings.rules import Case, of_suite
from lab.judge.evidence import DEFAULTS, MIXED, ONE_CPU, TAKEN_ON_ONE, TAKEN_ON_TWO, TWO_CPUS
from lab.plan.guest import PINS
from lab.text.outside import code

# As the table shows them: name, divisor, unit.
COLUMNS = {
    "latency_p50_ns": ("p50", 1e3, " µs"),
    "latency_p99_ns": ("p99", 1e3, " µs"),
    "throughput_ops_s": ("ops/s", 1, ""),
    "drop_rate": ("drop", 1, ""),
}
PLACES = (ONE_CPU, TWO_CPUS, MIXED)
LEAST_RUNS = 3  # on each side, for the answer


@dataclass(frozen=True)
class Family:
    """Runs (raw rows) that differ in nothing but in where the threads were: told to be, or put by the scheduler."""

    interval_us: float
    options: str  # what it has that the program does not do by itself
    together: pd.DataFrame  # both threads on one CPU
    apart: pd.DataFrame
    mixed: int  # runs with now one, now two


def families(raw: pd.DataFrame, environment: Mapping[str, Any]) -> list[Family]:
    """Those of one measurement that have runs of both kinds; none where it is not known where threads were."""
    groups: dict[tuple[float, str], list[Case]] = {}
    for case in of_suite(raw, environment).cases:
        groups.setdefault((case.interval_us, _others(case)), []).append(case)
    found = []
    for key, cases in groups.items():
        known = [case for case in cases if len(case.places)]
        runs = pd.concat([case.rows.assign(place=case.places) for case in known] or [raw.head(0).assign(place="")])
        together, apart, mixed = (runs[runs["place"] == place] for place in PLACES)
        found.append(Family(*key, together, apart, len(mixed)))
    return [each for each in found if len(each.together) and len(each.apart)]


def _others(case: Case) -> str:
    """The options that are neither a pin, nor the load, nor what the program does by itself."""
    said = {name: value for name, value in case.options.items() if value != DEFAULTS.get(name)}
    for name in (*PINS, "prod-interval-us", "duration"):
        said.pop(name, None)
    return ", ".join(code(f"{name} = {value}") for name, value in said.items())


def answer(found: Sequence[Family], raw: pd.DataFrame, environment: Mapping[str, Any]) -> list[str]:
    """In a few lines what being on one CPU did, and how far the scenarios decided it. None without enough runs."""
    enough = [each for each in found if min(len(each.together), len(each.apart)) >= LEAST_RUNS]
    if not enough:
        return []
    texts = ["**Both threads on one CPU, against two.** " + " ".join(map(_effect, enough))]
    cases = [case for case in of_suite(raw, environment).cases if not set(PINS) <= set(case.options)]
    chance = [case for case in cases if len(set(case.places)) > 1]
    if chance:
        counts = pd.concat([case.places for case in chance]).value_counts()
        told = ", ".join(f"{counts[place]} with {place}" for place in PLACES if place in counts)
        names = naming.names([case.scenario for case in chance], list(dict.fromkeys(raw["scenario"])))
        texts.append(
            "**A thread that is not pinned leaves this to chance**, also with the other one pinned: of the "
            f"{counts.sum()} runs of {names}, {told}. That is why runs of one scenario disagree; pin both."
        )
    return texts


def _effect(family: Family) -> str:
    """What counts under its load: how long items take, or at full speed how many come through."""
    runs = f"{len(family.together)} runs against {len(family.apart)}"
    where = f"with {family.options}" if family.options else "alone"
    if family.interval_us:
        load = f"At {1e6 / family.interval_us:,.0f}/s"
        return f"{load} {where}: p50 {_change(family, 'latency_p50_ns')}, p99 {_change(family, 'latency_p99_ns')} ({runs})."
    drops = " against ".join(f"{side['drop_rate'].median():.3g}" for side in (family.together, family.apart))
    changes = f"ops/s {_change(family, 'throughput_ops_s')}, drops {drops}, p99 {_change(family, 'latency_p99_ns')}"
    return f"At full speed {where}: {changes} ({runs})."


def _change(family: Family, column: str) -> str:
    (told,) = numbers.together([float(family.together[column].median() / family.apart[column].median()) - 1])
    return told


def markdown(found: Sequence[Family]) -> str:
    """A table with a line a family. Empty without families."""
    if not found:
        return ""
    heads = [f"{name} on {side}" for name, _, _ in COLUMNS.values() for side in (ONE_CPU, TWO_CPUS)]
    lines = [
        "Runs by where the two threads were: on one CPU, or on two. Where a scenario does not pin both, the switches "
        f"tell: on one CPU a thread takes it from the other for {TAKEN_ON_ONE * 100:.0f} % of the items or more, on two "
        f"for {TAKEN_ON_TWO * 100:.0f} % at most; runs in between are counted and left out. Medians, and in brackets the "
        "smallest and the largest run.",
        "",
        f"| items a second | besides pins | runs on one, on two, in between | {' | '.join(heads)} |",
        "|---|---|---|" + "---:|" * len(heads),
    ]
    for each in found:
        load = f"{1e6 / each.interval_us:,.0f}" if each.interval_us else "all that can be"
        numbers = [
            _figure(runs[column] / unit) + suffix
            for column, (_, unit, suffix) in COLUMNS.items()
            for runs in (each.together, each.apart)
        ]
        counts = f"{len(each.together)}, {len(each.apart)}, {each.mixed}"
        lines.append(f"| {load} | {each.options or 'nothing'} | {counts} | {' | '.join(numbers)} |")
    return "\n".join(lines)


def _figure(values: pd.Series) -> str:
    low, median, high = (numbers.significant(value) for value in (values.min(), values.median(), values.max()))
    return median if low == high else f"{median} ({low}–{high})"
