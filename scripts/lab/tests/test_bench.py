"""The bench's tables and verdicts, from samples with known medians and from recorded ones."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lab import bench
from lab.bench import claims as bench_claims, losses, tables as bench_tables
from lab.text.complaint import Complaint

RECORDED = Path(__file__).parent / "recorded_bench"
ROUNDS = 7


def _moved(contender: str, millions: list[float], **other: Any) -> list[dict[str, Any]]:
    """Samples of throughput, one a round."""
    common = {
        **{"seed": 1, "work": "throughput", "contender": contender, "mode": "single", "batch": 1, "item_bytes": 8},
        **{"capacity": 1024, "true_capacity": 1024, "hint": 0, "placement": "far", "run_delay_ns": 0},
        **{"raw_before_ns": 150.0, "raw_after_ns": 151.0, "duration_ns": 1e9},
        **{"round_trip_p50_ns": None, "round_trip_p99_ns": None, "clock_read_ns": None},
    }
    rounds = enumerate(millions, start=1)
    return [{**common, "round": round_, "items": rate * 1e6, **other} for round_, rate in rounds]


def _sent(contender: str, p50_ns: float, **other: Any) -> list[dict[str, Any]]:
    """Samples of round trips, all alike."""
    return _moved(
        contender,
        [1] * ROUNDS,
        **{"work": "round_trip", "round_trip_p50_ns": p50_ns, "round_trip_p99_ns": 9.0, **other},
    )


def _samples(*groups: list[dict[str, Any]]) -> pd.DataFrame:
    samples = pd.DataFrame([row for group in groups for row in group])
    samples[["round_trip_p50_ns", "clock_read_ns"]] = samples[["round_trip_p50_ns", "clock_read_ns"]].astype(float)
    return samples.assign(throughput_items_s=samples["items"] / samples["duration_ns"] * 1e9)


def _verdict(samples: pd.DataFrame, work: str, against: str, placement: str = "far") -> pd.Series:
    rows = bench_claims.verdicts(samples)
    found = rows[(rows["work"] == work) & rows["measure"].str.contains(against) & (rows["placement"] == placement)]
    assert len(found) == 1
    return found.iloc[0]


def test_a_contender_is_judged_by_the_better_of_hint_and_none_and_by_its_median() -> None:
    samples = _samples(
        _moved("boost spsc_queue", [10, 20, 90], hint=0),
        _moved("boost spsc_queue", [30, 31, 32], hint=1),
    )
    row = bench_tables.tables(samples)["throughput"].iloc[0]
    assert (row["hint"], row["samples"]) == (1, 3)
    assert row["throughput_items_s"] == pytest.approx(31e6)
    assert row["throughput_min_items_s"] == pytest.approx(30e6)
    assert row["throughput_max_items_s"] == pytest.approx(32e6)


def test_samples_that_other_programs_disturbed_do_not_count() -> None:
    samples = _samples(
        _moved("ck_ring", [30, 30, 30], run_delay_ns=1e7),  # 1 % of the duration
        _moved("ck_ring", [1, 1, 1, 1, 1], run_delay_ns=1.1e7),
    )
    tables = bench_tables.tables(samples)
    assert tables["throughput"].iloc[0]["throughput_items_s"] == pytest.approx(30e6)
    assert tables["references"].iloc[0]["disturbed_samples"] == 5


def test_ratios_are_to_the_fastest_peer_of_the_same_work_and_placement() -> None:
    samples = _samples(
        _moved("spsc_ring eager", [60]),
        _moved("spsc_ring batched", [200]),
        _moved("mutex queue", [300]),
        _moved("boost spsc_queue", [20]),
        _moved("ck_ring", [30]),
        _moved("rte_ring", [500], mode="batch", batch=32),
        _moved("spsc_ring eager", [600], placement="near"),
    )
    table = bench_tables.tables(samples)["throughput"]
    ratios = table[(table["placement"] == "far") & (table["mode"] == "single")].set_index("contender")
    assert ratios["ratio_to_fastest_peer"]["spsc_ring eager"] == 2
    assert ratios["ratio_to_fastest_peer"]["ck_ring"] == 1
    assert table[table["placement"] == "near"]["ratio_to_fastest_peer"].isna().all()


def test_round_trips_are_also_compared_with_the_raw_line() -> None:
    samples = _samples(
        _sent("spsc_ring eager", 300.0), _sent("ck_ring", 400.0), _sent("raw line", 200.0, capacity=None)
    )
    row = bench_tables.tables(samples)["round_trip"].set_index("contender").loc["spsc_ring eager"]
    assert (row["ratio_to_fastest_peer"], row["ratio_to_raw_line"]) == (0.75, 1.5)


@pytest.mark.parametrize(("ours", "met"), [(46.0, "yes"), (44.0, "no")])
def test_a_claim_of_throughput_holds_from_its_bound_up(ours: float, met: str) -> None:
    samples = _samples(_moved("spsc_ring batched", [ours] * ROUNDS), _moved("ck_ring", [30.0] * ROUNDS))
    verdict = _verdict(samples, "8 B, capacity 1024, batched", "fastest peer")
    assert verdict["met"] == met
    assert verdict["figure"] == pytest.approx(ours / 30, abs=1e-3)
    assert verdict["against"] == "ck_ring"


@pytest.mark.parametrize(("ours", "met"), [(104.0, "yes"), (106.0, "no")])
def test_a_claim_of_round_trips_holds_up_to_its_bound(ours: float, met: str) -> None:
    samples = _samples(_sent("spsc_ring eager", ours, hint=1), _sent("ck_ring", 100.0, hint=1))
    assert _verdict(samples, "round trip, 8 B, one spin hint a poll", "fastest peer")["met"] == met


def test_a_claim_about_one_hint_a_poll_looks_at_nothing_else() -> None:
    samples = _samples(
        _sent("spsc_ring eager", 100.0, hint=1), _sent("ck_ring", 100.0, hint=1), _sent("ck_ring", 10.0, hint=0)
    )
    assert _verdict(samples, "round trip, 8 B, one spin hint a poll", "fastest peer")["figure"] == 1


def test_there_is_no_verdict_from_too_few_samples_or_without_one_of_the_queues() -> None:
    too_few = _samples(_moved("spsc_ring batched", [45.0] * (ROUNDS - 1)), _moved("ck_ring", [30.0] * ROUNDS))
    assert _verdict(too_few, "8 B, capacity 1024, batched", "fastest peer")["met"] == ""
    batches = {"mode": "batch", "batch": 32}
    no_rte_ring = _samples(
        _moved("spsc_ring batched", [45.0] * ROUNDS, **batches), _moved("boost spsc_queue", [1.0] * ROUNDS, **batches)
    )
    assert _verdict(no_rte_ring, "batches of 32 × 8 B, capacity 1024", "boost")["met"] == ""


def _pipeline(item_ns: float, ring_item_ns: float, clock_read_ns: float) -> pd.Series:
    samples = _samples(
        _moved("pipeline", [1e3 / item_ns] * ROUNDS, work="pipeline", clock_read_ns=clock_read_ns),
        _moved("bare ring", [1e3 / ring_item_ns] * ROUNDS, work="pipeline"),
    )
    return _verdict(samples, bench_claims.PIPELINE_WORK, "bare ring")


def test_the_pipeline_is_judged_as_it_was_measured() -> None:
    verdict = _pipeline(item_ns=40, ring_item_ns=38, clock_read_ns=27)
    assert (verdict["figure"], verdict["met"]) == (0.95, "yes")
    assert verdict["measure"] == "at least 60 % of the bare ring's rate, clock reads included"


@pytest.mark.parametrize(
    ("item_ns", "figure", "met"),
    [(45, 0.75, "yes"), (55, 0.5, "no"), (30, 1.0, "yes")],  # of 30 ns 5 would be left: not faster than the ring
)
def test_where_the_pipeline_misses_its_bound_its_clock_reads_are_taken_off(
    item_ns: float, figure: float, met: str
) -> None:
    verdict = _pipeline(item_ns, ring_item_ns=15, clock_read_ns=25)
    assert (verdict["figure"], verdict["met"]) == (figure, met)
    assert verdict["measure"].endswith(f"what its clock reads cost taken off (included: {15 / item_ns:.2f})")


def test_what_is_lost_is_told_by_size_and_peer() -> None:
    sizes = {"item_bytes": 256, "capacity": 8}
    samples = _samples(
        *(_moved(name, [rate]) for name, rate in (("spsc_ring eager", 20), ("spsc_ring batched", 60), ("ck_ring", 40))),
        *(_moved(name, [rate], **sizes) for name, rate in (("spsc_ring eager", 5), ("spsc_ring batched", 8))),
        *(_moved(name, [rate], **sizes) for name, rate in (("rte_ring", 10), ("ck_ring", 9))),
        *(_sent(name, p50_ns) for name, p50_ns in (("spsc_ring eager", 120.4), ("rte_ring", 120), ("raw line", 60))),
        _moved("spsc_ring eager", [1], mode="batch", batch=8),
        _moved("rte_ring", [2], mode="batch", batch=8),
    )
    tables = bench_tables.tables(samples)
    assert losses.line(tables["throughput"], tables["round_trip"]) == (
        "**Where we lose against the fastest peer**, by size and capacity. The better of our two rings: *one item at "
        "a time* 256 B, 8: 0.80 of rte_ring. *round trips* 8 B, 1024: 1.003 times rte_ring. Eager alone: *one item at "
        "a time* 8 B, 1024: 0.50 of ck_ring; 256 B, 8: 0.50 of rte_ring. *round trips* 8 B, 1024: 1.003 times "
        "rte_ring."
    )
    won = bench_tables.tables(_samples(_moved("spsc_ring eager", [20]), _moved("ck_ring", [10])))
    assert losses.line(won["throughput"], won["round_trip"]).endswith(
        "The better of our two rings: nowhere. Eager alone: nowhere."
    )


@pytest.mark.parametrize("claim", bench_claims.TIME_CLAIMS, ids=lambda claim: claim.work)
@pytest.mark.parametrize(("more_ns", "met"), [(0.0, "yes"), (0.1, "no")])
def test_what_takes_so_long_an_item_has_a_bound(claim: bench_claims.TimeClaim, more_ns: float, met: str) -> None:
    item_ns = claim.bounds_ns["far"] + more_ns
    samples = _samples(_moved(claim.contender, [1e3 / item_ns] * ROUNDS, work=claim.work))
    verdict = _verdict(samples, claim.text, "an item, ")
    assert verdict["met"] == met
    assert verdict["figure"] == pytest.approx(item_ns, abs=0.001)


def test_recorded_samples_become_tables_a_picture_and_a_section(tmp_path: Path) -> None:
    (tmp_path / "bench_environment.csv").write_bytes((RECORDED / "bench_environment.csv").read_bytes())
    line = bench.write_results(RECORDED / "bench_samples.csv", tmp_path)
    assert line.startswith("on Intel(R) Xeon(R) Processor: ") and "claims hold" in line
    assert set(pd.read_csv(tmp_path / "bench_claims.csv")["host_cpu"]) == {"Intel(R) Xeon(R) Processor"}
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")
    throughput = pd.read_csv(tmp_path / "bench_throughput.csv")
    samples = pd.read_csv(RECORDED / "bench_samples.csv")
    moved = samples[samples["work"].isin(["throughput", "pipeline"])]
    cells = ["work", "contender", "mode", "batch", "item_bytes", "capacity", "placement"]
    assert len(throughput) == len(moved[cells].drop_duplicates())
    assert (throughput["throughput_min_items_s"] <= throughput["throughput_items_s"]).all()
    text = bench.section(tmp_path)
    assert text.startswith("## The queues against their peers\n")
    assert "| spsc_ring eager |" in text
    assert (
        sum(text.count(f"| {met} | Intel(R) Xeon(R) Processor |") for met in ("too few samples", "yes", "**no**"))
        == len(bench_claims.CLAIMS) + len(bench_claims.TIME_CLAIMS) + 1  # and the pipeline's
    )
    assert "nan" not in text.lower()
    assert "| work | measure | far | met | on |" in text
    assert bench.HANDICAP in text  # these samples are of the old setting
    environment = tmp_path / "bench_environment.csv"
    environment.write_text(environment.read_text() + "atomic_queue,MINIMIZE_CONTENTION=false\n")
    assert bench.HANDICAP not in bench.section(tmp_path)
    assert "Too little was measured with the CPUs near for a verdict: there is no such column." in text
    assert "**Where we lose against the fastest peer**" in text


def test_a_claim_that_does_not_hold_is_named_with_the_host(tmp_path: Path) -> None:
    (tmp_path / "bench_environment.csv").write_bytes((RECORDED / "bench_environment.csv").read_bytes())
    samples = _samples(
        _moved("spsc_ring batched", [44.0] * ROUNDS),
        _moved("ck_ring", [30.0] * ROUNDS),
        _sent("spsc_ring eager", 90.0),
        _sent("raw line", 90.0, capacity=None),
    )
    file = tmp_path / "samples.csv"
    samples.drop(columns="throughput_items_s").to_csv(file, index=False, float_format="%.12g")
    assert bench.write_results(file, tmp_path).splitlines()[1:] == [
        "does not hold on Intel(R) Xeon(R) Processor: 8 B, capacity 1024, batched, CPUs far: "
        "at least 2 (near) and 1.5 (far) times the fastest peer: 1.47"
    ]
    (tmp_path / "bench_environment.csv").write_text("key,value\nversion,0.1.0\n")
    with pytest.raises(Complaint, match="does not say host_cpu"):
        bench.write_results(file, tmp_path)


def test_without_the_benchs_files_there_is_no_section(tmp_path: Path) -> None:
    assert bench.section(tmp_path) == ""


def test_a_last_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    whole = (RECORDED / "bench_samples.csv").read_text()
    cut = tmp_path / "bench_samples.csv"
    cut.write_text(whole[:-20])
    assert len(bench_tables.read_samples(cut)) == whole.count("\n") - 2


@pytest.mark.parametrize("text", ["", "seed,round\n1,1\n"])
def test_a_file_that_is_not_of_samples_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "bench_samples.csv"
    file.write_text(text)
    with pytest.raises(Complaint, match="make bench"):
        bench_tables.read_samples(file)
    with pytest.raises(Complaint, match="is not there"):
        bench_tables.read_samples(tmp_path / "none.csv")


def test_calls_and_tasks_have_tables_of_their_own() -> None:
    cell = {"batch": 1, "capacity": 64, "placement": "far"}
    times = {"round_trip_p50_ns": 330.0, "round_trip_p99_ns": 700.0}
    calls = pd.DataFrame(
        {"work": "call", "contender": name, "mode": "single", "item_bytes": size, **cell, **times}
        for name in ("lines", "raw line")
        for size in (56, 64)
    )
    tasks = pd.DataFrame(
        {"work": "submit", "contender": "lanes", "mode": f"{many} producers", "throughput_items_s": 4e7, **cell}
        for many in (32, 8)
    )
    called, handed = bench._workload_tables(tasks, calls, "far")
    assert [line.split(" | ")[0] for line in called.splitlines()[4:]] == ["| raw line", "| lines"]
    assert called.endswith("| lines | 330 / 700 | 330 / 700 |")
    assert "| queue | 8 producers | 32 producers |" in handed and handed.endswith("| lanes | 25.0 | 25.0 |")
    assert not bench._workload_tables(tasks, calls, "near")
