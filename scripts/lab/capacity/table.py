"""The points of capacity searches as a table, and the answers that it holds.

One row a point: suite, scenario, measurement, options and objectives, `rate_ops_s` (what was offered), `interval_us`,
runs, `verdict` (a capacity.State) and `why`; then medians over the quiet runs, in live timing with their intervals; and the search's facts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lab.text import numbers as figures, names
from lab.plan import objectives
from lab.judge import comparing
from lab.capacity import facts, search as capacity
from lab.capacity.search import Point, State, per_second
from lab.text.complaint import FAILED, Complaint
from lab.tables.estimate import median_interval
from lab.tables.measurement import KEYS, Measurement
from lab.text.outside import markdown as words

GOOD, MISSED, INCONCLUSIVE = 0, 4, 5  # exit codes
SUBJECT = ["suite", "scenario"]
TEXTS = [*SUBJECT, *KEYS, "options", "objectives", "verdict", "why"]
METRICS = ("latency_p50_ns", "latency_p99_ns", "response_p99_ns", "throughput_ops_s", "produced_ops_s", "drop_rate")
KEEPS_UP = 0.98  # of the rate that was asked for


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
            return f"holds even at {per_second(fastest)}, the highest rate that was tried{self._slow_producer()}"
        if self.held is None:
            verb = "misses" if self.exit_code == MISSED else "is undecided"
            return f"{verb} even at {per_second(self.beyond['rate_ops_s'])}, the lowest rate: {self.beyond['why']}"
        text = f"holds at {per_second(self.held['rate_ops_s'])}{self._slow_producer()}"
        if self.missed is not None:
            text += f", misses at {per_second(self.missed['rate_ops_s'])}: {self.missed['why']}"
        if self.beyond["verdict"] == State.UNDECIDED.value:
            text += f"; undecided from {per_second(self.beyond['rate_ops_s'])} on ({self.beyond['why']})"
        again = self.points[self.points["verdict"] == State.HELD.value]["rate_ops_s"].iloc[-1]
        if again > self.beyond["rate_ops_s"]:
            text += f"; holds again at {per_second(again)}, so its latency does not only grow with load"
        return text

    def _slow_producer(self) -> str:
        """Says where the producer makes less than the rate that it is given."""
        row = self.held if self.held is not None else self.points.iloc[-1]
        slow = row["produced_ops_s"] < KEEPS_UP * row["rate_ops_s"]
        return f" (of which its producer makes {per_second(round(row['produced_ops_s']))})" if slow else ""


def table(subject: dict[str, str], points: Sequence[Point]) -> pd.DataFrame:
    """Rows for the points of one search. `subject` has the values of SUBJECT, KEYS, options and objectives."""
    return pd.DataFrame([subject | _row(point) for point in points]).reset_index(drop=True)


def merged(path: Path, new: pd.DataFrame) -> pd.DataFrame:
    """`new`, and what the file at `path` has of other measurements."""
    if not path.is_file():
        return new
    old = read(path)
    same = old[KEYS].apply(tuple, axis=1).isin(set(new[KEYS].apply(tuple, axis=1)))
    both = pd.concat([old[~same], new], ignore_index=True)
    return both.fillna({name: "" for name in facts.COLUMNS if name in both})


def csv(rows: pd.DataFrame) -> str:
    return rows.to_csv(index=False, lineterminator="\n", float_format="%.10g")


def read(path: Path) -> pd.DataFrame:
    """What csv() wrote."""
    remedy = "remove it, and run 'make capacity' again, which keeps finished runs"
    try:
        text = pd.read_csv(path, dtype=str, keep_default_na=False)
        names.check({"scenario": path.stem})
        names.check_table(text)
        missing = [name for name in (*TEXTS, "rate_ops_s", "runs", *METRICS) if name not in text]
        if missing or text.empty:
            raise Complaint(path, f"row 0 lacks {', '.join(missing) or 'points below it'}: {remedy}", FAILED)
        numbers = {name: pd.to_numeric(text[name]) for name in text if name not in (*TEXTS, *facts.COLUMNS)}
    except (OSError, ValueError) as error:
        raise Complaint(path, f"is damaged ({error}): {remedy}", FAILED) from None
    return text.assign(**numbers)


def answers(rows: pd.DataFrame) -> Iterator[Answer]:
    """Of each measurement of a table."""
    for key, points in rows.groupby(KEYS, sort=False):
        points = points.sort_values("rate_ops_s")
        rate, verdict = points["rate_ops_s"], points["verdict"]
        beyond = _first(points[verdict != State.HELD.value])
        below = points if beyond is None else points[rate < beyond["rate_ops_s"]]
        missed = _first(points[verdict == State.MISSED.value])
        yield Answer(Measurement(*key), points, _first(below[::-1]), beyond, missed)


def section(result_data: Path) -> str:
    """The part of results.md: every search, its answer, picture and table. Empty when there is none."""
    files = sorted(result_data.glob("capacity_*.csv"))
    return "\n\n".join(["## Capacity", *(part for file in files for part in _parts(file))]) + "\n" if files else ""


def _parts(file: Path) -> Iterator[str]:
    rows = read(file)
    suite, scenario = rows[SUBJECT].iloc[0]
    yield f"### {suite}/{scenario}"
    yield "\n".join(
        f"- {each.measurement}, {words(each.points['objectives'].iloc[0])}: **{words(each.text())}**."
        for each in answers(rows)
    )
    yield f"![Latency of {suite}/{scenario} against offered load](result_data/{file.with_suffix('.png').name})"
    tables = [_markdown(each) for each in answers(rows)]
    yield "\n\n".join(tables) + f"\n\nAll points: [`{file.name}`](result_data/{file.name})."


def _markdown(answer: Answer) -> str:
    head = [
        f"| {answer.measurement} | p50 (µs) | p99 (µs) | response p99 (µs) | items/s made | drop | runs | |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    lines = []
    for row in answer.points.itertuples():
        times = " | ".join(
            _microseconds(value) for value in (row.latency_p50_ns, row.latency_p99_ns, row.response_p99_ns)
        )
        verdict = words(row.verdict + f": {row.why}" * bool(row.why))
        rate = per_second(row.rate_ops_s)
        lines.append(
            f"| {rate} | {times} | {figures.rate(row.produced_ops_s)} | {capacity.digits(row.drop_rate)} | {row.runs} | {verdict} |"
        )
    return "\n\n".join(filter(None, ["\n".join([*head, *lines]), facts.markdown(answer.points)]))


def _microseconds(value_ns: float) -> str:
    return "" if pd.isna(value_ns) else f"{value_ns / 1e3:,.4g}"


def _first(rows: pd.DataFrame) -> pd.Series | None:
    return None if rows.empty else rows.iloc[0]


def _row(point: Point) -> dict[str, Any]:
    quiet = comparing.quiet(point.runs)
    chosen = point.runs if quiet.empty else quiet
    chosen = chosen.assign(produced_ops_s=chosen["produced"] / chosen["duration_s"])
    row: dict[str, Any] = {
        "rate_ops_s": point.rate_ops_s,
        "interval_us": capacity.interval_us(point.rate_ops_s),
        "runs": len(point.runs),
        "noisy_runs": len(point.runs) - len(quiet),
        "verdict": point.state.value,
        "why": point.why,
    }
    judged = {column for column, _ in objectives.METRICS.values() if column in chosen}
    for name in dict.fromkeys((*METRICS, *sorted(judged))):
        estimate = median_interval(chosen[name])
        row[name] = estimate.median
        exact = (chosen["timing"] == "exact").all()
        row[f"{name}_low"] = chosen[name].min() if exact else estimate.low
        row[f"{name}_high"] = chosen[name].max() if exact else estimate.high
    return row
