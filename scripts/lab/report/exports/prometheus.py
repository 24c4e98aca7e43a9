"""Prometheus's text format, for node_exporter's textfile collector: medians over the quiet runs, in base units."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from lab.judge import comparing
from lab.plan.contract import PERCENTILES, Column, Contract
from lab.tables.measurement import groups
from lab.tables.results import Results

# By the unit of a metric: what Prometheus calls the base unit, and by what it is multiplied.
BASE = {
    "ns": ("seconds", 1e-9),
    "s": ("seconds", 1),
    "ops_s": ("{items}_per_second", 1),
    "bytes": ("bytes", 1),
    "bytes_s": ("bytes_per_second", 1),
    "count": ("count", 1),
    "share": ("ratio", 1),
}


def text(sets: Mapping[str, Results], contract: Contract) -> str:
    """Gauges of all suites, labelled with suite, scenario, target, timing and accelerator.

    Not summaries, since these also promise a count and a sum: so the label is `percentile`, as `quantile` is theirs.
    """
    lines = []
    for metric in contract.metrics.values():
        base, factor = BASE[metric.unit]
        stem = metric.name.removesuffix(f"_{metric.unit}")
        name = f"pipelab_{stem}_{base.format(items=contract.items[1])}"
        about = f"{metric.title}{f': {metric.text}' * bool(metric.text)}, median over runs.".replace("\\", "")
        lines += [f"# HELP {name} {' '.join(about.split())}", f"# TYPE {name} gauge"]
        columns = [column for column in contract.columns.values() if column.metric == metric]
        lines += [line for results in sets.values() for line in _samples(name, columns, factor, results)]
    return "\n".join(lines) + "\n"


def _samples(name: str, columns: Sequence[Column], factor: float, results: Results) -> Iterator[str]:
    for measurement, scenario, runs in groups(comparing.quiet(results.raw)):
        labels = {"suite": results.suite, "scenario": scenario, **measurement._asdict()}
        labels = {key: value for key, value in labels.items() if value}
        for column in columns:
            known = runs.get(column.name, pd.Series(dtype=float)).dropna()
            if len(known):
                of_percentile = {"percentile": f"{PERCENTILES[column.percentile] * 100:g}"} if column.percentile else {}
                inside = ",".join(f'{key}="{_escaped(value)}"' for key, value in (labels | of_percentile).items())
                yield f"{name}{{{inside}}} {known.median() * factor:.9g}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
