"""Where in memory a user's program was, as the attendant left it (--maps): each program that its processes were, with the
names that are in the files which it was made of. These are taken from the parcel that travelled."""

import os
import re
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from lab.counters import symbols
from lab.counters.symbols import Symbols

FILE = "maps.txt"
ROOT = "/root/"  # of the program, in the guest
ELSEWHERE = "[elsewhere]"  # code that no map has
UNKNOWN = "the program's memory"  # data, where there are no maps
ANONYMOUS = "[JIT]"  # code that is of no file
HEX = "([0-9a-f]+)"
MAPPING = re.compile(rf"{HEX}-{HEX} ..(.). {HEX} [0-9a-f]+:[0-9a-f]+ [0-9]+ *(.*)")
SEGMENT = re.compile(rf" *LOAD +0x{HEX} 0x{HEX} 0x[0-9a-f]+ 0x{HEX} 0x{HEX} (...)")
MACHINE = re.compile(r"^ *Machine: +ARM$", re.MULTILINE)
PAGE = 1 << 12
DATA = "bBdDsSgG"  # nm's letters for what is in memory that can be written, and for offsets in a thread's own
CODE = "tTwWiu"


@dataclass(frozen=True)
class Mapping:
    """A part of a process's memory, and where in which file it is; `file` may be "[vdso]", or empty."""

    start: int
    end: int
    is_code: bool
    offset: int
    file: str

    @property
    def label(self) -> str:
        """What is called so that has no name there."""
        if self.file.startswith("[") or not self.file:
            return self.file or ANONYMOUS
        return f"[{PurePosixPath(self.file.removesuffix(' (deleted)')).name}]"


@dataclass(frozen=True)
class Image:
    """A program that a process was."""

    program: str
    memory: tuple[Mapping, ...]


@dataclass(frozen=True)
class Segment:
    """A part of an ELF file that is loaded. What it has more in memory than in the file is zeros."""

    offset: int
    address: int
    file_bytes: int
    memory_bytes: int
    is_code: bool


@dataclass(frozen=True)
class File:
    """What is known of a file that a program was made of."""

    segments: Sequence[Segment]
    names: pd.DataFrame  # address, end, name and is_data


def parse(text: str) -> list[Image]:
    """The programs that the attendant saw, in the order in which they ended. What is no mapping is passed over."""
    images: list[tuple[str, list[Mapping]]] = []
    for line in text.splitlines():
        if line.startswith("image "):
            images.append((PurePosixPath(line.split(" ", 2)[-1]).name, []))
        elif (match := MAPPING.fullmatch(line)) and images:
            start, end, offset = (int(match[number], 16) for number in (1, 2, 4))
            images[-1][1].append(Mapping(start, end, match[3] == "x", offset, match[5]))
    return [Image(program, tuple(memory)) for program, memory in images]


def segments(readelf: str) -> list[Segment]:
    """Those of `readelf -lW`."""
    found = []
    for match in filter(None, map(SEGMENT.match, readelf.splitlines())):
        offset, address, file_bytes, memory_bytes = (int(match[number], 16) for number in (1, 2, 3, 4))
        found.append(Segment(offset, address, file_bytes, memory_bytes, "E" in match[5]))
    return found


def placed(file: File, mapping: Mapping) -> pd.DataFrame:
    """Those of a file's names that are in the mapping, and in the zeros behind it, where they were in memory."""
    for each in file.segments:
        first = each.offset // PAGE * PAGE
        if each.is_code == mapping.is_code and first <= mapping.offset < each.offset + each.file_bytes:
            break
    else:
        return symbols.NONE
    by = mapping.start - mapping.offset - each.address + each.offset
    end = max(mapping.end, by + each.address + each.memory_bytes) if not each.is_code else mapping.end
    names = file.names[file.names["is_data"] != each.is_code]
    rows = [
        (address + by, min(until + by, end), name)
        for address, until, name in zip(names["address"].tolist(), names["end"].tolist(), names["name"])
        if mapping.start <= address + by < end
    ]
    return symbols.table(rows)


def of_images(images: Iterable[Image], parcel: Path) -> Symbols:
    """What all that the images had in memory is called: what has no name, and is of a file, by that."""
    every = list(dict.fromkeys(mapping for image in images for mapping in image.memory))
    files = {mapping.file for mapping in every if mapping.is_code and mapping.file.startswith(ROOT)}
    with tempfile.TemporaryDirectory() as folder:
        known = {file: read(path) for file, path in _taken(parcel, files, Path(folder)).items()}
    names = [placed(known[mapping.file], mapping) for mapping in every if mapping.file in known]
    labels = symbols.table(
        [(mapping.start, mapping.end, mapping.label) for mapping in every if mapping.is_code or "/" in mapping.file]
    )
    return Symbols(symbols.in_order(names), behind=Symbols(symbols.in_order([labels])))


def notes(images: Sequence[Image], functions: Collection[str]) -> list[str]:
    """What is to be said of what the code is called."""
    programs = list(dict.fromkeys(image.program for image in images))
    found = []
    if len(programs) > 1:
        found.append(f"of {len(programs)} programs ({', '.join(programs)}): a name may be of several of them")
    if ELSEWHERE in functions:
        found.append(
            f"{ELSEWHERE}: before and after the program, and processes that other threads than the first start"
        )
    return found


def read(path: Path) -> File:
    """The names in an ELF file: all, or those for its loader where it has no others."""
    about = _said("readelf", "-hlW", path)
    names = _said("nm", *symbols.NM, path)
    table = symbols.parsed(names if names.strip() else _said("nm", "-D", *symbols.NM, path))
    # What the C library's start files have is without a size, and would take what follows.
    table = table[~table["name"].isin(("_init", "_fini")) & ~table["type"].isin(symbols.WITHOUT_PLACE)]
    table = table.assign(name=table["name"].str.replace(r"@@?[\w.]+$", "", regex=True))
    if MACHINE.search(about):  # whose odd addresses are of code in Thumb
        table = table.assign(address=table["address"] & ~np.uint64(table["type"].isin(list(CODE))))
    is_data = table["type"].isin(list(DATA))
    extents = symbols.extents(table)
    return File(segments(about), extents.assign(is_data=is_data[extents.index]))


def _said(*words: str | Path) -> str:
    """What a tool says of a file; nothing, where that is none for it."""
    return subprocess.run(words, capture_output=True, encoding="utf-8", errors="replace", check=False).stdout


def _taken(parcel: Path, files: Collection[str], folder: Path) -> dict[str, Path]:
    """Of the parcel's regular files those that are called so in the guest, taken out into `folder`."""
    folder.mkdir(exist_ok=True)
    wanted = {file: folder / file.lstrip("/") for file in files}
    patterns = [re.sub(r"([][*?\\])", r"\\\1", file.lstrip("/")) for file in files]
    (folder / "patterns").write_text("\n".join(patterns) + "\n")
    words = ["cpio", "-i", "-d", "--quiet", "--no-absolute-filenames", "-E", str(folder / "patterns")]
    with parcel.open("rb") as archive:
        subprocess.run(words, stdin=archive, cwd=folder, capture_output=True, check=False)
    return {file: path for file, path in wanted.items() if path.is_file() and _is_itself(path, folder)}


def _is_itself(path: Path, folder: Path) -> bool:
    """Whether no link leads to it, perhaps out of the folder."""
    return path.resolve() == folder.resolve() / path.relative_to(folder)
