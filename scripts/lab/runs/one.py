"""One row of a plan: run in a fresh guest, it leaves its folder, whole or not at all; or its reason in failed/."""

import fcntl
import os
import platform
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.plan import contract, plan, plan_file, program, target
from lab.plan.places import BUILD, ROOT, TARGETS
from lab.plan.plan import Row
from lab.runs import guest_files, outputs, run_record
from lab.runs.attend import attend
from lab.text.complaint import FAILED, Complaint
from lab.text.files import read_facts, write_whole

LOCK = Path(os.environ.get("PIPELAB_LOCK") or "/tmp/pipelab.lock")  # of this host, for all its users
RUN_VM = ROOT / "qemu" / "run_vm.sh"
FAILURES = "failed"
NEEDED_MB = 64  # the samples of a run, as a tar file and unpacked, with room to spare
FULL_DISK_BYTES = 1 << 20  # less is none
MOST_SAID_BYTES = 1 << 16  # of what a command printed
STATE = "counters.txt"  # what was counted, or why nothing was
COUNTS = "counters.json"
HANG = "hang.txt"  # of a user's program that reached its limit: what each of its threads waited for
KEPT = ("console.log", "stdout.txt", "stderr.txt", HANG)  # of a run that failed
BUFFER_MB = "BUFFER_MB"  # the knob of traced rows
FOLLOWED = ("profile", "lines")  # observers that disturb a user's program, to know where its memory was
OF_ATTENDANT = dict.fromkeys(FOLLOWED, ["--maps"]) | {"calls": ["--calls"]}  # its options
EVENTS = (
    "task-clock,context-switches,cpu-migrations,faults,cycles,instructions,instructions:k,cache-references,cache-misses"
)


def is_done(row: Row, runs: Path) -> bool:
    """Whether its folder is there; of a counted run, with counts: what could not be counted is tried again."""
    return (runs / row.run / (COUNTS if row.observer == "counters" else "")).exists()


def failure_name(row: Row) -> str:
    """The name of the folder in FAILURES that says why a run of the row failed."""
    return f"{row.suite}.{row.scenario}.{row.run}"


def command(row: Row) -> list[str]:
    """What boots the row's guest, without where its files go: options of run_vm.sh by name, and what the guest runs."""
    shape = row.guest
    options = {
        "target": row.target,
        "timing": row.timing,
        "smp": shape.smp,
        "memory": shape.memory_mb,
        "seed": row.seed,
        "limit": row.limit_s,
        "kernel": shape.kernel,
        "kernel-args": shape.kernel_args,
        "numa": shape.numa_nodes,
        "quantum": shape.quantum,
        "pin-vcpus": "yes" if row.pin_vcpus else "no",
        "accelerator": row.wanted_accelerator,
    }
    watched, before = _observer(row)
    named = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    if row.variant:
        watched += [f"--{row.variant}"]
    if row.parcel:
        watched += ["--parcel", str(program.file_of(row.parcel)), *(("--wrap", " ".join(before)) if before else ())]
        before = OF_ATTENDANT.get(row.observer, [])
    return [str(RUN_VM), *named, *watched, "--", *before, *shlex.split(row.command)]


def _observer(row: Row) -> tuple[list[str], list[str]]:
    """The options of run_vm.sh by which a row is watched, and the words before its command."""
    match row.observer:
        case "counters" | "lines":
            return ["--counters", "caches"], []
        case "profile":
            return ["--counters", "profile"], []
        case "perf":
            return ["--perf", "--counters", "caches"], ["perf", "stat", "-x,", "-o", "perf.csv", "-e", EVENTS]
        case "trace":
            futexes = ["--futex"] if row.parcel else []  # of a user's program, which says nothing of its waits
            return [], ["sh", "/trace_guest.sh", str(int(row.knobs[BUFFER_MB]) << 10), *futexes]
    return [], []


