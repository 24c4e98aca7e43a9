"""What a run left: read strictly, and added up against the contract."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from lab.plan import contract
from lab.runs import outputs
from lab.runs.run_record import RunRecord
from lab.text.complaint import Complaint

HEAD = "metric,lowest_ns,highest_ns,count\n"
BUCKETS = HEAD + "latency,1,4,1\n"
GOOD = "key,value\nbegin_ns,5\nduration_s,0.15\nitems,150\nproduced,150\ndropped,0\nmissed,0\n"
GOOD += "throughput_ops_s,1000\ndrop_rate,0\nsamples,150\n"
THREADS = "thread,tid,role,cpu,migrations\nproducer,10,producer,0,1\n"
CONSUMER = "consumer,11,consumer,1,0\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("histogram.csv", "", "cannot be read as CSV"),
        ("histogram.csv", "metric,highest_ns,count\n", "row 0 should have the columns metric, lowest_ns"),
        ("histogram.csv", HEAD + "latency,5,5,3\n", "its latency counts 3 and not the 150 items of stats.csv"),
        ("histogram.csv", HEAD + "latency,5,5,150\n", "its response counts 0 and not the 150 items"),
        ("histogram.csv", HEAD + "latency,5,5,x\n", "row 1 holds a value that is no integer"),
        ("histogram.csv", BUCKETS + "latency,5,5,\n", "row 2 holds a value that is no integer"),
        (
            "histogram.csv",
            BUCKETS + "latency,-5,-5,1\n",
            "row 2 holds a negative value, as when a clock runs backwards",
        ),
        ("histogram.csv", BUCKETS + "latency,9,8,1\n", "row 2 ends before it begins"),
        ("histogram.csv", BUCKETS + "latency,8,9,0\n", "row 2 counts nothing"),
        ("histogram.csv", BUCKETS + "latency,0,3,1\n", "row 2 does not come after the row before"),
        ("histogram.csv", BUCKETS + "lateness,5,5,1\n", "row 2 is of none of latency, response"),
        ("stats.csv", "key,value\nitems,1\nitems,2\n", "row 2: 'items' is no key, or comes again"),
        ("stats.csv", GOOD + "a b,1\n", "row 10: 'a b' is no key, or comes again"),
        ("stats.csv", "key,value\nitems,150\n", "has no good value for 'begin_ns'"),
        ("stats.csv", GOOD.replace("items,150", "items,"), "has no good value for 'items'"),
        ("stats.csv", GOOD.replace("0.15", "0"), "has no good value for 'duration_s'"),
        ("stats.csv", GOOD.replace("0.15", "-1"), "row 2 has no good value for 'duration_s': -1"),
        ("stats.csv", GOOD.replace("0.15", "nan"), "row 2 has no good value for 'duration_s': nan"),
        ("stats.csv", GOOD.replace("0.15", "0.1"), "its duration of 0.1 s is less than the 0.15 s that it was to be"),
        ("stats.csv", GOOD.replace("items,150", "items,1_5_0"), "row 3 has no good value for 'items': 1_5_0"),
        ("stats.csv", GOOD + "clock_read_ns,1e400\n", "row 10 has no good value for 'clock_read_ns': 1e400"),
        ("stats.csv", GOOD.replace("drop_rate,0\n", ""), "has no row for 'drop_rate', a metric of the contract"),
        ("stats.csv", GOOD.replace("produced,150", "produced,900"), "150 items and 0 dropped are not the 900 produced"),
        ("stats.csv", GOOD.replace("dropped,0", "dropped,1"), "150 items and 1 dropped are not the 150 produced"),
        ("stats.csv", GOOD.replace("dropped,0", "dropped,"), "has no good value for 'dropped', which the contract's"),
        ("stats.csv", GOOD.replace("missed,0", "missed,3"), "150 produced and 3 missed are not the 150 scheduled"),
        ("stats.csv", GOOD + "x,1,2\n", "row 10 has 3 values and not 2"),
        ("stats.csv", GOOD + '"x,1\n', "cannot be read as CSV"),
        ("samples.csv", "item\n", "row 1 is missing: the program kept 150 items, and there are 0"),
        ("samples.csv", "item\n" * 152, "row 151 is too many: the program kept 150 items, and there are 151"),
        ("threads.csv", "thread,role\n", "row 0 should begin with the columns thread, tid, role, cpu"),
        ("threads.csv", "thread,tid,role,cpu,a b\n", "row 0 should begin with the columns"),
        ("threads.csv", THREADS, "has no thread whose role is consumer"),
        ("threads.csv", THREADS + "consumer,11,consumer,1\n", "row 2 has 4 values and not 5"),
        ("threads.csv", THREADS + "consumer,11,waiter,1,0\n", "row 2: role = 'waiter' is none of producer, consumer"),
        ("threads.csv", THREADS + "consumer,,consumer,1,0\n", "row 2 has no good value for 'tid'"),
        ("threads.csv", THREADS + "consumer,11,consumer,1,x\n", "row 2 has no good value for 'migrations': x"),
        ("threads.csv", THREADS + "consumer,11,consumer,-1,0\n", "row 2 has no good value for 'cpu': -1"),
    ],
)
def test_bad_files_get_one_line(records: list[RunRecord], name: str, content: str, message: str) -> None:
    folder = records[0].folder
    (folder / name).write_text(content)
    with pytest.raises(Complaint) as complaint:
        outputs.read(folder, records[0].row, records[0].contract)
    line = str(complaint.value)
    assert message in line and line.startswith(str(folder / name)) and "\n" not in line
    assert line.endswith("run it again, or remove the run's folder to leave it out") and complaint.value.exit_code == 1


@pytest.mark.parametrize("name", ["stats.csv", "histogram.csv", "threads.csv", "samples.csv"])
def test_a_file_that_is_gone_is_named(records: list[RunRecord], name: str) -> None:
    (records[0].folder / name).unlink()
    with pytest.raises(Complaint, match=f"{name}: cannot be read"):
        outputs.read(records[0].folder, records[0].row, records[0].contract)


def test_bytes_that_are_no_text_are_a_bad_row(records: list[RunRecord]) -> None:
    stats = records[0].folder / "stats.csv"
    stats.write_bytes(stats.read_bytes() + b"caf\xe9,1\n")
    with pytest.raises(Complaint, match="'caf\ufffd' is no key"):
        outputs.read_stats(stats)


def test_what_was_not_counted_is_nan(records: list[RunRecord]) -> None:
    folder = records[0].folder
    (folder / "threads.csv").write_text(THREADS + CONSUMER.replace(",0\n", ",\n"))
    (folder / "stats.csv").write_text(GOOD + "wake_ups,\nversion,1.2.3\n")
    known = outputs.read(folder, records[0].row, records[0].contract)
    assert known.stats["samples"] == 150 and math.isnan(known.stats["wake_ups"]) and "version" not in known.stats
    assert sum(known.histograms["response"].count) == 150
    producer, consumer = known.threads
    assert (producer.name, producer.tid, producer.role, producer.cpu) == ("producer", 10, "producer", 0)
    assert producer.counters == {"migrations": 1} and math.isnan(consumer.counters["migrations"])


@pytest.mark.parametrize("options", [{"prod-interval-us": 0}, {"arrival": "poisson"}])
def test_only_a_schedule_without_chance_says_how_many_items_it_has(
    records: list[RunRecord], options: dict[str, str]
) -> None:
    row = replace(records[0].row, options=records[0].row.options | options)
    (records[0].folder / "stats.csv").write_text(GOOD.replace("missed,0", "missed,3"))
    assert outputs.read(records[0].folder, row, records[0].contract).stats["missed"] == 3


def test_a_workload_leaves_only_what_its_contract_needs(tmp_path: Path, records: list[RunRecord]) -> None:
    table = {name: each for name, each in records[0].contract.table.items() if name not in ("stages", "roles", "sums")}
    table |= {"metrics": {"time_s": {"title": "time", "unit": "s", "better": "lower"}}, "headline": ["time_s"]}
    del table["judged"]
    table["options"] = {
        name: each for name, each in table["options"].items() if each.get("means") not in ("pin", "series")
    }
    known = contract.of_table("own", table, "here")
    assert outputs.names_of(known) == ["stats.csv"]
    (tmp_path / "stats.csv").write_text("key,value\nbegin_ns,0\nduration_s,1\nitems,1\ntime_s,3.5\n")
    found = outputs.read(tmp_path, replace(records[0].row, duration_s=0.0), known)
    assert (found.stats["time_s"], found.histograms, found.threads) == (3.5, {}, [])
    outputs.check_samples(tmp_path, found, known)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("service_ns", "work_ns", "samples.csv: row 0 lacks the columns service_ns"),
        ("latency_ns", "service_ns", "samples.csv: row 0 has a column twice"),
        ("row 1", "1,2", "row 1 is no item: it has 2 values and not"),
        ("row 1", "x", "row 1 is no item ('x' is not a whole number)"),
        ("row 1", "9" * 50, "row 1 is no item"),
        ("row 1", "longer", "row 1: the stages do not add up to response_ns"),
        ("row 1", "later", "row 1 has a response of"),
        ("the end", "", "is cut: its last row does not end"),
    ],
)
def test_samples_that_the_histograms_do_not_count_are_no_samples(
    records: list[RunRecord], old: str, new: str, message: str
) -> None:
    record = records[0]
    file = record.folder / "samples.csv"
    head, first, *rest = file.read_text().splitlines()
    values = dict(zip(head.split(","), map(int, first.split(","))))
    if new == "longer":
        first = ",".join(str(value + (name == "response_ns")) for name, value in values.items())
    elif new == "later":  # which response.csv does not count so often
        more = {"service_ns", "response_ns"}
        first = ",".join(str(value + 10**9 * (name in more)) for name, value in values.items())
    elif old == "row 1":
        first = new
    head = head.replace(old, new)
    file.write_text("\n".join([head, first, *rest]) + "\n" * (old != "the end"))
    with pytest.raises(Complaint) as complaint:
        outputs.check_samples(record.folder, record.outputs, record.contract)
    assert message in str(complaint.value)


@pytest.mark.parametrize("name", ["stats.csv", "histogram.csv", "threads.csv"])
def test_a_file_that_the_program_never_makes_so_large_is_refused_before_it_is_read(
    records: list[RunRecord], name: str
) -> None:
    with (records[0].folder / name).open("a") as file:
        file.truncate(1 << 30)
    with pytest.raises(Complaint, match=f"{name}: has more than the [0-9]+ bytes"):
        outputs.read(records[0].folder, records[0].row, records[0].contract)


def test_a_metric_of_some_items_may_count_fewer(records: list[RunRecord]) -> None:
    folder, known = records[0].folder, records[0].contract
    histogram = (folder / "histogram.csv").read_text()
    responses = "".join(line for line in histogram.splitlines(keepends=True) if not line.startswith("latency"))
    (folder / "histogram.csv").write_text(HEAD + "latency,5,5,2\n" + responses.removeprefix(HEAD))
    metrics = known.table["metrics"] | {"latency": known.table["metrics"]["latency"] | {"sampled": True}}
    some = replace(known, table=known.table | {"metrics": metrics})
    assert list(outputs.read(folder, records[0].row, some).histograms["latency"].count) == [2]
    with pytest.raises(Complaint, match="its latency counts 2 and not the 150 items"):
        outputs.read(folder, records[0].row, known)
