"""What the threads of a user's traced program waited for in futex calls: locks, condition variables, and the like.

A wait is a futex call that waits, and in which the thread slept. Who woke it is the thread in which sched_waking came.
That is certain where this thread is then in a futex call that wakes at the same address; else it may be the end of a
thread, a timeout or a signal. What stands at an address nobody says, so that it is guessed:

- lock: mostly those who wait there themselves wake one another (each unlocks after it has locked),
- barrier: the same, but each of these calls wakes all who wait,
- condition: others wake, as with a condition variable or a semaphore,
- join: nobody calls to wake, and each waker wakes once, as the kernel does for a thread that ends.

Two neighbouring words of 4 bytes at which the same threads wait are one: glibc's condition variables have two. An
address is that of a process: of several processes with a lock each at the same address (after fork) all are one.
"""

import numpy as np
import pandas as pd

from lab.trace.threads import Program
from lab.trace.timeline import ASLEEP, NOBODY, STATES

OP = 0x7F  # of the second argument: the others are flags (FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME)
WAITS = (0, 6, 9, 11, 13)  # WAIT, LOCK_PI, WAIT_BITSET, WAIT_REQUEUE_PI, LOCK_PI2
WAKES = (1, 3, 4, 5, 7, 10, 12)  # WAKE, REQUEUE, CMP_REQUEUE, WAKE_OP, UNLOCK_PI, WAKE_BITSET, CMP_REQUEUE_PI
UNLOCK_PI = 7  # its third argument says nothing
LOCK, BARRIER, CONDITION, JOIN = "lock", "barrier", "condition", "join"
MOSTLY = 0.5  # of the wake-ups
MOST = 100  # futexes that are kept
COLUMNS = [
    "address",
    "kind",
    "waiters",
    "threads",
    "wakers",
    "waker",
    "waker_share",
    "waits",
    "wait_ns",
    "longest_ns",
    "life_ns",
]


class _Order:
    """Numbers by which (thread, time) are in order, for np.searchsorted."""

    def __init__(self, tids: pd.Series, begin_ns: int, end_ns: int) -> None:
        self._places = {tid: place for place, tid in enumerate(sorted(tids.unique()), start=1)}
        self._begin_ns, self._end_ns = begin_ns, end_ns

    def of(self, tids: pd.Series, times_ns: pd.Series) -> np.ndarray:
        """Threads that are not known come before all others."""
        places = tids.map(self._places).fillna(0).to_numpy(dtype=np.int64)
        since = (times_ns.clip(self._begin_ns, self._end_ns) - self._begin_ns).to_numpy(dtype=np.int64)
        return np.asarray(places * (self._end_ns - self._begin_ns + 1) + since)


def are_known(program: Program) -> bool:
    """Whether the guest's kernel could say."""
    return {"sys_enter", "sys_exit"} <= set(program.events)


def waits(program: Program) -> pd.DataFrame:
    """A row a wait in the measured part: columns tid, address, begin_ns, end_ns, first_sleep and last_sleep (rows of
    program.spans), waker (a number, as woken_by there), certain (that it woke at this address), and all (that it woke
    all).
    """
    spans = program.spans
    begin_ns, end_ns = int(spans["begin_ns"].min()), int(spans["end_ns"].max())
    calls = _calls(program, end_ns)
    order = _Order(spans["tid"], begin_ns, end_ns)
    sleeps = spans[spans["state"] == STATES.index(ASLEEP)]
    sleep_at = order.of(sleeps["tid"], sleeps["begin_ns"])
    begins, ends = order.of(calls["tid"], calls["begin_ns"]), order.of(calls["tid"], calls["end_ns"])
    first = np.searchsorted(sleep_at, begins, side="left")
    last = np.searchsorted(sleep_at, ends, side="right") - 1
    waited = calls["op"].isin(WAITS).to_numpy() & (last >= first)
    found = calls[waited].assign(first_sleep=sleeps.index[first[waited]], last_sleep=sleeps.index[last[waited]])
    found["begin_ns"] = found["begin_ns"].clip(lower=begin_ns)
    found["address"] = _together(found)
    ended = spans.loc[found["last_sleep"]].reset_index(drop=True)
    found = found.reset_index(drop=True).assign(waker=ended["woken_by"])
    # The last call of the waker until then.
    place = np.searchsorted(begins, order.of(found["waker"], ended["end_ns"]), side="right") - 1
    call = calls.iloc[np.maximum(place, 0)].reset_index(drop=True)
    theirs = (place >= 0) & (call["tid"] == found["waker"]) & (call["end_ns"] >= ended["end_ns"])
    there = (call["address"] == found["address"]) | (call["address"] == found["address"] + 4)
    found["certain"] = theirs & call["op"].isin(WAKES) & there
    found["all"] = found["certain"] & (call["value"] > 1) & (call["op"] != UNLOCK_PI)
    return found.drop(columns=["op", "value"])


