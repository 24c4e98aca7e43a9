"""python3 -m lab: the steps of a sweep that are not shell. Each reads files and writes files."""

import argparse
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, NoReturn

from lab.plan import plan, suite
from lab import steps as do
from lab.capacity import step as capacity_step
from lab.counters import observe as counting
from lab.plan.places import RESULTS
from lab.runs import ab, matrix, step as run_steps
from lab.trace import step as trace_step
from lab.plan.arguments import add_guest_options, add_path, to_number
from lab.text.complaint import FAILED, Complaint
from lab.plan.suite import Number

MAX_REPLICATES = 1000


def main() -> int:
    signal.signal(signal.SIGTERM, _terminate)
    try:
        arguments = _parser().parse_args()
        return arguments.step(arguments) or 0
    except Complaint as complaint:
        print(f"pipelab: {complaint}", file=sys.stderr)
        return complaint.exit_code
    except OSError as error:
        print(f"pipelab: {Complaint(error.filename or 'a file', str(error.strerror or error))}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt as interrupt:
        return 143 if isinstance(interrupt, Terminated) else 130
    except Exception as error:  # none is expected
        print(f"pipelab: this is a fault of pipelab: {_kept(error)}", file=sys.stderr)
        return FAILED


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends whatever Ctrl-C ends."""


def _terminate(*_: object) -> None:
    raise Terminated


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


class _Help(argparse.HelpFormatter):
    """Lines of up to 120 characters, whatever the terminal has."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=120)


class _Parser(argparse.ArgumentParser):
    """Complains in one line, and takes options by their whole names."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Help, **settings)

    def error(self, message: str) -> NoReturn:
        if message.startswith("argument "):  # argument --reps: ...
            where, what = message.removeprefix("argument ").split(": ", 1)
            raise Complaint(where, what.replace("expected one argument", "needs a value"))
        raise Complaint(self.prog, f"{message}: see --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="lab", description=__doc__)
    steps = parser.add_subparsers(required=True, metavar="STEP")

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

    step = steps.add_parser("bench", help="make tables, picture and results.md from the samples of pipelab_bench")
    step.set_defaults(step=do.make_bench)
    add_path(step, "--samples", "the CSV file of pipelab_bench")
    add_path(step, "--result-data", "where tables and the picture go")
    add_path(step, "--page", "the Markdown file to write")

    run_steps.add(steps, do.report_suites)
    ab.add(steps, do.report_suites, do.run_gate)
    matrix.add(steps, do.report_suites, do.show_matrix)
    counting.add(steps, do.report_suites)
    _add_verification(steps)
    _add_timers(steps)
    _add_counters(steps)
    _add_readers(steps)
    capacity_step.add(steps, do.results_page)
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
    step = steps.add_parser("counters", help="show what the counters' plugin saw of a guest")
    step.set_defaults(step=do.show_counters)
    step.add_argument("--symbols", type=Path, action="append", default=[], help="of nm, or /proc/kallsyms")
    step.add_argument("--csv", type=Path, help="where the counts go")
    step.add_argument("--shared-csv", type=Path, help="where the shared lines go")
    step.add_argument("counters", type=Path, help="a run's counters.json")


def _add_readers(steps: Any) -> None:
    """The steps that read results."""
    step = steps.add_parser(
        "gate",
        prog="scripts/gate.sh",
        help="compare two sets of results, and judge objectives",
        description="Compares the results in result_data/ with those in the folder DIR, or with those that the git "
        "revision GIT-REV has committed, and prints what is worse, unknown or better.",
        epilog="Exit codes: 0 good, 1 results cannot be read, 2 wrong usage, or the two differ in more than the "
        "program, 3 worse, 4 an objective is missed, 5 inconclusive.",
    )
    step.set_defaults(step=do.run_gate)
    about = "a folder of results, or a git revision that has them"
    step.add_argument("--base", required=True, metavar="DIR|GIT-REV", help=about)
    about = "the results to judge (result_data)"
    step.add_argument("--new", type=Path, default=RESULTS, metavar="DIR", help=about)
    about = "compare although NAME differs: kernel, qemu, guest, host or options; may be repeated"
    step.add_argument("--allow", action="append", default=[], metavar="NAME", help=about)
    step.add_argument("--junit", type=Path, metavar="FILE", help="also write JUnit XML")
    step.add_argument("--markdown", type=Path, metavar="FILE", help="also write what is printed")

    step = steps.add_parser("noise-floor", help="show the smallest change that live runs can detect")
    step.set_defaults(step=do.show_noise_floor)
    step.add_argument("results", type=Path, help="a folder of results")
    step.add_argument("suites", nargs="*", metavar="SUITE")

    step = steps.add_parser("export", help="print results in a format that other tools read")
    step.set_defaults(step=do.export)
    step.add_argument("--format", required=True, help="google-benchmark, go, prometheus, chrome-trace, or hlog")
    step.add_argument("source", type=Path, help="a folder of results; for chrome-trace and hlog that of a run")


if __name__ == "__main__":
    sys.exit(main())
