"""The step of scripts/capacity.sh: runs what a search needs next, until it is over, and says what was found."""

import argparse
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.plan import guest, plan, suite
from lab.plan.arguments import add_guest_options, to_number
from lab.plan.kinds import Number
from lab.text.complaint import FAILED, Complaint
from lab.text.files import write_whole
from lab.text.outside import say
from lab.plan.places import BUILD, PAGE, RESULTS, RUNS, TARGETS
from lab.runs import launch, run_record, wanted
from lab.runs.step import add_sweep_options

RATES, PRECISION, MOST_REPS = "100 10000000", 0.05, 12  # unless they are given
LIMIT_WORD = re.compile(r"([a-z0-9_]+)(=|<=|>=|<|>)(.+)")


def add(steps: Any, report_page: Callable[[Path], str]) -> None:
    """Adds `capacity`, of scripts/capacity.sh. `report_page` makes the text of results.md."""
    count = to_number(Number(1, 1000))
    step = steps.add_parser(
        "capacity",
        prog="scripts/capacity.sh",
        help="find the highest rate at which a scenario holds its objectives",
        description="Runs the scenario at one rate after another (the interval between items is what changes) and "
        "prints the highest at which it holds its objectives, and the lowest at which it misses one. Writes "
        "result_data/capacity_SUITE_SCENARIO.csv and .png, and puts them into results.md if that is there. Runs are "
        "kept in result_data/runs/capacity/: after Ctrl-C or a crash the same command goes on.",
        epilog="Exit codes: 0 good, 1 a run or the report failed, 2 wrong usage, 4 an objective is missed even at the "
        "lowest rate, 5 undecided even there, 130 or 143 interrupted.",
    )
    step.set_defaults(step=lambda arguments: search(arguments, report_page))
    about = "objectives, such as 'response_p99_us=200 drop_rate=0' (the suite's [slo])"
    step.add_argument("--slo", default="", metavar="LIMITS", help=about)
    about = f'the lowest and the highest rate that are tried, in items/s ("{RATES}")'
    step.add_argument("--rates", default=RATES, metavar="LOW HIGH", help=about)
    about = f"how far apart the two rates of the answer may be ({PRECISION})"
    share = to_number(Number(0.01, 1, whole=False))
    step.add_argument("--precision", type=share, default=PRECISION, metavar="SHARE", help=about)
    add_sweep_options(step, reps=3, timing="exact")
    about = f"live runs at a rate while they disagree or the host disturbs them ({MOST_REPS})"
    step.add_argument("--max-reps", type=count, default=MOST_REPS, metavar="N", help=about)
    add_guest_options(step)
    step.add_argument("--make-images", action="store_true", help="first make the image that the runs need")
    about = "print the QEMU commands of the next runs, and write nothing"
    step.add_argument("--dry-run", action="store_true", help=about)
    step.add_argument("scenario", metavar="SUITE/SCENARIO")


def search(arguments: argparse.Namespace, report_page: Callable[[Path], str]) -> int:
    """Runs what the search needs, step by step, until it is over; gives the exit code of its answer."""
    from lab.capacity import search as capacity  # with pandas, which takes a second to load

    subject = _Subject(arguments)
    if arguments.dry_run:
        subject.choose_accelerator()
        _, rates = subject.search.explore(subject.point)
        launch.show([row for rate in rates for row in subject.missing_rows(rate)], subject.runs)
        return 0
    with launch.folder(subject.runs):
        if arguments.make_images:
            wanted.make_images([subject.wish])
        subject.choose_accelerator()
        file = subject.runs / "next.jsonl"
        while True:
            points, rates = subject.search.explore(subject.point)
            if not rates:
                return report(arguments, subject, points, report_page)
            print(f"{capacity.so_far(points)}; now {' and '.join(map(capacity.per_second, rates))}", file=sys.stderr)
            write_whole(file, plan.write([row for rate in rates for row in subject.missing_rows(rate)]))
            launch.check(launch.run(launch.tasks(file), arguments.jobs, quiet=True))


def report(
    arguments: argparse.Namespace, subject: "_Subject", points: Sequence[Any], report_page: Callable[[Path], str]
) -> int:
    """Writes table and picture, makes results.md again if it is there, and prints the answer. Gives its exit code."""
    from lab.capacity import facts, plot as capacity_plot, table as capacity_table

    of_runs = facts.of_runs(list(subject.records.values()), _command(arguments))
    new = capacity_table.table(subject.facts() | of_runs, points)
    file = RESULTS / f"capacity_{subject.suite.name}_{subject.scenario.name}.csv"
    rows = capacity_table.merged(file, new)
    write_whole(file, capacity_table.csv(rows))
    write_whole(file.with_suffix(".png"), capacity_plot.draw(rows))
    answer = next(capacity_table.answers(new))
    say(f"{arguments.scenario}, {answer.measurement}: {answer.text()}")
    if PAGE.is_file():
        write_whole(PAGE, report_page(RESULTS))
    return answer.exit_code


