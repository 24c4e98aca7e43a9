"""What a suite's runs had in common: where and with what they were measured, and how to do it again."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from lab.plan import guest
from lab.tables import ledger_summary
from lab.text.complaint import FAILED, Complaint
from lab.plan.plan import Row
from lab.runs.run_record import RunRecord


def describe(title: str, records: list[RunRecord], rows: list[Row]) -> dict[str, Any]:
    """The facts that the report shows beside a suite's tables.

    `records` are the suite's finished runs (at least one), `rows` all that are planned. A measurement is what
    one table shows: the runs of one target, timing and accelerator.
    """
    planned = {row.run: row for row in rows}
    measurements: dict[tuple[str, str, str], list[RunRecord]] = {}
    for record in records:
        key = (record.row.target, record.row.timing, record.facts["accelerator"])
        measurements.setdefault(key, []).append(record)
    described = [_measurement(*key, chosen, planned) for key, chosen in measurements.items()]
    return {
        "suite": rows[0].suite,
        "title": title,
        "commands": _commands(rows),
        "missing_runs": len(rows) - len(records),
        "changed_guests": _changed_guests(described),
        "measurements": described,
    }


def _measurement(
    target: str, timing: str, accelerator: str, records: list[RunRecord], planned: dict[str, Row]
) -> dict[str, Any]:
    """What is told of one measurement. The host matters to live runs only.

    The guests are those of the plan: an older run does not name its kernel. Where they are not all alike,
    "guests" has each of them, and the scenarios say in what theirs differ.
    """
    first = records[0]
    rows = [planned[record.row.run] for record in records]
    _check_images(list(zip(rows, records)))
    facts = {
        "target": target,
        "timing": timing,
        "accelerator": accelerator,
        "smp": first.row.smp,
        "memory_mb": first.row.memory_mb,
        "image": first.facts["image"],
        "git_commits": sorted({record.facts["git_commit"] or "unknown" for record in records}),
        "scenarios": scenario_texts(rows),
    }
    guests = {row.guest: {**asdict(row.guest), "image": record.facts["image"]} for row, record in zip(rows, records)}
    facts |= {
        key: value for key, value in guests[rows[0].guest].items() if key in ("kernel", "kernel_args", "numa_nodes")
    }
    if len(guests) > 1:
        facts["guests"] = list(guests.values())
    if timing == "live":
        facts["host"] = _host([record.facts for record in records])
    return facts


def scenario_texts(rows: list[Row]) -> dict[str, str]:
    """What is told of each scenario of one measurement: what its guest has unlike others, and its options."""
    own = guest.unlike({row.scenario: row.guest for row in rows})
    return {row.scenario: "; ".join(filter(None, [own[row.scenario], row.options])) for row in rows}


def _check_images(runs: list[tuple[Row, RunRecord]]) -> None:
    """Raises Complaint when runs were made with unlike programs or QEMUs, or with unlike kernels of one name."""
    of_a_kernel = ("kernel_version", "kernel_sha256", "initrd_sha256")
    for name in ("qemu_version", "program_sha256", *of_a_kernel):
        found: dict[str, set[str]] = {}
        for row, record in runs:
            found.setdefault(row.kernel if name in of_a_kernel else "", set()).add(record.facts["image"][name])
        if any(len(values) > 1 for values in found.values()):
            suite = runs[0][0].suite
            raise Complaint(suite, f"its runs differ in {name}: run 'make run-scenarios' again", FAILED)


def _host(runs: list[dict[str, Any]]) -> dict[str, Any]:
    hosts = [run["host"] for run in runs]
    return {
        "cpu": ", ".join(sorted({host["cpu"] for host in hosts})),
        "cpus": max(host["cpus"] or 0 for host in hosts),
        "load_before_max": max(host["load_before"] for host in hosts),
        "steal_share_max": max(host["steal_share"] or 0 for host in hosts),
        "from": min(run["finished_at"] for run in runs),
        "to": max(run["finished_at"] for run in runs),
        "ledger": ledger_summary.of_runs(runs),
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
            ("", plan[0].guest_knobs),
        )
        timings.setdefault(parameters, []).append(timing)
    return [
        _command([*parameters[:2], ("TIMING", " ".join(names)), *parameters[2:]])
        for parameters, names in timings.items()
    ]


def _command(parameters: Iterable[tuple[str, object]]) -> str:
    words = [f'{name}="{value}"' if " " in str(value) else f"{name}={value}" for name, value in parameters if name]
    knobs = [str(value) for name, value in parameters if not name and value]
    return " ".join(["make run-scenarios", *words, *knobs])


def _changed_guests(measurements: list[dict[str, Any]]) -> list[str]:
    """The targets whose measurements were not all made with the same guest, since it was built anew in between."""
    guests: dict[str, set[frozenset[tuple[str, str]]]] = {}
    for each in measurements:
        images = [shape["image"] for shape in each.get("guests", [each])]
        made_of = frozenset((image["kernel_sha256"], image["initrd_sha256"]) for image in images)
        guests.setdefault(each["target"], set()).add(made_of)
    return [target for target, found in guests.items() if len(found) > 1]
