"""The points of capacity searches as a table, and the answers that it holds.

One row a point: what was searched, `rate_ops_s` (what was offered), `interval_us`, runs, `verdict` (a State) and `why`,
and the search's facts; then medians over the quiet runs of the headline and of what has an objective, in live timing
with their intervals.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lab.capacity import facts
from lab.capacity.search import Point, State, interval_us, per_second
from lab.plan.contract import Contract
from lab.plan.objectives import Objective
from lab.tables import kept
from lab.tables.estimate import median_interval
from lab.tables.measurement import KEYS, Measurement, contract_of, quiet, rests_on_few
from lab.text import markdown as md, names, numbers, strict
from lab.text.complaint import Complaint
from lab.text.files import read_text

GOOD, MISSED, INCONCLUSIVE = 0, 4, 5  # exit codes
SUBJECT = ["suite", "scenario"]
MADE = "made_ops_s"  # items that were made, a second, where the program counts them apart from those it was done with
KEEPS_UP = 0.98  # of the rate that was asked for
KEPT = kept.Table(
    dict.fromkeys([*SUBJECT, *KEYS], kept.NAME)
    | {"options": kept.TEXT, "objectives": kept.TEXT, "rate_ops_s": kept.REAL, "interval_us": kept.REAL}
    | {"runs": kept.WHOLE, "noisy_runs": kept.WHOLE, "verdict": kept.one_of(*(each.value for each in State))}
    | dict.fromkeys(["why", *facts.COLUMNS], kept.TEXT),
    others=kept.optional(kept.REAL),
    subject=KEYS,
    unique=[(*KEYS, "rate_ops_s")],
    digits="%.10g",
    remedy="remove it, and run 'make capacity' again, which keeps finished runs",
)


@dataclass(frozen=True)
class Answer:
    """The bracket of one search: what holds, what does not any more, and what is missed for certain (table rows)."""

    measurement: Measurement
    points: pd.DataFrame  # ascending
    held: pd.Series | None
    beyond: pd.Series | None
    missed: pd.Series | None

    @property
    def exit_code(self) -> int:
        if self.held is not None:
            return GOOD
        return MISSED if self.beyond is not None and self.beyond["verdict"] == State.MISSED.value else INCONCLUSIVE

    def text(self) -> str:
        """'holds at 41,000/s, misses at 43,500/s: response_p99_us 231 > 200'."""
        if self.beyond is None:
            fastest = self.points["rate_ops_s"].iloc[-1]
            return f"holds even at {per_second(fastest)}, the highest rate that was tried{self._made()}"
        if self.held is None:
            verb = "misses" if self.exit_code == MISSED else "is undecided"
            return f"{verb} even at {per_second(self.beyond['rate_ops_s'])}, the lowest rate: {self.beyond['why']}"
        text = f"holds at {per_second(self.held['rate_ops_s'])}{self._made()}"
        if self.missed is not None:
            text += f", misses at {per_second(self.missed['rate_ops_s'])}: {self.missed['why']}"
        if self.beyond["verdict"] == State.UNDECIDED.value:
            text += f"; undecided from {per_second(self.beyond['rate_ops_s'])} on ({self.beyond['why']})"
        again = self.points[self.points["verdict"] == State.HELD.value]["rate_ops_s"].iloc[-1]
        if again > self.beyond["rate_ops_s"]:
            text += f"; holds again at {per_second(again)}, so its latency does not only grow with load"
        return text

    def _made(self) -> str:
        """Says where fewer items are made than the rate asks for."""
        row = self.held if self.held is not None else self.points.iloc[-1]
        slow = row.get(MADE, np.nan) < KEEPS_UP * row["rate_ops_s"]
        return f" (of which {per_second(round(row[MADE]))} are made)" if slow else ""


def table(
    subject: dict[str, str], objectives: Sequence[Objective], points: Sequence[Point], workload: Contract
) -> pd.DataFrame:
    """Rows for the points of one search. `subject` has SUBJECT, KEYS and options, and perhaps the facts."""
    judged = [each.column for each in objectives]
    known = (
        dict.fromkeys(facts.COLUMNS, "") | subject | {"objectives": json.dumps([asdict(each) for each in objectives])}
    )
    rows = pd.DataFrame([known | _row(point, workload, judged) for point in points])
    return rows[[*KEPT.columns, *(name for name in rows if name not in KEPT.columns)]]


def read(path: Path) -> pd.DataFrame:
    """The table of a search. Raises Complaint naming file, row and remedy."""
    try:
        names.check({"scenario": path.stem})
    except ValueError as error:
        raise KEPT.complaint(path, str(error)) from None
    rows = KEPT.read(path, needed=True)
    try:
        objectives_of(rows)
    except (ValueError, TypeError) as error:
        raise KEPT.complaint(
            path, f"row 1: objectives = {rows['objectives'].iloc[0]} is no list of them ({error})"
        ) from None
    return rows


def objectives_of(points: pd.DataFrame) -> list[Objective]:
    """What was demanded."""
    return [Objective(**each) for each in json.loads(points["objectives"].iloc[0])]


def answers(rows: pd.DataFrame) -> Iterator[Answer]:
    """Of each measurement of a table."""
    for key, points in rows.groupby(KEYS, sort=False):
        points = points.sort_values("rate_ops_s")
        rate, verdict = points["rate_ops_s"], points["verdict"]
        beyond = _first(points[verdict != State.HELD.value])
        below = points if beyond is None else points[rate < beyond["rate_ops_s"]]
        missed = _first(points[verdict == State.MISSED.value])
        yield Answer(Measurement(*key), points, _first(below[::-1]), beyond, missed)


def about(workload: Contract) -> str:
    """What stands beside a table, as JSON: the contract of what was searched."""
    return json.dumps({"workload": {"name": workload.name, "contract": workload.table}}, indent=2) + "\n"


def workload_of(path: Path) -> Contract:
    """The same again, for the table at `path`. Raises Complaint naming file and remedy."""
    beside = path.with_suffix(".json")
    try:
        return contract_of(strict.parse_json(read_text(beside)))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, Complaint) as error:
        raise KEPT.complaint(beside, f"does not say what the workload was ({error})") from None


def section(result_data: Path) -> str:
    """The part of results.md: every search, its answer, picture and table. Empty when there is none."""
    files = sorted(result_data.glob("capacity_*.csv"))
    parts = (part for file in files for part in _parts(file))
    return "\n\n".join(["## Capacity", *parts]) + "\n" if files else ""


def _parts(file: Path) -> Iterator[str]:
    rows = read(file)
    workload = workload_of(file)
    suite, scenario = rows[SUBJECT].iloc[0]
    yield f"### {suite}/{scenario}"
    yield "\n".join(
        f"- {each.measurement}, {md.words(', '.join(map(str, objectives_of(each.points))))}: {md.bold(each.text())}."
        for each in answers(rows)
    )
    yield f"![Load curve of {suite}/{scenario}](result_data/{file.with_suffix('.png').name})"
    for each in answers(rows):
        yield _markdown(each, workload)
        if known := facts.markdown(each.points):
            yield known
    yield f"All points: [`{file.name}`](result_data/{file.name})."


def stated(points: pd.DataFrame, workload: Contract) -> pd.DataFrame:
    """The points of a search without the percentiles that too few items of all their runs are beyond."""
    hidden, duration = points.copy(), workload.meaning("duration")
    seconds = json.loads(points["options"].iloc[0]).get(duration.name, math.nan) if duration else math.nan
    runs = (points["runs"] - points["noisy_runs"]).replace(0, np.nan).fillna(points["runs"])
    items = (points[MADE] if MADE in points else points["rate_ops_s"]) * runs * float(seconds)
    for column in (each for each in workload.columns.values() if each.counts_items and each.name in points):
        few = [not math.isnan(each) and rests_on_few(each, column.percentile) for each in items]
        hidden.loc[few, [column.name, f"{column.name}_low", f"{column.name}_high"]] = math.nan
    return hidden


def _markdown(answer: Answer, workload: Contract) -> str:
    shown = [column for column in workload.headline if column.name in answer.points]
    made = [MADE] if MADE in answer.points else []
    head = [str(answer.measurement), *(numbers.titled(column.title, column.metric.unit) for column in shown)]
    head += [f"{workload.items[1]}/s made" for _ in made] + ["runs", ""]
    lines = [
        [
            per_second(row["rate_ops_s"]),
            *(numbers.shown(row[column.name], column.metric.unit) or "—" * bool(column.percentile) for column in shown),
            *(numbers.rate(row[name]) for name in made),
            row["runs"],
            row["verdict"] + f": {row['why']}" * bool(row["why"]),
        ]
        for row in stated(answer.points, workload).to_dict("records")
    ]
    return md.table(head, lines, right=range(1, len(head) - 1))


def _first(rows: pd.DataFrame) -> pd.Series | None:
    return None if rows.empty else rows.iloc[0]


def _row(point: Point, workload: Contract, judged: Sequence[str]) -> dict[str, Any]:
    good = quiet(point.runs)
    chosen = point.runs if good.empty else good
    if "produced" in chosen:
        chosen = chosen.assign(**{MADE: chosen["produced"] / chosen["duration_s"]})
    row: dict[str, Any] = {
        "rate_ops_s": point.rate_ops_s,
        "interval_us": interval_us(point.rate_ops_s),
        "runs": len(point.runs),
        "noisy_runs": len(point.runs) - len(good),
        "verdict": point.state.value,
        "why": point.why,
    }
    names_of = [column.name for column in workload.headline] + [*judged, MADE]
    exact = (chosen["timing"] == "exact").all()
    for name in dict.fromkeys(name for name in names_of if name in chosen):
        estimate = median_interval(chosen[name])
        row[name] = estimate.median
        row[f"{name}_low"] = chosen[name].min() if exact else estimate.low
        row[f"{name}_high"] = chosen[name].max() if exact else estimate.high
    return row
