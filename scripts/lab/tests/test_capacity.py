"""Capacity searches: which rates are tried, how runs decide a point, and what is told of the outcome."""

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lab.plan import contract, objectives
from lab.report import page as report
from lab.runs import run_record
from lab.capacity import search as capacity
from lab.capacity import plot as capacity_plot, table as capacity_table
from lab.capacity.search import Point, Search, State
from lab.capacity.facts import of_runs as facts_of
from lab.capacity.subject import objectives_of, rates_of
from lab.text.complaint import Complaint
from lab.plan.scenarios import Scenario
from lab.plan.suite import Suite

PIPELINE = contract.load("pipeline")
LIMITS = tuple(objectives.load(Path("x"), {"response_p99_us": 200, "drop_rate": 0}, PIPELINE))
SEARCH = Search(100, 10_000_000, 0.05, 3, 9, LIMITS)
SUBJECT = {
    "suite": "s",
    "scenario": "x",
    "target": "aarch64",
    "timing": "live",
    "accelerator": "tcg",
    "options": "{}",
}
INTERVAL = PIPELINE.options["prod-interval-us"]


def runs(*response_p99_us: float, timing: str = "live", **values: Any) -> pd.DataFrame:
    """A row of the raw table for each value."""
    table = pd.DataFrame({"response_p99_ns": [value * 1e3 for value in response_p99_us]})
    told: dict[str, Any] = {
        "latency_p50_ns": 1e4,
        "latency_p99_ns": 5e4,
        "throughput_ops_s": 1e3,
        "drop_rate": 0.0,
        "noisy": False,
    }
    told |= {"produced": 2000, "items": 2000, "duration_s": 2.0, "scenario": "x", "target": "aarch64"}
    return table.assign(**(told | {"timing": timing, "accelerator": "tcg"} | values))


def searched(state_at: Any, search: Search = SEARCH) -> tuple[dict[float, Point], int]:
    """All points of a search in which each has the state that `state_at` gives, and in how many steps."""
    there: set[float] = set()

    def point_of(rate: float) -> Point:
        return Point(rate, runs(100), state_at(rate) if rate in there else State.OPEN)

    for steps in range(100):
        points, wanted = search.explore(point_of)
        if not wanted:
            return {point.rate_ops_s: point for point in points}, steps
        there.update(wanted)
    raise AssertionError("it does not end")


@pytest.mark.parametrize("limit", [137, 999, 1000, 41_700, 9_400_000])
def test_a_search_brackets_the_limit_as_closely_as_asked(limit: float) -> None:
    points, steps = searched(lambda rate: State.HELD if rate <= limit else State.MISSED)
    held = max(rate for rate, point in points.items() if point.state is State.HELD)
    missed = min(rate for rate, point in points.items() if point.state is State.MISSED)
    assert held <= limit < missed and missed / held <= 1.05
    assert steps <= 12


def test_the_ends_are_told_and_nothing_is_tried_between_them() -> None:
    assert list(searched(lambda _: State.MISSED)[0]) == [100]
    assert list(searched(lambda _: State.HELD)[0]) == SEARCH.ladder()
    assert Search(100, 2500, 0.05, 3, 3, LIMITS).ladder() == [100, 1000, 2500]


def test_an_undecided_rate_counts_as_not_held() -> None:
    points, _ = searched(lambda rate: State.HELD if rate < 30_000 else State.UNDECIDED)
    assert max(rate for rate, point in points.items() if point.state is State.HELD) < 30_000


def test_runs_that_agree_decide() -> None:
    assert SEARCH.judge(1e3, runs(90, 100, 110)).state is State.HELD
    point = SEARCH.judge(1e3, runs(210, 231, 250))
    assert (point.state, point.why) == (State.MISSED, "response_p99_us 231 > 200")


def test_runs_that_disagree_are_followed_by_more_up_to_the_limit() -> None:
    point = SEARCH.judge(1e3, runs(90, 100, 250))
    assert (point.state, SEARCH.wanted_replicates(3)) == (State.OPEN, 6)
    point = SEARCH.judge(1e3, runs(90, 100, 250, 90, 260, 90, 270, 90, 280))
    why = "5 of 9 runs hold: response_p99_us 100 <= 200, 95 % interval 90 to 268"
    assert (point.state, point.why) == (State.UNDECIDED, why)
    limits = tuple(objectives.load(Path("x"), {"drop_rate": 0.001}, PIPELINE))
    drops = [0.00118] * 5 + [0.0] * 4
    point = Search(1, 10, 0.05, 3, 9, limits).judge(1e3, runs(*[90] * 9).assign(drop_rate=drops))
    assert point.why == "4 of 9 runs hold: drop_rate 0.00118 > 0.001, 95 % interval 0 to 0.00118"
    assert SEARCH.wanted_replicates(8) == 9
    assert SEARCH.judge(1e3, runs(90, 91, 92, 93, 94, 95, 96, 97, 250)).state is State.HELD  # the interval is below
    assert SEARCH.judge(1e3, runs(90, 291, 292, 293, 294, 295, 296, 297, 250)).state is State.MISSED


