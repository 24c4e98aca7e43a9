"""The steps that boot guests with counters: `count` of scripts/count_runs.sh, `perf-stat` and `profile` of theirs."""

import argparse
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.plan import contract, plan_file, program, target
from lab.plan.arguments import Parser, add_guest_options, sweep_of, to_value
from lab.plan.kinds import MARGIN, Flag, Value
from lab.plan.places import BUILD, RESULTS, ROOT, RUNS, TARGETS
from lab.plan.plan import Row
from lab.plan.scenarios import Scenario
from lab.plan.suite import Suite
from lab.runs import launch, observe, one, wanted
from lab.runs.attend import attend
from lab.runs.guest_files import OUT
from lab.runs.observe import Observed
from lab.runs.step import Report, add_launch_options, add_sweep_options
from lab.runs.wanted import SWEEP, Wish
from lab.text.complaint import FAILED, Complaint
from lab.text.files import needed_text, write_whole
from lab.text.outside import say

if TYPE_CHECKING:
    from lab.counters import maps

SHARED = "shared_lines.csv"
GIVEN = "given"  # the scenario of options that were given on the command line


def add(steps: Any, report: Report) -> None:
    """Adds the three. `report` is what counting ends with."""
    step = steps.add_parser(
        "count",
        prog="scripts/count_runs.sh",
        help="count what the exact runs of the last sweep did",
        description=f"Boots each exact scenario of the last sweep (result_data/runs/{SWEEP}) once more, with the seed "
        "of its first replicate and with the counters, and makes the report again, which then has the counts. What is "
        "counted already is not counted again. Live runs are not counted: that would change their times.",
        epilog="Exit codes: 0 good, 1 a run could not be counted, 2 wrong usage, 130 or 143 interrupted.",
    )
    step.set_defaults(step=lambda arguments: count(arguments, report))
    add_launch_options(step)

    step = steps.add_parser(
        "perf-stat",
        prog="scripts/perf_stat.sh",
        usage="scripts/perf_stat.sh [OPTIONS] -- PIPELAB-OPTIONS\n"
        "       scripts/perf_stat.sh [OPTIONS] --scenario SUITE/SCENARIO",
        help="count what a workload does in the guest, with the guest's own perf stat",
        description="Runs 'perf stat pipelab' in fresh guests, prints the mean counts, and writes them as CSV. What "
        "the guest's PMU lacks is filled in from outside where it can be: counted (plugin) and simulated by QEMU's "
        "plugin, for the measured part of the run, and labelled so; likewise instructions in exact timing with several "
        "CPUs, which the PMU cannot tell apart. Else it is shown as not supported, and is empty in the CSV. The counts "
        "of a scenario, which runs without its warm-up then, are also kept run by run in result_data/SUITE_perf.csv, "
        "for results.md.",
        epilog="Example: scripts/perf_stat.sh --reps 5 -- --duration 2 --pacing spin. "
        "Exit codes: 0 good, 1 failed, 2 wrong usage.",
    )
    step.set_defaults(step=perf_stat)
    add_sweep_options(step, reps=5, timing="exact")
    add_guest_options(step)
    csv = RESULTS / "perf_stat.csv"
    about = "where the counts go (result_data/perf_stat.csv)"
    step.add_argument("--csv", type=Path, default=csv, metavar="FILE", help=about)
    step.add_argument("--scenario", metavar="SUITE/SCENARIO", help="what to count")
    step.add_argument("words", nargs="*", metavar="PIPELAB-OPTIONS")

    step = steps.add_parser(
        "profile",
        prog="scripts/profile.sh",
        help="count how many instructions each function ran in one scenario",
        description="Runs the scenario once in exact timing and counts each instruction of its measured part by "
        "function, of the workload and of the kernel (not sampled; what calls what is not known). Prints the hot spots "
        "and writes profile_SUITE_SCENARIO.csv and .svg into result_data/.",
        epilog="Example: scripts/profile.sh --duration 0.5 t001/baseline-0us. "
        "Exit codes: 0 good, 1 failed, 2 wrong usage.",
    )
    step.set_defaults(step=profile)
    add_sweep_options(step, reps=1, timing="exact")
    add_guest_options(step)
    step.add_argument("scenario", metavar="SUITE/SCENARIO")


