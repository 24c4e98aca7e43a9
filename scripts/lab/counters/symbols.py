"""Names of addresses in a guest: of its program (as `nm` prints them) and its kernel (/proc/kallsyms)."""

import re
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


class Symbols:
    """Looks up which symbol an address is in."""

    def __init__(self, table: pd.DataFrame) -> None:
        """`table` has the columns address and end (uint64, ascending) and name."""
        self._starts = table["address"].to_numpy(np.uint64)
        self._ends = table["end"].to_numpy(np.uint64)
        self._names = table["name"].to_numpy(object)

    def lookup(self, addresses: pd.Series) -> pd.DataFrame:
        """Columns `name` (None where no symbol covers the address) and `offset` from its start."""
        wanted = addresses.to_numpy(np.uint64)
        if len(self._starts) == 0:
            return pd.DataFrame({"name": None, "offset": wanted}, index=addresses.index)
        at = np.searchsorted(self._starts, wanted, side="right")
        before_all = at == 0
        at = np.maximum(at, 1) - 1
        covered = ~before_all & (wanted < self._ends[at])
        offset = np.where(covered, wanted - self._starts[at], wanted)
        names = np.full(len(wanted), None, object)
        names[covered] = self._names[at[covered]]
        return pd.DataFrame({"name": names, "offset": offset}, addresses.index)


def read(paths: list[Path]) -> Symbols:
    """All symbols of the files. One without a size reaches to the next."""
    tables = [_read_one(path) for path in paths]
    empty = pd.DataFrame({"address": np.array([], np.uint64), "end": np.array([], np.uint64), "name": []})
    return Symbols(pd.concat(tables).sort_values("address", kind="stable") if tables else empty)


def short(name: str) -> str:
    """A C++ name without its template arguments, parameters and return type, as one would say it. Of what the
    library makes of a lambda (a thread's body, a visitor's call), the lambda."""
    name = re.sub(r" \[clone [^\]]*\]|\(anonymous namespace\)::", "", name)
    name = re.sub(r"operator(<=>|<<|>>|<=|>=|->|<|>)", "operator", name)
    wrapped = re.search(r"::\{lambda[^{}]*\}", name) if name.startswith("std::") else None
    if wrapped:
        inner = re.split(r"[<(, ]", _without_brackets_at_end(name[: wrapped.start()]))[-1]
        return f"{inner}::lambda{wrapped.group().rpartition(')')[2].rstrip('}')}"
    previous = ""
    while name != previous:
        # from the inside: one bracket in another
        previous, name = name, re.sub(r"<[^<>]*>|\([^()]*\)( const)?|\{lambda[^{}]*\}", _shortened, name)
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


def _read_one(path: Path) -> pd.DataFrame:
    lines = pd.Series(needed_text(path, "no names can be given without it").splitlines(), dtype=object)
    table = lines.str.extract(LINE).dropna(subset=["name"])
    if table.empty:
        raise Complaint(path, "holds no symbols: make it again", FAILED)
    table["address"] = np.array([int(text, 16) for text in table["address"]], np.uint64)
    table["size"] = np.array([int(text, 16) for text in table["size"].fillna("0")], np.uint64)
    if (table["address"] == 0).all():
        raise Complaint(path, "holds no addresses: the guest's kernel hid them", FAILED)
    placed = ~table["type"].isin(WITHOUT_PLACE) & (table["address"] >= LOWEST_ADDRESS)
    table = table[placed & ~table["name"].str.match(NO_NAME)]
    # Several names at one address: the longest symbol, and of these the one that other files see.
    table = table.assign(reach=-table["size"].astype(np.int64), local=table["type"].str.islower())
    table = table.sort_values(["address", "reach", "local"], kind="stable").drop_duplicates("address")
    starts = table["address"].to_numpy(np.uint64)
    following = np.append(starts[1:], starts[-1:] + np.uint64(1))  # nothing is known of what is behind the last
    sizes = table["size"].to_numpy(np.uint64)
    table["end"] = np.where(sizes > 0, starts + sizes, following)
    return table[["address", "end", "name"]]
