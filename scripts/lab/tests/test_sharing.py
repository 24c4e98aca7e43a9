"""Runs that several scenarios ask for: which are shared, and that all who asked are told of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
import pytest

from lab.plan import plan, plan_file, suite
from lab.plan.plan import Row, Sweep
from lab.report import suite as suite_results
from lab.runs import launch, one, run_record, wanted
from lab.runs.wanted import Wish
from lab.tests.conftest import load_planned, run_folder
from lab.text.complaint import Complaint

IMAGE = "".join(f"{name}\tx\n" for name in plan.IMAGE_FACTS)
SWEEP = Sweep("aarch64", ("exact", "live"), replicates=2, seed=1)
PLAIN = "[scenario.a]\n[scenario.b]\nqueue-cap = 8\n"
EQUAL = "[scenario.a]\n[scenario.again]\nduration = 2\n[scenario.slow]\nduration = 3\n"


@pytest.fixture(autouse=True)
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build folder with facts of an image, though without one."""
    (tmp_path / "build/image/aarch64").mkdir(parents=True)
    (tmp_path / "build/image/aarch64/image.tsv").write_text(IMAGE)
    monkeypatch.setattr(wanted, "BUILD", tmp_path / "build")


def wishes(folder: Path, sweep: Sweep = SWEEP, **texts: str) -> list[Wish]:
    """Suites that are `texts`, by their names."""
    for name, text in texts.items():
        (folder / f"{name}.toml").write_text(text)
    return [Wish(suite.load(folder / f"{name}.toml"), sweep) for name in texts]


def of_scenario(rows: list[Row], asked_as: str, timing: str = "live") -> list[str]:
    """The runs that a scenario asks for, by replicate."""
    rows = sorted(rows, key=lambda row: row.replicate)
    return [row.run for row in rows if (row.asked_as, row.timing) == (asked_as, timing)]


