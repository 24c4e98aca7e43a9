"""What the counters' plugin saw of a guest (counters.json), as tables: counts, shared lines, functions."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab.counters import symbols
from lab.text.complaint import FAILED, Complaint
from lab.text.files import needed_text

SUPPORTED_VERSION = 1
# The parts of a run: what is measured, and the whole of a user's program, which may have a measured part (platform/marker.hpp).
MEASURED_REGION, PROGRAM_REGION = 0, 1
KEYS = ["region", "cpu", "space"]
GRAINS = 64  # bits in a mask, each for 1/64 of a line
# Fewer crossings than these are a thread that moved to another CPU, not two that share.
LEAST_CROSSINGS = 100
FIRST_KERNEL_ADDRESS = {"arm": 0xC0000000}  # else the upper half of 64 bits
SHARED_COLUMNS = ["line", "space", "cpu", "data", "first_byte", "last_byte", "code"]
SHARED_COUNTS = ["transfers", "invalidations", "true_sharing", "false_sharing"]
UNNAMED_DATA = {"user": "heap or stack", "kernel": "kernel memory"}
# A static program has no code outside of itself but what the kernel maps into it.
UNNAMED_CODE = {"user": "[vdso]", "kernel": "[unnamed]"}


def read(path: Path) -> dict[str, Any]:
    """The whole report. Complains about one that is not there, not whole, or of another version."""
    try:
        report = json.loads(needed_text(path, "run the guest with --counters"))
    except (ValueError, RecursionError):
        raise Complaint(path, "is not whole: run the guest again", FAILED) from None
    if not isinstance(report, dict) or report.get("version") != SUPPORTED_VERSION:
        raise Complaint(path, "is of another version: run 'make counters' and the guest again", FAILED)
    if not report["regions"]:
        raise Complaint(path, "no marked region was entered: the program must call begin_region()", FAILED)
    return report


def counts(report: dict[str, Any]) -> pd.DataFrame:
    """One row for each region, CPU and space (user or kernel); those of caches only where they were simulated."""
    table = pd.DataFrame(report["regions"]).drop(columns="times")
    return table.sort_values(KEYS, kind="stable", ignore_index=True)


def measured(counts: pd.DataFrame) -> pd.DataFrame:
    """Those of what was measured: of a user's program that marks no part of itself, of all of it."""
    regions = set(counts["region"])
    wanted = MEASURED_REGION if MEASURED_REGION in regions else PROGRAM_REGION
    return counts[counts["region"] == wanted]


