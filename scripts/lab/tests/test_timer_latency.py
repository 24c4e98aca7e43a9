"""The noise floor: what cyclictest and rtla print, as tables."""

import re
from pathlib import Path

import pandas as pd
import pytest

from lab.timers import histograms
from lab.text.complaint import Complaint

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
GUEST = "target\taarch64\ntiming\t{}\nkernel\trt\nkernel_args\tisolcpus=1\nsmp\t2\nmemory_mb\t512\nnuma_nodes\t1\ntool\t{}\n"


def folder(place: Path, name: str, tool: str, timing: str = "exact") -> Path:
    """A folder as timer_latency.sh leaves it."""
    made = place / name
    (made / "out").mkdir(parents=True)
    (made / "guest.tsv").write_text(GUEST.format(timing, tool))
    (made / "vm.tsv").write_text("accelerator\ttcg\n")
    (made / "out/histogram.txt").write_text(CYCLICTEST)
    (made / "out/stdout.txt").write_text(TIMERLAT)
    return made


def told(table: pd.DataFrame) -> list[tuple[str, int, int]]:
    return list(table[["what", "latency_us", "count"]].itertuples(index=False, name=None))


def test_cyclictest_s_histogram_and_what_was_later(tmp_path: Path) -> None:
    table = histograms.read([folder(tmp_path, "1", "cyclictest")])
    assert told(table) == [
        ("CPU 0", 9, 2),
        ("CPU 0", 10, 1098),
        ("CPU 1", 9, 107),
        ("CPU 1", 10, 892),
        ("CPU 1", 31000, 1),
    ]
    assert set(table["kernel_args"]) == {"isolcpus=1"} and set(table["accelerator"]) == {"tcg"}


def test_rtla_s_histogram_and_what_was_later(tmp_path: Path) -> None:
    assert told(histograms.read([folder(tmp_path, "1", "rtla timerlat")])) == [
        ("interrupt of CPU 0", 2, 1000),
        ("interrupt of CPU 1", 2, 998),
        ("interrupt of CPU 1", 797, 2),
        ("thread of CPU 0", 11, 999),
        ("thread of CPU 1", 11, 1000),
    ]


def test_percentiles_with_too_few_samples_stay_empty(tmp_path: Path) -> None:
    text = histograms.markdown(histograms.read([folder(tmp_path, "1", "rtla timerlat")]))
    assert "| kernel rt `isolcpus=1`, 2 CPUs | rtla timerlat | thread of CPU 0 | 999 | 11 | 11 |  | 11 |" in text
    assert "| rtla timerlat | interrupt of CPU 1 | 1,000 | 2 | 2 | 797 | 797 |" in text


def test_it_is_said_that_noise_is_no_latency(tmp_path: Path) -> None:
    made = [folder(tmp_path, "1", "rtla timerlat"), folder(tmp_path, "2", "rtla osnoise")]
    assert histograms.OSNOISE_NOTE not in histograms.markdown(histograms.read(made[:1]))
    assert histograms.markdown(histograms.read(made)).endswith(f" |\n\n{histograms.OSNOISE_NOTE}")


def test_a_measurement_replaces_the_one_of_its_target_and_timing_only(tmp_path: Path) -> None:
    file = tmp_path / "s_timer_latency.csv"
    assert histograms.tables(file) == {}
    for name, timing in (("1", "exact"), ("2", "live"), ("3", "live")):
        new = histograms.read([folder(tmp_path, name, "cyclictest", timing)])
        file.write_text(histograms.KEPT.csv(histograms.KEPT.merged(file, new)))
    assert list(pd.read_csv(file)["timing"]) == ["exact"] * 5 + ["live"] * 5
    assert list(histograms.tables(file)) == ["exact timing on aarch64", "live timing on aarch64 with tcg"]


@pytest.mark.parametrize(
    ("tool", "text", "message"),
    [
        ("cyclictest", CYCLICTEST.replace("# Max", "9" * 5000 + " 1\n# Max"), "histogram.txt: is damaged"),
        ("rtla timerlat", re.sub("CPU-[0-9]+|IRQ-[0-9]+", "CPU-x", TIMERLAT, count=1), "stdout.txt: is damaged"),
        ("cyclictest", CYCLICTEST.split("# Max")[0], "histogram.txt: lacks the line '# Max Latencies:'"),
        ("cyclictest", "".join(CYCLICTEST.splitlines(True)[4:]).replace("00001\n", "00000\n"), "holds no latencies"),
        ("rtla timerlat", "no tracer", "stdout.txt: is not what rtla hist prints"),
        ("rtla timerlat", TIMERLAT.split("max:")[0], "stdout.txt: lacks the line 'max:'"),
    ],
)
def test_a_cut_histogram_is_named(tmp_path: Path, tool: str, text: str, message: str) -> None:
    made = folder(tmp_path, "1", tool)
    (made / "out" / ("histogram.txt" if tool == "cyclictest" else "stdout.txt")).write_text(text)
    with pytest.raises(Complaint, match=message):
        histograms.read([made])
