"""What a user wants to run: suites, each with how. Their images, their accelerator, their rows and plans."""

import argparse
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lab.plan import plan, plan_file, suite, target
from lab.plan.arguments import sweep_of
from lab.plan.guest import Guest
from lab.plan.places import BUILD, ROOT, TARGETS
from lab.plan.plan import Row, Sweep
from lab.plan.suite import Suite
from lab.runs import run_record
from lab.runs.attend import MORTAL, attend
from lab.text.complaint import FAILED, Complaint
from lab.text.files import write_whole

SWEEP = "sweep.jsonl"  # the rows of all suites and timings, as they are run


@dataclass(frozen=True)
class Wish:
    """A suite, and how it is to be run."""

    suite: Suite
    sweep: Sweep

    @property
    def images(self) -> set[str]:
        """Which of contract.IMAGES its scenarios need; "" is the usual one."""
        return {self.suite.contract.image_for(each.options) for each in self.suite.scenarios}

    @property
    def guests(self) -> list[Guest]:
        """Those of its scenarios."""
        return list(plan.guests_of(self.suite, self.sweep, target.load(TARGETS, self.sweep.target), TARGETS).values())


def of(arguments: argparse.Namespace) -> list[Wish]:
    """The suites that the user gave, each with how it is to be run: as the user says, else as the suite does."""
    return [
        Wish(each, sweep_of(arguments, arguments.timing or each.timings, arguments.reps or each.replicates, machine))
        for each in suite.load_all(arguments.suites)
        for machine in ([arguments.target] if arguments.target else each.targets)
    ]


def rows(wishes: Sequence[Wish], runs: Path, build: str = "") -> list[Row]:
    """All runs that are wanted, in the order in which they are started. `build`: the folder of another build.

    Raises Complaint where one that is in `runs` already is damaged: now, and not after an hour.
    """
    images = Path(build) if build else BUILD
    found = [row for each in wishes for row in plan.expand(each.suite, each.sweep, images, TARGETS)]
    found = numbered(found, runs)
    for row in found:
        if (runs / row.run).exists():
            run_record.load(runs / row.run, row)
    return plan.shuffled([replace(row, build=build) for row in found], found[0].sweep_seed)


def numbered(rows: Sequence[Row], runs: Path) -> list[Row]:
    """The rows, of the live ones each with the first twin of its run that may be its own.

    Suites that ask for the same in one sweep share it. Scenarios of one suite do not, as a run that is compared with
    itself would show no noise; nor is one taken from another sweep, which was made at another time than the runs that it
    would be compared with.
    """
    found: list[Row] = []
    taken: set[tuple[str, str]] = set()
    for row in rows:
        while row.timing == "live" and ((row.suite, row.run) in taken or _is_of_others(row, runs)):
            row = plan.next_twin(row)
        taken.add((row.suite, row.run))
        found.append(row)
    return found


def _is_of_others(row: Row, runs: Path) -> bool:
    """Whether its run is in `runs`, and was made without it."""
    asked_for_by = run_record.asked_for_by(runs / row.run)
    return bool(asked_for_by) and row.asked_as not in asked_for_by


def write_plans(wishes: Sequence[Wish], rows: Sequence[Row], runs: Path) -> Path:
    """Writes into `runs` a plan for each suite and timing, which the report reads, and gives the file that has all rows.

    Where a part of a suite is wanted, the plan keeps the rest.
    """
    for each in wishes:
        write_whole(runs / plan.title_file(each.suite.name), plan.title_text(each.suite))
        order = {scenario.name: number for number, scenario in enumerate(each.suite.scenarios)}
        for timing in each.sweep.timings:
            file = runs / plan.file_name(each.suite.name, each.sweep.target, timing)
            of_file = (each.suite.name, each.sweep.target, timing)
            chosen = [row for row in rows if (row.suite, row.target, row.timing) == of_file]
            chosen.sort(key=lambda row: (order[row.scenario], row.replicate))
            if not each.suite.whole and file.is_file():
                chosen += [row for row in plan_file.read(file) if row.scenario not in order]
            write_whole(file, plan_file.write(chosen))
    write_whole(runs / SWEEP, plan_file.write(list(rows)))
    return runs / SWEEP


def the_scenario(arguments: argparse.Namespace, text: str) -> Wish:
    """The one scenario that the user calls SUITE/SCENARIO, with how it is to be run."""
    chosen = suite.load_all([text])[0]
    if len(chosen.scenarios) != 1:
        raise Complaint(text, "is not SUITE/SCENARIO, such as t001/baseline-0us")
    return Wish(chosen, sweep_of(arguments, arguments.timing, arguments.reps))


def make_images(wishes: Iterable[Wish], what: str = "image") -> None:
    """Makes the images that the guests need, as `make` does: image, image-go for programs that need that, or image-perf."""
    needed = {
        (each.sweep.target, shape.kernel, f"image-{image}" if image else what)
        for each in wishes
        for shape in each.guests
        for image in each.images
    }
    for machine, kernel, what in sorted(needed):
        words = ["make", "--no-print-directory", "-s", "-C", str(ROOT), what, f"TARGET={machine}", f"KERNEL={kernel}"]
        if attend(words, sys.stderr.fileno(), MAKEFLAGS=""):  # not those of a make that called us
            having = f" with {what.removeprefix('image-')}" if what != "image" else ""
            failed = f"the image{having} cannot be made for the reason above: mend that, and try again"
            raise Complaint(f"{machine}, kernel {kernel}", failed, FAILED)


def on_accelerator(wishes: Sequence[Wish]) -> list[Wish]:
    """The same, with what live runs are on. Raises Complaint where they cannot be on what is wanted.

    A probe guest finds it out. Without an image there is none, and what needs the image says so.
    """
    return [replace(each, sweep=replace(each.sweep, accelerator=_probed(each.sweep))) for each in wishes]


def _probed(sweep: Sweep) -> str:
    machine = target.load(TARGETS, sweep.target)
    there = (machine.image(BUILD, machine.kernels[0]) / "initrd.cpio").is_file()
    if sweep.wanted_accelerator != "kvm" and not ("live" in sweep.timings and there):
        return "tcg"
    words = ["--wanted", sweep.wanted_accelerator, "--timing", " ".join(sweep.timings), sweep.target]
    probe = [*MORTAL, str(ROOT / "qemu" / "probe_kvm.sh"), *words]
    ended = subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    said = ended.stderr.strip()
    if ended.returncode:
        raise Complaint("--accelerator", said.removeprefix("probe_kvm.sh: --accelerator: "), ended.returncode)
    if said:
        print(said, file=sys.stderr)
    return ended.stdout.strip()
