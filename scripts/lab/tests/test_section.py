"""A measurement's section of results.md: verdicts, stages, objectives and findings, short and complete."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lab.plan import contract
from lab.report import page as report, section, suite as suite_results, verdicts
from lab.tables import stages
from lab.tables.measured import in_metrics
from lab.plan import suite
from lab.judge.evaluation import Evaluation
from lab.tables.measurement import Measurement
from lab.judge.comparing import Comparison, Verdict

EXACT, LIVE = Measurement("aarch64", "exact", "tcg"), Measurement("aarch64", "live", "tcg")
PIPELINE = contract.load("pipeline")
SUITE = """
baseline = "queue-cap-8"
margin = 0.5
[slo]
response_p50_us = 1
throughput_ops_s = ">= 900"
[scenario.baseline]
[scenario.affinity]
[scenario.queue-cap-8]
"""


def compared(verdict: Verdict, change: float = 0.2, low: float = 0.1, high: float = 0.3, **others: Any) -> Comparison:
    known = Comparison("x", LIVE, "latency_p50_ns", False, 100, 120, 8, 8, 0.03, change=change, low=low, high=high)
    return replace(known, verdict=verdict, **others)


@pytest.mark.parametrize(
    ("comparison", "text"),
    [
        (compared(Verdict.WORSE), "**worse** +20 % (+10 % to +30 %)"),
        (compared(Verdict.BETTER, -0.0511, -0.052, -0.0501), "**better** -5.1 % (-5.2 % to -5.0 %)"),
        (compared(Verdict.BETTER, 11.2, 11.2, 11.21), "**better** × 12"),
        (compared(Verdict.WORSE, 8.96, 6.64, 19.2), "**worse** × 10 (× 7.6 to × 20)"),
        (compared(Verdict.WORSE, 1.0, 1.0, 1.0), "**worse** × 2.0"),
        (compared(Verdict.WORSE, 0.99, 0.9, 0.994), "**worse** +99 % (+90 % to +99 %)"),
        (compared(Verdict.WORSE, 0.99, 0.04, 0.999), "**worse** × 1.99 (× 1.04 to × 2.0)"),
        (compared(Verdict.MIXED, 0.99, -0.9285, 5.8), "seeds disagree (× 0.072 to × 6.8)"),
        (compared(Verdict.MIXED, 0.3, -0.75, 1.2), "seeds disagree (× 0.25 to × 2.2)"),
        (compared(Verdict.INCONCLUSIVE, 0.3, -0.17, 1.2), "inconclusive (× 0.83 to × 2.2)"),
        (compared(Verdict.WORSE, 1.5, math.nan, math.nan), "**worse** × 2.5"),
        (compared(Verdict.WORSE, 0.125, 0.1, 0.15, absolute=True), "**worse** +0.125 (+0.100 to +0.150)"),
        (
            compared(Verdict.WORSE, 0.0959, 0.09, 0.1, absolute=True, unit="share"),
            "**worse** +9.59 pp (+9 pp to +10 pp)",
        ),
        (
            compared(Verdict.WORSE, 1500.0, 1000.0, 2000.0, absolute=True, unit="ns"),
            "**worse** +1.50 µs (+1.00 µs to +2.00 µs)",
        ),
        (compared(Verdict.SAME, 0.001, -0.01, 0.012), "same +0.1 % (-1.0 % to +1.2 %)"),
        (compared(Verdict.EQUAL, 0, 0, 0), "equal"),
        (compared(Verdict.MIXED, 0.1, -0.2, 0.3), "seeds disagree (-20 % to +30 %)"),
        (compared(Verdict.INCONCLUSIVE, more_runs=9.0), "inconclusive (+10 % to +30 %; REPS=17)"),
        (compared(Verdict.INCONCLUSIVE, more_runs=math.inf), "inconclusive (+10 % to +30 %; REPS above 1000)"),
        (
            compared(Verdict.INCONCLUSIVE, more_runs=9.0, detectable=0.41),
            "inconclusive (+10 % to +30 %; would show +41 %; REPS=17)",
        ),
        (
            compared(Verdict.INCONCLUSIVE, more_runs=9.0, detectable=math.inf),
            "inconclusive (+10 % to +30 %; would show none; REPS=17)",
        ),
        (compared(Verdict.INCONCLUSIVE, math.nan, math.nan, math.nan), "inconclusive"),
    ],
)
def test_a_verdict_fits_a_cell(comparison: Comparison, text: str) -> None:
    assert verdicts._cell(comparison) == text


def test_metrics_that_are_the_same_everywhere_get_no_column() -> None:
    same = compared(Verdict.SAME)
    table, note = verdicts.table_of(
        [compared(Verdict.WORSE), replace(same, metric="drop_rate")], PIPELINE, {"x": "base"}
    )
    assert table.splitlines()[0] == "| against base | latency p50 |" and len(table.splitlines()) == 3
    assert note == "The same within 3 % in all scenarios: drop rate. Each verdict is of this pair of scenarios alone."
    assert verdicts.table_of([same], PIPELINE, {"x": "base"}) == ["The same within 3 % in all scenarios: latency p50."]
    assert verdicts.table_of([], PIPELINE, {}) == []
    two = [compared(Verdict.WORSE), compared(Verdict.BETTER, scenario="y")]
    table = verdicts.table_of(two, PIPELINE, {"x": "a", "y": "b"})[0]
    assert table.startswith("| scenario | against | latency p50 |\n|---|---|---|\n| x | a |")


def test_the_legend_tells_intervals_from_verdicts_and_equal_from_same() -> None:
    tested = compared(Verdict.INCONCLUSIVE, p_adjusted=0.1)
    live = verdicts.table_of([tested], PIPELINE, {"x": "base"})[-1]
    assert "Inconclusive: not decided by these runs, which would have shown a change of so much with 90 % power" in live
    assert live.endswith("the number of comparisons in the table (Holm), and for the margin of 3 %.")
    alone = verdicts.table_of([replace(tested, low=math.nan, high=math.nan)], PIPELINE, {"x": "base"})
    assert "brackets" not in alone[-1]
    exact = replace(compared(Verdict.EQUAL), measurement=EXACT)
    worse = replace(exact, verdict=Verdict.WORSE, scenario="y")
    text = verdicts.table_of([exact, worse], PIPELINE, {"x": "base", "y": "base"})[-1]
    assert text.endswith("Equal: the same, seed by seed; same: within 3 % with each seed.")
    assert "Equal" not in verdicts.table_of([worse], PIPELINE, {"y": "base"})[-1] and "Equal" not in live


def test_each_step_of_a_ladder_is_a_line_alone_and_with_all_above_it() -> None:
    first, second, both = (compared(Verdict.BETTER, scenario=name) for name in ("ring", "spin", "to-spin"))
    unclear = replace(second, verdict=Verdict.INCONCLUSIVE, low=math.nan, high=math.nan, change=math.nan)
    table, note = verdicts.of_ladder(["ring", "spin"], [first, unclear, both], PIPELINE)
    assert table.splitlines() == [
        "| step | latency p50, alone | latency p50, with all above |",
        "|---|---|---|",
        *(
            f"| {step} | {alone} | **better** +20 % (+10 % to +30 %) |"
            for step, alone in (
                ("ring", "**better** +20 % (+10 % to +30 %)"),
                ("spin", "inconclusive"),
            )
        ),
    ]
    assert note.startswith("Each step against no-step, which has none: alone, and together with the steps above it.")
    assert verdicts.of_ladder([], [first], PIPELINE) == verdicts.of_ladder(["other"], [first], PIPELINE) == []


def test_a_long_table_of_verdicts_has_what_is_certain_and_names_the_rest() -> None:
    every = [compared(Verdict.INCONCLUSIVE, scenario=f"s{number}") for number in range(7)]
    table, note = verdicts.table_of(
        [*every, compared(Verdict.WORSE)], PIPELINE, dict.fromkeys([*"x", *(f"s{n}" for n in range(7))], "b")
    )
    assert len(table.splitlines()) == 3 and "| x | **worse**" in table
    assert note.startswith("Neither better nor worse in any metric for certain: all but x.")


def test_a_scenario_at_another_placement_than_its_baseline_is_named() -> None:
    metrics = pd.DataFrame({"scenario": ["base", "x", "y", "noisy"], "runs": 3, "noisy_runs": [0, 0, 0, 3]})
    known = [compared(Verdict.SAME)]
    baselines = {"x": "base", "y": "base", "noisy": "base"}
    assert verdicts.elsewhere(metrics, known, baselines) == [
        "Not compared, as too few runs were at equal placement (more REPS, or pins for all threads, bring them): y with base."
    ]


def page_of(runs: Path, text: str = SUITE) -> str:
    file = runs.parent / "t000.toml"
    file.write_text(text)
    made, complaints = suite_results.make("t000", runs, suite.load(file), runs.parent)
    assert complaints == []
    for name, content in made.items():
        (runs.parent / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return report.pages(runs.parent)["t000.md"]


@pytest.mark.slow
def test_the_suite_says_how_its_runs_are_judged(runs: Path) -> None:
    page = page_of(runs)
    exact = page.split("## t000, exact timing on aarch64\n")[1].split("\n## ")[0]
    assert (
        "equal placement (more REPS, or pins for all threads, bring them): baseline, affinity with queue-cap-8."
        in exact
    )
    assert "**Objectives: 3 of 6 held** (response_p50_us <= " in exact
    assert ").\n\n- baseline: missed: response_p50_us of " in exact
    assert "(t000_stages_aarch64_exact_tcg.png)" in exact
    assert "- **too few samples.** baseline, affinity, queue-cap-8: the latency p95 and p99 would rest on" in exact
    assert "smallest and the largest of the seeds" in exact
    live = page.split("## t000, live timing on aarch64 with tcg\n")[1].split("\n## ")[0]
    assert (
        "**too few runs.** 2 quiet runs of a scenario" in live
        and "**too few runs.** 2 quiet runs of a scenario" in exact
    )
    first = report.pages(runs.parent)["results.md"]
    assert "1 of 2 objectives met in every scenario; response_p50_us <= " in first and " **missed** in all" in first
    assert page_of(runs, "[scenario.baseline]\n[scenario.affinity]").count("Objectives") == 0


def test_noisy_runs_are_shown_and_give_no_verdict(runs: Path) -> None:
    page_of(runs)
    raw_file = runs.parent / "t000_raw.csv"
    raw = pd.read_csv(raw_file).assign(noisy=lambda table: table["timing"] == "live")
    raw.to_csv(raw_file, index=False)
    metrics = pd.read_csv(runs.parent / "t000_metrics.csv")
    metrics.loc[metrics["timing"] == "live", "noisy_runs"] = 2
    metrics.to_csv(runs.parent / "t000_metrics.csv", index=False)
    live = report.pages(runs.parent)["t000.md"].split("## t000, live timing on aarch64 with tcg\n")[1].split("\n## ")[0]
    assert (
        "| baseline (2 of 2 runs noisy) | " in live and "\nMedians of 2 runs, all noisy, and in brackets the " in live
    )
    assert "| against" not in live and "Objectives" not in live


def test_stages_of_a_part_of_the_items_say_so(runs: Path) -> None:
    assert "These are the stages of" not in page_of(runs)
    raw_file = runs.parent / "t000_raw.csv"
    raw = pd.read_csv(raw_file)
    raw.loc[(raw["scenario"] == "affinity") & (raw["timing"] == "live"), "items"] = 300
    raw.to_csv(raw_file, index=False)
    live = report.pages(runs.parent)["t000.md"].split("## t000, live timing on aarch64 with tcg\n")[1]
    assert "\n\nThese are the stages of the first 150 items of each run of affinity.\n" in live


def test_a_table_line_without_values_is_not_cut() -> None:
    empty = {"latency_p50_ms": math.nan, "latency_p50_low_ms": math.nan, "latency_p50_high_ms": math.nan}
    assert section._spread(empty, PIPELINE.headline[0]) == "—"


@pytest.mark.parametrize(
    ("measurement", "runs", "noisy", "text"),
    [
        (EXACT, [3, 3], [0, 0], "Medians of 3 runs, and in brackets the smallest and the largest of the seeds."),
        (EXACT, [1, 1], [0, 0], "Medians of 1 run."),
        (LIVE, [9, 9], [0, 0], "Medians of 9 runs, and in brackets the 95 % interval of the median."),
        (LIVE, [3, 4], [0, 0], "Medians of 3 to 4 runs, and in brackets the smallest and the largest."),
        (
            LIVE,
            [9, 9],
            [0, 5],
            "Medians of the 4 to 9 quiet ones of 9 runs, and in brackets the 95 % interval of the median, or the smallest "
            "and the largest of fewer than 6 runs; noisy runs are left out of all verdicts.",
        ),
        (
            LIVE,
            [6, 6],
            [1, 6],
            "Medians of the 5 quiet ones of 6 runs, and in brackets the 95 % interval of the median, or the smallest and "
            "the largest of fewer than 6 runs; noisy runs are left out of all verdicts, and shown where a scenario has no "
            "others.",
        ),
    ],
)
def test_the_caption_says_which_runs_are_shown(
    measurement: Measurement, runs: list[int], noisy: list[int], text: str
) -> None:
    metrics = pd.DataFrame({"runs": runs, "noisy_runs": noisy})
    shown = [in_metrics(each.name) for each in PIPELINE.headline]
    metrics[shown] = 1.0
    assert section._caption(measurement, metrics, PIPELINE) == text
    metrics["latency_p99_ms"] = [1.0, math.nan]
    assert (
        section._caption(measurement, metrics, PIPELINE) == f"{text} —: fewer than 100 items of all runs are beyond it."
    )


def test_stages_that_no_finding_tells_look_like_findings() -> None:
    shares = pd.Series([40.0, 0, 30, 30, 0], index=list(PIPELINE.stages))
    means = pd.DataFrame([shares * 1e3] * 2, index=[stages.ALL, stages.SLOWEST])
    runs = {"many": means, "few": means.loc[[stages.ALL]]}
    table = pd.concat(
        [stages.table(name, LIVE, [stages.RunStages(10_000, each, np.array([]))]) for name, each in runs.items()]
    )
    raw = pd.DataFrame({"scenario": list(runs), "items": 10_000})
    _, text = section._stages("t", LIVE, PIPELINE, Evaluation([], [], table, []), raw, 0)
    told = (
        "of 100 µs 40 % the producer running late, 30 % behind earlier items, 30 % waiting for the consumer to wake up."
    )
    assert str(text).splitlines() == [f"- **the slowest 1 %.** many: {told}", f"- **the mean item.** few: {told}"]
