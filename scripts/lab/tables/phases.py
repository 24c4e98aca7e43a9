"""What a load that changes does to the response time: the parts of its pattern, the table SUITE_phases.csv."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lab.plan import schedule
from lab.plan.contract import PERCENTILES, SAMPLES
from lab.plan.schedule import Phase
from lab.runs.outputs import series
from lab.runs.run_record import RunRecord
from lab.tables import kept, stages
from lab.tables.measured import percentile_ns

FILE = "{}_phases.csv"
WHOLE_RUN = "whole run"
LATE_NS = 1e6  # after its time: an item that is started later is late
SHOWN = ("p50", "p99")
KEPT = kept.Table(
    kept.MEASURED
    | {"phase": kept.TEXT, "begin_s": kept.REAL, "end_s": kept.REAL, "runs": kept.WHOLE}
    | {name: kept.optional(kept.REAL) for name in ("offered", "started", "done", "late")}
    | {f"response_{name}_ns": kept.optional(kept.REAL) for name in SHOWN}
    | {"most_backlog": kept.optional(kept.REAL), "recovery_s": kept.optional(kept.REAL)},
    remedy="run 'make report' again",
)


@dataclass(frozen=True)
class _Items:
    """All items of a run, in the order of their intended times."""

    intended_ns: np.ndarray
    lateness_ns: np.ndarray
    response_ns: np.ndarray


def is_patterned(record: RunRecord) -> bool:
    return bool(schedule.phases(record.contract, record.row.options))


def of_runs(records: Iterable[RunRecord]) -> pd.DataFrame:
    """A row a scenario with a pattern and phase of that, and one of the whole run: medians over the quiet runs."""
    rows: list[dict[str, Any]] = []
    for record in (each for each in records if not each.noisy):
        about = {name: getattr(record.row, name) for name in ("scenario", "target", "timing")}
        about |= {"accelerator": record.facts["accelerator"]}
        rows += [{**about, "run": record.row.run, **each} for each in _of_run(record)]
    if not rows:
        return pd.DataFrame(columns=list(KEPT.columns))
    table = pd.DataFrame(rows)
    groups = table.groupby([*kept.SUBJECT, "phase"], sort=False)
    found = groups.median(numeric_only=True)
    found["runs"] = groups["run"].nunique()
    return found.reset_index()[list(KEPT.columns)]


def _of_run(record: RunRecord) -> Iterable[dict[str, Any]]:
    phases = schedule.phases(record.contract, record.row.options)
    if not phases:
        return
    course = series.read(record.folder, record.contract).columns
    stats = record.outputs.stats
    items = _items(record)
    offered = float(sum(course["offered"]))
    whole = Phase(WHOLE_RUN, 0.0, math.inf, math.nan)
    for phase in (*phases, whole):
        begin_ns, end_ns = phase.begin_s * 1e9, phase.end_s * 1e9
        chosen = (items.intended_ns >= begin_ns) & (items.intended_ns < end_ns) if items else None
        row: dict[str, Any] = {
            "phase": phase.name,
            "begin_s": phase.begin_s,
            "end_s": phase.end_s if phase is not whole else sum(course["length_ns"]) / 1e9,
            "offered": offered if phase is whole else phase.items,
            "started": offered - stats.get("missed", math.nan) if phase is whole else math.nan,
            "most_backlog": _most_backlog(course, begin_ns, end_ns),
            "recovery_s": _recovery_s(course, phases) if phase is whole else math.nan,
        }
        if items and chosen is not None:
            row |= {"done": int(chosen.sum()), "late": int((items.lateness_ns[chosen] > LATE_NS).sum())}
            values, counts = np.unique(items.response_ns[chosen], return_counts=True)
            row |= {f"response_{name}_ns": percentile_ns(values, counts, PERCENTILES[name]) for name in SHOWN}
        yield {name: row.get(name, math.nan) for name in KEPT.columns if name not in (*kept.SUBJECT, "runs")}


def _items(record: RunRecord) -> _Items | None:
    """None where a run has not kept all of its items: those that are missing may be all of a phase."""
    stats = record.outputs.stats
    if "lateness" not in record.contract.stages or stats.get("samples") != stats["items"] or not stats["items"]:
        return None
    blocks = list(stages.samples(record.folder / SAMPLES, record.contract))
    names = ("intended_ns", "lateness_ns", "response_ns")
    return _Items(*(np.concatenate([block[name].to_numpy() for block in blocks]) for name in names))


def _most_backlog(course: Mapping[str, Sequence[float]], begin_ns: float, end_ns: float) -> float:
    """The largest backlog at the end of an interval that has its middle in that time; NaN where there is none."""
    known = [
        backlog
        for begin, length, backlog in zip(*(course[name] for name in ("begin_ns", "length_ns", "backlog")))
        if begin_ns <= begin + length / 2 < end_ns
    ]
    return max(known, default=math.nan)


def _recovery_s(course: Mapping[str, Sequence[float]], phases: Sequence[Phase]) -> float:
    """From the end of a spike until the end of the first interval, one that begins after it, in which the p99 of the
    response time is no longer above the highest that an interval before the spike had; NaN where there is no such interval, or none before.
    """
    if len(phases) != 3 or phases[1].name != schedule.SPIKE or "response_p99_ns" not in course:
        return math.nan
    begin_ns, end_ns = phases[1].begin_s * 1e9, phases[1].end_s * 1e9
    rows = list(zip(*(course[name] for name in ("begin_ns", "length_ns", "response_p99_ns"))))
    before = [p99 for begin, length, p99 in rows if begin + length <= begin_ns and not math.isnan(p99)]
    after = [begin + length for begin, length, p99 in rows if begin >= end_ns and p99 <= max(before, default=-1)]
    return (after[0] - end_ns) / 1e9 if after else math.nan
