"""A against B: another revision's program and this tree's, or another build of a user's program and its suite's, run
alternately on this machine, and compared.

All else (kernel, /init, scripts, scenarios) is of this tree. It is one launch of two plans.
"""

import argparse
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.plan import program
from lab.plan.places import BUILD, ROOT
from lab.runs import launch, wanted
from lab.runs.attend import attend, git
from lab.runs.step import Report, add_sweep_options
from lab.runs.wanted import Wish
from lab.text.complaint import FAILED, Complaint
from lab.text.files import is_file

Side = tuple[Sequence[Wish], str]  # what is run, and the folder of the build that it is run with

SIDES = ("base", "new")
TREE = BUILD / "ab" / "tree"

Gate = Callable[[argparse.Namespace], int]  # judges `new` against `base`, and gives the exit code


def add(steps: Any, report: Report, gate: Gate) -> None:
    """Adds `ab`, of scripts/ab.sh."""
    step = steps.add_parser(
        "ab",
        prog="scripts/ab.sh",
        help="run suites with another revision's program and with this one, and compare",
        description="Builds the program of GIT-REV in build/ab/tree/, runs SUITE with it and with the program of this "
        "tree, in one shuffled order, and compares the two. A suite of a user's program is run with the FILE of "
        "--base-program, and with the program that it names. All else (kernel, /init, scripts, scenarios) is of this "
        "tree. What is done already is not run again. Runs and reports are in build/ab/PAIR/base/ and .../new/. "
        "--dry-run builds GIT-REV as well, whose image is part of the commands.",
        epilog="Exit codes: 0 good, 1 a build, a run or the report failed, 2 wrong usage, 3 this tree is worse, 4 it "
        "misses an objective, 5 inconclusive, 130 or 143 interrupted.",
    )
    step.set_defaults(step=lambda arguments: compare(arguments, report, gate))
    about = "the revision to compare with (builds of the suites, one by one)"
    step.add_argument("--base", default="", metavar="GIT-REV", help=about)
    about = "of a user's program: the file of the one to compare with (builds of the suites, one by one)"
    step.add_argument("--base-program", default="", metavar="FILE", help=about)
    add_sweep_options(step, reps=10)
    step.add_argument("--make-images", action="store_true", help="first make this tree's images that the runs need")
    step.add_argument("--junit", type=Path, metavar="FILE", help="also write the outcome as JUnit XML")
    step.add_argument("--markdown", type=Path, metavar="FILE", help="also write the outcome as Markdown")
    step.add_argument("suites", nargs="+", metavar="SUITE")


def compare(arguments: argparse.Namespace, report: Report, gate: Gate) -> int:
    """Compares this tree with each base on each target, and gives the gravest of the gate's exit codes."""
    os.environ.setdefault("PIPELAB_PROGRAM", str(BUILD / "host" / "pipelab"))  # checks the options of both
    wishes = wanted.of(arguments)
    bases: dict[tuple[str, bool], list[Wish]] = {}  # by what is compared with, and whether that is a user's program
    for each in wishes:
        is_own = each.suite.contract.own is not None
        given = arguments.base_program if is_own else arguments.base
        for base in [given] if given else each.suite.builds:
            bases.setdefault((base, is_own), []).append(each)
        if not given and not each.suite.builds:
            what = (
                "give the file of another build of its program"
                if is_own
                else "give a git revision such as main or HEAD~1"
            )
            where = "--base-program" if is_own else "--base"
            raise Complaint(where, f"is not given for {each.suite.name}: {what}, or builds in the suite")
    for base, is_own in bases:
        if not is_own:
            _commit(base)
    if arguments.make_images:
        wanted.make_images(wishes)
    codes = [
        _compare(arguments, [each for each in chosen if each.sweep.target == machine], base, is_own, report, gate)
        for (base, is_own), chosen in bases.items()
        for machine in dict.fromkeys(each.sweep.target for each in chosen)
    ]
    return min((code for code in codes if code), default=0)  # worse is 3, a missed objective 4, inconclusive 5


def _commit(base: str) -> str:
    commit = git(ROOT, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}").decode()
    if not commit:
        raise Complaint("--base", f"'{base}' is no git revision: give one such as main or HEAD~1")
    return commit


