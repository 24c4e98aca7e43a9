"""Chrome's trace events, which Perfetto (ui.perfetto.dev) and chrome://tracing show: the items of one run.

One line an item with its stages one after the other, a track with the last of them, and how many items are under way;
of a traced run (scripts/trace.sh) also which task each CPU had, and when the threads were running, or ready without a CPU.
https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab.runs.guest_files import OUT
from lab.tables import stages
from lab.text.complaint import FAILED, Complaint
from lab.trace import split, events as trace_events
from lab.trace.timeline import ASLEEP, IDLE, RUN_DELAY, Doing

MOST_ITEMS = 10_000
ITEMS, CPUS, STATES = 1, 2, 3  # "processes": groups of tracks
TOTALS = ("intended_ns", "latency_ns", "response_ns")  # columns that are no stage


def text(run: Path, items: int = MOST_ITEMS) -> str:
    """The first `items` items of the run in the folder `run`. Times of the file are microseconds."""
    traced = run / OUT  # where a run has it that was made to be traced
    file = (traced if traced.is_dir() else run) / "latencies.csv"
    if not file.is_file():
        raise Complaint(run, "has no latencies.csv: give the folder of a run, such as result_data/runs/RUN", FAILED)
    every = stages.step(file)
    stages.read(file, every)  # complains of a damaged file, and of one without items
    table = pd.read_csv(file, nrows=items)
    names = [name for name in table if name.endswith("_ns") and name not in TOTALS]
    begin = table["intended_ns"]
    events = [
        _named(ITEMS, 1, names[-1]),
        {"ph": "M", "pid": ITEMS, "name": "process_name", "args": {"name": run.name}},
    ]
    for name in names:
        end = begin + table[name]
        events += _stage(name, table["item"], begin, end, of_thread=name == names[-1])
        begin = end
    events += _under_way(table["intended_ns"], begin) if every == 1 else []  # not known where only some items are
    if traced.is_dir():
        events += _scheduling(run, int(begin.max()))
    return json.dumps({"displayTimeUnit": "ns", "traceEvents": events}) + "\n"


def _named(group: int, track: int, name: str) -> dict[str, Any]:
    title = name.removesuffix("_ns").replace("_", " ")
    return {"ph": "M", "pid": group, "tid": track, "name": "thread_name", "args": {"name": title}}


def _stage(name: str, items: pd.Series, begin: pd.Series, end: pd.Series, of_thread: bool) -> list[dict[str, Any]]:
    """A stage of each item that it spent any time in. Those of several items overlap, and so have no track, but one
    that a thread does, one item after the other."""
    title = name.removesuffix("_ns").replace("_", " ")
    spans = list(zip(items.tolist(), (begin / 1e3).tolist(), (end / 1e3).tolist()))
    events: list[dict[str, Any]] = [
        {"ph": phase, "pid": ITEMS, "tid": 1, "cat": "item", "id": item, "name": title, "ts": time}
        for item, start, stop in spans
        if stop > start
        for phase, time in (("b", start), ("e", stop))
    ]
    track = {"ph": "X", "pid": ITEMS, "tid": 1, "name": title}
    done = [track | {"ts": start, "dur": stop - start, "args": {"item": item}} for item, start, stop in spans]
    return events + (done if of_thread else [])


def _under_way(begin: pd.Series, done: pd.Series) -> list[dict[str, Any]]:
    """How many items have begun and are not done, whenever that changes; at the same time the end counts first."""
    times = np.concatenate([done.to_numpy(), begin.to_numpy()])
    steps = np.repeat([-1, 1], len(done))
    order = np.argsort(times, kind="stable")
    times, depth = times[order], np.cumsum(steps[order])
    last = np.append(times[1:] != times[:-1], True)  # of several changes at once
    return [
        {"ph": "C", "pid": ITEMS, "name": "items under way", "ts": time / 1e3, "args": {"items": items}}
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
    for place, (role, own) in enumerate(did.items(), start=1):
        names = pd.Series([_doing(kind) for kind in own.kinds])[own.doing].reset_index(drop=True)
        made += _track(STATES, place, role, pd.Series(own.begins_ns - known.begin_ns), names, {ASLEEP}, end_ns)
    return made


def _doing(kind: Doing) -> str:
    return f"{kind.state}: {kind.held_by} on CPU {kind.cpu}" if kind.state == RUN_DELAY else kind.state


def _track(
    group: int, tid: int, title: str, begins: pd.Series, names: pd.Series, hidden: set[str], end_ns: int
) -> list[dict[str, Any]]:
    """One track on which each slice lasts until the next begins; those that are `hidden` are left out."""
    ends = begins.shift(-1, fill_value=end_ns).clip(upper=end_ns)
    shown = (ends > 0) & (begins < end_ns) & ~names.isin(hidden)
    return [_named(group, tid, title)] + [
        {"ph": "X", "pid": group, "tid": tid, "name": name, "ts": begin / 1e3, "dur": (end - begin) / 1e3}
        for name, begin, end in zip(names[shown], begins[shown].clip(lower=0).tolist(), ends[shown].tolist())
    ]