def test_exact_runs_are_decided_by_their_median() -> None:
    assert SEARCH.judge(1e3, runs(90, 100, 250, timing="exact")).state is State.HELD
    assert SEARCH.judge(1e3, runs(90, 240, 250, timing="exact")).state is State.MISSED


def test_noisy_runs_do_not_count() -> None:
    noisy = runs(90, 100, 250).assign(noisy=[False, False, True])
    assert SEARCH.judge(1e3, noisy).state is State.OPEN
    assert SEARCH.judge(1e3, pd.concat([noisy, runs(95)])).state is State.HELD
    all_noisy = runs(*[90] * 9).assign(noisy=True)
    assert SEARCH.judge(1e3, all_noisy).state is State.UNDECIDED


def test_an_objective_that_cannot_be_measured_is_told() -> None:
    with pytest.raises(Complaint, match="at 100/s: response_p99_us <= 200 cannot be judged from 20 items: give a lon"):
        SEARCH.judge(100, runs(*[float("nan")] * 3, items=20))


def points(**of_rate: tuple[State, str]) -> list[Point]:
    return [Point(float(rate[1:]), runs(100, 110, 120), *known) for rate, known in of_rate.items()]


HELD, MISSED, UNDECIDED = (State.HELD, ""), (State.MISSED, "drop_rate 0.1 > 0"), (State.UNDECIDED, "4 of 9 runs hold")


@pytest.mark.parametrize(
    ("found", "text", "code"),
    [
        (points(_500=HELD, _1000=MISSED), "holds at 500/s, misses at 1,000/s: drop_rate 0.1 > 0", 0),
        (
            points(_500=HELD, _800=UNDECIDED, _1000=MISSED),
            "holds at 500/s, misses at 1,000/s: drop_rate 0.1 > 0; undecided from 800/s on (4 of 9 runs hold)",
            0,
        ),
        (points(_500=HELD), "holds even at 500/s, the highest rate that was tried", 0),
        (points(_500=MISSED), "misses even at 500/s, the lowest rate: drop_rate 0.1 > 0", 4),
        (points(_500=UNDECIDED), "is undecided even at 500/s, the lowest rate: 4 of 9 runs hold", 5),
        (
            points(_500=HELD, _600=MISSED, _900=HELD),
            "holds at 500/s, misses at 600/s: drop_rate 0.1 > 0; holds again at 900/s, so its latency does not only "
            "grow with load",
            0,
        ),
        (
            points(_9000=HELD),
            "holds even at 9,000/s, the highest rate that was tried (of which 1,000/s are made)",
            0,
        ),
    ],
)
def test_the_answer_names_the_bracket(found: list[Point], text: str, code: int) -> None:
    (answer,) = capacity_table.answers(tabled(SUBJECT, found))
    assert (answer.text(), answer.exit_code) == (text, code)


def test_the_table_keeps_other_measurements_and_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "capacity_s_x.csv"
    found = points(_500=HELD, _1000=MISSED)
    file.write_text(capacity_table.KEPT.csv(tabled(SUBJECT | {"timing": "exact"}, found)))
    rows = capacity_table.KEPT.merged(file, tabled(SUBJECT, found[:1]))
    file.write_text(capacity_table.KEPT.csv(rows))
    again = capacity_table.KEPT.merged(file, tabled(SUBJECT, found))
    assert list(again["timing"]) == ["exact", "exact", "live", "live"]
    assert draw(capacity_table.read(file)).startswith(b"\x89PNG")
    file.with_suffix(".json").write_text(capacity_table.about(PIPELINE))
    page = report.pages(tmp_path)["capacity.md"]
    assert (
        "- exact timing on aarch64, response_p99_us <= 200, drop_rate <= 0: **holds at 500/s, misses at 1,000/s" in page
    )
    assert "| 1,000/s | 10.0 | 50.0 | 1,000 | 0 | 110 | 1,000 | 3 | missed: drop_rate 0.1 > 0 |" in page
    assert "capacity_s_x.png" in page


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.00118, "0.00118"), (0.000914489, "0.000914"), (0, "0"), (2310.4, "2,310"), (0.0010002, "0.0010002")],
)
def test_a_figure_never_reads_as_the_limit_that_it_is_not(value: float, text: str) -> None:
    assert capacity.unlike(value, 0.001) == text


@pytest.mark.slow
def test_a_share_has_an_interval_within_nothing_and_a_panel_of_its_own() -> None:
    drops = runs(100, 110, 120).assign(drop_rate=[0.0, 0.0004, 0.0006])
    table = tabled(SUBJECT, [Point(500.0, drops, *HELD), Point(900.0, drops, *MISSED)])
    assert set(table["drop_rate_low"]) == {0}
    width, height = png_size(draw(table))
    assert (
        png_size(
            draw(
                capacity_table.table(
                    SUBJECT, LIMITS[:1], [Point(500.0, drops, *HELD), Point(900.0, drops, *MISSED)], PIPELINE
                )
            )
        )[1]
        < height
    )
    assert png_size(draw(pd.concat([table, table.assign(timing="exact")]))) == (width, 2 * height)


