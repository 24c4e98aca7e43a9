"""The kernel's own events of a traced run, as qemu/trace_guest.sh leaves them in the run's out/.

The pages are read, and not the text that the kernel makes of them, since that has times in whole microseconds only.
Their format: include/linux/ring_buffer.h of the kernel, and what its events/header_page and events/*/format say.
"""

import re
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lab.text.complaint import FAILED, Complaint
from lab.text.files import needed_text
from lab.runs.guest_files import OUT

# What the pages may hold, by the name of the event: the fields that are read.
FIELDS = {
    "sched_switch": ["prev_comm", "prev_pid", "prev_state", "next_comm", "next_pid"],
    "sched_waking": ["common_flags", "common_pid", "pid"],
    "sched_wakeup": ["pid", "target_cpu"],
    "sched_migrate_task": ["pid", "dest_cpu"],
}
# What only traces of users' programs hold (--futex of trace_guest.sh). An array's elements are columns: args_0, ...
OPTIONAL = {
    "sched_wakeup_new": ["common_flags", "common_pid", "pid", "target_cpu"],
    "sys_enter": ["common_pid", "args"],
    "sys_exit": ["common_pid"],
}
REMEDY = "run scripts/trace.sh again"
LOSSES = ("overrun", "commit overrun", "dropped events")
SIZE_MASK = 0xFFFFF  # of a page's commit: above it are flags
MISSED_EVENTS = 1 << 31
LONGEST_SHORT, PADDING, TIME_EXTEND, TIME_STAMP = 28, 29, 30, 31


@dataclass(frozen=True)
class Layout:
    """How pages and events are laid out on the guest."""

    page_bytes: int
    commit_type: str  # of struct
    data_at: int
    names: dict[int, str]  # by the number of an event
    types: dict[int, np.dtype]


def read(run: Path) -> dict[str, pd.DataFrame]:
    """The events of the run in the folder `run`, by their names: columns time_ns, cpu and FIELDS, in order of time.

    Those of OPTIONAL are there where the guest recorded them. Raises Complaint naming file and remedy where events are
    lost, cut or damaged.
    """
    folder = run / OUT
    layout = _layout(folder)
    files = sorted(folder.glob("cpu*.raw"), key=lambda file: int(file.stem.removeprefix("cpu")))
    if not files:
        raise Complaint(folder, f"has no cpuN.raw: {REMEDY}", FAILED)
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in layout.names.values()}
    for file in files:
        for name, events in _read_cpu(file, layout).items():
            found[name].append(events)
    tables = {name: pd.concat(parts).sort_values("time_ns", kind="stable") for name, parts in found.items()}
    if not any(len(table) for table in tables.values()):
        raise Complaint(folder, f"is empty: no event was recorded: {REMEDY}", FAILED)
    return {name: table.reset_index(drop=True) for name, table in tables.items()}


def _layout(folder: Path) -> Layout:
    names, types = {}, {}
    optional = {name: fields for name, fields in OPTIONAL.items() if (folder / f"{name}.format").is_file()}
    for name, fields in (FIELDS | optional).items():
        text = needed_text(folder / f"{name}.format", REMEDY)
        number = re.search(r"^ID: (\d+)$", text, re.MULTILINE)
        known = {found["name"]: found for found in _fields(text)}
        missing = [field for field in fields if field not in known]
        if number is None or missing:
            raise Complaint(folder / f"{name}.format", f"lacks {', '.join(missing) or 'ID'}: {REMEDY}", FAILED)
        names[int(number[1])] = name
        types[int(number[1])] = np.dtype(
            {
                "names": fields,
                "formats": [_type(known[field]) for field in fields],
                "offsets": [int(known[field]["offset"]) for field in fields],
                "itemsize": max(int(found["offset"]) + int(found["size"]) for found in known.values()),
            }
        )
    page = {found["name"]: found for found in _fields(needed_text(folder / "header_page", REMEDY))}
    if not {"commit", "data"} <= set(page):
        raise Complaint(folder / "header_page", f"lacks commit or data: {REMEDY}", FAILED)
    data_at, data_bytes = int(page["data"]["offset"]), int(page["data"]["size"])
    return Layout(data_at + data_bytes, "<Q" if page["commit"]["size"] == "8" else "<I", data_at, names, types)


def _fields(text: str) -> list[re.Match[str]]:
    name = r"field:[^;]*?(?P<name>\w+)(?P<array>\[\d+\])?;"
    return list(
        re.finditer(name + r"\s*offset:(?P<offset>\d+);\s*size:(?P<size>\d+);\s*signed:(?P<signed>[01]);", text)
    )


