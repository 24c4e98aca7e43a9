"""A finished run's folder: sealed by run.json, which says what ran, where, and how the files must be."""

import hashlib
import json
import os
import platform
import subprocess
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from types import UnionType
from typing import Any

import lab.plan
from lab import ledger, names
from lab.complaint import FAILED, Complaint
from lab.files import read_facts, write_whole
from lab.plan import Row

RECORD = "run.json"
OUTPUTS = ("latencies.csv", "histogram.csv", "stats.csv")
HOST_BEFORE = "host_before.txt"
HOST_AFTER = "host_after.txt"
MADE_OF_RUNS = (":(top,exclude)result_data", ":(top,exclude)results.md", ":(top,exclude)results.html")  # for git
VM_FACTS = ("outcome", "exit_code", "wall_ms", "accelerator", "qemu_command")

# What the report reads of run.json, beside the row, and of which type it must be.
Shape = type | UnionType | dict[str, "Shape"]
FINGERPRINT: Shape = {"bytes": int, "sha256": str}
SHAPE: Shape = {
    **{each.name: float | int if each.type is float else each.type for each in fields(Row) if each.default is MISSING},
    "accelerator": str,
    "image": {name: str for name in lab.plan.IMAGE_FACTS},
    "host": {"cpu": str, "cpus": int | None, "load_before": float | int, "steal_share": float | int | None},
    "git_commit": str | None,
    "finished_at": str,
    "files": {},
}


@dataclass(frozen=True)
class RunRecord:
    """A run whose files are as run.json says."""

    folder: Path
    row: Row
    facts: dict[str, Any]  # all of run.json

    @property
    def noisy(self) -> bool:
        """Whether the host disturbed the run. Runs from before that was recorded count as quiet."""
        return bool(self.facts.get("noisy", False))


def seal(folder: Path, row: Row, image: dict[str, str], root: Path) -> None:
    """Writes run.json into `folder`, where a guest has just ended well, and flushes all to the disk.

    Takes in and removes the shell's own notes (vm.tsv and two snapshots of the host).
    """
    for name in OUTPUTS:
        if not (folder / name).is_file():
            raise Complaint(folder / name, "the guest did not send it: see console.log there", FAILED)
    vm = read_facts(folder / "vm.tsv", VM_FACTS, remedy="run it again")
    if not row.run.endswith("." + lab.plan.decisive_hash(row, image, vm["accelerator"])):
        what = f"ran on {vm['accelerator']} with the image of now, which is not what was planned"
        raise Complaint(row.run, f"{what}: run 'make run-scenarios' again, which plans anew", FAILED)
    before, after = folder / HOST_BEFORE, folder / HOST_AFTER
    facts = {
        **asdict(row),
        "outcome": vm["outcome"],
        "exit_code": int(vm["exit_code"]),
        "wall_s": int(vm["wall_ms"]) / 1000,
        "accelerator": vm["accelerator"],
        "qemu_command": vm["qemu_command"],
        "image": image,
        "host": _host(_snapshot(before), _snapshot(after)),
        **(ledger.facts(ledger.read(folder)) if row.timing == "live" else {"noisy": False}),
        "git_commit": _git_commit(root),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    for note in (before, after, folder / "vm.tsv", folder / ledger.WATCH):
        note.unlink(missing_ok=True)
    facts["files"] = {file.name: fingerprint(file) for file in sorted(folder.iterdir())}
    for file in folder.iterdir():
        _flush(file)
    write_whole(folder / RECORD, json.dumps(facts, indent=2) + "\n")
    _flush(folder)


def load(folder: Path) -> RunRecord:
    """Reads and checks a run's folder. Raises Complaint when anything in it is not as it was sealed."""
    remedy = f"remove the folder ('rm -r {folder}') and run 'make run-scenarios' again"
    try:
        facts = json.loads((folder / RECORD).read_text())
    except (OSError, ValueError, RecursionError):
        facts = None
    _check_shape(folder / RECORD, facts, SHAPE, remedy)
    newer = {each.name: each.type for each in fields(Row) if each.name in facts}
    _check_shape(folder / RECORD, facts, {**newer, "duration_s": float | int}, remedy)
    try:
        row = Row(**{field.name: facts[field.name] for field in fields(Row) if field.name in facts})
        names.check({"accelerator": facts["accelerator"]})
        names.check_files(facts["files"])
    except ValueError as error:
        raise Complaint(folder / RECORD, f"is damaged ({error}): {remedy}", FAILED) from None
    _check_shape(folder / RECORD, facts["files"], dict.fromkeys(facts["files"], FINGERPRINT), remedy, "files")
    for name, sealed in facts["files"].items():
        file = folder / name
        if not file.is_file():
            raise Complaint(file, f"is missing: {remedy}", FAILED)
        if file.stat().st_size != sealed["bytes"]:
            size = f"{file.stat().st_size} of {sealed['bytes']} bytes"
            raise Complaint(file, f"is cut or grown ({size}): {remedy}", FAILED)
        if fingerprint(file) != sealed:
            raise Complaint(file, f"was changed since the run: {remedy}", FAILED)
    return RunRecord(folder, row, facts)


def load_planned(runs: Path, suite: str) -> tuple[list[RunRecord], list[Row]]:
    """The finished runs of a suite's plans, target by target and timing by timing, and all rows of the plans."""
    rows = [row for file in sorted(runs.glob(lab.plan.file_name(suite, "*", "*"))) for row in lab.plan.read(file)]
    return [load(runs / row.run) for row in rows if (runs / row.run).is_dir()], rows


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


def _git_commit(root: Path) -> str | None:
    """The commit of the working tree, with "-dirty" where files differ from it; None outside git.

    What is made from runs may differ: else no run would be clean between the first result and its commit.
    """
    commit = _git(root, "rev-parse", "--verify", "--short=12", "HEAD").strip()
    changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", ":/", *MADE_OF_RUNS)
    return commit + "-dirty" * bool(changed) if commit else None


def _git(root: Path, *words: str) -> str:
    """What git prints; nothing where it fails. Takes no lock, as other runs may be sealed at the same time."""
    command: list[str | Path] = ["git", "--no-optional-locks", "-C", root, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _host(first: dict[str, Any], last: dict[str, Any]) -> dict[str, Any]:
    """What the host is and what it did meanwhile, from two snapshots."""
    ticks = {key: last["cpu"][key] - first["cpu"][key] for key in last["cpu"]}
    total = sum(ticks.values())
    return {
        "cpu": _cpu_model(),
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "load_before": first["load"],
        "load_after": last["load"],
        "steal_share": round(ticks["steal"] / total, 4) if total else None,
        "busy_share": round(1 - (ticks["idle"] + ticks["iowait"]) / total, 4) if total else None,
    }


CPU_STATES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


def _snapshot(file: Path) -> dict[str, Any]:
    """Reads the "cpu" line of /proc/stat and the line of /proc/loadavg that run_one.sh kept in `file`."""
    try:
        stat, load = file.read_text().splitlines()
        ticks = dict(zip(CPU_STATES, map(int, stat.split()[1:])))
        return {"cpu": {state: ticks[state] for state in CPU_STATES}, "load": float(load.split()[0])}
    except (OSError, ValueError, KeyError, IndexError):
        raise Complaint(file, "does not hold the host's CPU times and load: is the disk full?", FAILED) from None


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.split(":", 1)[1].strip()
    return platform.machine()
