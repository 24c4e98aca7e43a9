"""The file of a plan: a row a line, each an object in JSON, and what may not be in it."""

import json
import math
import re
from dataclasses import asdict, fields
from itertools import islice
from pathlib import Path
from typing import Any

from lab.plan import contract, plan
from lab.plan.contract import Contract
from lab.plan.guest import KEYS, Guest
from lab.plan.kinds import WORDS
from lab.plan.plan import Row
from lab.plan.suite import TIMINGS
from lab.text import strict
from lab.text.complaint import FAILED, Complaint
from lab.text.files import is_file, read_text
from lab.text.names import NAME

COMMAND_WORD = re.compile(r"[A-Za-z0-9_./:,=@%+-]+")
REMEDY = "run 'make run-scenarios' again, which keeps finished runs"


def fault(row: Row) -> str:
    """What is wrong with a row that was read from a file; empty when it may be one that _row() made."""
    faults = {
        "run": not _is_name(row),
        "suite": not NAME.fullmatch(row.suite),
        "scenario": not NAME.fullmatch(row.scenario),
        "workload": not (NAME.fullmatch(row.workload) or _is_own(row)),
        "target": not NAME.fullmatch(row.target),
        "timing": row.timing not in TIMINGS,
        "replicate": row.replicate < 1,
        "twin": row.twin < 1,
        "seed": not 0 <= row.seed <= plan.MAX_SEED,
        "sweep_seed": not 0 <= row.sweep_seed <= plan.MAX_SEED,
        "guest": min(row.guest.smp, row.guest.memory_mb, row.guest.numa_nodes) < 1
        or not all(WORDS.accepts(text) for text in (row.guest.kernel, row.guest.kernel_args))
        or not KEYS["quantum"].accepts(row.guest.quantum),
        "duration_s": not 0 <= row.duration_s < math.inf,
        "limit_s": row.limit_s < 1,
        "expected_ms": row.expected_ms < 0,
        "contract": not re.fullmatch("[0-9a-f]{64}", row.contract),
        "options": not all(NAME.fullmatch(name) and _is_option(row, name) for name in row.options),
        "command": not (row.parcel or all(map(COMMAND_WORD.fullmatch, row.command.split(" ")))) or not _is_command(row),
        "knobs": not all(NAME.fullmatch(name) and WORDS.accepts(text) for name, text in row.knobs.items()),
        "build": not row.build.isprintable(),
        "observer": row.observer not in plan.OBSERVERS,
        "parcel": bool(row.parcel) != _is_own(row) or not re.fullmatch("([0-9a-f]{16})?", row.parcel),
        "variant": row.variant not in ("", *contract.IMAGES),
    }
    return next((name for name, wrong in faults.items() if wrong), "")


def _is_name(row: Row) -> bool:
    known, _, digits = row.run.rpartition(".")
    return known == plan.subject(row) and bool(re.fullmatch(f"[0-9a-f]{{{plan.HASH_DIGITS}}}", digits))


def _is_own(row: Row) -> bool:
    """Whether it runs a user's own program."""
    return contract.is_own(row.workload) and row.workload.startswith("/") and row.workload.isprintable()


def _known(row: Row) -> Contract | None:
    """The contract of its workload, where that is still there."""
    return contract.load(row.workload) if row.workload in contract.names() or is_file(row.workload) else None


def _is_command(row: Row) -> bool:
    """Whether the options make this command, where the workload is still as it was."""
    known = _known(row)
    return known is None or known.sha256 != row.contract or row.command == plan.command_of(known, row.options, row.seed)


def _is_option(row: Row, name: str) -> bool:
    """Whether the program may have been given this. An option that is not known here may be one of another version."""
    value = row.options[name]
    workload = _known(row)
    known = workload.options.get(name) if workload else None
    return known.kind.accepts(value) if known else isinstance(value, (bool, int, float)) or WORDS.accepts(value)


def write(rows: list[Row]) -> str:
    """The rows, an object in JSON a line."""
    return "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows)


def read(path: Path) -> list[Row]:
    """Reads what write() wrote. Raises Complaint when the file is not there or damaged."""
    return [_parse(path, number, line) for number, line in enumerate(_lines(path), start=1)]


def read_row(path: Path, number: int) -> Row:
    """Row `number` (from 1) of it alone, so that none of the others is parsed. Raises Complaint as read() does."""
    with path.open("rb") as file:
        line = next(islice(file, number - 1, None), b"").decode(errors="replace")
    if not line.endswith("\n"):  # there is none, or half of one
        raise Complaint(path, f"there is no row {number}: it has {len(_lines(path))}")
    return _parse(path, number, line[:-1])


def _lines(path: Path) -> list[str]:
    try:
        text = read_text(path)
    except FileNotFoundError:
        raise Complaint(path, f"there is no plan: {REMEDY}", FAILED) from None
    if not text.endswith("\n"):
        raise Complaint(path, f"is damaged: {REMEDY}", FAILED)
    return text.split("\n")[:-1]


def _parse(path: Path, number: int, line: str) -> Row:
    try:
        return of_object(strict.parse_json(line))
    except ValueError as error:
        raise Complaint(path, f"is damaged: row {number} ({error}): {REMEDY}", FAILED) from None


TYPES: dict[Any, type | tuple[type, ...]] = {int: int, float: (int, float), str: str, bool: bool}


def of_object(said: Any) -> Row:
    """The row that an object of JSON is. Raises ValueError, with what is wrong, where it is none."""
    if not isinstance(said, dict):
        raise ValueError("is no object")
    values: dict[str, Any] = {"parcel": "", "variant": "", "twin": 1, **said}  # which most rows have
    if isinstance(said.get("guest"), dict):
        _check_types(Guest, said["guest"], "guest.")
        values["guest"] = Guest(**said["guest"])
    _check_types(Row, values)
    for name in ("options", "knobs"):
        if not isinstance(values[name], dict):
            raise ValueError(f"{name} is no object")
    if not all(isinstance(text, str) for text in values["knobs"].values()):
        raise ValueError("knobs has something else than texts")
    row = Row(**values)
    if wrong := fault(row):
        raise ValueError(f"{wrong} = '{str(getattr(row, wrong))[:60]}'")
    return row


def _check_types(kind: type, said: dict[str, Any], prefix: str = "") -> None:
    """Raises ValueError where `said` lacks a field of the dataclass `kind`, or has another, or one of another type."""
    named = {each.name: each.type for each in fields(kind)}
    if unlike := set(named) ^ set(said):
        raise ValueError(f"{prefix}{min(unlike)} is {'missing' if min(unlike) in named else 'not known'}")
    for name, wanted in named.items():
        if wanted is Guest and not isinstance(said[name], Guest):
            raise ValueError(f"{prefix}{name} is no object")
        if (types := TYPES.get(wanted)) is None:
            continue
        if not isinstance(said[name], types) or (isinstance(said[name], bool) and wanted is not bool):
            raise ValueError(f"{prefix}{name} = '{str(said[name])[:60]}'")