def _type(field: re.Match[str]) -> str:
    """Of numpy. All guests are little-endian."""
    count = int((field["array"] or "[1]")[1:-1])
    if field["array"] and int(field["size"]) == count:
        return f"S{count}"
    element = f"<{'i' if field['signed'] == '1' else 'u'}{int(field['size']) // count}"
    return f"{count}{element}" if field["array"] else element


def _read_cpu(file: Path, layout: Layout) -> dict[str, pd.DataFrame]:
    cpu = int(file.stem.removeprefix("cpu"))
    expected = _expected(file.with_suffix(".stats"))
    pages = file.read_bytes()
    if len(pages) % layout.page_bytes:
        raise Complaint(file, f"is cut: {len(pages)} bytes are no whole pages of {layout.page_bytes}: {REMEDY}", FAILED)
    places: dict[int, list[tuple[int, int]]] = {number: [] for number in layout.names}
    try:
        for begin in range(0, len(pages), layout.page_bytes):
            _read_page(pages, begin, layout, places)
    except (struct.error, ValueError, KeyError) as error:
        page = begin // layout.page_bytes + 1
        raise Complaint(file, f"page {page} is damaged ({error}): {REMEDY}", FAILED) from None
    events = sum(map(len, places.values()))
    if events != expected:
        raise Complaint(file, f"has {events} events of {expected}: {REMEDY}", FAILED)
    return {layout.names[number]: _table(pages, found, layout.types[number], cpu) for number, found in places.items()}


def _expected(stats: Path) -> int:
    """How many events the CPU's pages must have; complains where the kernel had to drop any."""
    found = dict(re.findall(r"^([a-z ]+): *(\d+)$", needed_text(stats, REMEDY), re.MULTILINE))
    missing = [name for name in ("entries", *LOSSES) if name not in found]
    if missing:
        raise Complaint(stats, f"does not say '{missing[0]}': {REMEDY}", FAILED)
    lost = sum(int(found[name]) for name in LOSSES)
    if lost:
        remedy = "give trace.sh a larger --buffer-mb or a shorter --duration"
        raise Complaint(stats, f"the buffer was full, and {lost} events are lost: {remedy}", FAILED)
    return int(found["entries"])


def _read_page(pages: bytes, begin: int, layout: Layout, places: dict[int, list[tuple[int, int]]]) -> None:
    """Adds to `places`, by the number of the event, where its fields begin and its time."""
    time_ns, commit = struct.unpack_from("<Q" + layout.commit_type[1:], pages, begin)
    if commit & MISSED_EVENTS:
        raise ValueError("events are lost before it")
    place = begin + layout.data_at
    end = place + (commit & SIZE_MASK)
    if end > begin + layout.page_bytes:
        raise ValueError("it is longer than a page")
    while place < end:
        head, first = struct.unpack_from("<II", pages, place)
        kind, delta = head & 31, head >> 5
        if kind == PADDING and delta == 0:
            return  # the rest of the page is not used
        if kind == PADDING:
            place += 4 + first
        elif kind == TIME_EXTEND:
            time_ns += (first << 27) + delta
            place += 8
        elif kind == TIME_STAMP:
            time_ns = (time_ns >> 59 << 59) + (first << 27) + delta  # it has the low 59 bits
            place += 8
        else:
            time_ns += delta
            fields = place + (4 if kind else 8)
            place += 4 + (4 * kind if kind else first)
            places[struct.unpack_from("<H", pages, fields)[0]].append((fields, time_ns))
    if place != end:
        raise ValueError("its last event does not end")


def _table(pages: bytes, places: list[tuple[int, int]], layout: np.dtype, cpu: int) -> pd.DataFrame:
    """The events of one kind."""
    raw = b"".join(pages[place : place + layout.itemsize] for place, _ in places)
    events = np.frombuffer(raw, dtype=layout)
    times = np.array([time for _, time in places], dtype=np.int64)
    columns: dict[str, np.ndarray] = {}
    for name in layout.names or ():
        values = events[name]
        columns |= (
            {f"{name}_{place}": each for place, each in enumerate(values.T)} if values.ndim > 1 else {name: values}
        )
    read_as = {name: _values(column) for name, column in columns.items()}
    return pd.DataFrame({"time_ns": times, "cpu": np.full(len(times), cpu), **read_as})


def _values(field: np.ndarray) -> np.ndarray:
    """Numbers as int64; names without what stands behind their end."""
    if field.dtype.kind != "S":
        return field.astype(np.int64)
    kinds, places = np.unique(field, return_inverse=True)
    names = np.array([name.split(b"\0")[0].decode(errors="replace") for name in kinds], dtype=object)
    return names[places] if len(kinds) else np.empty(0, dtype=object)
