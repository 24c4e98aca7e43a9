"""Files that are whole or not there, and the small tables that the shell exchanges with us."""

import os
from pathlib import Path

from lab.complaint import FAILED, Complaint


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


def read_facts(path: Path, remedy: str) -> dict[str, str]:
    """Reads `key<TAB>value` lines. `remedy` says what to do when the file is not there or not whole."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        raise Complaint(path, f"is not there: {remedy}", FAILED) from None
    for number, line in enumerate(lines, start=1):
        if "\t" not in line:
            raise Complaint(f"{path}:{number}", f"is not 'key<TAB>value': {remedy}", FAILED)
    return dict(line.split("\t", 1) for line in lines)
