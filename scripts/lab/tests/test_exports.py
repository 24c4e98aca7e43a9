"""Exports: what the tools that read them need, and that figures come through unchanged."""

import importlib.util
import json
import math
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lab.plan import contract
from lab.report.exports import prometheus
from lab.text import numbers
from lab.tables import bare, results
from lab.report import exports
from lab.tests import steps
from lab.text.complaint import Complaint
from lab.report.exports import chrome_trace
from lab.runs.run_record import RunRecord

SCRIPTS = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results"
COMPARE = Path("/usr/share/benchmark/compare.py")
# scripts/setup.sh unpacks it, as the package would start a server.
PROMTOOL = shutil.which("promtool", path=f"{os.environ['PATH']}:{SCRIPTS.parent / 'build/promtool/usr/bin'}")


def exported(form: str, sets: dict[str, results.Results]) -> str:
    return exports.OF_RESULTS[form](sets)


@pytest.fixture
def sets() -> dict[str, results.Results]:
    """With one noisy run."""
    loaded = results.load(RESULTS)
    raw = loaded["t000"].raw
    raw["noisy"] = raw.index == len(raw) - 1
    return loaded


def test_google_benchmark_has_a_repetition_for_each_quiet_run(sets: dict[str, results.Results]) -> None:
    report = json.loads(exported("google-benchmark", sets))
    assert set(report["context"]) == {"executable", "date", "num_cpus"}
    raw = pd.concat([sets["t000"].raw.iloc[:-1], sets["t001"].raw])
    assert [each["real_time"] for each in report["benchmarks"]] == raw["latency_p50_ns"].to_list()
    first = report["benchmarks"][0]
    assert first["name"] == "t000/baseline/aarch64/exact/tcg" and first["time_unit"] == "ns"
    assert [each["repetition_index"] for each in report["benchmarks"][:3]] == [0, 1, 2]
    assert first["repetitions"] == 3 and first["cpu_time"] == first["real_time"]  # an older recording
    assert first["label"] == "cpu_time is not known: real_time stands for it"
    known = sets["t000"].raw.assign(producer_run_time_ns=4e6, consumer_run_time_ns=2e6)
    sets["t000"].raw[["producer_run_time_ns", "consumer_run_time_ns"]] = known.iloc[:, -2:]
    again = json.loads(exported("google-benchmark", sets))
    assert again["benchmarks"][0]["cpu_time"] == 6e6 / first["iterations"] and "label" not in again["benchmarks"][0]