@pytest.mark.filterwarnings("error")
def test_single_runs_have_no_interval_to_draw() -> None:
    draw(tabled(SUBJECT, [Point(500.0, runs(100), *HELD), Point(900.0, runs(110), *MISSED)]))


def tabled(subject: dict[str, str], points: list[Point]) -> pd.DataFrame:
    return capacity_table.table(subject, LIMITS, points, PIPELINE)


def draw(table: pd.DataFrame) -> bytes:
    return capacity_plot.draw(table, PIPELINE)


def png_size(png: bytes) -> tuple[int, ...]:
    return struct.unpack(">II", png[16:24])


def test_the_facts_of_a_search_and_its_command_are_shown(tmp_path: Path, records: list[run_record.RunRecord]) -> None:
    live = [record for record in records if record.row.timing == "live"]
    of_runs = facts_of(live, "make capacity SCENARIO=s/x")
    ends = sorted(record.facts["finished_at"] for record in live)
    file = tmp_path / "capacity_s_x.csv"
    file.write_text(capacity_table.KEPT.csv(tabled(SUBJECT | {"timing": "exact"}, points(_500=HELD))))
    both = capacity_table.KEPT.merged(file, tabled(SUBJECT | of_runs, points(_500=HELD)))
    file.write_text(capacity_table.KEPT.csv(both))
    file.with_suffix(".json").write_text(capacity_table.about(PIPELINE))
    page = report.pages(tmp_path)["capacity.md"]
    assert f"| measured | {ends[0]} to {ends[-1]} |" in page
    assert f"| QEMU | {live[0].facts['image']['qemu_version']} |" in page
    assert page.count("**Reproduce**\n\n    make capacity SCENARIO=s/x\n") == 1  # the exact table has no facts
    exact = facts_of([record for record in records if record.row.timing == "exact"], "x")
    assert of_runs["host"] and not exact["host"]
    program = live[0].facts["image"]["program_sha256"][:16]
    own = facts_of([replace(live[0], row=replace(live[0].row, parcel="0123456789abcdef"))], "x")
    assert program in of_runs["program"] and program not in own["program"] and "`0123456789abcdef`" in own["program"]


@pytest.mark.parametrize("text", [None, "", "[]", '{"workload": {"name": "x", "contract": {}}}'])
def test_a_search_that_does_not_say_what_it_is_of_is_told(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "capacity_s_x.csv"
    file.write_text(capacity_table.KEPT.csv(tabled(SUBJECT, points(_500=HELD))))
    if text is not None:
        file.with_suffix(".json").write_text(text)
    with pytest.raises(Complaint, match="capacity_s_x.json: does not say what the workload was .*: remove it, and run"):
        report.pages(tmp_path)


@pytest.mark.parametrize("text", ["", "suite,scenario\n", "a,b\n1,2\n"])
def test_a_damaged_table_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "capacity_s_x.csv").write_text(text)
    with pytest.raises(Complaint, match="capacity_s_x.csv: .*: remove it, and run 'make capacity' again"):
        report.pages(tmp_path)


def test_intervals_are_whole_nanoseconds() -> None:
    assert [capacity.interval_us(rate) for rate in (100, 41_000, 1e7)] == [10_000, 24.39, 0.1]


def suite(**scenarios: dict[str, Any]) -> Suite:
    return Suite("s", "", PIPELINE, {}, tuple(Scenario(*each) for each in scenarios.items()), {}, 0.03, LIMITS)


def test_a_scenario_keeps_all_but_its_interval() -> None:
    of = suite(x={"prod-interval-us": 1000, "wait": "spin"})
    at = capacity.at(of, capacity.scenario_of(of)[0], 41_000, INTERVAL)
    assert [each.options for each in at.scenarios] == [{"prod-interval-us": 24.39, "wait": "spin"}]


def test_scenarios_without_a_rate_of_their_own_are_refused() -> None:
    with pytest.raises(Complaint, match="s/burst: .*: give"):
        capacity.scenario_of(suite(burst={"arrival": "burst:4,50"}))


def test_objectives_are_given_or_the_suite_s() -> None:
    assert [str(each) for each in objectives_of("drop_rate=0.01 throughput_ops_s>=900", suite(x={}))] == [
        "drop_rate <= 0.01",
        "throughput_ops_s >= 900",
    ]
    assert objectives_of("", suite(x={})) == LIMITS


@pytest.mark.parametrize(
    "text", ["x", "drop_rate", "drop_rate=x", "drop_rate=0 drop_rate=1", "drop_rat=0", "drop_rate<=x"]
)
def test_bad_objectives_are_refused(text: str) -> None:
    with pytest.raises(Complaint, match="SLO"):
        objectives_of(text, suite(x={}))


@pytest.mark.parametrize("text", ["", "1", "1 2 3", "5 5", "0 5", "1 x", "1 1e9"])
def test_bad_rates_are_refused(text: str) -> None:
    with pytest.raises(Complaint, match="--rates"):
        rates_of(text)
