"""The step of scripts/timer_latency.sh: how late timers and threads were in guests."""

import argparse
from pathlib import Path
from typing import Any

from lab.plan.arguments import add_path
from lab.text.files import write_whole
from lab.text.outside import say


def add(steps: Any) -> None:
    """Adds `timers`."""
    step = steps.add_parser("timers", help="show how late timers and threads were in guests")
    step.set_defaults(step=show_timers)
    add_path(step, "--csv", "the CSV file to write")
    step.add_argument("folders", type=Path, nargs="+", help="each with guest.tsv, vm.tsv and a tool's histogram")


def show_timers(arguments: argparse.Namespace) -> None:
    """Puts what cyclictest and rtla measured in guests into the table of a suite, and prints it."""
    from lab.timers import histograms

    new = histograms.read(arguments.folders)
    write_whole(arguments.csv, histograms.KEPT.csv(histograms.KEPT.merged(arguments.csv, new)))
    say(histograms.markdown(new))
