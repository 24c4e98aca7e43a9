"""The results of a suite: every file that result_data/ holds of it, made from its runs."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from lab import findings
from lab.counters import counted, findings as counter_findings
from lab.judge import evaluation
from lab.judge.finding import Rule
from lab.plan import plan, plan_file
from lab.plan.contract import Contract
from lab.plan.kinds import WORDS
from lab.plan.places import SCENARIOS
from lab.plan.plan import Row
from lab.plan.suite import Suite
from lab.report import course, pictures
from lab.report.pictures import stages as stage_picture
from lab.runs import run_record
from lab.runs.run_record import RunRecord
from lab.tables import environment, measured, phases, series, threads
from lab.tables.measurement import KEYS, Measurement, groups
from lab.text.complaint import FAILED, Complaint
from lab.trace import findings as trace_findings, own_findings, own_runs, runs as trace_runs


def rules_of(contract: Contract) -> dict[str, Rule]:
    """All rules about a workload by their names: the general ones, its own, and those of the instruments."""
    traced = own_findings.RULES if contract.own else trace_findings.RULES
    rules = (*findings.rules_of(contract), *traced, *counter_findings.RULES)
    return {each.name: each for each in rules}


def make(name: str, runs: Path, suite: Suite | None, results: Path) -> tuple[dict[str, str | bytes], list[Complaint]]:
    """The content of the files by their names, none without a good run; and what is wrong with the other runs.

    `suite` is how the runs are to be judged; None when its file is gone. `results` has the tables of instruments.
    """
    rows, complaints = _rows(runs, name)
    records, unread = _load(runs, rows)
    complaints += unread
    raw, damaged = measured.raw_table(records)
    complaints += damaged
    if raw.empty:
        return {}, complaints
    records = [record for record in records if (raw["run"] == record.row.run).any()]
    workload = records[0].contract
    items, unread = evaluation.read_stages(records)
    facts = environment.describe(plan.title(runs, name), given_as(runs, name), workload, records, rows)
    facts |= evaluation.terms(suite) if suite else {}
    metrics = measured.metrics_table(raw, workload)
    of_threads = threads.of_runs(records)
    beside = {threads.FILE: of_threads} | {
        file: table.read(results / file.format(name))
        for file, table in (
            (trace_runs.FILE, trace_runs.KEPT),
            (own_runs.THREADS_FILE, own_runs.THREADS),
            (own_runs.FUTEXES_FILE, own_runs.FUTEXES),
        )
    }
    own = counted.of_runs(records)
    counts = pd.concat([counted.KEPT.read(results / counted.PERF_FILE.format(name)), own], ignore_index=True)
    known = evaluation.evaluate(_with_counts(raw, counts, workload), facts, items, rules_of(workload).values(), beside)
    return {
        f"{name}_raw.csv": measured.raw_csv(raw),
        f"{name}_metrics.csv": measured.metrics_csv(metrics),
        f"{name}_environment.json": json.dumps(facts, indent=2) + "\n",
        **({counted.COUNTERS_FILE.format(name): counted.KEPT.csv(own)} if len(own) else {}),
        **({threads.FILE.format(name): threads.KEPT.csv(of_threads)} if len(of_threads) else {}),
        **evaluation.files(name, known),
        **_course(name, records, facts),
        **pictures.draw(name, measured.stated(raw, raw, workload), workload),
        **{
            stage_picture.file_name(name, Measurement(*key)): stage_picture.draw(table, workload.stages)
            for key, table in (known.stages.groupby(KEYS, sort=False) if len(known.stages) else ())
        },
    }, complaints + unread


def _course(name: str, records: list[RunRecord], facts: dict[str, Any]) -> dict[str, str | bytes]:
    """The course of the runs, where their load changes, or an objective is one of every interval."""
    patterned = any(map(phases.is_patterned, records))
    if not series.is_wanted(facts, patterned):
        return {}
    return course.files(name, series.of_runs(records), phases.of_runs(records))


def given_as(runs: Path, name: str) -> str:
    """What the knob SUITE calls it: its name, or the path of a file that is not in scenarios/."""
    file = plan.suite_file(runs, name)
    return name if file.parent == SCENARIOS or not WORDS.accepts(str(file)) else str(file)


def _with_counts(raw: pd.DataFrame, counts: pd.DataFrame, known: Contract) -> pd.DataFrame:
    """The runs, with what an item of their scenarios took."""
    parts = [rows.assign(**counted.per_item(counts, of, scenario, known)) for of, scenario, rows in groups(raw)]
    return pd.concat(parts, ignore_index=True)


def _rows(runs: Path, suite: str) -> tuple[list[Row], list[Complaint]]:
    """All planned rows of a suite, and what is wrong with the plans that are left out."""
    rows: dict[tuple[str, str], Row] = {}
    complaints = []
    for file in sorted(runs.glob(plan.file_name(suite, "*", "*"))):
        try:
            planned = plan_file.read(file)
        except Complaint as complaint:
            complaints.append(complaint)
            continue
        if any(file.name != plan.file_name(suite, row.target, row.timing) or row.suite != suite for row in planned):
            what = "has rows of another suite, target or timing"
            remedy = "run 'make run-scenarios' again, which keeps finished runs"
            complaints.append(Complaint(file, f"{what}: {remedy}", FAILED))
            continue
        rows |= {(row.run, row.scenario): row for row in planned}
    return list(rows.values()), complaints


def _load(runs: Path, rows: list[Row]) -> tuple[list[RunRecord], list[Complaint]]:
    """The finished runs of `rows`, and what is wrong with those that are left out."""
    records, complaints = [], []
    for row in (row for row in rows if (runs / row.run).is_dir()):
        try:
            records.append(run_record.load(runs / row.run, row))
        except Complaint as complaint:
            complaints.append(complaint)
    return records, complaints
