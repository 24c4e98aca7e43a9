"""python3 -m lab: the steps of a sweep that are not shell. Each reads files and writes files."""

import argparse
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, NoReturn

from lab.plan import plan, suite
from lab import steps as do
from lab.capacity import step as capacity_step
from lab.trace import step as trace_step
from lab.plan.arguments import add_guest_options, add_path, to_number
from lab.text.complaint import FAILED, Complaint
from lab.plan.suite import Number

MAX_REPLICATES = 1000


def main() -> int:
    try:
        arguments = _parser().parse_args()
        return arguments.step(arguments) or 0
    except Complaint as complaint:
        print(f"pipelab: {complaint}", file=sys.stderr)
        return complaint.exit_code
    except OSError as error:
        print(f"pipelab: {Complaint(error.filename or 'a file', str(error.strerror or error))}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # none is expected
        print(f"pipelab: this is a fault of pipelab: {_kept(error)}", file=sys.stderr)
        return FAILED


def _kept(fault: Exception) -> str:
    """What happened, in one line that ends with the file that has its traceback: beside all else that is temporary."""
    place = traceback.extract_tb(fault.__traceback__)[-1]
    what = f"{type(fault).__name__} in {Path(place.filename).name}, line {place.lineno}"
    try:
        descriptor, name = tempfile.mkstemp(prefix="pipelab-fault-", suffix=".txt")
        with open(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(f"{' '.join(sys.argv)}\n\n")
            traceback.print_exception(fault, file=file)
    except OSError as error:
        return f"{what} (its traceback could not be kept: {error.strerror}): please report it"
    return f"{what}: please report it with {name}, where its traceback is"


class _Parser(argparse.ArgumentParser):
    """Complains in one line."""

    def error(self, message: str) -> NoReturn:
        if message.startswith("argument "):  # argument --reps: ...
            where, what = message.removeprefix("argument ").split(": ", 1)
            raise Complaint(where, what)
        raise Complaint(self.prog, f"{message}: see --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="lab", description=__doc__)
    steps = parser.add_subparsers(required=True, metavar="STEP")

    step = steps.add_parser("plan", help="expand suites into the rows of a sweep")
    step.set_defaults(step=do.make_plan)
    add_path(step, "--runs", "where runs are kept")
    step.add_argument("--plans", type=Path, help="where the plans go, if not to the runs")
    add_path(step, "--build", "where the images are")
    step.add_argument("--target", required=True)
    step.add_argument("--accelerator", choices=plan.ACCELERATORS, default="tcg", help="of live runs")
    add_guest_options(step)
    step.add_argument("--timing", type=_timings, default=list(plan.TIMINGS), help="exact, live, or both")
    step.add_argument("--reps", type=to_number(Number(1, MAX_REPLICATES)), default=3)
    step.add_argument("--seed", type=to_number(Number(0, plan.MAX_SEED)), default=1)
    duration = suite.OPTIONS["duration"]
    step.add_argument("--duration", type=to_number(duration), help="seconds; else as the suite says, or 2")
    step.add_argument("suites", nargs="+", metavar="SUITE")

    step = steps.add_parser("seal", help="write run.json for a run that ended well")
    step.set_defaults(step=do.seal_run)
    add_path(step, "--build", "where the images are")
    step.add_argument("plan", type=Path)
    step.add_argument("run")
    step.add_argument("folder", type=Path)

    step = steps.add_parser("report", help="make tables, pictures and results.md")
    step.set_defaults(step=do.make_report)
    add_path(step, "--runs", "where runs are kept")
    add_path(step, "--result-data", "where tables and pictures go")
    add_path(step, "--page", "the Markdown file to write")
    step.add_argument("suites", nargs="*", metavar="SUITE")

    step = steps.add_parser("page", help="make results.md again, if it is there, from tables and pictures")
    step.set_defaults(step=do.make_page)
    add_path(step, "--result-data", "where tables and pictures are")
    add_path(step, "--page", "the Markdown file")

    step = steps.add_parser("html", help="make results.html, which needs no network, from tables and runs")
    step.set_defaults(step=do.make_html)
    add_path(step, "--runs", "where runs are kept")
    add_path(step, "--result-data", "where tables are")
    add_path(step, "--page", "the HTML file to write")

    step = steps.add_parser("matrix", help="show a suite's results on every target and kernel in one table")
    step.set_defaults(step=do.show_matrix)
    add_path(step, "--csv", "the CSV file to write")
    step.add_argument("suite", metavar="SUITE")
    step.add_argument("folders", type=Path, nargs="+", help="TARGET.KERNEL/result_data, each with the suite's results")

    step = steps.add_parser("bench", help="make tables, picture and results.md from the samples of pipelab_bench")
    step.set_defaults(step=do.make_bench)
    add_path(step, "--samples", "the CSV file of pipelab_bench")
    add_path(step, "--result-data", "where tables and the picture go")
    add_path(step, "--page", "the Markdown file to write")

    _add_verification(steps)
    _add_timers(steps)
    _add_counters(steps)
    _add_readers(steps)
    capacity_step.add(steps)
    trace_step.add(steps)
    return parser


def _add_verification(steps: Any) -> None:
    for name, about, does in (
        ("recipes", "print how exact results were made", do.show_recipes),
        ("inputs", "say what is no longer as it was for exact results", do.check_inputs),
        ("same", "compare exact results with those that were made again", do.compare_exact),
    ):
        step = steps.add_parser(name, help=about)
        step.set_defaults(step=does)
        add_path(step, "--results", "where the results are")
        if name != "recipes":
            add_path(step, "--again", "where they were made again")
        if name == "inputs":
            add_path(step, "--build", "where the images are")
        step.add_argument("suite", metavar="SUITE")


def _add_timers(steps: Any) -> None:
    step = steps.add_parser("timers", help="show how late timers and threads were in guests")
    step.set_defaults(step=do.show_timers)
    add_path(step, "--csv", "the CSV file to write")
    step.add_argument("folders", type=Path, nargs="+", help="each with guest.tsv, vm.tsv and a tool's histogram")


def _add_counters(steps: Any) -> None:
    step = steps.add_parser("perf", help="show what perf stat counted")
    step.set_defaults(step=do.show_perf)
    add_path(step, "--csv", "the CSV file to write")
    step.add_argument("--timing", required=True, choices=plan.TIMINGS)
    step.add_argument("--smp", required=True, type=to_number(Number(1, 64)), help="the CPUs of the guests")
    step.add_argument("--suite-csv", type=Path, help="the CSV file of a suite's runs, to add these to")
    step.add_argument("--plan", type=Path, help="has the row of each run, in the order of the folders")
    step.add_argument("folders", type=Path, nargs="+", help="of runs: perf.csv, perhaps counters.json and stats.csv")

    step = steps.add_parser("counters", help="show what the counters' plugin saw of a guest")
    step.set_defaults(step=do.show_counters)
    step.add_argument("--symbols", type=Path, action="append", default=[], help="of nm, or /proc/kallsyms")
    step.add_argument("--csv", type=Path, help="where the counts go")
    step.add_argument("--shared-csv", type=Path, help="where the shared lines go")
    step.add_argument("counters", type=Path, help="a run's counters.json")

    step = steps.add_parser("profile", help="show which functions ran how many instructions")
    step.set_defaults(step=do.show_profile)
    step.add_argument("--symbols", type=Path, action="append", default=[], help="of nm, or /proc/kallsyms")
    step.add_argument("--title", required=True, help="of the picture")
    add_path(step, "--csv", "where the functions go")
    add_path(step, "--svg", "where the picture goes")
    step.add_argument("counters", type=Path, help="a run's counters.json")


def _add_readers(steps: Any) -> None:
    """The steps that read results."""
    step = steps.add_parser("gate", help="compare two sets of results, and judge objectives")
    step.set_defaults(step=do.run_gate)
    step.add_argument("--base", required=True, help="a folder of results, or a git revision that has them")
    add_path(step, "--new", "the folder of results to judge")
    step.add_argument("--allow", action="append", default=[], metavar="NAME", help="a difference that is meant")
    step.add_argument("--junit", type=Path, help="the JUnit XML file to write")
    step.add_argument("--markdown", type=Path, help="the Markdown file to write")

    step = steps.add_parser("interleave", help="show the order in which the runs of several sweeps alternate")
    step.set_defaults(step=do.interleave_sweeps)
    step.add_argument("--seed", type=to_number(Number(0, plan.MAX_SEED)), default=1)
    step.add_argument("sweeps", type=Path, nargs="+", metavar="SWEEP")

    step = steps.add_parser("noise-floor", help="show the smallest change that live runs can detect")
    step.set_defaults(step=do.show_noise_floor)
    step.add_argument("results", type=Path, help="a folder of results")
    step.add_argument("suites", nargs="*", metavar="SUITE")

    step = steps.add_parser("export", help="print results in a format that other tools read")
    step.set_defaults(step=do.export)
    step.add_argument("--format", required=True, help="google-benchmark, go, prometheus, chrome-trace, or hlog")
    step.add_argument("source", type=Path, help="a folder of results; for chrome-trace and hlog that of a run")


def _timings(text: str) -> list[str]:
    names = text.split()
    if not names or any(name not in plan.TIMINGS for name in names):
        raise argparse.ArgumentTypeError(f"'{text}' is not valid: give exact, live, or both")
    return names


if __name__ == "__main__":
    sys.exit(main())
