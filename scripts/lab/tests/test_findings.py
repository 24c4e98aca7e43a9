"""Each rule fires on what it is for and not beside it; and all of them on the numbers that the project began with."""

import dataclasses
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from lab.findings import measurement, pipeline
from lab.judge import comparing, evidence
from lab.judge.comparing import Comparison, Verdict
from lab.judge.evidence import Case, Evidence
from lab.judge.finding import Finding, Rule
from lab.plan import contract, schedule
from lab.report import findings
from lab.report.suite import rules_of
from lab.tables import results, stages
from lab.tables.measurement import Measurement

RESULTS = Path(__file__).parent / "results"  # of a sweep on a busy host
EXACT, LIVE = Measurement("aarch64", "exact", "tcg"), Measurement("aarch64", "live", "tcg")
PIPELINE = contract.load("pipeline")
RULES = rules_of(PIPELINE)
ABOUT: dict[str, Any] = {"measurements": [], "workload": {"name": "pipeline", "contract": PIPELINE.table}}
GUEST: dict[str, Any] = {"kernel": "std", "kernel-args": "", "smp": 2, "memory-mb": 512, "numa-nodes": 1}


class Said(NamedTuple):
    """A finding in words."""

    rule: str
    scenario: str
    measurement: Measurement
    evidence: str
    cause: str
    remedy: str


def said(each: Finding) -> Said:
    return Said(each.rule, each.scenario, each.measurement, *findings.sentences(each, RULES[each.rule], PIPELINE))


# The table "t000 set pi 1000" and the counts of perf stat from the first results that were published of this
# experiment: usleep() between items, 10 s, three runs (of which these are the medians). Latencies in ms.
SEED_TABLE = [
    # scenario, p50, p95, p99, ops/s, drop
    ("baseline", 0.060, 0.122, 0.299, 447, 0.0),
    ("affinity", 0.056, 0.278, 1.620, 452, 0.0),
    ("queue-cap-8", 0.062, 0.130, 0.345, 456, 0.0),
]
SEED_OPTIONS: dict[str, dict[str, str]] = {
    "baseline": {},
    "affinity": {"pin-consumer": "1"},
    "queue-cap-8": {"queue-cap": "8"},
}
SEED_PERF: dict[str, float] = {"context_switches": 9253, "migrations": 338, "task_clock_ms": 440.54}


def case(
    measured: Measurement = LIVE,
    runs: int = 10,
    options: dict[str, str] | None = None,
    windows_ns: Any = (),
    **values: Any,
) -> Case:
    """A healthy case, but for `values`."""
    healthy: dict[str, Any] = {
        "latency_p50_ns": 20_000.0,
        "latency_p95_ns": 40_000.0,
        "latency_p99_ns": 80_000.0,
        "response_p50_ns": 30_000.0,
        "response_p95_ns": 60_000.0,
        "response_p99_ns": 90_000.0,
        "throughput_ops_s": 1000.0,
        "drop_rate": 0.0,
        "produced": 20_000,
        "items": 20_000,
        "dropped": 0,
        "duration_s": 20.0,
        "clock_read_ns": 100.0,
    }
    rows = pd.DataFrame({name: [value] * runs for name, value in (healthy | values).items()})
    return made("x", measured, options or {}, rows, windows_ns)


def made(
    scenario: str, measured: Measurement, options: dict[str, str], rows: pd.DataFrame, windows_ns: Any = ()
) -> Case:
    """`options` as a suite has them, and the usual where they say nothing."""
    typed: dict[str, Any] = {name: int(value) if value.isdecimal() else value for name, value in options.items()}
    every = PIPELINE.defaults | GUEST | typed
    return Case(scenario, measured, every, rows, len(rows), windows_ns, schedule.of(PIPELINE, typed))


def found(rule: Rule, *cases: Case, **others: Any) -> list[Said]:
    others["environment"] = ABOUT | others.get("environment", {})
    return [said(each) for each in rule(Evidence(cases, **others))]


def all_found(known: Evidence) -> list[Finding]:
    return [finding for rule in RULES.values() for finding in rule(known)]


