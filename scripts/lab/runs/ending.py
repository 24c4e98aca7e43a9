"""python3 -m lab.runs.ending: says how a guest ended, and takes in what it sent.

Called by qemu/run_vm.sh when QEMU has ended, with what the shell knows. Writes vm.tsv (how it ended, and what the shell
gives as further facts), prints one line when the guest did not end well, and ends with the code that run_vm.sh is to
end with. All text of the guest is read here and nowhere in the shell.
"""

import argparse
import os
import re
import resource
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from lab.runs import guest_files
from lab.text.complaint import FAILED, Complaint
from lab.text.files import write_whole
from lab.text.outside import visible
from lab.text.time_limit import within

DONE = "done"
PANICKED, HUNG, CUT_OFF, QEMU_FAILED = 120, 121, 122, 123
TIMED_OUT, KILLED = 124, 128 + signal.SIGKILL  # of timeout(1)
FILE_TOO_LARGE = 128 + signal.SIGXFSZ
CONSOLE = "console.log"
TURNS = "turnstile.txt"  # of src/turnstile/: how often QEMU's main loop went on, and how often while a CPU ran
# Made for one guest: one in exact timing, one that has hidden CPUs, one with a user's program.
MADE = ("turnstile.so", "turnstile.log", TURNS, "machine.dtb", "initrd.cpio")
ENDED_QEMU = "terminating on signal"  # in what QEMU prints then
PANIC = re.compile(rb"Kernel panic - [^\r\n]*")
NO_CPU = re.compile(rb"pipelab: (cannot bring up CPU [0-9]{1,2} of [0-9]{1,2})\r?\n")  # of /init
ENDED = b"pipelab: the command ended with code "  # of /init
SWITCHED_OFF, OUT_OF_MEMORY = b"reboot: ", b"Out of memory: Killed process "  # of its kernel
NO_ROOM = b": No space left on device"  # of /init
NO_PEER = b"quantum has no peer"  # in QEMU's two warnings of the timer that makes turns
FULL_DISK_BYTES = 1 << 20  # less is none
PROCESS = "process.csv"  # the attendant leaves it, however the program ended
BY_SIGNAL = "attendant: ended by signal"
SIGNAL_NO_OTHER = "let the program signal no process but its own"
LAST_BYTES = 4096  # of a file, in which its last line is looked for
UNPACK_S = 30  # a stream of 256 MB takes one second
UNPACK_BYTES = 2 << 30


@dataclass(frozen=True)
class Ending:
    """How a guest ended: in a word, with a reason where it was not well, and as the exit code of run_vm.sh."""

    outcome: str
    reason: str
    exit_code: int


def main() -> int:
    parser = argparse.ArgumentParser(prog="lab.runs.ending", description=__doc__)
    parser.add_argument("--code", type=int, required=True, help="what QEMU, or timeout for it, ended with")
    parser.add_argument("--limit", type=int, required=True, help="seconds that the guest had")
    parser.add_argument("--wall-ms", type=int, required=True, help="that it took")
    parser.add_argument("--output-mb", type=int, required=True, help="that it may send")
    parser.add_argument("--console-mb", type=int, required=True, help="of its console that are kept")
    parser.add_argument("--attended", action="store_true", help="its command was a user's, which the attendant started")
    parser.add_argument("--fact", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (UNPACK_BYTES, UNPACK_BYTES))
    with within(UNPACK_S, guest_files.Refused(f"unpacking it takes longer than {UNPACK_S} s")):
        ending = _with_disk(arguments.folder, of_guest(arguments))
    forced = forced_turns(arguments.folder / TURNS)
    _clear(arguments.folder, arguments.console_mb << 20)
    if ending.outcome != DONE:
        console = arguments.folder / CONSOLE
        where = f" (console: {console})" if console.exists() else ""
        print(f"run_vm.sh: {ending.outcome}: {ending.reason}{where}", file=sys.stderr)
    facts = {
        "outcome": ending.outcome,
        "reason": ending.reason,
        "exit_code": ending.exit_code,
        "wall_ms": arguments.wall_ms,
        "forced_turns": forced,
        **dict(arguments.fact),
    }
    try:
        write_whole(arguments.folder / "vm.tsv", "".join(f"{key}\t{value}\n" for key, value in facts.items()))
    except Complaint as complaint:  # how the guest ended is told by the exit code all the same
        print(f"run_vm.sh: {complaint}", file=sys.stderr)
        return ending.exit_code or FAILED
    return ending.exit_code


