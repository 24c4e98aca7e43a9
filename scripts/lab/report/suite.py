"""The results of a suite: every file that result_data/ holds of it, made from its runs."""

import json
from pathlib import Path

import pandas as pd

from lab.counters import counted
from lab.tables import measured, environment
from lab.judge import evaluation
from lab.plan import contract, plan
from lab.report import pictures, stage_picture
from lab.runs import run_record
from lab.text.complaint import FAILED, Complaint
from lab.tables.measurement import KEYS, Measurement
from lab.plan.plan import Row
from lab.runs.run_record import RunRecord
from lab.plan.suite import Suite

# What a plan and a run of one name must have alike, since the report takes it now from the one, now from the other.
DECISIVE = ("seed", "smp", "memory_mb", "duration_s", "command", "kernel_args", "numa_nodes", "pin_vcpus")


def make(
    name: str,
    runs: Path,
    suite: Suite | None,
    perf: pd.DataFrame | None = None,
    traces: pd.DataFrame | None = None,
) -> tuple[dict[str, str | bytes], list[Complaint]]:
    """The content of the files by their names, none without a good run; and what is wrong with the other runs.

    `suite` is how the runs are to be judged; None when its file is gone. `perf` is what perf stat counted, a table of
    lab.counters.counted, and `traces` what sched events said, one of lab.trace.runs.
    """
    rows, complaints = _rows(runs, name)
    records, unread = _load(runs, rows)
    complaints += unread
    raw, damaged = measured.raw_table(records)
    complaints += damaged
    if raw.empty:
        return {}, complaints
    records = [record for record in records if (raw["run"] == record.row.run).any()]
    items, unread = evaluation.read_stages(records)
    facts = environment.describe(plan.title(runs, name), records, rows) | (evaluation.terms(suite) if suite else {})
    metrics = measured.metrics_table(raw)
    workload = contract.load("pipeline")
    counts = counted.of_runs(records)
    beside = counts if perf is None else pd.concat([perf, counts], ignore_index=True)
    known = evaluation.evaluate(raw, facts, items, beside, traces)
    return {
        f"{name}_raw.csv": measured.raw_csv(raw),
        f"{name}_metrics.csv": measured.metrics_csv(metrics),
        f"{name}_environment.json": json.dumps(facts, indent=2) + "\n",
        **({counted.COUNTERS_FILE.format(name): counted.KEPT.csv(counts)} if len(counts) else {}),
        **evaluation.files(name, known),
        **pictures.draw(name, raw, workload),
        **_stage_pictures(name, known, workload),
    }, complaints + unread


def _rows(runs: Path, suite: str) -> tuple[list[Row], list[Complaint]]:
    """All planned rows of a suite, and what is wrong with the plans that are left out."""
    rows: dict[str, Row] = {}
    complaints = []
    for file in sorted(runs.glob(plan.file_name(suite, "*", "*"))):
        try:
            planned = plan.read(file)
        except Complaint as complaint:
            complaints.append(complaint)
            continue
        if any(file.name != plan.file_name(suite, row.target, row.timing) or row.suite != suite for row in planned):
            what = (
                "has rows of another suite, target or timing: run 'make run-scenarios' again, which keeps finished runs"
            )
            complaints.append(Complaint(file, what, FAILED))
            continue
        rows |= {row.run: row for row in planned}
    return list(rows.values()), complaints


def _load(runs: Path, rows: list[Row]) -> tuple[list[RunRecord], list[Complaint]]:
    """The finished runs of `rows`, and what is wrong with those that are left out."""
    records, complaints = [], []
    for row in (row for row in rows if (runs / row.run).is_dir()):
        try:
            record = run_record.load(runs / row.run)
            unlike = [name for name in DECISIVE if getattr(row, name) != getattr(record.row, name)]
            if unlike:
                what = f"has another {unlike[0]} than its plan: run 'make run-scenarios' again, which plans anew"
                raise Complaint(record.folder / run_record.RECORD, what, FAILED)
            records.append(record)
        except Complaint as complaint:
            complaints.append(complaint)
    return records, complaints


def _stage_pictures(name: str, known: evaluation.Evaluation, workload: contract.Contract) -> dict[str, bytes]:
    if known.stages.empty:
        return {}
    return {
        stage_picture.file_name(name, Measurement(*key)): stage_picture.draw(table, workload.stages)
        for key, table in known.stages.groupby(KEYS, sort=False)
    }
