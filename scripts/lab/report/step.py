"""The steps that make reports of results, and other formats of them."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.judge.step import names_of
from lab.plan import plan, suite
from lab.plan.arguments import add_path
from lab.plan.places import PAGE, RESULTS, ROOT, RUNS
from lab.plan.suite import Suite
from lab.text.complaint import FAILED, Complaint
from lab.text.files import write_whole
from lab.text.outside import say


def add(steps: Any) -> None:
    """Adds `report`, `html`, `bench`, `gate` and `export`. What they need takes a second to load."""
    step = steps.add_parser("report", help="make tables, pictures and results.md")
    step.set_defaults(step=make_report)
    add_path(step, "--runs", "where runs are kept", RUNS)
    add_path(step, "--result-data", "where tables and pictures go", RESULTS)
    add_path(step, "--page", "the Markdown file to write", PAGE)
    step.add_argument("suites", nargs="*", metavar="SUITE")

    step = steps.add_parser("html", help="make results.html, which needs no network, from tables and runs")
    step.set_defaults(step=make_html)
    add_path(step, "--runs", "where runs are kept", RUNS)
    add_path(step, "--result-data", "where tables are", RESULTS)
    add_path(step, "--page", "the HTML file to write", PAGE.with_suffix(".html"))

    step = steps.add_parser("bench", help="make tables, picture and results.md from the samples of pipelab_bench")
    step.set_defaults(step=make_bench)
    add_path(step, "--samples", "the CSV file of pipelab_bench")
    add_path(step, "--result-data", "where tables and the picture go", RESULTS)
    add_path(step, "--page", "the Markdown file to write", PAGE)

    step = steps.add_parser(
        "gate",
        prog="scripts/gate.sh",
        help="compare two sets of results, and judge objectives",
        description="Compares the results in result_data/ with those in the folder DIR, or with those that the git "
        "revision GIT-REV has committed, and prints what is worse, unknown or better.",
        epilog="Exit codes: 0 good, 1 results cannot be read, 2 wrong usage, or the two differ in more than the "
        "program, 3 worse, 4 an objective is missed, 5 inconclusive.",
    )
    step.set_defaults(step=run_gate)
    about = "a folder of results, or a git revision that has them"
    step.add_argument("--base", required=True, metavar="DIR|GIT-REV", help=about)
    about = "the results to judge (result_data)"
    step.add_argument("--new", type=Path, default=RESULTS, metavar="DIR", help=about)
    about = "compare although NAME differs: kernel, qemu, guest, host or options; may be repeated"
    step.add_argument("--allow", action="append", default=[], metavar="NAME", help=about)
    step.add_argument("--junit", type=Path, metavar="FILE", help="also write JUnit XML")
    step.add_argument("--markdown", type=Path, metavar="FILE", help="also write what is printed")

    step = steps.add_parser("export", help="print results in a format that other tools read")
    step.set_defaults(step=export)
    step.add_argument("--format", required=True, help="google-benchmark, go, prometheus, chrome-trace, or hlog")
    about = "a folder of results (result_data); for chrome-trace and hlog that of a run"
    step.add_argument("source", type=Path, nargs="?", default=RESULTS, help=about)


def report_suites(runs: Path, suites: Sequence[str]) -> None:
    """Makes the report of `suites` from a folder of runs, beside it."""
    _report(runs, suites, runs.parent, runs.parent.parent / "results.md")


def make_report(arguments: argparse.Namespace) -> None:
    """Makes tables and pictures of each suite, then results.md."""
    _report(arguments.runs, names_of(arguments.suites), arguments.result_data, arguments.page)


def write_pages(result_data: Path, page: Path) -> None:
    """Writes results.md to `page`, and the pages of suites and instruments into `result_data`."""
    from lab.report import page as pages

    pages.write(result_data, page)


def _report(runs: Path, suites: Sequence[str], results: Path, page: Path) -> None:
    """Makes the files of `suites`, or of all that have plans. Runs that are damaged are named, and left out."""
    from lab.report import suite as suite_results  # pandas and matplotlib take a second to load

    names = suites or plan.planned_suites(runs)
    if not names:
        raise Complaint(runs, "there are no runs: run 'make run-scenarios' first", FAILED)
    made: dict[str, str | bytes] = {}
    complaints: list[Complaint] = []
    empty: list[str] = []
    for name in names:
        file = plan.suite_file(runs, name)
        try:
            files, wrongs = suite_results.make(name, runs, suite.load(file) if file.is_file() else None, results)
        except Complaint as complaint:  # of one suite: the others are reported
            complaints.append(complaint)
            continue
        made |= files
        complaints += wrongs
        empty += [] if files else [name]
    for file_name, content in made.items():
        if content == b"":  # a picture that would show nothing
            (results / file_name).unlink(missing_ok=True)
        else:
            write_whole(results / file_name, content)
    for name in names:  # pictures of measurements that are no longer there would pass for those of now
        for pattern in ("stages_*.png", "series_*.png", "series.csv", "phases.csv"):
            for old in results.glob(f"{name}_{pattern}") if f"{name}_raw.csv" in made else ():
                if old.name not in made:
                    old.unlink()
    if made:
        write_pages(results, page)
    if empty:
        elsewhere = results.absolute().parent
        where = f" RESULTS={shlex.quote(str(elsewhere))}" if elsewhere != ROOT else ""
        again = f"run 'make run-scenarios SUITE=\"{' '.join(suite_results.given_as(runs, name) for name in empty)}\"{where}'"
        complaints.append(Complaint(runs, f"no finished run of {' '.join(empty)}: {again}", FAILED))
    for each in complaints[:-1]:
        print(f"pipelab: {each}", file=sys.stderr)
    if complaints:
        raise complaints[-1]


def make_html(arguments: argparse.Namespace) -> None:
    """Makes results.html from what `make report` left and from the runs."""
    from lab.report.html import page

    write_whole(arguments.page, page.render(arguments.result_data, arguments.runs))


def make_bench(arguments: argparse.Namespace) -> None:
    """Makes the tables and the picture of the queues' bench, then results.md."""
    from lab import bench

    say(bench.write_results(arguments.samples, arguments.result_data))
    write_pages(arguments.result_data, arguments.page)


