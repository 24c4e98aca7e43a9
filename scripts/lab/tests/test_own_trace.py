"""Traces of a user's program: synthetic ones, whose truth is known, and one that a guest left."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lab.judge.evidence import Evidence
from lab.plan import contract, plan, plan_file
from lab.report import exports
from lab.report.exports import chrome_trace
from lab.report.findings import sentences
from lab.runs import observe, one, run_record
from lab.tables.measurement import Measurement
from lab.tests import traced
from lab.tests.conftest import RECORDED
from lab.text.complaint import Complaint
from lab.trace import events as trace_events, futexes, own_findings, own_runs, threads, timeline
from lab.trace.threads import Program

GUEST = Path(__file__).parent / "recorded_own_trace"  # 4 threads of examples/counter_lock, in an aarch64 guest
EXACT = Measurement("aarch64", "exact", "tcg")
MAIN, ONE, TWO = 10, 11, 12
SLEEPS, READY, ENDS = 1, 0x100, 0x20  # of prev_state
PRIVATE, WAIT, WAKE = 128, 0, 1
ALL = 0x7FFFFFFF
KNOWN = contract.of_table(
    "app",
    {
        "program": "app",
        "command": "app",
        "metrics": {"time_s": {"stdout": "([0-9.]+)", "unit": "s", "better": "lower"}},
    },
    "app.toml",
    "/home/me/app.toml",
)


class Kernel:
    """Makes events as trace_events.read() gives them. Times are ns from 1,000,000 on."""

    COLUMNS = {
        "sched_switch": trace_events.FIELDS["sched_switch"],
        "sched_waking": trace_events.FIELDS["sched_waking"],
        "sched_wakeup": trace_events.FIELDS["sched_wakeup"],
        "sched_migrate_task": trace_events.FIELDS["sched_migrate_task"],
        "sched_wakeup_new": trace_events.OPTIONAL["sched_wakeup_new"],
        "sys_enter": ["common_pid", "args_0", "args_1", "args_2"],
        "sys_exit": ["common_pid"],
    }

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in self.COLUMNS}

    def add(self, name: str, time: int, cpu: int, *fields: Any) -> None:
        self.rows[name].append((1_000_000 + time, cpu, *fields))

    def switch(self, time: int, cpu: int, before: int, after: int, state: int = SLEEPS) -> None:
        self.add("sched_switch", time, cpu, f"t{before}", before, state, f"t{after}", after)

    def make(self, time: int, cpu: int, by: int, tid: int) -> None:
        self.add("sched_wakeup_new", time, cpu, 0, by, tid, cpu)

    def wake(self, time: int, cpu: int, by: int, tid: int, target: int, flags: int = 0) -> None:
        self.add("sched_waking", time, cpu, flags, by, tid)
        self.add("sched_wakeup", time, cpu, tid, target)

    def call(self, begin: int, end: int, tid: int, address: int, op: int, value: int = 0) -> None:
        self.add("sys_enter", begin, 0, tid, address, op | PRIVATE, value)
        self.add("sys_exit", end, 0, tid)

    def events(self, *without: str) -> dict[str, pd.DataFrame]:
        return {
            name: pd.DataFrame(rows, columns=["time_ns", "cpu", *self.COLUMNS[name]]).sort_values(
                "time_ns", kind="stable", ignore_index=True
            )
            for name, rows in self.rows.items()
            if name not in without
        }


def program(kernel: Kernel, names: dict[int, str], length: int, *without: str, cpus: int = 2) -> Program:
    events = kernel.events(*without)
    spans = threads._spans(list(names), events, 1_000_000, 1_000_000 + length)
    return Program(names, spans, events, cpus)


def sums(table: pd.DataFrame, *columns: str) -> dict[tuple[Any, ...], int]:
    return {tuple(row[:-1]): int(row[-1]) for row in table[[*columns, "total_ns"]].itertuples(index=False)}


def hand_over(items: int = 20) -> Kernel:
    """ONE sleeps in a futex call on CPU 0 until TWO, on CPU 1, which works for 900 ns, has something for it. That takes
    100 ns; and 50 ns pass until ONE has its CPU."""
    kernel = Kernel()
    kernel.make(0, 0, MAIN, ONE)
    kernel.make(0, 1, MAIN, TWO)
    kernel.switch(0, 0, 0, ONE)
    kernel.switch(0, 1, 0, TWO)
    for number in range(items):
        at = 1000 * number
        kernel.call(at + 10, at + 960, ONE, 0x2000 + 4 * (number % 2), 9)
        kernel.switch(at + 50, 0, ONE, 0)
        kernel.call(at + 890, at + 910, TWO, 0x2000 + 4 * (number % 2), WAKE, 1)
        kernel.wake(at + 900, 1, TWO, ONE, 0)
        kernel.switch(at + 950, 0, 0, ONE, 0)
    kernel.switch(1000 * items, 0, ONE, 0, ENDS)
    kernel.switch(1000 * items, 1, TWO, 0, ENDS)
    return kernel


NAMES = {ONE: "user", TWO: "maker"}


def test_threads_are_asleep_ready_or_running_and_that_is_their_life() -> None:
    known = program(hand_over(), NAMES, 30_000)
    table = threads.table(known, futexes.sleeps_in(futexes.waits(known), len(known.spans)))
    assert sums(table, "thread", "part", "cpu", "held_by", "woken_by", "slept_in") == {
        ("user", "asleep", "", "", "maker", "futex"): 20 * 850,
        ("user", "run delay", "0", "idle", "", ""): 20 * 50,
        ("user", "running", "0", "", "", ""): 20 * 100,
        ("maker", "running", "1", "", "", ""): 20_000,
    }
    assert table.loc[table["part"] == "asleep", ["threads", "times"]].to_numpy().tolist() == [[1, 20]]
    assert known.life_ns.to_dict() == {ONE: 20_000, TWO: 20_000}


def test_only_the_measured_part_counts() -> None:
    events = hand_over().events()
    spans = threads._spans([ONE, TWO], events, 1_000_500, 1_001_500)
    table = threads.table(Program(NAMES, spans, events, 2), None)
    assert sums(table, "thread", "part", "woken_by", "slept_in") == {
        ("user", "asleep", "maker", ""): 400,
        ("user", "asleep", "", ""): 450,  # which does not end
        ("user", "run delay", "", ""): 50,
        ("user", "running", "", ""): 100,
        ("maker", "running", "", ""): 1000,
    }


def test_a_timer_wakes_and_not_the_task_that_it_interrupts() -> None:
    kernel = Kernel()
    kernel.make(0, 0, MAIN, ONE)
    kernel.switch(0, 0, 0, ONE)
    kernel.switch(100, 0, ONE, 0)
    kernel.wake(500, 1, TWO, ONE, 0, flags=timeline.INTERRUPT)
    kernel.switch(600, 0, 0, ONE, 0)
    kernel.switch(700, 0, ONE, 0)
    kernel.wake(800, 0, 0, ONE, 0)  # the idle task is interrupted, or nothing wakes
    kernel.switch(900, 0, 0, ONE, 0)
    table = threads.table(program(kernel, NAMES, 1000), None)
    assert sums(table, "part", "woken_by")[("asleep", "interrupt")] == 400 + 100


def test_who_had_the_cpu_and_whether_another_one_was_idle_meanwhile() -> None:
    kernel = Kernel()
    for tid in (ONE, TWO):
        kernel.make(0, 0, MAIN, tid)
    kernel.switch(0, 0, 0, ONE)
    kernel.switch(0, 1, 50, 0)  # until 600 CPU 1 is idle
    kernel.switch(400, 0, ONE, TWO, READY)
    kernel.switch(600, 1, 0, 50)
    kernel.switch(800, 0, TWO, ONE, READY)
    table = threads.table(program(kernel, NAMES, 1000), None)
    delays = table[table["part"] == "run delay"]
    assert sums(delays, "thread", "held_by") == {("user", "maker"): 400, ("maker", "user"): 400 + 200}
    assert dict(zip(delays["thread"], delays["idle_ns"])) == {"user": 200, "maker": 400}
    alone = threads.table(program(kernel, NAMES, 1000, cpus=3), None)  # a third one never had a task
    assert alone.loc[alone["held_by"] == "maker", "idle_ns"].tolist() == [400]


def test_a_condition_is_what_others_wake_at_and_its_two_words_are_one() -> None:
    known = program(hand_over(), NAMES, 30_000)
    table = futexes.table(known, futexes.waits(known))
    assert len(table) == 1
    row = table.iloc[0]
    assert row[["address", "kind", "waiters", "threads", "wakers", "waker", "waker_share"]].tolist() == [
        "0x2000",
        "condition",
        "user",
        1,
        "maker 20",
        "maker",
        1,
    ]
    assert row[["waits", "wait_ns", "longest_ns", "life_ns"]].tolist() == [20, 20 * 950, 950, 20_000]


def contended(value: int = 1, items: int = 20) -> Kernel:
    """ONE and TWO have a CPU each. In turns one sleeps for a lock at 0x3000 until the other wakes it."""
    kernel = Kernel()
    for cpu, tid in enumerate((ONE, TWO)):
        kernel.make(0, cpu, MAIN, tid)
        kernel.switch(0, cpu, 0, tid)
    for number in range(items):
        at, cpu = 1000 * number, number % 2
        sleeper, other = (ONE, TWO) if cpu == 0 else (TWO, ONE)
        kernel.call(at + 100, at + 650, sleeper, 0x3000, WAIT, 2)
        kernel.switch(at + 110, cpu, sleeper, 0)
        kernel.call(at + 550, at + 620, other, 0x3000, WAKE, value)
        kernel.wake(at + 600, 1 - cpu, other, sleeper, cpu)
        kernel.switch(at + 640, cpu, 0, sleeper, 0)
    for cpu, tid in enumerate((ONE, TWO)):
        kernel.switch(1000 * items, cpu, tid, 0, ENDS)
    return kernel


def test_a_lock_is_what_those_wake_at_who_wait_there() -> None:
    known = program(contended(), {ONE: "worker-*", TWO: "worker-*"}, 30_000)
    row = futexes.table(known, futexes.waits(known)).iloc[0]
    assert row[["kind", "waiters", "threads", "wakers", "waits", "wait_ns"]].tolist() == [
        "lock",
        "worker-*",
        2,
        "worker-* 20",
        20,
        20 * 550,
    ]


def test_a_barrier_is_where_one_of_those_who_wait_wakes_all() -> None:
    known = program(contended(ALL), NAMES, 30_000)
    assert futexes.table(known, futexes.waits(known))["kind"].tolist() == ["barrier"]


def test_a_join_is_where_a_thread_that_ends_wakes() -> None:
    kernel = Kernel()
    kernel.make(0, 0, MAIN, ONE)
    kernel.make(0, 1, MAIN, TWO)
    kernel.switch(0, 0, 0, ONE)
    kernel.switch(0, 1, 0, TWO)
    kernel.call(10, 5100, ONE, 0x4000, WAIT, TWO)
    kernel.switch(50, 0, ONE, 0)
    kernel.wake(5000, 1, TWO, ONE, 0)  # the kernel does, without a call
    kernel.switch(5010, 1, TWO, 0, ENDS)
    kernel.switch(5050, 0, 0, ONE, 0)
    kernel.switch(6000, 0, ONE, 0, ENDS)
    known = program(kernel, NAMES, 30_000)
    assert futexes.table(known, futexes.waits(known))[["kind", "waker"]].values.tolist() == [["join", "maker"]]
    assert "waits for another thread" not in found(known)


def test_a_call_that_does_not_sleep_is_no_wait_and_one_without_an_end_lasts() -> None:
    kernel = hand_over(1)
    kernel.call(100, 110, TWO, 0x5000, WAIT)  # the value had changed
    kernel.add("sys_enter", 965, 0, ONE, 0x6000, WAIT | PRIVATE, 0)
    kernel.rows["sched_switch"] = [row for row in kernel.rows["sched_switch"] if row[0] < 1_001_000]
    kernel.switch(980, 0, ONE, 0)
    known = program(kernel, NAMES, 5000)
    table = futexes.table(known, futexes.waits(known)).set_index("address")
    assert table["wait_ns"].to_dict() == {"0x6000": 5000 - 965, "0x2000": 950}
    assert table.loc["0x6000", ["kind", "wakers", "waker", "waker_share"]].tolist() == ["condition", "", "", 0]


@pytest.mark.parametrize("calls", [traced.CALLS, traced.CALLS_32])
def test_system_calls_come_out_of_the_pages(tmp_path: Path, calls: dict[str, tuple[int, dict[str, str]]]) -> None:
    entered = (9000, 0, "sys_enter", (98, 0xFFFF1234, 128, 2, 0, 0, 7))
    left = (9100, 0, "sys_exit", (98, 0))
    run = traced.write(tmp_path / "run", sorted([*traced.TRUTH, entered, left], key=lambda each: each[0]), others=calls)
    events = trace_events.read(run)
    first = events["sys_enter"].iloc[0]
    assert first[["common_pid", "args_0", "args_1", "args_2", "args_5"]].tolist() == [
        traced.MAIN,
        0xFFFF1234,
        128,
        2,
        7,
    ]
    assert events["sys_exit"]["common_pid"].tolist() == [traced.MAIN]
    assert "sys_enter" not in trace_events.read(traced.write(tmp_path / "other"))


# ---- what a guest left ----


def rows_of(count: int) -> list[plan.Row]:
    rows = plan_file.read(RECORDED / plan.file_name("t000", "aarch64", "exact"))
    return [replace(row, scenario="threads-4") for row in rows if row.scenario == "baseline"][:count]


def test_lives_of_a_guest_s_threads_are_those_that_its_kernel_counted() -> None:
    known = threads.read(GUEST, KNOWN)
    counted = pd.read_csv(GUEST / "out/threads.csv").set_index("tid")
    running = known.spans[known.spans["state"] == timeline.STATES.index("running")]
    ran = (running["end_ns"] - running["begin_ns"]).groupby(running["tid"]).sum()
    # The kernel's counts end a little before a thread's last switch, and the first one's began before the program. It does
    # not count as running what a switch takes.
    workers = sorted(counted.index)[1:]
    assert set(counted["thread"]) == {"counter_lock"} and len(workers) == 4
    assert np.allclose(ran[workers], counted.loc[workers, "cpu_ns"], rtol=0.25)
    assert np.allclose(known.life_ns[workers], counted.loc[workers, "elapsed_ns"], rtol=0.05)


def test_a_guest_s_lock_is_found() -> None:
    known = threads.read(GUEST, KNOWN)
    first = futexes.table(known, futexes.waits(known)).iloc[0]
    assert first[["kind", "waiters", "threads", "wakers"]].tolist() == ["lock", "counter_lock", 4, "counter_lock 93"]


def test_the_tables_are_kept_and_shown(tmp_path: Path) -> None:
    of_threads, of_futexes = own_runs.tables([GUEST], rows_of(1), KNOWN)
    for table, found in ((own_runs.THREADS, of_threads), (own_runs.FUTEXES, of_futexes)):
        (tmp_path / "kept.csv").write_text(table.csv(found))
        again = own_runs.merged(tmp_path / "kept.csv", table, found, of_threads)
        assert table.csv(again) == table.csv(found)
        other = own_runs.merged(tmp_path / "kept.csv", table, found, of_threads.assign(scenario="other"))
        assert len(other) == 2 * len(found)
    lines = own_runs.text(of_threads, of_futexes).splitlines()
    assert lines[1].split()[:4] == ["counter_lock", "(5)", "asleep", "counter_lock"] and "(futex)" in lines[1]
    assert any(line.startswith("lock ") and line.endswith("counter_lock 93") for line in lines)
    text = own_runs.markdown(of_threads, of_futexes, EXACT)
    assert "| threads-4 | counter_lock × 5 | 26.6 | 11.8 | counter_lock 92 % | 9.8 | counter_lock 100 % |" in text
    assert "| threads-4 | lock | 0x" in text and "means of 1 guest that" in text
    assert own_runs.markdown(of_threads, of_futexes, EXACT._replace(timing="live")) == ""
    assert own_runs.markdown(of_threads[:0], of_futexes[:0], EXACT) == ""


def test_a_trace_without_futex_calls_says_no_more_than_that_they_slept(tmp_path: Path) -> None:
    known = program(hand_over(), NAMES, 30_000, "sys_enter", "sys_exit")
    assert not futexes.are_known(known)
    table = threads.table(known, None)
    assert set(table["slept_in"]) == {""}


def test_threads_that_are_not_in_the_trace_are_refused(tmp_path: Path) -> None:
    run = traced.write(tmp_path / "run")
    (run / "out/process.csv").write_text("key,value\nbegin_ns,1\nduration_s,0.5\n")
    (run / "out/threads.csv").write_text("thread,tid,role,cpu\nx,999,,\n")
    with pytest.raises(
        Complaint, match="threads.csv: has no thread of which the trace knows: run scripts/trace.sh again"
    ):
        threads.read(run, KNOWN)


# ---- findings ----


def found(known: Program) -> dict[str, tuple[str, str, str]]:
    """Evidence, cause and remedy by the name of the rule."""
    about = {"scenario": "a", **EXACT._asdict(), "seed": 1}
    waits = futexes.waits(known) if futexes.are_known(known) else None
    in_futex = None if waits is None else futexes.sleeps_in(waits, len(known.spans))
    beside = {own_runs.THREADS_FILE: threads.table(known, in_futex).assign(**about)}
    if waits is not None:
        beside[own_runs.FUTEXES_FILE] = futexes.table(known, waits).assign(**about)
    evidence = Evidence([], beside=beside)
    return {rule.name: sentences(each, rule, KNOWN) for rule in own_findings.RULES for each in rule(evidence)}


def test_a_contended_lock_is_a_finding() -> None:
    said = found(program(contended(), {ONE: "worker-*", TWO: "worker-*"}, 30_000))
    assert list(said) == ["a lock that threads wait for"]
    evidence, cause, remedy = said["a lock that threads wait for"]
    assert evidence == (
        "2 threads (worker-*) waited for one lock (futex 0x3000) 28 % of their life: 20 times, 1 µs each; "
        "woken by one another"
    )
    assert "one thread at a time" in cause and "split it" in remedy
    said = found(program(contended(), NAMES, 30_000))
    assert "woken by maker (50 %)" in str(said) or "woken by user (50 %)" in str(said)
    assert not found(program(contended(items=4), NAMES, 30_000))  # too few


def test_a_barrier_is_a_finding() -> None:
    assert list(found(program(contended(ALL), NAMES, 30_000))) == ["a barrier that threads wait at"]


@pytest.mark.parametrize("without", [(), ("sys_enter", "sys_exit")])
def test_a_thread_that_waits_for_another_is_a_finding(without: tuple[str, ...]) -> None:
    said = found(program(hand_over(), NAMES, 30_000, *without))
    assert list(said) == ["waits for another thread"]
    evidence, cause, _ = said["waits for another thread"]
    share, mean = (95, 0.95) if not without else (85, 0.85)
    assert evidence == f"user waited {share} % of its life until maker woke it: 20 times, {mean:.0f} µs each"
    assert cause.startswith("maker is the slower one")
    same = found(program(hand_over(), {ONE: "app", TWO: "app"}, 30_000))["waits for another thread"]
    assert same[1].startswith("another of that name is the slower one")


def test_threads_that_work_in_turns_are_a_finding() -> None:
    kernel = Kernel()
    for cpu, tid in enumerate((ONE, TWO)):
        kernel.make(0, cpu, MAIN, tid)
        kernel.switch(0, cpu, 0, tid)
    for number in range(40):  # through pipes
        at, cpu = 1000 * number, number % 2
        sleeper, other = (ONE, TWO) if cpu == 0 else (TWO, ONE)
        kernel.switch(at + 100, cpu, sleeper, 0)
        kernel.wake(at + 950, 1 - cpu, other, sleeper, cpu)
        kernel.switch(at + 960, cpu, 0, sleeper, 0)
    evidence, cause, _ = found(program(kernel, NAMES, 40_000))["waits for another thread"]
    assert "; and " in evidence and evidence.endswith("woke it") and "in turns" in cause
    same = found(program(kernel, {ONE: "app", TWO: "app"}, 40_000))["waits for another thread"]
    assert same[0].startswith("app waited 42 % of its life until another of that name woke it: 40")
    assert "in turns" in same[1]


def shared(own: bool = True, is_idle: bool = True, sleeps: int = 0) -> Kernel:
    """ONE and TWO, or a foreign task, have CPU 0 in turns of 1,000 ns; ONE sleeps so long in each of its own."""
    kernel, other = Kernel(), TWO if own else 77
    for tid in (ONE, TWO):
        kernel.make(0, 0, MAIN, tid)
    kernel.switch(0, 1, 60, 0 if is_idle else 60)
    kernel.switch(0, 0, 0, ONE)
    for number in range(20):
        at = 2000 * number
        kernel.switch(at + 1000, 0, ONE, other, SLEEPS if sleeps else READY)
        if sleeps:
            kernel.wake(at + 1000 + sleeps, 1, MAIN, ONE, 0)
        kernel.switch(at + 2000, 0, other, ONE, READY)
    return kernel


def test_threads_that_spin_on_one_cpu_are_a_finding() -> None:
    said = found(program(shared(), NAMES, 40_000))
    assert list(said) == ["spinning threads on one CPU"]
    evidence, cause, _ = said["spinning threads on one CPU"]
    assert "and had CPU 0 in turns: without it for 50 % and 50 % of it; meanwhile" in evidence
    assert evidence.endswith("another CPU had nothing to do 100 % of the time") and "(spins)" in cause
    assert "another CPU" not in found(program(shared(is_idle=False), NAMES, 40_000))["spinning threads on one CPU"][0]


def test_a_thread_without_a_cpu_is_a_finding() -> None:
    name = "woken, and without a CPU"
    evidence, cause, remedy = found(program(shared(sleeps=500), NAMES, 40_000))[name]
    assert evidence.startswith("maker was ready and had no CPU for 50 % of its life") and "user had CPU 0" in evidence
    assert "meanwhile another CPU had nothing to do" in evidence
    assert "pinned" in cause and "taskset" in remedy
    assert "more threads" in found(program(shared(sleeps=500, is_idle=False), NAMES, 40_000))[name][1]
    foreign = found(program(shared(own=False), {ONE: "user"}, 40_000))[name]
    assert foreign[1].startswith("t77, which is not the program's") and "isolcpus" in foreign[2]
    assert not found(program(hand_over(2), {TWO: "maker"}, 2000))


def test_only_guests_of_own_programs_record_futex_calls() -> None:
    row = observe.observed(rows_of(1), "trace", {one.BUFFER_MB: "2"})[0]
    assert "--futex" not in " ".join(one.command(row))
    words = one.command(replace(row, parcel="0123456789abcdef"))
    assert words[words.index("--wrap") + 1] == "sh /trace_guest.sh 2048 --futex"


# ---- for Perfetto ----


def exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **limits: int) -> list[dict[str, Any]]:
    """The events of GUEST's export."""
    for name, value in limits.items():
        monkeypatch.setattr(chrome_trace, name, value)
    run = tmp_path / "run"
    shutil.copytree(GUEST, run)
    (run / run_record.ROW).write_text(plan_file.write(rows_of(1)))
    monkeypatch.setattr(contract, "load", lambda *_: KNOWN)
    events: list[dict[str, Any]] = json.loads(exports.OF_RUN["chrome-trace"](run))["traceEvents"]
    return events


