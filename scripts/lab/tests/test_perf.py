"""The output of perf stat -x, as Debian's perf 6.1 wrote it in a guest."""

import math
import shutil
from collections.abc import Collection
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pytest

from lab.tables import measured
from lab.plan import contract, plan, plan_file
from lab.plan.guest import Guest
from lab.counters import counted, perf
from lab.text.complaint import Complaint
from lab.counters import findings
from lab.findings import pipeline
from lab.judge.evidence import Evidence, of_suite
from lab.report import suite
from lab.tests.test_findings import said
from lab.runs.guest_files import OUT
from lab.tables.measurement import Measurement
from lab.tests.conftest import RECORDED, load_planned

RUN = """# started on Wed Jan  1 00:00:01 2020

39.04,msec,task-clock,39042112,100.00,0.064,CPUs utilized
1205,,context-switches,39042112,100.00,30.665,K/sec
18096796,,instructions,41644272,100.00,0.50,insn per cycle
<not supported>,,cache-misses,0,100.00,,
"""
SLOWER = RUN.replace("39.04,", "41.04,").replace("1205", "1215")
STATS = "key,value\nbegin_ns,1\nduration_s,2\nitems,2000\nversion,0.1.0\n"
EXACT = Measurement("aarch64", "exact", "tcg")
COUNTERS = Path(__file__).parents[3] / "tests" / "fake_qemu" / "counters.json"


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
    counts = pd.DataFrame(
        {
            "region": [0, 0, 1],
            "cpu": [0, 1, 0],
            "space": ["user", "kernel", "user"],
            "instructions": [100, 30, 99],
            "l2_misses": [2, 4, 99],
        }
    )
    table = perf.mean([perf.fill(read(tmp_path, RUN), counts)])
    assert perf.csv(table).splitlines()[3:] == ["instructions,18096796,,,perf", "cache-misses,6,,,simulated"]
    assert perf.text(table).splitlines()[-1].endswith("simulated")


IN_TURN = RUN + "7000,,instructions:k,41644272,100.00,,\n36193592,,cycles,41644272,100.00,,\n"


@pytest.mark.parametrize("plugin", [True, False])
def test_the_instructions_of_cpus_in_turn_are_the_plugin_s_or_none(tmp_path: Path, plugin: bool) -> None:
    (tmp_path / OUT).mkdir()
    (tmp_path / OUT / "perf.csv").write_text(IN_TURN)
    if plugin:
        shutil.copy(COUNTERS, tmp_path)
    alone = perf.of_run(tmp_path, in_turn=False).set_index("event")["count"]
    assert (alone["instructions"], alone["instructions:k"], alone["cycles"]) == (18096796, 7000, 36193592)
    table = perf.of_run(tmp_path, in_turn=True).set_index("event")
    assert table["count"]["context-switches"] == 1205
    assert math.isnan(table["count"]["cycles"]) and table["note"]["cycles"] == "not counted"
    if plugin:  # counters.json has 6,000 of the user and 24,000 of the kernel
        assert (table["count"]["instructions"], table["count"]["instructions:k"]) == (30_000, 24_000)
        assert set(table["source"][["instructions", "instructions:k"]]) == {"plugin"}
    else:
        assert table["count"][["instructions", "instructions:k"]].isna().all()


# As Debian's perf 6.1 wrote them in a guest.
@pytest.mark.parametrize(
    ("text", "message"), [("# started\n", "holds no counts"), ("x,,cycles,1,100.00,,\n", "row 1 has no count but 'x'")]
)
def test_damaged_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Complaint, match=message):
        read(tmp_path, text)


def counted_runs(folder: Path, smp: int = 1) -> pd.DataFrame:
    """Two runs of t000/baseline in guests with so many CPUs, as perf_stat.sh leaves them."""
    folders = []
    for number, text in enumerate((RUN, SLOWER)):
        folders.append(folder / str(number))
        (folders[-1] / "out").mkdir(parents=True)
        (folders[-1] / "out/perf.csv").write_text(text)
        (folders[-1] / "out/stats.csv").write_text(STATS)
        (folders[-1] / "vm.tsv").write_text("accelerator\ttcg\n")
        shutil.copy(COUNTERS, folders[-1])
    rows = plan_file.read(RECORDED / plan.file_name("t000", "aarch64", "exact"))
    rows = [row for row in rows if row.scenario == "baseline"]
    return counted.of_perf(folders, [replace(row, guest=replace(row.guest, smp=smp)) for row in rows])


