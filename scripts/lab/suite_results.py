"""The results of a suite: every file that result_data/ holds of it, made from its runs."""

import json
from pathlib import Path

import pandas as pd

from lab import analyse, environment, evaluation, plan, plot, plot_stages, run_record
from lab.complaint import FAILED, Complaint
from lab.measurement import KEYS, Measurement
from lab.run_record import RunRecord
from lab.suite import Suite


def make(
    name: str,
    runs: Path,
    suite: Suite | None,
    perf: pd.DataFrame | None = None,
    traces: pd.DataFrame | None = None,
) -> tuple[dict[str, str | bytes], list[Complaint]]:
    """The content of the files by their names, none without a good run; and what is wrong with the other runs.

    `suite` is how the runs are to be judged; None when its file is gone. `perf` is what perf stat counted, a table of
    lab.counts.perf_runs, and `traces` what sched events said, one of lab.trace.runs.
    """
    rows = [row for file in sorted(runs.glob(plan.file_name(name, "*", "*"))) for row in plan.read(file)]
    records, complaints = _load([runs / row.run for row in rows])
    raw, damaged = analyse.raw_table(records)
    complaints += damaged
    if raw.empty:
        return {}, complaints
    records = [record for record in records if (raw["run"] == record.row.run).any()]
    items, unread = evaluation.read_stages(records)
    facts = environment.describe(plan.title(runs, name), records, rows) | (evaluation.terms(suite) if suite else {})
    metrics = analyse.metrics_table(raw)
    known = evaluation.evaluate(raw, facts, items, perf, traces)
    return {
        f"{name}_raw.csv": analyse.raw_csv(raw),
        f"{name}_metrics.csv": analyse.metrics_csv(metrics),
        f"{name}_environment.json": json.dumps(facts, indent=2) + "\n",
        **evaluation.files(name, known),
        **{f"{name}_{picture}.png": draw(raw, metrics) for picture, draw in plot.PICTURES.items()},
        **_stage_pictures(name, known),
    }, complaints + unread


def _load(folders: list[Path]) -> tuple[list[RunRecord], list[Complaint]]:
    records, complaints = [], []
    for folder in (folder for folder in folders if folder.is_dir()):
        try:
            record = run_record.load(folder)
            if record.row.run != folder.name:
                what = f"is of the run {record.row.run}, which was mixed up with this one"
                remedy = f"remove the folder ('rm -r {folder}') and run 'make run-scenarios' again"
                raise Complaint(folder / run_record.RECORD, f"{what}: {remedy}", FAILED)
            records.append(record)
        except Complaint as complaint:
            complaints.append(complaint)
    return records, complaints


def _stage_pictures(name: str, known: evaluation.Evaluation) -> dict[str, bytes]:
    if known.stages.empty:
        return {}
    return {
        plot_stages.file_name(name, Measurement(*key)): plot_stages.stages(table)
        for key, table in known.stages.groupby(KEYS, sort=False)
    }
