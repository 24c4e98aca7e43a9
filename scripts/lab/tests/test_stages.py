"""Where response time went: exact sums, who waited for what, and damaged files."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import image

from lab.plan import contract
from lab.report import stage_picture
from lab.tables import stages
from lab.text.complaint import FAILED, Complaint
from lab.tables.measurement import Measurement
from lab.runs.run_record import RunRecord

PIPELINE = contract.load("pipeline").stages
LIVE = Measurement("aarch64", "live", "tcg")
HEADER = ",".join(stages.COLUMNS)


def write(path: Path, times: list[tuple[int, int, int, int, int]]) -> Path:
    """A latencies.csv of items with these times: intended, created, pushed, popped, done."""
    lines = [
        ",".join(
            map(str, [n, intended, created - intended, pushed - created, popped - pushed, done - popped]),
        )
        + f",{popped - created},{done - intended}"
        for n, (intended, created, pushed, popped, done) in enumerate(times)
    ]
    path.write_text("\n".join([HEADER, *lines, ""]))
    return path


def test_the_stages_of_recorded_runs_add_up(records: list[RunRecord]) -> None:
    for record in records:
        items = pd.read_csv(record.folder / "latencies.csv")
        run = stages.read(record.folder / "latencies.csv")
        assert run.items == len(items) == 150
        assert run.means_ns.loc[stages.ALL].sum() == pytest.approx(items["response_ns"].mean(), abs=1e-6)
        slowest = items["response_ns"].nlargest(2)  # from rank 149 of 150 on
        assert run.means_ns.loc[stages.SLOWEST].sum() == pytest.approx(slowest.mean(), abs=1e-6)
        assert len(run.windows_ns) == 150


def test_queue_latency_is_split_by_what_the_consumer_did(tmp_path: Path) -> None:
    file = write(
        tmp_path / "latencies.csv",
        [
            (0, 1, 3, 10, 30),  # 7 ns until the idle consumer woke up
            (10, 10, 10, 32, 40),  # 20 ns behind the item before, which is done at 30; then 2 ns
            (50, 50, 50, 54, 60),  # the consumer was idle
        ],
    )
    means = stages.read(file).means_ns.loc[stages.ALL] * 3
    assert means.round(9).to_dict() == {"lateness": 1, "enqueue": 2, "behind": 20, "wake_up": 13, "service": 34}


@pytest.mark.parametrize("chunk_rows", [1, 7, 1000])
def test_chunks_change_nothing(records: list[RunRecord], monkeypatch: pytest.MonkeyPatch, chunk_rows: int) -> None:
    file = records[0].folder / "latencies.csv"
    whole = stages.read(file)
    monkeypatch.setattr(stages, "CHUNK_ROWS", chunk_rows)
    pd.testing.assert_frame_equal(stages.read(file).means_ns, whole.means_ns)


def test_tables_and_sentences(tmp_path: Path) -> None:
    calm = [(1000 * n, 1000 * n, 1000 * n, 1000 * n + 10, 1000 * n + 20) for n in range(200)]
    stalled = calm[:-2] + [(198_000, 198_000, 198_000, 198_810, 198_900), (199_000, 199_100, 199_100, 199_800, 199_900)]
    runs = [stages.read(write(tmp_path / f"{n}.csv", times)) for n, times in enumerate((calm, stalled))]
    table = stages.table("baseline", LIVE, runs)
    slowest = table[table["population"] == stages.SLOWEST].set_index("stage")
    assert slowest["share"].sum() == pytest.approx(1)
    assert slowest["mean_ns"].sum() == pytest.approx((20 + 900) / 2)
    assert stages.told(stages.table("baseline", LIVE, runs[1:])) == (
        "the slowest 1 %",
        "of 1 µs 84 % waiting for the consumer to wake up, 11 % the consumer's work, 6 % late before creation",
    )
    few = stages.table("few", LIVE, [stages.read(write(tmp_path / "few.csv", calm[:99]))])
    assert set(few["population"]) == {stages.ALL}  # as p99, the slowest 1 % need 100 items


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("", None, "is missing"),
        (HEADER, "", "row 0 lacks the columns item"),
        ("service_ns", "work_ns", "row 0 lacks the columns service_ns"),
        ("\n2,20,0,0,4,6,4,10", "\n2,20,0,0,4,nan,4,10", "row 3 is not 8 whole numbers: '2,20,0,0,4,nan,4,10'"),
        ("\n2,20,0,0,4,6,4,10", "\n2,20,0,0,4,6,4,", "row 3 is not 8 whole numbers"),
        ("\n2,20,0,0,4,6,4,10", "\n2,20,0,0,4,6,4", "row 3 is not 8 whole numbers"),
        ("\n2,20,0,0,4,6,4,10", "\n2,20,0,0,4,6,4,10,1", "row 3 is not 8 whole numbers"),
        ("\n2,20,0,0,4,6,4,10", "\n2,20,0,0,-4,6,-4,2", "row 3: queue_latency_ns is negative, as when a clock"),
        ("\n2,20,0,0,4,6,4,10", "\n2,20,0,0,4,6,4,11", "row 3: the stages do not add up to response_ns"),
        ("\n2,20,0,0,4,6,4,10", "\n2,20,0,1,4,6,4,11", "row 3: enqueue_ns and queue_latency_ns do not add up"),
        ("\n2,20,0,0,4,6,4,10", "\n2,5,0,0,4,6,4,10", "row 3: intended_ns runs backwards"),
        ("\n2,20,0,0,4,6,4,10", "\n2,11,0,0,2,3,2,5", "row 3: the item is done before the one before it"),
        ("\n2,20,0,0,4,6,4,10", "", "row 3: item does not count on"),
        ("6,4,10\n3,", "6,4,10", "row 3"),
        ("40\n", "4", "is cut"),
    ],
)
def test_damaged_files_get_one_line(tmp_path: Path, old: str, new: str | None, message: str) -> None:
    times = [(10 * n, 10 * n, 10 * n, 10 * n + 4, 10 * n + 10) for n in range(4)]
    file = write(tmp_path / "latencies.csv", times)
    text = file.read_text().replace("3,30,0,0,4,6,4,10\n", "3,30,0,0,4,36,4,40\n")
    assert old in text
    if new is None:
        file.unlink()
    else:
        file.write_text(text.replace(old, new))
    with pytest.raises(Complaint) as complaint:
        stages.read(file)
    line = str(complaint.value)
    assert line.startswith(f"{file}: ") and "\n" not in line and "run it again" in line
    assert (message if new is not None else "cannot be read") in line
    assert complaint.value.exit_code == FAILED


def test_of_sampled_items_only_the_course_is_known(tmp_path: Path) -> None:
    times = [(10 * n, 10 * n, 10 * n, 10 * n + 4, 10 * n + 10) for n in range(300)]
    lines = write(tmp_path / "latencies.csv", times).read_text().splitlines(keepends=True)
    sampled = tmp_path / "sampled.csv"
    sampled.write_text("".join([lines[0], *lines[1::3]]))
    assert (stages.step(sampled), stages.step(tmp_path / "latencies.csv")) == (3, 1)
    known = stages.read(sampled, 3)
    assert known.items == 100 and known.means_ns.empty and len(known.windows_ns) == 100
    assert stages.table("a", LIVE, [known]).empty
    for every, row in ((1, 2), (2, 2), (4, 2)):
        with pytest.raises(Complaint, match=f"row {row}: item does not count on"):
            stages.read(sampled, every)
    with pytest.raises(Complaint, match="has one item in 3, .*: run it with sample-every = 1"):
        stages.refuse_gaps(sampled)
    stages.refuse_gaps(tmp_path / "latencies.csv")


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    for content, message in (("", "lacks the columns"), (HEADER + "\n", "has no items")):
        file = tmp_path / "latencies.csv"
        file.write_text(content)
        with pytest.raises(Complaint, match=message):
            stages.read(file)


def test_the_picture_has_a_panel_for_each_population(records: list[RunRecord]) -> None:
    live = [record for record in records if record.row.timing == "live"]
    names = list(dict.fromkeys(record.row.scenario for record in live))
    table = pd.concat(
        stages.table(
            name,
            LIVE,
            [stages.read(record.folder / "latencies.csv") for record in live if record.row.scenario == name],
        )
        for name in names
    )
    whole = image.imread(io.BytesIO(stage_picture.draw(table, PIPELINE)))
    half = image.imread(io.BytesIO(stage_picture.draw(table[table["population"] == stages.ALL], PIPELINE)))
    assert whole.shape[0] > 1.4 * half.shape[0]
    for colour, _ in (stage_picture.LOOKS[0], stage_picture.LOOKS[3]):
        rgb = np.array([int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)])
        assert (np.abs(whole[..., :3] - rgb).max(axis=-1) < 0.01).sum() > 1000
