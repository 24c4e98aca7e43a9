"""The noise floor of a suite's guests: how late timers and threads are there, by cyclictest and rtla.

The table has one line a value that was seen: target, timing, accelerator, guest, tool, what the tool measured (a
CPU's thread or interrupt), latency_us, and count.
"""

import re
from pathlib import Path

import pandas as pd

from lab.text import names
from lab.tables.measured import percentile_ns
from lab.text.complaint import FAILED, Complaint
from lab.text.files import read_facts, read_text
from lab.runs.guest_files import OUT
from lab.text.strict import whole
from lab.text.outside import markdown as words

GUEST = ["kernel", "kernel_args", "smp", "memory_mb", "numa_nodes"]
COLUMNS = ["target", "timing", "accelerator", *GUEST, "tool", "what", "latency_us", "count"]
QUANTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
HEAD = "| guest | tool | of | samples | p50 (µs) | p99 (µs) | p99.9 (µs) | max (µs) |\n|---|---|---|---:|---:|---:|---:|---:|"

OSNOISE = "rtla osnoise"
OSNOISE_NOTE = (
    "The rows of osnoise are not latencies: each sample is a noise, and how long it lasted, that kept a thread which only "
    "reads the clock from doing so. There are as many as were seen, not one a period."
)


def read_cyclictest(file: Path) -> pd.DataFrame:
    """What, latency_us and count from the file of --histfile.

    What was later than the histogram is long is counted at the latest that was seen.
    """
    text = _read(file)
    lines = [line.split() for line in text.splitlines() if re.fullmatch(r"[0-9]+(?:\s[0-9]+)+", line.strip())]
    latest = _numbers(text, "# Max Latencies:", file)
    over = _numbers(text, "# Histogram Overflows:", file)
    rows = [
        (f"CPU {cpu}", whole(line[0]), whole(count))
        for line in lines
        for cpu, count in enumerate(line[1:])
        if whole(count)
    ]
    rows += [(f"CPU {cpu}", latest[cpu], count) for cpu, count in enumerate(over) if count]
    return _table(rows, file)


def read_rtla(file: Path) -> pd.DataFrame:
    """What, latency_us and count from what 'rtla timerlat hist' or 'rtla osnoise hist' printed."""
    text = _read(file)
    head = re.search(r"^Index\s+(.*)$", text, re.MULTILINE)
    if head is None:
        raise Complaint(file, "is not what rtla hist prints: run it again", FAILED)
    whats = [_what(name) for name in head[1].split()]
    rows = [
        (what, whole(line[0]), whole(count))
        for line in (each.split() for each in text.splitlines())
        if line and line[0].isdecimal()
        for what, count in zip(whats, line[1:])
        if whole(count)
    ]
    latest, over = (_numbers(text, name, file) for name in ("max:", "over:"))
    rows += [(what, most, count) for what, most, count in zip(whats, latest, over) if count]
    return _table(rows, file)


def read(folders: list[Path]) -> pd.DataFrame:
    """The table of what timer_latency.sh left in `folders`, each of one guest and tool."""
    parts = []
    for folder in folders:
        facts = read_facts(folder / "guest.tsv", ("target", "timing", *GUEST, "tool"), "run it again")
        facts["accelerator"] = read_facts(folder / "vm.tsv", ("accelerator",), "run it again")["accelerator"]
        cyclictest = facts["tool"] == "cyclictest"
        file = folder / OUT / ("histogram.txt" if cyclictest else "stdout.txt")
        try:
            part = read_cyclictest(file) if cyclictest else read_rtla(file)
        except (ValueError, IndexError) as error:
            raise Complaint(file, f"is damaged ({error}): run it again", FAILED) from None
        parts.append(part.assign(**facts))
    return pd.concat(parts)[COLUMNS]


def merged(file: Path, new: pd.DataFrame) -> pd.DataFrame:
    """The table in `file`, in which `new` replaces what there was of its target and timing."""
    try:
        old = pd.read_csv(file, keep_default_na=False)
    except FileNotFoundError:
        return new
    kept = old[~((old["target"] == new["target"].iloc[0]) & (old["timing"] == new["timing"].iloc[0]))]
    return pd.concat([kept, new])


def tables(file: Path) -> dict[str, str]:
    """Markdown tables of the file of a suite, by "exact timing on aarch64"; none where there is no file."""
    if not file.exists():
        return {}
    table = pd.read_csv(file, keep_default_na=False)
    names.check_table(table)
    groups = table.groupby(["timing", "target", "accelerator"], sort=False)
    return {
        f"{timing} timing on {target}" + (f" with {accelerator}" if timing == "live" else ""): markdown(lines)
        for (timing, target, accelerator), lines in groups
    }


def markdown(table: pd.DataFrame) -> str:
    """One line a guest, tool, and thing that was measured; with a note where some are no latencies."""
    groups = table.groupby([*GUEST, "tool", "what"], sort=False)
    lines = [HEAD, *(_line(dict(zip([*GUEST, "tool", "what"], key)), lines) for key, lines in groups)]
    return "\n".join([*lines, *(["", OSNOISE_NOTE] if (table["tool"] == OSNOISE).any() else [])])


def _line(key: dict[str, str], lines: pd.DataFrame) -> str:
    ordered = lines.sort_values("latency_us")
    values, counts = ordered["latency_us"].to_numpy(), ordered["count"].to_numpy()
    figures = [percentile_ns(values, counts, quantile) for quantile in QUANTILES.values()]
    texts = ["" if pd.isna(figure) else f"{figure:,.0f}" for figure in figures]
    arguments = f" `{key['kernel_args']}`" if key["kernel_args"] else ""
    guest = words(f"kernel {key['kernel']}{arguments}, {key['smp']} CPUs")
    return f"| {guest} | {words(key['tool'])} | {words(key['what'])} | {counts.sum():,} | {' | '.join(texts)} | {values[-1]:,} |"


def _what(name: str) -> str:
    """CPU 1, IRQ of CPU 1 or thread of CPU 1, for rtla's CPU-001, IRQ-001 and Thr-001."""
    kind, cpu = name.split("-")
    return {"IRQ": "interrupt of ", "Thr": "thread of "}.get(kind, "") + f"CPU {int(cpu)}"


def _numbers(text: str, name: str, file: Path) -> list[int]:
    line = re.search(rf"^{name}((?:\s+[0-9]+)+)\s*$", text, re.MULTILINE)
    if line is None:
        raise Complaint(file, f"lacks the line '{name}': run it again", FAILED)
    return [whole(number) for number in line[1].split()]


def _table(rows: list[tuple[str, int, int]], file: Path) -> pd.DataFrame:
    if not rows:
        raise Complaint(file, "holds no latencies: run it again, for longer", FAILED)
    return pd.DataFrame(rows, columns=["what", "latency_us", "count"]).sort_values(["what", "latency_us"])


def _read(file: Path) -> str:
    try:
        return read_text(file)
    except OSError as error:
        raise Complaint(file, f"cannot be read ({error}): run it again", FAILED) from None
