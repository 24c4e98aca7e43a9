"""What the kernel's events said of scenarios of a user's program: two tables beside a suite's.

Written by scripts/trace.sh: <suite>_traced_threads.csv (lab.trace.threads) and <suite>_futexes.csv (lab.trace.futexes),
of each traced run.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from lab.plan.contract import Contract
from lab.plan.plan import Row
from lab.runs import observe
from lab.tables import kept
from lab.tables.measurement import Measurement
from lab.text import markdown as md, numbers
from lab.trace import futexes, threads
from lab.trace.threads import ELSEWHERE, IN_FUTEX
from lab.trace.timeline import ASLEEP, IDLE, RUN_DELAY, RUNNING, STATES

THREADS_FILE, FUTEXES_FILE = "{}_traced_threads.csv", "{}_futexes.csv"
REMEDY = "remove it, and run scripts/trace.sh again"
OF_RUN = kept.MEASURED | {"seed": kept.WHOLE}
THREADS = kept.Table(
    OF_RUN
    | {"thread": kept.TEXT, "threads": kept.WHOLE, "part": kept.one_of(*STATES), "cpu": kept.TEXT}
    | {"held_by": kept.TEXT, "woken_by": kept.TEXT, "slept_in": kept.optional(kept.one_of(IN_FUTEX, ELSEWHERE))}
    | {"total_ns": kept.WHOLE, "times": kept.WHOLE, "idle_ns": kept.WHOLE},
    remedy=REMEDY,
)
FUTEXES = kept.Table(
    OF_RUN
    | {"address": kept.TEXT, "kind": kept.one_of(futexes.LOCK, futexes.BARRIER, futexes.CONDITION, futexes.JOIN)}
    | {"waiters": kept.TEXT, "threads": kept.WHOLE, "wakers": kept.TEXT, "waker": kept.TEXT, "waker_share": kept.REAL}
    | dict.fromkeys(["waits", "wait_ns", "longest_ns", "life_ns"], kept.WHOLE),
    remedy=REMEDY,
)
MOST_THREADS, MOST_FUTEXES = 6, 3  # of a scenario, in the report
NAMED = 0.1  # of a run delay, or of a sleep: who is named
LEAST = 0.005  # of the threads' lives, or of the time that was waited: less is not shown
HEAD = ["scenario, traced", "thread", "running (ms)", "no CPU (ms)", "who had it", "asleep (ms)", "who woke it"]
RIGHT = (2, 3, 5)
FUTEX_HEAD = ["scenario, traced", "futex", "at", "threads that waited", "waits", "mean (µs)", "longest (µs)"]
FUTEX_HEAD += ["of their life", "who woke them"]
FUTEX_RIGHT = (4, 5, 6, 7)
CAPTION = (
    "*Traced*: means of {} guest{} that recorded the kernel's sched events: what all threads of a name did together "
    "(interrupt: a timer or a device). *no CPU*: ready, and not running; *asleep*: until something woke it. Tracing "
    "takes time itself, and may lead the scheduler to other CPUs."
)
FUTEX_CAPTION = (
    "*Futexes* (locks, condition variables, joins), of the first seed: *lock*: those who wait there wake one another; "
    "*barrier*: the last of them wakes all; *condition*: others wake them; *join*: the end of a thread does. It is guessed "
    "from who woke whom."
)


def tables(folders: Sequence[Path], rows: Sequence[Row], known: Contract) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of threads and futexes of the traced runs of `rows`, each in its folder."""
    of_threads, of_futexes = [], []
    for folder, row in zip(folders, rows, strict=True):
        program = threads.read(folder, known)
        about, waits = observe.about(folder, row), None
        if futexes.are_known(program):
            waits = futexes.waits(program)
            of_futexes.append(futexes.table(program, waits).assign(**about))
        in_futex = None if waits is None else futexes.sleeps_in(waits, len(program.spans))
        of_threads.append(threads.table(program, in_futex).assign(**about))
    return _joined(of_threads, THREADS), _joined(of_futexes, FUTEXES)


def _joined(found: list[pd.DataFrame], table: kept.Table) -> pd.DataFrame:
    columns = list(table.columns)
    filled = [each[columns] for each in found if len(each)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns)


def merged(file: Path, table: kept.Table, new: pd.DataFrame, subjects: pd.DataFrame) -> pd.DataFrame:
    """`new`, and what the file has of others than the `subjects`, of which there may be nothing new."""
    old = table.read(file)
    same = pd.MultiIndex.from_frame(old[kept.SUBJECT]).isin(pd.MultiIndex.from_frame(subjects[kept.SUBJECT]))
    return pd.concat([each for each in (old[~same], new) if len(each)] or [new], ignore_index=True)


def of_scenario(traced: pd.DataFrame) -> pd.DataFrame:
    """The table of threads of one scenario: means over its runs."""
    sums = traced.groupby(threads.KIND, sort=False)[["total_ns", "times", "idle_ns"]].sum() / traced["seed"].nunique()
    return sums.reset_index()


def first_of(locks: pd.DataFrame) -> pd.DataFrame:
    """The futexes of the first seed of one scenario: each run has addresses of its own."""
    return locks[locks["seed"] == locks["seed"].min()]


def shares(rows: pd.DataFrame, by: str) -> pd.Series:
    """Of rows of the table of threads: the share of each value of the column `by`, the largest first."""
    sums = rows.groupby(by)["total_ns"].sum().sort_values(ascending=False)
    return sums / sums.sum()


