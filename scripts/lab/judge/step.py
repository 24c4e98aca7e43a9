"""The steps that compare results: with those made again (scripts/verify.sh), and with themselves."""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lab.plan import suite
from lab.plan.arguments import add_path
from lab.plan.places import TARGETS
from lab.text.complaint import FAILED, Complaint
from lab.text.outside import say


def add(steps: Any) -> None:
    """Adds `recipes`, `inputs`, `same` and `noise-floor`."""
    for name, about, does in (
        ("recipes", "print how exact results were made", show_recipes),
        ("inputs", "say what is no longer as it was for exact results", check_inputs),
        ("same", "compare exact results with those that were made again", compare_exact),
    ):
        step = steps.add_parser(name, help=about)
        step.set_defaults(step=does)
        add_path(step, "--results", "where the results are")
        if name != "recipes":
            add_path(step, "--again", "where they were made again")
        if name == "inputs":
            add_path(step, "--build", "where the images are")
        step.add_argument("suite", metavar="SUITE")

    step = steps.add_parser("noise-floor", help="show the smallest change that live runs can detect")
    step.set_defaults(step=show_noise_floor)
    step.add_argument("results", type=Path, help="a folder of results")
    step.add_argument("suites", nargs="*", metavar="SUITE")


def names_of(suites: Iterable[str]) -> list[str]:
    """Each suite once, by its name, however it was given."""
    return list(dict.fromkeys(suite.find(text)[0].stem for text in suites))


def show_recipes(arguments: argparse.Namespace) -> None:
    """Prints how the exact results of a suite were made, for verify.sh: the options of run_scenarios.sh, a sweep a line."""
    from lab.judge import verify

    for _, _, options in verify.recipes(arguments.results, arguments.suite):
        print(*options, sep="\x1f")


def check_inputs(arguments: argparse.Namespace) -> None:
    """Says what is no longer as it was when a suite's exact results were made."""
    from lab.judge import verify

    changes = verify.changed_inputs(arguments.results, arguments.suite, arguments.again, arguments.build, TARGETS)
    if changes:
        what = "; ".join(changes)
        raise Complaint(
            arguments.suite, f"not tested, since it was made with something else: {what}", verify.NOT_TESTED
        )


def compare_exact(arguments: argparse.Namespace) -> None:
    """Says whether a suite's exact results came out the same."""
    from lab.judge import verify

    runs, found = verify.differences(arguments.results, arguments.suite, arguments.again)
    for line in found:
        say(line)
    if found:
        raise Complaint(arguments.suite, f"{len(found)} values are not the same: see above", verify.DIFFERENT)
    if not runs:
        raise Complaint(arguments.suite, "not tested, since it has no exact runs", verify.NOT_TESTED)
    say(f"{arguments.suite}: {runs} exact runs came out the same, byte for byte")


def show_noise_floor(arguments: argparse.Namespace) -> None:
    """Prints the smallest change that live runs on this host can detect, by metric."""
    from lab.judge import noise
    from lab.tables import measurement, results

    sets = results.load(arguments.results)
    wanted = names_of(arguments.suites) or list(sets)
    for name in wanted:
        if name not in sets:
            raise Complaint(arguments.results, f"has no results of {name}: give one of {', '.join(sets)}", FAILED)
        raw, judged = sets[name].raw, measurement.contract_of(sets[name].environment).judged
        found = noise.floors(raw, judged)
        if not found:
            raise Complaint(arguments.results, f"{name} has no two quiet live runs of a scenario: REPS=10", FAILED)
        say(f"{name}\n\n{noise.text(found, noise.against_itself(raw, judged))}")
