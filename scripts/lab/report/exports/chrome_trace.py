"""Chrome's trace events, which Perfetto (ui.perfetto.dev) and chrome://tracing show: the items of one run.

One track a role with what its thread did, unless it has several, one line an item with its stages one after the other,
and how many are queued; of a traced run (scripts/trace.sh) also which task each CPU had, and when the threads were
running, or ready without a CPU. Of a user's program, whose items nobody knows unless it has [stages], that is all.
https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

import json
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab.plan.contract import Contract
from lab.runs import outputs, run_record
from lab.runs.guest_files import OUT
from lab.tables import stages
from lab.text.complaint import FAILED, Complaint
from lab.trace import futexes, split, threads, events as trace_events
from lab.trace.timeline import ASLEEP, IDLE, RUN_DELAY, STATES as PARTS

MOST_ITEMS = 10_000
MOST_SWITCHES = 100_000  # of the CPUs of a user's program: what comes later is left out
MOST_THREADS = 200  # of a user's program, which have a track: those that lived longest
ITEMS, CPUS, STATES = 1, 2, 3  # "processes": groups of tracks


def text(run: Path, items: int = MOST_ITEMS) -> str:
    """The first `items` items of the run in the folder `run`. Times of the file are microseconds."""
    is_traced = (run / OUT).is_dir()  # where a run has it that was made to be traced
    known = run_record.contract_of(run)
    if known is None and is_traced:
        raise Complaint(run, f"has no {run_record.ROW}, which says what ran: run scripts/trace.sh again", FAILED)
    if known is None:
        what = f"has no {run_record.RECORD}: give the folder of a run, such as result_data/runs/RUN"
        raise Complaint(run, what, FAILED)
    if known.own and is_traced:
        events = _of_program(run, known)
    elif known.stages:
        events = _of_items(run, known, items, is_traced)
    else:
        remedy = "give a traced run, such as result_data/runs/traces/RUN, which 'make trace' makes"
        raise Complaint(run, f"is of {known.name}, which says nothing of single items ([stages]): {remedy}", FAILED)
    return json.dumps({"displayTimeUnit": "ns", "traceEvents": events}) + "\n"


def _of_items(run: Path, known: Contract, items: int, is_traced: bool) -> list[dict[str, Any]]:
    file = (run / OUT if is_traced else run) / outputs.SAMPLES
    if not file.is_file():
        what = f"has no {outputs.SAMPLES}: give the folder of a run, such as result_data/runs/RUN"
        raise Complaint(run, what, FAILED)
    stages.read(file, known)  # complains of a damaged file, and of one without items
    table = pd.read_csv(file, nrows=items)
    ends = table["intended_ns"].to_numpy()[:, None] + table[[each.column for each in known.stages.values()]].cumsum(
        axis=1
    )
    begins = ends.shift(1, axis=1)
    begins.isetitem(0, table["intended_ns"])
    events: list[dict[str, Any]] = [{"ph": "M", "pid": ITEMS, "name": "process_name", "args": {"name": run.name}}]
    for tid, role in enumerate(known.roles, start=1):
        events.append({"ph": "M", "pid": ITEMS, "tid": tid, "name": "thread_name", "args": {"name": role}})
    for place, stage in enumerate(known.stages.values()):
        events += _stages(stage.name, table["item"], begins.iloc[:, place], ends.iloc[:, place])
    events += _work(table["item"], begins, ends, known)
    queued = [place for place, stage in enumerate(known.stages.values()) if stage.queued]
    if queued and table["item"].diff().max() <= 1:  # not known where only some items are
        track = f"{known.items[1]} in the queue"
        events += _depth(track, begins.iloc[:, queued[0]], ends.iloc[:, queued[-1]])
    if is_traced:
        events += _scheduling(run, int(ends.iloc[:, -1].max()), known)
    return events


def _work(items: pd.Series, begins: pd.DataFrame, ends: pd.DataFrame, known: Contract) -> list[dict[str, Any]]:
    """What each role's thread did with each item: the last of the stages in a row that wait for it.

    Nothing where that overlaps, as with several threads of the role: nobody says which of them it was.
    """
    tids = {role: tid for tid, role in enumerate(known.roles, start=1)}
    events, place = [], 0
    for role, of_role in groupby(known.stages.values(), key=lambda stage: stage.waits_for):
        *_, last = of_role
        place = list(known.stages).index(last.name)
        begin, end = begins.iloc[:, place], ends.iloc[:, place]
        if role in tids and not (begin < end.cummax().shift(1, fill_value=begin.iloc[0])).any():
            slices = zip(items.tolist(), begin.tolist(), (end - begin).tolist())
            events += [
                {"ph": "X", "pid": ITEMS, "tid": tids[role], "name": last.name}
                | {"ts": start / 1e3, "dur": length / 1e3, "args": {"item": item}}
                for item, start, length in slices
            ]
    return events


def _stages(name: str, items: pd.Series, begin: pd.Series, end: pd.Series) -> list[dict[str, Any]]:
    """A stage of each item that it spent any time in; stages of several items overlap, so they have no thread."""
    spent = (end > begin).to_numpy()
    return [
        {"ph": phase, "pid": ITEMS, "tid": 1, "cat": "item", "id": item, "name": name, "ts": time / 1e3}
        for item, start, stop in zip(items[spent].tolist(), begin[spent].tolist(), end[spent].tolist())
        for phase, time in (("b", start), ("e", stop))
    ]


def _depth(track: str, pushed: pd.Series, popped: pd.Series) -> list[dict[str, Any]]:
    """How many items are queued, whenever that changes; at the same time the pop counts first."""
    times = np.concatenate([popped.to_numpy(), pushed.to_numpy()])
    steps = np.concatenate([np.full(len(popped), -1), np.full(len(pushed), 1)])
    order = np.argsort(times, kind="stable")
    times, depth = times[order], np.cumsum(steps[order])
    last = np.append(times[1:] != times[:-1], True)  # of several changes at once
    return [
        {"ph": "C", "pid": ITEMS, "name": track, "ts": time / 1e3, "args": {"items": items}}
        for time, items in zip(times[last].tolist(), depth[last].tolist())
    ]


def _scheduling(run: Path, end_ns: int, known: Contract) -> list[dict[str, Any]]:
    """What the CPUs and the threads of a traced run did from the first measured item on until `end_ns`."""
    traced = split.split(run, known)
    made = _cpus(trace_events.read(run)["sched_switch"], {}, traced.begin_ns, end_ns)
    for tid, (role, did) in enumerate(traced.timelines.items(), start=1):
        of_kinds = [
            each.state + f": {each.held_by} on CPU {each.cpu}" * (each.state == RUN_DELAY) for each in did.kinds
        ]
        names = pd.Series(of_kinds)[did.doing].reset_index(drop=True)
        made += _track(STATES, tid, role, pd.Series(did.begins_ns - traced.begin_ns), names, {ASLEEP}, end_ns)
    return made


def _cpus(switches: pd.DataFrame, called: Mapping[int, str], begin_ns: int, end_ns: int) -> list[dict[str, Any]]:
    """A track a CPU with its tasks, those `called` otherwise than the kernel does by number; and the groups' names."""
    made: list[dict[str, Any]] = [
        {"ph": "M", "pid": group, "name": "process_name", "args": {"name": name}}
        for group, name in ((CPUS, "CPUs"), (STATES, "threads"))
    ]
    for cpu, here in switches.groupby("cpu"):
        names = here["next_pid"].map({0: IDLE, **called}).fillna(here["next_comm"])
        made += _track(CPUS, int(cpu), f"CPU {cpu}", here["time_ns"] - begin_ns, names, {IDLE}, end_ns)
    return made


