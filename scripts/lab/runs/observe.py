"""Observed runs: rows once more, watched by counters, perf or the kernel's sched events, in a folder beside the runs.

Each observer's folder has the runs, called as those that they observe, and PLAN: the rows that were asked for last.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lab.plan import plan, plan_file
from lab.plan.places import BUILD, RUNS, TARGETS
from lab.plan.plan import Row
from lab.runs import launch, wanted
from lab.runs.wanted import Wish
from lab.text.files import read_facts, write_whole

FOLDERS = {
    "counters": "counters",
    "perf": "perf",
    "trace": "traces",
    "profile": "profiles",
    "lines": "lines",
    "calls": "calls",
}
PLAN = "plan.jsonl"
LONG_S = 3600  # that a guest may take whose every instruction is seen
SLOW = ("perf", "profile", "lines")


@dataclass(frozen=True)
class Observed:
    """Rows that were run, and where their folders are; no rows where their commands were only shown."""

    runs: Path
    rows: list[Row]
    failures: int = 0

    @property
    def folders(self) -> list[Path]:
        return [self.runs / row.run for row in self.rows]


def rows_of(wishes: Sequence[Wish], arguments: argparse.Namespace, image: str = "image") -> list[Row]:
    """All runs that are wanted, scenario by scenario. Their images are made, unless nothing is to be written."""
    if not arguments.dry_run:
        wanted.make_images(wishes, image)
    return [
        row for each in wanted.on_accelerator(wishes) for row in plan.expand(each.suite, each.sweep, BUILD, TARGETS)
    ]


def run(
    rows: Sequence[Row], observer: str, arguments: argparse.Namespace, knobs: Mapping[str, str] | None = None
) -> Observed:
    """Runs the rows as `observer` watches them, those that are not there yet; or only shows how (--dry-run).

    `knobs` are the observer's own.
    """
    runs, watched = RUNS / FOLDERS[observer], observed(rows, observer, knobs)
    if arguments.dry_run:
        launch.show(watched, runs)
        return Observed(runs, [])
    with launch.folder(runs):
        write_whole(runs / PLAN, plan_file.write(watched))
        failures = launch.run(launch.tasks(runs / PLAN), arguments.jobs)
    return Observed(runs, watched, failures)


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


def about(folder: Path, row: Row) -> dict[str, Any]:
    """What a table says of the observed run of `row` in `folder`, beside what was seen: scenario, measurement, seed."""
    return {
        "scenario": row.scenario,
        "target": row.target,
        "timing": row.timing,
        "accelerator": read_facts(folder / "vm.tsv", ["accelerator"], "run it again")["accelerator"],
        "seed": row.seed,
    }
