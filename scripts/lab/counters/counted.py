"""What an item took, as `perf stat` or QEMU's plugin counted it in runs of their own: tables beside a suite's.

One row a run and event. <suite>_perf.csv is scripts/perf_stat.sh's (--scenario): of a whole process, its start and end
included, without a warm-up, so that all its items are measured ones; "plugin" is what QEMU's plugin counted for it
(lab.counters.perf says when). <suite>_counters.csv is made of what scripts/count_runs.sh left beside the runs: of their
measured part. `note` tells which line of memory false sharing is of; or, where no event is named, why nothing was counted.
"""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from lab.counters import counters, perf
from lab.plan import contract
from lab.plan.contract import Contract
from lab.plan.plan import Row
from lab.runs import observe, outputs
from lab.runs.guest_files import OUT
from lab.runs.run_record import RunRecord
from lab.tables import kept
from lab.tables.measurement import Measurement
from lab.text import markdown as md, names, numbers
from lab.text.files import needed_text

PERF_FILE, COUNTERS_FILE = "{}_perf.csv", "{}_counters.csv"
PERF, PLUGIN, COUNTERS = "perf", "plugin", "counters"
# Of each source: what its counts an item are called where a rule asks for them, and what the page says of it.
SOURCES = {
    PERF: (
        "perf_{}_per_item",
        "*perf*: `perf stat` in guests of their own, without a warm-up, of the whole process{children}, its start and end "
        "included.",
    ),
    PLUGIN: (
        "perf_plugin_{}_per_item",
        "*plugin*: counted meanwhile by QEMU's plugin, of the measured part alone, where the guest has no PMU, or has "
        "several CPUs that take turns, so that its PMU counts the instructions of all on each.",
    ),
    COUNTERS: (
        "{}_per_item",
        "*counters*: counted from outside in a run of its own, with the same times. Misses, transfers and false "
        "sharing (misses for lines that only share a place) are *simulated*.",
    ),
}
# What is counted, and how the page calls it.
EVENTS = {
    "context_switches": "context switches",
    "instructions": "instructions",
    "kernel_instructions": "of these, kernel",
    "cycles": "cycles",
    "page_faults": "page faults",
    "cpu_migrations": "migrations",
    "loads": "loads",
    "stores": "stores",
    "l1_misses": "L1 misses",
    "l2_misses": "L2 misses",
    "transfers": "transfers",
    "false_sharing": "false sharing",
}
OF_PERF = {  # by perf's own name
    "context-switches": "context_switches",
    "instructions": "instructions",
    "instructions:k": "kernel_instructions",
    "cycles": "cycles",
    "faults": "page_faults",
    "cpu-migrations": "cpu_migrations",
}
OF_COUNTERS = ("instructions", "loads", "stores", "l1_misses", "l2_misses", "transfers", "false_sharing")
NOTHING = ""  # the event of a run of which nothing could be counted
SHARED = "false_sharing"  # where in the program several CPUs write at different offsets of a line
LEAST_MISSES_PER_ITEM = 0.1  # less is not worth a finding
KEPT = kept.Table(
    kept.MEASURED
    | {"source": kept.one_of(*SOURCES), "seed": kept.WHOLE, "items": kept.WHOLE}
    | {"event": kept.one_of(*EVENTS, NOTHING), "count": kept.optional(kept.REAL), "note": kept.TEXT},
    remedy="remove it, and count again",
)
LINES = kept.Table(
    {"line": kept.WHOLE, "space": kept.one_of("user", "kernel"), "data": kept.TEXT, SHARED: kept.REAL},
    remedy="remove its folder, and count again",
)


def read(result_data: Path, suite: str) -> pd.DataFrame:
    """All that was counted of a suite."""
    files = (PERF_FILE, COUNTERS_FILE)
    return pd.concat([KEPT.read(result_data / file.format(suite)) for file in files], ignore_index=True)


def of_perf(folders: Sequence[Path], rows: Sequence[Row]) -> pd.DataFrame:
    """What perf_stat.sh left of `rows`, each in its folder (out/perf.csv, out/stats.csv, vm.tsv, perhaps counters.json)."""
    runs = [_of_perf(folder, row) for folder, row in zip(folders, rows, strict=True)]
    return pd.concat(runs, ignore_index=True)


def of_runs(records: Iterable[RunRecord]) -> pd.DataFrame:
    """What was counted of finished runs; no rows for those that nobody asked to count."""
    rows = [row for record in records for row in _of_run(record)]
    return pd.DataFrame(rows, columns=list(KEPT.columns))


def each(known: Contract | None) -> str:
    """What a count is shown of: an item of the kit's workloads, or what a user's program makes."""
    what = known.items[0] if known and known.own else "item"
    return f"{'an' if what[0] in 'aeiouAEIOU' else 'a'} {what}"


