"""What the runs of a capacity search had in common, and how to do them again: columns of its table."""

from collections.abc import Sequence

import pandas as pd

from lab.text.outside import markdown as words, visible
from lab.runs.run_record import RunRecord

# Column of the table: what it is called on the page. Tables from before there were facts lack them.
FACTS = {
    "guest": "guest",
    "qemu": "QEMU",
    "program": "program",
    "host": "host",
    "measured": "measured",
}
COMMAND = "command"
COLUMNS = (*FACTS, COMMAND)


def of_runs(records: Sequence[RunRecord], command: str) -> dict[str, str]:
    """COLUMNS of the runs of one search."""
    found: dict[str, dict[str, None]] = {name: {} for name in FACTS}
    for record in records:
        for name, text in _of_run(record).items():
            found[name][text] = None
    ends = sorted(record.facts["finished_at"] for record in records)
    facts = {name: "; ".join(filter(None, texts)) for name, texts in found.items()}
    return facts | {"measured": f"{ends[0]} to {ends[-1]}" if ends else "", COMMAND: command}


def _of_run(record: RunRecord) -> dict[str, str]:
    row, image, host = record.row, record.facts["image"], record.facts["host"]
    nodes = f"{row.numa_nodes} NUMA nodes, " if row.numa_nodes > 1 else ""
    arguments = f" `{row.kernel_args}`" if row.kernel_args else ""
    return {
        "guest": f"{row.target}, {row.smp} CPU{'s' * (row.smp > 1)}, {row.memory_mb} MB, {nodes}"
        f"Linux {image['kernel_version']}{arguments}",
        "qemu": image["qemu_version"],
        "program": f"pipelab {image['program_version']}, {image['compiler']}, commit {record.facts['git_commit'] or 'unknown'}, "
        f"SHA-256 `{image['program_sha256'][:16]}`",
        # The host's clock is not in exact results, nor is anything else of it.
        "host": f"{host['cpu']}, {host['cpus']} CPUs" if row.timing == "live" else "",
    }


def markdown(points: pd.DataFrame) -> str:
    """The facts of one search as a table, and its command; empty for a table without them."""
    if COMMAND not in points or not points[COMMAND].iloc[0]:
        return ""
    first = points.iloc[0]
    lines = [f"| {title} | {words(first[name])} |" for name, title in FACTS.items() if first[name]]
    return "\n".join(
        ["| what | value |", "|---|---|", *lines, "", "**Make it again**", "", f"    {visible(first[COMMAND], None)}"]
    )
