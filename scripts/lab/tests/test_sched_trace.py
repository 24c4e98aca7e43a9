"""Sched events: a trace whose truth is known, one that a guest left, and damaged ones."""

import json
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lab.plan import contract, plan, plan_file
from lab.runs import outputs
from lab.trace import split, events as trace_events, runs as trace_runs
from lab.text.complaint import Complaint
from lab.report.exports import chrome_trace
from lab.trace import findings as sched
from lab.judge.evidence import Evidence
from lab.tests.test_findings import Said, said
from lab.tables.measurement import Measurement
from lab.tests import traced
from lab.tests.conftest import RECORDED

GUEST = Path(__file__).parent / "recorded_trace"  # 20 ms of 20 items in an aarch64 guest, in exact timing
EXACT = Measurement("aarch64", "exact", "tcg")
PIPELINE = contract.load("pipeline")
FACTS = {"scenarios": {"baseline": {"options": {"duration": 0.15, "prod-interval-us": 1000}}}}


def parts(known: split.Split) -> dict[tuple[int, str, tuple[str, int, str]], int]:
    """What took any time, by item, stage and kind."""
    return {
        (item, stage, (kind.state, kind.cpu, kind.held_by)): int(values[item, place])
        for stage, values in known.parts_ns.items()
        for place, kind in enumerate(known.timelines[known.waits_for[stage]].kinds)
        for item in range(len(values))
        if values[item, place]
    }


def test_events_come_out_of_the_pages_as_they_were_written(tmp_path: Path) -> None:
    events = trace_events.read(traced.write(tmp_path / "run"))
    written = sum(len((tmp_path / "run/out" / f"cpu{cpu}.raw").read_bytes()) for cpu in (0, 1))
    assert written / (traced.DATA_BYTES + 16) > 4  # pages
    switches = [event for event in traced.TRUTH if event[2] == "sched_switch"]
    assert sorted(events["sched_switch"]["time_ns"] - traced.BEGIN_NS) == sorted(event[0] for event in switches)
    first = events["sched_switch"].iloc[0]
    assert list(first) == [traced.BEGIN_NS - 150_000_000, 0, "swapper/0", 0, 0, "dog", 50]
    first = events["sched_switch"].iloc[2]
    assert list(first) == [traced.BEGIN_NS + 1000, 1, "swapper/1", 0, 0, "kworker/1:2", 40]
    assert events["sched_wakeup"]["target_cpu"].tolist() == [0, 1, 0, 0]


def test_each_item_is_split_as_it_was(tmp_path: Path) -> None:
    known = split.split(traced.write(tmp_path / "run"), PIPELINE)
    assert parts(known) == traced.PARTS


def test_a_waker_that_begins_before_the_thread_sleeps_is_waited_for_from_then_on(tmp_path: Path) -> None:
    early = [
        (event[0] - 2500 if event[:3] == (7000, 0, "sched_waking") else event[0], *event[1:]) for event in traced.TRUTH
    ]
    asleep = [
        traced.switch(900, 1, traced.IDLE_1, traced.USED_BY, 0),
        traced.switch(6900, 1, traced.USED_BY, traced.KWORKER),
    ]
    events = sorted([event for event in early if event[0] != 1000] + asleep, key=lambda event: event[0])
    known = parts(split.split(traced.write(tmp_path / "run", events), PIPELINE))
    assert (0, "wake_up", ("asleep", -1, "")) not in known
    # from 6,500, when the item was pushed, it was on its way to sleep until 6,900
    assert known[0, "wake_up", ("running", -1, "")] == 400 + 500
    assert known[0, "wake_up", ("run delay", 1, "kworker")] == 9000 - 6900


def test_the_parts_of_a_guest_s_items_add_up_to_the_nanosecond() -> None:
    known = split.split(GUEST, PIPELINE)
    for place, stage in enumerate(PIPELINE.stages):
        length = known.bounds_ns[:, place + 1] - known.bounds_ns[:, place]
        assert (known.parts_ns[stage].sum(axis=1) == length).all() and (known.parts_ns[stage] >= 0).all()
    items = pd.read_csv(GUEST / "out/samples.csv")
    assert (known.response_ns == items["response_ns"]).all()


def test_threads_of_a_guest_sleep_as_often_as_its_kernel_counted() -> None:
    """From the time when the program read the kernel's counters, 5 ms before the first item, to the thread's end."""
    known = split.split(GUEST, PIPELINE)
    threads = outputs.read_threads(GUEST / "out/threads.csv", PIPELINE)
    for thread in threads:
        did = known.timelines[thread.role]
        since = did.begins_ns > known.begin_ns - 5_000_000
        sleeps = since & np.array([kind.state == "asleep" for kind in did.kinds])[did.doing]
        assert sleeps.sum() - 1 == thread.counters["voluntary_switches"]  # one more: its end


