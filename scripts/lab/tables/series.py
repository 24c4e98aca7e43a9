"""The course of runs over time: the table SUITE_series.csv, and of each run the worst that an interval had."""

import math
from collections.abc import Iterable, Mapping

import pandas as pd

from lab.plan.objectives import RATE_COLUMN, in_worst_interval
from lab.runs.outputs import series
from lab.runs.run_record import RunRecord
from lab.tables import kept

FILE = "{}_series.csv"
KEPT = kept.Table(
    kept.MEASURED
    | {"seed": kept.WHOLE, "noisy": kept.FLAG}
    | {name: kept.WHOLE for name in ("begin_ns", "length_ns", "items", "failed")}
    | {name: kept.optional(kept.WHOLE) for name in ("offered", "backlog")},
    remedy="run 'make report' again",
    others=kept.optional(kept.WHOLE),  # percentiles
)


def worst(record: RunRecord) -> dict[str, float]:
    """By the column of the raw table, the worst value that an interval of a run had, of all that an interval has.

    Where nothing is done while items wait, their times are as long at least as that has lasted.
    """
    found = series.read(record.folder, record.contract)
    values: dict[str, float] = {}
    stalled = [0.0]
    for items, backlog, length_ns in zip(*(found.columns[name] for name in ("items", "backlog", "length_ns"))):
        stalled.append(stalled[-1] + length_ns if backlog > 0 and not items else 0.0)
    for name in found.percentiles:
        measured = [value for value in (*found.columns[name], max(stalled)) if value > 0]
        values[in_worst_interval(name)] = max(measured, default=math.nan)
    if RATE_COLUMN in record.contract.columns:
        values[in_worst_interval(RATE_COLUMN)] = min(found.columns[series.RATE], default=math.nan)
    return values


def first_missed(course: pd.DataFrame, column: str, limit: float, higher_is_better: bool) -> float:
    """When the first interval begins, in seconds, that misses a limit in a run of `course`, rows of the table; NaN: none.

    `column` is one of an interval, or of the raw table's throughput.
    """
    if column == RATE_COLUMN:
        values = course["items"] / course["length_ns"] * 1e9
    else:
        stalled = (course["backlog"] > 0) & (course["items"] == 0)
        values = course[column].mask(stalled, math.inf) if column in course else pd.Series(math.nan, course.index)
    wrong = (values < limit) if higher_is_better else (values > limit)
    return float(course.loc[wrong, "begin_ns"].min() / 1e9)


def of_runs(records: Iterable[RunRecord]) -> pd.DataFrame:
    """A row an interval of every run that is cut into some."""
    tables = []
    for record in records:
        if record.contract.meaning("series") and len(found := series.read(record.folder, record.contract)):
            about = {name: getattr(record.row, name) for name in ("scenario", "target", "timing")}
            about |= {"accelerator": record.facts["accelerator"], "seed": record.row.seed, "noisy": record.noisy}
            columns = {name: values for name, values in found.columns.items() if name != series.RATE}
            tables.append(pd.DataFrame(columns).assign(**about))
    if not tables:
        return pd.DataFrame(columns=list(KEPT.columns))
    table = pd.concat(tables, ignore_index=True)
    return table[[*KEPT.columns, *(name for name in table if name not in KEPT.columns)]]


def is_wanted(environment: Mapping[str, object], patterned: bool) -> bool:
    """Whether the course of a suite's runs is kept: where its load changes, or an objective holds in every interval."""
    objectives = environment.get("objectives", [])
    assert isinstance(objectives, list)
    return patterned or any(each.get("every_ms") for each in objectives)
