"""Causes and remedies fit the case: what slack, a smaller queue, pins and a longer warm-up cannot mend is not put on them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lab.tables import stages
from lab.findings import measurement, pipeline
from lab.judge import evidence
from lab.judge.evidence import Case
from lab.tables.measurement import Measurement
from lab.judge.comparing import Comparison, Verdict
from lab.tests.test_findings import EXACT, LIVE, PIPELINE, case, found

KVM = Measurement("aarch64", "live", "kvm")


def slowest(measured: Measurement, late_us: float) -> pd.DataFrame:
    means = pd.DataFrame([[late_us * 1e3, 0, 0, 9_000, 0]], index=[stages.SLOWEST], columns=list(PIPELINE.stages))
    return stages.table("x", measured, [stages.RunStages(10_000, means, np.array([]))])


def late(measured: Measurement, late_us: float, **options: str) -> Any:
    return found(pipeline.slowest_items, case(measured, options=options), stages=slowest(measured, late_us))[0]


def test_slack_is_blamed_for_what_it_can_explain_alone() -> None:
    assert (late(LIVE, 150).cause, late(LIVE, 150).remedy) == pipeline.CAUSES["slack"]
    assert "timer slack" not in late(LIVE, 150).evidence
    host = late(LIVE, 425)
    assert host.evidence.endswith("(at most 50 of 425 µs late is timer slack)")
    assert host.cause == "the guest's CPU wakes the producer late: the emulator or the host did not run it in time"
    assert host.remedy.startswith("a quiet host, KVM, more CPUs of the host; then a CPU of its own")
    kvm = late(KVM, 425)
    assert "emulator" not in kvm.cause and "KVM" not in kvm.remedy
    assert (late(EXACT, 425).cause, late(EXACT, 425).remedy) == pipeline.CAUSES["slack"]


def test_a_producer_without_slack_may_be_late_by_its_host_too() -> None:
    real_time = late(LIVE, 425, sched="fifo:50")
    assert "the host did not run it" in real_time.cause and "slack" not in real_time.evidence
    assert late(LIVE, 425, pacing="spin").cause == pipeline.CAUSES["lateness"][0]  # nothing wakes it


def queues(measured: Measurement, small_ops_s: float, large_ops_s: float, **small: float) -> list[Case]:
    """A queue of 8 and one of 64 places, both full."""
    options = {"prod-interval-us": "0"}
    made = []
    sides: list[tuple[str, str, float, float, dict[str, Any]]] = [
        ("small", "8", 3_600.0, small_ops_s, small),
        ("large", "64", 29_000.0, large_ops_s, {}),
    ]
    for scenario, cap, p50_ns, rate, others in sides:
        one = case(
            measured, options=options | {"queue-cap": cap}, latency_p50_ns=p50_ns, throughput_ops_s=rate, **others
        )
        made.append(replace(one, scenario=scenario))
    return made


def bloat(cases: list[Case], *verdicts: tuple[Measurement, str, Verdict]) -> list[str]:
    """The remedies, where "small" is compared with "large"."""
    comparisons = [
        Comparison("small", measured, metric, False, 1, 1, 3, 3, 0.03, verdict=verdict)
        for measured, metric, verdict in verdicts
    ]
    environment = {"measurements": [], "baselines": {"small": "large"}}
    return [
        each.remedy for each in found(pipeline.queue_bloat, *cases, comparisons=comparisons, environment=environment)
    ]


@pytest.mark.parametrize(
    ("verdict", "fires"),
    [
        (Verdict.INCONCLUSIVE, False),
        (Verdict.MIXED, False),
        (Verdict.WORSE, False),
        (Verdict.SAME, True),
        (Verdict.EQUAL, True),
        (Verdict.BETTER, True),
    ],
)
def test_queue_bloat_needs_a_throughput_that_is_shown_to_be_equal(verdict: Verdict, fires: bool) -> None:
    assert bool(bloat(queues(LIVE, 2.1e6, 2.1e6), (LIVE, "throughput_ops_s", verdict))) is fires


def test_queue_bloat_compares_runs_that_nobody_compared() -> None:
    def runs(small: list[float], large: list[float]) -> list[Case]:
        return [
            replace(each, rows=each.rows.assign(**LIVE._asdict(), seed=range(1, 11), throughput_ops_s=rates))
            for each, rates in zip(queues(LIVE, 2e6, 2e6), (small, large))
        ]

    steady = [2e6 + 100 * place for place in range(10)]
    assert bloat(runs(steady, steady)) == ["queue-cap = 8: what the larger queue holds is delay"]
    assert not bloat(runs([2e6 * (1 + place / 20) for place in range(10)], [2.4e6] * 10))  # medians of 2.45 and 2.4


def test_queue_bloat_tells_what_the_smaller_queue_costs_elsewhere() -> None:
    exact = queues(EXACT, 0.36e6, 1.15e6, drop_rate=0.04)
    same = (LIVE, "throughput_ops_s", Verdict.SAME)
    text = "queue-cap = 8: what the larger queue holds is delay. But in exact timing on aarch64 it costs 69 % of the throughput"
    cases = [*queues(LIVE, 2.1e6, 2.1e6), *exact]
    assert bloat(cases, same) == [text]
    worse = [(EXACT, metric, Verdict.WORSE) for metric in ("throughput_ops_s", "drop_rate")]
    assert bloat(cases, same, *worse) == [f"{text} and drops 4.0 % of the items instead of 0.0 %"]
    unsure = [(EXACT, metric, Verdict.MIXED) for metric in ("throughput_ops_s", "drop_rate")]
    assert bloat(cases, same, *unsure) == ["queue-cap = 8: what the larger queue holds is delay"]


def waiting(
    options: dict[str, str], switches: int = 20_000, kernel_args: str = "", smp: int = 2
) -> list[tuple[str, str]]:
    shape = {"smp": str(smp)} | ({"kernel-args": kernel_args} if kernel_args else {})
    waits = case(
        options=shape | options,
        consumer_run_delay_ns=20_000 * 15_000,
        consumer_voluntary_switches=switches,
        consumer_involuntary_switches=0,
    )
    told = found(pipeline.consumer_waits_for_cpu, waits, environment={"suite": "s"})
    return [(each.cause, each.remedy) for each in told]


@pytest.mark.parametrize(
    ("options", "kernel_args", "smp", "remedy"),
    [
        ({}, "", 1, "a second CPU (smp = 2)"),
        ({"smp": "1"}, "", 2, "a second CPU (smp = 2)"),
        ({"pin-producer": "0", "pin-consumer": "0"}, "", 2, "pin them to two"),
        ({}, "isolcpus=1 nohz_full=1", 2, "isolcpus leaves unpinned threads one CPU: pin the consumer to the isolated one (1)"),
        ({"kernel-args": "isolcpus=1"}, "", 2, "isolcpus leaves unpinned threads one CPU: pin the consumer to the isolated one (1)"),
        ({"pin-producer": "0", "pin-consumer": "1"}, "", 2, "look at who had it: make trace SCENARIO=s/x"),
        ({"pin-consumer": "1"}, "isolcpus=1", 2, "look at who had it: make trace SCENARIO=s/x"),
        ({}, "", 2, "pin producer and consumer to different CPUs, and keep others off them (isolcpus)"),
        ({}, "isolcpus=1", 4, "pin producer and consumer to different CPUs, and keep others off them (isolcpus)"),
    ],
)  # fmt: skip
def test_a_consumer_without_a_cpu_gets_the_remedy_of_its_case(
    options: dict[str, str], kernel_args: str, smp: int, remedy: str
) -> None:
    ((cause, told),) = waiting(options, kernel_args=kernel_args, smp=smp)
    assert told == remedy
    assert ("both threads have one CPU" in cause) == (remedy.startswith(("a second", "pin them", "isolcpus leaves")))


def test_a_few_long_waits_are_not_those_of_the_items() -> None:
    assert len(waiting({}, switches=2_000)) == 1
    assert not waiting({}, switches=1_999)  # of 20,000 items


@pytest.mark.parametrize(
    ("kernel_args", "cpus_of_it"),
    [
        ("", set()),
        ("quiet isolcpus=1", {1}),
        ("isolcpus=managed_irq,domain,1-3,6", {1, 2, 3, 6}),
        ("rcu_nocbs=1", set()),
    ],
)
def test_isolated_cpus_are_read_as_the_kernel_does(kernel_args: str, cpus_of_it: set[int]) -> None:
    assert evidence.isolated(kernel_args) == cpus_of_it


def test_a_late_change_has_other_causes_in_virtual_time() -> None:
    early = np.where(np.arange(200) < 20, 30_000.0, 20_000.0)
    windows = [early] * 3
    exact, live = (found(measurement.warm_up_not_over, case(each, windows_ns=windows))[0] for each in (EXACT, LIVE))
    assert "scheduler" in exact.cause and "caches" not in exact.cause and "host" not in exact.cause
    assert "emulator's translations" in live.cause
    assert exact.remedy == live.remedy == "warmup = 2.1"


def test_chance_places_threads_and_may_move_them_again() -> None:
    made = case(runs=3, migrations=0)
    rows = made.rows.assign(cpus=[1, 2, 2], latency_p50_ns=[1e4, 1.5e4, 1.6e4])
    (told,) = found(pipeline.placed_by_chance, replace(made, rows=rows))
    assert told.cause.endswith("when they start, and may move them later")
