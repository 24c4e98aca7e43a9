"""The course of runs, for a page: its picture, what each part of a pattern did, and when an objective was first missed."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lab.judge.objectives import objectives_of
from lab.plan.contract import Contract
from lab.plan.objectives import Objective
from lab.plan.schedule import SPIKE
from lab.report.course import picture
from lab.tables import kept, phases, series
from lab.tables.measurement import KEYS, Measurement, rests_on_few
from lab.tables.phases import LATE_NS, WHOLE_RUN
from lab.text import numbers
from lab.text.markdown import table
from lab.text.page import Block, Picture

KEPT_SHARE = 0.99  # of what was offered, in its time: a sender that did less has not kept its pattern


def files(name: str, course: pd.DataFrame, of_phases: pd.DataFrame) -> dict[str, str | bytes]:
    """The files of a suite, by their names: two tables, and a picture a measurement."""
    if course.empty:
        return {}
    made: dict[str, str | bytes] = {series.FILE.format(name): series.KEPT.csv(course)}
    if len(of_phases):
        made[phases.FILE.format(name)] = phases.KEPT.csv(of_phases)
    for key, rows in course.groupby(KEYS, sort=False):
        measurement = Measurement(*key)
        made[picture.file_name(name, measurement)] = picture.draw(rows, kept.of(of_phases, measurement))
    return made


def blocks(
    name: str, folder: Path, measurement: Measurement, contract: Contract, environment: Mapping[str, Any]
) -> list[Block]:
    """What the page says of the course of one measurement's runs; nothing where that is not kept.

    Raises Complaint where a table is damaged.
    """
    course = kept.of(series.KEPT.read(folder / series.FILE.format(name)), measurement)
    if course.empty:
        return []
    of_phases = kept.of(phases.KEPT.read(folder / phases.FILE.format(name)), measurement)
    title = f"The course of {name}, {measurement}"
    found: list[Block] = [Picture(title, picture.file_name(name, measurement))]
    if len(of_phases):
        found += [_phases(of_phases, contract), *_sender(of_phases, contract)]
    missed = [
        text
        for objective in objectives_of(environment)
        if objective.every_ms
        for scenario, rows in course[~course["noisy"]].groupby("scenario", sort=False)
        if (text := _first_missed(str(scenario), rows, objective, contract))
    ]
    return found + ["\n".join(f"- {text}" for text in missed)] * bool(missed)


def _phases(of_phases: pd.DataFrame, contract: Contract) -> str:
    """A line a scenario and part of its pattern."""
    head = ["scenario", "part of the pattern", "seconds", "offered", "done", "late", "response p50 (µs)"]
    head += ["response p99 (µs)", "most backlog"]
    rows = [
        [
            row["scenario"] if row["scenario"] != before else "",
            row["phase"],
            f"{row['begin_s']:.4g} to {row['end_s']:.4g}",
            *(numbers.count(row[name]) for name in ("offered", "done", "late")),
            *(
                "—"
                if rests_on_few(row["done"] * row["runs"], each)
                else numbers.shown(row[f"response_{each}_ns"], "ns")
                for each in phases.SHOWN
            ),
            numbers.count(row["most_backlog"]),
        ]
        for before, row in zip(["", *of_phases["scenario"]], of_phases.to_dict("records"))
    ]
    text = (
        f"Medians over runs. {contract.items[1].capitalize()} are of the part in which they were intended, and as many are "
        "offered in it as the pattern has on average; *late* are those that were "
        f"started more than {LATE_NS / 1e6:g} ms after that, and the backlog is what was intended but not done at the "
        "end of an interval."
    )
    return table(head, rows, right=range(3, len(head))) + f"\n\n{text}"


def _sender(of_phases: pd.DataFrame, contract: Contract) -> list[str]:
    """Of each scenario, whether its sender kept the pattern, and how soon it recovered from a spike."""
    lines = []
    for row in of_phases[of_phases["phase"] == WHOLE_RUN].to_dict("records"):
        said = []
        if row["offered"] - row["late"] < KEPT_SHARE * row["offered"] or row["started"] < row["offered"]:
            numbers_of = [numbers.count(row[name], 6) for name in ("offered", "started", "late")]
            said.append("**the sender did not keep the pattern**: {} offered, {} started, {} late".format(*numbers_of))
        spike = of_phases[(of_phases["scenario"] == row["scenario"]) & (of_phases["phase"] == SPIKE)]
        if len(spike) and math.isnan(row["recovery_s"]):
            said.append("no interval after the spike had a p99 as low as those before it")
        elif len(spike):
            said.append(f"{row['recovery_s']:.3g} s after the spike its p99 was what it had been before")
        lines += [f"- {row['scenario']}: {'; '.join(said)}."] * bool(said)
    return ["\n".join(lines)] * bool(lines)


def _first_missed(scenario: str, rows: pd.DataFrame, objective: Objective, contract: Contract) -> str:
    """In how many runs an objective is missed, and when first; empty where it is in none."""
    column = _of_interval(objective.column)
    better = contract.columns[column].metric.higher_is_better
    times = [
        series.first_missed(run, column, objective.limit * objective.factor, better) for _, run in rows.groupby("seed")
    ]
    missed = [time for time in times if not math.isnan(time)]
    if not missed:
        return ""
    return f"{scenario}: {objective} is first missed at {min(missed):g} s, in {len(missed)} of {len(times)} runs"


def _of_interval(column: str) -> str:
    """The column of an interval whose worst this column of the raw table has."""
    return column.replace("_worst", "")