@pytest.fixture
def seed() -> Evidence:
    cases = []
    for scenario, p50, p95, p99, rate, drop in SEED_TABLE:
        values = {
            "latency_p50_ns": p50 * 1e6,
            "latency_p95_ns": p95 * 1e6,
            "latency_p99_ns": p99 * 1e6,
            "throughput_ops_s": rate,
            "drop_rate": drop,
            "duration_s": 10.0,
            "items": 10 * rate,
            "produced": 10 * rate,
        }
        perf: dict[str, float] = SEED_PERF if scenario == "baseline" else {}
        options = {"pacing": "sleep", "queue": "mutex"} | SEED_OPTIONS[scenario]
        of_three = made(scenario, LIVE, options, pd.DataFrame([values | perf]))
        cases.append(dataclasses.replace(of_three, replicates=3))
    return Evidence(cases, environment=ABOUT)


def test_the_first_results_are_told_their_flaws(seed: Evidence) -> None:
    by_name: dict[str, dict[str, Said]] = {}
    for each in map(said, all_found(seed)):
        by_name.setdefault(each.rule, {})[each.scenario] = each
    slow = by_name["producer misses its schedule"]
    assert set(slow) == {"baseline", "affinity", "queue-cap-8"}
    assert slow["baseline"].evidence == (
        "447 items/s instead of 1,000: each takes 2,237 µs, 1,237 µs more than its interval"
    )
    assert "relative sleep" in slow["baseline"].cause and "deadline" in slow["baseline"].remedy
    few = by_name["too few samples"]["affinity"]
    assert few.evidence == "the latency p99 would rest on 45 of 4,520 items of all runs: not stated"
    assert by_name["too few runs"][""].evidence.startswith("3 quiet runs of a scenario")
    assert by_name["migrations"]["baseline"].evidence == "the threads moved to another CPU 34 times a second"
    assert set(by_name) == {
        "producer misses its schedule",
        "too few samples",
        "too few runs",
        "migrations",
    }


def test_a_healthy_case_has_no_findings() -> None:
    assert all_found(Evidence([case(), case(EXACT, runs=1)], environment=ABOUT)) == []


def test_placement_left_to_chance() -> None:
    def runs(cpus: list[int], p50_us: list[float], moves: int = 0) -> Case:
        of_three = case(runs=len(cpus), migrations=moves)
        rows = of_three.rows.assign(cpus=cpus, latency_p50_ns=[each * 1e3 for each in p50_us])
        return dataclasses.replace(of_three, rows=rows)

    rule = pipeline.placed_by_chance
    told = found(rule, runs([1, 2, 2], [10.0, 15.0, 16.0]))[0].evidence
    assert told == (
        "both threads were on one CPU in 1 of 3 runs, whose median latency is 10 µs, against 15.5 µs where they were on two"
    )
    assert not found(rule, runs([2, 2, 2], [10.0, 15.0, 16.0]))  # always on two
    assert not found(rule, runs([1, 1, 1], [10.0, 15.0, 16.0]))  # always on one
    assert not found(rule, runs([1, 2, 2], [10.0, 10.1, 10.1]))  # which changes nothing
    assert not found(rule, runs([1, 2, 2], [10.0, 15.0, 16.0], moves=1))  # now one, now two
    assert not found(rule, case())  # nobody counted


def test_producer_misses_its_schedule() -> None:
    rule = pipeline.misses_schedule
    late: dict[str, Any] = {"produced": 9000, "throughput_ops_s": 450.0}
    assert "450 items/s instead of 1,000: each takes 2,222 µs" in found(rule, case(**late))[0].evidence
    assert "too little CPU time" in found(rule, case(**late))[0].cause
    assert "waits for room" in found(rule, case(**late, options={"on-full": "block"}))[0].cause
    assert not found(rule, case(**late, options={"prod-interval-us": "0"}))
    assert not found(rule, case(throughput_ops_s=450.0, drop_rate=0.55))  # it produced all, and dropped


