"""A finished run's folder: sealed by run.json, which says what ran, where, and how the files must be."""

import hashlib
import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lab.plan
from lab.complaint import FAILED, Complaint
from lab.files import read_facts, write_whole
from lab.plan import Row

RECORD = "run.json"
OUTPUTS = ("latencies.csv", "histogram.csv", "stats.csv")
HOST_BEFORE = "host_before.txt"
HOST_AFTER = "host_after.txt"


@dataclass(frozen=True)
class RunRecord:
    """A run whose files are as run.json says."""

    folder: Path
    row: Row
    facts: dict[str, Any]  # all of run.json


def seal(folder: Path, row: Row, image: dict[str, str], root: Path) -> None:
    """Writes run.json into `folder`, where a guest has just ended well, and flushes all to the disk.

    Takes in and removes the shell's own notes (vm.tsv and two snapshots of the host).
    """
    for name in OUTPUTS:
        if not (folder / name).is_file():
            raise Complaint(folder / name, "the guest did not send it: see console.log there", FAILED)
    vm = read_facts(folder / "vm.tsv", remedy="run it again")
    before, after = folder / HOST_BEFORE, folder / HOST_AFTER
    facts = {
        **asdict(row),
        "outcome": vm["outcome"],
        "exit_code": int(vm["exit_code"]),
        "wall_s": int(vm["wall_ms"]) / 1000,
        "accelerator": vm["accelerator"],
        "qemu_command": vm["qemu_command"],
        "image": image,
        "host": _host(before.read_text(), after.read_text()),
        "git_commit": _git_commit(root),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    for note in (before, after, folder / "vm.tsv"):
        note.unlink()
    facts["files"] = {file.name: _fingerprint(file) for file in sorted(folder.iterdir())}
    for file in folder.iterdir():
        _flush(file)
    write_whole(folder / RECORD, json.dumps(facts, indent=2) + "\n")
    _flush(folder)


def load(folder: Path) -> RunRecord:
    """Reads and checks a run's folder. Raises Complaint when anything in it is not as it was sealed."""
    remedy = f"remove the folder ('rm -r {folder}') and run 'make run-scenarios' again"
    try:
        facts = json.loads((folder / RECORD).read_text())
        row = Row(**{name: facts[name] for name in Row.__dataclass_fields__})
        sealed = facts["files"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise Complaint(folder / RECORD, f"is missing or damaged: {remedy}", FAILED) from None
    for name, fingerprint in sealed:
        file = folder / name
        if not file.is_file():
            raise Complaint(file, f"is missing: {remedy}", FAILED)
        if file.stat().st_size != fingerprint["bytes"]:
            size = f"{file.stat().st_size} of {fingerprint['bytes']} bytes"
            raise Complaint(file, f"is cut or grown ({size}): {remedy}", FAILED)
        if _fingerprint(file) != fingerprint:
            raise Complaint(file, f"was changed since the run: {remedy}", FAILED)
    return RunRecord(folder, row, facts)


def load_planned(runs: Path, suite: str) -> tuple[list[RunRecord], list[Row]]:
    """The finished runs of a suite's plan, and the rows that have none yet."""
    rows = lab.plan.read(runs / f"{suite}.plan.tsv")
    finished = [load(runs / row.run) for row in rows if (runs / row.run).is_dir()]
    return finished, [row for row in rows if not (runs / row.run).is_dir()]


def _fingerprint(file: Path) -> dict[str, Any]:
    content = file.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _git_commit(root: Path) -> str | None:
    """The commit of the working tree, with "-dirty" where files differ from it; None outside git."""
    answer = subprocess.run(
        ["git", "-C", root, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip() or None


def _host(before: str, after: str) -> dict[str, Any]:
    """What the host is and what it did meanwhile, from two snapshots of /proc (see run_one.sh)."""
    first, last = _snapshot(before), _snapshot(after)
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


def _snapshot(text: str) -> dict[str, Any]:
    stat, load = text.splitlines()[:2]  # the "cpu" line of /proc/stat, and /proc/loadavg
    ticks = dict(zip(CPU_STATES, map(int, stat.split()[1:])))
    return {"cpu": ticks, "load": float(load.split()[0])}


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.split(":", 1)[1].strip()
    return platform.machine()
