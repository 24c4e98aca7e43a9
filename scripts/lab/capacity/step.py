"""The step of scripts/capacity.sh: runs what a search needs next, until it is over, and says what was found."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.plan.arguments import add_guest_options, to_number
from lab.plan.kinds import Number
from lab.runs.step import add_sweep_options

RATES, PRECISION, MOST_REPS = "100 10000000", 0.05, 12  # unless they are given


def add(steps: Any, write_pages: Callable[[Path, Path], None]) -> None:
    """Adds `capacity`, of scripts/capacity.sh. `write_pages` makes results.md and the pages in a folder of results."""
    count = to_number(Number(1, 1000))
    step = steps.add_parser(
        "capacity",
        prog="scripts/capacity.sh",
        help="find the highest rate at which a scenario holds its objectives",
        description="Runs the scenario at one rate after another (the interval between items is what changes) and "
        "prints the highest at which it holds its objectives, and the lowest at which it misses one. Writes "
        "result_data/capacity_SUITE_SCENARIO.csv, .png and .json, and puts them into results.md if that is there. Runs are "
        "kept in result_data/runs/capacity/: after Ctrl-C or a crash the same command goes on.",
        epilog="Exit codes: 0 good, 1 a run or the report failed, 2 wrong usage, 4 an objective is missed even at the "
        "lowest rate, 5 undecided even there, 130 or 143 interrupted.",
    )
    step.set_defaults(step=lambda arguments: _search(arguments, write_pages))
    about = "objectives, such as 'response_p99_us=200 throughput_ops_s>=900' (the suite's [slo])"
    step.add_argument("--slo", default="", metavar="LIMITS", help=about)
    about = f'the lowest and the highest rate that are tried, in items/s ("{RATES}")'
    step.add_argument("--rates", default=RATES, metavar="LOW HIGH", help=about)
    about = f"how far apart the two rates of the answer may be ({PRECISION})"
    share = to_number(Number(0.01, 1, whole=False))
    step.add_argument("--precision", type=share, default=PRECISION, metavar="SHARE", help=about)
    add_sweep_options(step, reps=3, timing="exact")
    about = f"live runs at a rate while they disagree or the host disturbs them ({MOST_REPS})"
    step.add_argument("--max-reps", type=count, default=MOST_REPS, metavar="N", help=about)
    add_guest_options(step)
    step.add_argument("--make-images", action="store_true", help="first make the image that the runs need")
    step.add_argument("scenario", metavar="SUITE/SCENARIO")


def _search(arguments: argparse.Namespace, write_pages: Callable[[Path, Path], None]) -> int:
    from lab.capacity import subject  # with pandas, which takes a second to load

    return subject.Subject(arguments).find(write_pages)
