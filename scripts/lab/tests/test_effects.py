"""What each option changes, and where the threads were, of suites that are made up: their truth is known."""

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lab.judge import comparing
from lab.tables.measurement import Measurement
from lab.judge import effects as judged
from lab.judge.evidence import of_suite
from lab.plan import contract
from lab.report import placement, effects as told
from lab.judge.effects import Change, Effect
from lab.judge.comparing import Comparison, Verdict

SEEDS = 3
PIPELINE = contract.load("pipeline")
ABOUT = {"workload": {"name": "pipeline", "contract": PIPELINE.table}}
GUEST: dict[str, Any] = {"kernel": "std", "kernel_args": "", "smp": 2, "memory_mb": 512, "numa_nodes": 1}
MUTEX, PINNED = {"queue": "mutex"}, {"pin-consumer": 1}
# scenario: options, p50 in us, on how many CPUs the threads were; by seed
SUITE: dict[str, tuple[dict[str, Any], list[float], list[int]]] = {
    "free": ({"prod-interval-us": 1000}, [10.0, 15.0, 10.0], [1, 2, 1]),
    "pinned": (PINNED, [15.0, 15.5, 15.0], [2, 2, 2]),
    "free-mutex": (MUTEX, [12.0, 12.0, 12.0], [1, 1, 1]),
    "pinned-mutex": (PINNED | MUTEX, [18.0, 18.0, 18.0], [2, 2, 2]),
    "fast": ({"prod-interval-us": 0}, [30.0, 30.0, 30.0], [2, 2, 2]),
}
ITEMS = 1000


def made(timing: str = "exact") -> tuple[pd.DataFrame, dict[str, Any]]:
    rows = [
        {
            "scenario": scenario,
            **dict(zip(("target", "timing", "accelerator"), ("aarch64", timing, "tcg"))),
            "seed": seed,
            "latency_p50_ns": p50_us[seed] * 1e3,
            "latency_p99_ns": p50_us[seed] * 2e3,
            "throughput_ops_s": 1000.0,
            "drop_rate": 0.0,
            "items": ITEMS,
            "duration_s": 1.0,
            "cpus": cpus[seed],
            "migrations": 0,
        }
        for scenario, (_, p50_us, cpus) in SUITE.items()
        for seed in range(SEEDS)
    ]
    said = {scenario: {"options": options, "guest": GUEST} for scenario, (options, _, _) in SUITE.items()}
    facts = {"target": "aarch64", "timing": timing, "accelerator": "tcg", "scenarios": said}
    return pd.DataFrame(rows), ABOUT | {"measurements": [facts]}


@pytest.fixture(name="found")
def _found() -> dict[str, Change]:
    every = judged.of_measurement(*made(), pd.DataFrame())
    assert len({each.option for each in every}) == len(every)
    return {each.option: each for each in every}


def test_a_change_has_all_pairs_that_differ_in_it_alone_and_none_across_loads(found: dict[str, Change]) -> None:
    assert set(found) == {"pin-consumer", "queue"}
    assert found["pin-consumer"].pairs == (("free", "pinned"), ("free-mutex", "pinned-mutex"))
    assert (found["pin-consumer"].before, found["pin-consumer"].after) == ("", "1")
    assert found["queue"].pairs == (("free", "free-mutex"), ("pinned", "pinned-mutex"))
    assert (found["queue"].before, found["queue"].after) == ("spsc", "mutex")


def effect(change: Change, metric: str) -> Effect:
    return next(each for each in change.effects if each.metric == metric)


def test_each_pair_has_its_verdict(found: dict[str, Change]) -> None:
    p50 = {each.scenario: each for each in effect(found["pin-consumer"], "latency_p50_ns").comparisons}
    assert p50["free, pinned"].verdict is Verdict.WORSE
    assert (p50["free, pinned"].low, p50["free, pinned"].high) == pytest.approx((0.5 / 15, 0.5))
    assert p50["free-mutex, pinned-mutex"].change == pytest.approx(0.5)
    assert effect(found["pin-consumer"], "latency_p50_ns").verdict is Verdict.WORSE
    assert effect(found["pin-consumer"], "throughput_ops_s").verdict is Verdict.SAME


