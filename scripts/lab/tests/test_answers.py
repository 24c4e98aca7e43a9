"""What the report says of what options change, and of where the threads were."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from lab.judge import effects
from lab.judge.comparing import Comparison, Verdict
from lab.judge.effects import Change
from lab.judge.evidence import of_suite
from lab.plan import contract
from lab.plan.places import RESULTS
from lab.report import answers, effects as told, page, placement
from lab.tables.measurement import Measurement
from lab.tests.test_effects import changes_of, made

PIPELINE = contract.load("pipeline")


@pytest.fixture(name="found")
def _found() -> dict[str, Change]:
    return changes_of(*made(times=4))


def test_a_pair_that_moved_the_threads_is_told() -> None:
    raw, environment = made()
    raw.loc[raw["scenario"] == "free-mutex", "cpus"] = 2
    raw.loc[raw["scenario"] == "free", "cpus"] = 1
    text = " ".join(told.answer([changes_of(raw, environment)["queue"]], PIPELINE, []))
    assert "At 1,000/s (1 pair at equal placement, 1 never were): latency p50 **worse**" in text


def test_the_stage_that_changed_most_is_told() -> None:
    table = pd.DataFrame(
        [
            {"scenario": scenario, "population": "all", "stage": stage, "mean_ns": mean_us * 1e3}
            for scenario, means_us in {"free": (60, 10), "pinned": (61, 15), "free-mutex": (60, 12)}.items()
            for stage, mean_us in zip(("lateness", "wake_up"), means_us)
        ]
    )
    raw, environment = made(times=4)
    raw["cpus"] = 2
    text = told.tables(effects.of_measurement(raw, environment, table), PIPELINE)[1]
    line = next(line for line in text.splitlines() if line.startswith("| `pin-consumer`: none → 1"))
    assert line.endswith("| +6.0 µs; waiting for the consumer to wake up +5.0 µs |")
    assert "2 **worse** (+28.3 % to +50.0 %)" in line
    assert "| free → pinned; free-mutex → pinned-mutex |" in line


def test_every_choice_has_its_line_in_the_answer(found: dict[str, Change]) -> None:
    lines = told.answer(list(found.values()), PIPELINE, ["queue"])
    assert lines[0] == (
        "**`pin-consumer`: none → 1.** At 1,000/s (2 pairs at equal placement): latency p50 **worse** (+3.3 % to +50.0 %); "
        "latency p99 **worse** (+3.3 % to +50.0 %); the same: throughput, drop rate."
    )
    assert lines[1].startswith(
        "**`queue`: spsc → mutex.** At 1,000/s (2 pairs at equal placement): the same: throughput, drop rate; open: latency p50 "
        "(better in 1, worse in 1 of 3; -20.0 % to +20.0 %)"
    )
    assert "what caches, CPUs that truly run at the same time, and weaker memory orders add" in lines[2]


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
    changes = effects.of_measurement(raw, environment, pd.DataFrame())
    assert "what hardware would do" in told.unknown(changes)[0]
    lines = told.answer(changes, PIPELINE, [])
    assert "**Not decided by these runs:** `pin-consumer`: none → 1; `queue`: spsc → mutex." in lines
    assert told.unknown([]) == []


def test_the_table_of_a_live_measurement_has_the_verdict_over_all_pairs() -> None:
    raw, environment = made("live")
    raw["cpus"] = 2
    raw["latency_p50_ns"] *= np.random.default_rng(1).lognormal(0, 0.01, len(raw))
    changes = effects.of_measurement(raw, environment, pd.DataFrame())
    lines = " ".join(told.answer(changes, PIPELINE, []))
    note, table = told.tables(changes, PIPELINE)[:2]
    assert "one verdict of one test over all pairs" in note
    assert "latency p50 **worse** (+26.6 % to +50.7 %)" in lines and "| **worse** (+26.6 % to +50.7 %) |" in table


def test_families_part_runs_by_where_the_threads_were() -> None:
    by_options = {each.options: each for each in placement.families(*made())}
    assert set(by_options) == {"", "`queue = mutex`"}  # the fast ones were always on two
    free = by_options[""]
    assert (len(free.together), len(free.apart), free.mixed) == (3, 9, 0)
    table = placement.tables(list(by_options.values()), PIPELINE)[1]
    assert (
        "| 1,000 | nothing | 3, 9, 0 | 10.0 | 15.0 (15.0–16.0) | 20.0 | 30.0 (30.0–32.0) | 1,000 | 1,000 | 0 |" in table
    )


def test_scenarios_that_share_their_runs_are_one_pair_and_count_once() -> None:
    raw, environment = made()
    raw["run"] = [f"{scenario}.{number}" for number, scenario in enumerate(raw["scenario"])]
    pairs = {option: len(change.pairs) for option, change in changes_of(raw, environment).items()}
    raw = pd.concat([raw, raw[raw["scenario"] == "free"].assign(scenario="twin")], ignore_index=True)
    scenarios = environment["measurements"][0]["scenarios"]
    scenarios["twin"] = scenarios["free"]
    assert {option: len(change.pairs) for option, change in changes_of(raw, environment).items()} == pairs
    free = next(each for each in placement.families(raw, environment) if not each.options)
    assert (len(free.together), len(free.apart)) == (3, 9)


def test_runs_whose_threads_moved_are_of_neither_kind() -> None:
    raw, environment = made()
    raw.loc[raw["scenario"] == "free", "cpus"] = 1
    raw.loc[raw["scenario"] == "free", "migrations"] = [0, 3, 0, 0, 0, 0]
    (free,) = (each for each in placement.families(raw, environment) if not each.options)
    assert (len(free.together), len(free.apart), free.mixed) == (5, 6, 1)


def test_the_answer_says_what_one_cpu_does_and_who_left_it_to_chance() -> None:
    raw, environment = made()
    one, chance = placement.answer(placement.families(raw, environment), of_suite(raw, environment))
    assert one == (  # the table has those with other options
        "**All threads on one CPU, against several.** At 1,000/s alone: latency p50 -33 %, latency p99 -33 % "
        "(3 runs against 9)."
    )
    assert "of the 12 runs of free, free-mutex, 6 with one CPU, 6 with several CPUs" in chance


def test_where_nobody_knows_where_the_threads_were_there_is_no_answer() -> None:
    raw, environment = made()
    without = raw.drop(columns=["migrations"])
    assert placement.families(without, environment) == []
    assert placement.answer([], of_suite(without, environment)) == []
    assert placement.tables([], PIPELINE) == []


def test_changes_that_are_read_together_have_one_form() -> None:
    def amounts(*ends: float, absolute: bool = False) -> str:
        one = Comparison("a, b", Measurement("aarch64", "live", "tcg"), "drop_rate", False, 1, 1, 3, 3, 0.03)
        return told.amounts([dataclasses.replace(one, change=change, absolute=absolute) for change in ends])

    assert amounts(171.0, -0.022) == "× 0.98 to × 172"
    assert amounts(0.5, -0.022) == "-2.2 % to +50.0 %"
    assert amounts(2.0, -0.5, absolute=True) == "-0.500 to +2.00"


def test_the_first_page_answers_what_is_asked() -> None:
    raw, environment = made(times=4)
    changes, evidence = list(changes_of(raw, environment).values()), of_suite(raw, environment)
    families = placement.families(raw, environment)
    asked = answers.of_changes(changes, evidence, families, ["pin-consumer"])
    assert asked == (
        "all threads on one CPU, or on several, at 1,000/s: latency p50 10.0 µs, or 15.0 µs (12 and 36 runs); "
        "`pin-consumer`: none → 1 at 1,000/s: latency p50 **worse** (+3.3 % to +50.0 %)"
    )
    assert answers.of_changes(changes, evidence, families, []) == asked.split("; ")[1]
    unclear = answers.of_changes(changes, evidence, families, ["queue"])
    assert unclear == (
        "`queue`: spsc → mutex at 1,000/s: unclear, latency p50 (better in 1, worse in 1 of 3; " "-20.0 % to +20.0 %)"
    )


def test_the_first_page_says_what_one_cpu_does_where_pins_are_asked_for() -> None:
    raw, environment = made()
    families = [dataclasses.replace(each, options="") for each in placement.families(*made()) if each.options]
    text = answers.of_changes([], of_suite(raw, environment), families, ["pin-consumer"])
    assert text.startswith("all threads on one CPU, or on several, at 1,000/s: latency p50 ")
    assert text.endswith("(3 and 9 runs)")


def test_an_option_of_many_values_is_a_ranking_with_figures() -> None:
    raw, environment = made()
    scenarios = environment["measurements"][0]["scenarios"]
    third = raw[raw["scenario"] == "free"].assign(scenario="third")
    third[["latency_p50_ns", "latency_p99_ns"]] *= 10
    scenarios["third"] = scenarios["free"] | {"options": scenarios["free"]["options"] | {"queue": "overwrite"}}
    raw = pd.concat([raw, third], ignore_index=True)
    changes = list(effects.of_measurement(raw, environment, pd.DataFrame()))
    text = answers.of_changes(changes, of_suite(raw, environment), [], ["queue"])
    assert text.startswith("latency p50 at 1,000/s by `queue`: ") and text.endswith("µs")
    assert [each.split(":")[0] for each in text.split(": ", 1)[1].split(", ")][-1] == "overwrite"


def test_a_metric_that_some_pairs_have_not_is_not_certain(found: dict[str, Change]) -> None:
    change = found["pin-consumer"]
    partial = dataclasses.replace(
        change,
        effects=tuple(dataclasses.replace(each, comparisons=each.comparisons[:1]) for each in change.effects),
    )
    assert "unclear" in answers.of_changes([partial], of_suite(*made()), [], ["pin-consumer"])


def test_the_first_page_says_where_nothing_is_certain(found: dict[str, Change]) -> None:
    unclear = [
        dataclasses.replace(
            each, effects=tuple(dataclasses.replace(one, verdict=Verdict.INCONCLUSIVE) for one in each.effects)
        )
        for each in found.values()
    ]
    text = answers.of_changes(unclear, of_suite(*made()), [], [])
    assert text == f"unclear: nothing is certain of {len(unclear)} changes"


@pytest.fixture(name="committed", scope="module")
def _committed() -> dict[str, str]:
    return page.pages(RESULTS)


def test_the_committed_results_have_a_first_page_of_two_screens(committed: dict[str, str]) -> None:
    pages = {name: text for name, text in committed.items() if name.endswith(".md")}
    assert len(pages["results.md"].encode()) <= 12_000
    assert {name: len(text) for name, text in pages.items() if len(text.encode()) > 40_000} == {}
    assert all(f"](result_data/{name})" in pages["results.md"] for name in pages if name != "results.md")
    assert all(
        "](../results.md)" in text and "](../docs/" in text for name, text in pages.items() if name != "results.md"
    )


def test_the_committed_pages_are_those_of_the_committed_tables(committed: dict[str, str]) -> None:
    for name, text in committed.items():
        file = RESULTS.parent / name if name == "results.md" else RESULTS / name
        assert file.read_text() == text, f"{name}: run 'make report'"
