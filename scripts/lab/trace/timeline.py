"""What a thread did all along, from the kernel's sched events: asleep, ready but without a CPU, or running."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

ASLEEP, RUN_DELAY, RUNNING = "asleep", "run delay", "running"
STATES = (ASLEEP, RUN_DELAY, RUNNING)
IDLE = "idle"  # no task at all had the CPU
NO_CPU = -1
SLEEPS = 0xFF  # of prev_state: the states in which a task is not ready; above it, that it was preempted
# The order of what happens at the same nanosecond.
OUT, WAKEUP, MIGRATION, IN = range(4)


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
    spans = _spans(tid, events)
    begins, states, cpus = (spans[name].to_numpy() for name in ("time_ns", "state", "cpu"))
    ends = np.append(begins[1:], begins[-1])
    ready = states == STATES.index(RUN_DELAY)
    kinds = [Doing(ASLEEP), Doing(RUNNING)]
    all_begins, all_doing = [begins[~ready]], [np.where(states[~ready] == STATES.index(RUNNING), 1, 0)]
    for cpu in np.unique(cpus[ready]):
        here = ready & (cpus == cpu)
        pieces, holders = _holders(begins[here], ends[here], *_tasks(events["sched_switch"], cpu, names))
        tasks, places = np.unique(holders.astype(str), return_inverse=True)
        all_begins.append(pieces)
        all_doing.append(len(kinds) + places)
        kinds += [Doing(RUN_DELAY, int(cpu), str(task)) for task in tasks]
    joined = np.concatenate(all_begins)
    order = np.argsort(joined, kind="stable")
    return Timeline(joined[order], np.concatenate(all_doing)[order], kinds)


def _spans(tid: int, events: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Columns time_ns, state (a place in STATES), cpu: from when on it was what, and, if it is ready, where."""
    switches = events["sched_switch"]
    gone, come = switches[switches["prev_pid"] == tid], switches[switches["next_pid"] == tid]
    woken = events["sched_wakeup"].query("pid == @tid")
    moved = events["sched_migrate_task"].query("pid == @tid")
    asleep, ready, running = range(3)
    parts = [
        pd.DataFrame({"time_ns": [0], "kind": OUT, "state": asleep, "cpu": 0}),
        pd.DataFrame(
            {
                "time_ns": gone["time_ns"],
                "kind": OUT,
                "state": np.where(gone["prev_state"] & SLEEPS, asleep, ready),
                "cpu": gone["cpu"],
            }
        ),
        pd.DataFrame({"time_ns": woken["time_ns"], "kind": WAKEUP, "state": -1, "cpu": woken["target_cpu"]}),
        pd.DataFrame({"time_ns": moved["time_ns"], "kind": MIGRATION, "state": -1, "cpu": moved["dest_cpu"]}),
        pd.DataFrame({"time_ns": come["time_ns"], "kind": IN, "state": running, "cpu": come["cpu"]}),
    ]
    rows = pd.concat(parts, ignore_index=True).sort_values(["time_ns", "kind"], kind="stable", ignore_index=True)
    kind, time_ns = rows["kind"].to_numpy(), rows["time_ns"].to_numpy()
    switch = np.maximum.accumulate(np.where(rows["state"] >= 0, np.arange(len(rows)), 0))  # the last one
    wakes = np.cumsum(kind == WAKEUP)
    state = rows["state"].to_numpy()[switch]
    state = np.where((state == asleep) & (wakes > wakes[switch]), ready, state)
    changes = np.append(True, state[1:] != state[:-1]) | ((kind == MIGRATION) & (state == ready))
    waking = np.append(0, events["sched_waking"].query("pid == @tid")["time_ns"].to_numpy())
    began = waking[np.searchsorted(waking, time_ns, side="right") - 1]
    # A waker may begin while the thread is still on its way to sleep.
    begins = np.where(kind == WAKEUP, np.maximum(began, time_ns[switch]), time_ns)
    return pd.DataFrame({"time_ns": begins, "state": state, "cpu": rows["cpu"]})[changes]


def _tasks(switches: pd.DataFrame, cpu: int, names: Mapping[int, str]) -> tuple[np.ndarray, np.ndarray]:
    """When a CPU was switched [n], and which task had it before the first and after each [n + 1]."""
    here = switches[switches["cpu"] == cpu]
    if here.empty:
        return np.empty(0, dtype=np.int64), np.array([IDLE], dtype=object)
    pids = np.append(here["prev_pid"].iloc[0], here["next_pid"])
    tasks = np.append(here["prev_comm"].iloc[0], here["next_comm"])
    known = {0: IDLE, **names}
    said = [known.get(pid) or str(task).split("/", maxsplit=1)[0] for pid, task in zip(pids, tasks)]
    return here["time_ns"].to_numpy(), np.array(said, dtype=object)


def _holders(
    begins: np.ndarray, ends: np.ndarray, switched: np.ndarray, tasks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The spans on one CPU, cut wherever it went to another task: where the pieces begin, and which task had it."""
    first = np.searchsorted(switched, begins, side="right")
    last = np.searchsorted(switched, ends, side="left")
    counts = np.maximum(last - first, 0) + 1
    span = np.repeat(np.arange(len(begins)), counts)
    number = np.arange(len(span)) - np.repeat(np.cumsum(counts) - counts, counts)  # of the piece in its span
    place = first[span] + number
    at_switch = np.append(switched, 0)[np.minimum(place - 1, len(switched))]
    return np.where(number == 0, begins[span], at_switch), tasks[place]
