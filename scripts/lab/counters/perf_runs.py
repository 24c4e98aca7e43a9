"""What perf stat counted of scenarios: a table beside a suite's, with a row a run, and what an item took of it.

Written by scripts/perf_stat.sh --scenario as <suite>_perf.csv. The counts are of a whole process, its start and end
included, and of runs of their own without a warm-up: so all items are measured ones. Instructions that QEMU's plugin
counted instead (lab.counts.perf says when) are of the measured part alone, and never stand in one column with perf's.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from lab.plan import plan
from lab.counters import perf
from lab.text.complaint import FAILED, Complaint
from lab.text.files import read_facts
from lab.runs.guest_files import OUT
from lab.tables.kept import KeptTable
from lab.tables.measurement import KEYS, Measurement

FILE = "{}_perf.csv"
# By the event that perf names: the column, and what an item's share of it is called. task-clock is in ms.
EVENTS = {
    "context-switches": ("context_switches", "context switches"),
    "instructions": ("instructions", "instructions"),
    "instructions:k": ("kernel_instructions", "of these, kernel"),
    "cycles": ("cycles", "cycles"),
    "faults": ("page_faults", "page faults"),
    "cpu-migrations": ("cpu_migrations", "migrations"),
    "task-clock": ("task_clock_ms", ""),
}
OF_PLUGIN = {
    "instructions": ("plugin_instructions", "instructions (plugin)"),
    "instructions:k": ("plugin_kernel_instructions", "of these, kernel"),
}
COLUMNS = [*EVENTS.values(), *OF_PLUGIN.values()]
COUNTS = [column for column, _ in COLUMNS]
PER_ITEM = {f"perf_{column}_per_item": (column, name) for column, name in COLUMNS if name}
TEXTS = ["scenario", *KEYS, "options"]
KEPT = KeptTable(
    columns=[*TEXTS, "seed", "items", *COUNTS],
    numbers=["seed", "items", *COUNTS],
    optional=["seed", *COUNTS],
    known={},
    remedy="remove it, and run 'scripts/perf_stat.sh --scenario ...' again",
)
CAPTION = "`perf stat` in {} guest{} of their own, without a warm-up: medians, of the whole process, its start and end included."
CAPTION_OF_PLUGIN = (
    " *(plugin)*: counted by QEMU's plugin, of the measured part alone, where the guest has no PMU, or has "
    "several CPUs that take turns, so that its PMU counts the instructions of all on each."
)


def table(folders: Sequence[Path], plan_file: Path) -> pd.DataFrame:
    """A row for each folder (out/perf.csv, out/stats.csv, vm.tsv, perhaps counters.json) of a run; the plan has their rows in
    the same order."""
    return pd.DataFrame([_row(folder, planned) for folder, planned in zip(folders, plan.read(plan_file), strict=True)])


def per_item(table: pd.DataFrame, measurement: Measurement, scenario: str) -> dict[str, float]:
    """What an item took in the median run, by the names of PER_ITEM; empty where the scenario was not counted."""
    runs = table[(table[[*KEYS, "scenario"]] == [*measurement, scenario]).all(axis=1) & (table["items"] > 0)]
    if runs.empty:
        return {}
    counted = {name: column for name, (column, _) in PER_ITEM.items() if runs[column].notna().any()}
    shares = {name: (runs[column] / runs["items"]).median() for name, column in counted.items()}
    return {name: float(share) for name, share in shares.items()}


def markdown(table: pd.DataFrame, measurement: Measurement) -> str:
    """One line a scenario that was counted in this measurement; empty when none was."""
    chosen = table[(table[KEYS] == list(measurement)).all(axis=1)]
    known = {name: per_item(table, measurement, name) for name in dict.fromkeys(chosen["scenario"])}
    columns = [name for name in PER_ITEM if any(name in shares for shares in known.values())]
    if not columns:
        return ""
    lines = [f"| scenario, an item | {' | '.join(PER_ITEM[name][1] for name in columns)} |"]
    lines.append("|---|" + "---:|" * len(columns))
    for scenario, shares in known.items():
        cells = (_text(shares[name]) if name in shares else "" for name in columns)
        lines.append(f"| {scenario} | {' | '.join(cells)} |")
    runs = int(chosen.groupby("scenario").size().median())
    plugin = CAPTION_OF_PLUGIN if any(PER_ITEM[name] in OF_PLUGIN.values() for name in columns) else ""
    return "\n".join([*lines, "", CAPTION.format(runs, "s" * (runs > 1)) + plugin])


def _row(folder: Path, planned: plan.Row) -> dict[str, object]:
    in_turn = planned.timing == "exact" and planned.smp > 1
    counted = perf.of_run(folder, in_turn).set_index("event")[["count", "source"]]
    of_plugin = counted["source"] == perf.PLUGIN
    stats_file = folder / OUT / "stats.csv"
    try:
        items = int(pd.read_csv(stats_file, index_col="key", dtype=str)["value"]["consumed"])
    except (OSError, ValueError, KeyError) as error:
        raise Complaint(
            stats_file, f"does not say how many items were consumed ({error}): run it again", FAILED
        ) from None
    return {
        "scenario": planned.scenario,
        "target": planned.target,
        "timing": planned.timing,
        "accelerator": read_facts(folder / "vm.tsv", ["accelerator"], "run it again")["accelerator"],
        "options": planned.options,
        "seed": planned.seed,
        "items": items,
        **{column: counted[~of_plugin]["count"].get(event) for event, (column, _) in EVENTS.items()},
        **{column: counted[of_plugin]["count"].get(event) for event, (column, _) in OF_PLUGIN.items()},
    }


def _text(value: float) -> str:
    return f"{value:,.3g}" if value < 100 else f"{value:,.0f}"
