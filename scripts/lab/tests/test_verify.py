"""Exact results against those that were made again."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lab.judge import verify
from lab.judge.verify import Differences
from lab.plan import plan, plan_file
from lab.plan.plan import Row
from lab.tests.test_plan import TARGETS, write_image
from lab.tables.results import load, of_suite
from lab.text.complaint import Complaint


@pytest.fixture
def results(tabled: Path, tmp_path: Path) -> Path:
    """A folder with the tables of the recorded runs, to be changed at will."""
    return Path(shutil.copytree(tabled, tmp_path / "result_data"))


@pytest.fixture
def again(results: Path, tmp_path: Path) -> Path:
    """The same, made again."""
    return Path(shutil.copytree(results, tmp_path / "again"))


def rewrite(file: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    change(table).to_csv(file, index=False, lineterminator="\n")


def rewrite_environment(results: Path, change: Callable[[dict[str, Any]], object]) -> None:
    file = results / "t000_environment.json"
    about = json.loads(file.read_text())
    change(about)
    file.write_text(json.dumps(about))


def recipes(results: Path) -> list[list[str]]:
    return verify.recipes(load(results)["t000"])


def test_the_same_results_are_the_same(results: Path, again: Path) -> None:
    assert verify.differences(results, "t000", again) == Differences(6)
    assert verify.text(Differences(6)).endswith(
        "in all files that the program left, and to the ns in what the kernel says of its CPUs"
    )


def test_where_only_the_canary_differs_the_program_s_files_are_the_same(results: Path, again: Path) -> None:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[(table["timing"] == "exact") & (table["seed"] == "2"), "canary_sha256"] = "0123456789abcdef"
        return table

    rewrite(again / "t000_raw.csv", change)
    known = verify.differences(results, "t000", again)
    assert known == Differences(6, canaries=3)
    assert verify.text(known).endswith("; in 3 of them the kernel booked CPU time otherwise by some ns")


def test_one_byte_of_one_file_is_found(results: Path, again: Path) -> None:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[0, ["output_sha256", "canary_sha256"]] = "0123456789abcdef"
        return table

    rewrite(again / "t000_raw.csv", change)
    assert len(verify.differences(results, "t000", again).found) == 2


def test_tables_from_before_the_fingerprints_claim_no_more_than_their_figures(results: Path, again: Path) -> None:
    rewrite(results / "t000_raw.csv", lambda table: table.drop(columns=["output_sha256", "canary_sha256"]))
    known = verify.differences(results, "t000", again)
    assert known == Differences(6, is_whole=False)
    assert verify.text(known) == "6 exact runs came out the same in every figure"


def test_live_lines_and_newer_columns_are_no_part_of_the_claim(results: Path, again: Path) -> None:
    for name in ("t000_raw.csv", "t000_metrics.csv"):
        rewrite(again / name, lambda table: table[table["timing"] == "exact"].assign(newer="1"))
    assert verify.differences(results, "t000", again) == Differences(6)


def test_a_whole_number_is_the_same_with_decimals_and_without(results: Path, again: Path) -> None:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(clock_read_ns="116.0")

    rewrite(results / "t000_raw.csv", change)
    rewrite(again / "t000_raw.csv", lambda table: change(table).replace("116.0", "116"))
    assert verify.differences(results, "t000", again) == Differences(6)
    rewrite(again / "t000_raw.csv", lambda table: table.replace("116", "1160"))
    assert len(verify.differences(results, "t000", again).found) == 6


def test_the_last_digit_of_one_figure_is_found(results: Path, again: Path) -> None:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[table["timing"] == "exact", "latency_p50_ns"] += "1"
        return table

    rewrite(again / "t000_raw.csv", change)
    known = verify.differences(results, "t000", again)
    assert (known.runs, len(known.found)) == (6, 6)
    assert known.found[0].startswith("t000_raw.csv: baseline on aarch64 with seed 1: latency_p50_ns was ")


def test_a_run_that_is_missing_or_new_is_found(results: Path, again: Path) -> None:
    rewrite(again / "t000_raw.csv", lambda table: table[~((table["scenario"] == "affinity") & (table["seed"] == "2"))])
    assert verify.differences(results, "t000", again).found == [
        "t000_raw.csv: affinity on aarch64 with seed 2 is missing"
    ]
    assert verify.differences(again, "t000", results).found == ["t000_raw.csv: affinity on aarch64 with seed 2 is new"]


def test_a_column_that_is_gone_is_named(results: Path, again: Path) -> None:
    rewrite(again / "t000_metrics.csv", lambda table: table.drop(columns="drop_rate"))
    with pytest.raises(Complaint, match="lacks the columns drop_rate"):
        verify.differences(results, "t000", again)


def test_the_recipe_is_the_sweep_that_made_the_exact_results(results: Path) -> None:
    options = ["--target=aarch64", "--reps=2", "--seed=1", "--duration=0.15"]
    assert recipes(results) == [options]

    def change(about: dict[str, Any]) -> None:
        sweep = {"SUITE": "t000", "TARGET": "aarch64", "KERNEL_ARGS": "a b", "PIN_VCPUS": "no"}
        about["sweeps"] = [sweep | {"TIMING": "exact"}, sweep | {"TIMING": "live", "REPS": "9"}]

    rewrite_environment(results, change)
    assert recipes(results) == [["--target=aarch64", "--kernel-args=a b"]]


def test_results_without_exact_ones_and_suites_without_results_are_named(results: Path) -> None:
    with pytest.raises(Complaint, match="has no results of t009: give one of t000"):
        of_suite(load(results), "t009", results)
    rewrite_environment(results, lambda about: about["sweeps"][0].update(TIMING="live"))
    with pytest.raises(Complaint, match="t000: has no exact results"):
        recipes(results)
    (results / "t000_environment.json").unlink()
    with pytest.raises(Complaint, match="t000_environment.json is not there, which says how it was measured"):
        recipes(results)


@pytest.mark.parametrize(
    "change",
    [
        lambda about: about["sweeps"][0].update(SEED="$(id)"),
        lambda about: about["sweeps"][0].update({"A;B": "1"}),
        lambda about: about["workload"].update(name="../x"),
        lambda about: about["workload"]["contract"].pop("metrics"),
        lambda about: about["measurements"][0].update(target="a b"),
        lambda about: about["measurements"][0]["guests"][0].update(kernel="x;y"),
        lambda about: about["measurements"][0]["scenarios"]["baseline"]["options"].update(wait="a;b"),
        lambda about: about["measurements"][0]["scenarios"].update({"../x": {}}),
        lambda about: about.pop("measurements"),
    ],
)
def test_what_must_be_a_name_and_is_none_is_refused(results: Path, change: Callable[[dict[str, Any]], object]) -> None:
    rewrite_environment(results, change)
    with pytest.raises(Complaint, match="t000_environment.json: (is damaged|lacks)") as complaint:
        recipes(results)
    assert complaint.value.exit_code == 1


@pytest.fixture
def rows(results: Path) -> list[Row]:
    """The plan that would make them again."""
    return plan_file.read(results / "runs" / plan.file_name("t000", "aarch64", "exact"))


def changes(results: Path, rows: list[Row], build: Path, changed: dict[str, str]) -> list[str]:
    about = json.loads((results / "t000_environment.json").read_text())
    write_image(build, "aarch64", about["measurements"][0]["guests"][0]["image"] | changed)
    return verify.changed_inputs(load(results)["t000"], rows, build, TARGETS)


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        ("kernel_version", "kernel package: 6.1.0-56-cloud-arm64 then, other now"),
        ("qemu_version", "QEMU: 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3) then, other now"),
        ("compiler", "compiler: g++ 12.2.0 then, other now"),
    ],
)
def test_another_input_is_told_as_it_was_and_is(
    results: Path, rows: list[Row], tmp_path: Path, fact: str, told: str
) -> None:
    assert changes(results, rows, tmp_path / "build", {}) == []
    assert changes(results, rows, tmp_path / "build", {fact: "other"}) == [told]
    (program,) = changes(results, rows, tmp_path / "build", {"program_sha256": "ab" * 32})
    assert program.startswith("program: ") and program.endswith(" then, abababababababab now")


def test_another_program_of_a_user_is_told(results: Path, rows: list[Row], tmp_path: Path) -> None:
    file = results / "t000_environment.json"
    about = json.loads(file.read_text())
    about["measurements"][0]["parcels"] = ["aa" * 8]
    file.write_text(json.dumps(about))
    (told,) = changes(results, [replace(row, parcel="bb" * 8) for row in rows], tmp_path / "build", {})
    assert told == f"program and what comes along with it: {'aa' * 8} then, {'bb' * 8} now"
    assert changes(results, [replace(row, parcel="aa" * 8) for row in rows], tmp_path / "build", {}) == []


def test_scenarios_that_became_others_are_told(results: Path, rows: list[Row], tmp_path: Path) -> None:
    others = [
        replace(row, options=row.options | {"queue-cap": 9}, contract="0" * 64)
        for row in rows
        if row.scenario != "affinity"
    ]
    told = changes(results, others, tmp_path / "build", {})
    assert [line.split(":")[0] for line in told] == ["scenario baseline", "scenario affinity", "scenario queue-cap-8"]
    assert told[1].startswith("scenario affinity: duration = 0.15, ") and told[1].endswith(" then, not there now")
    assert "queue-cap = 8" in told[2].split(" then, ")[0] and "queue-cap = 9" in told[2].split(" then, ")[1]
