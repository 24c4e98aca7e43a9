"""The output of perf stat -x, as Debian's perf 6.1 wrote it in a guest."""

import math
from pathlib import Path

import pandas as pd
import pytest

from lab import perf
from lab.complaint import Complaint

FIVE_RUNS = """# started on Wed Jan  1 00:00:01 2020

39.04,msec,task-clock,0.57%,39042112,100.00,0.064,CPUs utilized
1205,,context-switches,0.00%,39042112,100.00,30.665,K/sec
18096796,,instructions,0.62%,41644272,100.00,0.50,insn per cycle
<not supported>,,cache-misses,0.00%,0,100.00,,
"""
ONE_RUN = "148.14,msec,task-clock,148141808,100.00,0.219,CPUs utilized\n<not counted>,,cycles,0,100.00,,\n"


def read(folder: Path, text: str, runs: int):  # type: ignore[no-untyped-def]
    (folder / "perf.csv").write_text(text)
    return perf.read(folder / "perf.csv", runs)


def test_counts_of_several_runs_have_a_deviation(tmp_path: Path) -> None:
    table = read(tmp_path, FIVE_RUNS, 5).set_index("event")
    assert table.loc["task-clock", "count"] == 39.04
    assert table.loc["instructions", "deviation_percent"] == 0.62
    assert math.isnan(table.loc["cache-misses", "count"])
    assert table.loc["cache-misses", "note"] == "not supported"


def test_what_the_guest_lacks_is_empty_in_the_csv_and_said_in_the_table(tmp_path: Path) -> None:
    table = read(tmp_path, FIVE_RUNS, 5)
    assert perf.csv(table).splitlines() == [
        "event,count,unit,deviation_percent,source",
        "task-clock,39.04,msec,0.57,perf",
        "context-switches,1205,,0,perf",
        "instructions,18096796,,0.62,perf",
        "cache-misses,,,,perf",
    ]
    assert "not supported" in perf.text(table).splitlines()[-1]
    assert "18,096,796" in perf.text(table)


def test_what_the_guest_lacks_is_filled_in_from_outside_and_labelled(tmp_path: Path) -> None:
    counted = pd.DataFrame(
        {"region": [0, 0, 1], "cpu": [0, 1, 0], "space": ["user"] * 3, "instructions": 100, "l2_misses": [10, 20, 99]}
    )
    table = perf.fill(read(tmp_path, FIVE_RUNS, 5), counted, 5)
    assert perf.csv(table).splitlines()[3:] == ["instructions,18096796,,0.62,perf", "cache-misses,6,,,simulated"]
    assert perf.text(table).splitlines()[-1].endswith("simulated")


def test_counts_of_one_run_have_none(tmp_path: Path) -> None:
    table = read(tmp_path, ONE_RUN, 1)
    assert table["deviation_percent"].isna().all()
    assert list(table["note"]) == ["", "not counted"]


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Complaint, match="holds no counts"):
        read(tmp_path, "# started\n", 1)
