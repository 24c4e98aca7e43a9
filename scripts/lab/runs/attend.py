"""Commands that this process waits for, and that end with it: at once when it is interrupted, or killed."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any

MORTAL = ("setpriv", "--pdeathsig", "KILL")  # before a command: it dies with the process that started it
END_S = 3  # that a command has to end when it is asked to


def attend(words: Sequence[str | Path], output: IO[Any] | int | None = None, **environment: str) -> int:
    """Runs a command in a process group of its own, which dies with this process, and gives its exit code.

    An interruption ends the group, at once where it does not end itself. `output` takes stdout and stderr.
    """
    process = None
    try:
        with _interruptions_held_back():  # until it is known what they are to end
            process = subprocess.Popen(
                [*MORTAL, *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | environment,
                process_group=0,
            )
        return process.wait()
    except KeyboardInterrupt:
        if process:
            end([process.pid])
        raise


@contextmanager
def _interruptions_held_back() -> Iterator[None]:
    """What interrupts this process takes effect at the end. What is ignored, or ends it at once, does as before."""
    came: list[tuple[int, FrameType | None]] = []
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    held_back = {each: handler for each, handler in handlers.items() if callable(handler)}
    for each in held_back:
        signal.signal(each, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        for each, handler in held_back.items():
            signal.signal(each, handler)
    for number, frame in came:
        held_back[signal.Signals(number)](number, frame)


@contextmanager
def beside(busy: int) -> Iterator[None]:
    """Keeps so many processes busy meanwhile."""
    loops = [subprocess.Popen([*MORTAL, "sh", "-c", "while :; do :; done"]) for _ in range(busy)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def git(folder: Path, *words: str) -> bytes:
    """What git answers in `folder`, without its last newline; nothing where it fails.

    Takes no lock that is not needed, as several processes may ask at the same time.
    """
    command: list[str | Path] = ["git", "--no-optional-locks", "-C", folder, *words]
    answer = subprocess.run(command, capture_output=True, check=False)
    return b"" if answer.returncode else answer.stdout.removesuffix(b"\n")


def end(groups: Sequence[int]) -> None:
    """Asks process groups, whose leaders are children of this process, to end, and kills those that do not."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    left = set(groups)
    for ask, patience_s in ((signal.SIGTERM, END_S), (signal.SIGKILL, 1)):
        for group in left:
            try:
                os.killpg(group, ask)
            except ProcessLookupError:
                pass
        for _ in range(round(patience_s / 0.02)):
            left = {group for group in left if not _reaped(group)}
            if not left:
                break
            signal.sigtimedwait([], 0.02)


def _reaped(child: int) -> bool:
    try:
        return os.waitpid(child, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True
