"""Makes a sweep's folder with one large run of t000/baseline, for tests/bench_report.sh. Its items are made up.

usage: make_large_run.py ITEMS RUNS, where RUNS is a folder that it makes
"""

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from lab.plan import plan, plan_file
from lab.runs import run_record
from lab.tests.reseal import reseal

RECORDED = Path(__file__).parents[1] / "scripts" / "lab" / "tests" / "recorded"
BLOCK = 1_000_000
COLUMNS = [
    "item",
    *(f"{name}_ns" for name in "intended lateness enqueue behind wake_up service latency response".split()),
]
INTERVAL_NS = 1_000
SERVICE_NS = 50


def main() -> None:
    items, runs = int(sys.argv[1]), Path(sys.argv[2])
    rows = plan_file.read(RECORDED / plan.file_name("t000", "aarch64", "live"))
    row = next(each for each in rows if (each.scenario, each.replicate) == ("baseline", 1))
    folder = Path(shutil.copytree(RECORDED / row.run, runs / row.run))
    length_s = items * INTERVAL_NS / 1e9
    options = row.options | {"prod-interval-us": INTERVAL_NS / 1000, "max-samples": items, "duration": length_s}
    histograms = write_items(folder / "samples.csv", items)
    write_histogram(folder / "histogram.csv", histograms)
    stats = pd.read_csv(folder / "stats.csv", index_col="key", dtype=str)
    told = {"produced": items, "items": items, "dropped": 0, "missed": 0, "samples": items, "duration_s": length_s}
    stats.loc[list(told), "value"] = [str(value) for value in told.values()]
    stats.to_csv(folder / "stats.csv", lineterminator="\n")
    record = run_record.load(reseal(folder, options=options))
    (runs / plan.file_name("t000", "aarch64", "live")).write_text(plan_file.write([record.row]))


def write_items(path: Path, items: int) -> dict[str, dict[int, int]]:
    """Items whose consumer is done with them one by one; gives how often each time came, in µs."""
    random = np.random.default_rng(1)
    counts: dict[str, dict[int, int]] = {"latency": {}, "response": {}}
    free_ns = 0  # when the consumer is done with the item before
    with path.open("w") as file:
        file.write(",".join(COLUMNS) + "\n")
        for begin in range(0, items, BLOCK):
            item = np.arange(begin, min(begin + BLOCK, items))
            intended = item * INTERVAL_NS
            lateness = random.lognormal(6, 1, len(item)).astype(np.int64)
            lateness = np.maximum.accumulate(intended + lateness) - intended  # items are made in order
            created = intended + lateness
            service = np.full(len(item), SERVICE_NS)
            ready = created + random.lognormal(9, 0.6, len(item)).astype(np.int64)
            # done[i] = max(ready[i], done[i - 1]) + service
            busy = SERVICE_NS * np.arange(len(item))
            done = np.maximum.accumulate(np.maximum(ready, free_ns) - busy) + busy + SERVICE_NS
            free = np.concatenate([[free_ns], done[:-1]])
            free_ns = int(done[-1])
            latency, response = done - service - created, done - intended
            enqueue = np.minimum(latency, 200)
            behind = np.clip(free - created - enqueue, 0, latency - enqueue)
            wake_up = latency - enqueue - behind
            table = (item, intended, lateness, enqueue, behind, wake_up, service, latency, response)
            pd.DataFrame(dict(zip(COLUMNS, table))).to_csv(file, index=False, header=False, lineterminator="\n")
            for name, times in (("latency", latency), ("response", response)):
                for value, count in zip(*np.unique(times // 1000, return_counts=True)):
                    counts[name][int(value)] = counts[name].get(int(value), 0) + int(count)
    return counts


def write_histogram(path: Path, counts: dict[str, dict[int, int]]) -> None:
    rows = [
        (name, value * 1000, value * 1000 + 999, count)
        for name, known in counts.items()
        for value, count in sorted(known.items())
    ]
    table = pd.DataFrame(rows, columns=["metric", "lowest_ns", "highest_ns", "count"])
    table.to_csv(path, index=False, lineterminator="\n")


main()
