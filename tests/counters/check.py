"""Compares what was counted of the programs with known counts with what they must give.

usage: check.py FOLDER CHECK, where FOLDER is that of the run, and CHECK one of the functions below.
"""

import sys
from pathlib import Path

import pandas as pd

from lab.counters import counted, counters, perf, symbols

WALK, MATRIX, PING_PONG, UNPADDED_PAIR, PADDED_PAIR, UNPADDED_RING, PADDED_RING, SHORT, LONG = range(1, 10)
TURNS = 1000  # of each CPU, with the ball and with the pairs
ITEMS = 5000  # through each ring


class Run:
    """What the plugin and perf saw."""

    def __init__(self, folder: Path) -> None:
        report = counters.read(folder / "counters.json")
        self.folder = folder
        self.counts = counters.counts(report)
        names = [folder / "known.symbols"] if "caches" in report else []
        self.shared = counters.shared_lines(report, symbols.read(names))

    def total(self, region: int, column: str, space: str = "user") -> int:
        """Of all CPUs; of both spaces when `space` is empty."""
        rows = self.counts[(self.counts["region"] == region) & self.counts["space"].str.contains(space)]
        assert not rows.empty, f"region {region} was never entered"
        return int(rows[column].sum())

    def lines_of(self, name: str) -> pd.DataFrame:
        return self.shared[self.shared["data"].str.startswith(name + "+")].sort_values("cpu", ignore_index=True)


def strided_walk(run: Run) -> None:
    passes, lines = 4, 4096
    assert run.total(WALK, "loads") == passes * lines
    assert run.total(WALK, "stores") == 0
    within("instructions", run.total(WALK, "instructions"), passes * lines * 4, slack=8 * passes)
    within("L1 misses", run.total(WALK, "l1_misses"), passes * lines, slack=8)
    within("L2 misses", run.total(WALK, "l2_misses"), lines, slack=8)


def matrix_product(run: Run) -> None:
    size = 64
    assert run.total(MATRIX, "loads") == 2 * size**3
    assert run.total(MATRIX, "stores") == size**2
    assert run.total(MATRIX, "cache_accesses") == 2 * size**3 + size**2
    within("L2 misses", run.total(MATRIX, "l2_misses"), 3 * size**2 * 8 // 64, slack=8)


def ping_pong(run: Run) -> None:
    # Each turn brings the line over to be read, and takes it from the other to be written.
    for column in ("transfers", "invalidations", "true_sharing"):
        within(column, run.total(PING_PONG, column), 2 * TURNS, slack=60)
    within("false sharing", run.total(PING_PONG, "false_sharing"), 0, slack=10)
    assert run.lines_of("ping_pong_ball").empty, "both write the same bytes"


def unpadded_pair(run: Run) -> None:
    for column in ("transfers", "invalidations", "false_sharing"):
        within(column, run.total(UNPADDED_PAIR, column), 2 * TURNS, slack=60)
    lines = run.lines_of("unpadded_pair")
    assert list(lines["data"]) == ["unpadded_pair+0", "unpadded_pair+8"], lines
    assert list(lines["cpu"]) == [0, 1], lines
    assert list(lines["last_byte"] - lines["first_byte"]) == [7, 7], lines
    assert (lines["false_sharing"] >= TURNS - 5).all(), lines
    assert (lines["true_sharing"] == 0).all(), lines


def padded_pair(run: Run) -> None:
    within("transfers", run.total(PADDED_PAIR, "transfers"), 0, slack=60)
    within("false sharing", run.total(PADDED_PAIR, "false_sharing"), 0, slack=10)
    assert run.lines_of("padded_pair").empty


def unpadded_ring(run: Run) -> None:
    lines = run.lines_of("unpadded_ring")
    assert list(lines["data"]) == ["unpadded_ring+0", "unpadded_ring+16"], lines
    assert list(lines["cpu"]) == [0, 1], lines
    assert (lines["false_sharing"] > 0.9 * ITEMS).all(), lines
    run.shared.to_csv(run.folder / "shared_lines.csv", index=False)
    told = [where for where, _ in counted.shared(run.folder / "shared_lines.csv", ITEMS)]
    assert "unpadded_ring+0 and unpadded_ring+16" in told, told
    assert not any(where.startswith("padded") for where in told), told


def padded_ring(run: Run) -> None:
    within("false sharing", run.total(PADDED_RING, "false_sharing"), 0, slack=10)
    # an item is one line that comes over, or two where it is looked for too early; and the count is looked up once a lap
    within("transfers", run.total(PADDED_RING, "transfers"), ITEMS + ITEMS // 64, slack=ITEMS // 5)
    assert set(run.shared[run.shared["space"] == "user"]["data"].str.split("+").str[0]) == {
        "unpadded_pair",
        "unpadded_ring",
    }, run.shared


def perf_stat(run: Run) -> None:
    """The long walk less the short one, so that starting perf and the program cancel out."""
    seen = [perf.read(run.folder / "out" / f"{name}.csv").set_index("event")["count"] for name in ("long", "short")]
    for event, space in (("instructions:u", "user"), ("instructions", "")):
        by_perf = seen[0][event] - seen[1][event]
        counted = run.total(LONG, "instructions", space) - run.total(SHORT, "instructions", space)
        print(f"{event}: {by_perf:.0f} by perf, {counted} by the plugin")
        assert abs(counted / by_perf - 1) < 0.001, f"{event}: {by_perf:.0f} by perf, {counted} by the plugin"


def within(name: str, counted: int, expected: int, slack: int) -> None:
    assert abs(counted - expected) <= slack, f"{name}: {counted}, expected {expected} (give or take {slack})"


if __name__ == "__main__":
    globals()[sys.argv[2]](Run(Path(sys.argv[1])))
