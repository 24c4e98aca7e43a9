"""Recorded runs: t000 with two replicates of 0.15 s, as real guests left them."""

import os
import shutil
from pathlib import Path

import pytest

from lab.report import page as report, suite as suite_results
from lab.runs import run_record
from lab.text.files import write_whole
from lab.plan.places import ROOT
from lab.runs.run_record import RunRecord

# tests/run_all.sh, which builds it, says where it is.
os.environ.setdefault("PIPELAB_PROGRAM", str(Path(__file__).parents[3] / "build" / "host-test" / "pipelab"))

os.environ.setdefault("PIPELAB_PROGRAM", str(ROOT / "build/host-test/pipelab"))  # that plans ask
RECORDED = Path(__file__).parent / "recorded"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A copy of the recorded runs folder, to be damaged at will."""
    return Path(shutil.copytree(RECORDED, tmp_path / "result_data" / "runs"))


@pytest.fixture
def records(runs: Path) -> list[RunRecord]:
    """The finished runs of the recorded plan."""
    return run_record.load_planned(runs, "t000")[0]


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with result_data/ as `make report` leaves it, the recorded runs below; for reading only."""
    runs = Path(shutil.copytree(RECORDED, tmp_path_factory.mktemp("reported") / "result_data" / "runs"))
    made, complaints = suite_results.make("t000", runs, None, runs.parent)
    assert not complaints
    for name, content in made.items():
        write_whole(runs.parent / name, content)
    write_whole(runs.parents[1] / "results.md", report.render(runs.parent))
    return runs.parents[1]


@pytest.fixture
def results_folder(reported: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged at will."""
    return Path(shutil.copytree(reported, tmp_path / "results"))
