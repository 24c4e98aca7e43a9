"""The noise floor of a suite's guests: how late timers and threads are there, by cyclictest and rtla.

The table has one line a value that was seen: target, timing, accelerator, guest, tool, what the tool measured (a
CPU's thread or interrupt), latency_us, and count.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from lab.plan.contract import PERCENTILES
from lab.plan.plan import Row
from lab.runs import observe
from lab.runs.guest_files import OUT
from lab.tables import kept
from lab.tables.measured import percentile_ns
from lab.tables.measurement import KEYS, Measurement
from lab.text import markdown as md
from lab.text.complaint import FAILED, Complaint
from lab.text.files import needed_text
from lab.text.strict import whole

GUEST = ["kernel", "kernel_args", "quantum", "smp", "memory_mb", "numa_nodes"]
KEPT = kept.Table(
    dict.fromkeys(KEYS, kept.NAME)
    | dict.fromkeys(GUEST[:3], kept.TEXT)
    | dict.fromkeys(GUEST[3:], kept.WHOLE)
    | {"tool": kept.TEXT, "what": kept.TEXT, "latency_us": kept.WHOLE, "count": kept.WHOLE},
    remedy="remove it, and run scripts/timer_latency.sh again",
    subject=["target", "timing"],
)
COLUMNS = list(KEPT.columns)
QUANTILES = {"p50": PERCENTILES["p50"], "p99": PERCENTILES["p99"], "p99.9": PERCENTILES["p999"]}
HEAD = ["guest", "tool", "of", "samples", *(f"{name} (µs)" for name in QUANTILES), "max (µs)"]
OSNOISE = "rtla osnoise"
OSNOISE_NOTE = (
    "The rows of osnoise are not latencies: each sample is a noise, and how long it lasted, that kept a thread which only "
    "reads the clock from doing so. There are as many as were seen, not one a period."
)


def read_cyclictest(file: Path) -> pd.DataFrame:
    """What, latency_us and count from the file of --histfile.

    What was later than the histogram is long is counted at the latest that was seen.
    """
    text = needed_text(file, "run it again")
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
    text = needed_text(file, "run it again")
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


def read(folders: Sequence[Path], rows: Sequence[Row]) -> pd.DataFrame:
    """The table of what the tools of `rows` left, each in its folder: over all replicates."""
    parts = []
    for folder, row in zip(folders, rows, strict=True):
        facts = asdict(row.guest) | observe.about(folder, row) | {"tool": row.workload.replace("-", " ")}
        cyclictest = row.workload == "cyclictest"
        file = folder / OUT / ("histogram.txt" if cyclictest else "stdout.txt")
        try:
            part = read_cyclictest(file) if cyclictest else read_rtla(file)
        except (ValueError, IndexError) as error:
            raise Complaint(file, f"is damaged ({error}): run it again", FAILED) from None
        parts.append(part.assign(**facts))
    return pd.concat(parts).groupby(COLUMNS[:-1], sort=False, as_index=False)["count"].sum()


def tables(file: Path) -> dict[str, str]:
    """Markdown tables of the file of a suite, by "exact timing on aarch64"; none where there is no file."""
    groups = KEPT.read(file).groupby(KEYS, sort=False)
    return {str(Measurement(*key)): markdown(lines) for key, lines in groups}


def markdown(table: pd.DataFrame) -> str:
    """One line a guest, tool, and thing that was measured; with a note where some are no latencies."""
    groups = table.groupby([*GUEST, "tool", "what"], sort=False)
    text = md.table(HEAD, (_line(lines) for _, lines in groups), right=range(3, len(HEAD)))
    return text + f"\n\n{OSNOISE_NOTE}" * bool((table["tool"] == OSNOISE).any())


def _line(lines: pd.DataFrame) -> list[object]:
    """Of one thing that was measured in one guest."""
    first, ordered = lines.iloc[0], lines.sort_values("latency_us")
    values, counts = ordered["latency_us"].to_numpy(), ordered["count"].to_numpy()
    known = [percentile_ns(values, counts, quantile) for quantile in QUANTILES.values()]
    arguments = f" `{first['kernel_args']}`" if first["kernel_args"] else ""
    guest = f"kernel {first['kernel']}{arguments}, {first['smp']} CPUs"
    texts = ["" if pd.isna(value) else f"{value:,.0f}" for value in [*known, values[-1]]]
    return [guest, first["tool"], first["what"], f"{counts.sum():,}", *texts]


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