def of_guest(known: argparse.Namespace) -> Ending:
    """How the guest in known.folder ended; what it sent is unpacked."""
    folder: Path = known.folder
    if known.code == TIMED_OUT or (known.code == KILLED and known.wall_ms >= known.limit * 1000):
        was_full = OUT_OF_MEMORY in _tail(folder / CONSOLE, 1 << 16)
        full = "; its kernel ended processes, as its memory was full: give it more memory-mb, or look for what grows without end"
        return Ending("guest-hung", f"no end within {known.limit} s" + full * was_full, HUNG)
    if known.code == FILE_TOO_LARGE:
        what = f"it sent more than {known.output_mb} MB, or printed as much"
        return Ending("guest-cut-off", f"{what}: let it write less, or give a larger --output-mb", CUT_OFF)
    said = visible(_last_line(folder / "qemu.log"))
    if known.code > 128 or ENDED_QEMU in said:  # it ends with 0 when it is told to end
        name = signal.strsignal(known.code - 128) if known.code > 128 else said
        return Ending("qemu-failed", f"QEMU was ended from outside ({name}): run it again", QEMU_FAILED)
    if known.code:
        return Ending("qemu-failed", f"QEMU ended with code {known.code}: {said}", QEMU_FAILED)
    try:
        code = guest_files.receive(folder / guest_files.STREAM, folder / guest_files.OUT, known.output_mb << 20)
    except guest_files.Refused as refused:
        return _without_files(folder, visible(str(refused)))
    # Whoever sent all that there was to send, and how its command ended, did not panic, whatever it printed.
    if code > 128 and known.attended and not (folder / guest_files.OUT / PROCESS).is_file():
        name = signal.strsignal(code - 128) or "which is unknown"
        what = f"the attendant, which waits for the program's end, was ended by signal {code - 128} ({name})"
        return Ending("workload-failed", f"{what}, as 'kill -9 -1' does: {SIGNAL_NO_OTHER}", code)
    if code:
        said = visible(_last_words(folder / guest_files.OUT) or "it printed nothing")
        return Ending("workload-failed", f"the command ended with code {code}: {said}", code)
    return Ending(DONE, "", 0)


def _without_files(folder: Path, refused: str) -> Ending:
    """How a guest ended whose files did not come: its kernel may have said why."""
    panic = PANIC.search(_tail(folder / CONSOLE, 1 << 20))
    if panic:
        return Ending("guest-panicked", visible(panic[0].decode(errors="replace")), PANICKED)
    if lacks := NO_CPU.search(_tail(folder / CONSOLE, 1 << 20)):
        what = f"its kernel {lacks[1].decode()}: give a smaller --smp, another kernel, or other --kernel-args"
        return Ending("guest-cut-off", what, CUT_OFF)
    if NO_ROOM in _tail(folder / CONSOLE, 1 << 16):
        what = (
            "its memory was full, in which its files are as well: let the program write less, or give it more memory-mb"
        )
        return Ending("guest-cut-off", what, CUT_OFF)
    if (
        refused in (guest_files.NOTHING, guest_files.CUT)
        and SWITCHED_OFF in _tail(folder / CONSOLE, 200)
        and ENDED not in _tail(folder / CONSOLE, 1 << 20)
    ):
        what = "its command switched the guest off before its end: let it neither reboot nor power off"
        return Ending("guest-cut-off", what, CUT_OFF)
    if not _tail(folder / CONSOLE, 1):
        why = "it ended before it had printed anything: look for words in --kernel-args that its kernel does not know"
        return Ending("guest-cut-off", f"{refused}: {why}", CUT_OFF)
    return Ending("guest-cut-off", f"the guest's files did not arrive whole: {refused}", CUT_OFF)


def forced_turns(file: Path) -> str:
    """How often QEMU's main loop did not wait for its turn; empty where it had no turnstile."""
    said = re.fullmatch(rb"[0-9]{1,10}\t([0-9]{1,10})\n", _tail(file, 100))
    return said[1].decode() if said else ""


def _with_disk(folder: Path, ending: Ending) -> Ending:
    """A disk without room makes QEMU fail, hang or drop what the guest sends; it does not always say why."""
    blamed = ending.exit_code in (HUNG, CUT_OFF, QEMU_FAILED)
    if not blamed or shutil.disk_usage(folder).free >= FULL_DISK_BYTES:
        return ending
    reason = f"no room on the disk of {folder}: free some space ({ending.reason})"
    return Ending(ending.outcome, reason, ending.exit_code)


def _clear(folder: Path, most_console_bytes: int) -> None:
    """Removes what is not to be kept, and the middle of a console log that is too long."""
    (folder / guest_files.STREAM).unlink(missing_ok=True)
    for made in MADE:
        (folder / made).unlink(missing_ok=True)
    log = folder / "qemu.log"
    if log.is_file():
        log.write_bytes(b"".join(line for line in log.read_bytes().splitlines(True) if NO_PEER not in line))
    if log.is_file() and log.stat().st_size == 0:
        log.unlink()
    console = folder / CONSOLE
    if console.is_file() and console.stat().st_size > most_console_bytes:
        size, half = console.stat().st_size, most_console_bytes // 2
        with console.open("r+b") as file:
            file.seek(size - half)
            end = file.read()
            file.seek(half)
            file.write(f"\n[pipelab: {size - 2 * half} bytes are cut out here]\n".encode() + end)
            file.truncate()


def _last_words(folder: Path) -> str:
    """The last line that a command printed; of one that a signal ended, what the attendant says, and the line before it."""
    errors, printed = (_lines(folder / name) for name in ("stderr.txt", "stdout.txt"))
    if errors and errors[-1].startswith(BY_SIGNAL):
        before = [*printed, *errors[:-1]][-1:]
        return errors[-1] + "".join(f"; before that it printed: {line.strip()}" for line in before)
    return [*printed, *errors][-1] if printed or errors else ""


def _last_line(file: Path) -> str:
    return (_lines(file) or [""])[-1]


def _lines(file: Path) -> list[str]:
    """The last lines of a file."""
    return _tail(file, LAST_BYTES).decode(errors="replace").strip().splitlines()


def _tail(file: Path, most_bytes: int) -> bytes:
    """The end of a regular file; nothing where there is none."""
    try:
        with file.open("rb") as content:
            content.seek(max(0, os.fstat(content.fileno()).st_size - most_bytes))
            return content.read(most_bytes)
    except OSError:
        return b""


if __name__ == "__main__":
    sys.exit(main())
