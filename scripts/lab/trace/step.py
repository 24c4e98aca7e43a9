"""The step of scripts/trace.sh: boots scenarios once more with the kernel's sched events, and says what these tell."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.plan import contract
from lab.plan.arguments import to_number
from lab.plan.contract import Contract
from lab.plan.kinds import Number
from lab.plan.places import RESULTS
from lab.plan.plan import Row
from lab.runs import launch, observe, one, wanted
from lab.runs.observe import Observed
from lab.runs.step import add_sweep_options
from lab.text.complaint import Complaint
from lab.text.files import write_whole
from lab.text.outside import say


def add(steps: Any) -> None:
    """Adds `trace`."""
    step = steps.add_parser(
        "trace",
        prog="scripts/trace.sh",
        help="show where items, or the threads of a user's program, waited, by the kernel's sched events",
        description="Runs the scenario once more in fresh guests that record the kernel's sched events, prints of "
        "which parts the stages of an item are (its thread asleep, woken without a CPU and which task had that, "
        "running), and puts them into result_data/SUITE_trace.csv, for results.md. Of a user's program it says the "
        "same of its threads, and at which locks they waited (SUITE_traced_threads.csv, SUITE_futexes.csv), and counts its "
        "system calls in guests of their own (SUITE_calls.csv). The runs stay in result_data/runs/traces/ and calls/.",
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
    """Traces the scenarios, prints what their items or threads waited for, and puts it into tables of their suites."""
    wishes = [wanted.the_scenario(arguments, text) for text in arguments.scenario]
    for wish, text in zip(wishes, arguments.scenario):
        for shape in wish.guests:
            # The buffers, and what is in them once more on its way out; the rest is for the guest.
            if 4 * shape.smp * arguments.buffer_mb > shape.memory_mb:
                what = f"the {shape.smp} CPUs of {text} have {shape.memory_mb} MB"
                raise Complaint("--buffer-mb", f"{what}: give at most {shape.memory_mb // 4 // shape.smp}")
    knobs = {one.BUFFER_MB: str(arguments.buffer_mb)}
    rows = observe.rows_of(wishes, arguments)
    runs = observe.run(rows, "trace", arguments, knobs)
    own = [row for row in rows if row.parcel]
    # Calls in guests of their own, since to count one takes longer than most take.
    counted = observe.run(own, "calls", arguments) if own else Observed(runs.runs, [])
    launch.check(runs.failures + counted.failures)
    by_name = {f"{wish.suite.name}/{wish.suite.scenarios[0].name}": wish for wish in wishes}
    for name, wish in by_name.items() if runs.rows else ():
        chosen = list({row.run: row for row in runs.rows if f"{row.suite}/{row.scenario}" == name}.values())
        what = "ms of all threads of a name" if wish.suite.contract.own else "mean µs of an item"
        about = f"{name} on {arguments.target}, {arguments.timing[0]} timing, {what}"
        say(f"{about}; traced runs: {len(chosen)}")
        files = " and ".join(map(str, show(chosen, runs.runs, counted.runs)))
        print(f"written to {files}; 'make report' shows it in results.md", file=sys.stderr)


def show(rows: Sequence[Row], runs: Path, counted: Path) -> list[Path]:
    """Prints what one scenario's items or threads waited for, and puts it into tables of its suite: their files.

    The traced runs are in `runs`; of a user's program those in `counted` had their system calls counted.

    Runs that tell nothing, as when events were lost, are removed, so that the same command makes them again.
    """
    folders, known = [runs / row.run for row in rows], contract.load(rows[0].workload)
    try:
        return _show_own(rows, folders, known, counted) if known.own else _show_stages(rows, folders, known)
    except Complaint:
        for row in rows:
            for each in {runs, counted}:
                shutil.rmtree(each / row.run, ignore_errors=True)
        raise


def _show_stages(rows: Sequence[Row], folders: Sequence[Path], known: Contract) -> list[Path]:
    from lab.trace import runs as trace_runs  # with pandas, which takes a second to load

    new = trace_runs.table(folders, rows, known)
    file = RESULTS / trace_runs.FILE.format(rows[0].suite)
    write_whole(file, trace_runs.KEPT.csv(trace_runs.KEPT.merged(file, new)))
    say(trace_runs.text(new))
    return [file]


def _show_own(rows: Sequence[Row], folders: Sequence[Path], known: Contract, counted: Path) -> list[Path]:
    from lab.trace import calls, own_runs

    threads, futexes = own_runs.tables(folders, rows, known)
    made = {
        own_runs.THREADS_FILE: (own_runs.THREADS, threads),
        own_runs.FUTEXES_FILE: (own_runs.FUTEXES, futexes),
        calls.FILE: (calls.KEPT, calls.table([counted / row.run for row in rows], rows, known)),
    }
    files = [RESULTS / name.format(rows[0].suite) for name in made]
    for file, (table, new) in zip(files, made.values(), strict=True):
        write_whole(file, table.csv(own_runs.merged(file, table, new, threads)))
    say(own_runs.text(threads, futexes))
    return files