def per_item(
    table: pd.DataFrame, measurement: Measurement, scenario: str, known: Contract | None = None
) -> dict[str, float | str]:
    """What an item took in the median run, by names as in SOURCES; empty where the scenario was not counted.

    SHARED names the lines of false sharing: "ring+0 and ring+16 (2.00 misses an item)".
    """
    chosen = kept.of(table, measurement)
    chosen = chosen[chosen["scenario"] == scenario]
    if chosen.empty:
        return {}
    found: dict[str, float | str] = {
        SOURCES[str(row.source)][0].format(row.event): row.share for row in _medians(chosen).itertuples()
    }
    shared = _shares(chosen[(chosen["event"] == SHARED) & (chosen["note"] != "")]).drop_duplicates("note")
    lines = [f"{row.note} ({row.share:,.2f} misses {each(known)})" for row in shared.itertuples()]
    return found | ({SHARED: "; ".join(lines)} if lines else {})


def markdown(
    table: pd.DataFrame, measurement: Measurement, every: Sequence[str] = (), known: Contract | None = None
) -> str:
    """One line a source and scenario of a measurement, and why others were not counted; empty when nobody asked.

    `every` are the scenarios of the suite, and `known` is its contract.
    """
    chosen = kept.of(table, measurement)
    shares, parts = _medians(chosen), []
    if len(shares):
        events = [event for event in EVENTS if event in set(shares["event"])]
        cells = {
            (source, scenario): [
                numbers.count(rows.set_index("event")["share"].get(event, math.nan)) for event in events
            ]
            for source in SOURCES
            for scenario, rows in shares[shares["source"] == source].groupby("scenario", sort=False)
        }
        head = ["counted by", f"scenario, {each(known)}", *(EVENTS[event] for event in events)]
        parts.append(md.table(head, ([*key, *texts] for key, texts in cells.items()), right=range(2, len(head))))
        children = " and its children" * bool(known and known.own)
        captions = [
            SOURCES[source][1].format(children=children) for source in dict.fromkeys(source for source, _ in cells)
        ]
        parts.append(" ".join(["Medians.", *captions]))
    for reason, rows in chosen[chosen["event"] == NOTHING].groupby("note"):
        scenarios = list(dict.fromkeys(rows["scenario"]))
        parts.append(f"Not counted: {names.names(scenarios, list(every) or scenarios)} ({md.words(reason)}).")
    return "\n\n".join(parts)


def shared(file: Path, items: int) -> list[tuple[str, float]]:
    """The program's lines that several CPUs write without need: what they hold ("ring+0 and ring+16"), and the misses."""
    lines = LINES.read(file)
    of_line = lines[lines["space"] == "user"].groupby("line", sort=False)
    found = [(" and ".join(dict.fromkeys(rows["data"])), float(rows[SHARED].sum())) for _, rows in of_line]
    return [(where, misses) for where, misses in found if misses >= LEAST_MISSES_PER_ITEM * max(items, 1)]


def _shares(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(share=table["count"] / table["items"].where(table["items"] > 0))


def _medians(table: pd.DataFrame) -> pd.DataFrame:
    """Columns source, scenario, event, share (of an item, the median over runs)."""
    counts = _shares(table[(table["note"] == "") & (table["event"] != NOTHING)])
    return counts.groupby(["source", "scenario", "event"], sort=False)["share"].median().dropna().reset_index()


def _of_perf(folder: Path, planned: Row) -> pd.DataFrame:
    events = perf.of_run(folder, in_turn=planned.timing == "exact" and planned.guest.smp > 1)
    events = events[events["event"].isin(OF_PERF) & events["source"].isin(SOURCES) & events["count"].notna()]
    out, known = folder / OUT, contract.load(planned.workload)
    stats = outputs.read(out, planned, known).stats if known.own else outputs.read_stats(out / outputs.STATS)
    items = int(stats["items"])
    found = events.assign(event=events["event"].map(OF_PERF), note="", items=items, **observe.about(folder, planned))
    return found[list(KEPT.columns)]


def _of_run(record: RunRecord) -> list[list[object]]:
    """Its rows of the table."""
    row, folder = record.row, record.folder.parent / "counters" / record.row.run
    if not folder.is_dir():
        return []
    items = int(record.outputs.stats["items"])
    about = [row.scenario, row.target, row.timing, record.facts["accelerator"], COUNTERS, row.seed, items]
    if not (folder / "counters.json").is_file():
        why_not = needed_text(folder / "counters.txt", LINES.remedy).strip().removeprefix("none: ")
        return [[*about, NOTHING, math.nan, why_not]]
    counts = counters.counts(counters.read(folder / "counters.json"))
    counts = counters.measured(counts)
    found = [(event, counts[event].sum(), "") for event in OF_COUNTERS]
    found.append(("kernel_instructions", counts[counts["space"] == "kernel"]["instructions"].sum(), ""))
    found += [(SHARED, misses, where) for where, misses in shared(folder / "shared_lines.csv", items)]
    return [[*about, event, float(count), note] for event, count, note in found]
