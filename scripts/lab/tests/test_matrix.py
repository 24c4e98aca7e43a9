"""The table of a suite on every target and kernel."""

import shutil
from pathlib import Path

import pytest

from lab import matrix
from lab.complaint import Complaint


@pytest.fixture(name="cells")
def _cells(results_folder: Path, tmp_path: Path) -> list[Path]:
    folders = [tmp_path / "matrix" / name / "result_data" for name in ("aarch64.cloud", "aarch64.rt")]
    for folder in folders:
        shutil.copytree(results_folder / "result_data", folder)
    return folders


def test_each_cell_has_its_kernel_and_all_its_scenarios(cells: list[Path]) -> None:
    table = matrix.read("t000", cells)
    assert list(table.columns) == matrix.COLUMNS
    assert list(table["kernel"].unique()) == ["cloud", "rt"]
    assert (table.groupby("kernel").size() == len(table) / 2).all()
    assert table["kernel_version"].str.startswith("6.").all()


def test_a_guest_is_told_once_and_figures_are_those_of_the_cells(cells: list[Path], tmp_path: Path) -> None:
    table = matrix.read("t000", cells)
    file = tmp_path / "t000_matrix.csv"
    file.write_text(matrix.csv(table))
    text = matrix.section(file)
    assert text.count("| aarch64 | rt, ") == table[table["kernel"] == "rt"]["timing"].nunique()
    row = table.iloc[0]
    assert f"| {row['scenario']} | {row['latency_p50_ms'] * 1e3:.3g} |" in text
    assert matrix.section(tmp_path / "none_matrix.csv") == ""


def test_a_damaged_cell_is_named(cells: list[Path]) -> None:
    (cells[1] / "t000_metrics.csv").write_text("nothing\n")
    with pytest.raises(Complaint, match="aarch64.rt.*run 'make matrix' again"):
        matrix.read("t000", cells)