def test_schedules_that_are_not_constant() -> None:
    burst = {"arrival": "burst:10,91000"}  # 9 ms of a burst and 91 ms of pause: 10 items in 100 ms
    assert case(options=burst).interval_ns == pytest.approx(10_000_000)
    on_time: dict[str, Any] = {"produced": 2000, "items": 2000, "throughput_ops_s": 100.0}
    late: dict[str, Any] = on_time | {"produced": 1500, "items": 1500, "throughput_ops_s": 75.0}
    for rule in (pipeline.misses_schedule, pipeline.impossible_items):
        assert not found(rule, case(**on_time, options=burst))
        by_chance: dict[str, Any] = {"produced": 20_400, "items": 20_400, "throughput_ops_s": 1020.5}
        assert not found(rule, case(**by_chance, options={"arrival": "poisson"}))
    assert found(pipeline.misses_schedule, case(**late, options=burst))
    assert found(pipeline.impossible_items, case(throughput_ops_s=1020.5))
    assert found(pipeline.impossible_items, case(throughput_ops_s=1100.0, options={"arrival": "poisson"}))


def test_consumer_polls_or_sleeps_for_each_item() -> None:
    polls = case(consumer_voluntary_switches=47 * 20_000)
    assert found(pipeline.consumer_polls, polls)[0].evidence == "47 context switches of the consumer an item"
    assert not found(pipeline.wakes_for_each_item, polls)
    sleeps = case(consumer_voluntary_switches=20_000)
    assert not found(pipeline.consumer_polls, sleeps)
    assert found(pipeline.wakes_for_each_item, sleeps)[0].evidence == "1.0 context switches of the consumer an item"
    spins = case(consumer_voluntary_switches=3)
    assert not found(pipeline.consumer_polls, spins) and not found(pipeline.wakes_for_each_item, spins)


def test_queue_bloat_needs_a_full_queue() -> None:
    options = {"prod-interval-us": "0"}
    small = case(latency_p50_ns=5_600.0, throughput_ops_s=1.1e6, options=options | {"queue-cap": "8"})
    large = case(latency_p50_ns=44_000.0, throughput_ops_s=1.05e6, options=options)
    bloat = found(pipeline.queue_bloat, small, large)
    assert len(bloat) == 1 and "7.9 times" in bloat[0].evidence and "about 46 items" in bloat[0].evidence
    slower = case(latency_p50_ns=44_000.0, throughput_ops_s=2e6, options=options)
    assert not found(pipeline.queue_bloat, small, slower)  # it buys throughput
    idle = [case(latency_p50_ns=value, options={"queue-cap": cap}) for value, cap in ((2e4, "8"), (9e4, "64"))]
    assert not found(pipeline.queue_bloat, *idle)  # nearly empty queues: another reason
    other = case(latency_p50_ns=44_000.0, throughput_ops_s=1.05e6, options=options | {"wait": "spin"})
    assert not found(pipeline.queue_bloat, small, other)


def test_drops_begin_at_a_load() -> None:
    def at(interval_us: int, produced: int, rate: float, drop: float) -> Case:
        options = {"prod-interval-us": str(interval_us)}
        return case(options=options, produced=produced, throughput_ops_s=rate, drop_rate=drop)

    calm, edge, full = at(20, 1_000_000, 50e3, 0), at(10, 2_000_000, 95e3, 0.05), at(5, 4_000_000, 100e3, 0.5)
    begin = found(pipeline.drops_begin, full, calm, edge)
    assert len(begin) == 1
    assert "none at 50.0 % of it (x), and 5.0 % of items at a load of 100 %" in begin[0].evidence
    assert not found(pipeline.drops_begin, full, at(1000, 20_000, 1e3, 0))  # somewhere between 1 and 200 %
    assert not found(pipeline.drops_begin, calm) and not found(pipeline.drops_begin, full)


def test_migrations_and_waiting_for_a_cpu() -> None:
    moved = found(pipeline.migrations, case(consumer_migrations=400, producer_migrations=2))
    assert [each.evidence for each in moved] == ["the consumer moved to another CPU 20 times a second"]
    pinned = found(pipeline.migrations, case(consumer_migrations=400, options={"pin-consumer": "1"}))
    assert "changes its affinity" in pinned[0].cause
    waits = found(pipeline.consumer_waits_for_cpu, case(consumer_run_delay_ns=20_000 * 15_000))
    assert "15.0 µs an item" in waits[0].evidence
    assert not found(pipeline.consumer_waits_for_cpu, case(consumer_run_delay_ns=20_000 * 500))


