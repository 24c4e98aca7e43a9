"""The step of scripts/trace.sh: what the sched events of a scenario's traced runs say."""

import argparse
from pathlib import Path
from typing import Any

from lab.plan import contract
from lab.text.files import write_whole
from lab.text.outside import say


def add(steps: Any) -> None:
    """Adds `trace`."""
    step = steps.add_parser("trace", help="show where items waited, by the kernel's sched events")
    step.set_defaults(step=show)
    step.add_argument("--csv", type=Path, required=True, help="the CSV file of a suite's traced runs, to add these to")
    step.add_argument("--plan", type=Path, required=True, help="has the row of each run, in the order of the folders")
    step.add_argument("folders", type=Path, nargs="+", help="of one scenario's runs: out/latencies.csv, ...")


def show(arguments: argparse.Namespace) -> None:
    """Prints the split stages of one scenario, and puts them into the table of its suite."""
    from lab.trace import runs as trace_runs  # with pandas, which takes a second to load

    new = trace_runs.table(arguments.folders, arguments.plan, contract.load("pipeline"))
    write_whole(arguments.csv, trace_runs.KEPT.csv(trace_runs.KEPT.merged(arguments.csv, new)))
    say(trace_runs.text(new))