def _calls(program: Program, end_ns: int) -> pd.DataFrame:
    """The futex calls of the program's threads, in order of tid and time: tid, address, op, value, begin_ns, end_ns."""
    entered, left = program.events["sys_enter"], program.events["sys_exit"]
    rows = pd.concat([entered.assign(enters=True), left.assign(enters=False)], ignore_index=True)
    rows = rows[rows["common_pid"].isin(program.names)]
    rows = rows.sort_values(["common_pid", "time_ns"], kind="stable", ignore_index=True)
    answered = (rows["common_pid"] == rows["common_pid"].shift(-1)) & ~rows["enters"].shift(-1, fill_value=True)
    calls = pd.DataFrame(
        {
            "tid": rows["common_pid"],
            "address": rows["args_0"],
            "op": rows["args_1"],
            "value": rows["args_2"],
            "begin_ns": rows["time_ns"],
            "end_ns": rows["time_ns"].shift(-1).where(answered, end_ns).clip(upper=end_ns),
        }
    )[rows["enters"].astype(bool)]
    calls = calls.astype(np.int64)
    calls["op"] &= OP
    return calls.reset_index(drop=True)


def _together(found: pd.DataFrame) -> pd.Series:
    """The addresses, the second word of a pair at which the same threads wait as the first."""
    who = {address: frozenset(tids) for address, tids in found.groupby("address")["tid"]}
    pairs = {each + 4: each for each in who if each % 8 == 0 and who[each] == who.get(each + 4)}
    return found["address"].map(lambda address: pairs.get(address, address))


def sleeps_in(found: pd.DataFrame, spans: int) -> np.ndarray:
    """Of so many spans: whether they are sleeps in one of the waits."""
    inside = np.zeros(spans + 1, dtype=np.int64)
    np.add.at(inside, found["first_sleep"], 1)
    np.add.at(inside, found["last_sleep"] + 1, -1)
    return np.cumsum(inside)[:spans] > 0


def table(program: Program, found: pd.DataFrame) -> pd.DataFrame:
    """A row an address, those first at which was waited longest: COLUMNS. `life_ns` is how long the threads lived that
    waited there, `waker` who woke most often."""
    named = found.assign(
        thread=found["tid"].map(program.names),
        by=program.called(found["waker"]),
        ns=found["end_ns"] - found["begin_ns"],
    )
    sums = named.groupby("address")["ns"].sum().nlargest(MOST)
    life_ns = program.life_ns
    rows = []
    for address, wait_ns in sums.items():
        of = named[named["address"] == address]
        by = of.loc[of["waker"] != NOBODY, "by"].value_counts()
        rows.append(
            {
                "address": f"{int(str(address)) & (1 << 64) - 1:#x}",
                "kind": _kind(of),
                "waiters": ", ".join(of.groupby("thread")["ns"].sum().sort_values(ascending=False).index),
                "threads": of["tid"].nunique(),
                "wakers": ", ".join(f"{name} {count}" for name, count in by.items()),
                "waker": by.index[0] if len(by) else "",
                "waker_share": by.iloc[0] / by.sum() if len(by) else 0.0,
                "waits": len(of),
                "wait_ns": wait_ns,
                "longest_ns": of["ns"].max(),
                "life_ns": life_ns[of["tid"].unique()].sum(),
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _kind(of: pd.DataFrame) -> str:
    """What is at the address of these waits."""
    of = of[of["waker"] != NOBODY]
    if not of.empty and not of["certain"].any() and of["waker"].is_unique:
        return JOIN
    each_other = of["certain"] & of["waker"].isin(of["tid"])
    if of.empty or each_other.mean() < MOSTLY:
        return CONDITION
    return BARRIER if of.loc[each_other, "all"].mean() >= MOSTLY else LOCK