def test_the_slowest_items_name_their_stage() -> None:
    means = pd.DataFrame([[10.0, 0, 0, 80, 10]], index=[stages.SLOWEST], columns=list(PIPELINE.stages))
    table = stages.table("x", LIVE, [stages.RunStages(10_000, means, np.array([]))])
    slow = found(pipeline.slowest_items, stages=table)
    assert [each.evidence for each in slow] == [
        "of 0 µs 80 % waiting for the consumer to wake up, 10 % the producer running late, 10 % the consumer's work"
    ]
    assert set(PIPELINE.stages) <= set(pipeline.CAUSES)
    assert "sleeps" in found(pipeline.slowest_items, case(), stages=table)[0].cause
    assert "looks all the time" in found(pipeline.slowest_items, case(options={"wait": "spin"}), stages=table)[0].cause


def test_late_items_of_a_thread_with_slack_name_it() -> None:
    means = pd.DataFrame([[60_000.0, 0, 0, 9_000, 0]], index=[stages.SLOWEST], columns=list(PIPELINE.stages))
    table = stages.table("x", LIVE, [stages.RunStages(10_000, means, np.array([]))])

    def remedy(**options: str) -> str:
        return found(pipeline.slowest_items, case(options=options), stages=table)[0].remedy

    assert "timer-slack-ns = 1" in remedy()
    for without_slack in ({"timer-slack-ns": "1"}, {"sched": "fifo:50"}, {"pacing": "spin"}):
        assert remedy(**without_slack) == pipeline.CAUSES["lateness"][1]
    table["mean_ns"] /= 2  # 30 us are less than slack may be
    assert remedy() == pipeline.CAUSES["lateness"][1]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"latency_p50_ns": 50_000.0}, "latency p50 of 50,000 ns is more than p95 of 40,000 ns"),
        ({"response_p95_ns": 95_000.0}, "response p95 of 95,000 ns is more than p99 of 90,000 ns"),
        ({"response_p99_ns": 70_000.0}, "the response p99 is less than the latency p99, which is part of it"),
        (
            {"latency_p99_ns": 3e10, "response_p99_ns": 3e10},
            "latency p99 of 30,000,000,000 ns is negative or longer than the run",
        ),
        ({"latency_p50_ns": -5.0}, "latency p50 of -5 ns is negative or longer than the run"),
        ({"drop_rate": 1.5}, "a drop rate of 1.5"),
        ({"throughput_ops_s": 1100.0}, "1,100 items/s, though scheduled at 1,000"),
    ],
)
def test_impossible_values(values: dict[str, Any], message: str) -> None:
    first = [*found(measurement.impossible_values, case(**values)), *found(pipeline.impossible_items, case(**values))][
        0
    ]
    assert first.evidence == f"{message}, and 9 more runs like it"


def test_one_item_more_than_the_rate_is_possible() -> None:
    options = {"prod-interval-us": "300000"}
    counts: dict[str, Any] = {"duration_s": 2.0, "produced": 7, "items": 7}
    seven = case(options=options, throughput_ops_s=3.5, **counts)  # the last one begins at 1.8 s
    assert not found(pipeline.impossible_items, seven)
    counts |= {"produced": 9, "items": 9}
    nine = case(options=options, throughput_ops_s=4.5, **counts)
    assert found(pipeline.impossible_items, nine)[0].evidence.startswith("4.5 items/s, though scheduled at 3.33, and")


def test_stages_need_items() -> None:
    assert not found(measurement.no_stages, case(options={"sample-every": "8"}))
    (one,) = found(measurement.no_stages, case(options={"max-samples": "0"}))
    assert "keep no item" in one.evidence and one.remedy.startswith("max-samples = 100000")


def test_a_percentile_that_was_not_measured_is_no_finding() -> None:
    empty = case(latency_p99_ns=math.nan, items=5, produced=5)
    assert not found(measurement.impossible_values, empty)
    assert found(measurement.few_samples, empty)[0].evidence.startswith(
        "the latency p50 and p95 and p99 would rest on 25 and"
    )