def test_means_are_of_all_and_of_the_slowest_items(tmp_path: Path) -> None:
    few = split.table(split.split(traced.write(tmp_path / "run"), PIPELINE))
    assert set(few["population"]) == {"all"}
    late = few[(few["stage"] == "lateness") & (few["part"] == "run delay")].iloc[0]
    assert (late["cpu"], late["held_by"], late["mean_ns"]) == ("0", "idle", (3000 + 400 + 0) / 3)
    assert few["mean_ns"].sum() == pytest.approx((10_400 + 6000 + 2000) / 3)


def cut(trace: Path) -> None:
    (trace / "cpu0.raw").write_bytes((trace / "cpu0.raw").read_bytes()[:-7])


def lose_page(trace: Path) -> None:
    (trace / "cpu0.raw").write_bytes((trace / "cpu0.raw").read_bytes()[: traced.DATA_BYTES + 16])


def damage(trace: Path) -> None:
    pages = bytearray((trace / "cpu0.raw").read_bytes())
    struct.pack_into("<Q", pages, 8, 3000)
    (trace / "cpu0.raw").write_bytes(pages)


def overrun(trace: Path) -> None:
    stats = trace / "cpu1.stats"
    stats.write_text(stats.read_text().replace("dropped events: 0", "dropped events: 812"))


def empty(trace: Path) -> None:
    for cpu in (0, 1):
        (trace / f"cpu{cpu}.raw").write_bytes(b"")
        stats = trace / f"cpu{cpu}.stats"
        stats.write_text(re.sub("entries: .*", "entries: 0", stats.read_text()))


def remove(trace: Path) -> None:
    shutil.rmtree(trace)


def other_kernel(trace: Path) -> None:
    (trace / "sched_switch.format").write_text(
        (trace / "sched_switch.format").read_text().replace("prev_state", "state")
    )


def other_run(trace: Path) -> None:
    shutil.rmtree(trace.parent)
    samples = traced.SAMPLES.replace("0,0,6000,500,0,3500,400,4000,10400", "0,0,4000,500,0,5500,400,6000,10400")
    traced.write(trace.parent, samples=samples)


def without_thread(trace: Path) -> None:
    lines = (trace / "threads.csv").read_text().splitlines()
    (trace / "threads.csv").write_text("\n".join(lines[:2]) + "\n")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (cut, r"cpu0\.raw: is cut: \d+ bytes are no whole pages of 272: run scripts/trace.sh again"),
        (lose_page, r"cpu0\.raw: has \d+ events of 13: run"),
        (damage, r"cpu0\.raw: page 1 is damaged \(it is longer than a page\): run"),
        (overrun, r"cpu1\.stats: the buffer was full, and 812 events are lost: give trace.sh a larger --buffer-mb or"),
        (empty, "out: is empty: no event was recorded"),
        (remove, r"stats\.csv: cannot be read"),
        (other_kernel, r"sched_switch\.format: lacks prev_state"),
        (without_thread, r"threads\.csv: has no thread whose role is consumer: run"),
        (other_run, r"samples\.csv: row 1: the trace has the producer not running when enqueue ended, so that"),
    ],
)
def test_a_damaged_trace_is_refused_in_one_line(tmp_path: Path, harm: Callable[[Path], None], message: str) -> None:
    run = traced.write(tmp_path / "run")
    harm(run / "out")
    with pytest.raises(Complaint, match=message) as refused:
        split.split(run, PIPELINE)
    assert "\n" not in str(refused.value) and refused.value.exit_code == 1


def planned(count: int) -> list[plan.Row]:
    """So many rows."""
    rows = plan_file.read(RECORDED / plan.file_name("t000", "aarch64", "exact"))
    return [row for row in rows if row.scenario == "baseline"][:count]


def test_a_terminal_shows_the_parts(tmp_path: Path) -> None:
    runs = [traced.write(tmp_path / name) for name in ("one", "two")]
    lines = trace_runs.text(trace_runs.table(runs, planned(2), PIPELINE)).splitlines()
    assert "wake_up   run delay  1   kworker                 0.667" in lines
    assert lines[-1].split() == ["response", "6.133"]


