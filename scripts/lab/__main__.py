"""python3 -m lab: the steps of a sweep that are not shell. Each reads files and writes files."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from lab import capacity_step, guest, interleave, plan, run_record, suite, target
from lab.complaint import FAILED, Complaint
from lab.files import write_whole
from lab.suite import Number

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "scenarios"
TARGETS = ROOT / "qemu" / "targets"
MAX_REPLICATES = 1000


def main() -> int:
    try:
        arguments = _parser().parse_args()
        return arguments.step(arguments) or 0
    except Complaint as complaint:
        print(f"pipelab: {complaint}", file=sys.stderr)
        return complaint.exit_code
    except OSError as error:
        print(f"pipelab: {error.filename}: {error.strerror}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130


def make_plan(arguments: argparse.Namespace) -> None:
    """Writes into --plans a plan for each suite and timing, and sweep.tsv with the rows of all, as they are run."""
    sweep = plan.Sweep(
        target=arguments.target,
        timings=tuple(name for name in plan.TIMINGS if name in arguments.timing),
        replicates=arguments.reps,
        seed=arguments.seed,
        duration_s=arguments.duration,
        accelerator=arguments.accelerator,
        wanted_accelerator=arguments.wanted_accelerator,
        guest={key: arguments.__dict__[key] for key in guest.KEYS if arguments.__dict__[key] is not None},
        pin_vcpus=arguments.pin_vcpus == "yes",
    )
    suites = [suite.load(SCENARIOS / f"{name}.toml") for name in _names(arguments.suites)]
    if arguments.guests:
        machine = target.load(TARGETS, sweep.target)
        guests = [shape for each in suites for shape in plan.guests_of(each, sweep, machine, TARGETS).values()]
        for shape in dict.fromkeys(guests):
            print(*asdict(shape).values(), sep="\x1f")
        return
    rows = [row for each in suites for row in plan.expand(each, sweep, arguments.build, TARGETS)]
    for row in rows:  # a damaged run is found now, not after an hour
        if (arguments.runs / row.run).exists():
            run_record.load(arguments.runs / row.run)
    plans = arguments.plans or arguments.runs
    for each in suites:
        write_whole(plans / plan.title_file(each.name), each.title + "\n")
        for timing in sweep.timings:
            chosen = [row for row in rows if (row.suite, row.timing) == (each.name, timing)]
            write_whole(plans / plan.file_name(each.name, sweep.target, timing), plan.write(chosen))
    write_whole(plans / "sweep.tsv", plan.write(plan.shuffled(rows, arguments.seed)))


def seal_run(arguments: argparse.Namespace) -> None:
    """Writes run.json into the folder of a run that has just ended well."""
    rows = {row.run: row for row in plan.read(arguments.plan)}
    if arguments.run not in rows:
        raise Complaint(arguments.plan, f"has no run '{arguments.run}': give one that it has")
    row = rows[arguments.run]
    image = plan.read_image(arguments.build, target.load(TARGETS, row.target), row.kernel)
    tree = arguments.build.resolve().parent  # that the image was built from
    run_record.seal(arguments.folder, row, image, tree)


def make_report(arguments: argparse.Namespace) -> None:
    """Makes tables and pictures of each suite, then results.md. Runs that are damaged are told, and left out."""
    from lab import perf_runs, report, suite_results  # pandas and matplotlib take a second to load

    names = _names(arguments.suites) or plan.planned_suites(arguments.runs)
    if not names:
        raise Complaint(arguments.runs, "there are no runs: run 'make run-scenarios' first", FAILED)
    made: dict[str, str | bytes] = {}
    complaints: list[Complaint] = []
    empty: list[str] = []
    for name in names:
        file = SCENARIOS / f"{name}.toml"
        perf = perf_runs.read(arguments.result_data / perf_runs.FILE.format(name))
        files, wrongs = suite_results.make(name, arguments.runs, suite.load(file) if file.is_file() else None, perf)
        made |= files
        complaints += wrongs
        empty += [] if files else [name]
    for file_name, content in made.items():
        write_whole(arguments.result_data / file_name, content)
    if made:
        write_whole(arguments.page, report.render(arguments.result_data))
    for complaint in complaints[:-1] if not empty else complaints:
        print(f"pipelab: {complaint}", file=sys.stderr)
    if empty:
        suites = " ".join(empty)
        raise Complaint(
            arguments.runs, f"no finished run of {suites}: run 'make run-scenarios SUITE=\"{suites}\"'", FAILED
        )
    if complaints:
        raise complaints[-1]


def _names(suites: list[str]) -> list[str]:
    """Each suite once, by its name, however it was given."""
    return list(dict.fromkeys(suite.name_of(text, SCENARIOS) for text in suites))


def show_perf(arguments: argparse.Namespace) -> None:
    """Prints the means of what perf stat counted in runs, and writes them as CSV; with --suite-csv also run by run."""
    from lab import perf, perf_runs

    table = perf.mean([perf.of_run(folder) for folder in arguments.folders])
    write_whole(arguments.csv, perf.csv(table))
    print(perf.text(table))
    if arguments.suite_csv is not None:
        new = perf_runs.table(arguments.folders, arguments.plan)
        write_whole(arguments.suite_csv, perf_runs.csv(perf_runs.merged(arguments.suite_csv, new)))


def make_bench(arguments: argparse.Namespace) -> None:
    """Makes the tables and the picture of the queues' bench, then results.md."""
    from lab import bench, report

    print(bench.write_results(arguments.samples, arguments.result_data))
    write_whole(arguments.page, report.render(arguments.result_data))


