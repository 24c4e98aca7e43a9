"""The numbers behind the plots of results.html."""

import math
import shutil
from pathlib import Path

import pandas as pd
import pytest

from lab.plan import contract
from lab.tables import measured, results
from lab.tests.conftest import load_planned
from lab.text.complaint import Complaint
from lab.report.html import series
from lab.tables.results import Results

PIPELINE = contract.load("pipeline")
HEADER = "item,intended_ns,lateness_ns,enqueue_ns,behind_ns,wake_up_ns,service_ns,latency_ns,response_ns\n"


@pytest.fixture
def runs(results_folder: Path) -> Path:
    return results_folder / "result_data" / "runs"


@pytest.fixture
def recorded(runs: Path) -> Results:
    """What result_data/ says of the recorded runs, which are in runs/ below it."""
    return results.load(runs.parent)["t000"]


def write_items(path: Path, latencies_ns: list[int], interval_ns: int = 1000) -> Path:
    rows = [f"{i},{i * interval_ns},0,0,0,{each},0,{each},{each}\n" for i, each in enumerate(latencies_ns)]
    path.write_text(HEADER + "".join(rows))
    return path


def test_percentiles_are_those_of_the_tables(recorded: Results, runs: Path) -> None:
    made = series.of_suite(recorded, runs)
    metrics = measured.read(runs.parent / "t000_metrics.csv")
    assert made["scenarios"] == list(dict.fromkeys(metrics["scenario"]))
    at = {name: list(series.ONE_IN.round(6)).index(round(1 / (1 - q), 6)) for name, q in contract.PERCENTILES.items()}
    compared = 0
    for row in metrics.itertuples():
        told = next(each for each in made["measurements"] if each["title"].startswith(row.timing))
        for name in contract.PERCENTILES:
            curve, value = told["percentiles"][row.scenario]["latency"]["median"], getattr(row, f"latency_{name}_ms")
            if math.isnan(value):
                assert len(curve) <= at[name]
            elif len(curve) > at[name]:  # else it is not stated
                assert curve[at[name]] == pytest.approx(value * 1000, rel=1e-3)
                compared += 1
    assert compared >= len(metrics)


def test_a_curve_never_falls_and_lies_between_the_runs(recorded: Results, runs: Path) -> None:
    for told in series.of_suite(recorded, runs)["measurements"]:
        for of_times in told["percentiles"].values():
            for curves in of_times.values():
                assert curves["median"] == sorted(curves["median"])
                assert all(
                    low <= middle <= high
                    for low, middle, high in zip(curves["low"], curves["median"], curves["high"], strict=True)
                )


def test_stages_and_rates_are_those_of_the_tables(recorded: Results, runs: Path) -> None:
    parts = pd.read_csv(runs.parent / "t000_stages.csv")
    metrics = measured.read(runs.parent / "t000_metrics.csv")
    for told in series.of_suite(recorded, runs)["measurements"]:
        timing = told["title"].split()[0]
        for row in told["stages"]:
            of_row = parts[(parts["timing"] == timing) & (parts["scenario"] == row["scenario"])]
            total_ns = of_row[of_row["population"] == row["population"]]["mean_ns"].sum()
            assert sum(row["means"]) == pytest.approx(total_ns / 1e3, rel=1e-3)
        for row in metrics[metrics["timing"] == timing].itertuples():
            rates = told["values"][row.scenario]
            assert len(rates["throughput_ops_s"]["runs"]) == len(rates["quiet"]) == row.runs
            assert rates["throughput_ops_s"]["interval"][1] == pytest.approx(row.throughput_ops_s, rel=1e-3)
            assert rates["drop_rate"]["interval"][1] == pytest.approx(row.drop_rate * 100, rel=1e-3)


def test_no_peak_is_lost_over_time(tmp_path: Path) -> None:
    latencies = [100] * 10_000
    latencies[4321] = 987_600
    run = series.windows(write_items(tmp_path / "samples.csv", latencies, interval_ns=1_000_000), PIPELINE)
    assert len(run["latency"]["largest"]) == series.WINDOWS
    window = run["latency"]["largest"].index(987.6)
    assert window == 4321 * series.WINDOWS // 10_000
    assert run["latency"]["median"] == [0.1] * series.WINDOWS
    assert run["last_ms"] == pytest.approx(9999, rel=1e-3)


def test_windows_without_items_are_gaps(tmp_path: Path) -> None:
    file = tmp_path / "samples.csv"
    rows = [f"{i},{start},0,0,0,5,0,5,5\n" for i, start in enumerate([0, 1000, 90_000, 91_000])]
    file.write_text(HEADER + "".join(rows))
    assert series.windows(file, PIPELINE)["latency"]["largest"] == [0.005, None, None, 0.005]


def test_a_damaged_run_is_named(tmp_path: Path) -> None:
    file = write_items(tmp_path / "samples.csv", [100, -5, 100])
    with pytest.raises(Complaint, match="row 2: .* is negative"):
        series.windows(file, PIPELINE)


def test_runs_that_are_gone_leave_the_tables_series(recorded: Results, runs: Path) -> None:
    for record in load_planned(runs, "t000")[0]:
        if record.row.timing == "live":
            shutil.rmtree(record.folder)
    exact, live = series.of_suite(recorded, runs)["measurements"]
    assert exact["percentiles"] and exact["windows"]
    assert not live["percentiles"] and not live["windows"] and live["values"] and live["stages"]


def test_noisy_runs_are_drawn_apart_and_not_in_percentiles(recorded: Results, runs: Path) -> None:
    alone = recorded.raw[(recorded.raw["timing"] == "live") & (recorded.raw["replicate"] == 1)].iloc[0]
    quiet = series.of_suite(recorded, runs)["measurements"][1]["percentiles"]
    recorded.raw.loc[recorded.raw["run"] == alone["run"], "noisy"] = True
    told = series.of_suite(recorded, runs)["measurements"][1]
    assert told["values"][alone["scenario"]]["quiet"] == [False, True]
    assert list(told["windows"][alone["scenario"]]) == ["2"]
    changed = {name for name in quiet if told["percentiles"][name] != quiet[name]}
    assert changed == {alone["scenario"]}


def test_four_digits_stay() -> None:
    assert series.rounded([0.123456, 98765.4, 12.0, math.nan]) == [0.1235, 98770, 12, None]
