"""The noise floor: what cyclictest and rtla print, as tables."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from lab.plan import plan, plan_file
from lab.plan.guest import Guest
from lab.tests.conftest import RECORDED, load_planned
from lab.text.complaint import Complaint
from lab.timers import histograms, step

# As cyclictest 2.4 wrote it in a guest of two CPUs, cut to three lines; with an overflow on CPU 1.
CYCLICTEST = """# /dev/cpu_dma_latency set to 0us
# Histogram
000009 000002\t000107
000010 001098\t000892
000012 000000\t000000
# Total: 000001100 000000999
# Min Latencies: 00009 00009
# Avg Latencies: 00010 00010
# Max Latencies: 00010 31000
# Histogram Overflows: 00000 00001
# Histogram Overflow at cycle number:
# Thread 0:
# Thread 1: 00815
"""
# As rtla 6.1 printed it.
TIMERLAT = """# RTLA timerlat histogram
# Time unit is microseconds (us)
# Duration:   0 00:00:01
Index   IRQ-000   Thr-000   IRQ-001   Thr-001
2          1000         0       998         0 
11            0       999         0      1000 
over:         0         0         2         0 
count:     1000       999      1000      1000 
min:          2        11         2        11 
avg:          2        11         2        11 
max:          2        11       797        11 
"""


def read(place: Path, *tools: str, timing: str = "exact") -> pd.DataFrame:
    """The table of tools that ran in one guest."""
    planned = load_planned(RECORDED, "t000")[1]
    row = replace(planned[0], timing=timing, guest=Guest("rt", "isolcpus=1"))
    return histograms.read([place] * len(tools), [replace(row, workload=tool) for tool in tools])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as timer_latency.sh leaves it, of whatever tool."""
    (tmp_path / "out").mkdir()
    (tmp_path / "vm.tsv").write_text("accelerator\ttcg\n")
    (tmp_path / "out/histogram.txt").write_text(CYCLICTEST)
    (tmp_path / "out/stdout.txt").write_text(TIMERLAT)
    return tmp_path


@pytest.mark.parametrize("timing", plan.TIMINGS)
def test_the_runs_of_tools_have_names_that_plans_take(timing: str) -> None:
    row = next(row for row in load_planned(RECORDED, "t000")[1] if row.timing == timing)
    tools = [tool for seconds in (1, 2) for tool in step._tools(row, seconds) if tool.workload == "cyclictest"]
    assert [plan_file.fault(tool) for tool in tools] == ["", ""]
    assert len({tool.run for tool in tools} | {row.run}) == 3


def told(table: pd.DataFrame) -> list[tuple[str, int, int]]:
    return list(table[["what", "latency_us", "count"]].itertuples(index=False, name=None))


def test_cyclictest_s_histogram_and_what_was_later(folder: Path) -> None:
    table = read(folder, "cyclictest")
    assert told(table) == [
        ("CPU 0", 9, 2),
        ("CPU 0", 10, 1098),
        ("CPU 1", 9, 107),
        ("CPU 1", 10, 892),
        ("CPU 1", 31000, 1),
    ]
    assert set(table["kernel_args"]) == {"isolcpus=1"} and set(table["accelerator"]) == {"tcg"}


def test_rtla_s_histogram_and_what_was_later(folder: Path) -> None:
    assert told(read(folder, "rtla-timerlat")) == [
        ("interrupt of CPU 0", 2, 1000),
        ("interrupt of CPU 1", 2, 998),
        ("interrupt of CPU 1", 797, 2),
        ("thread of CPU 0", 11, 999),
        ("thread of CPU 1", 11, 1000),
    ]


def test_percentiles_with_too_few_samples_stay_empty(folder: Path) -> None:
    text = histograms.markdown(read(folder, "rtla-timerlat"))
    assert "| kernel rt `isolcpus=1`, 2 CPUs | rtla timerlat | thread of CPU 0 | 999 | 11 | 11 |  | 11 |" in text
    assert "| rtla timerlat | interrupt of CPU 1 | 1,000 | 2 | 2 | 797 | 797 |" in text


def test_it_is_said_that_noise_is_no_latency(folder: Path) -> None:
    assert histograms.OSNOISE_NOTE not in histograms.markdown(read(folder, "rtla-timerlat"))
    both = read(folder, "rtla-timerlat", "rtla-osnoise")
    assert histograms.markdown(both).endswith(f" |\n\n{histograms.OSNOISE_NOTE}")


def test_replicates_are_counted_together(folder: Path) -> None:
    assert told(read(folder, "cyclictest", "cyclictest"))[0] == ("CPU 0", 9, 4)


def test_a_measurement_replaces_the_one_of_its_target_and_timing_only(folder: Path) -> None:
    file = folder / "s_timer_latency.csv"
    assert histograms.tables(file) == {}
    for timing in ("exact", "live", "live"):
        new = read(folder, "cyclictest", timing=timing)
        file.write_text(histograms.KEPT.csv(histograms.KEPT.merged(file, new)))
    assert list(pd.read_csv(file)["timing"]) == ["exact"] * 5 + ["live"] * 5
    assert list(histograms.tables(file)) == ["exact timing on aarch64", "live timing on aarch64 with tcg"]


@pytest.mark.parametrize(
    ("tool", "text", "message"),
    [
        ("cyclictest", CYCLICTEST.replace("# Max", "9" * 5000 + " 1\n# Max"), "histogram.txt: is damaged"),
        ("rtla-timerlat", re.sub("CPU-[0-9]+|IRQ-[0-9]+", "CPU-x", TIMERLAT, count=1), "stdout.txt: is damaged"),
        ("cyclictest", CYCLICTEST.split("# Max")[0], "histogram.txt: lacks the line '# Max Latencies:'"),
        ("cyclictest", "".join(CYCLICTEST.splitlines(True)[4:]).replace("00001\n", "00000\n"), "holds no latencies"),
        ("rtla-timerlat", "no tracer", "stdout.txt: is not what rtla hist prints"),
        ("rtla-timerlat", TIMERLAT.split("max:")[0], "stdout.txt: lacks the line 'max:'"),
    ],
)
def test_a_cut_histogram_is_named(folder: Path, tool: str, text: str, message: str) -> None:
    (folder / "out" / ("histogram.txt" if tool == "cyclictest" else "stdout.txt")).write_text(text)
    with pytest.raises(Complaint, match=message):
        read(folder, tool)
