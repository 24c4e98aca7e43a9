"""The order of two builds' runs: all of them, in turns, exact ones first, replicate by replicate."""

from collections import Counter

from lab.plan.interleave import interleave
from lab.plan.plan import Row
from lab.runs.run_record import RunRecord


def test_both_sweeps_are_run_whole_and_in_turns(records: list[RunRecord]) -> None:
    rows: list[Row] = [record.row for record in records]
    order = interleave([rows, rows[::-1]], seed=1)
    assert Counter(order) == Counter(
        [(row.timing, 0, number) for number, row in enumerate(rows, 1)]
        + [(row.timing, 1, number) for number, row in enumerate(rows[::-1], 1)]
    )
    assert [timing for timing, _, _ in order] == ["exact"] * 12 + ["live"] * 12
    replicates = [[rows, rows[::-1]][side][number - 1].replicate for _, side, number in order]
    assert replicates == ([1] * 6 + [2] * 6) * 2
    sides = [side for _, side, _ in order]
    assert sum(first != second for first, second in zip(sides, sides[1:])) > 5
    assert order == interleave([rows, rows[::-1]], seed=1) != interleave([rows, rows[::-1]], seed=2)
