"""What became of the threads of a user's program, by their names: the table SUITE_threads.csv."""

import math
import re
from collections.abc import Iterable, Sequence

import pandas as pd

from lab.runs.outputs import Thread
from lab.runs.run_record import RunRecord
from lab.tables import kept

FILE = "{}_threads.csv"
NUMBER = re.compile(r"[0-9]+$")
SUMS = ("cpu_ns", "run_delay_ns", "elapsed_ns", "voluntary_switches", "involuntary_switches")
COLUMNS = ["thread", "runs", "threads", *SUMS]
KEPT = kept.Table(
    kept.MEASURED
    | {"thread": kept.TEXT, "runs": kept.WHOLE, "threads": kept.REAL}
    | dict.fromkeys(SUMS, kept.optional(kept.REAL)),
    remedy="run 'make report' again",
)


def of_runs(records: Sequence[RunRecord]) -> pd.DataFrame:
    """A row a scenario and name of threads: how many a run has, and means over runs of what these were counted together.

    Names that differ in the number at their end are one, as worker-*. Of workloads of the kit there are none.
    """
    rows: list[dict[str, float | str]] = []
    for record in records:
        if record.contract.own:
            about: dict[str, float | str] = {
                name: getattr(record.row, name) for name in ("scenario", "target", "timing")
            }
            about["accelerator"] = record.facts["accelerator"]
            rows += [{**about, "run": record.row.run, **each} for each in _by_name(record.outputs.threads)]
    if not rows:
        return pd.DataFrame(columns=list(KEPT.columns))
    table = pd.DataFrame(rows)
    groups = table.groupby([*kept.SUBJECT, "thread"], sort=False)
    runs = table.groupby(kept.SUBJECT)["run"].nunique()
    means = groups[["threads", *SUMS]].sum(min_count=1).reset_index()
    means["runs"] = [runs[tuple(row)] for row in means[kept.SUBJECT].itertuples(index=False)]
    for name in ("threads", *SUMS):
        means[name] /= means["runs"]
    means["place"] = means.groupby(kept.SUBJECT, sort=False).ngroup()  # as the scenarios came
    means = means.sort_values(["place", "cpu_ns"], ascending=[True, False], kind="stable", ignore_index=True)
    return means[list(KEPT.columns)]


def _by_name(threads: Sequence[Thread]) -> Iterable[dict[str, float | str]]:
    """The threads of a run by the names that they have in common."""
    names = common_names([thread.name for thread in threads])
    for name, chosen in names.index.to_series().groupby(names, sort=False):
        of = [threads[place] for place in chosen]
        sums = {each: sum(thread.counters.get(each, math.nan) for thread in of) for each in SUMS}
        yield {"thread": str(name), "threads": float(len(of)), **sums}


def common_names(said: Sequence[str]) -> pd.Series:
    """Of each thread's name the one that it shares with those that differ in the number at their end: worker-*."""
    names = pd.Series(list(said), dtype=str)
    stems = names.map(lambda name: NUMBER.sub("*", name))
    several = names.groupby(stems).transform("nunique") > 1
    return stems.where(several, names)