def test_the_report_says_who_had_the_cpu_and_how_much_tracing_took(tmp_path: Path) -> None:
    runs = [traced.write(tmp_path / name) for name in ("one", "two")]
    table = trace_runs.table(runs, planned(2), PIPELINE).assign(latency_p50_ns=5000.0)
    raw = pd.DataFrame(
        {"scenario": "baseline", "seed": [1, 2, 9], "latency_p50_ns": [4000, 4000, 9000], "latency_p99_ns": np.nan}
    )
    text = trace_runs.markdown(table, EXACT, raw, FACTS)
    assert text.splitlines()[2:-2] == [
        "| baseline: latency p50 5.00 µs (+25 %) | lateness | 0.700 | 1.13 | 0.533 | CPU 0 idle |  |  |  |  |",
        "|  | behind | 0 | 0.167 | 0.300 | dog on CPU 1 |  |  |  |  |",
        "|  | wake up | 0.333 | 1.67 | 0.600 | kworker on CPU 1 40 %, producer on CPU 0 30 %, "
        "CPU 1 idle 20 %, rcu_sched on CPU 1 10 % |  |  |  |  |",
        "|  | service | 0 | 0.167 | 0.367 | dog on CPU 1 |  |  |  |  |",
    ]
    assert text.splitlines()[-1].startswith("*Traced*: means of 2 guests")
    other = trace_runs.markdown(table, EXACT, raw, {"scenarios": {"baseline": {"options": {"duration": 9}}}})
    assert "| baseline: latency p50 5.00 µs | lateness" in other  # nothing to compare it with
    assert trace_runs.markdown(table, EXACT._replace(timing="live"), raw, FACTS) == ""


def found(table: pd.DataFrame) -> Said | None:
    environment = {"workload": {"name": "pipeline", "contract": PIPELINE.table}}
    known = Evidence([], environment=environment, beside={trace_runs.FILE: table})
    return next((said(each) for rule in sched.RULES for each in rule(known)), None)


def test_the_finding_names_the_task_that_had_the_cpu(tmp_path: Path) -> None:
    table = trace_runs.table([traced.write(tmp_path / "run")], planned(1), PIPELINE)
    assert found(table) is None  # no part is large
    woken = (table["stage"] == "wake_up") & (table["part"] == "run delay")
    table["mean_ns"] = table["mean_ns"].where(~woken, 2 * table["mean_ns"])
    waits = found(table)
    assert waits is not None and waits.rule == "what items waited for, traced"
    assert (
        "43 % waiting for the consumer to wake up (the consumer without a CPU for 3.3 µs, kworker on CPU 1, producer on CPU 0"
        in waits.evidence
    )
    assert waits.cause == "kworker had CPU 1, where the consumer was to run"
    slowest = pd.concat([table, table.assign(population="slowest 1 %", held_by="producer", cpu="1")])
    waits = found(slowest)
    assert waits is not None and waits.rule == "what the slowest 1 % waited for, traced"
    assert waits.cause == "both threads want CPU 1, and one waits for the other"
    late = table.assign(mean_ns=table["mean_ns"].where(table["part"] != "asleep", 90_000))
    waits = found(late[late["stage"] == "lateness"])
    assert waits is not None and "timer slack" in waits.cause and "timer-slack-ns" in waits.remedy
    live = late.assign(timing="live", mean_ns=late["mean_ns"] * 5)  # more than slack explains
    waits = found(live[live["stage"] == "lateness"])
    assert waits is not None and "slack" not in waits.cause + waits.remedy and "the host did not run it" in waits.cause
    even = pd.concat([table.assign(stage=stage, mean_ns=1.0) for stage in PIPELINE.stages])
    assert found(even) is None
    assert found(table[:0]) is None


def test_the_chrome_trace_has_the_cpus_and_the_run_delays(tmp_path: Path) -> None:
    run = traced.write(tmp_path / "run")
    with pytest.raises(Complaint, match=r"run: has no row\.json, which says what ran: run scripts/trace.sh again"):
        chrome_trace.text(run)
    (run / "row.json").write_text(plan_file.write(planned(1)))
    events = json.loads(chrome_trace.text(run))["traceEvents"]
    slices = {
        (each["pid"], each["tid"], each["name"], each["ts"], round(each["dur"], 3))
        for each in events
        if each["ph"] == "X" and each["pid"] in (chrome_trace.CPUS, chrome_trace.STATES)
    }
    assert (chrome_trace.CPUS, 1, "kworker/1:2", 1.0, 8.0) in slices
    assert (chrome_trace.CPUS, 0, "producer", 5.0, 3.0) in slices
    assert (chrome_trace.STATES, 2, "run delay: producer on CPU 0", 1001.5, 1.5) in slices
    assert (chrome_trace.STATES, 2, "running", 1005.7, 0.8) in slices  # until the last item is done
    assert not any(name in ("idle", "asleep") for _, _, name, _, _ in slices)
