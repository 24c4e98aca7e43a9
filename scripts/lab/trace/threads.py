"""What the threads of a user's traced program did: ran, slept until something woke them, or were ready without a CPU.

    each thread's life = asleep + run delay + running

within the part of the run that the attendant measured (process.csv). A program says nothing of its waits: what is known
is whether a thread slept in a futex call (locks, condition variables, joins: lab.trace.futexes) or elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lab.plan.contract import Contract
from lab.runs import outputs
from lab.runs.guest_files import OUT
from lab.tables.threads import common_names
from lab.text.complaint import FAILED, Complaint
from lab.trace import events as trace_events, timeline
from lab.trace.timeline import ASLEEP, BY_INTERRUPT, IDLE, NOBODY, RUN_DELAY, STATES

INTERRUPT = "interrupt"  # in the place of a waker's name: a timer, or a device
IN_FUTEX, ELSEWHERE = "futex", "elsewhere"  # where a thread slept
KIND = ["thread", "threads", "part", "cpu", "held_by", "woken_by", "slept_in"]
COLUMNS = [*KIND, "total_ns", "times", "idle_ns"]
REMEDY = "run scripts/trace.sh again"


@dataclass(frozen=True)
class Program:
    """A program's threads in a trace. `names` has by number the name that threads have in common.

    `spans`: columns tid, begin_ns, end_ns, state (a place in STATES), cpu, woken_by (the number of the task that ended
    a sleep, BY_INTERRUPT or NOBODY), of all threads in the measured part, in order of tid and time.
    """

    names: Mapping[int, str]
    spans: pd.DataFrame
    events: Mapping[str, pd.DataFrame]
    cpus: int

    @property
    def life_ns(self) -> pd.Series:
        """By thread."""
        return (self.spans["end_ns"] - self.spans["begin_ns"]).groupby(self.spans["tid"]).sum()

    def called(self, tids: pd.Series) -> pd.Series:
        """What tasks are called: threads of the program by the name that they have in common; "" for NOBODY."""
        switches = self.events["sched_switch"]
        of_pid = switches.drop_duplicates("next_pid", keep="last").set_index("next_pid")["next_comm"]
        others = {pid: str(name).split("/", maxsplit=1)[0] for pid, name in of_pid.items()}
        names = others | dict(self.names) | {NOBODY: "", BY_INTERRUPT: INTERRUPT}
        return tids.map(lambda tid: names.get(tid, "unknown"))


def read(run: Path, known: Contract) -> Program:
    """The traced run in the folder `run`. Raises Complaint naming file and remedy when anything in it is damaged."""
    folder = run / OUT
    process = outputs.read_stats(folder / outputs.PROCESS, outputs.REQUIRED_OF_PROCESS)
    begin_ns = int(process["begin_ns"])
    end_ns = begin_ns + round(process["duration_s"] * 1e9)
    threads = outputs.read_threads(folder / outputs.THREADS, known)
    events = trace_events.read(run)
    names = dict(zip((each.tid for each in threads), common_names([each.name for each in threads])))
    spans = _spans(list(names), events, begin_ns, end_ns)
    if spans.empty:
        raise Complaint(folder / outputs.THREADS, f"has no thread of which the trace knows: {REMEDY}", FAILED)
    return Program(names, spans, events, len(list(folder.glob("cpu*.raw"))))


def _spans(tids: list[int], events: Mapping[str, pd.DataFrame], begin_ns: int, end_ns: int) -> pd.DataFrame:
    """Those of Program: of each thread from when it was made, or is first seen, to its end."""
    did = timeline.spans(sorted(tids), events)
    same = did["tid"] == did["tid"].shift(-1)
    ends = did["time_ns"].shift(-1).where(same, end_ns)
    spans = pd.DataFrame(
        {
            "tid": did["tid"],
            "begin_ns": did["time_ns"].clip(lower=begin_ns),
            "end_ns": ends.clip(upper=end_ns).astype(np.int64),
            "state": did["state"],
            "cpu": did["cpu"],
            "woken_by": did["woken_by"].shift(-1).where(same & (ends <= end_ns), NOBODY).astype(np.int64),
        }
    )
    is_life = did["tid"].duplicated() & ~did["dies"]  # the first of a thread is before it is seen
    return spans[is_life & (spans["end_ns"] > spans["begin_ns"])].reset_index(drop=True)


def table(program: Program, in_futex: np.ndarray | None) -> pd.DataFrame:
    """What the threads of each name did, summed up: COLUMNS. `in_futex` says of each span whether it is a sleep in a
    futex call, None if nobody knows.

    `times` is how many spans there were, and `idle_ns` for how much of a run delay, in which another task had the CPU,
    one more CPU had nothing to do.
    """
    spans = program.spans
    asleep, delayed = (spans["state"] == STATES.index(state) for state in (ASLEEP, RUN_DELAY))
    where: pd.Series | str = ""
    if in_futex is not None:
        where = pd.Series(np.where(in_futex, IN_FUTEX, ELSEWHERE), index=spans.index).where(asleep, "")
    rows = spans.assign(
        part=spans["state"].map(dict(enumerate(STATES))),
        held_by="",
        woken_by=program.called(spans["woken_by"]).where(asleep, ""),
        slept_in=where,
        idle_ns=0,
        cpu=spans["cpu"].astype(str).where(~asleep, ""),
    )[~delayed]
    rows = pd.concat([rows, *delays(program, spans[delayed])], ignore_index=True)
    rows["thread"] = rows["tid"].map(program.names)
    counts = pd.Series({tid: program.names[tid] for tid in spans["tid"].unique()}).value_counts()
    rows["threads"] = rows["thread"].map(counts)
    rows["total_ns"] = rows["end_ns"] - rows["begin_ns"]
    known = rows.groupby(KIND, sort=False).agg(
        total_ns=("total_ns", "sum"), times=("total_ns", "size"), idle_ns=("idle_ns", "sum")
    )
    known = known.reset_index().astype(dict.fromkeys(["threads", "total_ns", "times", "idle_ns"], np.int64))
    order = known.groupby("thread")["total_ns"].transform("sum")
    return (
        known.assign(order=order)
        .sort_values(["order", "thread", "part", "total_ns"], ascending=[False, True, False, False], kind="stable")
        .reset_index(drop=True)[COLUMNS]
    )


def delays(program: Program, spans: pd.DataFrame) -> list[pd.DataFrame]:
    """Those of the program's spans that are run delays, in pieces by which task had the CPU (held_by)."""
    switches = program.events["sched_switch"]
    idle = _Idle(switches, program.cpus)
    found = []
    for cpu, rows in spans.groupby("cpu"):
        switched, tasks = timeline.tasks_of(switches, cpu, program.names)
        pieces = timeline.cut(rows["begin_ns"].to_numpy(), rows["end_ns"].to_numpy(), switched)
        held_by = tasks[pieces.holder]
        idle_ns = idle.until(pieces.ends_ns) - idle.until(pieces.begins_ns)
        found.append(
            pd.DataFrame(
                {
                    "tid": rows["tid"].to_numpy()[pieces.span],
                    "begin_ns": pieces.begins_ns,
                    "end_ns": pieces.ends_ns,
                    "part": RUN_DELAY,
                    "cpu": str(cpu),
                    "held_by": held_by,
                    "woken_by": "",
                    "slept_in": "",
                    "idle_ns": np.where(held_by == IDLE, 0, idle_ns),
                }
            )
        )
    return [each[each["end_ns"] > each["begin_ns"]] for each in found]


class _Idle:
    """When at least one CPU of `cpus` had nothing to do; one that never switches has none."""

    def __init__(self, switches: pd.DataFrame, cpus: int) -> None:
        first = switches.drop_duplicates("cpu")
        idle = cpus - len(first) + int((first["prev_pid"] == 0).sum())
        change = (switches["next_pid"] == 0).astype(int) - (switches["prev_pid"] == 0).astype(int)
        self._times = switches["time_ns"].to_numpy()
        self._any = np.append(idle, idle + change.cumsum()) > 0  # before the first switch, and after each
        lengths = np.diff(self._times) * self._any[1:-1] if len(switches) else np.empty(0)
        self._sums = np.concatenate([[0], np.cumsum(lengths)])

    def until(self, times_ns: np.ndarray) -> np.ndarray:
        """For how long it had been so by then, from the first switch on."""
        if not len(self._times):
            return np.zeros(len(times_ns), dtype=np.int64)
        place = np.maximum(np.searchsorted(self._times, times_ns, side="right") - 1, 0)
        return self._sums[place] + self._any[place + 1] * np.maximum(times_ns - self._times[place], 0)
