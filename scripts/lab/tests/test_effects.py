"""What each choice changes, of a suite that is made up: its truth is known."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lab.judge import comparing, effects
from lab.judge.comparing import Comparison, Verdict
from lab.judge.effects import Change, Effect
from lab.judge.placement import ONE_CPU, TWO_CPUS
from lab.plan import contract
from lab.tables.measurement import Measurement

SEEDS = 6
PINNED: dict[str, Any] = {"prod-interval-us": 1000, "pin-consumer": 1}
# scenario: options, p50 in us, and on how many CPUs the threads were; by seed
SUITE: dict[str, tuple[dict[str, Any], list[float], list[int]]] = {
    "free": ({"prod-interval-us": 1000}, [10.0, 15.0] * 3, [1, 2] * 3),
    "pinned": (PINNED, [15.0, 15.5, 15.0, 16.0, 15.0, 15.5], [2] * 6),
    "free-mutex": ({"prod-interval-us": 1000, "queue": "mutex"}, [12.0, 12.0, 9.0, 12.0, 12.0, 12.0], [1, 2] * 3),
    "pinned-mutex": (PINNED | {"queue": "mutex"}, [18.0] * 6, [2] * 6),
    "fast": ({"prod-interval-us": 0}, [30.0] * 6, [2] * 6),
}
ITEMS = 1000
GUEST = {"kernel": "cloud", "kernel_args": "", "smp": 2, "memory_mb": 512, "numa_nodes": 1}


def made(timing: str = "exact", times: int = 1) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A raw table, and the environment file's facts; with so many times SEEDS seeds, which are alike."""
    rows = [
        {
            "scenario": scenario,
            **dict(zip(("target", "timing", "accelerator"), ("aarch64", timing, "tcg"))),
            "seed": seed,
            "latency_p50_ns": p50_us[seed % SEEDS] * 1e3,
            "latency_p99_ns": p50_us[seed % SEEDS] * 2e3,
            "throughput_ops_s": 1000.0,
            "drop_rate": 0.0,
            "items": ITEMS,
            "duration_s": 1.0,
            "cpus": cpus[seed % SEEDS],
            "migrations": 0,
        }
        for scenario, (_, p50_us, cpus) in SUITE.items()
        for seed in range(times * SEEDS)
    ]
    scenarios = {name: {"options": options, "guest": GUEST} for name, (options, _, _) in SUITE.items()}
    facts = {"target": "aarch64", "timing": timing, "accelerator": "tcg", "guests": [GUEST], "scenarios": scenarios}
    workload = {"name": "pipeline", "contract": contract.load("pipeline").table}
    return pd.DataFrame(rows), {"workload": workload, "measurements": [facts]}


def changes_of(raw: pd.DataFrame, environment: dict[str, Any]) -> dict[str, Change]:
    every = effects.of_measurement(raw, environment, pd.DataFrame())
    assert len({each.option for each in every}) == len(every)
    return {each.option: each for each in every}


@pytest.fixture(name="found")
def _found() -> dict[str, Change]:
    return changes_of(*made(times=4))


def effect(choice: Change, metric: str) -> Effect:
    return next(each for each in choice.effects if each.metric == metric)


def test_a_choice_has_all_pairs_that_differ_in_it_alone_and_none_across_loads(found: dict[str, Change]) -> None:
    assert set(found) == {"pin-consumer", "queue"}
    assert found["pin-consumer"].pairs == (("free", "pinned"), ("free-mutex", "pinned-mutex"))
    assert (found["pin-consumer"].before, found["pin-consumer"].after) == ("", "1")
    assert found["queue"].pairs == (("free", "free-mutex"), ("pinned", "pinned-mutex"))
    assert (found["queue"].before, found["queue"].after) == ("spsc", "mutex")


def test_the_length_of_a_run_is_no_choice() -> None:
    raw, environment = made()
    environment["measurements"][0]["scenarios"]["free-mutex"]["options"] = {"prod-interval-us": 1000, "duration": 0.3}
    assert set(changes_of(raw, environment)) == {"pin-consumer", "queue"}


def test_each_pair_has_its_verdict(found: dict[str, Change]) -> None:
    p50 = {each.scenario: each for each in effect(found["pin-consumer"], "latency_p50_ns").comparisons}
    assert p50["free, pinned"].verdict is Verdict.WORSE
    assert (p50["free, pinned"].low, p50["free, pinned"].high) == pytest.approx((0.5 / 15, 1 / 15))  # on two CPUs alone
    assert (p50["free, pinned"].where, p50["free, pinned"].runs) == (TWO_CPUS, 12)
    assert p50["free-mutex, pinned-mutex"].change == pytest.approx(0.5)
    assert effect(found["pin-consumer"], "latency_p50_ns").verdict is Verdict.WORSE
    assert effect(found["pin-consumer"], "throughput_ops_s").verdict is Verdict.SAME


