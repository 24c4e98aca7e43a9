"""A finished run's folder: sealed by run.json, which says what ran, where, and how the files must be."""

import hashlib
import json
import os
import platform
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from types import UnionType
from typing import Any

from lab.plan import contract, plan, plan_file
from lab.plan.contract import Contract
from lab.runs import guest_files, ledger, outputs, watch
from lab.runs.attend import git
from lab.runs.ending import CONSOLE
from lab.text import names, strict
from lab.text.complaint import FAILED, Complaint
from lab.text.files import read_facts, read_text, write_whole
from lab.plan.plan import Row
from lab.runs.outputs import Outputs, series

RECORD = "run.json"
ASKED_FOR = "asked_for_by"  # the scenarios to which a run belongs
ROW = "row.json"  # in its place, of a run that was watched: those are not sealed
CHECKSUM = "sha256"  # of all else that run.json says
DIGITS = 16  # of a SHA-256 that stands for all of it
CPU_INFO = Path("/proc/cpuinfo")
MADE_OF_RUNS = (":(top,exclude)result_data", ":(top,exclude)results.md", ":(top,exclude)results.html")  # for git
DECISIVE = (
    "seed",
    "guest",
    "duration_s",
    "command",
    "pin_vcpus",
    "observer",
)  # of a row: its plan's and its run's are alike
VM_FACTS = ("outcome", "exit_code", "wall_ms", "accelerator", "forced_turns", "qemu_command")

# What the report reads of run.json, beside the row, and of which type it must be.
Shape = type | UnionType | dict[str, "Shape"]
NUMBER: UnionType = float | int
FINGERPRINT: Shape = {"bytes": int, "sha256": str}
SHAPE: Shape = {
    "row": {},
    "noisy": bool,
    "accelerator": str,
    "image": {name: str for name in plan.IMAGE_FACTS},
    "host": {"cpu": str, "cpus": int | None, "load_before": NUMBER, "steal_share": NUMBER | None},
    "git_commit": str | None,
    "finished_at": str,
    "files": {},
}
# What it reads where a run has it: only live runs have, and not all of them.
LEDGER: dict[str, Shape] = {
    "vcpus": {},
    **dict.fromkeys(("steal_share", "run_delay_share", "frequency_min_mhz", "frequency_max_mhz"), NUMBER | None),
    "clock_source": str | None,
    "clock_source_stable": bool,
}
PINNING: dict[str, Shape] = {"pinned": bool, "why_not": str | None, "host_cpus": list}
VCPU: Shape = {"run_ns": int, "run_delay_ns": int}


@dataclass(frozen=True)
class RunRecord:
    """A run whose files are as run.json says."""

    folder: Path
    row: Row
    facts: dict[str, Any]  # all of run.json

    @property
    def noisy(self) -> bool:
        """Whether the host disturbed the run."""
        return bool(self.facts["noisy"])

    @property
    def contract(self) -> Contract:
        """That of its workload."""
        return contract.load(self.row.workload)

    @property
    def fingerprints(self) -> tuple[str, str]:
        """Of an exact run, which has to come out the same: of all files that the program left, and of the canary."""
        if self.row.timing == "live":
            return "", ""
        files = {name: said["sha256"] for name, said in self.facts["files"].items()}
        canary = files.pop(guest_files.CANARY, "")
        left = {name: digest for name, digest in files.items() if name != CONSOLE}
        return hashlib.sha256(json.dumps(left, sort_keys=True).encode()).hexdigest()[:DIGITS], canary[:DIGITS]

    @cached_property
    def outputs(self) -> Outputs:
        """What the program counted. Raises Complaint when that cannot be."""
        return outputs.read(self.folder, self.row, self.contract)