def _compare(tmp_path: Path, *texts: str) -> str:
    """What Google Benchmark's own compare.py says of two exports."""
    if not COMPARE.is_file() or importlib.util.find_spec("scipy") is None:
        pytest.skip("there is no compare.py: install libbenchmark-tools")
    for name, text in zip(("old.json", "new.json"), texts):
        (tmp_path / name).write_text(text)
    files = [str(tmp_path / "old.json"), str(tmp_path / "new.json")]
    done = subprocess.run(
        ["/usr/bin/python3", COMPARE, "--no-color", "benchmarks", *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_google_benchmark_s_own_tool_compares_two_exports(sets: dict[str, results.Results], tmp_path: Path) -> None:
    old = exported("google-benchmark", sets)
    raw = sets["t000"].raw
    raw["latency_p50_ns"] *= 2.0
    raw.loc[raw.index[0], "latency_p50_ns"] = math.nan  # of one item
    new = exported("google-benchmark", sets)
    entries = json.loads(new)["benchmarks"]
    assert len(entries) == len(json.loads(old)["benchmarks"]) - 1
    assert all({"real_time", "cpu_time", "time_unit"} <= set(each) for each in entries)
    assert [each["repetition_index"] for each in entries[:2]] == [0, 1] and entries[0]["repetitions"] == 2
    families: dict[int, set[str]] = {}
    for each in entries:
        families.setdefault(each["family_index"], set()).add(each["name"])
    assert len(families) == len({each["name"] for each in entries}) and all(
        len(names) == 1 for names in families.values()
    )
    said = _compare(tmp_path, old, new)
    assert re.search(r"^t000/baseline/aarch64/exact/tcg +\+[01]\.[0-9]{4} ", said, re.MULTILINE)
    assert "t001/" in said


def test_go_lines_are_as_benchstat_wants_them(sets: dict[str, results.Results]) -> None:
    lines = exported("go", sets).splitlines()
    benchmarks = [line for line in lines if line.startswith("Benchmark")]
    assert len(benchmarks) == len(sets["t000"].raw) - 1 + len(sets["t001"].raw)
    line = re.compile(r"Benchmark[A-Z]\S* [1-9]\d*( [0-9.e+-]+ \S+)+")
    assert all(line.fullmatch(each) for each in benchmarks)
    p50 = sets["t000"].raw["latency_p50_ns"].iat[0]
    assert (
        f" {p50:g} latency-p50-ns/op " in benchmarks[0]
        and "scenario=baseline/target=aarch64/timing=exact" in benchmarks[0]
    )
    assert [each for each in lines if each.startswith("pkg: ")] == ["pkg: pipelab/t000", "pkg: pipelab/t001"]


def test_prometheus_text_is_medians_in_base_units(sets: dict[str, results.Results]) -> None:
    text = exported("prometheus", sets)
    sample = re.compile(r'[a-z_]+\{([a-z]+="[^"\\]*",?)+\} [0-9.e+-]+')
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(sample.fullmatch(line) for line in lines) and len(set(lines)) == len(lines)
    median_ns = sets["t000"].raw.query("scenario == 'baseline' and timing == 'exact'")["latency_p50_ns"].median()
    labels = 'suite="t000",scenario="baseline",target="aarch64",timing="exact",accelerator="tcg",percentile="50"'
    assert f"pipelab_latency_seconds{{{labels}}} {median_ns / 1e9:.9g}" in lines
    for name in {line.split("{")[0] for line in lines}:
        assert text.count(f"# TYPE {name} gauge\n") == text.count(f"# HELP {name} ") == 1


def test_prometheus_s_own_tool_has_nothing_to_complain_of(sets: dict[str, results.Results]) -> None:
    if PROMTOOL is None:
        pytest.skip("there is no promtool: run scripts/setup.sh test")
    text = exported("prometheus", sets)
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


BARE = """scenario,latency_p50_ms,latency_p95_ms,latency_p99_ms,throughput_ops_s,drop_rate
base "line",0.015,0.02,0.025,1000,0
other,0.03,,,500,0.5
"""


def test_tables_of_medians_alone_can_be_exported(tmp_path: Path) -> None:
    (tmp_path / "t001_metrics.csv").write_text(BARE)
    sets = bare.load(tmp_path)
    entries = json.loads(exported("google-benchmark", sets))["benchmarks"]
    assert [(each["name"], each["real_time"]) for each in entries] == [('t001/base "line"', 15e3), ("t001/other", 30e3)]
    assert "iterations" not in entries[0] and entries[1]["drop_rate"] == 0.5
    assert exported("go", sets).splitlines()[-1] == (
        "BenchmarkPipelab/scenario=other 1 30000 latency-p50-ns/op 500 items/s 0.5 drop-rate"
    )
    lines = exported("prometheus", sets).splitlines()
    assert 'pipelab_latency_seconds{suite="t001",scenario="base \\"line\\"",percentile="50"} 1.5e-05' in lines
    assert _export(["--format", "go", tmp_path]).returncode == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("drop_rate", "drops", "row 0 lacks the columns drop_rate"), ("500", "-5", "row 2: throughput_ops_s = -5 is not")],
)
def test_damaged_tables_alone_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    (tmp_path / "t001_metrics.csv").write_text(BARE.replace(old, new))
    with pytest.raises(Complaint, match=message):
        bare.load(tmp_path)


def test_tables_alone_are_no_results_to_judge(tmp_path: Path) -> None:
    (tmp_path / "t001_metrics.csv").write_text(BARE)
    with pytest.raises(Complaint, match="has tables without runs: they can be exported; to compare or judge them"):
        results.load(tmp_path)
    (tmp_path / "t001_raw.csv").write_text(BARE)
    with pytest.raises(Complaint, match="is a table alone: t001_environment.json is not there"):
        results.load(tmp_path)


def test_a_trace_has_each_item_s_stages_and_the_queue_s_depth(records: list[RunRecord]) -> None:
    folder = records[0].folder
    events: list[dict[str, Any]] = json.loads(chrome_trace.text(folder))["traceEvents"]
    items = pd.read_csv(folder / "samples.csv")
    waited = {each["id"]: each["ts"] for each in events if (each["ph"], each["name"]) == ("b", "wake_up")}
    ended = {each["id"]: each["ts"] for each in events if (each["ph"], each["name"]) == ("e", "wake_up")}
    spent = items[items["wake_up_ns"] > 0]
    assert [round(1e3 * (ended[item] - waited[item])) for item in spent["item"]] == spent["wake_up_ns"].to_list()
    depths = [each["args"]["items"] for each in events if each["ph"] == "C"]
    assert min(depths) == 0 == depths[-1] and max(depths) >= 1
    few = json.loads(chrome_trace.text(folder, items=3))["traceEvents"]
    assert {each["args"]["item"] for each in few if each["ph"] == "X"} == {0, 1, 2}
    with pytest.raises(Complaint, match="has no run.json: give the folder of a run"):
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
    done = _export(words)
    assert done.returncode == code and message in done.stdout + done.stderr


def _export(words: list[object]) -> subprocess.CompletedProcess[str]:
    return steps.run("export", *words)


def test_every_unit_of_a_metric_is_known_where_metrics_are_shown() -> None:
    assert set(contract.UNITS) == set(prometheus.BASE) == set(numbers.SHOWN)
    assert prometheus.BASE["us"][1] == pytest.approx(1000 * prometheus.BASE["ns"][1])
