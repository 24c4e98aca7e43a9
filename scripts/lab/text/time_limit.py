"""A limit of wall time on what may take for ever, as what somebody else wrote can make it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def within(seconds: float, problem: Exception) -> Iterator[None]:
    """Raises `problem` in what it is around after so long. Only the main thread can be limited: others are not."""

    def end(*_: object) -> None:
        raise problem

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
