"""Scenarios in a sentence: few by name, many by what they have in common, and figures about them as ranges."""

import pandas as pd
import pytest

from lab.findings import rules as findings
from lab.text import naming
from lab.report import section
from lab.findings.rules import Finding
from lab.tables.measurement import Measurement
from lab.plan.objectives import Judgement, Objective
from lab.tables.estimate import Estimate

LIVE = Measurement("aarch64", "live", "tcg")
FAST = [f"{place}-{number}-0us" for place in ("apart", "mutex", "spin") for number in range(4)]
SLOW = [f"{place}-{number}-1000us" for place in ("apart", "mutex", "spin") for number in range(4)]
EVERY = FAST + SLOW
ODD = ["apart-0-0us", "mutex-1-1000us", "spin-0-0us", "spin-1-1000us", "spin-2-0us", "spin-3-0us", "mutex-2-0us"]


@pytest.mark.parametrize(
    ("chosen", "text"),
    [
        (FAST[:1], "apart-0-0us"),
        (FAST[:6], "apart-0-0us, apart-1-0us, apart-2-0us, apart-3-0us, mutex-0-0us, mutex-1-0us"),
        (EVERY, "all 24"),
        (EVERY[:-2], "all but spin-2-1000us, spin-3-1000us"),
        (SLOW, "all 12 `*-1000us`"),
        (SLOW[5:], f"all `*-1000us` but {', '.join(SLOW[:5])}"),
        (SLOW[1:], "all `*-1000us` but apart-0-1000us"),
        ([name for name in EVERY if name.startswith("spin")], "all 8 `spin-*`"),
        ([name for name in EVERY if name.startswith("spin")][1:], "all `spin-*` but spin-0-0us"),
        (ODD, "apart-0-0us, mutex-1-1000us, spin-0-0us and 4 others"),
    ],
)
def test_names_are_few_or_told_by_what_they_share(chosen: list[str], text: str) -> None:
    assert naming.names(chosen, EVERY) == text


def test_nothing_is_said_of_all_where_all_are_not_known() -> None:
    assert naming.names(SLOW) == naming.names(SLOW, FAST) == ", ".join(SLOW[:3]) + " and 9 others"
    assert naming.names([]) == ""


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("of 107 µs 73 % late", "of 1,046 µs 9 % late", "of 107 to 1,046 µs 9 to 73 % late"),
        ("changes by +104 % after 26 %", "changes by -3.5 % after 26 %", "changes by -3.5 to +104 % after 26 %"),
        ("3 runs: DURATION=2 or more", "2 runs: DURATION=10 or more", "2 to 3 runs: DURATION=10 or more"),
        ("the p99 of 20, the p99.9 of 2.0", "the p99 of 9, the p99.9 of 2.0", "the p99 of 9 to 20, the p99.9 of 2.0"),
    ],
)
def test_texts_that_differ_in_numbers_become_one_with_ranges(one: str, other: str, both: str) -> None:
    assert naming.alike([("a", one), ("b", other)]) == [(["a", "b"], both)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("that of queue-cap-8-0us", "that of queue-cap-16-0us"),
        ("the p95 is the border", "the p99 is the border"),
        ("80 % late, 20 % behind", "80 % behind, 20 % late"),
        ("a rate of 1.5e+04", "a rate of 2.5e+05"),
    ],
)
def test_numbers_in_names_and_other_words_keep_texts_apart(one: str, other: str) -> None:
    assert naming.alike([("a", one), ("b", other)]) == [(["a"], one), (["b"], other)]


def test_a_scenario_s_own_name_keeps_no_texts_apart() -> None:
    told = naming.alike((name, f"make profile SCENARIO=t/{name}, of 3") for name in FAST[:2])
    assert told == [(FAST[:2], "make profile SCENARIO=t/apart-0-0us, of 3")]


def found(scenarios: list[str], **others: str) -> list[Finding]:
    texts = {"evidence": "of {} µs", "cause": "c", "remedy": "warmup = {}"} | others
    return [
        Finding("n", name, LIVE, *(text.format(place) for text in texts.values()))
        for place, name in enumerate(scenarios, 1)
    ]


def test_many_scenarios_share_a_finding_s_line() -> None:
    assert findings.markdown(found(SLOW), EVERY) == (
        "- **n.** all 12 `*-1000us`: of 1 to 12 µs. *Cause:* c. *Try:* warmup = 1 to 12."
    )
    assert findings.markdown(found(SLOW[:4]), EVERY).startswith(f"- **n.** {', '.join(SLOW[:4])}: of 1 to 4 µs. ")
    assert len(findings.markdown(found(SLOW[:3]), EVERY).splitlines()) == 3


def test_few_scenarios_keep_a_line_for_each_remedy_and_their_order() -> None:
    lines = findings.markdown([*found(SLOW[:1]), *found(SLOW[:2], cause="d"), *found(SLOW[:6])], SLOW[:6]).splitlines()
    assert [line.split("*Cause:* ")[1] for line in lines] == [
        *("c. *Try:* warmup = 1.", "d. *Try:* warmup = 1.", "d. *Try:* warmup = 2."),
        *(f"c. *Try:* warmup = {place}." for place in range(2, 7)),
    ]


def test_evidence_of_many_kinds_is_told_by_examples() -> None:
    others = found(SLOW)
    mixed = [Finding("n", each.scenario, LIVE, f"that of {each.scenario}-x", "c", "r") for each in others]
    line = findings.markdown(mixed, EVERY)
    assert line.count("that of") == 3
    assert "; the like in all `*-1000us` but apart-0-1000us, apart-1-1000us, apart-2-1000us. *Cause:*" in line


def judged(names: list[str]) -> list[Judgement]:
    objective = Objective("response_p99_us", "<=", 1)
    return [
        Judgement(name, LIVE, objective, Estimate(place + 2, place + 1.5, place + 3, 8), False, True)
        for place, name in enumerate(names)
    ]


def test_objectives_that_many_miss_are_told_together() -> None:
    text = section._objectives(judged(SLOW))
    assert text == ("**Objectives: 0 of 12 held.**\n\n- all 12: missed: response_p99_us of 2 to 13 is not <= 1")
    assert section._objectives(judged(SLOW[:6])).count("\n- ") == 6
    assert "- apart-0-1000us: missed: response_p99_us of 2 (1.5 to 3) is not <= 1" in section._objectives(
        judged(SLOW[:6])
    )
