"""What each step of `python3 -m lab` does: reads files, calls what knows how, and writes or prints."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.plan import plan, suite
from lab.text.complaint import FAILED, Complaint
from lab.text.files import write_whole
from lab.text.outside import say
from lab.plan.places import SCENARIOS, TARGETS


def report_suites(runs: Path, suites: Sequence[str]) -> None:
    """Makes the report of `suites` from a folder of runs, beside it."""
    page = runs.parent.parent / "results.md"
    make_report(argparse.Namespace(runs=runs, result_data=runs.parent, page=page, suites=list(suites)))


def results_page(result_data: Path) -> str:
    """The text of results.md."""
    from lab.report import page

    return page.render(result_data)


def make_report(arguments: argparse.Namespace) -> None:
    """Makes tables and pictures of each suite, then results.md. Runs that are damaged are told, and left out."""
    from lab.report import page as report, suite as suite_results  # pandas and matplotlib take a second to load

    names = _names(arguments.suites) or plan.planned_suites(arguments.runs)
    if not names:
        raise Complaint(arguments.runs, "there are no runs: run 'make run-scenarios' first", FAILED)
    made: dict[str, str | bytes] = {}
    complaints: list[Complaint] = []
    empty: list[str] = []
    for name in names:
        file = SCENARIOS / f"{name}.toml"
        try:
            judged = suite.load(file) if file.is_file() else None
            files, wrongs = suite_results.make(name, arguments.runs, judged, arguments.result_data)
        except Complaint as complaint:  # of one suite: the others are reported
            complaints.append(complaint)
            continue
        made |= files
        complaints += wrongs
        empty += [] if files else [name]
    for file_name, content in made.items():
        write_whole(arguments.result_data / file_name, content)
    for name in names:  # pictures of measurements that are no longer there would pass for those of now
        for old in arguments.result_data.glob(f"{name}_stages_*.png") if f"{name}_raw.csv" in made else ():
            if old.name not in made:
                old.unlink()
    if made:
        write_whole(arguments.page, report.render(arguments.result_data))
    for each in complaints[:-1] if not empty else complaints:
        print(f"pipelab: {each}", file=sys.stderr)
    if empty:
        suites = " ".join(empty)
        raise Complaint(
            arguments.runs, f"no finished run of {suites}: run 'make run-scenarios SUITE=\"{suites}\"'", FAILED
        )
    if complaints:
        raise complaints[-1]


def make_page(arguments: argparse.Namespace) -> None:
    """Makes results.md again, if it is there, from what is in result_data/."""
    from lab.report import page as report

    if arguments.page.is_file():
        write_whole(arguments.page, report.render(arguments.result_data))


def make_html(arguments: argparse.Namespace) -> None:
    """Makes results.html from what `make report` left and from the runs."""
    from lab.report.html import page

    write_whole(arguments.page, page.render(arguments.result_data, arguments.runs))


def _names(suites: list[str]) -> list[str]:
    """Each suite once, by its name, however it was given."""
    return list(dict.fromkeys(suite.find(text)[0].stem for text in suites))


def make_bench(arguments: argparse.Namespace) -> None:
    """Makes the tables and the picture of the queues' bench, then results.md."""
    from lab import bench
    from lab.report import page as report

    say(bench.write_results(arguments.samples, arguments.result_data))
    write_whole(arguments.page, report.render(arguments.result_data))


def show_matrix(suite: str, folders: Sequence[Path], csv: Path) -> None:
    """Puts a suite's results on every target and kernel into one table, and prints it."""
    from lab.plan import contract
    from lab.report import matrix

    workload = contract.load("pipeline")
    table = matrix.read(suite, folders, workload)
    write_whole(csv, matrix.KEPT.csv(table))
    say(matrix.markdown(table, workload))


def show_counters(arguments: argparse.Namespace) -> None:
    """Prints what the plugin counted, and writes the counts and the shared lines as CSV."""
    from lab.counters import counters, symbols

    seen = counters.read(arguments.counters)
    counts = counters.counts(seen)
    shared = counters.shared_lines(seen, symbols.read(arguments.symbols))
    say(counters.counts_text(counts))
    if "caches" in seen:
        say(counters.shared_text(shared))
    for path, table in ((arguments.csv, counts), (arguments.shared_csv, shared)):
        if path is not None:
            write_whole(path, table.to_csv(index=False, lineterminator="\n"))


def show_timers(arguments: argparse.Namespace) -> None:
    """Puts what cyclictest and rtla measured in guests into the table of a suite, and prints it."""
    from lab.timers import histograms

    new = histograms.read(arguments.folders)
    write_whole(arguments.csv, histograms.KEPT.csv(histograms.KEPT.merged(arguments.csv, new)))
    say(histograms.markdown(new))


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
        raise Complaint(arguments.suite, f"{len(found)} figures are not the same: see above", verify.DIFFERENT)
    if not runs:
        raise Complaint(arguments.suite, "not tested, since it has no exact runs", verify.NOT_TESTED)
    say(f"{arguments.suite}: {runs} exact runs came out the same, byte for byte")


def run_gate(arguments: argparse.Namespace) -> int:
    """Prints whether --new is worse than --base; gives the exit code that says so."""
    from lab.judge import gate
    from lab.plan import contract
    from lab.report import gate as gate_report
    from lab.tables import results

    new = results.load(arguments.new)
    gates = gate.run_all(results.load_base(arguments.base, arguments.new), new, arguments.allow)
    text = gate_report.markdown(gates, contract.load("pipeline"))
    if arguments.markdown:
        write_whole(arguments.markdown, text)
    if arguments.junit:
        write_whole(arguments.junit, gate_report.junit(gates))
    say(text.removesuffix("\n"))
    return gate.overall(gates)


def show_noise_floor(arguments: argparse.Namespace) -> None:
    """Prints the smallest change that live runs on this host can detect, by metric."""
    from lab.judge import noise
    from lab.tables import measurement, results

    sets = results.load(arguments.results)
    wanted = _names(arguments.suites) or list(sets)
    for name in wanted:
        if name not in sets:
            raise Complaint(arguments.results, f"has no results of {name}: give one of {', '.join(sets)}", FAILED)
        raw, judged = sets[name].raw, measurement.contract_of(sets[name].environment).judged
        found = noise.floors(raw, judged)
        if not found:
            raise Complaint(arguments.results, f"{name} has no two quiet live runs of a scenario: REPS=10", FAILED)
        say(f"{name}\n\n{noise.text(found, noise.against_itself(raw, judged))}")


def export(arguments: argparse.Namespace) -> None:
    """Prints results, or a run, in a format that other tools read."""
    from lab.plan import contract
    from lab.report import exports
    from lab.tables import bare, results

    if arguments.format not in exports.FORMATS:
        what = f"'{arguments.format}' is not valid: give one of {', '.join(exports.FORMATS)}"
        raise Complaint("--format", what)
    if arguments.format in exports.OF_RUN:
        print(exports.OF_RUN[arguments.format](arguments.source), end="")
    else:
        workload = contract.load("pipeline")
        with_runs = any(arguments.source.glob("*_raw.csv"))
        sets = results.load(arguments.source) if with_runs else bare.load(arguments.source, workload)
        print(exports.OF_RESULTS[arguments.format](sets or results.load(arguments.source), workload), end="")
