"""What a thread did all along, from the kernel's sched events: asleep, ready but without a CPU, or running."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

ASLEEP, RUN_DELAY, RUNNING = "asleep", "run delay", "running"
STATES = (ASLEEP, RUN_DELAY, RUNNING)
IDLE = "idle"  # no task at all had the CPU
NO_CPU = -1
SLEEPS = 0xFF  # of prev_state: the states in which a task is not ready; above it, that it was preempted
DEAD = 0x30  # of prev_state: it has ended, and is switched out for the last time
INTERRUPT = 0x08  # of common_flags: a timer or a device, and not the task that it interrupted
NOBODY, BY_INTERRUPT = -1, 0  # in the place of a waker's number
# The order of what happens at the same nanosecond.
WAKING, OUT, WAKEUP, MIGRATION, IN = range(5)


class Doing(NamedTuple):
    """One kind of thing that a thread does. `cpu` and `held_by` are of a run delay: which task had that CPU."""

    state: str
    cpu: int = NO_CPU
    held_by: str = ""


@dataclass(frozen=True)
class Timeline:
    """From `begins_ns[i]` to the next, the last for ever, the thread did `kinds[doing[i]]`."""

    begins_ns: np.ndarray
    doing: np.ndarray
    kinds: list[Doing]

    def at(self, times_ns: np.ndarray) -> np.ndarray:
        """The place in `kinds` of what it did then."""
        return self.doing[np.searchsorted(self.begins_ns, times_ns, side="right") - 1]

    def runs_at(self, times_ns: np.ndarray) -> np.ndarray:
        return np.array([kind.state == RUNNING for kind in self.kinds])[self.at(times_ns)]

    def spent(self, begins_ns: np.ndarray, ends_ns: np.ndarray) -> np.ndarray:
        """How long it did what in each of n spans: nanoseconds [n, kinds], which add up to the span's length."""
        return np.column_stack(
            [self._until(kind, ends_ns) - self._until(kind, begins_ns) for kind in range(len(self.kinds))]
        )

    def _until(self, kind: int, times_ns: np.ndarray) -> np.ndarray:
        """For how long it had done `kind` by then."""
        is_it = self.doing == kind
        before = np.concatenate([[0], np.cumsum(np.diff(self.begins_ns) * is_it[:-1])])
        place = np.searchsorted(self.begins_ns, times_ns, side="right") - 1
        return before[place] + is_it[place] * (times_ns - self.begins_ns[place])


def of_thread(tid: int, events: Mapping[str, pd.DataFrame], names: Mapping[int, str]) -> Timeline:
    """The timeline of the thread `tid`; `events` as trace_events.read() gives them, `names` of threads that are known.

    A run delay begins when the waker begins to wake the thread (sched_waking), or when it loses its CPU while it
    could go on, and ends when it is switched to.
    """
    known = spans([tid], events)
    begins, states, cpus = (known[name].to_numpy() for name in ("time_ns", "state", "cpu"))
    ends = np.append(begins[1:], begins[-1])
    ready = states == STATES.index(RUN_DELAY)
    kinds = [Doing(ASLEEP), Doing(RUNNING)]
    all_begins, all_doing = [begins[~ready]], [np.where(states[~ready] == STATES.index(RUNNING), 1, 0)]
    for cpu in np.unique(cpus[ready]):
        here = ready & (cpus == cpu)
        switched, who = tasks_of(events["sched_switch"], cpu, names)
        pieces = cut(begins[here], ends[here], switched)
        tasks, places = np.unique(who[pieces.holder].astype(str), return_inverse=True)
        all_begins.append(pieces.begins_ns)
        all_doing.append(len(kinds) + places)
        kinds += [Doing(RUN_DELAY, int(cpu), str(task)) for task in tasks]
    joined = np.concatenate(all_begins)
    order = np.argsort(joined, kind="stable")
    return Timeline(joined[order], np.concatenate(all_doing)[order], kinds)