def show_counters(arguments: argparse.Namespace) -> None:
    """Prints what the plugin counted, and writes the counts and the shared lines as CSV."""
    from lab import counters, symbols

    seen = counters.read(arguments.counters)
    counts = counters.counts(seen)
    shared = counters.shared_lines(seen, symbols.read(arguments.symbols))
    print(counters.counts_text(counts))
    if "caches" in seen:
        print(counters.shared_text(shared))
    for path, table in ((arguments.csv, counts), (arguments.shared_csv, shared)):
        if path is not None:
            write_whole(path, table.to_csv(index=False, lineterminator="\n"))


def show_profile(arguments: argparse.Namespace) -> None:
    """Prints the hot spots, and writes all functions as CSV and as a picture."""
    from lab import counters, icicle, symbols

    table = counters.functions(counters.read(arguments.counters), symbols.read(arguments.symbols))
    write_whole(arguments.csv, table.to_csv(index=False, lineterminator="\n", float_format="%.6g"))
    write_whole(arguments.svg, icicle.draw(table, arguments.title))
    print(counters.functions_text(table))


def show_timers(arguments: argparse.Namespace) -> None:
    """Puts what cyclictest and rtla measured in guests into the table of a suite, and prints it."""
    from lab import timer_latency

    new = timer_latency.read(arguments.folders)
    table = timer_latency.merged(arguments.csv, new)
    write_whole(arguments.csv, table.to_csv(index=False, lineterminator="\n"))
    print(timer_latency.markdown(new))


def show_recipes(arguments: argparse.Namespace) -> None:
    """Prints how the exact results of a suite were made, for verify.sh: target, kernels and options, one line each."""
    from lab import verify

    for machine, kernels, options in verify.recipes(arguments.results, arguments.suite):
        words = "\x1e".join(part for option in options for part in option.split("=", 1))
        print(machine, ",".join(kernels), words, sep="\x1f")


def check_inputs(arguments: argparse.Namespace) -> None:
    """Says what is no longer as it was when a suite's exact results were made."""
    from lab import verify

    changes = verify.changed_inputs(arguments.results, arguments.suite, arguments.again, arguments.build, TARGETS)
    if changes:
        what = "; ".join(changes)
        raise Complaint(
            arguments.suite, f"not tested, since it was made with something else: {what}", verify.NOT_TESTED
        )


def compare_exact(arguments: argparse.Namespace) -> None:
    """Says whether a suite's exact results came out the same."""
    from lab import verify

    runs, found = verify.differences(arguments.results, arguments.suite, arguments.again)
    for line in found:
        print(line)
    if found:
        raise Complaint(arguments.suite, f"{len(found)} figures are not the same: see above", verify.DIFFERENT)
    print(f"{arguments.suite}: {runs} exact runs came out the same, byte for byte")


def run_gate(arguments: argparse.Namespace) -> int:
    """Prints whether --new is worse than --base; gives the exit code that says so."""
    from lab import gate, gate_report, results

    new = results.load(arguments.new)
    gates = gate.run_all(results.load_base(arguments.base, arguments.new), new, arguments.allow)
    text = gate_report.markdown(gates)
    if arguments.markdown:
        write_whole(arguments.markdown, text)
    if arguments.junit:
        write_whole(arguments.junit, gate_report.junit(gates))
    print(text, end="")
    return gate.overall(gates)


