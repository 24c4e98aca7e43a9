"""The matrix: a suite on every target with every kernel that it has, one plan a cell, all run by one launch."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.plan import suite, target
from lab.plan.arguments import to_number
from lab.plan.guest import EXACT_MAX_SMP
from lab.plan.kinds import Number
from lab.plan.places import BUILD, RESULTS, TARGETS
from lab.plan.plan import Sweep
from lab.plan.suite import MOST_REPLICATES, Suite
from lab.runs import launch, one, wanted
from lab.runs.step import SECONDS, Report, add_launch_options
from lab.runs.wanted import Wish
from lab.text.complaint import FAILED, Complaint

Table = Callable[[Suite, Sequence[Path], Path], None]  # of a suite, from folders of results, into a CSV file


def add(steps: Any, report: Report, table: Table) -> None:
    """Adds `matrix`, of scripts/matrix.sh."""
    step = steps.add_parser(
        "matrix",
        prog="scripts/matrix.sh",
        help="run a suite on every target with every kernel, and make one table",
        description="Runs each scenario of SUITE on every target with each of its kernels: in exact timing where the "
        "target can do that with the suite's CPUs, else in live timing. Writes result_data/SUITE_matrix.csv, which "
        "'make report' shows, and prints it. The runs, and a report of each, are in build/matrix/TARGET.KERNEL/: what "
        "is done already is not run again.",
        epilog="Exit codes: 0 good, 1 a target or kernel failed (the others are in the table), 2 wrong usage, 130 or "
        "143 interrupted.",
    )
    step.set_defaults(step=lambda arguments: run(arguments, report, table))
    names = " ".join(machine.name for machine in target.load_all(TARGETS))
    step.add_argument("--targets", default=names, metavar="NAMES", help=f"of these only ({names})")
    count = to_number(Number(1, MOST_REPLICATES))
    step.add_argument("--reps", type=count, default=1, metavar="N", help="runs of each (1)")
    about = "seconds that each run measures (as the suite says, or 2)"
    step.add_argument("--duration", type=to_number(SECONDS), metavar="S", help=about)
    add_launch_options(step)
    step.add_argument("suite", metavar="SUITE")


def run(arguments: argparse.Namespace, report: Report, table: Table) -> None:
    """Runs the suite in all cells, reports on each, and makes the table of those that are whole."""
    chosen = suite.load_all([arguments.suite])[0]
    plans, failures = [], 0
    for wish in cells(chosen, arguments):
        name = f"{wish.sweep.target}.{wish.sweep.guest['kernel']}"
        runs = BUILD / "matrix" / name / "result_data" / "runs"
        try:
            if not arguments.dry_run:
                wanted.make_images([wish])
            ready = wanted.on_accelerator([wish])
            rows = wanted.rows(ready, runs)
            if arguments.dry_run:
                launch.show(rows, runs)
            else:
                plans.append(wanted.write_plans(ready, rows, runs))
        except Complaint as complaint:
            print(f"pipelab: {name}: left out: {complaint}", file=sys.stderr)
            failures += 1
    if arguments.dry_run:
        return
    with launch.folder(BUILD / "matrix"):
        tasks = launch.tasks(*plans)
        launch.run(tasks, arguments.jobs)
    folders = []
    for file in plans:
        name = file.parent.parent.parent.name
        if all(one.is_done(task.row, file.parent) for task in tasks if task.plan == file):
            report(file.parent, [chosen.name])
            folders.append(file.parent.parent)
        else:
            print(f"pipelab: {name}: left out, since some of its runs failed", file=sys.stderr)
            failures += 1
    if not folders:
        raise Complaint(chosen.name, "nothing could be run: mend what is said above", FAILED)
    table(chosen, folders, RESULTS / f"{chosen.name}_matrix.csv")
    if failures:
        raise Complaint(f"{failures} of the cells failed", "the same command tries them again", FAILED)


def cells(chosen: Suite, arguments: argparse.Namespace) -> list[Wish]:
    """The suite on each target with each of its kernels, in the timing that the target can do."""
    found = []
    for name in arguments.targets.split():
        machine = target.load(TARGETS, name)
        for kernel in machine.kernels:
            sweep = Sweep(name, ("live",), arguments.reps, 1, arguments.duration, guest={"kernel": kernel})
            most = max(shape.smp for shape in Wish(chosen, sweep).guests)
            found.append(Wish(chosen, replace(sweep, timings=("exact" if most <= EXACT_MAX_SMP else "live",))))
    return found