def markdown(traced: pd.DataFrame, locks: pd.DataFrame, measurement: Measurement) -> str:
    """The threads and the futexes of each scenario that was traced in this measurement; empty when none was."""
    lines, futex_lines, guests = [], [], 0
    for scenario, runs in kept.of(traced, measurement).groupby("scenario", sort=False):
        cells = [[scenario, *each] for each in _thread_lines(of_scenario(runs))]
        lines += cells
        guests = max(guests, runs["seed"].nunique())
    for scenario, runs in kept.of(locks, measurement).groupby("scenario", sort=False):
        futex_lines += [[scenario, *each] for each in _futex_lines(first_of(runs))]
    if not lines:
        return ""
    parts = [md.table(HEAD, lines, RIGHT), CAPTION.format(guests, "s" * (guests > 1))]
    parts += [md.table(FUTEX_HEAD, futex_lines, FUTEX_RIGHT), FUTEX_CAPTION] if futex_lines else []
    return "\n\n".join(parts)


def _thread_lines(known: pd.DataFrame) -> Iterator[list[str]]:
    """The cells of the threads of each name that lived long enough."""
    lives = known.groupby("thread", sort=False)["total_ns"].sum().sort_values(ascending=False)
    for name in lives[lives >= LEAST * lives.sum()].index[:MOST_THREADS]:
        rows = known[known["thread"] == name]
        parts = {part: rows[rows["part"] == part] for part in STATES}
        count = f" × {rows['threads'].iat[0]:.0f}" * bool(rows["threads"].iat[0] > 1)
        yield [
            f"{name}{count}",
            _ms(parts[RUNNING]),
            _ms(parts[RUN_DELAY]),
            _named(parts[RUN_DELAY], "held_by", {IDLE: "idle"}),
            _ms(parts[ASLEEP]),
            _named(parts[ASLEEP], "woken_by", {"": "nothing until the end"}),
        ]


def _futex_lines(locks: pd.DataFrame) -> Iterator[list[str]]:
    ends = locks["kind"] == futexes.JOIN  # which wait for a thread's whole life, and say little
    locks = locks[~ends] if not ends.all() else locks
    worth = locks[locks["wait_ns"] >= LEAST * locks["wait_ns"].sum()].nlargest(MOST_FUTEXES, "wait_ns")
    for row in worth.itertuples():
        yield [
            str(row.kind),
            str(row.address),
            f"{row.waiters}" + f" ({row.threads:.0f})" * bool(row.threads > 1),
            f"{row.waits:,.0f}",
            numbers.shown(row.wait_ns / row.waits, "ns"),
            numbers.shown(row.longest_ns, "ns"),
            numbers.share(row.wait_ns / row.life_ns, 0) if row.life_ns > 0 else "",
            str(row.waker) + f" {numbers.share(row.waker_share, 0)}" * bool(row.waker_share < 1 and row.waker),
        ]


def _ms(rows: pd.DataFrame) -> str:
    return f"{rows['total_ns'].sum() / 1e6:,.1f}"


def _named(rows: pd.DataFrame, by: str, others: dict[str, str]) -> str:
    """'worker-* 60 %, kworker 20 %'."""
    found = shares(rows, by)
    found = found[found >= NAMED]
    texts = [
        f"{others.get(str(name), name)}" + f" {numbers.share(part, 0)}" * (part < 1) for name, part in found.items()
    ]
    return ", ".join(texts)


def text(traced: pd.DataFrame, locks: pd.DataFrame) -> str:
    """One scenario's tables for a terminal: the threads in ms, the futexes in µs."""
    known = of_scenario(traced)
    lines = [
        f"{'thread':<18} {'part':<10} {'cpu':<3} {'held by, or woken by':<26} {'ms':>12} {'times':>9}  {'of life':>7}"
    ]
    lives = known.groupby("thread", sort=False)["total_ns"].sum()
    for name in lives.sort_values(ascending=False).index:
        rows = known[known["thread"] == name]
        count = f"{name} ({rows['threads'].iat[0]:.0f})" if rows["threads"].iat[0] > 1 else str(name)
        for row in rows.assign(place=rows["part"].map(STATES.index)).sort_values(["place", "cpu"]).itertuples():
            share = row.total_ns / lives[name]
            if share >= LEAST:
                who = row.held_by or (row.woken_by or "nothing") * (row.part == ASLEEP)
                who += " (futex)" * (row.slept_in == IN_FUTEX)
                ms = f"{row.total_ns / 1e6:12,.3f} {row.times:9,.0f}  {share:7.1%}"
                lines.append(f"{count:<18} {row.part:<10} {row.cpu:<3} {who:<26} {ms}")
    if len(locks):
        head = f"{'futex':<9} {'at':<14} {'threads that waited':<26} {'waits':>9} {'mean µs':>10} {'of life':>7}"
        lines += ["", f"{head}  woken by"]
    for row in first_of(locks).nlargest(MOST_FUTEXES, "wait_ns").itertuples() if len(locks) else ():
        who = f"{row.waiters} ({row.threads:.0f})" if row.threads > 1 else str(row.waiters)
        mean = f"{row.waits:9,.0f} {row.wait_ns / row.waits / 1e3:10,.1f} {row.wait_ns / row.life_ns:7.1%}"
        lines.append(f"{row.kind:<9} {row.address:<14} {who:<26} {mean}  {row.wakers}")
    return "\n".join(lines)
