"""What a suite's runs had in common: where and with what they were measured, and how to do it again."""

from collections.abc import Iterable
from typing import Any

from lab.complaint import FAILED, Complaint
from lab.plan import Row
from lab.run_record import RunRecord


def describe(title: str, records: list[RunRecord], rows: list[Row]) -> dict[str, Any]:
    """The facts that the report shows beside a suite's tables.

    `records` are the suite's finished runs (at least one), `rows` all that are planned. A measurement is what
    one table shows: the runs of one target, timing and accelerator.
    """
    measurements: dict[tuple[str, str, str], list[RunRecord]] = {}
    for record in records:
        key = (record.row.target, record.row.timing, record.facts["accelerator"])
        measurements.setdefault(key, []).append(record)
    described = [_measurement(*key, chosen) for key, chosen in measurements.items()]
    return {
        "suite": rows[0].suite,
        "title": title,
        "commands": _commands(rows),
        "missing_runs": len(rows) - len(records),
        "changed_guests": _changed_guests(described),
        "measurements": described,
    }


def _measurement(target: str, timing: str, accelerator: str, records: list[RunRecord]) -> dict[str, Any]:
    """What is told of one measurement. The host matters to live runs only."""
    first = records[0]
    for name in ("kernel_version", "kernel_sha256", "initrd_sha256", "qemu_version", "program_sha256"):
        if len({record.facts["image"][name] for record in records}) > 1:
            raise Complaint(first.row.suite, f"its runs differ in {name}: run 'make run-scenarios' again", FAILED)
    facts = {
        "target": target,
        "timing": timing,
        "accelerator": accelerator,
        "smp": first.row.smp,
        "memory_mb": first.row.memory_mb,
        "image": first.facts["image"],
        "git_commits": sorted({record.facts["git_commit"] or "unknown" for record in records}),
        "scenarios": {record.row.scenario: record.row.options for record in records},
    }
    if timing == "live":
        facts["host"] = _host([record.facts for record in records])
    return facts


def _host(runs: list[dict[str, Any]]) -> dict[str, Any]:
    hosts = [run["host"] for run in runs]
    return {
        "cpu": ", ".join(sorted({host["cpu"] for host in hosts})),
        "cpus": max(host["cpus"] or 0 for host in hosts),
        "load_before_max": max(host["load_before"] for host in hosts),
        "steal_share_max": max(host["steal_share"] or 0 for host in hosts),
        "from": min(run["finished_at"] for run in runs),
        "to": max(run["finished_at"] for run in runs),
    }


def _commands(rows: list[Row]) -> list[str]:
    """What makes all runs again: one command for the plans that differ in their timing only."""
    timings: dict[tuple[tuple[str, object], ...], list[str]] = {}
    for target, timing in dict.fromkeys((row.target, row.timing) for row in rows):
        plan = [row for row in rows if (row.target, row.timing) == (target, timing)]
        durations = {row.duration_s for row in plan}
        parameters = (
            ("SUITE", plan[0].suite),
            ("TARGET", target),
            ("REPS", max(row.replicate for row in plan)),
            ("SEED", plan[0].sweep_seed),
            *((("DURATION", f"{durations.pop():g}"),) if len(durations) == 1 else ()),
        )
        timings.setdefault(parameters, []).append(timing)
    return [
        _command([*parameters[:2], ("TIMING", " ".join(names)), *parameters[2:]])
        for parameters, names in timings.items()
    ]


def _command(parameters: Iterable[tuple[str, object]]) -> str:
    words = (f'{name}="{value}"' if " " in str(value) else f"{name}={value}" for name, value in parameters)
    return "make run-scenarios " + " ".join(words)


def _changed_guests(measurements: list[dict[str, Any]]) -> list[str]:
    """The targets whose measurements were not all made with the same guest, since it was built anew in between."""
    guests: dict[str, set[tuple[str, str]]] = {}
    for each in measurements:
        image = each["image"]
        guests.setdefault(each["target"], set()).add((image["kernel_sha256"], image["initrd_sha256"]))
    return [target for target, found in guests.items() if len(found) > 1]