def shared_lines(
    report: dict[str, Any],
    names: symbols.Symbols,
    unnamed: tuple[str, str] = (UNNAMED_DATA["user"], UNNAMED_CODE["user"]),
) -> pd.DataFrame:
    """Lines that different CPUs write at different offsets, the most contended first.

    One row for each line and CPU that writes bytes which no other does: the `line`'s address, its `space` (user or
    kernel), `data` (symbol and offset of the first of these bytes), `first_byte` and `last_byte` in the line, `code`
    (which wrote there last), and what the CPU met at this line: `transfers` to it, `invalidations` that it caused, and
    its misses for what others had written (`true_sharing`) and for nothing (`false_sharing`). `unnamed` is what
    data and code of the program are called that have no name.
    """
    table = pd.DataFrame(report.get("contended_lines", []))
    if table.empty:
        return pd.DataFrame(columns=SHARED_COLUMNS + SHARED_COUNTS)
    wrote = table["wrote"].to_numpy(np.uint64)[:, None] >> np.arange(GRAINS, dtype=np.uint64) & np.uint64(1)
    of_line = ["paddr", "vaddr"]  # memory may have been one thing, and then another
    writers = pd.DataFrame(wrote).groupby([table[each] for each in of_line]).transform("sum").to_numpy()
    alone = (wrote == 1) & (writers == 1)
    table = table[alone.any(axis=1)].assign(
        first_grain=alone.argmax(axis=1)[alone.any(axis=1)],
        last_grain=(GRAINS - 1 - alone[:, ::-1].argmax(axis=1))[alone.any(axis=1)],
    )
    by_line = table.groupby(of_line)
    crossings = by_line["transfers"].transform("sum") + by_line["invalidations"].transform("sum")
    several = by_line["cpu"].transform("size") > 1
    table = table.assign(crossings=crossings)[several & (crossings >= LEAST_CROSSINGS)]
    table = table.sort_values(["crossings", *of_line, "cpu"], ascending=[False, True, True, True], ignore_index=True)
    line_bytes = report["caches"]["line_bytes"]
    grain_bytes = max(1, line_bytes // GRAINS)
    table["first_byte"] = table["first_grain"] * grain_bytes
    table["last_byte"] = table["last_grain"] * grain_bytes + grain_bytes - 1
    table["line"] = table["vaddr"].astype(np.uint64)
    table["space"] = _space(report, table["line"])
    first_bytes = table["line"] + table["first_byte"].astype(np.uint64)
    table["data"] = named(names, first_bytes, table["space"].map(UNNAMED_DATA | {"user": unnamed[0]}))
    pcs = table["store_pc"].astype(np.uint64)
    table["code"] = named(names, pcs, _space(report, pcs).map(UNNAMED_CODE | {"user": unnamed[1]}))
    return table[SHARED_COLUMNS + SHARED_COUNTS]


def functions(report: dict[str, Any], names: symbols.Symbols, unnamed: str = UNNAMED_CODE["user"]) -> pd.DataFrame:
    """Columns space, function, instructions, share (of all), and symbol (the function's whole name), the most
    instructions first in each space. `unnamed` is what the program's code is called that has no name."""
    if "profile" not in report:
        raise Complaint("counters.json", "holds no profile: run the guest with --counters profile", FAILED)
    table = pd.DataFrame(report["profile"], columns=["vaddr", "instructions"])
    vaddr = table["vaddr"].astype(np.uint64)
    table["space"] = _space(report, vaddr)
    table["symbol"] = names.lookup(vaddr)["name"].fillna(table["space"].map(UNNAMED_CODE | {"user": unnamed}))
    table = table.groupby(["space", "symbol"], as_index=False)["instructions"].sum()
    table["share"] = table["instructions"] / table["instructions"].sum()
    table["function"] = table["symbol"].map(symbols.short)
    # user before kernel
    table = table.sort_values(["space", "instructions", "symbol"], ascending=[False, False, True])
    return table.reset_index(drop=True)[["space", "function", "instructions", "share", "symbol"]]


def named(names: symbols.Symbols, addresses: pd.Series, unnamed: pd.Series) -> pd.Series:
    """`symbol+offset` for each address, or what `unnamed` says where there is no symbol."""
    found = names.lookup(addresses)
    text = found["name"].fillna("").map(symbols.short) + "+" + found["offset"].astype(str)
    return text.where(found["name"].notna(), unnamed)


def counts_text(table: pd.DataFrame) -> str:
    """The counts for a terminal."""
    return table.to_string(index=False, formatters={c: "{:,}".format for c in table.columns.drop(KEYS)})


def shared_text(table: pd.DataFrame) -> str:
    """The shared lines for a terminal, or that there are none."""
    if table.empty:
        return "no line is written by different CPUs at different offsets"
    shown = table.assign(line=table["line"].map("{:#x}".format))
    return "written by different CPUs at different offsets (simulated):\n" + shown.to_string(index=False)


def functions_text(table: pd.DataFrame, most: int = 20) -> str:
    """The hot spots for a terminal."""
    hot = table.nlargest(most, "instructions")
    rest = table.drop(hot.index)
    others = pd.DataFrame([{"space": "", "function": f"{len(rest)} others", **rest[["instructions", "share"]].sum()}])
    rows = pd.concat([hot, others[: len(rest)]]).itertuples()
    lines = [f"{row.instructions:>15,.0f} {row.share:>7.2%}  {row.space:6} {row.function}" for row in rows]
    return "\n".join([f"{'instructions':>15} {'share':>7}  {'':6} function", *lines])


def _space(report: dict[str, Any], vaddr: pd.Series) -> pd.Series:
    first = np.uint64(FIRST_KERNEL_ADDRESS.get(report["target"], 2**63))
    return pd.Series(np.where(vaddr.to_numpy(np.uint64) >= first, "kernel", "user"), vaddr.index)
