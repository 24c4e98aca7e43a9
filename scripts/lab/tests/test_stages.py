"""Where response time went: exact sums, and damaged files."""

import io
import os
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import image

from lab.plan import contract, plan, plan_file
from lab.report import suite as suite_results
from lab.report.pictures import stages as stage_picture
from lab.runs import run_record
from lab.runs.run_record import RunRecord
from lab.tables import stages
from lab.tables.measurement import Measurement
from lab.tests.conftest import run_folder
from lab.tests.reseal import reseal
from lab.text.complaint import FAILED, Complaint

LIVE = Measurement("aarch64", "live", "tcg")
PIPELINE = contract.load("pipeline")
HEADER = "item,intended_ns,lateness_ns,enqueue_ns,behind_ns,wake_up_ns,service_ns,response_ns"


def write(path: Path, items: Sequence[tuple[int, ...]]) -> Path:
    """A samples.csv of items with these: intended, lateness, enqueue, behind, wake_up, service."""
    lines = [",".join(map(str, (number, *times, sum(times[1:])))) for number, times in enumerate(items)]
    path.write_text("\n".join([HEADER, *lines, ""]))
    return path


def test_the_stages_of_recorded_runs_add_up(records: list[RunRecord]) -> None:
    for record in records:
        items = pd.read_csv(record.folder / "samples.csv")
        run = stages.read(record.folder / "samples.csv", record.contract)
        assert run.items == len(items) == 150
        assert run.means_ns.loc[stages.ALL].sum() == pytest.approx(items["response_ns"].mean(), abs=1e-6)
        slowest = items["response_ns"].nlargest(2)  # from rank 149 of 150 on
        assert run.means_ns.loc[stages.SLOWEST].sum() == pytest.approx(slowest.mean(), abs=1e-6)
        assert len(run.windows_ns) == 150


def test_windows_are_of_the_headline_s_first_time_where_it_is_kept(tmp_path: Path) -> None:
    file = write(tmp_path / "samples.csv", [(10 * n, 0, 1, 2, 3, 4) for n in range(400)])
    assert set(stages.read(file, PIPELINE).windows_ns) == {10.0}
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0] + ",latency_ns", *(f"{line},6" for line in lines[1:]), ""]))
    assert set(stages.read(file, PIPELINE).windows_ns) == {6.0} and len(stages.read(file, PIPELINE).windows_ns) == 200


@pytest.mark.parametrize("chunk_rows", [1, 7, 1000])
def test_chunks_change_nothing(records: list[RunRecord], monkeypatch: pytest.MonkeyPatch, chunk_rows: int) -> None:
    file = records[0].folder / "samples.csv"
    whole = stages.read(file, PIPELINE)
    monkeypatch.setattr(stages, "CHUNK_ROWS", chunk_rows)
    pd.testing.assert_frame_equal(stages.read(file, PIPELINE).means_ns, whole.means_ns)


def test_tables_and_sentences(tmp_path: Path) -> None:
    calm = [(1000 * n, 0, 0, 0, 10, 10) for n in range(5000)]
    stalled = calm[:-50] + [(1000 * n, 0, 0, 0, 810, 90) for n in range(4950, 5000)]
    runs = [stages.read(write(tmp_path / f"{n}.csv", times), PIPELINE) for n, times in enumerate((calm, stalled))]
    table = stages.table("baseline", LIVE, runs)
    slowest = table[table["population"] == stages.SLOWEST].set_index("stage")
    assert slowest["share"].sum() == pytest.approx(1)
    assert slowest["mean_ns"].sum() == pytest.approx((20 + 900) / 2)
    few = stages.table("few", LIVE, [stages.read(write(tmp_path / "few.csv", calm[:99]), PIPELINE)])
    assert set(few["population"]) == {stages.ALL}
    some = stages.table("some", LIVE, runs[:1])
    assert set(some["population"]) == {stages.ALL}  # as a p99, the slowest 1 % are stated where they are 100 items


def test_the_slowest_are_a_hundredth_rounded_up() -> None:
    assert list(np.flatnonzero(stages.slowest(np.arange(101)[::-1]))) == [0, 1]


