"""The steps of scripts/capacity.sh: what is to be run next, and what was found."""

import argparse
from typing import Any

from lab.plan import plan, suite
from lab.plan.arguments import add_guest_options, add_path, to_number
from lab.plan.suite import Number


def add(steps: Any) -> None:
    """Adds `capacity`, which plans what is to be run next, and `capacity-report`."""
    count = to_number(Number(1, 1000))
    for name, about, does in (
        ("capacity", "plan the next runs of a capacity search, and print how many", _plan_next),
        ("capacity-report", "say at which rate a scenario holds its objectives", _report),
    ):
        step = steps.add_parser(name, help=about)
        step.set_defaults(step=does)
        add_path(step, "--runs", "where runs are kept")
        add_path(step, "--build", "where the images are")
        add_path(step, "--result-data", "where table and picture go")
        add_path(step, "--plan", "the file for the rows of the next runs")
        step.add_argument("--target", required=True)
        step.add_argument("--timing", choices=plan.TIMINGS, required=True)
        step.add_argument("--accelerator", choices=plan.ACCELERATORS, default="tcg", help="of live runs")
        step.add_argument("--slo", default="", help="objectives, such as 'response_p99_us=200 drop_rate=0'")
        step.add_argument("--rates", default="100 10000000", help="the lowest and the highest, in items/s")
        step.add_argument("--precision", type=to_number(Number(0.01, 1, whole=False)), default=0.05)
        step.add_argument("--reps", type=count, default=3)
        step.add_argument("--max-reps", type=count, default=12)
        step.add_argument("--seed", type=to_number(Number(0, plan.MAX_SEED)), default=1)
        step.add_argument("--duration", type=to_number(suite.OPTIONS["duration"]))
        add_guest_options(step)
        step.add_argument("--command", default="", help="what does the search again")
        step.add_argument("scenario", metavar="SUITE/SCENARIO")


def _plan_next(arguments: argparse.Namespace) -> None:
    from lab.capacity import subject  # with pandas, which takes a second to load

    subject.Subject(arguments).plan_next()


def _report(arguments: argparse.Namespace) -> int:
    from lab.capacity import subject

    return subject.Subject(arguments).report()
