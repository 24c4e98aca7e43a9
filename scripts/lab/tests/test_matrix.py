"""The table of a suite on every target and kernel."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from lab.plan import contract
from lab.report import matrix
from lab.text import numbers
from lab.text.complaint import Complaint


PIPELINE = contract.load("pipeline")


@pytest.fixture(name="cells")
def _cells(results_folder: Path, tmp_path: Path) -> list[Path]:
    folders = [tmp_path / "matrix" / name / "result_data" for name in ("aarch64.cloud", "aarch64.rt")]
    for folder in folders:
        shutil.copytree(results_folder / "result_data", folder)
    return folders


def test_each_cell_has_its_kernel_and_all_its_scenarios(cells: list[Path]) -> None:
    table = matrix.read("t000", cells, PIPELINE)
    assert list(table.columns) == [*matrix.KEPT.columns, *(column.name for column in PIPELINE.headline)]
    assert list(table["kernel"].unique()) == ["cloud", "rt"]
    assert (table.groupby("kernel").size() == len(table) / 2).all()
    assert table["kernel_version"].str.startswith("6.").all()


def parts_of(table: pd.DataFrame, file: Path) -> dict[str, str]:
    """What the page has for a table, by timing."""
    file.write_text(matrix.KEPT.csv(table))
    parts = ("\n\n" + matrix.section(file, PIPELINE)).split("\n\n**")[1:]
    return {part.split()[0].lower(): part for part in parts}


def test_timings_are_apart_and_figures_are_those_of_the_cells(cells: list[Path], tmp_path: Path) -> None:
    table = matrix.read("t000", cells, PIPELINE)
    parts = parts_of(table, tmp_path / "t000_matrix.csv")
    assert list(parts) == list(table["timing"].unique()) == ["exact", "live"]
    assert parts["live"].startswith("Live timing with tcg**, ")
    for timing, part in parts.items():
        row = table[table["timing"] == timing].iloc[0]
        assert f"| {row['scenario']} | {numbers.shown(row['latency_p50_ns'], 'ns')} |" in part
        assert part.count("\n| ") == 1 + (table["timing"] == timing).sum()
        assert part.count("| aarch64 | rt, ") == 1
        assert part.index("a line. ") < part.index("\n|")
    assert matrix.section(tmp_path / "none_matrix.csv", PIPELINE) == ""


def test_what_is_equal_in_all_lines_is_said_once(cells: list[Path], tmp_path: Path) -> None:
    table = matrix.read("t000", cells, PIPELINE).assign(throughput_ops_s=1000.4, drop_rate=0.0)
    table.loc[table["timing"] == "live", "drop_rate"] = [0.1] + [0.0] * ((table["timing"] == "live").sum() - 1)
    parts = parts_of(table, tmp_path / "t000_matrix.csv")
    assert (
        "left out: throughput (/s) 1,000, drop rate (%) 0.\n" in parts["exact"]
        and "| drop rate (%) |" not in parts["exact"]
    )
    assert "left out: throughput (/s) 1,000.\n" in parts["live"] and "| drop rate (%) |" in parts["live"]
    one = parts_of(table[:1], tmp_path / "t000_matrix.csv")["exact"]
    assert "left out" not in one and "| throughput (/s) | drop rate (%) |" in one


@pytest.mark.parametrize(("runs", "told"), [(1, True), (3, False)])
def test_a_single_run_is_warned_of(cells: list[Path], tmp_path: Path, runs: int, told: bool) -> None:
    table = matrix.read("t000", cells, PIPELINE).assign(runs=runs)
    parts = parts_of(table, tmp_path / "t000_matrix.csv")
    assert ("A single live run may only show where its threads were put" in parts["live"]) == told
    assert f"{'' if told else 'medians of '}{runs} run{'' if told else 's'} a line." in parts["live"]


def test_a_damaged_cell_is_named(cells: list[Path]) -> None:
    (cells[1] / "t000_raw.csv").write_text("nothing\n")
    with pytest.raises(Complaint, match="aarch64.rt.*run 'make matrix' again"):
        matrix.read("t000", cells, PIPELINE)
