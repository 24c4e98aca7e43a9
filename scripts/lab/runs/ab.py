"""A against B: another revision's program and this tree's, run alternately on this machine, and compared.

All else (kernel, /init, scripts, scenarios) is of this tree. It is one launch of two plans, whose rows have a `build`.
"""

import argparse
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lab.plan.places import BUILD, ROOT
from lab.runs import launch, wanted
from lab.runs.attend import attend, git
from lab.runs.step import Report, add_sweep_options
from lab.runs.wanted import Wish
from lab.text.complaint import FAILED, Complaint

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
        "tree, in one shuffled order, and compares the two. All else (kernel, /init, scripts, scenarios) is of this "
        "tree. What is done already is not run again. Runs and reports are in build/ab/PAIR/base/ and .../new/. "
        "--dry-run builds GIT-REV as well, whose image is part of the commands.",
        epilog="Exit codes: 0 good, 1 a build, a run or the report failed, 2 wrong usage, 3 this tree is worse, 4 it "
        "misses an objective, 5 inconclusive, 130 or 143 interrupted.",
    )
    step.set_defaults(step=lambda arguments: compare(arguments, report, gate))
    about = "the revision to compare with (builds of the suites, one by one)"
    step.add_argument("--base", default="", metavar="GIT-REV", help=about)
    add_sweep_options(step, reps=10)
    step.add_argument("--make-images", action="store_true", help="first make this tree's images that the runs need")
    step.add_argument("--junit", type=Path, metavar="FILE", help="also write the outcome as JUnit XML")
    step.add_argument("--markdown", type=Path, metavar="FILE", help="also write the outcome as Markdown")
    step.add_argument("suites", nargs="+", metavar="SUITE")


def compare(arguments: argparse.Namespace, report: Report, gate: Gate) -> int:
    """Compares this tree with each base on each target, and gives the gravest of the gate's exit codes."""
    os.environ.setdefault("PIPELAB_PROGRAM", str(BUILD / "host" / "pipelab"))  # checks the options of both
    wishes = wanted.of(arguments)
    bases = dict.fromkeys([arguments.base] if arguments.base else [one for each in wishes for one in each.suite.builds])
    if not bases:
        raise Complaint("--base", "is not given: give a git revision such as main or HEAD~1, or builds in the suite")
    commits = {base: _commit(base) for base in bases}
    if arguments.make_images:
        wanted.make_images(wishes)
    machines = dict.fromkeys(each.sweep.target for each in wishes)
    codes = [
        _compare(arguments, [each for each in wishes if each.sweep.target == machine], base, commit, report, gate)
        for base, commit in commits.items()
        for machine in machines
    ]
    return min((code for code in codes if code), default=0)  # worse is 3, a missed objective 4, inconclusive 5


def _commit(base: str) -> str:
    commit = git(ROOT, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}").decode()
    if not commit:
        raise Complaint("--base", f"'{base}' is no git revision: give one such as main or HEAD~1")
    return commit


def _compare(
    arguments: argparse.Namespace, wishes: Sequence[Wish], base: str, commit: str, report: Report, gate: Gate
) -> int:
    """Runs the builds of a commit, which is called `base`, and of this tree in turns, and reports on each."""
    given = os.environ.get("PIPELAB_AB_BASE_BUILD")
    machine = wishes[0].sweep.target
    builds = (Path(given).resolve() if given else _build(base, commit, machine), BUILD)
    pair = BUILD / "ab" / _name_of(builds, machine)
    wishes = wanted.on_accelerator(wishes)
    rows = {
        (runs := pair / side / "result_data" / "runs"): wanted.rows(wishes, runs, build)
        for side, build in zip(SIDES, (str(builds[0]), ""))
    }
    if arguments.dry_run:
        for runs, planned in rows.items():
            launch.show(planned, runs)
        return 0
    with launch.folder(pair):
        plans = [wanted.write_plans(wishes, planned, runs) for runs, planned in rows.items()]
        tasks = launch.tasks(*plans, seed=arguments.seed)
        print(f"{len(tasks)} runs, those that are there included, in {pair}", file=sys.stderr)
        launch.check(launch.run(tasks, arguments.jobs, wishes[0].sweep.accelerator))
        for file in plans:
            report(file.parent, [each.suite.name for each in wishes])
    old, new = (file.parent.parent for file in plans)
    chosen = {"base": str(old), "new": new, "allow": [], "junit": arguments.junit, "markdown": arguments.markdown}
    return gate(argparse.Namespace(**chosen))


def _name_of(builds: tuple[Path, Path], machine: str) -> str:
    """What a pair of images is called."""
    facts = b""
    for build in builds:
        file = build / "image" / machine / "image.tsv"
        if not file.is_file():
            raise Complaint(file, f"is missing: run 'make image TARGET={machine}' there", FAILED)
        facts += file.read_bytes()
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
