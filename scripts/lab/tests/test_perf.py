"""The output of perf stat -x, as Debian's perf 6.1 wrote it in a guest."""

import math
from pathlib import Path

import pandas as pd
import pytest

from lab import analyse, findings, plan, run_record
from lab.counts import perf, perf_runs
from lab.complaint import Complaint
from lab.findings import counts as counts_rules
from lab.findings import pipeline
from lab.measurement import Measurement
from lab.tests.conftest import RECORDED

RUN = """# started on Wed Jan  1 00:00:01 2020

39.04,msec,task-clock,39042112,100.00,0.064,CPUs utilized
1205,,context-switches,39042112,100.00,30.665,K/sec
18096796,,instructions,41644272,100.00,0.50,insn per cycle
<not supported>,,cache-misses,0,100.00,,
"""
SLOWER = RUN.replace("39.04,", "41.04,").replace("1205", "1215")
STATS = "key,value\nproduced,2000\nconsumed,2000\nversion,0.1.0\n"
EXACT = Measurement("aarch64", "exact", "tcg")


def read(folder: Path, text: str) -> pd.DataFrame:
    (folder / "perf.csv").write_text(text)
    return perf.read(folder / "perf.csv")


def test_the_mean_of_runs_has_its_error(tmp_path: Path) -> None:
    table = perf.mean([read(tmp_path, RUN), read(tmp_path, SLOWER)]).set_index("event")
    assert table.loc["task-clock", "count"] == 40.04
    assert table.loc["context-switches", "deviation_percent"] == pytest.approx(5 / 1210 * 100)
    assert table.loc["instructions", "deviation_percent"] == 0
    assert math.isnan(table.loc["cache-misses", "count"])
    assert table.loc["cache-misses", "note"] == "not supported"


def test_what_the_guest_lacks_is_empty_in_the_csv_and_said_in_the_table(tmp_path: Path) -> None:
    table = perf.mean([read(tmp_path, RUN)])
    assert perf.csv(table).splitlines() == [
        "event,count,unit,deviation_percent,source",
        "task-clock,39.04,msec,,perf",
        "context-switches,1205,,,perf",
        "instructions,18096796,,,perf",
        "cache-misses,,,,perf",
    ]
    assert "not supported" in perf.text(table).splitlines()[-1]
    assert "18,096,796" in perf.text(table)


def test_what_the_guest_lacks_is_filled_in_from_outside_and_labelled(tmp_path: Path) -> None:
    counted = pd.DataFrame(
        {"region": [0, 0, 1], "cpu": [0, 1, 0], "space": ["user"] * 3, "instructions": 100, "l2_misses": [2, 4, 99]}
    )
    table = perf.mean([perf.fill(read(tmp_path, RUN), counted)])
    assert perf.csv(table).splitlines()[3:] == ["instructions,18096796,,,perf", "cache-misses,6,,,simulated"]
    assert perf.text(table).splitlines()[-1].endswith("simulated")


@pytest.mark.parametrize(
    ("text", "message"), [("# started\n", "holds no counts"), ("x,,cycles,1,100.00,,\n", "row 1 has no count but 'x'")]
)
def test_damaged_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Complaint, match=message):
        read(tmp_path, text)


def counted_runs(folder: Path) -> pd.DataFrame:
    """Two runs of t000/baseline, as perf_stat.sh leaves them."""
    folders = []
    for number, text in enumerate((RUN, SLOWER)):
        folders.append(folder / str(number))
        (folders[-1] / "out").mkdir(parents=True)
        (folders[-1] / "out/perf.csv").write_text(text)
        (folders[-1] / "out/stats.csv").write_text(STATS)
        (folders[-1] / "vm.tsv").write_text("accelerator\ttcg\n")
    rows = plan.read(RECORDED / plan.file_name("t000", "aarch64", "exact"))
    (folder / "plan.tsv").write_text(plan.write([row for row in rows if row.scenario == "baseline"]))
    return perf_runs.table(folders, folder / "plan.tsv")


def test_a_scenario_s_runs_are_kept_and_told_by_the_item(tmp_path: Path) -> None:
    file = tmp_path / "t000_perf.csv"
    file.write_text(perf_runs.KEPT.csv(perf_runs.KEPT.merged(file, counted_runs(tmp_path / "first"))))
    other = perf_runs.KEPT.read(file).assign(scenario="other", context_switches=9000)
    again = perf_runs.KEPT.merged(file, pd.concat([other, counted_runs(tmp_path / "again")]))
    assert list(again["scenario"]) == ["other", "other", "baseline", "baseline"]
    file.write_text(perf_runs.KEPT.csv(again))
    known = perf_runs.KEPT.read(file)
    assert perf_runs.per_item(known, EXACT, "baseline")["perf_context_switches_per_item"] == 0.605
    assert perf_runs.per_item(known, EXACT._replace(timing="live"), "baseline") == {}
    assert perf_runs.markdown(known, EXACT).splitlines()[:4] == [
        "| scenario, an item | context switches | instructions |",
        "|---|---:|---:|",
        "| other | 4.5 | 9,048 |",
        "| baseline | 0.605 | 9,048 |",
    ]
    assert perf_runs.markdown(known, EXACT._replace(timing="live")) == ""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("items", "itens", "row 0 lacks the columns items"),
        (",1205", ",-1", "row 1: context_switches = -1 is not a number of at least 0"),
        (",2000,1215", ",,1215", "row 2: items =  is not a number of at least 0"),
    ],
)
def test_a_damaged_table_of_runs_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = perf_runs.KEPT.csv(perf_runs.KEPT.merged(tmp_path / "none", counted_runs(tmp_path)))
    assert old in text
    (tmp_path / "t000_perf.csv").write_text(text.replace(old, new))
    with pytest.raises(Complaint, match=message):
        perf_runs.KEPT.read(tmp_path / "t000_perf.csv")


def test_findings_use_the_counts() -> None:
    raw = analyse.raw_table(run_record.load_planned(RECORDED, "t000")[0])[0].query("timing == 'exact'")
    names = list(dict.fromkeys(raw["scenario"]))
    told = {name: "--prod-interval-us 1000" for name in names}
    environment = {
        "suite": "t000",
        "baselines": {names[1]: names[0]},
        "measurements": [{**EXACT._asdict(), "scenarios": told}],
    }
    per_item = {names[0]: (2.0, 10_000), names[1]: (6.0, 16_000)}
    counts = pd.DataFrame(
        [
            {
                **EXACT._asdict(),
                "scenario": name,
                "items": 1000,
                "context_switches": own * 1000,
                "instructions": its * 1000,
            }
            for name, (own, its) in per_item.items()
        ]
    ).reindex(columns=[*perf_runs.TEXTS, "seed", "items", *perf_runs.COUNTS])
    study = findings.of_suite(raw, environment, perf=counts)
    found = {
        (each.name, each.scenario): each for rule in (*pipeline.RULES, *counts_rules.RULES) for each in rule(study)
    }
    assert ("wakes up for each item", names[0]) in found
    assert found["consumer polls", names[1]].evidence == "6 context switches of both threads an item"
    many = found["many instructions", names[1]]
    assert many.evidence == f"16,000 an item, 1.6 times the 10,000 of {names[0]} (perf stat)"
    assert many.cause.startswith("it has 4.0 context switches an item more")
    assert ("many instructions", names[0]) not in found
