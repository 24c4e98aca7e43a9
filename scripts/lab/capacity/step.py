"""The steps of scripts/capacity.sh: what is to be run next, and what was found."""

import argparse
import re
import shlex
import sys
from pathlib import Path
from typing import Any

from lab.plan import guest, plan, suite
from lab.runs import run_record
from lab.plan.arguments import add_guest_options, add_path, sweep_of, to_number
from lab.text.complaint import FAILED, Complaint
from lab.text.files import write_whole
from lab.text.outside import say
from lab.plan.places import SCENARIOS, TARGETS
from lab.plan.suite import Number

RATES, PRECISION, MOST_REPS = "100 10000000", 0.05, 12  # unless they are given
LIMIT_WORD = re.compile(r"([a-z0-9_]+)(=|<=|>=|<|>)(.+)")


def add(steps: Any) -> None:
    """Adds `capacity`, which plans what is to be run next, and `capacity-report`."""
    count = to_number(Number(1, 1000))
    for name, about, does in (
        ("capacity", "plan the next runs of a capacity search, and print how many", plan_next),
        ("capacity-report", "say at which rate a scenario holds its objectives", report),
    ):
        step = steps.add_parser(name, help=about)
        step.set_defaults(step=does)
        add_path(step, "--runs", "where runs are kept")
        add_path(step, "--build", "where the images are")
        add_path(step, "--result-data", "where table and picture go")
        add_path(step, "--page", "the Markdown file to write")
        add_path(step, "--plan", "the file for the rows of the next runs")
        step.add_argument("--target", required=True)
        step.add_argument("--timing", choices=plan.TIMINGS, required=True)
        step.add_argument("--accelerator", choices=plan.ACCELERATORS, default="tcg", help="of live runs")
        step.add_argument("--slo", default="", help="objectives, such as 'response_p99_us=200 drop_rate=0'")
        step.add_argument("--rates", default=RATES, help="the lowest and the highest, in items/s")
        step.add_argument("--precision", type=to_number(Number(0.01, 1, whole=False)), default=PRECISION)
        step.add_argument("--reps", type=count, default=3)
        step.add_argument("--max-reps", type=count, default=MOST_REPS)
        step.add_argument("--seed", type=to_number(Number(0, plan.MAX_SEED)), default=1)
        step.add_argument("--duration", type=to_number(suite.OPTIONS["duration"]))
        add_guest_options(step)
        step.add_argument("scenario", metavar="SUITE/SCENARIO")


def plan_next(arguments: argparse.Namespace) -> None:
    """Writes the rows that the search needs now, prints how many they are, and tells on stderr what is known."""
    from lab.capacity import search as capacity  # with pandas, which takes a second to load

    subject = _Subject(arguments)
    if arguments.guests:
        subject.print_guests()
        return
    points, wanted = subject.search.explore(subject.point)
    rows = [row for rate in wanted for row in subject.missing_rows(rate)]
    write_whole(arguments.plan, plan.write(rows))
    if wanted:
        print(f"{capacity.so_far(points)}; now {' and '.join(map(capacity.per_second, wanted))}", file=sys.stderr)
    print(len(rows))


def report(arguments: argparse.Namespace) -> int:
    """Writes table and picture, makes results.md again if it is there, and prints the answer. Gives its exit code."""
    from lab.capacity import facts, plot as capacity_plot, table as capacity_table
    from lab.report import page

    subject = _Subject(arguments)
    points, wanted = subject.search.explore(subject.point)
    if wanted or not points:
        raise Complaint(arguments.scenario, "the search is not over: run 'make capacity' again", FAILED)
    of_runs = facts.of_runs(list(subject.records.values()), _command(arguments))
    new = capacity_table.table(subject.facts() | of_runs, points)
    file = arguments.result_data / f"capacity_{subject.suite.name}_{subject.scenario.name}.csv"
    rows = capacity_table.merged(file, new)
    write_whole(file, capacity_table.csv(rows))
    write_whole(file.with_suffix(".png"), capacity_plot.draw(rows))
    answer = next(capacity_table.answers(new))
    say(f"{arguments.scenario}, {answer.measurement}: {answer.text()}")
    if arguments.page.is_file():
        write_whole(arguments.page, page.render(arguments.result_data))
    return answer.exit_code


class _Subject:
    """What is searched: a scenario, its objectives, and the runs that are there."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        from lab.capacity import search as capacity

        name, slash, scenario = arguments.scenario.partition("/")
        if not slash:
            raise Complaint(arguments.scenario, "is not valid: give SUITE/SCENARIO, such as t001/baseline-1000us")
        self.suite = suite.load(SCENARIOS / f"{suite.name_of(name, SCENARIOS)}.toml")
        self.scenario = capacity.scenario_of(self.suite, scenario)
        self.runs = arguments.runs
        self.records: dict[str, run_record.RunRecord] = {}  # those that were looked at
        self.build = arguments.build
        low, high = _rates(arguments.rates)
        self.search = capacity.Search(
            low,
            high,
            arguments.precision,
            arguments.reps,
            max(arguments.reps, arguments.max_reps),
            _objectives(arguments.slo, self.suite),
        )
        self.sweep = sweep_of(arguments, (arguments.timing,), self.search.most_replicates)

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
        interval = f"--prod-interval-us {row.options.split('--prod-interval-us ')[1].split()[0]} "
        return {
            "suite": self.suite.name,
            "scenario": self.scenario.name,
            "target": self.sweep.target,
            "timing": row.timing,
            "accelerator": self.sweep.accelerator if row.timing == "live" else "tcg",
            "options": (row.options + " ").replace(interval, "").strip(),
            "objectives": ", ".join(map(str, self.search.objectives)),
        }

    def print_guests(self) -> None:
        """The guest that the runs need, as `lab plan --guests` has it."""
        from dataclasses import asdict

        from lab.plan import target

        machine = target.load(TARGETS, self.sweep.target)
        shape = plan.guests_of(self.suite, self.sweep, machine, TARGETS)[self.scenario.name]
        print(*asdict(shape).values(), sep="\x1f")

    def _rows(self, rate_ops_s: float) -> list[plan.Row]:
        """All runs that the point may have, in the order of their seeds."""
        from lab.capacity import search as capacity

        return plan.expand(capacity.at(self.suite, self.scenario, rate_ops_s), self.sweep, self.build, TARGETS)

    def _is_there(self, row: plan.Row) -> bool:
        return (self.runs / row.run).is_dir()


def _command(arguments: argparse.Namespace) -> str:
    """What does the search again. `make capacity` does not know all options of the script."""
    usual = {"rates": RATES, "accelerator": "auto", "pin-vcpus": "yes", "precision": PRECISION, "max-reps": MOST_REPS}
    of_guest = {guest.KNOBS[key].lower().replace("_", "-"): arguments.__dict__[key] for key in guest.KEYS}
    options = {
        **{name: arguments.__dict__[name] for name in ("target", "timing", "slo", "rates", "reps", "seed", "duration")},
        **{"precision": arguments.precision, "max-reps": arguments.max_reps, "pin-vcpus": arguments.pin_vcpus},
        **{"accelerator": arguments.wanted_accelerator, **of_guest},
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
    found = tuple(objectives.load(Path("SLO"), limits)) if limits else of_suite.objectives
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
