"""Prometheus's text format, for node_exporter's textfile collector: medians over the quiet runs, in base units."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pandas as pd

from lab.tables import measured
from lab.judge import comparing
from lab.runs import totals
from lab.tables.measurement import groups
from lab.tables.results import Results


class _Metric(NamedTuple):
    name: str
    about: str
    columns: dict[str, float]  # of the raw table, with the quantile that they are; 0 for none
    factor: float


def _times(time: str) -> _Metric:
    columns = {f"{time}_{name}_ns": quantile for name, quantile in measured.PERCENTILES.items()}
    about = {"latency": "From creation to pop", "response": "From intended creation to the end of the work"}[time]
    return _Metric(f"pipelab_{time}_seconds", about, columns, 1e-9)


METRICS = (
    *map(_times, totals.TIMES),
    _Metric("pipelab_throughput_items_per_second", "Items consumed", {"throughput_ops_s": 0}, 1),
    _Metric("pipelab_drop_ratio", "Share of the produced items that found no room", {"drop_rate": 0}, 1),
)


def text(sets: Mapping[str, Results]) -> str:
    """Gauges of all suites, labelled with suite, scenario, target, timing and accelerator.

    Not summaries, since these also promise a count and a sum: so the label is `percentile`, as `quantile` is theirs.
    """
    lines = []
    for metric in METRICS:
        lines += [f"# HELP {metric.name} {metric.about}, median over runs.", f"# TYPE {metric.name} gauge"]
        lines += [line for results in sets.values() for line in _samples(metric, results)]
    return "\n".join(lines) + "\n"


def _samples(metric: _Metric, results: Results) -> Iterator[str]:
    for measurement, scenario, runs in groups(comparing.quiet(results.raw)):
        labels = {"suite": results.suite, "scenario": scenario, **measurement._asdict()}
        labels = {key: value for key, value in labels.items() if value}
        for column, quantile in metric.columns.items():
            known = runs.get(column, pd.Series(dtype=float)).dropna()
            if len(known):
                own = labels | ({"percentile": f"{quantile * 100:g}"} if quantile else {})
                inside = ",".join(f'{key}="{_escaped(value)}"' for key, value in own.items())
                yield f"{metric.name}{{{inside}}} {known.median() * metric.factor:.9g}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
