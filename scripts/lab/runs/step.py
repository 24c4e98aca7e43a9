"""The steps that plan and run: `sweep` of scripts/run_scenarios.sh and `run-one` of scripts/run_one.sh."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lab.plan import plan
from lab.plan.arguments import add_guest_options, to_number
from lab.plan.kinds import Number
from lab.plan.places import PAGE, ROOT, RUNS, TARGETS
from lab.plan.suite import MOST_REPLICATES, REPLICATES
from lab.runs import launch, one, wanted
from lab.runs.wanted import SWEEP

MAX_JOBS = 999
SECONDS = Number(0.001, 86400, whole=False)

Report = Callable[[Path, Sequence[str]], object]  # makes the tables and pages of suites from a folder of runs


def add(steps: Any, report: Report) -> None:
    """Adds both. `report` is what a sweep ends with."""
    step = steps.add_parser(
        "sweep",
        prog="scripts/run_scenarios.sh",
        help="plan suites, run what is not there yet, and report",
        description="Runs the suites (scenarios/SUITE.toml) and writes result_data/ and results.md. What is done "
        "already is not run again: after Ctrl-C or a crash the same command goes on.",
        epilog="Exit codes: 0 good, 1 a run or the report failed, 2 wrong usage, 130 or 143 interrupted.",
    )
    step.set_defaults(step=lambda arguments: sweep(arguments, report))
    add_sweep_options(step)
    add_guest_options(step)
    step.add_argument("--make-images", action="store_true", help="first make the images that the runs need")
    about = f"write the plan, {SWEEP}, whose rows run_one.sh runs one by one, and stop"
    step.add_argument("--plan-only", action="store_true", help=about)
    step.add_argument("suites", nargs="+", metavar="SUITE")

    step = steps.add_parser(
        "run-one",
        prog="scripts/run_one.sh",
        help="run one row of a plan in a fresh guest",
        description="Runs row N (from 1) of PLAN (a .jsonl file, as run_scenarios.sh --plan-only writes) and leaves "
        "its folder beside the plan. A row whose folder exists is not run again. A run that fails leaves failed/RUN/ "
        "with its reason and console log instead.",
        epilog="Exit codes: 0 good, 1 the run failed, 2 wrong usage.",
    )
    step.set_defaults(step=run_one)
    how = step.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="print the exact QEMU command")
    about = "boot an exact run that is there once more, with the counters, and leave what they saw in counters/RUN/"
    how.add_argument("--counters", action="store_true", help=about)
    step.add_argument("plan", type=Path, metavar="PLAN")
    step.add_argument("number", type=to_number(Number(1)), metavar="N")


def add_sweep_options(step: argparse.ArgumentParser, reps: int | None = None, timing: str | None = None) -> None:
    """What a user may say of any runs: where, how long, how often. With a `timing`, which is the usual one, they have
    one only; without, and without `reps`, they are as the suite says."""
    names = " ".join(path.stem for path in sorted(TARGETS.glob("*.conf")))
    about = f"one of: {names} ({'' if timing else 'as the suite says, or '}aarch64)"
    step.add_argument("--target", type=_target, default="aarch64" if timing else None, metavar="NAME", help=about)
    about = f"exact or live ({timing})" if timing else 'exact, live, or "exact live" (as the suite says, or both)'
    usual = (timing,) if timing else None
    step.add_argument("--timing", type=_timing if timing else _timings, default=usual, metavar="WHICH", help=about)
    about = "seconds that each run measures (as the suite says, or 2)"
    step.add_argument("--duration", type=to_number(SECONDS), metavar="S", help=about)
    about = f"runs of each scenario and timing ({reps or f'as the suite says, or {REPLICATES}'})"
    count = to_number(Number(1, MOST_REPLICATES))
    step.add_argument("--reps", type=count, default=reps, metavar="N", help=about)
    seed = to_number(Number(0, plan.MAX_SEED))
    about = "of the first replicate, and of the order of the runs (1)"
    step.add_argument("--seed", type=seed, default=1, metavar="N", help=about)
    add_launch_options(step)


def add_launch_options(step: argparse.ArgumentParser) -> None:
    """How many guests there may be at a time, and whether any is booted at all."""
    jobs = len(os.sched_getaffinity(0))
    about = f"exact runs at a time ({jobs}); live runs are always alone"
    step.add_argument("--jobs", type=to_number(Number(1, MAX_JOBS)), default=jobs, metavar="N", help=about)
    about = "print the QEMU commands of the runs that are not there yet, and write nothing"
    step.add_argument("--dry-run", action="store_true", help=about)


def run_one(arguments: argparse.Namespace) -> None:
    """Runs a row of a plan."""
    row, runs = one.of_plan(arguments.plan, arguments.number), arguments.plan.absolute().parent
    if arguments.dry_run:
        launch.show_one(row)
    elif arguments.counters:
        row, runs = one.counted(row, runs), runs / "counters"
        runs.mkdir(exist_ok=True)
        one.run(row, runs)
    else:
        one.run(row, runs)


def sweep(arguments: argparse.Namespace, report: Report) -> None:
    """Plans suites, runs what is not there yet, and reports."""
    wishes = wanted.of(arguments)
    if arguments.dry_run:
        launch.show(wanted.rows(wanted.on_accelerator(wishes), RUNS), RUNS)
        return
    with launch.folder(RUNS):
        if arguments.make_images:
            wanted.make_images(wishes)
        wishes = wanted.on_accelerator(wishes)
        file = wanted.write_plans(wishes, wanted.rows(wishes, RUNS), RUNS)
        if arguments.plan_only:
            return
        failures = launch.run(launch.tasks(file), arguments.jobs, wishes[0].sweep.accelerator)
        report(RUNS, list(dict.fromkeys(each.suite.name for each in wishes)))
    launch.check(failures)
    print(f"see {PAGE.relative_to(ROOT) if PAGE.is_relative_to(ROOT) else PAGE}", file=sys.stderr)


def _target(text: str) -> str:
    names = [path.stem for path in sorted(TARGETS.glob("*.conf"))]
    if text not in names:
        what = f"unknown target '{text}': give one of: {' '.join(names)}, or add qemu/targets/{text}.conf"
        raise argparse.ArgumentTypeError(what)
    return text


def _timings(text: str) -> tuple[str, ...]:
    names = text.split()
    if not names or any(name not in plan.TIMINGS for name in names):
        raise argparse.ArgumentTypeError(f"'{text}' is not valid: give exact, live, or both")
    return tuple(name for name in plan.TIMINGS if name in names)


def _timing(text: str) -> tuple[str, ...]:
    if text not in plan.TIMINGS:
        raise argparse.ArgumentTypeError(f"'{text}' is not valid: give exact or live")
    return (text,)