def run(row: Row, runs: Path, others: Sequence[Row] = ()) -> None:
    """Runs the row unless it is done, and leaves runs/RUN. Raises Complaint when it fails, having kept why.

    `others` are rows that ask for the same run.
    """
    if is_done(row, runs):
        _claim((row, *others), runs)
        return
    here = f".partial.{row.run}.{platform.node()}."
    for old in runs.glob(f"{here}*"):  # of processes that were killed
        if not Path("/proc", old.name.removeprefix(here)).exists():
            shutil.rmtree(old, ignore_errors=True)
    free_mb = -(-shutil.disk_usage(runs).free >> 20)
    if free_mb < NEEDED_MB:
        what = f"no room for {row.place}: {free_mb} MB are free, and a run needs {NEEDED_MB} MB"
        raise Complaint(runs, f"{what}: free some space", FAILED)
    folder = runs / f"{here}{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        what = f"cannot be made ({error.strerror}): free some space, or mend its permissions"
        raise Complaint(folder, what, FAILED) from None
    try:
        with host_lock(alone=row.timing == "live"):
            if not is_done(row, runs):  # as when a process that had the lock made it for another row
                _keep(row, others, folder, runs, _boot(row, folder))
    except Complaint as complaint:
        _keep_failure(row, others, folder, runs, str(complaint))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for failed in (runs / FAILURES).glob(f"*.{row.run}"):  # whichever scenario asked for it then
        shutil.rmtree(failed, ignore_errors=True)
    _claim((row, *others), runs)


def _claim(rows: Sequence[Row], runs: Path) -> None:
    """Lets a run, which several scenarios may ask for, say that `rows` do."""
    for row in rows:
        if row.observer == "none":
            run_record.claim(runs / row.run, row)


def _boot(row: Row, folder: Path) -> dict[str, Any]:
    """Boots the row's guest into `folder`, and gives what the host did. Raises Complaint with why it did not end well."""
    words = command(row)
    place = words.index("--")
    with tempfile.TemporaryFile() as log:
        before = run_record.host_now()
        build = {"PIPELAB_BUILD": row.build} if row.build else {}
        code = attend([*words[:place], "--out", str(folder), *words[place:]], log, PIPELAB_LOCK="held", **build)
        host = run_record.host_since(before)
        log.seek(0)
        said = log.read(MOST_SAID_BYTES).decode(errors="replace").strip()
    if code:
        raise Complaint(row.place, said or _silent_end(code, folder), FAILED)
    return host


def _keep(row: Row, others: Sequence[Row], folder: Path, runs: Path, host: dict[str, Any]) -> None:
    """Makes of the folder of a guest that ended well the row's own. `host` is what the host did meanwhile."""
    if row.observer == "none":
        image = plan.read_image(_build(row), target.load(TARGETS, row.target), row.guest.kernel)
        run_record.seal(folder, row, image, root_of(row), host, others)
    else:
        write_whole(folder / run_record.ROW, plan_file.write([row]))
    if row.observer in ("counters", *FOLLOWED):
        write_whole(folder / STATE, _counted(folder) + "\n")
    if row.observer in FOLLOWED and not (folder / COUNTS).is_file():
        raise Complaint(row.place, f"nothing was counted: {_counted(folder)}", FAILED)
    if row.observer == "counters":
        _keep_counts(row, folder, runs)
    if row.observer == "counters":  # what is there has no counts
        shutil.rmtree(runs / row.run, ignore_errors=True)
    try:
        folder.rename(runs / row.run)
    except OSError:
        if not is_done(row, runs):  # another process was faster
            raise


def _build(row: Row) -> Path:
    return Path(row.build) if row.build else BUILD


def root_of(row: Row) -> Path:
    """The tree that the row's program is built from."""
    return _build(row).resolve().parent


def _counted(folder: Path) -> str:
    return read_facts(folder / "vm.tsv", ["counters"], remedy="run it again")["counters"]


