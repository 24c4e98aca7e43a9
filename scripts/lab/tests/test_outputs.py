"""What a run counted: read strictly, and added up."""

import math

import pytest

from lab.runs import totals
from lab.text.complaint import Complaint
from lab.runs.run_record import RunRecord

BUCKETS = "metric,lowest_ns,highest_ns,count\nlatency,1,4,1\n"
STATS = "key,value\nproduced,150\nconsumed,150\ndropped,0\n"
GOOD = STATS + "duration_s,1\nclock_read_ns,1\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("histogram.csv", "", "cannot be read as CSV"),
        ("histogram.csv", "metric,highest_ns,count\n", "row 0 should have the columns metric, lowest_ns"),
        (
            "histogram.csv",
            "metric,lowest_ns,highest_ns,count\nlatency,5,5,3\n",
            "its latency counts 3 and not the 150 items that were consumed",
        ),
        (
            "histogram.csv",
            "metric,lowest_ns,highest_ns,count\nlatency,5,5,x\n",
            "row 1 holds a value that is no integer",
        ),
        ("histogram.csv", BUCKETS + "latency,5,5,\n", "row 2 holds a value that is no integer"),
        (
            "histogram.csv",
            BUCKETS + "latency,-5,-5,1\n",
            "row 2 holds a negative value, as when a clock runs backwards",
        ),
        ("histogram.csv", BUCKETS + "latency,9,8,1\n", "row 2 ends before it begins"),
        ("histogram.csv", BUCKETS + "latency,8,9,0\n", "row 2 counts nothing"),
        ("histogram.csv", BUCKETS + "latency,0,3,1\n", "row 2 does not come after the row before"),
        ("histogram.csv", BUCKETS + "lateness,5,5,1\n", "row 2 is of neither latency nor response"),
        ("stats.csv", "key,value\nproduced,1\nproduced,2\n", "has no good value for"),
        ("stats.csv", "key,value\nproduced,150\n", "has no good value for 'consumed'"),
        ("stats.csv", "key,value\nproduced,x\n", "has no good value for"),
        (
            "stats.csv",
            "key,value\nproduced,150\nconsumed,150\ndropped,0\nduration_s,-1\nclock_read_ns,5\n",
            "row 4 has no good value for 'duration_s': -1",
        ),
        (
            "stats.csv",
            "key,value\nproduced,900\nconsumed,150\ndropped,0\nduration_s,1\nclock_read_ns,1\n",
            "150 consumed and 0 dropped are not the 900 produced",
        ),
        (
            "stats.csv",
            STATS + "duration_s,1\nclock_read_ns,1e400\n",
            "row 5 has no good value for 'clock_read_ns': 1e400",
        ),
        ("stats.csv", STATS.replace("150", "1_5_0"), "row 1 has no good value for 'produced': 1_5_0"),
        ("stats.csv", GOOD + "producer_page_faults,1.5\n", "row 6 has no good value for 'producer_page_faults': 1.5"),
        ("stats.csv", GOOD + "latencies_kept,149\n", "'latencies_kept': 149, and the program was to keep 150 items"),
        ("stats.csv", GOOD + "missed,3\n", "150 produced and 3 missed are not the 150 items of 0.15 s"),
        ("stats.csv", GOOD.replace("s,1\n", "s,0.1\n") + "missed,0\n", "its duration of 0.1 s is less than the 0.15 s"),
        ("stats.csv", GOOD + "x,1,2\n", "row 6 has 3 values and not 2"),
        ("stats.csv", GOOD + '"x,1\n', "cannot be read as CSV"),
        ("latencies.csv", "item\n", "row 1 is missing: the program kept 150 items, and there are 0"),
        ("latencies.csv", "item\n" * 152, "row 151 is too many: the program kept 150 items, and there are 151"),
        ("stats.csv", STATS + "duration_s,nan\n", "row 4 has no good value for 'duration_s': nan"),
        ("stats.csv", STATS + "duration_s,1\nclock_read_ns,1\nmissed,-2\n", "row 6 has no good value for 'missed': -2"),
        (
            "stats.csv",
            STATS.replace("dropped,0", "dropped,1") + "duration_s,1\nclock_read_ns,1\n",
            "150 consumed and 1 dropped are not the 150 produced",
        ),
    ],
)
def test_bad_files_get_one_line(records: list[RunRecord], name: str, content: str, message: str) -> None:
    folder = records[0].folder
    (folder / name).write_text(content)
    with pytest.raises(Complaint) as complaint:
        totals.read(folder, records[0].row.command)
    line = str(complaint.value)
    assert message in line and line.startswith(str(folder / name)) and "\n" not in line


def test_bytes_that_are_no_text_fail_their_own_row_only(records: list[RunRecord]) -> None:
    folder = records[0].folder
    (folder / "stats.csv").write_bytes((folder / "stats.csv").read_bytes() + b"a note,caf\xe9\n")
    assert totals.read(folder, records[0].row.command).stats["consumed"] == 150


def test_what_was_not_counted_is_nan(records: list[RunRecord]) -> None:
    known = records[0].totals
    assert known.stats["latencies_kept"] == 150 and math.isnan(known.stats["missed"])
    assert sum(known.histograms["response"].count) == 150


@pytest.mark.parametrize(
    ("options", "consumed", "kept"),
    [("", 10, 10), ("", 200_000, 100_000), (" --sample-every 3", 10, 4), (" --max-samples 0", 10, 0), ("", 0, 0)],
)
def test_how_many_items_are_kept(options: str, consumed: int, kept: int) -> None:
    assert totals.sampling(f"pipelab pipeline{options} --duration 1 --seed 1").kept(consumed) == kept
