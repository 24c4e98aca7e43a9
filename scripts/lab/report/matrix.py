"""The matrix: one suite on every target with every kernel, in one table a timing."""

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from lab.tables import measured as analyse
from lab.text import numbers, names, strict
from lab.text.complaint import FAILED, Complaint
from lab.text.files import read_text
from lab.tables.measurement import KEYS, of as measurement_of
from lab.text.outside import markdown as words

FILE = "{}_matrix.csv"
FIGURES = {  # of metrics.csv, and how the page shows them
    "latency_p50_ms": "p50 (µs)",
    "latency_p95_ms": "p95 (µs)",
    "latency_p99_ms": "p99 (µs)",
    "response_p99_ms": "response p99 (µs)",
    "throughput_ops_s": "ops/s",
    "drop_rate": "drop",
}
COLUMNS = [*KEYS, "kernel", "kernel_version", "scenario", "runs", *FIGURES]


def read(suite: str, folders: Sequence[Path]) -> pd.DataFrame:
    """COLUMNS of the results in each folder, TARGET.KERNEL/result_data, one row a scenario."""
    return pd.concat([_cell(suite, folder) for folder in folders], ignore_index=True)[COLUMNS]


def _cell(suite: str, folder: Path) -> pd.DataFrame:
    file = folder / f"{suite}_environment.json"
    try:
        measurements = strict.parse_json(read_text(file))["measurements"]
        versions = {measurement_of(each): each["image"]["kernel_version"] for each in measurements}
        metrics = analyse.read(folder / f"{suite}_metrics.csv")
        keys = metrics[KEYS].itertuples(index=False, name=None)
        known = {tuple(measured): version for measured, version in versions.items()}
        return metrics.assign(kernel=folder.parent.name.split(".", 1)[1], kernel_version=[known[key] for key in keys])
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise Complaint(file, f"or a file beside it is damaged ({error}): run 'make matrix' again", FAILED) from None


def csv(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, lineterminator="\n", float_format="%.6g")


def section(file: Path) -> str:
    """The tables of a suite for the page; empty where there is no file."""
    if not file.exists():
        return ""
    table = pd.read_csv(file, keep_default_na=False, dtype={"scenario": str, "kernel": str, "kernel_version": str})
    names.check_table(table)
    return markdown(table)


def markdown(table: pd.DataFrame) -> str:
    """A table for each timing and accelerator, below its caption."""
    groups = table.groupby(["timing", "accelerator"], sort=False)
    return "\n\n".join(_part(str(timing), str(accelerator), lines) for (timing, accelerator), lines in groups)


def _part(timing: str, accelerator: str, table: pd.DataFrame) -> str:
    """One line a scenario; target and kernel are said once, and what is equal in all lines in the caption."""
    texts = pd.DataFrame({name: [_text(name, value) for value in table[name]] for name in FIGURES}, index=table.index)
    equal = [name for name in FIGURES if len(table) > 1 and texts[name].nunique() == 1]
    shown = {name: title for name, title in FIGURES.items() if name not in equal}
    lines = [
        _caption(timing, accelerator, table, [f"{FIGURES[name]} {texts[name].iloc[0]}".strip() for name in equal]),
        "",
        f"| {' | '.join(['target', 'kernel', 'scenario', *shown.values()])} |",
        "|---|---|---|" + "---:|" * len(shown),
    ]
    before = ("", "")
    for index, row in table.iterrows():
        guest = (row["target"], words(f"{row['kernel']}, {row['kernel_version']}"))
        told = ("", "") if guest == before else guest
        lines.append(f"| {' | '.join([*told, row['scenario'], *texts.loc[index, list(shown)]])} |")
        before = guest
    return "\n".join(lines)


def _caption(timing: str, accelerator: str, table: pd.DataFrame, equal: Sequence[str]) -> str:
    runs = sorted(set(table["runs"]))
    many = f"{runs[0]:.0f}" + f" to {runs[-1]:.0f}" * (len(runs) > 1)
    parts = [f"**{timing.capitalize()} timing{f' with {accelerator}' if timing == 'live' else ''}**"]
    parts.append(f", {'medians of ' * (runs[-1] > 1)}{many} run{'s' * (runs[-1] > 1)} a line. ")
    parts.append(
        "Compare within a target: an instruction of one is not one of another."
        if timing == "exact"
        else "Compare within a target: the figures are those of this host, and of its emulator where that is tcg."
    )
    if runs[0] == 1:
        parts.append(
            f" A single {timing} run may only show where its threads were put: REPS=5 would tell "
            "that from what a kernel or a scenario does."
        )
    if equal:
        parts.append(f" The same in all lines, and left out: {', '.join(equal)}.")
    return "".join(parts)


def _text(name: str, value: float) -> str:
    if math.isnan(value):
        return ""
    if name.endswith("_ms"):
        return numbers.significant(value * 1e3)
    return numbers.rate(value) if name.endswith("_ops_s") else f"{value:.3f}"
