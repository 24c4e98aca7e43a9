"""Exports: what the tools that read them need, and that figures come through unchanged."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lab import exports, results
from lab.complaint import Complaint
from lab.exports import chrome_trace
from lab.run_record import RunRecord

SCRIPTS = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results"


@pytest.fixture
def sets() -> dict[str, results.Results]:
    """With one noisy run."""
    loaded = results.load(RESULTS)
    raw = loaded["t000"].raw
    raw["noisy"] = raw.index == len(raw) - 1
    return loaded


def test_google_benchmark_has_a_repetition_for_each_quiet_run(sets: dict[str, results.Results]) -> None:
    report = json.loads(exports.OF_RESULTS["google-benchmark"](sets))
    assert {"date", "num_cpus", "library_build_type"} <= set(report["context"])
    raw = pd.concat([sets["t000"].raw.iloc[:-1], sets["t001"].raw])
    assert [each["real_time"] for each in report["benchmarks"]] == raw["latency_p50_ns"].to_list()
    first = report["benchmarks"][0]
    assert first["name"] == "t000/baseline/aarch64/exact/tcg" and first["time_unit"] == "ns"
    assert [each["repetition_index"] for each in report["benchmarks"][:3]] == [0, 1, 2]
    assert first["repetitions"] == 3 and first["cpu_time"] == first["real_time"]  # an older recording
    known = sets["t000"].raw.assign(producer_run_time_ns=4e6, consumer_run_time_ns=2e6)
    sets["t000"].raw[["producer_run_time_ns", "consumer_run_time_ns"]] = known.iloc[:, -2:]
    again = json.loads(exports.OF_RESULTS["google-benchmark"](sets))
    assert again["benchmarks"][0]["cpu_time"] == 6e6 / first["iterations"]


def test_go_lines_are_as_benchstat_wants_them(sets: dict[str, results.Results]) -> None:
    lines = exports.OF_RESULTS["go"](sets).splitlines()
    benchmarks = [line for line in lines if line.startswith("Benchmark")]
    assert len(benchmarks) == len(sets["t000"].raw) - 1 + len(sets["t001"].raw)
    line = re.compile(r"Benchmark[A-Z]\S* [1-9]\d*( [0-9.e+-]+ \S+)+")
    assert all(line.fullmatch(each) for each in benchmarks)
    p50 = sets["t000"].raw["latency_p50_ns"].iat[0]
    assert f" {p50:g} p50-ns/op " in benchmarks[0] and "scenario=baseline/target=aarch64/timing=exact" in benchmarks[0]
    assert [each for each in lines if each.startswith("pkg: ")] == ["pkg: pipelab/t000", "pkg: pipelab/t001"]


def test_prometheus_text_is_medians_in_base_units(sets: dict[str, results.Results]) -> None:
    text = exports.OF_RESULTS["prometheus"](sets)
    sample = re.compile(r'[a-z_]+\{([a-z]+="[^"\\]*",?)+\} [0-9.e+-]+')
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(sample.fullmatch(line) for line in lines) and len(set(lines)) == len(lines)
    median_ns = sets["t000"].raw.query("scenario == 'baseline' and timing == 'exact'")["latency_p50_ns"].median()
    labels = 'suite="t000",scenario="baseline",target="aarch64",timing="exact",accelerator="tcg",quantile="0.5"'
    assert f"pipelab_latency_seconds{{{labels}}} {median_ns / 1e9:.9g}" in lines
    for name in {line.split("{")[0] for line in lines}:
        assert text.count(f"# TYPE {name} gauge\n") == text.count(f"# HELP {name} ") == 1


def test_a_trace_has_each_item_s_stages_and_the_queue_s_depth(records: list[RunRecord]) -> None:
    folder = records[0].folder
    events: list[dict[str, Any]] = json.loads(chrome_trace.text(folder))["traceEvents"]
    items = pd.read_csv(folder / "latencies.csv")
    waited = {each["id"]: each["ts"] for each in events if (each["ph"], each["name"]) == ("b", "queue latency")}
    ended = {each["id"]: each["ts"] for each in events if (each["ph"], each["name"]) == ("e", "queue latency")}
    spent = items[items["queue_latency_ns"] > 0]
    assert [round(1e3 * (ended[item] - waited[item])) for item in spent["item"]] == spent["queue_latency_ns"].to_list()
    depths = [each["args"]["items"] for each in events if each["ph"] == "C"]
    assert min(depths) == 0 == depths[-1] and max(depths) >= 1
    few = json.loads(chrome_trace.text(folder, items=3))["traceEvents"]
    assert {each["args"]["item"] for each in few if each["ph"] == "X"} == {0, 1, 2}
    with pytest.raises(Complaint, match="has no latencies.csv: give the folder of a run"):
        chrome_trace.text(folder.parent)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--format", "go", RESULTS], 0, "BenchmarkPipelab/"),
        (["--format", "goo", RESULTS], 2, "--format: 'goo' is not valid: give one of google-benchmark, go"),
        (["--format", "go", RESULTS / "nowhere"], 2, "has no <suite>_raw.csv"),
        ([RESULTS], 2, "--format"),
    ],
)
def test_the_command(words: list[object], code: int, message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lab", "export", *map(str, words)],
        cwd=SCRIPTS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code and message in done.stdout + done.stderr