def test_too_few_samples_and_runs() -> None:
    few = found(measurement.few_samples, case(items=450))[0]  # of each of ten runs
    assert (few.evidence, few.remedy) == (
        "the latency p99 would rest on 45 of 4,500 items of all runs: not stated",
        "DURATION=45 or more, or more runs",
    )
    assert not found(measurement.few_samples, case(items=1_001))
    assert found(measurement.few_runs, case(runs=3), case(runs=4))[0].evidence.endswith("p is at least 0.1")
    assert not found(measurement.few_runs, case(runs=4), case(runs=4))
    assert not found(measurement.few_runs, case(runs=3)) and not found(measurement.few_runs, *[case(EXACT, 3)] * 2)
    assert "p is at least 0.12" in found(measurement.few_runs, *[case(EXACT, 2)] * 2)[0].evidence


def test_costly_clock() -> None:
    dear = found(measurement.costly_clock, case(clock_read_ns=4000.0))
    assert dear[0].evidence == "a clock read of 4,000 ns is 20 % of the median latency"


def test_exact_and_live_disagree() -> None:
    def compared(measured: Measurement, verdict: Verdict, change: float) -> Comparison:
        return Comparison("x", measured, "latency_p50_ns", False, 1, 1, 8, 8, 0.03, change=change, verdict=verdict)

    exact = compared(EXACT, Verdict.BETTER, -0.2)
    sides = found(measurement.exact_against_live, comparisons=[exact, compared(LIVE, Verdict.WORSE, 0.2)])
    assert sides[0].evidence == "latency p50 is better: -20.0 % in exact timing, and worse: +20.0 % in live"
    for verdict in (Verdict.INCONCLUSIVE, Verdict.SAME, Verdict.BETTER):
        assert not found(measurement.exact_against_live, comparisons=[exact, compared(LIVE, verdict, 0.2)])


def test_warm_up_not_over() -> None:
    random = np.random.default_rng(1)

    def level(step: float) -> np.ndarray:
        return 20_000 * random.lognormal(0, 0.05, 200) * np.where(np.arange(200) < 20, step, 1)

    early = found(measurement.warm_up_not_over, case(windows_ns=[level(1.5) for _ in range(3)]))
    assert "in 3 of 3 runs the latency changes by -3" in early[0].evidence and "after 10 %" in early[0].evidence
    assert early[0].remedy == "warmup = 2.1"
    assert not found(measurement.warm_up_not_over, case(windows_ns=[level(1.5), level(1), level(1)]))
    assert not found(measurement.warm_up_not_over, case(windows_ns=[level(1.5), level(0.6), level(1)]))
    false = sum(bool(found(measurement.warm_up_not_over, case(windows_ns=[level(1)]))) for _ in range(200))
    assert false == 0


def test_host_too_small() -> None:
    def host(cpus: int, load: float) -> dict[str, Any]:
        facts: dict[str, Any] = {
            **LIVE._asdict(),
            "guests": [{"smp": 2}],
            "host": {"cpus": cpus, "load_before_max": load},
        }
        return {"measurements": [{**EXACT._asdict(), "guests": [{"smp": 2}]}, facts]}

    assert [each.measurement for each in found(measurement.host_too_small, environment=host(1, 0))] == [LIVE]
    assert (
        found(measurement.host_too_small, environment=host(2, 1.58))[0].evidence
        == "the host has 2 CPUs for the guest's 2"
    )
    assert not found(measurement.host_too_small, environment=host(4, 3))


def test_results_of_a_sweep_and_their_markdown() -> None:
    swept = results.load(RESULTS)["t001"]
    baselines = {"affinity-1000us": "baseline-1000us", "affinity-0us": "baseline-0us"}
    comparisons = comparing.against_baseline(swept.raw, baselines, PIPELINE.judged)
    assert len(comparisons) == 2 * 2 * len(PIPELINE.judged)
    known = all_found(evidence.of_suite(swept.raw, swept.environment, comparisons))
    assert "impossible value" not in {each.rule for each in known}
    lines = findings.lines([each for each in known if each.measurement == EXACT], RULES, PIPELINE)
    assert sum("**too few samples.**" in line for line in lines) == 1
    assert any(
        "baseline-1000us, affinity-1000us, queue-cap-8-1000us: the latency p99 would rest on" in line for line in lines
    )
    assert findings.lines([], RULES, PIPELINE) == []