def test_a_scenario_s_runs_are_kept_and_told_by_the_item(tmp_path: Path) -> None:
    file = tmp_path / "t000_perf.csv"
    first = counted_runs(tmp_path / "first")
    file.write_text(counted.KEPT.csv(pd.concat([first.assign(scenario="other", items=1000), first])))
    again = counted.KEPT.merged(file, counted_runs(tmp_path / "again"))
    assert list(dict.fromkeys(again["scenario"])) == ["other", "baseline"]
    file.write_text(counted.KEPT.csv(again))
    known = counted.read(tmp_path, "t000")
    assert counted.per_item(known, EXACT, "baseline")["perf_context_switches_per_item"] == 0.605
    assert counted.per_item(known, EXACT._replace(timing="live"), "baseline") == {}
    assert counted.markdown(known, EXACT).splitlines()[:4] == [
        "| counted by | scenario, an item | context switches | instructions |",
        "|---|---|---:|---:|",
        "| perf | other | 1.21 | 18,097 |",
        "| perf | baseline | 0.605 | 9,048 |",
    ]
    assert counted.markdown(known, EXACT._replace(timing="live")) == ""


def test_the_plugin_s_instructions_have_a_line_of_their_own(tmp_path: Path) -> None:
    known = counted_runs(tmp_path, smp=2)
    shares = counted.per_item(known, EXACT, "baseline")
    assert "perf_instructions_per_item" not in shares and shares["perf_plugin_instructions_per_item"] == 15
    lines = counted.markdown(known, EXACT).splitlines()
    assert lines[2:4] == ["| perf | baseline | 0.605 |  |", "| plugin | baseline |  | 15 |"]
    assert "*plugin*: counted meanwhile by QEMU's plugin" in lines[-1]


def _study(per_item: dict[str, tuple[float, float]], by_plugin: Collection[str] = ()) -> Evidence:
    """Of t000's first two scenarios, the second against the first: context switches and instructions an item."""
    raw = measured.raw_table(load_planned(RECORDED, "t000")[0])[0].query("timing == 'exact'")
    scenario = {"options": {"prod-interval-us": 1000}, "guest": asdict(Guest("cloud"))}
    first, second = per_item
    environment = {
        "suite": "t000",
        "baselines": {second: first},
        "workload": {"name": "pipeline", "contract": contract.load("pipeline").table},
        "measurements": [{**EXACT._asdict(), "scenarios": dict.fromkeys(raw["scenario"], scenario)}],
    }
    counts = [
        {**EXACT._asdict(), "scenario": name, "items": 1000, "source": source, "event": event, "count": each * 1000}
        for name, (own, its) in per_item.items()
        for source, event, each in (
            ("perf", "context_switches", own),
            ("plugin" if name in by_plugin else "perf", "instructions", its),
        )
    ]
    return of_suite(
        suite._with_counts(raw, pd.DataFrame(counts).assign(note=""), contract.load("pipeline")), environment
    )


@pytest.mark.parametrize(
    ("by_plugin", "source"),
    [([], "perf stat"), (["baseline", "affinity"], "QEMU's plugin, under perf stat"), (["affinity"], None)],
)
def test_findings_compare_only_what_was_counted_alike(by_plugin: list[str], source: str | None) -> None:
    found = findings.many_instructions(_study({"baseline": (2, 20_000), "affinity": (2, 90_000)}, by_plugin))
    evidence = [said(each).evidence for each in found]
    assert evidence == ([f"90,000 an item, 4.5 times the 20,000 of baseline ({source})"] if source else [])


def test_findings_use_the_counts() -> None:
    names = ["baseline", "affinity"]
    study = _study({names[0]: (2.0, 10_000), names[1]: (6.0, 16_000)})
    every = [said(each) for rule in (*pipeline.RULES, *findings.RULES) for each in rule(study)]
    found = {(each.rule, each.scenario): each for each in every}
    assert ("wakes up for each item", names[0]) in found
    many = found["many instructions", names[1]]
    assert many.evidence == f"16,000 an item, 1.6 times the 10,000 of {names[0]} (perf stat)"
    assert many.cause.startswith("it has 4.0 context switches an item more")
    assert ("many instructions", names[0]) not in found
