"""The whole way from recorded runs to results.md, through the command line."""

import re
import struct
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from lab import report

SCRIPTS = Path(__file__).parents[2]


def make_report(runs: Path, *suites: str) -> subprocess.CompletedProcess[str]:
    results = runs.parent
    places = ["--runs", runs, "--result-data", results, "--page", results.parent / "results.md"]
    return subprocess.run(
        [sys.executable, "-m", "lab", "report", *map(str, places), *suites],
        cwd=SCRIPTS,
        capture_output=True,
        text=True,
        check=False,
    )


def outputs(runs: Path) -> dict[str, bytes]:
    files = [*runs.parent.glob("t000_*"), runs.parents[1] / "results.md"]
    return {file.name: file.read_bytes() for file in files if file.exists()}


def test_recorded_runs_become_tables_pictures_and_a_page(runs: Path) -> None:
    done = make_report(runs)
    assert (done.returncode, done.stderr) == (0, "")
    made = outputs(runs)
    assert sorted(made) == [
        "results.md",
        "t000_drop_rate.png",
        "t000_environment.json",
        "t000_latency.png",
        "t000_metrics.csv",
        "t000_raw.csv",
        "t000_throughput.png",
    ]
    for name in (name for name in made if name.endswith(".png")):
        width, height = struct.unpack(">II", made[name][16:24])
        assert width >= 1000 and height >= 400
    page = made["results.md"].decode()
    for figure in re.findall(r"\]\((result_data/\S+)\)", page):
        assert (runs.parents[1] / figure).is_file()
    metrics = pd.read_csv(runs.parent / "t000_metrics.csv")
    for timing in ("exact", "live"):
        table = page.split(f"### t000, {timing} timing")[1].split("\n\n")[1]
        assert table.startswith("| scenario | p50 (µs) | p95 (µs) | p99 (µs) | ops/s | drop |")
        assert len(table.splitlines()) == 2 + 3
    p50 = metrics[metrics["timing"] == "exact"]["latency_p50_ms"].iloc[0] * 1000
    assert f"| baseline | {p50:.1f}" in page or f"| baseline | {p50:.2f}" in page
    assert 'make run-scenarios SUITE=t000 TARGET=aarch64 TIMING="exact live" REPS=2 SEED=1 DURATION=0.15' in page
    assert "missing" not in page


def test_the_same_runs_give_the_same_bytes(runs: Path) -> None:
    make_report(runs)
    first = outputs(runs)
    make_report(runs, "t000")
    assert outputs(runs) == first


def test_a_suite_that_was_not_run_keeps_its_part_of_the_page(runs: Path) -> None:
    make_report(runs)
    for file in list(runs.parent.glob("t000_*")):
        other = file.with_name(file.name.replace("t000", "other"))
        other.write_bytes(file.read_bytes())
    make_report(runs)
    page = (runs.parents[1] / "results.md").read_text()
    assert "### other, exact timing" in page and "### t000, exact timing" in page


def test_missing_runs_are_said(runs: Path) -> None:
    folder = next(runs.glob("t000.affinity.*.live.r2.*"))
    folder.rename(folder.with_name("elsewhere"))
    assert make_report(runs).returncode == 0
    assert "**1 planned runs are missing**" in (runs.parents[1] / "results.md").read_text()


def test_a_damaged_run_leaves_earlier_results_untouched(runs: Path) -> None:
    make_report(runs)
    before = outputs(runs)
    histogram = next(runs.glob("t000.baseline.*.exact.r1.*")) / "histogram.csv"
    histogram.write_text(histogram.read_text()[:100])
    done = make_report(runs)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert str(histogram) in done.stderr and "rm -r" in done.stderr
    assert outputs(runs) == before


def test_a_folder_without_runs_is_said(tmp_path: Path) -> None:
    done = make_report(tmp_path / "runs")
    assert done.returncode == 1
    assert done.stderr == f"pipelab: {tmp_path / 'runs'}: there are no runs: run 'make run-scenarios' first\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.01234, "0.0123"), (9.511, "9.51"), (14.98, "15.0"), (1234.5, "1,234"), (99.96, "100.0")],
)
def test_times_have_three_significant_digits(value: float, text: str) -> None:
    assert report._significant(value) == text