def make(rows: list[Row], runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sweep's place: leaves for each run a record that says who asked, and nothing else."""
    for row in rows:
        if not (runs / row.run).is_dir():
            (runs / row.run).mkdir(parents=True)
            run_record.write(runs / row.run, {run_record.ASKED_FOR: []})
        run_record.claim(runs / row.run, row)
    monkeypatch.setattr(run_record, "load", lambda *_: None)  # they are no whole runs


def test_suites_of_a_sweep_share_live_runs_and_exact_ones(tmp_path: Path) -> None:
    rows = wanted.rows(wishes(tmp_path, one=PLAIN, two="[scenario.c]\n"), tmp_path / "runs")
    for timing, name in (("exact", "exact.s"), ("live", "live.r")):
        shared = of_scenario(rows, "two/c", timing)
        assert shared == of_scenario(rows, "one/a", timing) != of_scenario(rows, "one/b", timing)
        assert [run.rpartition(".")[0] for run in shared] == [f"aarch64.{name}1", f"aarch64.{name}2"]
    assert len({row.run for row in rows}) == 2 * 2 * 2 and len(rows) == 3 * 2 * 2


def test_equal_scenarios_of_one_suite_share_no_live_run(tmp_path: Path) -> None:
    rows = wanted.rows(wishes(tmp_path, one=EQUAL, two="[scenario.c]\n"), tmp_path / "runs")
    assert of_scenario(rows, "one/a", "exact") == of_scenario(rows, "one/again", "exact")
    twins = of_scenario(rows, "one/again")
    assert of_scenario(rows, "two/c") == of_scenario(rows, "one/a")
    assert twins == [
        run.replace(f".r{number}.", f".r{number}.twin2.") for number, run in enumerate(of_scenario(rows, "one/a"), 1)
    ]
    assert {row.twin for row in rows if row.run not in twins} == {1}
    assert plan_file.read(_written(tmp_path, rows)) == rows


def test_scenarios_that_a_knob_makes_equal_share_no_live_run(tmp_path: Path) -> None:
    sweep = replace(SWEEP, duration_s=1.0, guest={"smp": 4})
    text = EQUAL + "[scenario.large]\nsmp = 4\n[scenario.turns]\nquantum = '20us'\n"
    rows = wanted.rows(wishes(tmp_path, sweep, one=text), tmp_path / "runs")
    live = [row for row in rows if row.timing == "live"]
    assert len({row.run for row in live}) == len(live) == 5 * 2
    assert {row.twin for row in live} == {1, 2, 3, 4, 5}


def _written(folder: Path, rows: list[Row]) -> Path:
    (folder / "sweep.jsonl").write_text(plan_file.write(rows))
    return folder / "sweep.jsonl"


def test_a_sweep_that_is_resumed_finds_its_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, chosen = tmp_path / "runs", wishes(tmp_path, one=EQUAL, two="[scenario.c]\n")
    rows = wanted.rows(chosen, runs)
    make([row for row in rows if row.replicate == 1], runs, monkeypatch)  # those of two as well
    assert wanted.rows(chosen, runs) == rows
    make(rows, runs, monkeypatch)
    assert wanted.rows(chosen, runs) == rows
    more = wanted.rows([Wish(each.suite, replace(SWEEP, replicates=3)) for each in chosen], runs)
    assert {row.run for row in rows} < {row.run for row in more}
    part = replace(chosen[0].suite, scenarios=chosen[0].suite.scenarios[1:2], whole=False)
    assert of_scenario(wanted.rows([Wish(part, SWEEP)], runs), "one/again") == of_scenario(rows, "one/again")


def test_a_scenario_that_was_run_alone_keeps_its_runs_from_its_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, chosen = tmp_path / "runs", wishes(tmp_path, one=EQUAL)[0]
    part = replace(chosen.suite, scenarios=chosen.suite.scenarios[1:2], whole=False)
    alone = wanted.rows([Wish(part, SWEEP)], runs)
    make(alone, runs, monkeypatch)
    rows = wanted.rows([chosen], runs)
    assert of_scenario(rows, "one/again") == of_scenario(alone, "one/again")
    assert not set(of_scenario(rows, "one/a")) & set(of_scenario(rows, "one/again"))


def test_a_live_run_of_another_sweep_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = tmp_path / "runs"
    first = wanted.rows(wishes(tmp_path, one=PLAIN), runs)
    make(first, runs, monkeypatch)
    rows = wanted.rows(wishes(tmp_path, one=PLAIN, two="[scenario.c]\n", three="[scenario.d]\n"), runs)
    assert of_scenario(rows, "one/a") == of_scenario(first, "one/a")
    assert of_scenario(rows, "two/c", "exact") == of_scenario(first, "one/a", "exact")  # which is always the same
    assert of_scenario(rows, "two/c") == of_scenario(rows, "three/d")
    assert {row.twin for row in rows if row.asked_as == "two/c" and row.timing == "live"} == {2}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"asked_for_by": 3}'])
def test_of_a_damaged_run_nobody_is_known_to_have_asked(tmp_path: Path, text: str) -> None:
    assert run_record.asked_for_by(tmp_path) == []
    (tmp_path / run_record.RECORD).write_text(text)
    assert run_record.asked_for_by(tmp_path) == []


def test_shared_runs_come_neither_sooner_nor_later_than_others(tmp_path: Path) -> None:
    rows = wanted.rows(wishes(tmp_path, one=PLAIN, two="[scenario.c]\n"), tmp_path / "runs")
    live = [row for row in rows if row.timing == "live" and row.replicate == 1]
    shared = next(row.run for row in live if row.asked_as == "two/c")
    first = 0
    for seed in range(400):
        for order in (
            [row.run for row in plan.shuffled(live, seed)],
            [task.row.run for task in launch.tasks(_written(tmp_path, live), seed=seed)],
        ):
            assert order in ([shared, shared, *set(order) - {shared}], [*set(order) - {shared}, shared, shared])
        first += order[0] == shared
    assert (
        150 < first < 250
    )  # of 400: two of three rows are of this run, and one that were shuffled row by row gave 267