ROW = "\n2,20,0,0,1,3,6,10"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("", None, "cannot be read"),
        (HEADER, "", "row 0 lacks the columns item"),
        ("service_ns", "work_ns", "row 0 lacks the columns service_ns"),
        ("behind_ns", "service_ns,x", "row 0 lacks the columns behind_ns"),
        (ROW, "\n2,20,0,0,1,nan,6,10", "row 3 is not 8 whole numbers: '2,20,0,0,1,nan,6,10'"),
        (ROW, "\n2,20,0,0,1,3,6,", "row 3 is not 8 whole numbers"),
        (ROW, "\n2,20,0,0,1,3,6", "row 3 is not 8 whole numbers"),
        (ROW, "\n2,20,0,0,1,3,6,10,1", "row 3 is not 8 whole numbers"),
        (ROW, "\n2,20,0,0,-1,3,6,8", "row 3: behind_ns is negative, as when a clock"),
        (ROW, "\n2,20,0,0,1,3,6,11", "row 3: the stages do not add up to response_ns"),
        (ROW, "\n2,5,0,0,1,3,6,10", "row 3: intended_ns runs backwards"),
        (ROW, "\n1,20,0,0,1,3,6,10", "row 3: item does not count on"),
        ("6,10\n3,", "6,10", "row 3"),
        ("40\n", "4", "is cut"),
        ("\n0,", "\n-1,", "row 1: item does not count on"),
    ],
)
@pytest.mark.parametrize("chunk_rows", [2, 1000])
def test_damaged_files_get_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str | None, message: str, chunk_rows: int
) -> None:
    if new != f"{ROW},1":  # which pandas cuts off in the first row of a later block
        monkeypatch.setattr(stages, "CHUNK_ROWS", chunk_rows)
    file = write(tmp_path / "samples.csv", [(10 * n, 0, 0, 1, 3, 6 + 30 * (n == 3)) for n in range(4)])
    text = file.read_text()
    assert old in text
    if new is None:
        file.unlink()
    else:
        file.write_text(text.replace(old, new))
    with pytest.raises(Complaint) as complaint:
        stages.read(file, PIPELINE)
    line = str(complaint.value)
    assert line.startswith(f"{file}: ") and "\n" not in line and "run it again" in line and message in line
    assert complaint.value.exit_code == FAILED


def test_items_that_were_not_kept_are_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "samples.csv"
    file.write_text(f"{HEADER}\n0,0,0,0,1,3,6,10\n3,30,0,0,1,3,6,10\n")
    assert stages.read(file, PIPELINE).items == 2


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    for content, message in (("", "lacks the columns"), (HEADER + "\n", "has no items")):
        file = tmp_path / "samples.csv"
        file.write_text(content)
        with pytest.raises(Complaint, match=message):
            stages.read(file, PIPELINE)


def test_the_picture_has_a_panel_for_each_population(records: list[RunRecord]) -> None:
    live = [record for record in records if record.row.timing == "live"]
    runs = {name: [each for each in live if each.row.scenario == name] for name in ("baseline", "affinity")}
    table = pd.concat(
        stages.table(
            name,
            LIVE,
            [replace(stages.read(each.folder / "samples.csv", PIPELINE), items=10_000) for each in found],
        )
        for name, found in runs.items()
    )
    whole = image.imread(io.BytesIO(stage_picture.draw(table, PIPELINE.stages)))
    half = image.imread(io.BytesIO(stage_picture.draw(table[table["population"] == stages.ALL], PIPELINE.stages)))
    assert whole.shape[0] > 1.4 * half.shape[0]
    for colour, _ in (stage_picture.LOOKS[0], stage_picture.LOOKS[3]):
        rgb = np.array([int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)])
        assert (np.abs(whole[..., :3] - rgb).max(axis=-1) < 0.01).sum() > 1000


def test_items_of_several_producers_need_not_come_in_the_order_of_their_times(tmp_path: Path) -> None:
    file = write(tmp_path / "samples.csv", [(10 * n, 0, 0, 1, 3, 6) for n in (0, 2, 1)])
    with pytest.raises(Complaint, match="row 3: intended_ns runs backwards"):
        stages.read(file, PIPELINE)
    assert stages.read(file, replace(PIPELINE, table=PIPELINE.table | {"ordered": False})).items == 3
    assert not contract.load("ingress").ordered and PIPELINE.ordered


@pytest.mark.parametrize("producers", [1, 3])
def test_a_run_of_several_producers_is_reported_without_complaint(runs: Path, producers: int) -> None:
    """Their items are in the order in which they were done, not in that in which they were intended."""
    folder = run_folder(runs, "baseline", "live", 1)
    options = {"producers": producers, "prod-interval-us": 200, "arrival": "poisson", "duration": 0.15}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    program = [os.environ["PIPELAB_PROGRAM"], "ingress", *words, "--seed", "1", "--out", str(folder)]
    subprocess.run(program, check=True, capture_output=True)
    record = run_record.load(reseal(folder, workload="ingress", options=options, seed=1))
    for file in runs.glob(plan.file_name("*", "*", "*")):
        file.unlink()
    (runs / plan.file_name("t000", "aarch64", "live")).write_text(plan_file.write([record.row]))
    made, complaints = suite_results.make("t000", runs, None, runs.parent)
    assert not complaints
    assert "lateness" in str(made["t000_stages.csv"]) and "response_p99_worst_ns" in str(made["t000_raw.csv"])
