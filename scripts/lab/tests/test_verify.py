"""Exact results against those that were made again."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lab.plan import plan
from lab.judge import verify
from lab.text.complaint import Complaint
from lab.tests.conftest import RECORDED
from lab.tests.test_plan import TARGETS, write_image
from lab.tests.test_report import make_report


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of the recorded runs, made once."""
    runs = Path(shutil.copytree(RECORDED, tmp_path_factory.mktemp("reported") / "result_data" / "runs"))
    assert make_report(runs).returncode == 0
    return runs.parent


@pytest.fixture
def results(reported: Path, tmp_path: Path) -> Path:
    """A folder with the tables of the recorded runs, to be changed at will."""
    return Path(shutil.copytree(reported, tmp_path / "result_data"))


@pytest.fixture
def again(results: Path, tmp_path: Path) -> Path:
    """The same, made again."""
    return Path(shutil.copytree(results, tmp_path / "again"))


def rewrite(file: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    change(table).to_csv(file, index=False, lineterminator="\n")


def test_the_same_results_are_the_same(results: Path, again: Path) -> None:
    assert verify.differences(results, "t000", again) == (6, [])


def test_live_lines_and_newer_columns_are_no_part_of_the_claim(results: Path, again: Path) -> None:
    for name in ("t000_raw.csv", "t000_metrics.csv"):
        rewrite(again / name, lambda table: table[table["timing"] == "exact"].assign(newer="1"))
    assert verify.differences(results, "t000", again) == (6, [])


def test_the_last_digit_of_one_figure_is_found(results: Path, again: Path) -> None:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[table["timing"] == "exact", "latency_p50_ns"] += "1"
        return table

    rewrite(again / "t000_raw.csv", change)
    runs, found = verify.differences(results, "t000", again)
    assert (runs, len(found)) == (6, 6)
    assert found[0].startswith("t000_raw.csv: baseline on aarch64 with seed 1: latency_p50_ns was ")


def test_a_run_that_is_missing_or_new_is_found(results: Path, again: Path) -> None:
    rewrite(again / "t000_raw.csv", lambda table: table[~((table["scenario"] == "affinity") & (table["seed"] == "2"))])
    assert verify.differences(results, "t000", again)[1] == ["t000_raw.csv: affinity on aarch64 with seed 2 is missing"]
    assert verify.differences(again, "t000", results)[1] == ["t000_raw.csv: affinity on aarch64 with seed 2 is new"]


def test_a_column_that_is_gone_is_named(results: Path, again: Path) -> None:
    rewrite(again / "t000_metrics.csv", lambda table: table.drop(columns="drop_rate"))
    with pytest.raises(Complaint, match="lacks the columns drop_rate"):
        verify.differences(results, "t000", again)


def test_the_recipe_is_the_command_that_made_the_exact_results(results: Path) -> None:
    options = ["--target=aarch64", "--reps=2", "--seed=1", "--duration=0.15"]
    assert verify.recipes(results, "t000") == [("aarch64", [""], options)]
    file = results / "t000_environment.json"
    about = json.loads(file.read_text())
    about["commands"] = ['make run-scenarios SUITE=t000 TARGET=aarch64 TIMING=exact KERNEL_ARGS="a b" PIN_VCPUS=no']
    about["measurements"][0]["guests"] = [{"kernel": "cloud"}, {"kernel": "rt"}]
    file.write_text(json.dumps(about))
    assert verify.recipes(results, "t000") == [("aarch64", ["cloud", "rt"], ["--target=aarch64", "--kernel-args=a b"])]


def test_results_without_exact_ones_and_suites_without_results_are_named(results: Path) -> None:
    with pytest.raises(Complaint, match="t009_environment.json: there are no results of t009: give one of t000"):
        verify.recipes(results, "t009")
    file = results / "t000_environment.json"
    file.write_text(file.read_text().replace("exact live", "live"))
    with pytest.raises(Complaint, match="t000: has no exact results"):
        verify.recipes(results, "t000")


def image_of(results: Path) -> dict[str, str]:
    about = json.loads((results / "t000_environment.json").read_text())
    return dict(about["measurements"][0]["image"])


def changes(results: Path, again: Path, build: Path, image: dict[str, str]) -> list[str]:
    write_image(build, "aarch64", image)
    return verify.changed_inputs(results, "t000", again, build, TARGETS)


def test_unchanged_inputs_are_no_change(results: Path, again: Path, tmp_path: Path) -> None:
    assert changes(results, again, tmp_path / "build", image_of(results)) == []


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        ("kernel_version", "kernel package: 6.1.0-56-cloud-arm64 then, other now"),
        ("qemu_version", "QEMU: 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3) then, other now"),
        ("compiler", "compiler: g++ 12.2.0 then, other now"),
        ("program_sha256", "program: 6fecbe810f853048 then, other now"),
    ],
)
def test_another_input_is_told_as_it_was_and_is(
    results: Path, again: Path, tmp_path: Path, fact: str, told: str
) -> None:
    assert changes(results, again, tmp_path / "build", image_of(results) | {fact: "other"}) == [told]


def test_scenarios_that_became_others_are_told(results: Path, again: Path, tmp_path: Path) -> None:
    file = again / "runs" / plan.file_name("t000", "aarch64", "exact")
    rows: list[Any] = [row for row in plan.read(file) if row.scenario != "affinity"]
    file.write_text(plan.write(rows).replace("--queue-cap 8", "--queue-cap 9"))
    told = changes(results, again, tmp_path / "build", image_of(results))
    assert len(told) == 2
    assert told[0].startswith("scenario affinity: --prod-interval-us") and told[0].endswith("then, not there now")
    assert "--queue-cap 8" in told[1].split(" then, ")[0] and "--queue-cap 9" in told[1].split(" then, ")[1]