def show_matrix(measured: Suite, folders: Sequence[Path], csv: Path) -> None:
    """Puts a suite's results on every target and kernel into one table, and prints it."""
    from lab.report import matrix

    table = matrix.read(measured.name, folders, measured.contract)
    write_whole(csv, matrix.KEPT.csv(table))
    say(matrix.markdown(table, measured.contract))


def run_gate(arguments: argparse.Namespace) -> int:
    """Prints whether --new is worse than --base; gives the exit code that says so."""
    from lab.judge import gate
    from lab.report import gate as gate_report
    from lab.tables import results

    new = results.load(arguments.new)
    gates = gate.run_all(results.load_base(arguments.base, arguments.new), new, arguments.allow)
    text = gate_report.markdown(gates)
    if arguments.markdown:
        write_whole(arguments.markdown, text)
    if arguments.junit:
        write_whole(arguments.junit, gate_report.junit(gates))
    say(text.removesuffix("\n"))
    return gate.overall(gates)


def export(arguments: argparse.Namespace) -> None:
    """Prints results, or a run, in a format that other tools read."""
    from lab.report import exports
    from lab.tables import bare, results

    if arguments.format not in exports.FORMATS:
        what = (
            f"'{arguments.format}' is not valid: give one of {', '.join(exports.FORMATS)}, as in make export FORMAT=go"
        )
        raise Complaint("--format", what)
    if arguments.format in exports.OF_RUN:
        print(exports.OF_RUN[arguments.format](arguments.source), end="")
    else:
        with_runs = any(arguments.source.glob("*_raw.csv"))
        sets = (not with_runs and bare.load(arguments.source)) or results.load(arguments.source)
        print(exports.OF_RESULTS[arguments.format](sets), end="")
