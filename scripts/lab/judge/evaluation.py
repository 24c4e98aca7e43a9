"""An evaluation: what a suite's runs say beyond their numbers. Verdicts, stages, findings, judged objectives.

What needs each item of each run (stages, findings) is worked out once, from the runs, and kept in result_data/;
verdicts and judgements follow from the raw table and the environment file alone.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lab.judge import comparing, evidence
from lab.judge.comparing import Comparison
from lab.judge.finding import Finding, Rule
from lab.judge import objectives
from lab.plan.kinds import MARGIN
from lab.judge.objectives import Judgement
from lab.plan.suite import Suite
from lab.runs import outputs
from lab.runs.run_record import RunRecord
from lab.tables import measured, stages
from lab.tables.measurement import KEYS, Measurement, contract_of
from lab.tables.stages import RunStages
from lab.text import names, strict
from lab.text.complaint import Complaint
from lab.text.files import read_text

STAGES_FILE = "{}_stages.csv"
FINDINGS_FILE = "{}_findings.json"


@dataclass(frozen=True)
class Evaluation:
    """Of all measurements of a suite."""

    comparisons: list[Comparison]
    judgements: list[Judgement]
    stages: pd.DataFrame  # of lab.tables.stages.table()
    findings: list[Finding]

    def of(self, measurement: Measurement) -> "Evaluation":
        """The part about one measurement."""
        chosen = (self.stages[KEYS] == list(measurement)).all(axis=1) if len(self.stages) else slice(0)
        return Evaluation(
            [each for each in self.comparisons if each.measurement == measurement],
            [each for each in self.judgements if each.measurement == measurement],
            self.stages[chosen],
            [each for each in self.findings if each.measurement == measurement],
        )


def terms(suite: Suite) -> dict[str, Any]:
    """What the suite file says about judging its runs, for the environment file."""
    return {
        "baselines": suite.baselines,
        "margin": suite.margin,
        "objectives": [asdict(each) for each in suite.objectives],
        **({"question": suite.question, "about": list(suite.about)} if suite.question else {}),
        **({"steps": list(suite.steps)} if suite.steps else {}),
    }


def read_stages(records: Iterable[RunRecord]) -> tuple[dict[tuple[Measurement, str], list[RunStages]], list[Complaint]]:
    """The stages of all quiet runs by measurement and scenario, and what is wrong with those that are left out.

    Runs that kept no items have none, and that is no fault of theirs (lab.findings.measurement says so).
    """
    runs: dict[tuple[Measurement, str], list[RunStages]] = {}
    complaints = []
    for record in (
        each for each in records if not each.noisy and each.contract.stages and each.outputs.stats.get("samples")
    ):
        key = (Measurement(record.row.target, record.row.timing, record.facts["accelerator"]), record.row.scenario)
        try:
            runs.setdefault(key, []).append(stages.read(record.folder / outputs.SAMPLES, record.contract))
        except Complaint as complaint:
            complaints.append(complaint)
    return {key: known for key, known in runs.items() if known}, complaints


def evaluate(
    raw: pd.DataFrame,
    environment: Mapping[str, Any],
    runs: Mapping[tuple[Measurement, str], list[RunStages]],
    rules: Iterable[Rule],
    beside: Mapping[str, pd.DataFrame] | None = None,
) -> Evaluation:
    """All that is known of a suite; `runs` as read_stages() gives them, `beside` tables of instruments by their files.

    `raw` may have columns of instruments as well, for their rules.
    """
    raw = measured.stated(raw, raw, contract_of(environment))
    tables = [stages.table(scenario, measurement, known) for (measurement, scenario), known in runs.items()]
    tables = [table for table in tables if len(table)]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    comparisons, judgements = _judged(raw, environment)
    windows_ns = {key: [run.windows_ns for run in known] for key, known in runs.items()}
    known = evidence.of_suite(raw, environment, comparisons, table, windows_ns, beside)
    return Evaluation(comparisons, judgements, table, [finding for rule in rules for finding in rule(known)])


def files(suite: str, evaluation: Evaluation) -> dict[str, str]:
    """What is kept of it, by the names of files."""
    table = evaluation.stages.to_csv(index=False, lineterminator="\n", float_format="%.6g")
    found = [
        {"rule": each.rule, "scenario": each.scenario, **each.measurement._asdict(), "values": each.values}
        for each in evaluation.findings
    ]
    return {
        STAGES_FILE.format(suite): table if len(evaluation.stages) else "",
        FINDINGS_FILE.format(suite): json.dumps(found, indent=2, ensure_ascii=False) + "\n",
    }


def read(suite: str, folder: Path, raw: pd.DataFrame, environment: Mapping[str, Any]) -> Evaluation:
    """The evaluation again, from the files. What is not there is empty."""
    table = pd.DataFrame()
    stages_file, findings_file = folder / STAGES_FILE.format(suite), folder / FINDINGS_FILE.format(suite)
    if stages_file.is_file() and stages_file.stat().st_size:
        table = pd.read_csv(stages_file, keep_default_na=False, dtype={"scenario": str, "target": str})
        names.check_table(table)
        table["share"] = pd.to_numeric(table["share"], errors="coerce")
        table = stages.stated(table)
    found = []
    for each in strict.parse_json(read_text(findings_file)) if findings_file.is_file() else []:
        names.check(each)
        found.append(Finding(each["rule"], each["scenario"], Measurement(*map(each.get, KEYS)), each["values"]))
    return Evaluation(*_judged(measured.stated(raw, raw, contract_of(environment)), environment), table, found)


def _judged(raw: pd.DataFrame, environment: Mapping[str, Any]) -> tuple[list[Comparison], list[Judgement]]:
    margin = environment.get("margin", MARGIN)
    judged = contract_of(environment).judged
    comparisons = comparing.against_baseline(raw, environment.get("baselines", {}), judged, margin=margin)
    return comparisons, objectives.judge(raw, objectives.objectives_of(environment))
