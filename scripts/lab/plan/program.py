"""The program as it is built for this machine, which knows whether options are right."""

import os
import subprocess
from pathlib import Path

from lab.text.complaint import FAILED, Complaint


def of_host(build: Path) -> Path:
    """Where the program is; $PIPELAB_PROGRAM may say otherwise."""
    return Path(os.environ.get("PIPELAB_PROGRAM") or build / "host" / "pipelab")


def check(program: Path, lines: dict[str, str]) -> None:
    """Raises Complaint about the first of `lines` (command lines by place, without the program's name) that is wrong."""
    text = "".join(f"{line}\n" for line in lines.values())
    try:
        ended = subprocess.run([program, "--check-lines"], input=text, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Complaint(program, f"{error.strerror}: run 'make program' to build it", FAILED) from None
    wrongs = ended.stdout.splitlines()
    if wrongs and ended.returncode == 2:
        number, _, complaint = wrongs[0].partition(": ")
        raise Complaint(list(lines)[int(number) - 1], complaint)
    if ended.returncode != 0:
        what = f"cannot check options (exit code {ended.returncode})"
        raise Complaint(program, f"{what}: run 'make program' to build it again", FAILED)