def seal(
    folder: Path, row: Row, image: dict[str, str], root: Path, host: dict[str, Any], others: Sequence[Row] = ()
) -> None:
    """Writes run.json into `folder`, where a guest has just ended well, and flushes all to the disk.

    Takes in and removes vm.tsv and watch.json. `root` is the tree of the build, `host` as host_since() gives it, `others`
    ask for the same run.
    """
    vm = read_facts(folder / "vm.tsv", VM_FACTS, remedy="run it again")
    if not row.run.endswith("." + plan.decisive_hash(row, image, vm["accelerator"])):
        what = f"ran on {vm['accelerator']} with the image of now, which is not what was planned"
        raise Complaint(row.place, f"{what}: run 'make run-scenarios' again, which plans anew", FAILED)
    known = contract.load(row.workload)
    guest_files.accept(folder, outputs.names_of(known))
    left = outputs.read(folder, row, known)  # which complains of what does not add up, as do these two
    outputs.check_samples(folder, left, known)
    series.check(folder, left, row, known)
    facts: dict[str, Any] = {
        "row": asdict(row),
        ASKED_FOR: sorted({each.asked_as for each in (row, *others)}),
        "outcome": vm["outcome"],
        "exit_code": int(vm["exit_code"]),
        "wall_s": int(vm["wall_ms"]) / 1000,
        "accelerator": vm["accelerator"],
        # Of an exact run: how often QEMU's main loop did not wait for its turn; None where nothing made it wait.
        "forced_turns": int(vm["forced_turns"]) if vm["forced_turns"] else None,
        "qemu_command": vm["qemu_command"],
        "image": image,
        "host": host,
        **(ledger.facts(ledger.read(folder)) if row.timing == "live" else {"noisy": False}),
        "git_commit": git_commit(root),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    notes = [folder / "vm.tsv", folder / ledger.WATCH]
    for note in notes + [folder / guest_files.CANARY] * (row.timing == "live"):
        note.unlink(missing_ok=True)
    facts["files"] = {file.name: fingerprint(file) for file in sorted(folder.iterdir())}
    for file in folder.iterdir():
        _flush(file)
    write(folder, facts)
    _flush(folder)


def write(folder: Path, facts: dict[str, Any]) -> None:
    """Writes run.json: `facts`, and their checksum."""
    write_whole(folder / RECORD, json.dumps(facts | {CHECKSUM: checksum(facts)}, indent=2) + "\n")


def claim(folder: Path, row: Row) -> None:
    """Lets run.json say that `row`, of another suite or scenario, asks for this run as well."""
    try:
        facts = strict.parse_json(read_text(folder / RECORD))
        claimed = facts[ASKED_FOR]
        if isinstance(claimed, list) and row.asked_as not in claimed and facts[CHECKSUM] == checksum(facts):
            write(folder, facts | {ASKED_FOR: sorted([*claimed, row.asked_as])})
    except (OSError, ValueError, LookupError, TypeError, Complaint):
        pass  # load() says what is wrong with it


def asked_for_by(folder: Path) -> list[str]:
    """The scenarios to which the run in `folder` belongs; none where it is not there, or damaged, as load() says."""
    try:
        said = strict.parse_json(read_text(folder / RECORD))[ASKED_FOR]
    except (OSError, ValueError, LookupError, TypeError, Complaint):
        return []
    return said if isinstance(said, list) else []


def checksum(facts: dict[str, Any]) -> str:
    """The SHA-256 of all that run.json says but this, however it is laid out."""
    said = {key: value for key, value in facts.items() if key != CHECKSUM}
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def load(folder: Path, planned: Row | None = None) -> RunRecord:
    """Reads and checks a run's folder. Raises Complaint when anything in it is not as it was sealed.

    `planned` is the row that asks for it, where that may be another than the one for which it was made.
    """
    file, remedy = (
        folder / RECORD,
        f"remove the folder ('rm -r {shlex.quote(str(folder))}') and run 'make run-scenarios' again",
    )
    try:
        facts = strict.parse_json(read_text(file))
    except (OSError, ValueError):
        facts = None
    if isinstance(facts, dict) and "row" not in facts and "run" in facts:
        raise Complaint(file, f"is of an older pipelab: {remedy}", FAILED)
    _check_shape(file, facts, SHAPE, remedy)
    _check_ledger(file, facts, remedy)
    if facts.get(CHECKSUM) != checksum(facts):
        raise Complaint(file, f"was changed since the run: {remedy}", FAILED)
    try:
        row = plan_file.of_object(facts["row"])
    except ValueError as error:
        raise Complaint(file, f"has no good row ({error}): {remedy}", FAILED) from None
    if row.run != folder.name:
        raise Complaint(file, f"is of the run {row.run}, which was mixed up with this one: {remedy}", FAILED)
    if row.run != plan.run_name(row, facts["image"], facts["accelerator"]):
        raise Complaint(file, f"has another command, guest or image than its name stands for: {remedy}", FAILED)
    try:
        names.check({"accelerator": facts["accelerator"]})
        names.check_files(facts["files"])
    except ValueError as error:
        raise Complaint(file, f"is damaged ({error}): {remedy}", FAILED) from None
    _check_files(folder, facts["files"], remedy)
    if unlike := [name for name in DECISIVE if planned and getattr(row, name) != getattr(planned, name)]:
        what = f"has another {unlike[0]} than its plan: run 'make run-scenarios' again, which plans anew"
        raise Complaint(file, what, FAILED)
    record = RunRecord(folder, planned or row, facts)
    _check_shape(file, facts["files"], dict.fromkeys(outputs.names_of(record.contract), FINGERPRINT), remedy, "files")
    _ = record.outputs  # complains of what does not add up
    return record


def contract_of(folder: Path) -> Contract | None:
    """That of the run in `folder`, as its record says, or the row in the place of one where it was made to be observed;
    None where neither is there. Raises Complaint."""
    if (folder / RECORD).is_file():
        return load(folder).contract
    return contract.load(plan_file.read(folder / ROW)[0].workload) if (folder / ROW).is_file() else None


def _check_ledger(file: Path, facts: dict[str, Any], remedy: str) -> None:
    for name, shape in (("ledger", LEDGER), ("vcpu_pinning", PINNING)):
        if (said := facts.get(name)) is not None:
            known = {key: part for key, part in shape.items() if isinstance(said, dict) and key in said}
            _check_shape(file, said, known, remedy, name)
    for vcpu in ((facts.get("ledger") or {}).get("vcpus") or {}).values():
        _check_shape(file, vcpu, VCPU, remedy, "ledger.vcpus")


def _check_files(folder: Path, files: dict[str, Any], remedy: str) -> None:
    """Raises Complaint when a file of the run is not as it was sealed."""
    _check_shape(folder / RECORD, files, dict.fromkeys(files, FINGERPRINT), remedy, "files")
    for name, sealed in files.items():
        file = folder / name
        if not file.is_file():
            raise Complaint(file, f"is missing: {remedy}", FAILED)
        if file.stat().st_size != sealed["bytes"]:
            size = f"{file.stat().st_size} of {sealed['bytes']} bytes"
            raise Complaint(file, f"is cut or grown ({size}): {remedy}", FAILED)
        if fingerprint(file) != sealed:
            raise Complaint(file, f"was changed since the run: {remedy}", FAILED)


def _check_shape(file: Path, value: object, shape: Shape, remedy: str, name: str = "") -> None:
    """Raises Complaint when `value` lacks a key that `shape` has, or has one of another type."""
    good = isinstance(value, dict if isinstance(shape, dict) else shape)
    if not good or (isinstance(value, bool) and shape is not bool):
        what = f"has no good value for '{name}'" if name else "is missing or damaged"
        raise Complaint(file, f"{what}: {remedy}", FAILED)
    if isinstance(shape, dict):
        for key, part in shape.items():
            _check_shape(file, value.get(key), part, remedy, f"{name}.{key}".strip("."))  # type: ignore[attr-defined]


def fingerprint(file: Path) -> dict[str, Any]:
    """How a file must be, as run.json has it."""
    with file.open("rb") as content:
        return {"bytes": file.stat().st_size, "sha256": hashlib.file_digest(content, "sha256").hexdigest()}


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@cache
def git_commit(root: Path) -> str | None:
    """The commit of the working tree as it was when this was first asked."""
    return _git_commit(root)


def _git_commit(root: Path) -> str | None:
    """The commit of the working tree, with "-dirty" where files differ from it; None outside git.

    What is made from runs may differ: else no run would be clean between the first result and its commit.
    """
    commit = git(root, "rev-parse", "--verify", "--short=12", "HEAD").decode()
    changed = git(root, "status", "--porcelain", "--untracked-files=no", "--", ":/", *MADE_OF_RUNS)
    return commit + "-dirty" * bool(changed) if commit else None


def host_now() -> dict[str, Any]:
    """What the host is doing: the time of its CPUs so far, by state, and its load."""
    return {"cpu": watch.cpu_ticks(), "load": round(os.getloadavg()[0], 2)}


def host_since(before: dict[str, Any]) -> dict[str, Any]:
    """What the host is, and what it did since host_now() said `before`."""
    now = host_now()
    ticks = {state: max(0, count - before["cpu"][state]) for state, count in now["cpu"].items()}
    total = sum(ticks.values())
    return {
        "cpu": _cpu_model(),
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "load_before": before["load"],
        "load_after": now["load"],
        "steal_share": round(ticks["steal"] / total, 4) if total else None,
        "busy_share": round(1 - (ticks["idle"] + ticks["iowait"]) / total, 4) if total else None,
    }


def _cpu_model() -> str:
    """As the host calls it; the name of its architecture where it has no other."""
    for line in read_text(CPU_INFO).splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.machine()