class _Subject:
    """What is searched: a scenario, its objectives, and the runs that are there."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        from lab.capacity import search as capacity

        wish = wanted.the_scenario(arguments, arguments.scenario)
        self.suite = wish.suite
        self.scenario = capacity.scenario_of(self.suite, self.suite.scenarios[0].name)
        self.runs = RUNS / "capacity"
        self.records: dict[str, run_record.RunRecord] = {}  # those that were looked at
        low, high = _rates(arguments.rates)
        self.search = capacity.Search(
            low,
            high,
            arguments.precision,
            arguments.reps,
            max(arguments.reps, arguments.max_reps),
            _objectives(arguments.slo, self.suite),
        )
        self.wish = replace(wish, sweep=replace(wish.sweep, replicates=self.search.most_replicates))

    @property
    def sweep(self) -> plan.Sweep:
        return self.wish.sweep

    def choose_accelerator(self) -> None:
        """Finds out what live runs are on."""
        self.wish = wanted.on_accelerator([self.wish])[0]

    def point(self, rate_ops_s: float) -> Any:
        """What the runs at that rate say; those of them that are there."""
        import pandas as pd

        from lab.tables import measured

        records = [run_record.load(self.runs / row.run) for row in self._rows(rate_ops_s) if self._is_there(row)]
        self.records |= {record.row.run: record for record in records}
        raw, complaints = measured.raw_table(records)
        if complaints:
            raise complaints[0]
        return self.search.judge(rate_ops_s, raw if records else pd.DataFrame())

    def missing_rows(self, rate_ops_s: float) -> list[plan.Row]:
        rows = self._rows(rate_ops_s)
        there = sum(map(self._is_there, rows))
        return [row for row in rows[: self.search.wanted_replicates(there)] if not self._is_there(row)]

    def facts(self) -> dict[str, str]:
        """What each row of the table says of the search."""
        row = self._rows(self.search.low_ops_s)[0]
        interval = self.suite.contract.meaning("interval")
        others = {name: value for name, value in row.options.items() if interval is None or name != interval.name}
        return {
            "suite": self.suite.name,
            "scenario": self.scenario.name,
            "target": self.sweep.target,
            "timing": row.timing,
            "accelerator": self.sweep.accelerator if row.timing == "live" else "tcg",
            "options": plan.words(others),
            "objectives": ", ".join(map(str, self.search.objectives)),
        }

    def _rows(self, rate_ops_s: float) -> list[plan.Row]:
        """All runs that the point may have, in the order of their seeds."""
        from lab.capacity import search as capacity

        return plan.expand(capacity.at(self.suite, self.scenario, rate_ops_s), self.sweep, BUILD, TARGETS)

    def _is_there(self, row: plan.Row) -> bool:
        return (self.runs / row.run).is_dir()


def _command(arguments: argparse.Namespace) -> str:
    """What does the search again. `make capacity` does not know all options of the script."""
    usual = {"rates": RATES, "accelerator": "auto", "pin-vcpus": "yes", "precision": PRECISION, "max-reps": MOST_REPS}
    of_guest = {guest.KNOBS[key].lower().replace("_", "-"): arguments.__dict__[key] for key in guest.KEYS}
    options = {
        **{name: arguments.__dict__[name] for name in ("target", "slo", "rates", "reps", "seed", "duration")},
        **{"precision": arguments.precision, "max-reps": arguments.max_reps, "pin-vcpus": arguments.pin_vcpus},
        **{"timing": arguments.timing[0], "accelerator": arguments.accelerator, **of_guest},
    }
    told = {
        name: shlex.quote(f"{value:g}" if isinstance(value, float) else str(value))
        for name, value in options.items()
        if value not in (None, "", usual.get(name))
    }
    if {"precision", "max-reps"} & set(told):
        words = [f"--{name} {value}" for name, value in told.items()]
        return " ".join(["scripts/capacity.sh --make-images", *words, arguments.scenario])
    knobs = [f"{name.upper().replace('-', '_')}={value}" for name, value in told.items()]
    return " ".join([f"make capacity SCENARIO={arguments.scenario}", *knobs])


def _objectives(text: str, of_suite: suite.Suite) -> tuple[Any, ...]:
    """Those of `text`, as 'response_p99_us=200 throughput_ops_s>=900'; without any, those of the suite file."""
    from lab.plan import objectives

    limits: dict[str, object] = {}
    for word in text.split():
        match = LIMIT_WORD.fullmatch(word)
        if match is None or match[1] in limits:
            raise Complaint("SLO", f"'{word}' is not valid: give each limit once, such as response_p99_us=200")
        limits[match[1]] = _number(f"SLO: {match[1]}", match[3], None) if match[2] == "=" else f"{match[2]} {match[3]}"
    found = tuple(objectives.load(Path("SLO"), limits, of_suite.contract)) if limits else of_suite.objectives
    if not found:
        remedy = 'give SLO="response_p99_us=200 drop_rate=0", or a section [slo] in the suite file'
        raise Complaint(of_suite.name, f"has no objectives: {remedy}")
    return found


def _rates(text: str) -> tuple[float, float]:
    from lab.capacity.search import FASTEST_OPS_S

    words = text.split()
    if len(words) != 2:
        raise Complaint("--rates", f"'{text}' is not valid: give the lowest and the highest, such as \"100 1000000\"")
    low, high = (_number("--rates", word, Number(0.1, FASTEST_OPS_S, whole=False)) for word in words)
    if low >= high:
        raise Complaint("--rates", f"{low:g} is not below {high:g}: give the lowest rate first")
    return low, high


def _number(where: str, text: str, kind: Number | None) -> float:
    try:
        return to_number(kind)(text)
    except argparse.ArgumentTypeError as error:
        raise Complaint(where, str(error)) from None
