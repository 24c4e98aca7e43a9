"""Recorded runs: t000 with two replicates of 0.15 s, as real guests left them."""

import json
import os
import shutil
from pathlib import Path

import pytest

from lab.plan import plan, plan_file
from lab.plan.places import ROOT
from lab.plan.plan import Row
from lab.runs import run_record
from lab.runs.run_record import RunRecord
from lab.text.files import write_whole

os.environ.setdefault("PIPELAB_PROGRAM", str(ROOT / "build/host/pipelab"))  # that plans ask
RECORDED = Path(__file__).parent / "recorded"


def load_planned(runs: Path, suite: str) -> tuple[list[RunRecord], list[Row]]:
    """The finished runs of a suite's plans, target by target and timing by timing, and all rows of the plans."""
    rows = [row for file in sorted(runs.glob(plan.file_name(suite, "*", "*"))) for row in plan_file.read(file)]
    return [run_record.load(runs / row.run, row) for row in rows if (runs / row.run).is_dir()], rows


def run_folder(runs: Path, scenario: str, timing: str, replicate: int, suite: str = "t000") -> Path:
    """The folder of a recorded run."""
    wanted = {"suite": suite, "scenario": scenario, "timing": timing, "replicate": replicate}
    rows = {file.parent: json.loads(file.read_text())["row"] for file in runs.glob("*/run.json")}
    (found,) = (folder for folder, row in rows.items() if row | wanted == row)
    return found


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A copy of the recorded runs folder, to be damaged at will."""
    return Path(shutil.copytree(RECORDED, tmp_path / "result_data" / "runs"))


@pytest.fixture
def records(runs: Path) -> list[RunRecord]:
    """The finished runs of the recorded plan."""
    return load_planned(runs, "t000")[0]


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with result_data/ as `make report` leaves it, the recorded runs below; for reading only."""
    from lab.report import page, suite

    runs = Path(shutil.copytree(RECORDED, tmp_path_factory.mktemp("reported") / "result_data" / "runs"))
    made, complaints = suite.make("t000", runs, None, runs.parent)
    assert not complaints
    for name, content in made.items():
        write_whole(runs.parent / name, content)
    page.write(runs.parent, runs.parents[1] / "results.md")
    return runs.parents[1]


@pytest.fixture
def results_folder(reported: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged at will."""
    return Path(shutil.copytree(reported, tmp_path / "results"))


@pytest.fixture(scope="session")
def tabled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result_data/ with the tables of the recorded runs alone, the runs below; for reading only."""
    from lab.tables import environment, measured

    runs = Path(shutil.copytree(RECORDED, tmp_path_factory.mktemp("tabled") / "result_data" / "runs"))
    records, rows = load_planned(runs, "t000")
    raw, complaints = measured.raw_table(records)
    assert not complaints
    known = records[0].contract
    about = environment.describe("t000", "t000", known, records, rows)
    write_whole(runs.parent / "t000_raw.csv", measured.raw_csv(raw))
    write_whole(runs.parent / "t000_metrics.csv", measured.metrics_csv(measured.metrics_table(raw, known)))
    write_whole(runs.parent / "t000_environment.json", json.dumps(about, indent=2) + "\n")
    return runs.parent
