"""Whether the exact results in result_data/ come out the same when they are made again.

That can be tested only with what they were made with: the same kernel, QEMU, compiler and program. Where one of them
is another, the claim is not tested, which is not a failure of it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from lab.tables.measured import FINGERPRINTS
from lab.tables.results import Results
from lab.plan import plan, target
from lab.plan.plan import Row
from lab.text.complaint import FAILED, Complaint

# What decides exact results, by the fact of an image that tells it.
INPUTS = {
    "kernel_version": "kernel package",
    "kernel_sha256": "kernel",
    "qemu_version": "QEMU",
    "compiler": "compiler",
    "program_sha256": "program",
    "initrd_sha256": "initramfs",
}
CANARY = FINGERPRINTS[1]
# The knobs of a sweep that exact runs depend on.
KNOBS = ("TARGET", "REPS", "SEED", "DURATION", "KERNEL", "KERNEL_ARGS", "SMP", "MEMORY", "NUMA", "QUANTUM")


def recipes(made: Results) -> list[list[str]]:
    """The options of run_scenarios.sh with which each of the suite's exact measurements was made."""
    options = [
        [f"--{knob.lower().replace('_', '-')}={knobs[knob]}" for knob in KNOBS if knob in knobs]
        for knobs in made.environment["sweeps"]
        if "exact" in knobs["TIMING"].split()
    ]
    if not options:
        raise Complaint(made.suite, f"has no exact results in {made.source.parent}: run it with TIMING=exact first")
    return options


def changed_inputs(made: Results, again: Sequence[Row], build: Path, targets: Path) -> list[str]:
    """What is no longer as it was when the results were made: "kernel package: 6.1.0-55 then, 6.1.0-56 now".

    `again` are the rows that would make them again.
    """
    changes: dict[str, None] = {}
    variants = {f"{row.variant}_sha256": f"what the image-{row.variant} adds" for row in again if row.variant}
    for each in (facts for facts in made.environment["measurements"] if facts["timing"] == "exact"):
        machine = target.load(targets, each["target"])
        for guest in each["guests"]:
            image = plan.read_image(build, machine, guest["kernel"])
            for fact, name in (INPUTS | variants).items():
                then, now = (facts.get(fact, "unknown") for facts in (guest["image"], image))
                if then != now:
                    changes[f"{name}: {_short(then)} then, {_short(now)} now"] = None
        parcels = sorted({row.parcel for row in again if row.target == each["target"] and row.parcel})
        if (then := ", ".join(sorted(each.get("parcels", [])))) != (now := ", ".join(parcels)):
            changes[f"program and what comes along with it: {then or 'unknown'} then, {now} now"] = None
        again_said = {
            row.scenario: {"options": row.options, "guest": asdict(row.guest)}
            for row in again
            if row.target == each["target"]
        }
        for scenario in dict.fromkeys([*each["scenarios"], *again_said]):
            then, now = (_said(side.get(scenario)) for side in (each["scenarios"], again_said))
            if then != now:
                changes[f"scenario {scenario}: {then} then, {now} now"] = None
    return list(changes)


@dataclass
class Differences:
    """What came of `runs` exact runs that were made again: in what lines the suite's tables differ, and of how many runs
    the program's files are the same and the canary is another. Without `is_whole` the tables did not keep both."""

    runs: int = 0
    found: list[str] = field(default_factory=list)
    canaries: int = 0
    is_whole: bool = True


def differences(results: Path, suite: str, again: Path) -> Differences:
    """What exact runs are not the same in the suite's tables in `results` and in `again`.

    The lines are compared in the columns that they had: a column that is newer is no part of the claim. 116.0 is 116:
    whether a column of numbers has decimals hangs on its other rows, live ones too.
    """
    all_found = Differences()
    for table, name_of in TABLES.items():
        name = f"{suite}_{table}.csv"
        then, now = (_exact_lines(folder / name) for folder in (results, again))
        lost = [column for column in then if column not in now]
        if lost:
            raise Complaint(again / name, f"lacks the columns {', '.join(lost)}: they cannot be compared", FAILED)
        before, after = (
            {name_of(line): line for line in table.to_dict("records")} for table in (then, now[list(then)])
        )
        if table == "raw":
            all_found.runs, all_found.is_whole = len(before), set(FINGERPRINTS) <= set(then)
        for key in dict.fromkeys([*before, *after]):
            line, other = before.get(key), after.get(key)
            if line is None or other is None:
                all_found.found.append(f"{name}: {key} is {'new' if line is None else 'missing'}")
                continue
            unlike = [each for each in line if not _same(line[each], other[each])]
            all_found.canaries += unlike == [CANARY]
            all_found.found += [
                f"{name}: {key}: {each} was {line[each]}, is {other[each]}" for each in unlike if unlike != [CANARY]
            ]
    return all_found


def text(known: Differences) -> str:
    """What is the same, when nothing that counts is found."""
    if not known.is_whole:
        return f"{known.runs} exact runs came out the same in every figure"
    same = f"{known.runs} exact runs came out the same, byte for byte in all files that the program left"
    if not known.canaries:
        return f"{same}, and to the ns in what the kernel says of its CPUs"
    return f"{same}; in {known.canaries} of them the kernel booked CPU time otherwise by some ns"


NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
TABLES: dict[str, Callable[[dict[str, str]], str]] = {
    "raw": lambda line: f"{line['scenario']} on {line['target']} with seed {line['seed']}",
    "metrics": lambda line: f"{line['scenario']} on {line['target']}",
}


def _same(then: str, now: str) -> bool:
    return then == now or (bool(NUMBER.fullmatch(then) and NUMBER.fullmatch(now)) and Decimal(then) == Decimal(now))


def _exact_lines(file: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
        return table[table["timing"] == "exact"]
    except (OSError, ValueError, KeyError) as error:
        raise Complaint(file, f"cannot be read ({error}): run 'make report' there", FAILED) from None


def _said(scenario: dict[str, Any] | None) -> str:
    if scenario is None:
        return "not there"
    return ", ".join(f"{name} = {value}" for part in ("options", "guest") for name, value in scenario[part].items())


def _short(text: str) -> str:
    """`text`, of a checksum the first digits."""
    return text[:16] if len(text) == 64 else text
