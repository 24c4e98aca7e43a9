"""What each choice changes, and where the threads were, of suites that are made up: their truth is known."""

from typing import Any

import pandas as pd
import pytest

from lab import choices, placement
from lab.choices import Choice
from lab.statistics import Verdict

SEEDS = 3
PINNED = "--prod-interval-us 1000 --pin-consumer 1"
# scenario: options, p50 in us, involuntary switches of the producer an item; by seed
SUITE: dict[str, tuple[str, list[float], list[float]]] = {
    "free": ("--prod-interval-us 1000", [10.0, 15.0, 10.0], [0.9, 0.0, 0.9]),
    "pinned": (PINNED, [15.0, 15.5, 15.0], [0.0, 0.0, 0.0]),
    "free-mutex": ("--prod-interval-us 1000 --queue mutex", [12.0, 12.0, 12.0], [0.9, 0.9, 0.9]),
    "pinned-mutex": (f"{PINNED} --queue mutex", [18.0, 18.0, 18.0], [0.0, 0.0, 0.0]),
    "fast": ("--prod-interval-us 0", [30.0, 30.0, 30.0], [0.0, 0.0, 0.0]),
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
            "consumed": ITEMS,
            "duration_s": 1.0,
            "producer_involuntary_switches": taken[seed] * ITEMS,
            "consumer_involuntary_switches": 0,
        }
        for scenario, (_, p50_us, taken) in SUITE.items()
        for seed in range(SEEDS)
    ]
    told = {scenario: options for scenario, (options, _, _) in SUITE.items()}
    facts = {"target": "aarch64", "timing": timing, "accelerator": "tcg", "scenarios": told}
    return pd.DataFrame(rows), {"measurements": [facts]}


@pytest.fixture(name="found")
def _found() -> dict[str, Choice]:
    every = choices.of_measurement(*made(), pd.DataFrame())
    assert len({each.option for each in every}) == len(every)
    return {each.option: each for each in every}


def test_a_choice_has_all_pairs_that_differ_in_it_alone_and_none_across_loads(found: dict[str, Choice]) -> None:
    assert set(found) == {"pin-consumer", "queue"}
    assert found["pin-consumer"].pairs == (("free", "pinned"), ("free-mutex", "pinned-mutex"))
    assert (found["pin-consumer"].before, found["pin-consumer"].after) == ("", "1")
    assert found["queue"].pairs == (("free", "free-mutex"), ("pinned", "pinned-mutex"))
    assert (found["queue"].before, found["queue"].after) == ("spsc", "mutex")


def test_each_pair_has_its_verdict(found: dict[str, Choice]) -> None:
    p50 = {each.scenario: each for each in found["pin-consumer"].comparisons if each.metric == "latency_p50_ns"}
    assert p50["free, pinned"].verdict is Verdict.WORSE
    assert (p50["free, pinned"].low, p50["free, pinned"].high) == pytest.approx((0.5 / 15, 0.5))
    assert p50["free-mutex, pinned-mutex"].change == pytest.approx(0.5)
    rates = [each.verdict for each in found["pin-consumer"].comparisons if each.metric == "throughput_ops_s"]
    assert rates == [Verdict.EQUAL, Verdict.EQUAL]


def test_the_stage_that_changed_most_is_told() -> None:
    table = pd.DataFrame(
        [
            {"scenario": scenario, "population": "all", "stage": stage, "mean_ns": mean_us * 1e3}
            for scenario, means_us in {"free": (60, 10), "pinned": (61, 15), "free-mutex": (60, 12)}.items()
            for stage, mean_us in zip(("lateness", "wake_up"), means_us)
        ]
    )
    text = choices.markdown(choices.of_measurement(*made(), table))
    line = next(line for line in text.splitlines() if line.startswith("| `pin-consumer`: none → 1"))
    assert line.endswith("| +6.0 µs; waiting for the consumer to wake up +5.0 µs |")
    assert "2 **worse** (+50.0 %)" in line
    assert "| free → pinned; free-mutex → pinned-mutex |" in line


def test_what_every_pair_says_is_the_answer(found: dict[str, Choice]) -> None:
    text = " ".join(choices.answer(list(found.values())))
    assert "`pin-consumer`: none → 1 at 1,000/s: p50 worse (+50.0 %), p99 worse (+50.0 %)" in text
    assert "`queue`" not in text  # the free ones: seeds disagree
    assert "what caches and CPUs that truly run at the same time add" in text


def test_what_is_not_known_is_said() -> None:
    raw, environment = made("live")
    raw["latency_p99_ns"] *= 1 + raw["seed"] / 100
    raw["latency_p50_ns"] *= 1 + raw["seed"] / 100
    text = choices.unknown(choices.of_measurement(raw, environment, pd.DataFrame()))
    assert "what hardware would do" in text
    assert "8 of 12 comparisons of pairs are inconclusive, of which REPS=" in text  # three runs of each
    assert choices.unknown([]) == ""


def test_families_part_runs_by_where_the_threads_were() -> None:
    by_options = {each.options: each for each in placement.families(*made())}
    assert set(by_options) == {"", "`queue = mutex`"}  # the fast ones were always on two
    free = by_options[""]
    assert (len(free.together), len(free.apart)) == (2, 4)
    table = placement.markdown(list(by_options.values()))
    assert "| 1,000 | nothing | 2, 4 | 10 µs | 15 (15–15.5) µs | 1,000 | 1,000 |" in table


def test_the_answer_says_what_one_cpu_does_and_who_left_it_to_chance() -> None:
    raw, environment = made()
    text = " ".join(placement.answer(placement.families(raw, environment), raw, environment))
    assert text.startswith("What counts is whether both threads are on one CPU.")
    assert "At 1,000 items a second the median latency on one CPU, against two, is -33 %; -33 % with `queue" in text
    assert "of the 3 runs of free 2 had both on one CPU and 1 did not" in text


def test_without_counts_of_switches_there_is_no_answer() -> None:
    raw, environment = made()
    without = raw.drop(columns=["producer_involuntary_switches"])
    assert placement.families(without, environment) == []
    assert placement.answer([], without, environment) == []
    assert placement.markdown([]) == ""