def interleave_sweeps(arguments: argparse.Namespace) -> None:
    """Prints in which order the rows of several sweeps are to be run: timing, sweep (from 0) and row (from 1)."""
    sweeps = [plan.read(file) for file in arguments.sweeps]
    for timing, side, number in interleave.interleave(sweeps, arguments.seed):
        print(timing, side, number, sep="\t")


def show_noise_floor(arguments: argparse.Namespace) -> None:
    """Prints the smallest change that live runs on this host can detect, by metric."""
    from lab import noise, results

    sets = results.load(arguments.results)
    wanted = _names(arguments.suites) or list(sets)
    for name in wanted:
        if name not in sets:
            raise Complaint(arguments.results, f"has no results of {name}: give one of {', '.join(sets)}", FAILED)
        raw = sets[name].raw
        found = noise.floors(raw)
        if not found:
            raise Complaint(arguments.results, f"{name} has no two quiet live runs of a scenario: REPS=10", FAILED)
        print(f"{name}\n\n{noise.text(found, noise.against_itself(raw))}")


def export(arguments: argparse.Namespace) -> None:
    """Prints results, or a run, in a format that other tools read."""
    from lab import exports, results
    from lab.exports import chrome_trace

    if arguments.format not in exports.FORMATS:
        what = f"'{arguments.format}' is not valid: give one of {', '.join(exports.FORMATS)}"
        raise Complaint("--format", what)
    if arguments.format == exports.CHROME_TRACE:
        print(chrome_trace.text(arguments.source), end="")
    else:
        print(exports.OF_RESULTS[arguments.format](results.load(arguments.source)), end="")


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
    step.set_defaults(step=make_plan)
    _path(step, "--runs", "where runs are kept")
    step.add_argument("--plans", type=Path, help="where the plans go, if not to the runs")
    _path(step, "--build", "where the images are")
    step.add_argument("--target", required=True)
    step.add_argument("--accelerator", choices=plan.ACCELERATORS, default="tcg", help="of live runs")
    _add_guest_options(step)
    step.add_argument("--timing", type=_timings, default=list(plan.TIMINGS), help="exact, live, or both")
    step.add_argument("--reps", type=_number(Number(1, MAX_REPLICATES)), default=3)
    step.add_argument("--seed", type=_number(Number(0, plan.MAX_SEED)), default=1)
    duration = suite.OPTIONS["duration"]
    step.add_argument("--duration", type=_number(duration), help="seconds; else as the suite says, or 2")
    step.add_argument("suites", nargs="+", metavar="SUITE")

    step = steps.add_parser("seal", help="write run.json for a run that ended well")
    step.set_defaults(step=seal_run)
    _path(step, "--build", "where the images are")
    step.add_argument("plan", type=Path)
    step.add_argument("run")
    step.add_argument("folder", type=Path)

    step = steps.add_parser("report", help="make tables, pictures and results.md")
    step.set_defaults(step=make_report)
    _path(step, "--runs", "where runs are kept")
    _path(step, "--result-data", "where tables and pictures go")
    _path(step, "--page", "the Markdown file to write")
    step.add_argument("suites", nargs="*", metavar="SUITE")

    step = steps.add_parser("bench", help="make tables, picture and results.md from the samples of pipelab_bench")
    step.set_defaults(step=make_bench)
    _path(step, "--samples", "the CSV file of pipelab_bench")
    _path(step, "--result-data", "where tables and the picture go")
    _path(step, "--page", "the Markdown file to write")

    _add_verification(steps)
    _add_timers(steps)
    _add_counters(steps)
    _add_readers(steps)
    capacity_step.add(steps, _add_guest_options)
    return parser


def _add_guest_options(step: argparse.ArgumentParser) -> None:
    """What a user may say of guests."""
    step.add_argument("--wanted-accelerator", choices=plan.WISHES, default="auto", help="what the user said of it")
    for key, kind in guest.KEYS.items():
        flag = "--" + guest.KNOBS[key].lower().replace("_", "-")
        step.add_argument(flag, dest=key, type=_value(kind), help="of guests, if not as the suite says")
    step.add_argument("--pin-vcpus", choices=("yes", "no"), default="yes", help="to CPUs of the host, in live timing")
    step.add_argument("--guests", action="store_true", help="only print the guests that the plan needs")


def _add_verification(steps: Any) -> None:
    for name, about, does in (
        ("recipes", "print how exact results were made", show_recipes),
        ("inputs", "say what is no longer as it was for exact results", check_inputs),
        ("same", "compare exact results with those that were made again", compare_exact),
    ):
        step = steps.add_parser(name, help=about)
        step.set_defaults(step=does)
        _path(step, "--results", "where the results are")
        if name != "recipes":
            _path(step, "--again", "where they were made again")
        if name == "inputs":
            _path(step, "--build", "where the images are")
        step.add_argument("suite", metavar="SUITE")


