"""python3 -m lab: the steps of a sweep that are not shell. Each reads files and writes files."""

import argparse
import json
import sys
from pathlib import Path

from lab import plan, run_record, suite
from lab.complaint import FAILED, USAGE, Complaint
from lab.files import read_facts, write_whole

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    arguments = _parser().parse_args()
    try:
        arguments.step(arguments)
    except Complaint as complaint:
        print(f"pipelab: {complaint}", file=sys.stderr)
        return complaint.exit_code
    except OSError as error:
        print(f"pipelab: {error.filename}: {error.strerror}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130
    return 0


def make_plan(arguments: argparse.Namespace) -> None:
    """Writes <suite>.plan.tsv for each suite, and sweep.tsv with the rows of all, as they are run."""
    sweep = plan.Sweep(
        target=arguments.target,
        timings=tuple(name for name in plan.TIMINGS if name in arguments.timing),
        replicates=arguments.reps,
        seed=arguments.seed,
        duration_s=arguments.duration,
    )
    suites = [suite.load(ROOT / "scenarios" / f"{name}.toml") for name in arguments.suites]
    plans = {each.name: plan.expand(each, sweep, arguments.build, ROOT / "qemu" / "targets") for each in suites}
    for rows in plans.values():  # a damaged run is found now, not after an hour
        for row in rows:
            if (arguments.runs / row.run).exists():
                run_record.load(arguments.runs / row.run)
    for name, rows in plans.items():
        write_whole(arguments.runs / f"{name}.plan.tsv", plan.write(rows))
    every_row = [row for rows in plans.values() for row in rows]
    write_whole(arguments.runs / "sweep.tsv", plan.write(plan.shuffled(every_row, arguments.seed)))


def seal_run(arguments: argparse.Namespace) -> None:
    """Writes run.json into the folder of a run that has just ended well."""
    rows = {row.run: row for row in plan.read(arguments.plan)}
    row = rows[arguments.run]
    image = read_facts(arguments.build / "image" / row.target / "image.tsv", remedy="run 'make image'")
    run_record.seal(arguments.folder, row, image, ROOT)


def make_report(arguments: argparse.Namespace) -> None:
    """Makes tables and pictures of each suite, then results.md. Nothing is written if a run is bad."""
    from lab import analyse, environment, plot, report  # pandas and matplotlib take a second to load

    names = arguments.suites or sorted(file.name.split(".")[0] for file in arguments.runs.glob("*.plan.tsv"))
    if not names:
        raise Complaint(arguments.runs, "there are no runs: run 'make run-scenarios' first", FAILED)
    results: dict[str, str | bytes] = {}
    empty: list[str] = []
    for name in names:
        title = suite.load(ROOT / "scenarios" / f"{name}.toml").title
        records, missing = run_record.load_planned(arguments.runs, name)
        if not records:
            empty.append(name)
            continue
        raw = analyse.raw_table(records)
        metrics = analyse.metrics_table(raw)
        facts = environment.describe(title, records, len(missing))
        results[f"{name}_raw.csv"] = raw.to_csv(index=False, lineterminator="\n")
        results[f"{name}_metrics.csv"] = analyse.metrics_csv(metrics)
        results[f"{name}_environment.json"] = json.dumps(facts, indent=2) + "\n"
        for picture, draw in plot.PICTURES.items():
            results[f"{name}_{picture}.png"] = draw(raw, metrics)
    for file, content in results.items():
        write_whole(arguments.result_data / file, content)
    if results:
        write_whole(arguments.page, report.render(arguments.result_data))
    if empty:
        suites = " ".join(empty)
        raise Complaint(
            arguments.runs, f"no finished run of {suites}: run 'make run-scenarios SUITE=\"{suites}\"'", FAILED
        )


def show_perf(arguments: argparse.Namespace) -> None:
    """Prints the counts of perf stat, and writes them as CSV."""
    from lab import perf

    table = perf.read(arguments.counts, arguments.reps)
    write_whole(arguments.csv, perf.csv(table))
    print(perf.text(table))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    steps = parser.add_subparsers(required=True, metavar="STEP")

    step = steps.add_parser("plan", help="expand suites into the rows of a sweep")
    step.set_defaults(step=make_plan)
    _path(step, "--runs", "where runs are kept")
    _path(step, "--build", "where the images are")
    step.add_argument("--target", required=True)
    step.add_argument("--timing", type=_timings, default=list(plan.TIMINGS), help="exact, live, or both")
    step.add_argument("--reps", type=_at_least(1, int), default=3)
    step.add_argument("--seed", type=_at_least(0, int), default=1)
    step.add_argument("--duration", type=_at_least(0.001, float), help="seconds; else as the suite says, or 2")
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

    step = steps.add_parser("perf", help="show what perf stat counted")
    step.set_defaults(step=show_perf)
    step.add_argument("--reps", type=int, required=True)
    _path(step, "--csv", "the CSV file to write")
    step.add_argument("counts", type=Path)
    return parser


def _path(parser: argparse.ArgumentParser, name: str, about: str) -> None:
    parser.add_argument(name, type=Path, required=True, help=about)


def _timings(text: str) -> list[str]:
    names = text.split()
    if not names or any(name not in plan.TIMINGS for name in names):
        raise argparse.ArgumentTypeError(f"'{text}' is not valid: give exact, live, or both")
    return names


def _at_least(low: float, number: type):  # type: ignore[no-untyped-def]
    def convert(text: str) -> float:
        try:
            value = number(text)
        except ValueError:
            value = None
        if value is None or not low <= value < 2**31:
            raise argparse.ArgumentTypeError(f"'{text}' is not valid: give a number of at least {low}")
        return value

    return convert


if __name__ == "__main__":
    sys.exit(main())
