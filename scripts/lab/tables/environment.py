"""What a suite's runs had in common: where and with what they were measured, and how to do it again."""

from dataclasses import asdict
from typing import Any

from lab.tables import ledger_summary
from lab.text.complaint import FAILED, Complaint
from lab.plan.contract import Contract
from lab.plan.plan import Row
from lab.runs.run_record import RunRecord


def describe(title: str, given_as: str, known: Contract, records: list[RunRecord], rows: list[Row]) -> dict[str, Any]:
    """The facts that the report shows beside a suite's tables.

    `given_as` is what the knob SUITE calls the suite, `records` are its finished runs (at least one), `rows` all that are
    planned. A measurement is what one table shows: the runs of one target, timing and accelerator.
    """
    planned = {(row.run, row.scenario): row for row in rows}
    measurements: dict[tuple[str, str, str], list[RunRecord]] = {}
    for record in records:
        key = (record.row.target, record.row.timing, record.facts["accelerator"])
        measurements.setdefault(key, []).append(record)
    described = [_measurement(*key, chosen, planned) for key, chosen in measurements.items()]
    return {
        "suite": rows[0].suite,
        "title": title,
        "workload": {"name": known.name, "contract": known.table},
        "sweeps": _sweeps(rows, given_as),
        "missing_runs": len(rows) - len(records),
        "changed_guests": _changed_guests(described),
        "measurements": described,
    }


def _measurement(
    target: str, timing: str, accelerator: str, records: list[RunRecord], planned: dict[tuple[str, str], Row]
) -> dict[str, Any]:
    """What is known of one measurement: its unlike guests, and each scenario's options and guest. The host matters to
    live runs only."""
    rows = [planned[record.row.run, record.row.scenario] for record in records]
    _check_images(list(zip(rows, records)))
    guests = {row.guest: {**asdict(row.guest), "image": record.facts["image"]} for row, record in zip(rows, records)}
    facts: dict[str, Any] = {
        "target": target,
        "timing": timing,
        "accelerator": accelerator,
        "guests": list(guests.values()),
        "git_commits": sorted({record.facts["git_commit"] or "unknown" for record in records}),
        "scenarios": {row.scenario: {"options": row.options, "guest": asdict(row.guest)} for row in rows},
    }
    if parcels := sorted({row.parcel for row in rows if row.parcel}):
        facts["parcels"] = parcels
    out_of_turn = sum(record.facts.get("forced_turns") != 0 for record in records)
    if timing == "exact" and out_of_turn:
        facts["runs_out_of_turn"] = out_of_turn
    if timing == "live":
        facts["host"] = _host([record.facts for record in records])
    return facts


def _check_images(runs: list[tuple[Row, RunRecord]]) -> None:
    """Raises Complaint when runs were made with unlike programs or QEMUs, or with unlike kernels of one name."""
    of_a_kernel = ("kernel_version", "kernel_sha256", "initrd_sha256")
    for name in ("qemu_version", "program_sha256", *of_a_kernel):
        found: dict[str, set[str]] = {}
        for row, record in runs:
            found.setdefault(row.guest.kernel if name in of_a_kernel else "", set()).add(record.facts["image"][name])
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


def _sweeps(rows: list[Row], given_as: str) -> list[dict[str, str]]:
    """The knobs of make that make all runs again: one sweep for the plans that differ in their timing only."""
    timings: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for target, timing in dict.fromkeys((row.target, row.timing) for row in rows):
        plan = [row for row in rows if (row.target, row.timing) == (target, timing)]
        durations = {row.duration_s for row in plan if row.duration_s}
        knobs = {
            "SUITE": given_as,
            "TARGET": target,
            "REPS": str(max(row.replicate for row in plan)),
            "SEED": str(plan[0].sweep_seed),
            **({"DURATION": f"{durations.pop():g}"} if len(durations) == 1 else {}),
            **plan[0].knobs,
        }
        timings.setdefault(tuple(knobs.items()), []).append(timing)
    return [{**dict(knobs), "TIMING": " ".join(names)} for knobs, names in timings.items()]


def _changed_guests(measurements: list[dict[str, Any]]) -> list[str]:
    """The targets whose measurements were not all made with the same guest, since it was built anew in between."""
    guests: dict[str, set[frozenset[tuple[str, str]]]] = {}
    for each in measurements:
        images = [shape["image"] for shape in each["guests"]]
        made_of = frozenset((image["kernel_sha256"], image["initrd_sha256"]) for image in images)
        guests.setdefault(each["target"], set()).add(made_of)
    return [target for target, found in guests.items() if len(found) > 1]
