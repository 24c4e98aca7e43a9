"""The course of a run: series.csv, its worst interval, the parts of a pattern, and objectives of every interval."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from lab.judge import objectives as judged
from lab.plan import contract, schedule, suite
from lab.report import page, suite as suite_results
from lab.runs import run_record
from lab.runs.outputs import series as left
from lab.runs.run_record import RunRecord
from lab.tables import measured, phases, series
from lab.tests.conftest import run_folder
from lab.tests.reseal import reseal
from lab.text.complaint import Complaint
from lab.text.files import write_whole

HEAD = "begin_ns,length_ns,offered,items,failed,backlog,rate_ops_s,response_p50_ns,response_p99_ns\n"
FIRST = "0,100000000,100,100,0,0,1000.000,10,20\n"
SECOND = "100000000,50000000,50,50,0,0,1000.000,10,\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "cannot be read as CSV"),
        ("begin_ns\n", "row 0 should begin with the columns begin_ns, length_ns, offered"),
        (
            HEAD.replace("response_p99", "wake_p99"),
            "row 0 should end with the p50 and p99 of some of latency, response",
        ),
        (HEAD.replace("response_p99", "response_p50"), "row 0 has a column twice"),
        (HEAD + FIRST + SECOND.replace(",10,", ","), "row 2 has 8 values and not 9"),
        (HEAD + SECOND, "row 1 does not begin where the row before ends, at 0 ns"),
        (HEAD + FIRST * 2, "row 2 does not begin where the row before ends, at 100000000 ns"),
        (HEAD + FIRST.replace("100000000", "0"), "row 1 has no length"),
        (HEAD + FIRST.replace(",1000.000", ",1001"), "row 1 has a rate_ops_s that is not its items by its length"),
        (HEAD + FIRST.replace(",0,0,1000", ",0,5,1000"), "row 1 has a backlog that is not what was offered"),
        (HEAD + FIRST.replace(",100,100,0,0,", ",,100,0,0,"), "row 1 knows only one of offered and backlog"),
        (
            HEAD + FIRST.replace("100,100,0,0", ",100,0,") + SECOND,
            "row 2 knows only one of offered and backlog, or one",
        ),
        (HEAD + FIRST.replace(",20", ",9"), "row 1 has a response_p99_ns below the p50"),
        (HEAD + FIRST + SECOND.replace(",10,", ",10,20"), "row 2 has a response_p99_ns of 50 items, which do not tell"),
        (HEAD + FIRST.replace(",10,", ",-1,"), "row 1 has no good value for 'response_p50_ns': -1"),
        (HEAD + FIRST.replace(",10,", ",1e3,"), "row 1 has no good value for 'response_p50_ns': 1e3"),
        (HEAD + FIRST.replace("0,100000000", "nan,100000000"), "row 1 has no good value for 'begin_ns': nan"),
        (HEAD + FIRST.replace(",0,0,1000", ",,0,1000"), "row 1 has no good value for 'failed': "),
        (HEAD + FIRST, "its rows have 100 items and not the 150 of stats.csv"),
        (HEAD + FIRST + SECOND.replace("50000000", "60000000").replace("1000.000", "833.333"), "its rows last 0.16 s"),
        (HEAD, "has no interval"),
        (HEAD + "0\n" * 1502, "row 1502 is too many"),
        (HEAD + "0" * 2**20, "has more than the 1048576 bytes"),
    ],
)
def test_a_bad_series_gets_one_line_at_the_seal(records: list[RunRecord], content: str, message: str) -> None:
    record = records[0]
    (record.folder / "series.csv").write_text(content)
    with pytest.raises(Complaint) as complaint:
        left.check(record.folder, record.outputs, record.row, record.contract)
    line = str(complaint.value)
    assert message in line and line.startswith(str(record.folder / "series.csv")) and "\n" not in line
    assert complaint.value.exit_code == 1


def test_a_run_that_is_not_cut_has_no_rows(records: list[RunRecord]) -> None:
    record = records[0]
    row = replace(record.row, options={**record.row.options, "series-ms": 0})
    with pytest.raises(Complaint, match="row 1 is too many: the run was not to be cut"):
        left.check(record.folder, record.outputs, row, record.contract)
    (record.folder / "series.csv").write_text(HEAD)
    left.check(record.folder, record.outputs, row, record.contract)
    assert all(math.isnan(value) for value in series.worst(record).values())


def _with_series(record: RunRecord, *rows: str) -> RunRecord:
    (record.folder / "series.csv").write_text(HEAD + "".join(rows))
    return record


def test_the_worst_interval_is_in_the_raw_table(records: list[RunRecord]) -> None:
    stalled = "100000000,100000000,100,0,0,100,0.000,,\n200000000,100000000,100,0,0,200,0.000,,\n"
    late = "300000000,100000000,0,200,0,0,2000.000,150000000,190000000\n"
    raw, complaints = measured.raw_table([_with_series(records[0], FIRST, stalled, late)])
    assert not complaints
    # Nothing was done for 0.2 s, so those that waited took as long at least.
    assert raw["response_p99_worst_ns"].item() == 2e8 and raw["response_p50_worst_ns"].item() == 2e8
    assert raw["throughput_worst_ops_s"].item() == 0
    quiet = measured.raw_table([_with_series(records[0], FIRST, SECOND)])[0]
    assert quiet["response_p99_worst_ns"].item() == 20 and quiet["throughput_worst_ops_s"].item() == 1000


def test_patterns_have_their_parts() -> None:
    known = contract.load("rpc")

    def parts(pattern: str) -> list[tuple[str, float, float, float]]:
        found = schedule.phases(known, {"pattern": pattern, "duration": 1.5})
        return [(each.name, each.begin_s, each.end_s, each.items) for each in found]

    assert parts("spike:10k,50k@500ms") == [
        ("before", 0, 0.5, 5000),
        ("during the spike", 0.5, 1, 25000),
        ("after", 1, 1.5, 5000),
    ]
    assert parts("step:1k@1s,2k@250ms") == [("step 1", 0, 1, 1000), ("step 2", 1, 1.5, 1000)]
    assert parts("constant:100") == [("always", 0, 1.5, 150)]
    ramp = parts("ramp:0.1k..0.7k")
    assert [each[:3] for each in ramp] == [("first third", 0, 0.5), ("second third", 0.5, 1), ("last third", 1, 1.5)]
    assert [each[3] for each in ramp] == pytest.approx([100, 200, 300])
    assert schedule.phases(known, {}) == []


def _spiked(runs: Path) -> RunRecord:
    """A recorded run as if its load had had a spike from 50 to 100 ms."""
    folder = run_folder(runs, "baseline", "exact", 1)
    options = json.loads((folder / "run.json").read_text())["row"]["options"]
    return run_record.load(reseal(folder, options=options | {"pattern": "spike:1k,1k@50ms"}))


def test_the_parts_of_a_pattern_have_their_own_percentiles(runs: Path) -> None:
    record = _spiked(runs)
    samples = pd.read_csv(record.folder / "samples.csv")
    samples.loc[samples["intended_ns"].between(50e6, 99e6), ["lateness_ns", "response_ns"]] += 2_000_000
    samples.to_csv(record.folder / "samples.csv", index=False)
    rows = ["0,50000000,50,50,0,0,1000.000,10,\n", "50000000,50000000,50,10,0,40,200.000,10,\n"]
    (record.folder / "series.csv").write_text(HEAD + "".join(rows) + "100000000,50000000,50,90,0,0,1800.000,10,\n")
    table = phases.of_runs([record]).set_index("phase")
    assert list(table.index) == ["before", schedule.SPIKE, "after", phases.WHOLE_RUN]
    assert list(table["done"]) == [50, 50, 50, 150] and list(table["late"]) == [0, 50, 0, 50]
    assert list(table["most_backlog"]) == [0, 40, 0, 40]
    assert table.loc[schedule.SPIKE, "response_p50_ns"] > 2e6 > table.loc["after", "response_p50_ns"]
    assert math.isnan(table.loc["before", "response_p99_ns"])  # of 50 items
    assert table.loc[phases.WHOLE_RUN, "started"] == 150
    assert phases.of_runs([replace(record, facts=record.facts | {"noisy": True})]).empty


@pytest.mark.parametrize(("after", "recovery_s"), [((30, 20), 0.2), ((20, 90), 0.1), ((21, 30), math.nan)])
def test_a_spike_is_recovered_from_when_the_p99_is_what_it_was(after: tuple[int, int], recovery_s: float) -> None:
    p99 = [10, 20, 500, *after]
    course = {
        "begin_ns": [place * 1e8 for place in range(5)],
        "length_ns": [1e8] * 5,
        "response_p99_ns": [float(p99) for p99 in (10, 20, 500, *after)],
    }
    spike = schedule.phases(contract.load("rpc"), {"pattern": "spike:1k,2k@100ms", "duration": 0.5})
    found = phases._recovery_s(course, spike)
    assert found == pytest.approx(recovery_s, nan_ok=True)


SLO = "[common]\nseries-ms = 50\n[scenario.a]\n[slo]\nresponse_p99_us = 1\nthroughput_ops_s = 900\ndrop_rate = 0\n"


def _suite(tmp_path: Path, text: str) -> suite.Suite:
    (tmp_path / "s.toml").write_text(text)
    return suite.load(tmp_path / "s.toml")


def test_an_objective_may_hold_in_every_interval(tmp_path: Path, records: list[RunRecord]) -> None:
    found = _suite(tmp_path, SLO + 'every = "50ms"').objectives
    assert [each.column for each in found] == ["response_p99_worst_ns", "throughput_worst_ops_s", "drop_rate"]
    assert [each.every_ms for each in found] == [50, 50, 0]
    assert str(found[0]) == "response_p99_us <= 1 in every 50 ms"
    slow = FIRST.replace(",20", ",2000")
    raw = measured.raw_table([_with_series(records[0], slow, SECOND)])[0]
    judgements = judged.judge(raw, found)
    assert [each.held for each in judgements] == [False, True, True]
    (unknown, *_) = judged.judge(raw.drop(columns="response_p99_worst_ns"), found)
    assert unknown.held is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SLO + "every = 1", '[slo]: every = 1 is not valid: give a time such as "1s"'),
        (SLO + "every = '0s'", "[slo]: every = '0s' is not valid"),
        (SLO + "every = '1 week'", "[slo]: every = '1 week' is not valid"),
        (SLO + "every = '1s'", "every is 1000 ms, but a has intervals of 50 ms: give series-ms = 1000 in [common]"),
        ("[scenario.a]\n[slo]\ndrop_rate = 0\nevery = '100ms'", "an interval tells none of these objectives"),
        ("[scenario.a]\n[slo]\nresponse_p999_us = 0\nevery = '100ms'", "give one of p50, p99 or throughput_ops_s"),
    ],
)
def test_a_bad_every_gets_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Complaint) as complaint:
        _suite(tmp_path, text)
    assert message in str(complaint.value) and "\n" not in str(complaint.value)


def test_it_is_known_when_a_limit_was_first_missed() -> None:
    course = pd.DataFrame(
        {"begin_ns": [0, 1e8, 2e8], "length_ns": 1e8, "items": [100, 0, 200], "backlog": [0.0, 50, 0]}
        | {"response_p99_ns": [10, math.nan, 30]}
    )
    assert series.first_missed(course, "response_p99_ns", 40, False) == 0.1  # nothing was done, while items waited
    assert series.first_missed(course[course["items"] > 0], "response_p99_ns", 20, False) == 0.2
    assert math.isnan(series.first_missed(course[course["items"] > 0], "response_p99_ns", 30, False))
    assert series.first_missed(course, "throughput_ops_s", 900, True) == 0.1


def test_the_page_shows_the_course_where_every_interval_is_judged(runs: Path, tmp_path: Path) -> None:
    plain, complaints = suite_results.make("t000", runs, None, runs.parent)
    assert not complaints and not [name for name in plain if "series" in name or "phases" in name]
    judge = _suite(tmp_path, "[scenario.baseline]\n[slo]\nresponse_p50_us = 0\nevery = '100ms'")
    made, complaints = suite_results.make("t000", runs, judge, runs.parent)
    assert not complaints
    pictures = [name for name in made if name.endswith(".png") and "series" in name]
    assert len(pictures) == 2 and len(str(made["t000_series.csv"]).splitlines()) == 1 + 12 * 2
    for name, content in made.items():
        write_whole(runs.parent / name, content)
    text = page.pages(runs.parent)["t000.md"]
    assert "baseline: response_p50_us <= 0 in every 100 ms is first missed at 0 s, in 2 of 2 runs" in text
    assert all(f"({name})" in text for name in pictures)
    write_whole(runs.parent / "t000_series.csv", str(made["t000_series.csv"]).replace(",50000000,", ",-5,"))
    with pytest.raises(Complaint, match="t000_series.csv: row 2: length_ns = -5 is not a whole number"):
        page.pages(runs.parent)
