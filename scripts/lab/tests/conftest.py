"""Recorded runs: t000 with two replicates of 0.15 s, as real guests left them."""

import shutil
from pathlib import Path

import pytest

from lab import run_record
from lab.run_record import RunRecord

RECORDED = Path(__file__).parent / "recorded"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A copy of the recorded runs folder, to be damaged at will."""
    return Path(shutil.copytree(RECORDED, tmp_path / "result_data" / "runs"))


@pytest.fixture
def records(runs: Path) -> list[RunRecord]:
    """The finished runs of the recorded plan."""
    return run_record.load_planned(runs, "t000")[0]
