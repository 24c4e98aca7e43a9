"""Runs rows of plans, each in a process of its own: what is done already is left, and what fails stops no other.

Exact rows run `jobs` at a time, live ones alone. An interruption loses nothing that is done and ends at once; when this
process is killed, so is all that it started.
"""

import ctypes
import fcntl
import os
import platform
import shutil
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from lab.plan import plan_file
from lab.plan.places import BUILD
from lab.plan.plan import TIMINGS, Row, places
from lab.runs import attend, one, run_record
from lab.text.complaint import FAILED, Complaint, exit_code
from lab.text.outside import visible

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1  # of prctl(2)
PRIOR_MS = 20000  # of a sweep that went as expected: it keeps the first runs from swaying the time left


@dataclass(frozen=True)
class Task:
    """Row `number` (from 1) of a plan's file, whose runs are beside it, and `others` that ask for the same run."""

    plan: Path
    number: int
    row: Row
    others: tuple[Row, ...] = ()

    @property
    def folder(self) -> Path:
        """Of its run."""
        return self.plan.parent / self.row.run


def tasks(*plans: Path, seed: int | None = None) -> list[Task]:
    """The rows of the plans, in their order. With a `seed` those of all alternate, so that drift of the host hits all
    alike: exact ones first, then replicate by replicate, shuffled."""
    found = [Task(file, number, row) for file in plans for number, row in enumerate(plan_file.read(file), start=1)]
    if seed is not None:
        place = places((task.folder for task in found), seed)
        found.sort(key=lambda task: (TIMINGS.index(task.row.timing), task.row.replicate, place[task.folder]))
    return found


def show(rows: Iterable[Row], runs: Path) -> None:
    """Prints the exact QEMU commands of the rows that are not done in `runs` yet, and says how many there are of both."""
    wanted = {row.run: row for row in rows}.values()
    todo = [row for row in wanted if not one.is_done(row, runs)]
    for row in todo:
        show_one(row)
    if todo:
        print(_counted(todo), file=sys.stderr)
    if len(todo) < len(wanted):
        print(f"pipelab: {len(wanted) - len(todo)} of {len(wanted)} runs are there and would be kept", file=sys.stderr)


def _counted(rows: Sequence[Row]) -> str:
    live = sum(row.timing == "live" for row in rows)
    return f"{len(rows)} runs to do: {len(rows) - live} exact, {live} live"


def show_one(row: Row) -> None:
    """Prints the exact QEMU command of a row. Raises Complaint where run_vm.sh refuses it, having said why."""
    words = one.command(row)
    sys.stdout.flush()
    code = attend.attend([words[0], "--dry-run", *words[1:]], PIPELAB_BUILD=row.build or str(BUILD))
    if code:
        raise Complaint(row.place, "cannot be booted for the reason above: mend that", code)


@contextmanager
def folder(runs: Path, then: str = "finished runs are kept, and the same command goes on") -> Iterator[None]:
    """Makes the folder `runs` and keeps it for this process alone, after those that have it. Clears what runs that were
    killed have left.

    Whatever is interrupted within says what comes `then`.
    """
    try:
        runs.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise Complaint(runs, "cannot be made: mend its permissions, or free some space", FAILED) from None
    try:
        lock: IO[str] = (runs / ".lock").open("a+")  # who has it stands there
    except OSError:
        raise Complaint(runs, "cannot be written to: mend its permissions, or free some space", FAILED) from None
    with lock:
        script = os.environ.get("PIPELAB_SCRIPT", "pipelab")
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                other = visible(lock.read(100).strip()) or "another process"
                print(f"pipelab: waiting for the end of {other}, which has {runs}", file=sys.stderr)
                fcntl.flock(lock, fcntl.LOCK_EX)
            lock.truncate(0)
            print(f"{script} (process {os.getpid()} on {platform.node()})", file=lock, flush=True)
            for partial in runs.glob(".partial.*"):
                shutil.rmtree(partial, ignore_errors=True)
            yield
        except KeyboardInterrupt:
            print(f"\n{script}: interrupted; {then}", file=sys.stderr)
            raise


