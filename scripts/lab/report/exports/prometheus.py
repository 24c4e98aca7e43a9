"""Prometheus's text format, for node_exporter's textfile collector: medians over the quiet runs, in base units."""

import re
from collections.abc import Iterator, Mapping

from lab.judge import comparing
from lab.plan.contract import PERCENTILES, Contract, Metric
from lab.tables.measurement import groups
from lab.tables.results import Results

# By the unit of a metric: what Prometheus calls the base unit, and by what it is multiplied.
BASE = {
    "ns": ("seconds", 1e-9),
    "us": ("seconds", 1e-6),
    "s": ("seconds", 1),
    "ops_s": ("{items}_per_second", 1),
    "bytes": ("bytes", 1),
    "bytes_s": ("bytes_per_second", 1),
    "count": ("count", 1),
    "share": ("ratio", 1),
}


def text(sets: Mapping[str, Results]) -> str:
    """Gauges of all suites, labelled with suite, scenario, target, timing and accelerator.

    Not summaries, since these also promise a count and a sum: so the label is `percentile`, as `quantile` is theirs.
    """
    gauges: dict[str, list[str]] = {}
    for results in sets.values():
        for metric in results.contract.metrics.values():
            name = _name(metric, results.contract)
            about = f"{metric.title}{f': {metric.text}' * bool(metric.text)}, median over runs.".replace("\\", "")
            first = [f"# HELP {name} {' '.join(about.split())}", f"# TYPE {name} gauge"]  # once, whoever has it
            gauges.setdefault(name, first).extend(_samples(name, metric, results))
    return "\n".join(line for lines in gauges.values() for line in lines) + "\n"


def _name(metric: Metric, contract: Contract) -> str:
    """pipelab_latency_seconds, pipelab_throughput_items_per_second."""
    stem = metric.name.removesuffix(f"_{metric.unit}")
    base, _ = BASE[metric.unit]
    return f"pipelab_{stem}_{base.format(items=re.sub('[^a-zA-Z0-9]+', '_', contract.items[1]))}"


def _samples(name: str, metric: Metric, results: Results) -> Iterator[str]:
    _, factor = BASE[metric.unit]
    columns = [column for column in results.contract.columns.values() if column.metric == metric]
    for measurement, scenario, runs in groups(comparing.quiet(results.raw)):
        labels = {"suite": results.suite, "scenario": scenario, **measurement._asdict()}
        labels = {key: value for key, value in labels.items() if value}
        for column in (each for each in columns if each.name in runs and runs[each.name].notna().any()):
            percentile = {"percentile": f"{PERCENTILES[column.percentile] * 100:g}"} if column.percentile else {}
            inside = ",".join(f'{key}="{_escaped(value)}"' for key, value in (labels | percentile).items())
            yield f"{name}{{{inside}}} {runs[column.name].median() * factor:.9g}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
