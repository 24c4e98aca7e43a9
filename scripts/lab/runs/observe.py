"""Observed runs: rows once more, watched by counters, perf or the kernel's sched events, in a folder beside the runs.

Each observer's folder has the runs, called as those that they observe, and PLAN: the rows that were asked for last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lab.plan import plan
from lab.plan.places import BUILD, RUNS, TARGETS
from lab.plan.plan import Row
from lab.runs import launch
from lab.runs.wanted import Wish
from lab.text.files import write_whole

FOLDERS = {"counters": "counters", "perf": "perf", "trace": "traces", "profile": "profiles"}
PLAN = "plan.jsonl"
LONG_S = 3600  # that a guest may take whose every instruction is seen
SLOW = ("perf", "profile")


@dataclass(frozen=True)
class Observed:
    """The rows of a plan, and the folder of each."""

    plan: Path
    rows: list[Row]
    failures: int

    @property
    def folders(self) -> list[Path]:
        return [self.plan.parent / row.run for row in self.rows]


def rows_of(wishes: Sequence[Wish]) -> list[Row]:
    """All runs that are wanted, scenario by scenario."""
    return [row for each in wishes for row in plan.expand(each.suite, each.sweep, BUILD, TARGETS)]


def run(rows: Sequence[Row], observer: str, jobs: int, knobs: Mapping[str, str] | None = None) -> Observed:
    """Runs the rows as `observer` watches them, those that are not there yet. `knobs` are the observer's own."""
    runs = RUNS / FOLDERS[observer]
    watched = observed(rows, observer, knobs)
    with launch.folder(runs):
        write_whole(runs / PLAN, plan.write(watched))
        failures = launch.run(launch.tasks(runs / PLAN), jobs)
    return Observed(runs / PLAN, watched, failures)


def show(rows: Sequence[Row], observer: str, knobs: Mapping[str, str] | None = None) -> None:
    """Prints the exact QEMU commands of the rows that are not there yet."""
    launch.show(observed(rows, observer, knobs), RUNS / FOLDERS[observer])


def observed(rows: Sequence[Row], observer: str, knobs: Mapping[str, str] | None = None) -> list[Row]:
    """The rows as `observer` watches them."""
    return [
        replace(
            row,
            observer=observer,
            knobs=row.knobs | dict(knobs or {}),
            limit_s=max(row.limit_s, LONG_S) if observer in SLOW else row.limit_s,
        )
        for row in rows
    ]