def run(of: Iterable[Task], jobs: int, live_on: str = "", quiet: bool = False) -> int:
    """Runs what is missing, and says how far it is. Gives how many failed, each of which has said why.

    `live_on`: the accelerator of live runs, where that is to be said; `quiet`: of the rest is said nothing.
    """
    wanted = list(of)
    asking: dict[Path, list[Task]] = {}
    for each in wanted:
        asking.setdefault(each.folder, []).append(each)
    todo = [
        replace(first, others=tuple(each.row for each in rest))
        for first, *rest in asking.values()
        if not one.is_done(first.row, first.plan.parent)
    ]
    todo.sort(key=lambda each: TIMINGS.index(each.row.timing))
    for root in {one.root_of(each.row) for each in todo}:
        run_record.git_commit(root)  # asked once: it was built before all of them
    progress = _Progress(todo, jobs, quiet)
    if not quiet:
        progress.begin(live_on)
    running: dict[int, Task] = {}
    try:
        for task in todo:
            while len(running) >= (jobs if task.row.timing == "exact" else 1):
                progress.ended(*_wait(running))
            running[_start(task)] = task
        while running:
            progress.ended(*_wait(running))
    except KeyboardInterrupt:
        attend.end(list(running))
        raise
    finally:
        for each in (each for each in wanted if each.row.observer == "none"):
            run_record.claim(each.folder, each.row)
    return progress.failures


def check(failures: int) -> None:
    """Raises Complaint where there are failures."""
    if failures:
        raise Complaint(f"{failures} run{'s' * (failures > 1)} failed", "the same command tries them again", FAILED)


def _start(task: Task) -> int:
    """Starts a row, and gives its process, which leads a group of its own and dies with this one."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    # An interruption while Python's own hooks of a fork run would be lost.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        child = os.fork()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    os.setpgid(child, child or 0)
    if child:
        return child
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == parent:
        code = exit_code(lambda: _run_row(task))
        sys.stderr.flush()
        os._exit(code)
    os._exit(FAILED)


def _run_row(task: Task) -> int:
    one.run(task.row, task.plan.absolute().parent, task.others)
    return 0


def _wait(running: dict[int, Task]) -> tuple[Task, bool]:
    """Waits for the end of one that runs, and says whether it ended well."""
    process = 0
    while process not in running:
        process, status = os.wait()
    return running.pop(process), status == 0


class _Progress:
    """How far it is, and how long the rest will take: as expected, corrected by what was seen."""

    def __init__(self, todo: Sequence[Task], jobs: int, quiet: bool) -> None:
        self.todo, self.jobs, self.quiet = todo, jobs, quiet
        self.runs, self.done, self.done_ms, self.failures = len(todo), 0, 0, 0
        self.total_ms = sum(map(self._expected_ms, todo))
        self.begin_s = time.monotonic()

    def begin(self, live_on: str) -> None:
        if not self.todo:
            print("all runs are there already", file=sys.stderr)
            return
        if os.geteuid() == 0:
            what = "runs as root, which only installing packages needs: better use an account of your own"
            print(f"pipelab: {what}", file=sys.stderr)
        live = any(task.row.timing == "live" for task in self.todo)
        where = f"; live runs on {live_on}" if live and live_on else ""
        long = f"{self.total_ms // 60000} min {self.total_ms // 1000 % 60} s"
        print(f"{_counted([task.row for task in self.todo])}{where}; about {long}", file=sys.stderr)

    def ended(self, task: Task, well: bool) -> None:
        self.done += 1
        self.done_ms += self._expected_ms(task)
        self.failures += not well
        if self.quiet:
            return
        elapsed_ms = (time.monotonic() - self.begin_s) * 1000
        seen = (elapsed_ms + PRIOR_MS) / (self.done_ms + PRIOR_MS)
        left_s = int((self.total_ms - self.done_ms) * seen / 1000)
        line = f"[{self.done:{len(str(self.runs))}}/{self.runs}] {left_s // 60} min {left_s % 60:02} s left"
        line += f", {self.failures} failed" * bool(self.failures)
        if sys.stderr.isatty():
            line += "\033[K"
        print(line, end="\r" if sys.stderr.isatty() and self.done < self.runs else "\n", file=sys.stderr, flush=True)

    def _expected_ms(self, task: Task) -> int:
        return task.row.expected_ms // (self.jobs if task.row.timing == "exact" else 1)
