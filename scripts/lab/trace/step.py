"""The step of scripts/trace.sh: boots scenarios once more with the kernel's sched events, and says what these tell."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.plan import contract
from lab.plan.arguments import to_number
from lab.plan.kinds import Number
from lab.plan.places import RESULTS
from lab.plan.plan import Row
from lab.runs import launch, observe, one, wanted
from lab.runs.step import add_sweep_options
from lab.text.complaint import Complaint
from lab.text.files import write_whole
from lab.text.outside import say


def add(steps: Any) -> None:
    """Adds `trace`."""
    step = steps.add_parser(
        "trace",
        prog="scripts/trace.sh",
        help="show where items waited, by the kernel's sched events",
        description="Runs the scenario once more in fresh guests that record the kernel's sched events, prints of "
        "which parts the stages of an item are (its thread asleep, woken without a CPU and which task had that, "
        "running), and puts them into result_data/SUITE_trace.csv, for results.md. The traced runs stay in "
        "result_data/runs/traces/.",
        epilog="Example: scripts/trace.sh --scenario t001/baseline-1000us. Exit codes: 0 good, 1 failed, as when "
        "events were lost, 2 wrong usage, 130 or 143 interrupted.",
    )
    step.set_defaults(step=trace)
    about = "what to trace; may be given again"
    step.add_argument("--scenario", action="append", required=True, metavar="SUITE/SCENARIO", help=about)
    add_sweep_options(step, reps=1, timing="exact")
    size = to_number(Number(1, 9999))
    about = "memory of each CPU of the guest for events (16)"
    step.add_argument("--buffer-mb", type=size, default=16, metavar="N", help=about)


def trace(arguments: argparse.Namespace) -> None:
    """Traces the scenarios, prints the parts of their stages, and puts these into the tables of their suites."""
    wishes = [wanted.the_scenario(arguments, text) for text in arguments.scenario]
    for wish, text in zip(wishes, arguments.scenario):
        for shape in wish.guests:
            # The buffers, and what is in them once more on its way out; the rest is for the guest.
            if 4 * shape.smp * arguments.buffer_mb > shape.memory_mb:
                what = f"the {shape.smp} CPUs of {text} have {shape.memory_mb} MB"
                raise Complaint("--buffer-mb", f"{what}: give at most {shape.memory_mb // 4 // shape.smp}")
    knobs = {one.BUFFER_MB: str(arguments.buffer_mb)}
    runs = observe.run(observe.rows_of(wishes, arguments), "trace", arguments, knobs)
    launch.check(runs.failures)
    for text in dict.fromkeys(arguments.scenario if runs.rows else ()):
        chosen = [row for row in runs.rows if f"{row.suite}/{row.scenario}" == text]
        about = f"{text} on {arguments.target}, {arguments.timing[0]} timing, mean µs of an item"
        say(f"{about}; traced runs: {len(chosen)}")
        file = show(chosen, runs.runs)
        print(f"written to {file}; 'make report' shows it in results.md", file=sys.stderr)


def show(rows: Sequence[Row], runs: Path) -> Path:
    """Prints the split stages of one scenario, and puts them into the table of its suite, whose file it gives.

    Runs that tell nothing, as when events were lost, are removed, so that the same command makes them again.
    """
    from lab.trace import runs as trace_runs  # with pandas, which takes a second to load

    folders = [runs / row.run for row in rows]
    try:
        new = trace_runs.table(folders, rows, contract.load(rows[0].workload))
    except Complaint:
        for folder in folders:
            shutil.rmtree(folder)
        raise
    file = RESULTS / trace_runs.FILE.format(rows[0].suite)
    write_whole(file, trace_runs.KEPT.csv(trace_runs.KEPT.merged(file, new)))
    say(trace_runs.text(new))
    return file
