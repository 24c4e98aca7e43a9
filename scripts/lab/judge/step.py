"""The steps that compare results: with those made again (scripts/verify.sh), and with themselves."""

import argparse
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from lab.plan import suite
from lab.plan.arguments import Parser, add_guest_options
from lab.plan.places import BUILD, RESULTS, TARGETS
from lab.runs import launch, wanted
from lab.runs.attend import beside
from lab.runs.step import Report, add_launch_options, add_sweep_options
from lab.runs.wanted import Wish
from lab.text.complaint import FAILED, Complaint
from lab.text.outside import say

DIFFERENT, NOT_TESTED = 3, 5  # exit codes
AGAIN = BUILD / "verify" / "result_data"
BEGIN_AGAIN = "the same command begins again"
TB_MB = "PIPELAB_TB_MB"  # which qemu/run_vm.sh reads
# How exact runs are made again, so many busy processes beside them, and in what environment.
UNSTRESSED: Sequence[tuple[str, int, dict[str, str]]] = [("", 0, {})]
STRESSES: Sequence[tuple[str, int, dict[str, str]]] = [
    (", beside 8 busy processes", 8, {}),
    *((f", with tb-size={size}", 0, {TB_MB: size}) for size in ("64", "1024")),
]


def add(steps: Any, report: Report) -> None:
    """Adds `verify`, of scripts/verify.sh, and `noise-floor`. `report` makes tables of what was made again."""
    step = steps.add_parser(
        "verify",
        prog="scripts/verify.sh",
        help="make exact results again, and compare them byte for byte",
        description="Makes the exact results of the suites again (with their seeds, in build/verify/) and compares the "
        "exact lines of result_data/SUITE_raw.csv and SUITE_metrics.csv, byte for byte. A suite whose results were "
        "made with another kernel, QEMU, compiler or program is not made again, since that would test another claim; "
        "what differs is said.",
        epilog="Exit codes: 0 the same, 1 a run failed, 2 wrong usage, 3 not the same, 5 not tested, since something "
        "else differs, 130 or 143 interrupted.",
    )
    step.set_defaults(step=lambda arguments: verify_all(arguments, report))
    add_launch_options(step)
    about = "three times: beside 8 processes that are busy, and with other sizes of QEMU's memory for translated code"
    step.add_argument("--stress", action="store_true", help=about)
    step.add_argument("suites", nargs="+", metavar="SUITE")

    step = steps.add_parser("noise-floor", help="show the smallest change that live runs can detect")
    step.set_defaults(step=show_noise_floor)
    step.add_argument("results", type=Path, help="a folder of results")
    step.add_argument("suites", nargs="*", metavar="SUITE")


def names_of(suites: Iterable[str]) -> list[str]:
    """Each suite once, by its name, however it was given."""
    return list(dict.fromkeys(suite.find(text)[0].stem for text in suites))


def verify_all(arguments: argparse.Namespace, report: Report) -> int:
    """Makes the exact results of each suite again, and says whether they came out the same; gives the exit code."""
    with nullcontext() if arguments.dry_run else launch.folder(AGAIN / "runs", BEGIN_AGAIN):
        return _verify_all(arguments, report)


def _verify_all(arguments: argparse.Namespace, report: Report) -> int:
    verdict = 0
    for how, busy, environment in STRESSES if arguments.stress else UNSTRESSED:
        if not arguments.dry_run:
            _clear()
        os.environ.update(environment)
        for text in arguments.suites:
            try:
                with beside(0 if arguments.dry_run else busy):
                    _verify(text, arguments, report, how)
            except Complaint as complaint:
                if complaint.exit_code not in (DIFFERENT, NOT_TESTED):
                    raise
                print(f"pipelab: {complaint}{how}", file=sys.stderr)
                verdict = DIFFERENT if DIFFERENT in (verdict, complaint.exit_code) else NOT_TESTED
    return verdict


def _clear() -> None:
    """Removes what an earlier verify has made."""
    for each in (*AGAIN.iterdir(), *(AGAIN / "runs").iterdir()):
        if each.is_dir() and each.name != "runs":
            shutil.rmtree(each)
        elif each.is_file() and each.name != ".lock":
            each.unlink()


def _verify(text: str, arguments: argparse.Namespace, report: Report, how: str) -> None:
    """Raises Complaint where the results of one suite are not the same, or cannot be tested."""
    from lab.judge import verify
    from lab.tables import results

    path, scenario = suite.find(text)
    if scenario:
        raise Complaint(text, f"only whole suites are verified: give {text.rpartition('/')[0]}")
    name, runs = path.stem, AGAIN / "runs"
    made = results.of_suite(results.load(RESULTS), name, RESULTS)
    wishes = [_as_made(text, options) for options in verify.recipes(made)]
    if arguments.dry_run:
        launch.show([row for each in wishes for row in wanted.rows([each], runs)], runs)
        return
    wanted.make_images(wishes)
    plans = [(each, wanted.rows([each], runs)) for each in wishes]
    if changes := verify.changed_inputs(made, [row for _, rows in plans for row in rows], BUILD, TARGETS):
        what = f"not tested, since it was made with something else: {'; '.join(changes)}"
        raise Complaint(name, what, NOT_TESTED)
    for wish, rows in plans:
        launch.check(launch.run(launch.tasks(wanted.write_plans([wish], rows, runs)), arguments.jobs))
    report(runs, [name])
    known = verify.differences(RESULTS, name, AGAIN)
    for line in known.found:
        say(line)
    if known.found:
        raise Complaint(name, f"{len(known.found)} values are not the same: see above", DIFFERENT)
    if not known.runs:
        raise Complaint(name, "not tested, since it has no exact runs", NOT_TESTED)
    say(f"{name}: {verify.text(known)}{how}")


def _as_made(text: str, options: list[str]) -> Wish:
    """The suite, run in exact timing with the options of run_scenarios.sh that it was once run with."""
    parser = Parser(prog="scripts/run_scenarios.sh")
    add_sweep_options(parser)
    add_guest_options(parser)
    parser.add_argument("suites", nargs=1)
    return wanted.of(parser.parse_args([*options, "--timing=exact", text]))[0]


def show_noise_floor(arguments: argparse.Namespace) -> None:
    """Prints the smallest change that live runs on this host can detect, by metric."""
    from lab.judge import noise
    from lab.tables import measurement, results

    sets = results.load(arguments.results)
    for name in names_of(arguments.suites) or list(sets):
        made = results.of_suite(sets, name, arguments.results)
        raw, judged = made.raw, measurement.contract_of(made.environment).judged
        found = noise.floors(raw, judged)
        if not found:
            raise Complaint(arguments.results, f"{name} has no two quiet live runs of a scenario: REPS=10", FAILED)
        say(f"{name}\n\n{noise.text(found, noise.against_itself(raw, judged))}")
