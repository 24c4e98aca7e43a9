"""What a suite's runs had in common: where and with what they were measured, and how to do it again."""

from typing import Any

from lab.complaint import FAILED, Complaint
from lab.run_record import RunRecord


def describe(title: str, records: list[RunRecord], missing: int) -> dict[str, Any]:
    """The facts that the report shows beside a suite's tables, by timing where they differ.

    `records` are the suite's finished runs (at least one), `missing` says how many it lacks.
    """
    rows = [record.row for record in records]
    first = records[0]
    for name in ("kernel_version", "kernel_sha256", "qemu_version", "program_sha256"):
        if len({record.facts["image"][name] for record in records}) > 1:
            raise Complaint(rows[0].suite, f"its runs differ in {name}: run 'make run-scenarios' again", FAILED)
    timings = sorted({row.timing for row in rows})
    parameters = {
        "SUITE": rows[0].suite,
        "TARGET": rows[0].target,
        "TIMING": " ".join(timings),
        "REPS": max(row.replicate for row in rows),
        "SEED": rows[0].sweep_seed,
    }
    durations = {row.duration_s for row in rows}
    if len(durations) == 1:
        parameters["DURATION"] = f"{durations.pop():g}"
    return {
        "suite": rows[0].suite,
        "title": title,
        "command": "make run-scenarios " + " ".join(_assignment(*item) for item in parameters.items()),
        "missing_runs": missing,
        "target": rows[0].target,
        "smp": rows[0].smp,
        "memory_mb": rows[0].memory_mb,
        "image": first.facts["image"],
        "git_commits": sorted({record.facts["git_commit"] or "unknown" for record in records}),
        "timings": {timing: _timing(timing, records) for timing in timings},
        "scenarios": {row.scenario: row.options for row in rows},
    }


def _timing(timing: str, records: list[RunRecord]) -> dict[str, Any]:
    """What is told of one timing's runs. The host matters to live runs only."""
    chosen = [record.facts for record in records if record.row.timing == timing]
    facts: dict[str, Any] = {"accelerator": ", ".join(sorted({run["accelerator"] for run in chosen}))}
    if timing == "live":
        hosts = [run["host"] for run in chosen]
        facts |= {
            "host_cpu": ", ".join(sorted({host["cpu"] for host in hosts})),
            "host_cpus": max(host["cpus"] for host in hosts),
            "load_before_max": max(host["load_before"] for host in hosts),
            "steal_share_max": max(host["steal_share"] or 0 for host in hosts),
            "from": min(run["finished_at"] for run in chosen),
            "to": max(run["finished_at"] for run in chosen),
        }
    return facts


def _assignment(name: str, value: object) -> str:
    return f'{name}="{value}"' if " " in str(value) else f"{name}={value}"
