"""Placement: whether producer and consumer were on one CPU in a run, and what that did to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lab import naming, statistics
from lab.findings import Case, of_suite
from lab.findings.study import DEFAULTS, TAKEN, on_one_cpu

PINS = ("pin-producer", "pin-consumer")
COLUMNS = {"latency_p50_ns": ("p50", 1e3, " µs"), "throughput_ops_s": ("ops/s", 1, "")}


@dataclass(frozen=True)
class Family:
    """Runs that differ in nothing but in where the threads were: told to be, or put by the scheduler."""

    interval_us: float
    options: str  # what it has that the program does not do by itself
    together: pd.DataFrame  # raw rows of runs with both threads on one CPU
    apart: pd.DataFrame


def families(raw: pd.DataFrame, environment: Mapping[str, Any]) -> list[Family]:
    """Those of one measurement that have runs of both kinds; none where switches were not counted."""
    groups: dict[tuple[float, str], list[Case]] = {}
    for case in of_suite(raw, environment).cases:
        groups.setdefault((case.interval_us, _others(case)), []).append(case)
    found = []
    for key, cases in groups.items():
        runs = statistics.quiet(raw)
        runs = runs[runs["scenario"].isin([case.scenario for case in cases])]
        together = on_one_cpu(runs)
        if together.empty:
            continue
        found.append(Family(*key, runs[together], runs[~together]))
    return [each for each in found if len(each.together) and len(each.apart)]


def _others(case: Case) -> str:
    """The options that are neither a pin, nor the load, nor what the program does by itself."""
    said = {name: value for name, value in case.options.items() if value != DEFAULTS.get(name)}
    for name in (*PINS, "prod-interval-us", "duration"):
        said.pop(name, None)
    return ", ".join(f"`{name} = {value}`" for name, value in said.items())


def markdown(found: Sequence[Family]) -> str:
    """A table with a line a family. Empty without families."""
    if not found:
        return ""
    sides = ("one CPU", "two CPUs")
    heads = [f"{name} on {side}" for name, _, _ in COLUMNS.values() for side in sides]
    lines = [
        "Runs by where the two threads were, whatever their scenario asked for: on one CPU, where they took it from "
        f"each other for {TAKEN * 100:.0f} % of the items or more, or on two. Medians of the runs, and in brackets the "
        "smallest and the largest.",
        "",
        f"| items a second | besides pins | runs on one CPU, on two | {' | '.join(heads)} |",
        "|---|---|---|" + "---:|" * len(heads),
    ]
    for each in found:
        load = f"{1e6 / each.interval_us:,.0f}" if each.interval_us else "all that can be"
        figures = [
            _figure(runs[column] / unit) + suffix
            for column, (_, unit, suffix) in COLUMNS.items()
            for runs in (each.together, each.apart)
        ]
        counts = f"{len(each.together)}, {len(each.apart)}"
        lines.append(f"| {load} | {each.options or 'nothing'} | {counts} | {' | '.join(figures)} |")
    return "\n".join(lines)


def answer(found: Sequence[Family], raw: pd.DataFrame, environment: Mapping[str, Any]) -> list[str]:
    """In a few sentences what being on one CPU did, and how far the scenarios decided it. None without families."""
    if not found:
        return []
    loads = dict.fromkeys(each.interval_us for each in found)
    told = [_effect(load, [each for each in found if each.interval_us == load]) for load in loads]
    free = [case for case in of_suite(raw, environment).cases if not set(PINS) <= set(case.options)]
    mixed = [case for case in free if on_one_cpu(case.rows).nunique() > 1]
    runs = sum(len(case.rows) for case in mixed)
    together = sum(int(on_one_cpu(case.rows).sum()) for case in mixed)
    apart = any(abs(_ratio(each, "latency_p50_ns")) > statistics.MARGIN for each in found)
    counts = "What counts is whether both threads are on one CPU." if apart else "One CPU or two is the same."
    texts = [f"{counts} {' '.join(told)}"]
    if mixed:
        names = naming.names([case.scenario for case in mixed], list(dict.fromkeys(raw["scenario"])))
        texts.append(
            f"A scenario that leaves a thread to the scheduler leaves this to chance: of the {runs} runs of {names} "
            f"{together} had both on one CPU and {runs - together} did not, which is why runs of one scenario disagree."
        )
    return texts


def _effect(interval_us: float, found: Sequence[Family]) -> str:
    load = f"At {1e6 / interval_us:,.0f} items a second" if interval_us else "At full speed"
    changes = [
        f"{_change(each, 'latency_p50_ns')}" + (f" (ops/s {_change(each, 'throughput_ops_s')})" * (not interval_us))
        for each in found
    ]
    spans = [change + f" with {each.options}" * bool(each.options) for change, each in zip(changes, found)]
    return f"{load} the median latency on one CPU, against two, is {'; '.join(spans)}."


def _change(family: Family, column: str) -> str:
    return f"{_ratio(family, column):+.0%}".replace("%", " %")


def _ratio(family: Family, column: str) -> float:
    """By what share the median differs on one CPU from that on two."""
    return float(family.together[column].median() / family.apart[column].median() - 1)


def _figure(values: pd.Series) -> str:
    texts = [f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" for value in (values.min(), values.max())]
    median = f"{values.median():,.0f}" if values.median() >= 1000 else f"{values.median():.3g}"
    return median if texts[0] == texts[1] else f"{median} ({texts[0]}–{texts[1]})"
