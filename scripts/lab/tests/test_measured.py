"""Tables: percentiles from counts, medians over runs, and what is left empty."""

import hashlib
import io
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lab.plan import contract
from lab.runs import run_record
from lab.tables import measured, results
from lab.tables.estimate import median_interval
from lab.runs.run_record import RunRecord
from lab.tests.reseal import reseal


PIPELINE = contract.load("pipeline")


def percentile(values: list[int], quantile: float) -> float:
    highest, count = np.unique(np.array(values, dtype=np.int64), return_counts=True)
    return measured.percentile_ns(highest, count, quantile)


@pytest.mark.parametrize("permille", [500, 950, 990, 999])
def test_percentiles_of_counts_are_those_of_the_values(permille: int) -> None:
    random = np.random.default_rng(3)
    for size in (1000, 1001, 2500, 9999):
        values = random.integers(1, 5000, size)
        rank = -(-permille * size // 1000)  # rounded up, in integers
        assert percentile(list(values), permille / 1000) == sorted(values)[rank - 1]


def test_a_percentile_among_values_that_the_program_clipped_is_empty() -> None:
    values = [5] * 97 + [2**48 - 1] + [2**48 + 2**38 - 1] * 2
    assert percentile(values, 0.95) == 5
    assert percentile(values * 10, 0.98) == 2**48 - 1
    assert np.isnan(percentile(values, 0.99))


@pytest.mark.parametrize(("quantile", "enough"), [(0.5, 2), (0.95, 20), (0.99, 100), (0.999, 1000)])
def test_a_percentile_of_too_few_values_is_empty(quantile: float, enough: int) -> None:
    assert math.isnan(percentile(list(range(enough - 1)), quantile))
    assert not math.isnan(percentile(list(range(enough)), quantile))
    assert math.isnan(percentile([], quantile))


def test_a_run_becomes_a_row(records: list[RunRecord]) -> None:
    raw = measured.raw_table(records)[0]
    assert len(raw) == 12
    for record, (_, row) in zip(records, raw.iterrows()):
        items = pd.read_csv(record.folder / "samples.csv")  # all items of so short a run were kept
        assert row["items"] == len(items) == 150
        for quantile, name in ((50, "p50"), (95, "p95"), (99, "p99")):
            exact = np.percentile(items["latency_ns"], quantile, method="inverted_cdf")
            assert exact <= row[f"latency_{name}_ns"] <= exact * 1.001
        assert math.isnan(row["latency_p999_ns"])  # needs 1000
        assert row["drop_rate"] == 0
        assert row["throughput_ops_s"] == pytest.approx(150 / row["duration_s"])


def test_metrics_are_medians_over_runs_with_their_spread(records: list[RunRecord]) -> None:
    raw = measured.raw_table(records)[0]
    metrics = measured.metrics_table(raw, PIPELINE)
    seed = "scenario,latency_p50_ms,latency_p95_ms,latency_p99_ms,throughput_ops_s,drop_rate"  # as they always were
    assert ",".join(metrics.columns[:6]) == seed
    assert list(zip(metrics["timing"], metrics["scenario"])) == [
        (timing, name) for timing in ("exact", "live") for name in ("baseline", "affinity", "queue-cap-8")
    ]
    assert (metrics["runs"] == 2).all()
    p99 = raw[(raw["timing"] == "live") & (raw["scenario"] == "affinity")]["latency_p99_ns"] / 1e6
    row = metrics[(metrics["timing"] == "live") & (metrics["scenario"] == "affinity")].iloc[0]
    assert row["latency_p99_ms"] == pytest.approx(p99.mean())  # the median of two
    assert (row["latency_p99_low_ms"], row["latency_p99_high_ms"]) == (p99.min(), p99.max())  # an interval needs 6
    exact = raw[(raw["timing"] == "exact") & (raw["scenario"] == "baseline")]["latency_p50_ns"] / 1e6
    assert tuple(metrics[["latency_p50_low_ms", "latency_p50_high_ms"]].iloc[0]) == (exact.min(), exact.max())


def test_live_metrics_have_the_interval_of_the_median_of_quiet_runs(records: list[RunRecord]) -> None:
    one = measured.raw_table(records)[0].query("timing == 'live' and scenario == 'baseline'").iloc[:1]
    raw = pd.concat([one] * 9, ignore_index=True)
    raw["latency_p50_ns"] = [10.0, 11, 12, 13, 14, 15, 16, 17, 9e9]
    raw["noisy"] = [False] * 8 + [True]
    row = measured.metrics_table(raw, PIPELINE).iloc[0]
    estimate = median_interval(raw["latency_p50_ns"][:8])
    found = [row[f"latency_p50{suffix}_ms"] * 1e6 for suffix in ("", "_low", "_high")]
    assert found == pytest.approx([13.5, estimate.low, estimate.high]) and 10 < estimate.low < 12
    assert (row["runs"], row["noisy_runs"]) == (9, 1)
    for quiet, span in ((6, [10.0, 15.0]), (5, [10.0, 14.0])):
        raw["noisy"] = [False] * quiet + [True] * (9 - quiet)
        estimate = median_interval(raw["latency_p50_ns"][:quiet])
        limits = measured.metrics_table(raw, PIPELINE).iloc[0][["latency_p50_low_ms", "latency_p50_high_ms"]] * 1e6
        assert list(limits) == pytest.approx([estimate.low, estimate.high] if quiet == 6 else span)
    raw["noisy"] = True  # nothing else is there to be shown
    assert measured.metrics_table(raw, PIPELINE).iloc[0]["latency_p50_ms"] * 1e6 == pytest.approx(14)


def test_a_percentile_that_one_run_does_not_know_is_not_known(records: list[RunRecord]) -> None:
    raw = measured.raw_table(records)[0].query("timing == 'exact' and scenario == 'baseline'")
    raw.loc[raw.index[0], "latency_p99_ns"] = math.nan
    row = measured.metrics_table(raw, PIPELINE).iloc[0]
    assert math.isnan(row["latency_p99_ms"]) and math.isnan(row["latency_p99_high_ms"])
    assert row["latency_p50_ms"] > 0


@pytest.mark.parametrize(
    ("column", "suffix", "name"),
    [
        ("latency_p50_ns", "", "latency_p50_ms"),
        ("latency_p50_ns", "_low", "latency_p50_low_ms"),
        ("throughput_ops_s", "_high", "throughput_high_ops_s"),
        ("copied_bytes_s", "_low", "copied_low_bytes_s"),
        ("drop_rate", "_low", "drop_rate_low"),
        ("time_s", "", "time_s"),
    ],
)
def test_metrics_have_a_unit_in_their_names(column: str, suffix: str, name: str) -> None:
    assert measured.in_metrics(column, suffix) == name


def test_an_exact_run_has_fingerprints_of_its_output_and_of_its_canary(records: list[RunRecord]) -> None:
    exact, live = (next(record for record in records if record.row.timing == timing) for timing in ("exact", "live"))
    files = exact.facts["files"] | {"canary.txt": {}}

    def told(name: str, text: str) -> tuple[str, str]:
        (exact.folder / name).write_text(text)
        (row,) = measured.raw_table([run_record.load(reseal(exact.folder, files=files))])[0].to_dict("records")
        return row["output_sha256"], row["canary_sha256"]

    output, canary = told("canary.txt", "cpu0 1 2 3")
    assert (output, "") == exact.fingerprints and canary == hashlib.sha256(b"cpu0 1 2 3").hexdigest()[:16]
    assert told("console.log", "other") == (output, canary)
    other = told("canary.txt", "cpu0 1 2 4")
    assert other[0] == output and other[1] not in ("", canary)
    changed = told("stdout.txt", "other")
    assert re.fullmatch("[0-9a-f]{16}", changed[0]) and changed[0] != output and changed[1] == other[1]
    assert live.fingerprints == ("", "")


def test_a_fingerprint_of_digits_stays_a_text(records: list[RunRecord], tmp_path: Path) -> None:
    digits = ["0123456789012345", "1234567890123e10"]
    raw = measured.raw_table(records)[0].iloc[:2].assign(output_sha256=digits)
    (tmp_path / "raw.csv").write_text(measured.raw_csv(raw))
    assert list(measured.read(tmp_path / "raw.csv")["output_sha256"]) == digits
    assert list(results.RAW.read(tmp_path / "raw.csv")["output_sha256"]) == digits


THREADS = """thread,tid,role,cpu,migrations,run_delay_ns
makes,10,producer,{cpu},1,
reads,11,consumer,1,2,100
reads-2,12,consumer,1,0,50
"""


def test_threads_are_sums_by_role_and_where_all_were(records: list[RunRecord]) -> None:
    for record, cpu in zip(records[:3], ("1", "0", "")):
        (record.folder / "threads.csv").write_text(THREADS.format(cpu=cpu))
    records = [run_record.load(reseal(record.folder)) for record in records[:3]]
    text = measured.raw_csv(measured.raw_table(records)[0])
    cells = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    assert (list(cells["cpus"]), set(cells["migrations"])) == (["1", "2", ""], {"3"})
    assert set(cells["consumer_run_delay_ns"]) == {"150"} and set(cells["producer_run_delay_ns"]) == {""}
    assert set(cells["missed"]) == {"0"} and set(cells["noisy"]) == {"False"} and "begin_ns" not in cells
    noisy = measured.typed(cells.assign(noisy=["True", "", ""]))
    assert list(noisy["noisy"]) == [True, False, False] and noisy["consumer_migrations"].iat[0] == 2
    with pytest.raises(ValueError, match="row 2: scenario = '../x' is not a good name"):
        measured.typed(cells.assign(scenario=["a", "../x", "b"]))


def test_the_csv_has_nanoseconds_and_empty_fields(records: list[RunRecord]) -> None:
    text = measured.metrics_csv(measured.metrics_table(measured.raw_table(records)[0], PIPELINE))
    read = pd.read_csv(io.StringIO(text), dtype=str)
    assert read["latency_p999_ms"].isna().all()
    assert read["latency_p50_ms"].str.fullmatch(r"\d+\.\d{6}").all()
    assert "nan" not in text.lower()


def test_a_time_of_a_program_keeps_its_nanoseconds() -> None:
    table = pd.DataFrame({"time_s": [0.001636544], "rate_ops_s": [12.5], "share": [0.25]})
    assert measured.metrics_csv(table).splitlines()[1] == "0.001636544,12.500,0.250000"
    assert [measured.in_metrics(name, "_low") for name in ("time_s", "rate_ops_s")] == ["time_low_s", "rate_low_ops_s"]


@pytest.mark.parametrize(
    ("items", "stated"),
    [(5000, ["p50", "p95", "p99"]), (4999, ["p50", "p95", "p99"]), (4700, ["p50", "p95"]), (90, [])],
)
def test_a_percentile_is_stated_where_a_hundred_items_of_all_quiet_runs_are_beyond_it(
    items: int, stated: list[str]
) -> None:
    """A few less may be where they come at random. Runs of others, and noisy ones, count for nothing."""
    known = contract.load("pipeline")
    rows = [
        {"scenario": name, "target": "aarch64", "timing": "live", "accelerator": "tcg", "items": count, "noisy": noisy}
        | dict.fromkeys(known.columns, 1.0)
        for name, count, noisy in [
            ("x", items, False),
            ("x", items, False),
            ("x", 10**6, True),
            ("y", 10**6, False),
        ]
    ]
    raw = pd.DataFrame(rows)
    shown = measured.stated(raw, raw, known)
    names = [f"latency_{each}_ns" for each in ("p50", "p95", "p99")]
    assert [name for name in names if shown.loc[shown["scenario"] == "x", name].notna().all()] == [
        f"latency_{each}_ns" for each in stated
    ]
    assert shown.loc[shown["scenario"] == "y", names].notna().all(axis=None) and shown["throughput_ops_s"].notna().all()
    metrics = measured.stated(measured.metrics_table(raw, known), raw, known).set_index("scenario")
    assert math.isnan(metrics.loc["x", "latency_p99_low_ms"]) == ("p99" not in stated)
    assert raw[names].notna().all(axis=None)  # the files keep them