def spans(tids: Collection[int], events: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What each of the threads did: columns tid, time_ns, state (a place in STATES), cpu, woken_by, dies. In the order
    of `tids`, and of time: from when on it was what, and, if it is ready, where.

    `woken_by` is, where that began with a wake-up, the number of the task that woke it, BY_INTERRUPT for none of them,
    NOBODY elsewhere. A thread `dies` where it is switched out for the last time.
    """
    asleep, ready, running = range(3)
    parts = [_rows(pd.DataFrame({"pid": list(tids), "time_ns": 0}), "pid", OUT, asleep, 0)]
    switches = events["sched_switch"]
    sleeps = np.where(switches["prev_state"] & SLEEPS, asleep, ready)
    ended = (switches["prev_state"] & DEAD) != 0
    parts.append(_rows(switches.assign(dies=ended), "prev_pid", OUT, sleeps, switches["cpu"]))
    parts.append(_rows(switches, "next_pid", IN, running, switches["cpu"]))
    moved = events["sched_migrate_task"]
    parts.append(_rows(moved, "pid", MIGRATION, -1, moved["dest_cpu"]))
    for name in ("sched_waking", "sched_wakeup", "sched_wakeup_new"):
        woken = events.get(name, pd.DataFrame())
        if len(woken) and name != "sched_wakeup":
            by = woken["common_pid"].where(woken["common_flags"] & INTERRUPT == 0, BY_INTERRUPT)
            parts.append(_rows(woken.assign(woken_by=by), "pid", WAKING, -1, 0))
        if len(woken) and name != "sched_waking":
            parts.append(_rows(woken, "pid", WAKEUP, -1, woken["target_cpu"]))
    rows = pd.concat(parts, ignore_index=True)
    place = {tid: number for number, tid in enumerate(tids)}
    rows["thread"] = rows["tid"].map(place)
    rows = rows[rows["thread"].notna()]
    rows = rows.sort_values(["thread", "time_ns", "kind"], kind="stable", ignore_index=True)
    kind, time_ns, number = rows["kind"].to_numpy(), rows["time_ns"].to_numpy(), np.arange(len(rows))
    switch = np.maximum.accumulate(np.where(rows["state"] >= 0, number, 0))  # the last one: each thread begins with one
    first = np.maximum.accumulate(np.where(np.append(True, np.diff(rows["thread"]) != 0), number, 0))
    waking = np.maximum.accumulate(np.where(kind == WAKING, number, 0))
    known = waking > first
    wakes = np.cumsum(kind == WAKEUP)
    state = rows["state"].to_numpy()[switch]
    state = np.where((state == asleep) & (wakes > wakes[switch]), ready, state)
    changes = (number == first) | np.append(True, state[1:] != state[:-1]) | ((kind == MIGRATION) & (state == ready))
    # A waker may begin while the thread is still on its way to sleep.
    begins = np.where(kind == WAKEUP, np.maximum(np.where(known, time_ns[waking], 0), time_ns[switch]), time_ns)
    by = np.where((kind == WAKEUP) & known, rows["woken_by"].to_numpy()[waking], NOBODY)
    return pd.DataFrame(
        {
            "tid": rows["tid"],
            "time_ns": begins,
            "state": state,
            "cpu": rows["cpu"],
            "woken_by": by,
            "dies": rows["dies"],
        }
    )[changes]


def _rows(events: pd.DataFrame, tid: str, kind: int, state: Any, cpu: Any) -> pd.DataFrame:
    """What happened to the threads in the column `tid`, for spans(); `state` is -1 where they are not switched."""
    columns = {"tid": events[tid], "time_ns": events["time_ns"], "kind": kind, "state": state, "cpu": cpu}
    others = {name: events.get(name, usual) for name, usual in (("woken_by", NOBODY), ("dies", False))}
    return pd.DataFrame(columns | others)


def tasks_of(switches: pd.DataFrame, cpu: int, names: Mapping[int, str]) -> tuple[np.ndarray, np.ndarray]:
    """When a CPU was switched [n], and which task had it before the first and after each [n + 1]."""
    here = switches[switches["cpu"] == cpu]
    if here.empty:
        return np.empty(0, dtype=np.int64), np.array([IDLE], dtype=object)
    pids = np.append(here["prev_pid"].iloc[0], here["next_pid"])
    tasks = np.append(here["prev_comm"].iloc[0], here["next_comm"])
    known = {0: IDLE, **names}
    said = [known.get(pid) or str(task).split("/", maxsplit=1)[0] for pid, task in zip(pids, tasks)]
    return here["time_ns"].to_numpy(), np.array(said, dtype=object)


class Pieces(NamedTuple):
    """Spans on one CPU, cut wherever it went to another task: of which span, when it begins, and the place of its task
    in what tasks_of() gives."""

    span: np.ndarray
    begins_ns: np.ndarray
    ends_ns: np.ndarray
    holder: np.ndarray


def cut(begins: np.ndarray, ends: np.ndarray, switched: np.ndarray) -> Pieces:
    """The spans, cut by when the CPU was `switched`."""
    first = np.searchsorted(switched, begins, side="right")
    last = np.searchsorted(switched, ends, side="left")
    counts = np.maximum(last - first, 0) + 1
    span = np.repeat(np.arange(len(begins)), counts)
    number = np.arange(len(span)) - np.repeat(np.cumsum(counts) - counts, counts)  # of the piece in its span
    place = first[span] + number
    at_switch = np.append(switched, 0)
    piece_begins = np.where(number == 0, begins[span], at_switch[np.minimum(place - 1, len(switched))])
    piece_ends = np.where(number == counts[span] - 1, ends[span], at_switch[np.minimum(place, len(switched))])
    return Pieces(span, piece_begins, piece_ends, place)