def count(arguments: argparse.Namespace, report: Report) -> None:
    """Counts what the exact runs of the last sweep did, and makes its report again."""
    sweep = RUNS / SWEEP
    if not sweep.is_file():
        raise Complaint(sweep, "is not there: run 'make run-scenarios' first", FAILED)
    rows = plan_file.read(sweep)
    chosen = [row for row in rows if row.timing == "exact" and row.replicate == 1]
    if not chosen:
        raise Complaint(sweep, "has no exact runs to count: run 'make run-scenarios TIMING=exact'", FAILED)
    print(f"counting {len(chosen)} exact runs", file=sys.stderr)
    there = [row for row in chosen if (RUNS / row.run).is_dir()]
    counted = observe.run(there, "counters", arguments)
    if arguments.dry_run:
        return
    _name_lines(counted, arguments)
    report(RUNS, sorted({row.suite for row in rows}))
    launch.check(counted.failures)
    if len(there) < len(chosen):
        what = f"{len(chosen) - len(there)} of its runs are not there and not counted"
        raise Complaint(sweep, f"{what}: run 'make run-scenarios' again", FAILED)


def _name_lines(counted: Observed, arguments: argparse.Namespace) -> None:
    """Leaves beside the counts which lines of memory CPUs shared, and what of the program lies there.

    Where a user's program had its memory is not known of the counted run, which nobody may disturb. So its lines are those
    of one more run, which is followed.
    """
    from lab.counters import counters, maps, symbols  # with pandas, which takes a second to load

    def keep(folder: Path, seen: dict[str, Any], names: symbols.Symbols, *unnamed: tuple[str, str]) -> None:
        table = counters.shared_lines(seen, names, *unnamed)
        write_whole(folder / SHARED, table.to_csv(index=False, lineterminator="\n"))

    nothing = symbols.Symbols(symbols.NONE)
    of_own: dict[str, tuple[Path, dict[str, Any]]] = {}
    for row, folder in zip(counted.rows, counted.folders):
        if not (folder / one.COUNTS).is_file() or (folder / SHARED).is_file():
            continue
        seen = counters.read(folder / one.COUNTS)
        if row.parcel and (counters.shared_lines(seen, nothing)["space"] == "user").any():
            of_own[row.run] = (folder, seen)
        else:
            keep(folder, seen, nothing if row.parcel else symbols.read([_program_symbols(row)]))
    if not of_own:
        return
    print(f"running {len(of_own)} of them again, to name what their CPUs share", file=sys.stderr)
    followed = observe.run([row for row in counted.rows if row.run in of_own], "lines", arguments)
    for row, run in zip(followed.rows, followed.folders):
        folder, seen = of_own[row.run]
        if run.is_dir():
            names = maps.of_images(_images(run), program.file_of(row.parcel))
            keep(folder, counters.read(run / one.COUNTS), names, (counters.UNNAMED_DATA["user"], maps.ELSEWHERE))
        else:
            keep(folder, seen, nothing, (maps.UNKNOWN, maps.ELSEWHERE))


def _program_symbols(row: Row) -> Path:
    return BUILD / row.target / "pipelab.symbols"


def perf_stat(arguments: argparse.Namespace) -> None:
    """Counts in guests of their own, and prints the means."""
    from lab.counters import counted, perf

    wish = _wish(arguments)
    if not arguments.dry_run:
        attend(["make", "--no-print-directory", "-s", "-C", str(ROOT), "counters"])  # run_vm.sh says what is lacking
    runs = observe.run(observe.rows_of([wish], arguments, "image-perf"), "perf", arguments)
    launch.check(runs.failures)
    if not runs.rows:
        return
    row = runs.rows[0]
    subject = arguments.scenario or f"pipelab {' '.join(arguments.words)}"
    say(f"{row.target}, {row.timing} timing, mean of {len(runs.rows)} runs of: {subject}")
    in_turn = row.timing == "exact" and row.guest.smp > 1
    table = perf.mean([perf.of_run(folder, in_turn) for folder in runs.folders])
    write_whole(arguments.csv, perf.csv(table))
    say(perf.text(table))
    if in_turn:
        say(f"not of perf: instructions and cycles, as its counters see all {row.guest.smp} CPUs on each")
    written = str(arguments.csv)
    if arguments.scenario:
        file = RESULTS / counted.PERF_FILE.format(row.suite)
        new = counted.of_perf(runs.folders, runs.rows)
        write_whole(file, counted.KEPT.csv(counted.KEPT.merged(file, new)))
        written += f" and {file}; 'make report' shows it in results.md"
    print(f"written to {written}", file=sys.stderr)