def _of_program(run: Path, known: Contract) -> list[dict[str, Any]]:
    """What the CPUs and the threads of a user's program did, from the begin of its measured part on."""
    program = threads.read(run, known)
    spans, switches = program.spans, program.events["sched_switch"]
    begin_ns, end_ns = int(spans["begin_ns"].min()), int(spans["end_ns"].max())
    measured = switches.loc[switches["time_ns"].between(begin_ns, end_ns), "time_ns"]
    if len(measured) > MOST_SWITCHES:
        end_ns = int(measured.iloc[MOST_SWITCHES])
    lives = program.life_ns.nlargest(MOST_THREADS)
    titles = {int(tid): f"{program.names[tid]} {tid}" for tid in sorted(lives.index)}
    parts = spans.assign(name=spans["state"].map(dict(enumerate(PARTS))))
    asleep, delayed = (parts["name"] == part for part in (ASLEEP, RUN_DELAY))
    shown = [parts[~asleep & ~delayed]]
    for each in threads.delays(program, spans[delayed]):
        shown.append(each.assign(name=f"{RUN_DELAY}: " + each["held_by"] + " on CPU " + each["cpu"]))
    if futexes.are_known(program):
        waits = futexes.waits(program)
        first, last = (spans.loc[waits[name]].reset_index(drop=True) for name in ("first_sleep", "last_sleep"))
        # From sleep to sleep and not from call to call, which would cross what else is on the track.
        waits = waits.assign(begin_ns=first["begin_ns"], end_ns=last["end_ns"])
        shown.append(waits.assign(name="waits at futex " + waits["address"].map(hex)))
    numbers = {tid: number for number, tid in enumerate(titles, start=1)}
    events = _cpus(switches, titles, begin_ns, end_ns - begin_ns)
    events += [
        {"ph": "M", "pid": STATES, "tid": numbers[tid], "name": "thread_name", "args": {"name": title}}
        for tid, title in titles.items()
    ]
    slices = pd.concat([each[["tid", "name", "begin_ns", "end_ns"]] for each in shown], ignore_index=True)
    slices = slices[slices["tid"].isin(titles) & (slices["begin_ns"] < end_ns)]
    slices["end_ns"] = slices["end_ns"].clip(upper=end_ns)
    slices = slices.sort_values(["tid", "begin_ns", "end_ns"], ascending=[True, True, False], kind="stable")
    return events + [
        {"ph": "X", "pid": STATES, "tid": numbers[tid], "name": name}
        | {"ts": (begin - begin_ns) / 1e3, "dur": (end - begin) / 1e3}
        for tid, name, begin, end in slices.itertuples(index=False)
    ]


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