def _keep_counts(row: Row, folder: Path, runs: Path) -> None:
    """Leaves the counts alone, where the run came out as the one beside `runs` that it counts."""
    observed = runs.parent / row.run
    known = contract.load(row.workload)
    names = [*outputs.names_of(known), guest_files.ALWAYS[0]] if known.own else [outputs.HISTOGRAM]
    out = folder / guest_files.OUT
    other = [name for name in names if (out / name).read_bytes() != (observed / name).read_bytes()]
    if other:
        what = "other times" if other == [outputs.HISTOGRAM] else f"another {other[0]}"
        what = f"has {what} with the counters: remove it ('rm -r {shlex.quote(str(observed))}') and run it again"
        raise Complaint(row.place, what, FAILED)
    if not (folder / COUNTS).is_file():
        print(Complaint(row.place, _counted(folder)), file=sys.stderr)
    for file in folder.iterdir():
        if file.is_dir():
            shutil.rmtree(file)
        elif file.name not in (COUNTS, STATE):
            file.unlink()


def _keep_failure(row: Row, others: Sequence[Row], folder: Path, runs: Path, reason: str) -> None:
    """Leaves in failed/ the reason, the file that it names, the console log and what the command printed, and complains of
    the reason. The folder, in which the file is, is called otherwise then. For each of the `others` it leaves the reason,
    and where the rest is."""
    failed = runs / FAILURES / failure_name(row)
    named = reason
    reason = reason.removeprefix(f"{row.place}: ").replace(str(folder), str(failed))
    for file in sorted(folder.rglob("*"), reverse=True):
        if file.is_dir() and not file.is_symlink():
            if not any(file.iterdir()):
                file.rmdir()
        elif (file.name not in KEPT and str(file) not in named) or file.lstat().st_size > 1 << 20:
            file.unlink()
    try:
        (folder / "reason.txt").write_text(reason + "\n")
    except OSError:
        pass  # a full disk must not hide the reason
    try:
        failed.parent.mkdir(exist_ok=True)
        shutil.rmtree(failed, ignore_errors=True)
        folder.rename(failed)
    except OSError:
        raise Complaint(row.place, f"{reason} (nothing is kept: {failed} cannot be made)", FAILED) from None
    with suppress(OSError):  # as above
        for other in others:
            beside = failed.with_name(failure_name(other))
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir()
            (beside / "reason.txt").write_text(f"{reason}\nIt shares this run with {row.asked_as}: see {failed}\n")
    kept = f"{reason} (kept in {failed})"
    also = ", ".join(other.asked_as for other in others)
    raise Complaint(row.place, f"{kept}; {also} asked for this run too" if also else kept, FAILED)


def _silent_end(code: int, folder: Path) -> str:
    """Why run_vm.sh ended with `code`, which itself said nothing."""
    if shutil.disk_usage(folder).free < FULL_DISK_BYTES:
        return f"no room on the disk of {folder.parent}: free some space"
    if code < 0 or code > 128:
        name = signal.Signals(-code if code < 0 else code - 128).name
        return f"its guest was ended from outside ({name}): run it again"
    return f"its guest ended with code {code} and said nothing: run it again"


@contextmanager
def host_lock(alone: bool) -> Iterator[None]:
    """Holds this host's lock: a live guest is alone on it, others are with each other. Waits, and says so once.

    It is a flock(2) of a file that belongs to the host, so whoever boots a guest with run_vm.sh is kept to it, wherever
    the runs go; it ends with the process that holds it.
    """
    try:
        descriptor = os.open(LOCK, os.O_RDONLY | (0 if LOCK.exists() else os.O_CREAT), 0o644)
    except OSError as error:
        raise Complaint(
            LOCK, f"cannot be opened ({error.strerror}): give another file as PIPELAB_LOCK", FAILED
        ) from None
    try:
        how = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            what = "for the end of other guests" if alone else "for the end of a live guest, which must be alone"
            print(f"pipelab: waiting {what} on this host ({LOCK})", file=sys.stderr)
            fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def of_plan(file: Path, number: int) -> Row:
    """Row `number` (from 1) of a plan."""
    if not file.is_file():
        raise Complaint(file, "there is no such plan")
    return plan_file.read_row(file, number)


def counted(row: Row, runs: Path) -> Row:
    """The row that counts what the run of `row`, which must be in `runs`, did."""
    if row.timing != "exact":
        what = "live runs are not counted, since it would change their times: give an exact one"
        raise Complaint(row.place, what)
    if not (runs / row.run).is_dir():
        raise Complaint(row.place, "is not there: run it before it is counted", FAILED)
    return replace(row, observer="counters")
