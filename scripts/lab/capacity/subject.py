"""The subject of a capacity search: a scenario, its objectives, and the runs that are there."""

import argparse
import json
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from lab.capacity import facts, plot, search, table
from lab.capacity.step import MOST_REPS, PRECISION, RATES
from lab.plan import guest, objectives, plan, plan_file, suite
from lab.plan.arguments import to_number
from lab.plan.kinds import Number
from lab.plan.objectives import Objective
from lab.plan.places import BUILD, PAGE, RESULTS, RUNS, TARGETS
from lab.runs import launch, run_record, wanted
from lab.tables import measured
from lab.text.complaint import Complaint
from lab.text.files import write_whole
from lab.text.outside import say

LIMIT_WORD = re.compile(r"([a-z0-9_]+)(=|<=|>=|<|>)(.+)")


class Subject:
    """What is searched, by the arguments of a step (lab.capacity.step)."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        wish = wanted.the_scenario(arguments, arguments.scenario)
        self.arguments = arguments
        self.suite, self.workload = wish.suite, wish.suite.contract
        self.scenario, self.interval = search.scenario_of(self.suite)
        self.search = search.Search(
            *rates_of(arguments.rates),
            arguments.precision,
            arguments.reps,
            max(arguments.reps, arguments.max_reps),
            objectives_of(arguments.slo, self.suite),
        )
        self.wish = replace(wish, sweep=replace(wish.sweep, replicates=self.search.most_replicates))
        self.runs = RUNS / "capacity"
        self.records: dict[str, run_record.RunRecord] = {}  # those that were looked at

    def find(self, write_pages: Callable[[Path, Path], None]) -> int:
        """Runs what the search needs, step by step, until it is over; gives the exit code of its answer.

        `write_pages` makes results.md and the pages in a folder of results.
        """
        if self.arguments.dry_run:
            self.wish = wanted.on_accelerator([self.wish])[0]
            _, rates = self.search.explore(self._point)
            launch.show([row for rate in rates for row in self._missing(rate)], self.runs)
            return 0
        with launch.folder(self.runs):
            if self.arguments.make_images:
                wanted.make_images([self.wish])
            self.wish = wanted.on_accelerator([self.wish])[0]
            while True:
                points, rates = self.search.explore(self._point)
                if not rates:
                    return self._report(points, write_pages)
                print(f"{search.so_far(points)}; now {' and '.join(map(search.per_second, rates))}", file=sys.stderr)
                rows = [row for rate in rates for row in self._missing(rate)]
                write_whole(self.runs / "next.jsonl", plan_file.write(rows))
                launch.check(launch.run(launch.tasks(self.runs / "next.jsonl"), self.arguments.jobs, quiet=True))

    def _report(self, points: Sequence[search.Point], write_pages: Callable[[Path, Path], None]) -> int:
        """Writes table and picture, makes results.md again if it is there, and prints the answer. Gives its exit code."""
        row = self._rows(self.search.low_ops_s)[0]
        subject = {
            "suite": self.suite.name,
            "scenario": self.scenario.name,
            "target": row.target,
            "timing": row.timing,
            "accelerator": self.wish.sweep.accelerator if row.timing == "live" else "tcg",
            "options": json.dumps({key: each for key, each in row.options.items() if key != self.interval.name}),
        }
        subject |= facts.of_runs(list(self.records.values()), command(self.arguments))
        new = table.table(subject, self.search.objectives, points, self.workload)
        file = RESULTS / f"capacity_{self.suite.name}_{self.scenario.name}.csv"
        rows = table.KEPT.merged(file, new)
        write_whole(file, table.KEPT.csv(rows))
        write_whole(file.with_suffix(".json"), table.about(self.workload))
        write_whole(file.with_suffix(".png"), plot.draw(rows, self.workload))
        answer = next(table.answers(new))
        say(f"{self.arguments.scenario}, {answer.measurement}: {answer.text()}")
        if PAGE.is_file():
            write_pages(RESULTS, PAGE)
        return answer.exit_code

    def _point(self, rate_ops_s: float) -> search.Point:
        """What the runs at that rate say; those of them that are there."""
        records = [run_record.load(self.runs / row.run, row) for row in self._rows(rate_ops_s) if self._is_there(row)]
        self.records.update({record.row.run: record for record in records})
        raw, complaints = measured.raw_table(records)
        if complaints:
            raise complaints[0]
        return self.search.judge(rate_ops_s, raw if records else pd.DataFrame())

    def _missing(self, rate_ops_s: float) -> list[plan.Row]:
        rows = self._rows(rate_ops_s)
        there = sum(map(self._is_there, rows))
        return [row for row in rows[: self.search.wanted_replicates(there)] if not self._is_there(row)]

    def _rows(self, rate_ops_s: float) -> list[plan.Row]:
        """All runs that the point may have, in the order of their seeds."""
        alone = search.at(self.suite, self.scenario, rate_ops_s, self.interval)
        return wanted.numbered(plan.expand(alone, self.wish.sweep, BUILD, TARGETS), self.runs)

    def _is_there(self, row: plan.Row) -> bool:
        return (self.runs / row.run).is_dir()


def command(arguments: argparse.Namespace) -> str:
    """What does the search again. `make capacity` does not know all options of the script."""
    usual = {"rates": RATES, "accelerator": "auto", "pin-vcpus": "yes", "precision": PRECISION, "max-reps": MOST_REPS}
    of_guest = {guest.KNOBS[key].lower().replace("_", "-"): arguments.__dict__[key] for key in guest.KEYS}
    options = {
        **{name: arguments.__dict__[name] for name in ("target", "slo", "rates", "reps", "seed", "duration")},
        **{"precision": arguments.precision, "max-reps": arguments.max_reps, "pin-vcpus": arguments.pin_vcpus},
        **{"timing": arguments.timing[0], "accelerator": arguments.accelerator, **of_guest},
    }
    given = {
        name: shlex.quote(f"{value:g}" if isinstance(value, float) else str(value))
        for name, value in options.items()
        if value not in (None, "", usual.get(name))
    }
    if {"precision", "max-reps"} & set(given):
        words = [f"--{name} {value}" for name, value in given.items()]
        return " ".join(["scripts/capacity.sh --make-images", *words, arguments.scenario])
    knobs = [f"{name.upper().replace('-', '_')}={value}" for name, value in given.items()]
    return " ".join([f"make capacity SCENARIO={arguments.scenario}", *knobs])


def objectives_of(text: str, of_suite: suite.Suite) -> tuple[Objective, ...]:
    """Those of `text`, as 'response_p99_us=200 throughput_ops_s>=900'; without any, those of the suite file."""
    limits: dict[str, object] = {}
    for word in text.split():
        match = LIMIT_WORD.fullmatch(word)
        if match is None or match[1] in limits:
            raise Complaint("SLO", f"'{word}' is not valid: give each limit once, such as response_p99_us=200")
        limits[match[1]] = _number(f"SLO: {match[1]}", match[3], None) if match[2] == "=" else f"{match[2]} {match[3]}"
    found = tuple(objectives.load(Path("SLO"), limits, of_suite.contract)) if limits else of_suite.objectives
    if not found:
        remedy = 'give SLO="response_p99_us=200", or a section [slo] in the suite file'
        raise Complaint(of_suite.name, f"has no objectives: {remedy}")
    return found


def rates_of(text: str) -> tuple[float, float]:
    """The lowest and the highest rate of '100 1000000'."""
    words = text.split()
    if len(words) != 2:
        raise Complaint("--rates", f"'{text}' is not valid: give the lowest and the highest, such as \"100 1000000\"")
    low, high = (_number("--rates", word, Number(0.1, search.FASTEST_OPS_S, whole=False)) for word in words)
    if low >= high:
        raise Complaint("--rates", f"{low:g} is not below {high:g}: give the lowest rate first")
    return low, high


def _number(where: str, text: str, kind: Number | None) -> float:
    try:
        return to_number(kind)(text)
    except argparse.ArgumentTypeError as error:
        raise Complaint(where, str(error)) from None