def test_a_pair_that_moved_the_threads_shows_that_and_not_the_change() -> None:
    raw, environment = made()
    raw.loc[raw["scenario"] == "free-mutex", "cpus"] = 2  # and free is on one
    (queue,) = (each for each in judged.of_measurement(raw, environment, pd.DataFrame()) if each.option == "queue")
    assert queue.moved == (("free", "free-mutex"),)
    assert [each.scenario for each in effect(queue, "latency_p50_ns").comparisons] == ["pinned, pinned-mutex"]
    assert "not counted: free → free-mutex, which moved the threads" in " ".join(told.answer([queue], PIPELINE))


def test_of_more_values_only_steps_are_changes() -> None:
    raw, environment = made()
    names = {"one": 1, "two": 2, "eight": 8}
    environment["measurements"][0]["scenarios"] = {
        name: {"options": {}, "guest": GUEST | {"smp": cpus}} for name, cpus in names.items()
    }
    raw = pd.concat([raw[raw["scenario"] == "fast"].assign(scenario=name) for name in names])
    steps = judged.of_measurement(raw, environment, pd.DataFrame())
    assert [(each.before, each.after) for each in steps] == [("1", "2"), ("2", "8")]


def test_a_p99_of_few_items_is_not_compared() -> None:
    raw, environment = made()
    raw.loc[raw["scenario"] == "pinned", "items"] = 300
    (pin,) = (each for each in judged.of_measurement(raw, environment, pd.DataFrame()) if each.option == "pin-consumer")
    assert [each.scenario for each in effect(pin, "latency_p99_ns").comparisons] == ["free-mutex, pinned-mutex"]


def test_live_pairs_are_tested_together() -> None:
    random = np.random.default_rng(1)

    def pairs(shift: float) -> list[comparing.Pair]:
        return [
            comparing.Pair(
                "a, b",
                Measurement("aarch64", "live", "tcg"),
                "latency_p50_ns",
                False,
                pd.Series(level * random.lognormal(0, 0.2, 8)),
                pd.Series(level * (1 + shift) * random.lognormal(0, 0.2, 8)),
            )
            for level in (10.0, 100.0, 1000.0, 10.0)
        ]

    assert judged.stratified_p(pairs(0.3)) < 0.01
    false = [judged.stratified_p(pairs(0.0)) for _ in range(400)]
    assert 0.02 < np.mean(np.array(false) < 0.05) < 0.08
    assert math.isnan(judged.stratified_p([]))


def test_the_stage_that_changed_most_is_told() -> None:
    table = pd.DataFrame(
        [
            {"scenario": scenario, "population": "all", "stage": stage, "mean_ns": mean_us * 1e3}
            for scenario, means_us in {"free": (60, 10), "pinned": (61, 15), "free-mutex": (60, 12)}.items()
            for stage, mean_us in zip(("lateness", "wake_up"), means_us)
        ]
    )
    text = told.tables(judged.of_measurement(*made(), table), PIPELINE)[0]
    line = next(line for line in text.splitlines() if line.startswith("| `pin-consumer`: none → 1"))
    assert line.endswith("| +6.0 µs; waiting for the consumer to wake up +5.0 µs |")
    assert "2 **worse** (+50.0 %)" in line
    assert "| free → pinned; free-mutex → pinned-mutex |" in line


def test_every_change_has_its_line_in_the_answer(found: dict[str, Change]) -> None:
    lines = told.answer(list(found.values()), PIPELINE)
    assert lines[0] == (
        "**`pin-consumer`: none → 1.** At 1,000/s (2 pairs): latency p50 **worse** (+50.0 %); latency p99 **worse** "
        "(+50.0 %); the same: throughput, drop rate."
    )
    assert lines[1].startswith(
        "**`queue`: spsc → mutex.** At 1,000/s (2 pairs): the same: throughput, drop rate; open: latency p50 (worse in 1"
    )
    assert "what caches and CPUs that truly run at the same time add" in lines[2]


