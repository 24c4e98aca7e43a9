"""Plans: which runs, with which seeds, in which order, under which names."""

from pathlib import Path

import pytest

from lab import plan, suite
from lab.complaint import Complaint
from lab.plan import Row, Sweep

ROOT = Path(__file__).parents[3]
TARGETS = ROOT / "qemu" / "targets"
SWEEP = Sweep(target="aarch64", timings=("exact", "live"), replicates=3, seed=5)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build folder with facts of images, though without images."""
    for target in ("aarch64", "x86_64"):
        folder = tmp_path / "image" / target
        folder.mkdir(parents=True)
        folder.joinpath("image.tsv").write_text("kernel_sha256\tk\ninitrd_sha256\ti\nqemu_version\t7\n")
    return tmp_path


def expand(build: Path, sweep: Sweep = SWEEP, name: str = "t001") -> list[Row]:
    return plan.expand(suite.load(ROOT / "scenarios" / f"{name}.toml"), sweep, build, TARGETS)


def test_every_scenario_runs_in_every_timing_and_replicate_once(build: Path) -> None:
    rows = expand(build)
    assert len({(row.scenario, row.timing, row.replicate) for row in rows}) == len(rows) == 6 * 2 * 3
    assert len({row.run for row in rows}) == len(rows)


def test_a_replicate_is_a_seed_and_the_same_for_all_scenarios(build: Path) -> None:
    rows = expand(build)
    assert {(row.replicate, row.seed) for row in rows} == {(1, 5), (2, 6), (3, 7)}
    assert all(f"--seed {row.seed} " in row.command for row in rows)


def test_the_command_holds_the_scenario_and_the_duration(build: Path) -> None:
    row = next(row for row in expand(build) if row.scenario == "affinity-0us")
    assert row.command.startswith("pipelab pipeline --prod-interval-us 0 --pin-consumer 1 --duration 2 --seed")
    assert row.options == "--prod-interval-us 0 --pin-consumer 1 --duration 2"
    longer = expand(build, Sweep("aarch64", ("exact",), 1, 5, duration_s=10))
    same = expand(build, Sweep("aarch64", ("exact", "live"), 3, 5, duration_s=2.0))
    assert [row.run for row in same] == [row.run for row in expand(build)]
    assert all("--duration 10 " in row.command and row.duration_s == 10 for row in longer)


def test_a_name_changes_with_whatever_decides_the_result(build: Path) -> None:
    before = {row.run for row in expand(build)}
    assert before == {row.run for row in expand(build)}
    build.joinpath("image", "aarch64", "image.tsv").write_text(
        "kernel_sha256\tother\ninitrd_sha256\ti\nqemu_version\t7\n"
    )
    assert before.isdisjoint(row.run for row in expand(build))


def test_the_order_is_shuffled_repeatably_and_exact_runs_come_first(build: Path) -> None:
    rows = expand(build)
    mixed = plan.shuffled(rows, 5)
    assert sorted(mixed, key=rows.index) == rows
    assert mixed == plan.shuffled(rows, 5)
    assert mixed != plan.shuffled(rows, 6)
    assert [row.timing for row in mixed] == ["exact"] * 18 + ["live"] * 18
    assert [row.scenario for row in mixed[:18]] != [row.scenario for row in rows[:18]]


def test_a_plan_survives_being_written_and_read(build: Path, tmp_path: Path) -> None:
    rows = expand(build)
    file = tmp_path / "plan.tsv"
    file.write_text(plan.write(rows))
    assert plan.read(file) == rows


def test_a_cut_plan_is_refused(build: Path, tmp_path: Path) -> None:
    file = tmp_path / "plan.tsv"
    file.write_text(plan.write(expand(build))[:-300])
    with pytest.raises(Complaint, match="is damaged: run 'make run-scenarios' again"):
        plan.read(file)


def test_exact_timing_is_refused_where_the_target_cannot_do_it(build: Path) -> None:
    with pytest.raises(Complaint, match="exact timing of x86_64 works with at most 1 CPU"):
        expand(build, Sweep("x86_64", ("exact",), 1, 1))
    assert expand(build, Sweep("x86_64", ("live",), 1, 1))


def test_a_missing_image_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(Complaint, match="is not there: run 'make image TARGET=aarch64'"):
        expand(tmp_path)