def test_a_program_s_export_has_its_cpus_its_threads_and_what_they_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = exported(tmp_path, monkeypatch)
    titles = {(each["pid"], each["tid"]): each["args"]["name"] for each in events if each["name"] == "thread_name"}
    tids = pd.read_csv(GUEST / "out/threads.csv")["tid"].sort_values()
    assert list(titles.values()) == ["CPU 0", "CPU 1", *(f"counter_lock {tid}" for tid in tids)]
    slices = [each for each in events if each["ph"] == "X"]
    assert {each["pid"] for each in slices} == {chrome_trace.CPUS, chrome_trace.STATES}
    known = threads.read(GUEST, KNOWN)
    life_us = (known.spans["end_ns"].max() - known.spans["begin_ns"].min()) / 1e3
    assert all(0 <= each["ts"] and each["ts"] + each["dur"] <= life_us + 1e-6 for each in slices)
    running = sum(each["dur"] for each in slices if each["name"] == "running")
    table = threads.table(known, None)
    assert running == pytest.approx(table.loc[table["part"] == "running", "total_ns"].sum() / 1e3)
    at = f"waits at futex {futexes.table(known, futexes.waits(known))['address'].iat[0]}"
    assert sum(each["name"] == at for each in slices) == 93
    assert any(each["name"].startswith("run delay: counter_lock on CPU ") for each in slices)


def test_slices_of_a_thread_lie_in_one_another_or_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = exported(tmp_path, monkeypatch)
    open_ends: dict[tuple[int, int], list[float]] = {}
    for each in (each for each in events if each["ph"] == "X"):
        ends = open_ends.setdefault((each["pid"], each["tid"]), [])
        end = round(each["ts"] + each["dur"], 3)
        while ends and ends[-1] <= round(each["ts"], 3):
            ends.pop()
        assert not ends or end <= ends[-1]
        ends.append(end)


def test_what_is_too_much_to_look_at_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = exported(tmp_path, monkeypatch, MOST_THREADS=2, MOST_SWITCHES=20)
    assert len({each["tid"] for each in events if each["pid"] == chrome_trace.STATES and "tid" in each}) == 2
    assert 10 < sum(each["ph"] == "X" and each["pid"] == chrome_trace.CPUS for each in events) <= 20
