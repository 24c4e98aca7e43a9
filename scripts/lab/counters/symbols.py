"""Names of addresses in a guest: of its program (as `nm` prints them) and its kernel (/proc/kallsyms)."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lab.text.complaint import FAILED, Complaint
from lab.text.files import needed_text

# "address [size] type name", the size only from nm --print-size; kallsyms adds "[module]".
LINE = r"^(?P<address>[0-9a-f]{1,16}) (?:(?P<size>[0-9a-f]{8,16}) )?(?P<type>[A-Za-z]) (?P<name>.+?)(?:\t\[(?P<module>.+)\])?$"
# What has no place in memory: absolute values, and offsets in a thread's own data (which nm calls d or b).
WITHOUT_PLACE = ("A", "a", "N", "U", "w")
LOWEST_ADDRESS = 0x1000
# aarch64's compilers mark where code and data begin ($x, $d).
NO_NAME = r"\$[a-z](?:\.|$)"


NM = ("--demangle", "--defined-only", "--print-size")


class Symbols:
    """Looks up which symbol an address is in."""

    def __init__(self, table: pd.DataFrame, behind: "Symbols | None" = None) -> None:
        """`table` has the columns of NONE, in order (in_order()). `behind` knows what is in none of it."""
        self._starts = table["address"].to_numpy(np.uint64)
        self._ends = table["end"].to_numpy(np.uint64)
        self._names = table["name"].to_numpy(object)
        self._behind = behind

    def lookup(self, addresses: pd.Series) -> pd.DataFrame:
        """Columns `name` (None where no symbol covers the address) and `offset` from its start."""
        wanted = addresses.to_numpy(np.uint64)
        found = pd.DataFrame({"name": np.full(len(wanted), None, object), "offset": wanted}, addresses.index)
        if len(self._starts):
            at = np.searchsorted(self._starts, wanted, side="right")
            before_all = at == 0
            at = np.maximum(at, 1) - 1
            covered = ~before_all & (wanted < self._ends[at])
            found["offset"] = np.where(covered, wanted - self._starts[at], wanted)
            found.loc[covered, "name"] = self._names[at[covered]]
        return found if self._behind is None else found.mask(found["name"].isna(), self._behind.lookup(addresses))


def read(paths: list[Path], behind: Symbols | None = None) -> Symbols:
    """All symbols of the files. One without a size reaches to the next."""
    return Symbols(in_order([_read_one(path) for path in paths]), behind)


def table(rows: list[tuple[int, int, str]]) -> pd.DataFrame:
    """Of places (address, end, name)."""
    made = pd.DataFrame(rows, columns=["address", "end", "name"])
    return made.astype({"address": np.uint64, "end": np.uint64, "name": object})


NONE = table([])


def in_order(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All of them as Symbols takes them."""
    return pd.concat([NONE, *tables]).sort_values("address", kind="stable")


def short(name: str) -> str:
    """A C++ name without its template arguments, parameters and return type, as one would say it. Of what the
    library makes of a lambda (a thread's body, a visitor's call), the lambda."""
    if name.startswith("["):  # of a file, or what has no name
        return name
    name = re.sub(r" \[clone [^\]]*\]|\(anonymous namespace\)::", "", name)
    name = re.sub(r"operator(<=>|<<|>>|<=|>=|->|<|>)", "operator", name)
    wrapped = re.search(r"::\{lambda[^{}]*\}", name) if name.startswith("std::") else None
    if wrapped:
        inner = re.split(r"[<(, ]", _without_brackets_at_end(name[: wrapped.start()]))[-1]
        return f"{inner}::lambda{wrapped.group().rpartition(')')[2].rstrip('}')}"
    previous = ""
    while name != previous:
        # from the inside: one bracket in another; but Go's receivers, as in T.(*U).f, are a part of the name
        previous, name = name, re.sub(
            r"<[^<>]*>|\((?!\*[^()]*\)\.)[^()]*\)( const)?|\{lambda[^{}]*\}", _shortened, name
        )
    return re.sub("::lambda::operator$", "::lambda", name.strip()).split(" ")[-1]


def _shortened(part: re.Match[str]) -> str:
    return "lambda" if part.group().startswith("{") else ""


def _without_brackets_at_end(name: str) -> str:
    """`name` without the parameters and template arguments that it ends with."""
    while name.endswith((")", ">", " const")):
        name = name.removesuffix(" const")
        depth = 0
        for place in range(len(name) - 1, -1, -1):
            depth += (name[place] in ")>") - (name[place] in "(<")
            if depth == 0:
                break
        name = name[:place]
    return name


def parsed(text: str) -> pd.DataFrame:
    """Columns address, size (0: none is said), type and name of what nm or the kernel prints."""
    lines = pd.Series(text.splitlines(), dtype=object)
    found = lines.str.extract(LINE).dropna(subset=["name"])
    found["address"] = np.array([int(each, 16) for each in found["address"]], np.uint64)
    found["size"] = np.array([int(each, 16) for each in found["size"].fillna("0")], np.uint64)
    return found


def extents(parsed: pd.DataFrame) -> pd.DataFrame:
    """Columns address, end and name, one name an address: without a size it reaches to the next."""
    found = parsed[~parsed["type"].isin(WITHOUT_PLACE) & ~parsed["name"].str.match(NO_NAME)]
    # Several names at one address: the longest symbol, and of these the one that other files see.
    found = found.assign(reach=-found["size"].astype(np.int64), local=found["type"].str.islower())
    found = found.sort_values(["address", "reach", "local"], kind="stable").drop_duplicates("address")
    starts = found["address"].to_numpy(np.uint64)
    following = np.append(starts[1:], starts[-1:] + np.uint64(1))  # nothing is known of what is behind the last
    sizes = found["size"].to_numpy(np.uint64)
    found["end"] = np.where(sizes > 0, starts + sizes, following)
    return found[["address", "end", "name"]]


def _read_one(path: Path) -> pd.DataFrame:
    found = parsed(needed_text(path, "no names can be given without it"))
    if found.empty:
        raise Complaint(path, "holds no symbols: make it again", FAILED)
    if (found["address"] == 0).all():
        raise Complaint(path, "holds no addresses: the guest's kernel hid them", FAILED)
    return extents(found[found["address"] >= LOWEST_ADDRESS])
