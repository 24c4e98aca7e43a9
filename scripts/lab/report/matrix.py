"""The matrix: one suite on every target with every kernel, in one table a timing."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from lab.plan.contract import Contract
from lab.tables import kept, measured
from lab.tables.measurement import KEYS, of as measurement_of, quiet
from lab.text import markdown as md, numbers, strict
from lab.text.complaint import FAILED, Complaint
from lab.text.files import read_text

FILE = "{}_matrix.csv"
KEPT = kept.Table(
    dict.fromkeys(KEYS, kept.NAME)
    | {"kernel": kept.TEXT, "kernel_version": kept.TEXT, "scenario": kept.NAME, "runs": kept.WHOLE},
    remedy="run 'make matrix' again",
    others=kept.optional(kept.REAL),  # medians of the headline
    digits="%.10g",
)


def read(suite: str, folders: Sequence[Path], contract: Contract) -> pd.DataFrame:
    """The results in each folder, TARGET.KERNEL/result_data, one row a scenario: KEPT, and medians of the headline."""
    return pd.concat([_cell(suite, folder, contract) for folder in folders], ignore_index=True)


def _cell(suite: str, folder: Path, contract: Contract) -> pd.DataFrame:
    file = folder / f"{suite}_environment.json"
    try:
        measurements = strict.parse_json(read_text(file))["measurements"]
        versions = {tuple(measurement_of(each)): each["guests"][0]["image"]["kernel_version"] for each in measurements}
        raw = quiet(measured.read(folder / f"{suite}_raw.csv"))
        groups = raw.groupby([*KEYS, "scenario"], sort=False)
        table = groups[[column.name for column in contract.headline]].median()
        table.insert(0, "runs", groups.size())
        table = table.reset_index()
        keys = table[KEYS].itertuples(index=False, name=None)
        table = table.assign(kernel=folder.parent.name.split(".", 1)[1], kernel_version=[versions[key] for key in keys])
        return table[[*KEPT.columns, *(column.name for column in contract.headline)]]
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise Complaint(file, f"or a file beside it is damaged ({error}): run 'make matrix' again", FAILED) from None


def section(file: Path, contract: Contract) -> str:
    """The tables of a suite for the page; empty where there is no file."""
    table = KEPT.read(file)
    return "" if table.empty else markdown(table, contract)


def markdown(table: pd.DataFrame, contract: Contract) -> str:
    """A table for each timing and accelerator, below its caption."""
    groups = table.groupby(["timing", "accelerator"], sort=False)
    return "\n\n".join(_part(str(timing), str(accelerator), lines, contract) for (timing, accelerator), lines in groups)


def _part(timing: str, accelerator: str, table: pd.DataFrame, contract: Contract) -> str:
    """One line a scenario; target and kernel are said once, and what is equal in all lines in the caption."""
    columns = [column for column in contract.headline if column.name in table]
    texts = {each: [numbers.shown(value, each.metric.unit) for value in table[each.name]] for each in columns}
    titles = {each: numbers.titled(each.title, each.metric.unit) for each in columns}
    equal = [each for each in columns if len(table) > 1 and len(set(texts[each])) == 1]
    shown = [each for each in columns if each not in equal]
    lines, before = [], ("", "")
    for place, row in enumerate(table.to_dict("records")):
        guest = (row["target"], f"{row['kernel']}, {row['kernel_version']}")
        lines.append(
            [*(("", "") if guest == before else guest), row["scenario"], *(texts[each][place] for each in shown)]
        )
        before = guest
    head = ["target", "kernel", "scenario", *(titles[each] for each in shown)]
    caption = _caption(timing, accelerator, table, [f"{titles[each]} {texts[each][0]}".strip() for each in equal])
    return f"{caption}\n\n{md.table(head, lines, right=range(3, len(head)))}"


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