def test_a_shared_run_that_fails_is_told_to_all_who_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(one, "LOCK", tmp_path / "lock")
    runs = tmp_path / "runs"
    rows = wanted.rows(wishes(tmp_path, one=EQUAL, two="[scenario.c]\n"), runs)
    runs.mkdir()
    asking = [row for row in rows if row.run == of_scenario(rows, "two/c")[0]]
    tasks = [task for task in launch.tasks(_written(runs, rows)) if task.row in asking]
    assert len(tasks) == 2

    def boot(row: Row, folder: Path) -> NoReturn:
        (folder / "console.log").write_text("Kernel panic\n")
        raise Complaint(row.place, "guest-panicked", 1)

    monkeypatch.setattr(one, "_boot", boot)
    with pytest.raises(Complaint, match=r"guest-panicked \(kept in .*\); two/c asked for this run too"):
        one.run(asking[0], runs, asking[1:])
    assert launch.run(tasks, jobs=1, quiet=True) == 1  # one run failed, which two asked for
    folders = [runs / one.FAILURES / one.failure_name(row) for row in asking]
    assert sorted((runs / one.FAILURES).iterdir()) == sorted(folders)
    assert (folders[0] / "console.log").is_file()
    assert (
        folders[1] / "reason.txt"
    ).read_text() == f"guest-panicked\nIt shares this run with one/a: see {folders[0]}\n"
    twin = next(row for row in rows if row.asked_as == "one/again" and row.timing == "live" and row.replicate == 1)
    with pytest.raises(Complaint, match=r"guest-panicked \(kept in [^;]*$"):
        one.run(twin, runs)
    monkeypatch.setattr(one, "_boot", lambda *_: {})
    monkeypatch.setattr(one, "_keep", lambda *_: None)
    one.run(asking[1], runs)
    assert [folder.name for folder in (runs / one.FAILURES).iterdir()] == [one.failure_name(twin)]


def test_a_run_that_another_process_made_meanwhile_is_not_made_again(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = run_folder(runs, "baseline", "live", 1)
    row = replace(run_record.load(folder).row, suite="other")
    elsewhere = folder.rename(tmp_path / "elsewhere")

    @contextmanager
    def host_lock(alone: bool) -> Iterator[None]:
        assert alone
        elsewhere.rename(folder)
        yield

    def boot(*_: Any) -> NoReturn:
        raise AssertionError("it was booted again")

    monkeypatch.setattr(one, "host_lock", host_lock)
    monkeypatch.setattr(one, "_boot", boot)
    one.run(row, runs)
    assert run_record.load(folder).facts["asked_for_by"] == ["other/baseline", "t000/baseline"]
    assert not list(runs.glob(".partial.*"))


def test_two_suites_that_share_live_runs_are_both_reported(runs: Path) -> None:
    rows = [row for row in load_planned(runs, "t000")[1] if row.timing == "live" and row.scenario != "affinity"]
    others = [replace(row, suite="other", scenario=f"{row.scenario}-1000us") for row in rows]
    (runs / plan.file_name("other", "aarch64", "live")).write_text(plan_file.write(others))
    for row in others:
        run_record.claim(runs / row.run, row)
    raw = {}
    for name in ("t000", "other"):
        files, complaints = suite_results.make(name, runs, None, runs.parent)
        assert not complaints
        raw[name] = _table(runs.parent / f"{name}_raw.csv", files)
    shared = raw["t000"].merge(raw["other"], on="run", suffixes=("", "_other"))
    assert len(shared) == len(others) == 4
    assert (shared["scenario"] + "-1000us" == shared["scenario_other"]).all()
    assert (shared["suite_other"] == "other").all()
    assert (shared["latency_p50_ns"] == shared["latency_p50_ns_other"]).all()


def _table(file: Path, files: dict[str, str | bytes]) -> pd.DataFrame:
    content = files[file.name]
    assert isinstance(content, str)
    file.write_text(content)
    return pd.read_csv(file)