def _compare(
    arguments: argparse.Namespace, wishes: Sequence[Wish], base: str, is_own: bool, report: Report, gate: Gate
) -> int:
    """Runs the program that is called `base` and the one of now in turns, and reports on each."""
    machine = wishes[0].sweep.target
    sides = _programs(wishes, base) if is_own else _builds(wishes, base, machine)
    wishes = wanted.on_accelerator(wishes)
    accelerator = wishes[0].sweep.accelerator
    pair = BUILD / "ab" / _name_of(sides, machine)
    rows = {}
    for side, (of_side, build) in zip(SIDES, sides):
        of_side = [replace(each, sweep=replace(each.sweep, accelerator=accelerator)) for each in of_side]
        runs = pair / side / "result_data" / "runs"
        rows[runs] = of_side, wanted.rows(of_side, runs, build)
    if arguments.dry_run:
        for runs, (_, planned) in rows.items():
            launch.show(planned, runs)
        return 0
    with launch.folder(pair):
        plans = [wanted.write_plans(of_side, planned, runs) for runs, (of_side, planned) in rows.items()]
        tasks = launch.tasks(*plans, seed=arguments.seed)
        print(f"{len(tasks)} runs, those that are there included, in {pair}", file=sys.stderr)
        launch.check(launch.run(tasks, arguments.jobs, accelerator))
        for file in plans:
            report(file.parent, [each.suite.name for each in wishes])
        old, new = (file.parent.parent for file in plans)
        chosen = {"base": str(old), "new": new, "allow": [], "junit": arguments.junit, "markdown": arguments.markdown}
        return gate(argparse.Namespace(**chosen))


def _builds(wishes: Sequence[Wish], base: str, machine: str) -> list[Side]:
    """The same wishes with the build of a revision, and with this tree's."""
    given = os.environ.get("PIPELAB_AB_BASE_BUILD")
    build = Path(given).resolve() if given else _build(base, _commit(base), machine)
    return [(wishes, str(build)), (wishes, "")]


def _programs(wishes: Sequence[Wish], base: str) -> list[Side]:
    """The wishes with another file in the place of their program, a path from here or from the suite's folder, and as they
    are."""
    others = []
    for each in wishes:
        files = [path for path in (Path(base), each.suite.file.parent / base) if is_file(path)]
        if not files:
            raise Complaint("--base-program", f"'{base}' is not there: give the file of another build of the program")
        other = replace(each.suite.contract, instead=files[0].resolve())
        if other.own is None or not other.own.programs:
            what = "has no program = that another could stand in for: compare its packages as two suites"
            raise Complaint(each.suite.file, what)
        others.append(replace(each, suite=replace(each.suite, contract=other)))
    return [(others, ""), (wishes, "")]


def _name_of(sides: Sequence[Side], machine: str) -> str:
    """What a pair of programs, each in its image, is called."""
    facts = b""
    for wishes, build in sides:
        file = (Path(build) if build else BUILD) / "image" / machine / "image.tsv"
        if not file.is_file():
            raise Complaint(file, f"is missing: run 'make image TARGET={machine}' there", FAILED)
        parcels = {program.pack(each.suite.contract, machine).digits for each in wishes if each.suite.contract.own}
        facts += file.read_bytes() + " ".join(sorted(parcels)).encode()
    return hashlib.sha256(facts).hexdigest()[:12]


def _build(revision: str, commit: str, machine: str) -> Path:
    """The folder of a build with the image that has the program of `commit`, but this tree's /init and packages."""
    git(ROOT, "worktree", "prune")
    if TREE.is_dir():
        words = ["git", "-C", str(TREE), "checkout", "--quiet", "--detach", commit]
    else:
        TREE.parent.mkdir(parents=True, exist_ok=True)
        words = ["git", "-C", str(ROOT), "worktree", "add", "--quiet", "--detach", str(TREE), commit]
    if attend(words):
        raise Complaint(revision, f"cannot be checked out in {TREE} for the reason above: mend that", FAILED)
    packages = TREE / "build" / "packages"
    if not packages.is_dir() and (BUILD / "packages").is_dir():
        shutil.copytree(BUILD / "packages", packages, symlinks=True, copy_function=os.link)
    print(f"building {commit[:12]}", file=sys.stderr)
    make = ["make", "-C", str(TREE), "--no-print-directory", "program", f"TARGET={machine}"]
    image = [str(ROOT / "qemu" / "make_image.sh"), machine]
    log = TREE / "build.log"
    with log.open("wb") as said:
        if attend(make, said) or attend(image, said, PIPELAB_BUILD=str(TREE / "build")):
            raise Complaint(revision, f"cannot be built: see {log}", FAILED)
    return TREE / "build"
