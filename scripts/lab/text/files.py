"""Files that are whole or not there, and the small tables that the shell exchanges with us."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from lab.text.complaint import FAILED, Complaint

MOST_BYTES = 1 << 25


def read_text(path: Path) -> str:
    """What is in a file that somebody else wrote: bytes that are no UTF-8 become U+FFFD, and fail nothing.

    Raises Complaint when the file is larger than any that is read as a whole, or is a pipe or a device.
    """
    about = path.stat()
    if not stat.S_ISREG(about.st_mode) and not stat.S_ISDIR(about.st_mode):  # which says itself what it is
        raise Complaint(path, "is no regular file", FAILED)
    if about.st_size > MOST_BYTES:
        raise Complaint(path, f"is larger than {MOST_BYTES >> 20} MB, which no file of this kind is", FAILED)
    return path.read_bytes().decode(errors="replace")


def needed_text(path: Path, remedy: str) -> str:
    """The same of a file that must be there. Raises Complaint with the `remedy` where it cannot be read."""
    try:
        return read_text(path)
    except OSError as error:
        what = "is not there" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise Complaint(path, f"{what}: {remedy}", FAILED) from None


def is_file(path: str | Path) -> bool:
    """False, too, for a name that is too long, or in a folder that may not be read."""
    try:
        return Path(path).is_file()
    except OSError:
        return False


def write_whole(path: Path, content: str | bytes) -> None:
    """Writes `content` to `path` so that a reader, or a power cut, finds the old file or the new one."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise Complaint(path, f"cannot be written: {error.strerror}", FAILED) from error


def read_facts(path: Path, keys: Iterable[str], remedy: str) -> dict[str, str]:
    """Reads `key<TAB>value` lines, among which must be `keys`. `remedy` says what to do when they are not."""
    lines = needed_text(path, remedy).splitlines()
    for number, line in enumerate(lines, start=1):
        if "\t" not in line:
            raise Complaint(f"{path}:{number}", f"is not 'key<TAB>value': {remedy}", FAILED)
    facts = dict(line.split("\t", 1) for line in lines)
    for key in keys:
        if key not in facts:
            raise Complaint(path, f"does not say '{key}': {remedy}", FAILED)
    return facts
