"""The subject of a capacity search: a scenario, its objectives, and the runs that are there."""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from lab.capacity import plot, search, table
from lab.plan import contract, objectives, plan, suite, target
from lab.plan.arguments import sweep_of, to_number
from lab.plan.objectives import Objective
from lab.plan.places import SCENARIOS, TARGETS
from lab.plan.suite import Number
from lab.runs import run_record
from lab.tables import measured
from lab.text.complaint import FAILED, Complaint
from lab.text.files import write_whole
from lab.text.outside import say

LIMIT_WORD = re.compile(r"([a-z0-9_]+)(=|<=|>=|<|>)(.+)")


class Subject:
    """What is searched, by the arguments of a step (lab.capacity.step)."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        name, slash, scenario = arguments.scenario.partition("/")
        if not slash:
            raise Complaint(arguments.scenario, "is not valid: give SUITE/SCENARIO, such as t001/baseline-1000us")
        self.arguments = arguments
        self.suite = suite.load(SCENARIOS / f"{suite.name_of(name, SCENARIOS)}.toml")
        self.workload = contract.load(self.suite.study)
        self.scenario, self.interval = search.scenario_of(self.suite, scenario, self.workload)
        self.search = search.Search(
            *rates_of(arguments.rates),
            arguments.precision,
            arguments.reps,
            max(arguments.reps, arguments.max_reps),
            objectives_of(arguments.slo, self.suite),
        )
        self.sweep = sweep_of(arguments, (arguments.timing,), self.search.most_replicates)
        self.records: dict[str, run_record.RunRecord] = {}  # those that were looked at

    def plan_next(self) -> None:
        """Writes the rows that the search needs now, prints how many they are, and tells on stderr what is known."""
        if self.arguments.guests:
            machine = target.load(TARGETS, self.sweep.target)
            shape = plan.guests_of(self.suite, self.sweep, machine, TARGETS)[self.scenario.name]
            print(*asdict(shape).values(), sep="\x1f")
            return
        points, wanted = self.search.explore(self._point)
        rows = [row for rate in wanted for row in self._missing(rate)]
        write_whole(self.arguments.plan, plan.write(rows))
        if wanted:
            print(f"{search.so_far(points)}; now {' and '.join(map(search.per_second, wanted))}", file=sys.stderr)
        print(len(rows))

    def report(self) -> int:
        """Writes table and picture, and prints the answer. Gives its exit code."""
        points, wanted = self.search.explore(self._point)
        if wanted or not points:
            raise Complaint(self.arguments.scenario, "the search is not over: run 'make capacity' again", FAILED)
        options = {key: value for key, value in self.scenario.options.items() if key != self.interval.name}
        subject = {
            "suite": self.suite.name,
            "scenario": self.scenario.name,
            "target": self.sweep.target,
            "timing": self.arguments.timing,
            "accelerator": self.sweep.accelerator if self.arguments.timing == "live" else "tcg",
            "options": json.dumps(options | ({"duration": self.sweep.duration_s} if self.sweep.duration_s else {})),
        }
        subject |= facts_of(list(self.records.values()), self.arguments.command)
        new = table.table(subject, self.search.objectives, points, self.workload)
        file = self.arguments.result_data / f"capacity_{self.suite.name}_{self.scenario.name}.csv"
        rows = table.KEPT.merged(file, new)
        write_whole(file, table.KEPT.csv(rows))
        write_whole(file.with_suffix(".png"), plot.draw(rows, self.workload))
        answer = next(table.answers(new))
        say(f"{self.arguments.scenario}, {answer.measurement}: {answer.text()}")
        return answer.exit_code

    def _point(self, rate_ops_s: float) -> search.Point:
        """What the runs at that rate say; those of them that are there."""
        folder = self.arguments.runs
        records = [run_record.load(folder / row.run) for row in self._rows(rate_ops_s) if self._is_there(row)]
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
        return plan.expand(alone, self.sweep, self.arguments.build, TARGETS)

    def _is_there(self, row: plan.Row) -> bool:
        return (self.arguments.runs / row.run).is_dir()


def facts_of(records: Sequence[run_record.RunRecord], command: str) -> dict[str, str]:
    """What the runs of one search had in common, and how to do them again: columns of its table."""
    told = pd.DataFrame(map(_of_run, records), columns=list(table.FACTS)).fillna("")
    facts = {name: "; ".join(filter(None, dict.fromkeys(told[name]))) for name in table.FACTS}
    ends = sorted(record.facts["finished_at"] for record in records)
    return facts | {"measured": f"{ends[0]} to {ends[-1]}" if ends else "", table.COMMAND: command}


def _of_run(record: run_record.RunRecord) -> dict[str, str]:
    row, image, host = record.row, record.facts["image"], record.facts["host"]
    nodes = f"{row.numa_nodes} NUMA nodes, " if row.numa_nodes > 1 else ""
    arguments = f" `{row.kernel_args}`" if row.kernel_args else ""
    return {
        "guest": f"{row.target}, {row.smp} CPU{'s' * (row.smp > 1)}, {row.memory_mb} MB, {nodes}"
        f"Linux {image['kernel_version']}{arguments}",
        "qemu": image["qemu_version"],
        "program": f"pipelab {image['program_version']}, {image['compiler']}, commit {record.facts['git_commit'] or 'unknown'}, "
        f"SHA-256 `{image['program_sha256'][:16]}`",
        # The host's clock is not in exact results, nor is anything else of it.
        "host": f"{host['cpu']}, {host['cpus']} CPUs" if row.timing == "live" else "",
    }


def objectives_of(text: str, of_suite: suite.Suite) -> tuple[Objective, ...]:
    """Those of `text`, as 'response_p99_us=200 throughput_ops_s>=900'; without any, those of the suite file."""
    limits: dict[str, object] = {}
    for word in text.split():
        match = LIMIT_WORD.fullmatch(word)
        if match is None or match[1] in limits:
            raise Complaint("SLO", f"'{word}' is not valid: give each limit once, such as response_p99_us=200")
        limits[match[1]] = _number(f"SLO: {match[1]}", match[3], None) if match[2] == "=" else f"{match[2]} {match[3]}"
    found = tuple(objectives.load(Path("SLO"), limits)) if limits else of_suite.objectives
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
