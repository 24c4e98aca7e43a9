"""Steps of the lab, as the command line calls them, but in this process: to start another takes a second."""

import contextlib
import io
import signal
import subprocess
import sys
from unittest import mock

from lab import __main__ as lab
from lab.text import picture

PIXEL = picture.drawn(lambda *_: None, (0.1, 0.1))  # most tests need a picture, and few what it shows


def run(*words: object, pictures: bool = False) -> subprocess.CompletedProcess[str]:
    """`python3 -m lab WORD...` with its exit code and what it said; pictures are empty unless they are wanted."""
    command = ["lab", *map(str, words)]
    stdout, stderr = io.StringIO(), io.StringIO()
    on_term = signal.getsignal(signal.SIGTERM)
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(sys, "argv", command))
        stack.enter_context(contextlib.redirect_stdout(stdout))
        stack.enter_context(contextlib.redirect_stderr(stderr))
        if not pictures:
            stack.enter_context(mock.patch.object(picture, "drawn", lambda *_, **__: PIXEL))
        try:
            code = lab.main()
        finally:
            signal.signal(signal.SIGTERM, on_term)
    return subprocess.CompletedProcess(command, code, stdout.getvalue(), stderr.getvalue())
