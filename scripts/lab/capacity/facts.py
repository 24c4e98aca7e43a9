"""What the runs of a capacity search had in common, and how to do them again: columns of its table."""

from collections.abc import Sequence

import pandas as pd

from lab.plan.guest import NO_QUANTUM
from lab.runs.run_record import RunRecord
from lab.text import markdown as md
from lab.text.outside import visible

# Column of the table: what it is called on the page.
FACTS = {"guest": "guest", "qemu": "QEMU", "program": "program", "host": "host", "measured": "measured"}
COMMAND = "command"
COLUMNS = (*FACTS, COMMAND)


def of_runs(records: Sequence[RunRecord], command: str) -> dict[str, str]:
    """COLUMNS of the runs of one search."""
    each = pd.DataFrame(map(_of_run, records), columns=list(FACTS)).fillna("")
    facts = {name: "; ".join(filter(None, dict.fromkeys(each[name]))) for name in FACTS}
    ends = sorted(record.facts["finished_at"] for record in records)
    return facts | {"measured": f"{ends[0]} to {ends[-1]}" if ends else "", COMMAND: command}


def _of_run(record: RunRecord) -> dict[str, str]:
    row, image, host = record.row, record.facts["image"], record.facts["host"]
    guest = row.guest
    nodes = f"{guest.numa_nodes} NUMA nodes, " if guest.numa_nodes > 1 else ""
    nodes += f"a quantum of {guest.quantum}, " if guest.quantum != NO_QUANTUM else ""
    arguments = f" `{guest.kernel_args}`" if guest.kernel_args else ""
    program = (
        f"pipelab {image['program_version']}, {image['compiler']}, commit {record.facts['git_commit'] or 'unknown'}, "
    )
    program += f"SHA-256 `{image['program_sha256'][:16]}`"
    if row.parcel:
        program = f"the user's own, as packed with all that comes along, SHA-256 `{row.parcel}`"
    return {
        "guest": f"{row.target}, {guest.smp} CPU{'s' * (guest.smp > 1)}, {guest.memory_mb} MB, {nodes}"
        f"Linux {image['kernel_version']}{arguments}",
        "qemu": image["qemu_version"],
        "program": program,
        # The host's clock is not in exact results, nor is anything else of it.
        "host": f"{host['cpu']}, {host['cpus']} CPUs" if row.timing == "live" else "",
    }


def markdown(points: pd.DataFrame) -> str:
    """The facts of one search as a table, and its command; empty for a table without them."""
    first = points.iloc[0]
    if not first[COMMAND]:
        return ""
    table = md.facts((title, first[name]) for name, title in FACTS.items() if first[name])
    return f"{table}\n\n**Reproduce**\n\n    {visible(first[COMMAND], None)}"
