"""What was counted for an item: columns, the table for people, and the finding."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from lab.counters import counted
from lab.plan import contract
from lab.text.complaint import Complaint
from lab.judge.evidence import Evidence
from lab.tests.test_findings import made, said
from lab.counters import findings
from lab.tables.measurement import Measurement
from lab.runs.run_record import RunRecord

# 30,000 instructions on two CPUs, which write different bytes of one line.
SEEN = Path(__file__).parents[3] / "tests" / "fake_qemu" / "counters.json"
EXACT = Measurement("aarch64", "exact", "tcg")
LINES = """\
line,space,cpu,data,false_sharing
1,user,0,ring+0,100
1,user,1,ring+16,200
2,user,0,rare+0,3
2,user,1,rare+8,3
3,kernel,0,kernel memory,500
3,kernel,1,kernel memory,500
"""


def count(record: RunRecord, state: str = "caches") -> Path:
    """Leaves beside the run what counting it leaves."""
    folder = record.folder.parent / "counters" / record.row.run
    folder.mkdir(parents=True)
    (folder / "counters.txt").write_text(state + "\n")
    if not state.startswith("none"):
        shutil.copy(SEEN, folder / "counters.json")
        (folder / "shared_lines.csv").write_text(LINES)
    return folder


def markdown(table: pd.DataFrame) -> str:
    return counted.markdown(table, EXACT)


def test_counts_are_those_of_an_item_and_labelled(records: list[RunRecord]) -> None:
    count(records[0])
    table = counted.of_runs(records[:2])  # the second replicate was not counted
    assert len(counted.KEPT.csv(table).splitlines()) == 10
    found = counted.per_item(table, EXACT, records[0].row.scenario)
    assert (found["instructions_per_item"], found["kernel_instructions_per_item"]) == (200, 160)
    assert found["l1_misses_per_item"] == pytest.approx(2.2)
    assert found["false_sharing"] == "ring+0 and ring+16 (2.00 misses an item)"  # rare is not worth it
    head, _, line, *rest = markdown(table).splitlines()
    assert head.startswith("| counted by | scenario, an item | instructions | of these, kernel | loads |")
    assert line == f"| counters | {records[0].row.scenario} | 200 | 160 | 40 | 20 | 2.2 | 0.1 | 2 | 2 |"
    assert len(rest) == 2 and "*simulated*" in rest[1]


@pytest.mark.parametrize("items, one", [(["run", "runs"], "a run"), (["order", "orders"], "an order")])
def test_counts_of_a_users_program_are_those_of_what_it_makes(
    records: list[RunRecord], items: list[str], one: str
) -> None:
    count(records[0])
    table, scenario = counted.of_runs(records[:2]), records[0].row.scenario
    metric = {"stdout": "([0-9]+)", "unit": "s", "better": "lower"}
    said_of = {"program": "x", "command": "x", "items": items, "metrics": {"time_s": metric}}
    known = contract.of_table("x", said_of, "x.toml")
    assert f"| scenario, {one} |" in counted.markdown(table, EXACT, (), known)
    found = counted.per_item(table, EXACT, scenario, known)
    assert found["false_sharing"] == f"ring+0 and ring+16 (2.00 misses {one})"
    values: dict[str, float | str] = {"own": 3.0, "why": "work"}
    assert findings.RULES[0].words(values, known)[0].startswith(f"{{own:,.0f}} {one}, {{times")
    assert findings.RULES[0].words(values, known)[1].endswith(f"for each {items[0]}")


def test_a_run_that_nobody_counted_has_no_rows(records: list[RunRecord]) -> None:
    table = counted.of_runs(records)
    assert table.empty and markdown(table) == "" and counted.per_item(table, EXACT, "baseline") == {}


def test_a_run_that_could_not_be_counted_says_why(records: list[RunRecord], tmp_path: Path) -> None:
    count(records[0], "none: requires API version 99")
    (tmp_path / "t000_counters.csv").write_text(counted.KEPT.csv(counted.of_runs(records)))
    table = counted.read(tmp_path, "t000")
    assert markdown(table) == f"Not counted: {records[0].row.scenario} (requires API version 99)."


def test_damaged_counts_are_refused_in_one_line(records: list[RunRecord]) -> None:
    folder = count(records[0])
    (folder / "shared_lines.csv").write_text("line\n1\n")
    with pytest.raises(Complaint, match="shared_lines.csv.*count again"):
        counted.of_runs(records)


@pytest.mark.parametrize("where", ["ring+0 and ring+16 (2.00 misses an item)", "", None])
def test_false_sharing_is_a_finding_that_names_the_symbols(where: str | None) -> None:
    rows = pd.DataFrame({"false_sharing": [where, None], "items": 10})
    found = list(findings.false_sharing(Evidence([made("x", EXACT, {}, rows)])))
    assert [said(each).evidence for each in found] == ([f"on one cache line: {where}, simulated"] if where else [])
    assert not list(findings.false_sharing(Evidence([made("x", EXACT, {}, rows[["items"]])])))
