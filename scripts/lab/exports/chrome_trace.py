"""Chrome's trace events, which Perfetto (ui.perfetto.dev) and chrome://tracing show: the items of one run.

One track a thread, one line an item with its stages one after the other, and how full the queue is.
https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab import stages
from lab.complaint import FAILED, Complaint

MOST_ITEMS = 10_000
THREADS = {1: "producer", 2: "consumer"}


def text(run: Path, items: int = MOST_ITEMS) -> str:
    """The first `items` items of the run in the folder `run`. Times of the file are microseconds."""
    file = run / "latencies.csv"
    if not file.is_file():
        raise Complaint(run, "has no latencies.csv: give the folder of a run, such as result_data/runs/RUN", FAILED)
    stages.read(file)  # complains of a damaged file
    table = pd.read_csv(file, nrows=items)
    created = table["intended_ns"] + table["lateness_ns"]
    pushed = created + table["enqueue_ns"]
    popped = pushed + table["queue_latency_ns"]
    done = popped + table["service_ns"]
    events: list[dict[str, Any]] = [
        {"ph": "M", "pid": 1, "tid": tid, "name": "thread_name", "args": {"name": name}}
        for tid, name in THREADS.items()
    ]
    events.append({"ph": "M", "pid": 1, "name": "process_name", "args": {"name": run.name}})
    events += _slices(1, "push", table["item"], created, pushed) + _slices(2, "work", table["item"], popped, done)
    begins_and_ends = ((table["intended_ns"], created), (created, pushed), (pushed, popped), (popped, done))
    for name, (begin, end) in zip(("lateness", "enqueue", "queue latency", "service"), begins_and_ends):
        events += _stages(name, table["item"], begin, end)
    return json.dumps({"displayTimeUnit": "ns", "traceEvents": events + _depth(pushed, popped)}) + "\n"


def _slices(tid: int, name: str, items: pd.Series, begin: pd.Series, end: pd.Series) -> list[dict[str, Any]]:
    """What a thread did with each item."""
    return [
        {"ph": "X", "pid": 1, "tid": tid, "name": name, "ts": start / 1e3, "dur": length / 1e3, "args": {"item": item}}
        for item, start, length in zip(items.tolist(), begin.tolist(), (end - begin).tolist())
    ]


def _stages(name: str, items: pd.Series, begin: pd.Series, end: pd.Series) -> list[dict[str, Any]]:
    """A stage of each item that it spent any time in; stages of several items overlap, so they have no thread."""
    spent = (end > begin).to_numpy()
    return [
        {"ph": phase, "pid": 1, "tid": 1, "cat": "item", "id": item, "name": name, "ts": time / 1e3}
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
        {"ph": "C", "pid": 1, "name": "items in the queue", "ts": time / 1e3, "args": {"items": items}}
        for time, items in zip(times[last].tolist(), depth[last].tolist())
    ]