def test_two_measurements_agree_or_contradict_each_other(found: dict[str, Change]) -> None:
    every = list(found.values())
    text = told.agreement(every, every, PIPELINE)
    assert text == (
        "Both say: `pin-consumer`: none → 1, latency p50 at 1,000/s worse; "
        "`pin-consumer`: none → 1, latency p99 at 1,000/s worse."
    )
    other = [
        dataclasses.replace(
            each,
            effects=tuple(
                dataclasses.replace(known, verdict=Verdict.BETTER if known.metric == "latency_p50_ns" else Verdict.SAME)
                for known in each.effects
            ),
        )
        for each in every
    ]
    assert told.agreement(every, other, PIPELINE) == (
        "**They contradict each other**: `pin-consumer`: none → 1, latency p50 at 1,000/s worse against better."
    )
    assert told.agreement(every, [], PIPELINE) == ""


def test_what_is_not_known_is_said() -> None:
    raw, environment = made("live")
    raw["latency_p99_ns"] *= 1 + raw["seed"] / 100
    raw["latency_p50_ns"] *= 1 + raw["seed"] / 100
    text = told.unknown(judged.of_measurement(raw, environment, pd.DataFrame()))
    assert "what hardware would do" in text
    assert "4 of 8 effects, which these runs leave open" in text  # three runs of each
    assert told.unknown([]) == ""


def test_families_part_runs_by_where_the_threads_were() -> None:
    by_options = {each.options: each for each in placement.families(*made())}
    assert set(by_options) == {"", "`queue = mutex`"}  # the fast ones were always on two
    free = by_options[""]
    assert (len(free.together), len(free.apart), free.mixed) == (2, 4, 0)
    table = placement.tables(list(by_options.values()), PIPELINE)[1]
    assert (
        "| 1,000 | nothing | 2, 4, 0 | 10.0 | 15.0 (15.0–15.5) | 20.0 | 30.0 (30.0–31.0) | 1,000 | 1,000 | 0 |" in table
    )


def test_runs_in_which_a_thread_moved_are_counted_apart() -> None:
    raw, environment = made()
    raw.loc[(raw["scenario"] == "free") & (raw["seed"] == 0), "migrations"] = 1
    (free,) = (each for each in placement.families(raw, environment) if not each.options)
    assert (len(free.together), len(free.apart), free.mixed) == (1, 4, 1)


def test_the_answer_says_what_one_cpu_does_and_who_left_it_to_chance() -> None:
    raw, environment = made()
    one, chance = placement.answer(placement.families(raw, environment), of_suite(raw, environment))
    assert one == (  # the ring has but two runs on one CPU
        "**Both threads on one CPU, against two.** At 1,000/s with `queue = mutex`: latency p50 -33 %, "
        "latency p99 -33 % (3 runs against 3)."
    )
    assert "of the 3 runs of free, 2 with one CPU, 1 with two CPUs" in chance


def test_where_nobody_knows_where_threads_were_there_is_no_answer() -> None:
    raw, environment = made()
    without = raw.drop(columns=["cpus"])
    assert placement.families(without, environment) == []
    assert placement.answer([], of_suite(without, environment)) == []
    assert placement.tables([], PIPELINE) == []


def test_changes_that_are_read_together_have_one_form() -> None:
    def amounts(*ends: float, absolute: bool = False) -> str:
        one = Comparison("a, b", Measurement("aarch64", "live", "tcg"), "drop_rate", False, 1, 1, 3, 3, 0.03)
        return told._amounts([dataclasses.replace(one, change=change, absolute=absolute) for change in ends])

    assert amounts(171.0, -0.022) == "× 0.98 to × 172"
    assert amounts(0.5, -0.022) == "-2.2 % to +50.0 %"
    assert amounts(2.0, -0.5, absolute=True) == "-0.5 to +2"


def test_pairs_that_contradict_each_other_for_certain_have_no_common_word() -> None:
    live = Measurement("aarch64", "live", "tcg")
    better, worse = (
        Comparison("a, b", live, "latency_p50_ns", False, 1.0, 1.0, 9, 9, 0.03, change=change, verdict=verdict)
        for change, verdict in ((-0.5, Verdict.BETTER), (0.5, Verdict.WORSE))
    )
    for pairs, verdict in (((better, better, worse), Verdict.INCONCLUSIVE), ((better, better), Verdict.BETTER)):
        effect = Effect("latency_p50_ns", pairs, Verdict.INCONCLUSIVE, 0.001)
        assert judged._effect(effect, 0.001, 0.03).verdict is verdict