def test_a_pair_is_compared_at_each_placement_that_both_had(found: dict[str, Change]) -> None:
    p50 = effect(found["queue"], "latency_p50_ns").comparisons
    assert [(each.scenario, each.where, each.verdict) for each in p50] == [
        ("free, free-mutex", ONE_CPU, Verdict.MIXED),
        ("free, free-mutex", TWO_CPUS, Verdict.BETTER),
        ("pinned, pinned-mutex", "", Verdict.WORSE),
    ]


def test_a_pair_that_moved_the_threads_shows_that_and_not_the_choice() -> None:
    raw, environment = made()
    raw.loc[raw["scenario"] == "free-mutex", "cpus"] = 2
    raw.loc[raw["scenario"] == "free", "cpus"] = [1, 1, 1, 1, 1, 2]  # a single run at the same placement is chance
    queue = changes_of(raw, environment)["queue"]
    assert queue.moved == (("free", "free-mutex"),)
    assert [each.scenario for each in effect(queue, "latency_p50_ns").comparisons] == ["pinned, pinned-mutex"]


def test_threads_that_moved_meanwhile_or_whose_place_is_unknown_are_told_apart() -> None:
    raw, environment = made()
    raw.loc[raw["scenario"] == "free-mutex", "migrations"] = 7
    assert changes_of(raw, environment)["queue"].moved == (("free", "free-mutex"),)
    assert changes_of(raw.drop(columns=["cpus"]), environment)["queue"].moved == ()


def test_of_more_values_only_steps_are_changes_of() -> None:
    raw, environment = made()
    names = {"one": 1, "two": 2, "eight": 8}
    environment["measurements"][0]["scenarios"] = {
        name: {"options": {"prod-interval-us": 1000}, "guest": GUEST | {"smp": smp}} for name, smp in names.items()
    }
    raw = pd.concat([raw[raw["scenario"] == "fast"].assign(scenario=name) for name in names])
    steps = effects.of_measurement(raw, environment, pd.DataFrame())
    assert [(each.before, each.after) for each in steps] == [("1", "2"), ("2", "8")]


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

    assert effects.stratified_p(pairs(0.3)) < 0.01
    false = [effects.stratified_p(pairs(0.0)) for _ in range(400)]
    assert 0.02 < np.mean(np.array(false) < 0.05) < 0.08
    assert math.isnan(effects.stratified_p([]))


def test_changes_of_stages_are_of_pairs_that_have_them() -> None:
    table = pd.DataFrame(
        [
            {"scenario": scenario, "population": "all", "stage": stage, "mean_ns": mean_ns}
            for scenario, means_ns in {"free": (60, 10), "pinned": (61, 15), "free-mutex": (60, 12)}.items()
            for stage, mean_ns in zip(("lateness", "wake_up"), means_ns)
        ]
    )
    raw, environment = made()
    raw["cpus"] = 2  # means are known of all runs of a scenario alone
    (pin,) = (each for each in effects.of_measurement(raw, environment, table) if each.option == "pin-consumer")
    assert pin.mean_ns.to_dict("records") == [{"lateness": 1, "wake_up": 5}]
    of_blocks = [each.mean_ns for each in effects.of_measurement(*made(), table) if each.option == "pin-consumer"]
    assert all(each.empty for each in of_blocks)


def test_pairs_that_contradict_each_other_for_certain_have_no_common_word() -> None:
    live = Measurement("aarch64", "live", "tcg")
    better, worse = (
        Comparison("a, b", live, "latency_p50_ns", False, 1.0, 1.0, 9, 9, 0.03, change=change, verdict=verdict)
        for change, verdict in ((-0.5, Verdict.BETTER), (0.5, Verdict.WORSE))
    )
    unclear = replace(better, verdict=Verdict.INCONCLUSIVE)
    for pairs, verdict in (
        ((better, better, worse), Verdict.INCONCLUSIVE),
        ((better, better), Verdict.BETTER),
        ((unclear, unclear, unclear), Verdict.BETTER),  # which all show together
        ((unclear, unclear, worse), Verdict.INCONCLUSIVE),  # of which one is certain of the contrary
    ):
        known = Effect("latency_p50_ns", pairs, Verdict.INCONCLUSIVE, 0.001)
        assert effects._effect(known, 0.001, 0.03).verdict is verdict