def _add_timers(steps: Any) -> None:
    step = steps.add_parser("timers", help="show how late timers and threads were in guests")
    step.set_defaults(step=show_timers)
    _path(step, "--csv", "the CSV file to write")
    step.add_argument("folders", type=Path, nargs="+", help="each with guest.tsv, vm.tsv and a tool's histogram")


def _add_counters(steps: Any) -> None:
    step = steps.add_parser("perf", help="show what perf stat counted")
    step.set_defaults(step=show_perf)
    _path(step, "--csv", "the CSV file to write")
    step.add_argument("--suite-csv", type=Path, help="the CSV file of a suite's runs, to add these to")
    step.add_argument("--plan", type=Path, help="has the row of each run, in the order of the folders")
    step.add_argument("folders", type=Path, nargs="+", help="of runs: perf.csv, perhaps counters.json and stats.csv")

    step = steps.add_parser("counters", help="show what the counters' plugin saw of a guest")
    step.set_defaults(step=show_counters)
    step.add_argument("--symbols", type=Path, action="append", default=[], help="of nm, or /proc/kallsyms")
    step.add_argument("--csv", type=Path, help="where the counts go")
    step.add_argument("--shared-csv", type=Path, help="where the shared lines go")
    step.add_argument("counters", type=Path, help="a run's counters.json")

    step = steps.add_parser("profile", help="show which functions ran how many instructions")
    step.set_defaults(step=show_profile)
    step.add_argument("--symbols", type=Path, action="append", default=[], help="of nm, or /proc/kallsyms")
    step.add_argument("--title", required=True, help="of the picture")
    _path(step, "--csv", "where the functions go")
    _path(step, "--svg", "where the picture goes")
    step.add_argument("counters", type=Path, help="a run's counters.json")


def _add_readers(steps: Any) -> None:
    """The steps that read results."""
    step = steps.add_parser("gate", help="compare two sets of results, and judge objectives")
    step.set_defaults(step=run_gate)
    step.add_argument("--base", required=True, help="a folder of results, or a git revision that has them")
    _path(step, "--new", "the folder of results to judge")
    step.add_argument("--allow", action="append", default=[], metavar="NAME", help="a difference that is meant")
    step.add_argument("--junit", type=Path, help="the JUnit XML file to write")
    step.add_argument("--markdown", type=Path, help="the Markdown file to write")

    step = steps.add_parser("interleave", help="show the order in which the runs of several sweeps alternate")
    step.set_defaults(step=interleave_sweeps)
    step.add_argument("--seed", type=_number(Number(0, plan.MAX_SEED)), default=1)
    step.add_argument("sweeps", type=Path, nargs="+", metavar="SWEEP")

    step = steps.add_parser("noise-floor", help="show the smallest change that live runs can detect")
    step.set_defaults(step=show_noise_floor)
    step.add_argument("results", type=Path, help="a folder of results")
    step.add_argument("suites", nargs="*", metavar="SUITE")

    step = steps.add_parser("export", help="print results in a format that other tools read")
    step.set_defaults(step=export)
    step.add_argument("--format", required=True, help="google-benchmark, go, prometheus, or chrome-trace")
    step.add_argument("source", type=Path, help="a folder of results; for chrome-trace that of a run")


def _path(parser: argparse.ArgumentParser, name: str, about: str) -> None:
    parser.add_argument(name, type=Path, required=True, help=about)


def _timings(text: str) -> list[str]:
    names = text.split()
    if not names or any(name not in plan.TIMINGS for name in names):
        raise argparse.ArgumentTypeError(f"'{text}' is not valid: give exact, live, or both")
    return names


def _number(kind: suite.Kind) -> Callable[[str], float]:
    def convert(text: str) -> float:
        for number in (int, float):
            try:
                value = number(text)
            except ValueError:
                continue
            if kind.accepts(value):
                return value
        raise argparse.ArgumentTypeError(f"'{text}' is not valid: give {kind}")

    return convert


def _value(kind: suite.Kind) -> Callable[[str], suite.Value]:
    """Converts to what `kind` takes: a number, or a text."""
    if isinstance(kind, Number):
        return _number(kind)

    def convert(text: str) -> str:
        if kind.accepts(text):
            return text
        raise argparse.ArgumentTypeError(f"'{text}' is not valid: give {kind}")

    return convert


if __name__ == "__main__":
    sys.exit(main())
