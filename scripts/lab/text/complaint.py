"""What a user reads when something is wrong."""

import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from lab.text.outside import visible

FAILED = 1
USAGE = 2
MOST = 1400  # characters: two long paths and a remedy, which may name all suites


class Complaint(Exception):
    """One line for the user: where, what is wrong, and what to do about it.

    `exit_code` is what the program then ends with: 1 the tool failed, 2 wrong usage.
    """

    def __init__(self, where: object, message: str, exit_code: int = USAGE) -> None:
        super().__init__(visible(f"{where}: {message}", MOST))
        self.exit_code = exit_code


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends whatever Ctrl-C ends."""


def exit_code(step: Callable[[], int]) -> int:
    """What a process that does `step` ends with, having said in one line what is wrong."""
    try:
        return step()
    except Complaint as complaint:
        print(f"pipelab: {complaint}", file=sys.stderr)
        return complaint.exit_code
    except OSError as error:
        print(f"pipelab: {Complaint(error.filename or 'a file', str(error.strerror or error))}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt as interrupt:
        return 143 if isinstance(interrupt, Terminated) else 130
    except Exception as error:  # none is expected
        print(f"pipelab: this is a fault of pipelab: {kept(error)}", file=sys.stderr)
        return FAILED


def kept(fault: Exception) -> str:
    """What happened, in one line that ends with the file that has its traceback: beside all else that is temporary."""
    place = traceback.extract_tb(fault.__traceback__)[-1]
    what = f"{type(fault).__name__} in {Path(place.filename).name}, line {place.lineno}"
    try:
        descriptor, name = tempfile.mkstemp(prefix="pipelab-fault-", suffix=".txt")
        with open(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(f"{' '.join(sys.argv)}\n\n")
            traceback.print_exception(fault, file=file)
    except OSError as error:
        return f"{what} (its traceback could not be kept: {error.strerror}): please report it"
    return f"{what}: please report it with {name}, where its traceback is"
