"""What was counted for an item: columns, the table for people, and the finding."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from lab.counters import counted
from lab.text.complaint import Complaint
from lab.judge.evidence import Case, Evidence
from lab.tests.test_findings import said
from lab.counters import findings
from lab.judge import evidence
from lab.tables.measurement import Measurement
from lab.runs.run_record import RunRecord

# 30,000 instructions on two CPUs, which write different bytes of one line.
SEEN = Path(__file__).parents[3] / "tests" / "fake_qemu" / "counters.json"
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


def test_counts_are_those_of_an_item(records: list[RunRecord]) -> None:
    count(records[0])
    columns = counted.columns(records[0], 150)
    assert columns["instructions_per_item"] == 200
    assert columns["kernel_instructions_per_item"] == 160
    assert columns["simulated_l1_misses_per_item"] == pytest.approx(2.2)
    assert columns["false_sharing"] == "ring+0 and ring+16 (2.00 misses an item)"  # rare is not worth it


def test_a_run_that_nobody_counted_has_no_columns(records: list[RunRecord]) -> None:
    assert counted.columns(records[0], 150) == {}
    assert counted.of_group(pd.DataFrame({"drop_rate": [0.0]})) == {}
    assert counted.markdown(pd.DataFrame({"scenario": ["x"]})) == ""


def test_a_run_that_could_not_be_counted_says_why(records: list[RunRecord]) -> None:
    count(records[0], "none: requires API version 99")
    columns = counted.columns(records[0], 150)
    assert columns == {"counters": "none: requires API version 99"}
    metrics = pd.DataFrame([{"scenario": "x", **counted.of_group(pd.DataFrame([columns]))}])
    assert counted.markdown(metrics) == "Not counted: x (requires API version 99)."


def test_the_table_has_what_was_counted_and_labels_what_is_simulated(records: list[RunRecord]) -> None:
    count(records[0])
    runs = pd.DataFrame([counted.columns(records[0], 150), {}])  # the second replicate was not counted
    metrics = pd.DataFrame([{"scenario": "x", **counted.of_group(runs)}, {"scenario": "y"}])
    head, _, line, *rest = counted.markdown(metrics).splitlines()
    assert head.startswith("| scenario, an item | instructions |")
    assert line == "| x | 200 | 160 | 40.00 | 20.00 | 2.20 | 0.10 | 2.00 | 2.00 |"
    assert rest == ["", counted.CAPTION] and "*simulated*" in counted.CAPTION


def test_damaged_counts_are_refused_in_one_line(records: list[RunRecord]) -> None:
    folder = count(records[0])
    (folder / "shared_lines.csv").write_text("line\n1\n")
    with pytest.raises(Complaint, match="shared_lines.csv.*count again"):
        counted.columns(records[0], 150)


EXACT = Measurement("aarch64", "exact", "tcg")


@pytest.mark.parametrize("where", ["ring+0 and ring+16 (2.00 misses an item)", "", None])
def test_false_sharing_is_a_finding_that_names_the_symbols(where: str | None) -> None:
    rows = pd.DataFrame({"false_sharing": [where, None], "consumed": 10})
    found = list(findings.false_sharing(Evidence([Case("x", EXACT, evidence.DEFAULTS, rows, 2)])))
    assert [said(each).evidence for each in found] == ([f"on one cache line: {where}, simulated"] if where else [])
    assert not list(findings.false_sharing(Evidence([Case("x", EXACT, evidence.DEFAULTS, rows[["consumed"]], 2)])))
