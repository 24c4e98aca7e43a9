"""Chrome's trace events, which Perfetto (ui.perfetto.dev) and chrome://tracing show: the items of one run.

One track a thread, one line an item with its stages one after the other, and how full the queue is; of a traced run
(scripts/trace.sh) also which task each CPU had, and when the threads were running, or ready without a CPU.
https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab.tables import stages
from lab.trace import split, events as trace_events
from lab.text.complaint import FAILED, Complaint
from lab.runs.guest_files import OUT
from lab.trace.timeline import ASLEEP, IDLE, RUN_DELAY, Doing

MOST_ITEMS = 10_000
THREADS = {1: "producer", 2: "consumer"}
ITEMS, CPUS, STATES = 1, 2, 3  # "processes": groups of tracks


def text(run: Path, items: int = MOST_ITEMS) -> str:
    """The first `items` items of the run in the folder `run`. Times of the file are microseconds."""
    traced = run / OUT  # where a run has it that was made to be traced
    file = (traced if traced.is_dir() else run) / "latencies.csv"
    if not file.is_file():
        raise Complaint(run, "has no latencies.csv: give the folder of a run, such as result_data/runs/RUN", FAILED)
    every = stages.step(file)
    stages.read(file, every)  # complains of a damaged file, and of one without items
    table = pd.read_csv(file, nrows=items)
    created = table["intended_ns"] + table["lateness_ns"]
    pushed = created + table["enqueue_ns"]
    popped = pushed + table["queue_latency_ns"]
    done = popped + table["service_ns"]
    events: list[dict[str, Any]] = [
        {"ph": "M", "pid": ITEMS, "tid": tid, "name": "thread_name", "args": {"name": name}}
        for tid, name in THREADS.items()
    ]
    events.append({"ph": "M", "pid": ITEMS, "name": "process_name", "args": {"name": run.name}})
    events += _slices(1, "push", table["item"], created, pushed) + _slices(2, "work", table["item"], popped, done)
    begins_and_ends = ((table["intended_ns"], created), (created, pushed), (pushed, popped), (popped, done))
    for name, (begin, end) in zip(("lateness", "enqueue", "queue latency", "service"), begins_and_ends):
        events += _stages(name, table["item"], begin, end)
    events += _depth(pushed, popped) if every == 1 else []  # not known where only some items are
    if traced.is_dir():
        events += _scheduling(run, int(done.max()))
    return json.dumps({"displayTimeUnit": "ns", "traceEvents": events}) + "\n"


def _slices(tid: int, name: str, items: pd.Series, begin: pd.Series, end: pd.Series) -> list[dict[str, Any]]:
    """What a thread did with each item."""
    return [
        {
            "ph": "X",
            "pid": ITEMS,
            "tid": tid,
            "name": name,
            "ts": start / 1e3,
            "dur": length / 1e3,
            "args": {"item": item},
        }
        for item, start, length in zip(items.tolist(), begin.tolist(), (end - begin).tolist())
    ]


def _stages(name: str, items: pd.Series, begin: pd.Series, end: pd.Series) -> list[dict[str, Any]]:
    """A stage of each item that it spent any time in; stages of several items overlap, so they have no thread."""
    spent = (end > begin).to_numpy()
    return [
        {"ph": phase, "pid": ITEMS, "tid": 1, "cat": "item", "id": item, "name": name, "ts": time / 1e3}
        for item, start, stop in zip(items[spent].tolist(), begin[spent].tolist(), end[spent].tolist())
        for phase, time in (("b", start), ("e", stop))
    ]


def _depth(pushed: pd.Series, popped: pd.Series) -> list[dict[str, Any]]:
    """How many items the queue holds, whenever that changes; at the same time the pop counts first."""
    times = np.concatenate([popped.to_numpy(), pushed.to_numpy()])
    steps = np.concatenate([np.full(len(popped), -1), np.full(len(pushed), 1)])
    order = np.argsort(times, kind="stable")
    times, depth = times[order], np.cumsum(steps[order])
    last = np.append(times[1:] != times[:-1], True)  # of several changes at once
    return [
        {"ph": "C", "pid": ITEMS, "name": "items in the queue", "ts": time / 1e3, "args": {"items": items}}
        for time, items in zip(times[last].tolist(), depth[last].tolist())
    ]


def _scheduling(run: Path, end_ns: int) -> list[dict[str, Any]]:
    """What the CPUs and the threads of a traced run did from the first measured item on until `end_ns`."""
    events = trace_events.read(run)
    known = split.threads(events, run)
    made: list[dict[str, Any]] = []
    for group, name in ((CPUS, "CPUs"), (STATES, "threads")):
        made.append({"ph": "M", "pid": group, "name": "process_name", "args": {"name": name}})
    tasks = {0: IDLE} | known.names
    for cpu, switches in events["sched_switch"].groupby("cpu"):
        names = switches["next_pid"].map(tasks).fillna(switches["next_comm"])
        made += _track(CPUS, int(cpu), f"CPU {cpu}", switches["time_ns"] - known.begin_ns, names, {IDLE}, end_ns)
    did = split.timelines(events, known)
    for tid, thread in THREADS.items():
        names = pd.Series([_doing(kind) for kind in did[thread].kinds])[did[thread].doing].reset_index(drop=True)
        made += _track(STATES, tid, thread, pd.Series(did[thread].begins_ns - known.begin_ns), names, {ASLEEP}, end_ns)
    return made


def _doing(kind: Doing) -> str:
    return f"{kind.state}: {kind.held_by} on CPU {kind.cpu}" if kind.state == RUN_DELAY else kind.state


def _track(
    group: int, tid: int, title: str, begins: pd.Series, names: pd.Series, hidden: set[str], end_ns: int
) -> list[dict[str, Any]]:
    """One track on which each slice lasts until the next begins; those that are `hidden` are left out."""
    ends = begins.shift(-1, fill_value=end_ns).clip(upper=end_ns)
    shown = (ends > 0) & (begins < end_ns) & ~names.isin(hidden)
    title_event = {"ph": "M", "pid": group, "tid": tid, "name": "thread_name", "args": {"name": title}}
    return [title_event] + [
        {"ph": "X", "pid": group, "tid": tid, "name": name, "ts": begin / 1e3, "dur": (end - begin) / 1e3}
        for name, begin, end in zip(names[shown], begins[shown].clip(lower=0).tolist(), ends[shown].tolist())
    ]
