"""Placement: whether the threads of a run were all on one CPU, and what that did to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lab.judge.evidence import Case, Evidence, of_suite
from lab.judge.placement import ONE_CPU, SIDES, TWO_CPUS
from lab.plan.contract import Column, Contract
from lab.plan.guest import Guest
from lab.text import names, numbers
from lab.text.markdown import code, table

LEAST_RUNS = 3  # on each side, for the answer


@dataclass(frozen=True)
class Family:
    """Runs (raw rows) that differ in nothing but in where the threads were: pinned there, or put by the scheduler."""

    interval_ns: float
    options: str  # what it has that the program does not do by itself
    together: pd.DataFrame  # all threads on one CPU
    apart: pd.DataFrame
    mixed: int  # runs with now one, now several


def families(raw: pd.DataFrame, environment: Mapping[str, Any]) -> list[Family]:
    """Those of one measurement that have runs of both kinds; none where it is not known where threads were."""
    evidence = of_suite(raw, environment)
    groups: dict[tuple[float, str], list[Case]] = {}
    of_all = set.intersection(*(set(case.options.items()) for case in evidence.cases)) if evidence.cases else set()
    for case in evidence.cases:
        others = _others(case, evidence.contract, {name for name, _ in of_all})
        groups.setdefault((case.interval_ns, others), []).append(case)
    found = []
    for key, cases in groups.items():
        known = [case.rows.assign(where=case.places) for case in cases if len(case.places)]
        runs = pd.concat(known or [raw.head(0).assign(where="")])
        if "run" in runs:
            runs = runs.drop_duplicates("run")  # which scenarios may share
        together, apart, mixed = (runs[runs["where"] == side] for side in SIDES)
        found.append(Family(*key, together, apart, len(mixed)))
    return [each for each in found if len(each.together) and len(each.apart)]


def _others(case: Case, contract: Contract, of_all: set[str]) -> str:
    """The options that are neither a pin, nor the load, nor what the program does by itself, nor those `of_all` cases."""
    neutral = of_all | {
        name for name, each in contract.options.items() if each.means in ("pin", "interval", "rate", "duration")
    }
    usual = contract.defaults | {name.replace("_", "-"): value for name, value in vars(Guest("")).items()}
    usual["kernel"] = case.options["kernel"]
    said = {name: value for name, value in case.options.items() if value != usual.get(name) and name not in neutral}
    return ", ".join(code(f"{name} = {value}") for name, value in said.items())


def _columns(contract: Contract) -> list[Column]:
    """What is shown: median and p99 of what is timed first, and all that is not a time."""
    first = contract.headline[0].metric
    return [
        each
        for each in contract.headline
        if each.percentile in ("", "p50", "p99") and (not each.percentile or each.metric is first)
    ]


def answer(found: Sequence[Family], evidence: Evidence) -> list[str]:
    """In a few lines what being on one CPU did, and how far the scenarios decided it. None without enough runs."""
    enough = [each for each in found if min(len(each.together), len(each.apart)) >= LEAST_RUNS]
    if not enough:
        return []
    contract = evidence.contract
    plain = [each for each in enough if not each.options] or enough  # the table has the others
    texts = ["**All threads on one CPU, against several.** " + " ".join(_effect(each, contract) for each in plain)]
    unpinned = [case for case in evidence.cases if not set(contract.pins) <= set(case.options)]
    chance = [case for case in unpinned if len(set(case.places)) > 1]
    if chance:
        counts = pd.concat([case.places for case in chance]).value_counts()
        sides = ", ".join(f"{counts[side]} with {side}" for side in SIDES if side in counts)
        of = names.names([case.scenario for case in chance], [case.scenario for case in evidence.cases])
        texts.append(
            "**A thread that is not pinned leaves this to chance**, also with the others pinned: of the "
            f"{counts.sum()} runs of {of}, {sides}. That is why runs of one scenario disagree; pin all."
        )
    return texts


def _effect(family: Family, contract: Contract) -> str:
    """What counts under its load: how long items take, or at full speed how many come through."""
    times = [each for each in _columns(contract) if each.percentile]
    others = [each for each in _columns(contract) if not each.percentile]
    shown = times if family.interval_ns else others + times[-1:]
    where = f"with {family.options}" if family.options else "alone"
    load = f"At {numbers.rate(1e9 / family.interval_ns)}/s" if family.interval_ns else "At full speed"
    changes = ", ".join(f"{each.title} {change}" for each in shown if (change := _change(family, each)))
    return f"{load} {where}: {changes} ({len(family.together)} runs against {len(family.apart)})."


def _change(family: Family, column: Column) -> str:
    """'-37 %'; of a share '94.3 % against 1.54 %'; empty where it is not known."""
    sides = [side[column.name].dropna() for side in (family.together, family.apart)]
    if any(side.empty for side in sides):
        return ""
    together, apart = (float(side.median()) for side in sides)
    if column.metric.unit == "share":
        return " against ".join(numbers.amount(each, "share") for each in (together, apart))
    return numbers.change(together / apart - 1)


def tables(found: Sequence[Family], contract: Contract) -> list[str]:
    """A table with a line a family, under what it shows. Empty without families."""
    if not found:
        return []
    shown = [(each, side) for each in _columns(contract) for side in (ONE_CPU, TWO_CPUS)]
    head = [numbers.titled(f"{each.title} on {side}", each.metric.unit) for each, side in shown]
    rows = []
    for each in found:
        load = f"{numbers.rate(1e9 / each.interval_ns)}" if each.interval_ns else "all that can be"
        runs = {ONE_CPU: each.together, TWO_CPUS: each.apart}
        cells = [_cell(runs[side][column.name], column.metric.unit) for column, side in shown]
        counts = f"{len(each.together)}, {len(each.apart)}, {each.mixed}"
        rows.append([load, each.options or "nothing", counts, *cells])
    first = [f"{contract.items[1]} a second", "besides pins", "runs on one, on several, in between"]
    return [
        "Runs by where the threads were: on one CPU, or on several. Runs in which a thread moved are counted and left out. "
        "Medians, and in brackets the smallest and the largest run.",
        table([*first, *head], rows, right=range(3, 3 + len(head))),
    ]


def _cell(values: pd.Series, unit: str) -> str:
    if values.isna().all():
        return "—"
    low, median, high = (numbers.shown(value, unit) for value in (values.min(), values.median(), values.max()))
    return median if low == high else f"{median} ({low}–{high})"