def _wish(arguments: argparse.Namespace) -> Wish:
    """What is to be counted: a scenario, or options; without a warm-up and samples, which would be counted as well."""
    if arguments.scenario and arguments.words:
        raise Complaint("--scenario", "has its own options: leave out those after --")
    if arguments.scenario:
        wish = wanted.the_scenario(arguments, arguments.scenario)
    elif arguments.words:
        if arguments.duration is not None:
            raise Complaint("--duration", "is of a scenario: give it after --")
        wish = Wish(_given(arguments.words), sweep_of(arguments, arguments.timing, arguments.reps))
    else:
        what = "is given: give --scenario SUITE/SCENARIO, or -- and the workload's options"
        raise Complaint("nothing to count", what)
    known, scenario = wish.suite.contract, wish.suite.scenarios[0]
    warmup = known.meaning("warmup")
    without: dict[str, Value] = {warmup.name: 0} if warmup else {}
    if "max-samples" in known.options:
        without["max-samples"] = 0
    bare = replace(scenario, options=scenario.options | without)
    return replace(wish, suite=replace(wish.suite, scenarios=(bare,)))


def _given(words: Sequence[str]) -> Suite:
    """A suite of one scenario, whose options are `words`: of a workload, which may come first, or of pipeline."""
    name, rest = ("pipeline", words) if words[0].startswith("--") else (words[0], words[1:])
    known = contract.load(name)
    parser = Parser(prog=f"pipelab {name}", argument_default=argparse.SUPPRESS)
    for option in known.options.values():
        if isinstance(option.kind, Flag):
            parser.add_argument(f"--{option.name}", dest=option.name, action="store_true")
        elif option.means != "seed":
            parser.add_argument(f"--{option.name}", dest=option.name, type=to_value(option.kind))
    scenario = Scenario(GIVEN, vars(parser.parse_args(rest)))
    return Suite("perf_stat", "Options that were given", known, {}, (scenario,), {}, MARGIN, (), file=Path("perf_stat"))


def profile(arguments: argparse.Namespace) -> None:
    """Counts the instructions of each function, and prints those that ran most."""
    from lab.counters import counters, hot_spots, maps, symbols

    wish = wanted.the_scenario(arguments, arguments.scenario)
    if wish.sweep.timings != ("exact",):
        raise Complaint("--timing", "instructions are counted in exact timing only: leave it out")
    runs = observe.run(observe.rows_of([wish], arguments), "profile", arguments)
    launch.check(runs.failures)
    if not runs.rows:
        return
    row, folder = runs.rows[0], runs.folders[0]
    seen, kernel = counters.read(folder / one.COUNTS), _kernel_symbols(row)
    if row.parcel:
        images = _images(folder)
        named = maps.of_images(images, program.file_of(row.parcel))
        table = counters.functions(seen, symbols.read([kernel], behind=named), maps.ELSEWHERE)
    else:
        images = []
        table = counters.functions(seen, symbols.read([_program_symbols(row), kernel]))
    file = RESULTS / f"profile_{row.suite}_{row.scenario}.csv"
    title = f"{arguments.scenario} on {row.target}, exact timing, {row.guest.smp} CPUs, kernel {row.guest.kernel}"
    write_whole(file, table.to_csv(index=False, lineterminator="\n", float_format="%.6g"))
    write_whole(file.with_suffix(".svg"), hot_spots.draw(table, f"{title}, seed {row.seed}"))
    say(counters.functions_text(table))
    for note in maps.notes(images, set(table["function"])):
        say(note)
    print(f"written to {file} and .svg", file=sys.stderr)


def _images(folder: Path) -> "list[maps.Image]":
    """What the programs of a profiled run had in memory."""
    from lab.counters import maps

    return maps.parse(
        needed_text(
            folder / OUT / maps.FILE, f"remove its folder ('rm -r {shlex.quote(str(folder))}'), and run it again"
        )
    )


def _kernel_symbols(row: Row) -> Path:
    """The names of the kernel's functions: the package's System.map is empty, so the guest is asked, once."""
    image = target.load(TARGETS, row.target).image(BUILD, row.guest.kernel)
    file, kernel = image / "kallsyms", image / "vmlinuz"
    if file.is_file() and file.stat().st_mtime > kernel.stat().st_mtime:
        return file
    with tempfile.TemporaryDirectory() as folder:
        words = [str(one.RUN_VM), "--target", row.target, "--kernel", row.guest.kernel, "--smp", "1"]
        if attend([*words, "--out", f"{folder}/guest", "--", "cp", "/proc/kallsyms", "kallsyms"]):
            raise Complaint(row.run, "the names of its kernel's functions cannot be had for the reason above", FAILED)
        shutil.move(f"{folder}/guest/out/kallsyms", file)
    return file
