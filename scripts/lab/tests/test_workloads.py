"""Suites of two workloads in one folder of results: each is shown, judged and exported in its own words and units.

results_echo/ is what tests/echo.bats makes of the toy workload tests/echo/; the lab has no such workload here.
"""

import json
import re
import shutil
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from lab.capacity import table as capacity_table
from lab.judge import gate, noise
from lab.plan.places import ROOT
from lab.report import exports, gate as gate_report, page
from lab.report.html import page as html_page
from lab.tables import bare, results
from lab.tests import test_capacity as capacities

ECHO = Path(__file__).parent / "results_echo"
PIPELINES = re.compile(r"producer|consumer|latency|drop|throughput|pushed|popped")
ECHOS = re.compile(r"caller|answer|round.trip|calls|idle looks")


@pytest.fixture
def both(reported: Path, tmp_path: Path) -> Path:
    """A result_data/ with t000, of the pipeline, and echo."""
    folder = Path(shutil.copytree(reported / "result_data", tmp_path / "result_data"))
    for file in ECHO.iterdir():
        shutil.copy(file, folder)
    return folder


def test_the_contract_that_the_results_keep_is_that_of_the_toy() -> None:
    kept = json.loads((ECHO / "echo_environment.json").read_text())["workload"]
    assert kept == {
        "name": "echo",
        "contract": tomllib.loads((ROOT / "tests/echo/echo/workload.toml").read_text()),
    }


def test_each_part_of_a_page_has_the_words_of_its_own_workload(both: Path) -> None:
    pages = page.pages(both)
    echo, pipeline = pages["echo.md"], pages["t000.md"]
    assert echo.startswith("# echo: ") and pipeline.startswith("# t000: ")
    assert not PIPELINES.search(echo) and not ECHOS.search(pipeline)
    assert "**Calls to a thread that answers**: *round trip*" in echo
    assert "**Items from a producer thread to a consumer thread**: *latency*" in pipeline
    assert (
        "| scenario | round trip p50 (µs) | round trip p99 (µs) | call rate (/s) | answer bytes (bytes/s) | idle looks |"
        in echo
    )
    assert "of 400 calls of all runs" in echo and "items of all runs" in pipeline


def test_where_threads_were_is_told_in_the_words_of_the_workload(both: Path) -> None:
    raw = pd.read_csv(both / "echo_raw.csv")
    free = raw["scenario"] != "pinned"
    raw.loc[free & (raw["replicate"] == 1), ["cpus", "answerer_migrations", "caller_migrations", "migrations"]] = [
        1,
        0,
        0,
        0,
    ]
    raw.loc[free & (raw["replicate"] == 2), ["cpus", "answerer_migrations", "caller_migrations", "migrations"]] = [
        2,
        0,
        0,
        0,
    ]
    raw.to_csv(both / "echo_raw.csv", index=False)
    echo = page.pages(both)["echo.md"]
    head = "| calls a second | besides pins | runs on one, on several, in between | round trip p50 on one CPU (µs) |"
    assert head in echo and not PIPELINES.search(echo)


def test_each_plot_of_the_html_page_is_of_its_own_workload(both: Path) -> None:
    html = html_page.render(both, both / "runs")
    series = json.loads(html.split('id="series">')[1].split("</script>")[0])["suites"]
    assert series["echo"]["times"] == {"round_trip": "round trip", "response": "call time"}
    assert series["t000"]["times"] == {"latency": "latency", "response": "response"}
    assert (series["echo"]["items"], series["t000"]["items"]) == ("calls", "items")
    assert not PIPELINES.search(json.dumps(series["echo"])) and not ECHOS.search(json.dumps(series["t000"]))


def test_exports_have_the_metrics_of_both(both: Path) -> None:
    sets = results.load(both)
    entries = json.loads(exports.OF_RESULTS["google-benchmark"](sets))["benchmarks"]
    assert {each["name"].split("/")[0]: "idle_looks" in each for each in entries} == {"echo": True, "t000": False}
    go = exports.OF_RESULTS["go"](sets).split("pkg: pipelab/")
    assert "Unit calls/s better=higher" in go[0] and "Unit items/s better=higher" in go[0]
    assert " calls/s " in go[1] and " items/s " in go[2] and not PIPELINES.search(go[1]) and not ECHOS.search(go[2])
    gauges = exports.OF_RESULTS["prometheus"](sets)
    names = [line.split("{")[0] for line in gauges.splitlines() if not line.startswith("#")]
    assert {"pipelab_answered_calls_per_second", "pipelab_answered_bytes_per_second"} <= set(names)
    assert gauges.count("# TYPE pipelab_response_seconds gauge\n") == 1  # both have it, and Prometheus wants one group
    groups = [name for place, name in enumerate(names) if place == 0 or names[place - 1] != name]
    assert len(groups) == len(set(groups))


def test_tables_without_runs_are_of_the_workload_whose_headline_they_have(both: Path) -> None:
    (both / "t000_metrics.csv").rename(both.parent / "t000_metrics.csv")
    known = bare.load(both.parent)["t000"]
    assert known.contract.name == "pipeline"
    assert known.raw["latency_p50_ns"].gt(0).all() and "round_trip_p50_ns" not in known.raw


def test_gates_and_noise_floors_name_the_metrics_of_each(both: Path) -> None:
    for suite in ("echo", "t000"):
        raw = pd.read_csv(both / f"{suite}_raw.csv")
        seeds = [raw.assign(seed=raw["seed"] + 10 * more, run=raw["run"] + str(more)) for more in range(3)]
        pd.concat(seeds).to_csv(both / f"{suite}_raw.csv", index=False)
    base, new = results.load(both), results.load(both)
    new["echo"].raw["round_trip_p50_ns"] *= 2
    new["t000"].raw["latency_p50_ns"] *= 2
    text = gate_report.markdown(gate.run_all(base, new))
    echo, pipeline = text.split("### ")[1:]
    assert "| round trip p50 |" in echo and not PIPELINES.search(echo)
    assert "| latency p50 |" in pipeline and not ECHOS.search(pipeline)
    live = new["echo"].raw.assign(timing="live")
    judged = new["echo"].contract.judged
    floors = noise.text(noise.floors(live, judged), noise.against_itself(live, judged))
    assert "round_trip_p50_ns" in floors and not PIPELINES.search(floors)


def test_a_capacity_search_is_shown_by_the_contract_beside_it(both: Path) -> None:
    echo = results.load(both)["echo"]
    runs = echo.raw[echo.raw["scenario"] == "two-callers"]
    point = capacities.Point(1000.0, runs, *capacities.HELD)
    rows = capacity_table.table(capacities.SUBJECT, capacities.LIMITS[:1], [point], echo.contract)
    file = both / "capacity_s_x.csv"
    file.write_text(capacity_table.KEPT.csv(rows))
    file.with_suffix(".json").write_text(capacity_table.about(echo.contract))
    capacity = page.pages(both)["capacity.md"]
    assert (
        "| round trip p50 (µs) | round trip p99 (µs) | call rate (/s) | answer bytes (bytes/s) | idle looks |"
        in capacity
    )
    assert not PIPELINES.search(capacity)
