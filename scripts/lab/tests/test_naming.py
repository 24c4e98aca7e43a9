"""Scenarios in a sentence: few by name, many by what they have in common, and figures about them as ranges."""

import pytest

from lab.judge.finding import Finding, Rule
from lab.plan import contract
from lab.judge.objectives import Judgement
from lab.plan.objectives import Objective
from lab.report import findings, section
from lab.tables.estimate import Estimate
from lab.tables.measurement import Measurement
from lab.text import names
from lab.text.markdown import Markup

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
    assert names.names(chosen, EVERY) == text


def test_nothing_is_said_of_all_where_all_are_not_known() -> None:
    assert names.names(SLOW) == names.names(SLOW, FAST) == ", ".join(SLOW[:3]) + " and 9 others"
    assert names.names([]) == ""


def of_values(*values: float | str) -> list[Finding]:
    return [Finding("n", name, LIVE, {"it": value}) for name, value in zip(EVERY, values)]


@pytest.mark.parametrize(
    ("template", "values", "text"),
    [
        ("of {it:us,.0f} µs", (107_000, 1_046_000), "of 107 to 1,046 µs"),
        ("changes by {it:+.0%} after", (1.04, -0.035), "changes by -4 to +104 % after"),
        ("DURATION={it:most.0f} or more", (2, 10), "DURATION=10 or more"),
        ("{it:rate} items/s", (0.3333, 41_000.4), "0.333 to 41,000 items/s"),
        ("{it} of {it}", (3, 3), "3 of 3"),
        ("SCENARIO=t/{scenario}, of {it}", (3, 3), "SCENARIO=t/apart-0-0us, of 3"),
    ],
)
def test_texts_that_differ_in_numbers_become_one_with_ranges(
    template: str, values: tuple[float, float], text: str
) -> None:
    assert findings.alike(of_values(*values), lambda _: template) == [(EVERY[:2], text)]


def test_texts_and_other_words_keep_findings_apart() -> None:
    assert len(findings.alike(of_values("a", "b"), lambda _: "that of {it}")) == 2
    assert len(findings.alike(of_values("a", "b"), lambda _: "that of it")) == 1
    assert len(findings.alike(of_values(1, 2), lambda each: "{it}" * int(each.values["it"]))) == 2
    assert len(findings.alike(of_values(1, 2), lambda _: "{it}", exactly=True)) == 2


RULE = Rule("n", lambda _: iter(()), lambda values, _: ("of {us} µs", str(values["cause"]), "warmup = {warmup}"))
CONTRACT = contract.load("pipeline")


def found(scenarios: list[str], cause: str = "c") -> list[Finding]:
    values: list[dict[str, float | str]] = [
        {"us": place, "cause": cause, "warmup": place} for place in range(1, len(scenarios) + 1)
    ]
    return [Finding("n", name, LIVE, each) for name, each in zip(scenarios, values)]


def lines(known: list[Finding], scenarios: list[str]) -> list[Markup]:
    return findings.lines(known, {"n": RULE}, CONTRACT, scenarios)


def test_many_scenarios_share_a_finding_s_line() -> None:
    assert lines(found(SLOW), EVERY) == [
        "**n.** all 12 `*-1000us`: of 1 to 12 µs. *Cause:* c. *Try:* warmup = 1 to 12."
    ]
    assert lines(found(SLOW[:4]), EVERY)[0].startswith(f"**n.** {', '.join(SLOW[:4])}: of 1 to 4 µs. ")
    assert len(lines(found(SLOW[:3]), EVERY)) == 3


def test_few_scenarios_keep_a_line_for_each_remedy_and_their_order() -> None:
    known = [*found(SLOW[:1]), *found(SLOW[:2], cause="d"), *found(SLOW[:6])]
    assert [line.split("*Cause:* ")[1] for line in lines(known, SLOW[:6])] == [
        *("c. *Try:* warmup = 1.", "d. *Try:* warmup = 1.", "d. *Try:* warmup = 2."),
        *(f"c. *Try:* warmup = {place}." for place in range(2, 7)),
    ]


def test_evidence_of_many_kinds_is_told_by_examples() -> None:
    rule = Rule("n", lambda _: iter(()), lambda *_: ("that of {other}", "c", "r"))
    (line,) = findings.lines(
        [Finding("n", name, LIVE, {"other": f"{name}-x"}) for name in SLOW], {"n": rule}, CONTRACT, EVERY
    )
    assert line.count("that of") == 3
    assert "; the like in all `*-1000us` but apart-0-1000us, apart-1-1000us, apart-2-1000us. *Cause:*" in line


def judged(names: list[str]) -> list[Judgement]:
    objective = Objective("response_p99_us", "<=", 1, "response_p99_ns", 1e3)
    return [
        Judgement(name, LIVE, objective, Estimate(place + 2, place + 1.5, place + 3, 8), False, True)
        for place, name in enumerate(names)
    ]


def test_objectives_that_many_miss_are_told_together() -> None:
    assert section._objectives(judged(SLOW)) == [
        "**Objectives: 0 of 12 held** (response_p99_us <= 1).",
        "- all 12: missed: response_p99_us of 2 to 13 is not <= 1",
    ]
    few = section._objectives(judged(SLOW[:6]))[1]
    assert few.count("\n- ") == 5
    assert "- apart-0-1000us: missed: response_p99_us of 2 (1.5 to 3) is not <= 1" in few
