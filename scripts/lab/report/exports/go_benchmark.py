"""Go's benchmark format, which benchstat reads: a line a run, its name made of key=value parts.

https://go.googlesource.com/proposal/+/master/design/14313-benchmark-format.md
"""

import math
import re
from collections.abc import Mapping

from lab.judge import comparing
from lab.plan.contract import Column, Contract
from lab.tables.measurement import KEYS
from lab.tables.results import Results


def text(sets: Mapping[str, Results]) -> str:
    """The headline of all quiet runs of all suites. The suite is the package."""
    better = {
        _unit(column, results.contract): column.metric.better
        for results in sets.values()
        for column in results.contract.headline
    }
    # benchstat knows of times that less is better.
    lines = [f"Unit {unit} better={which}" for unit, which in better.items() if not unit.endswith("ns/op")]
    for results in sets.values():
        units = {column.name: _unit(column, results.contract) for column in results.contract.headline}
        lines += ["", f"pkg: pipelab/{results.suite}"]
        for run in comparing.quiet(results.raw).to_dict("records"):
            # What is between white space is a field of its own.
            name = "_".join("/".join(f"{key}={run[key]}" for key in ("scenario", *KEYS) if run[key]).split())
            known = {unit: run[column] for column, unit in units.items() if not math.isnan(run.get(column, math.nan))}
            if known:
                # The format demands a number of items: where nobody counted them, the line is one figure.
                values = " ".join(f"{value:.10g} {unit}" for unit, value in known.items())
                lines.append(f"BenchmarkPipelab/{name} {int(run.get('items', 1))} {values}")
    return "\n".join(lines) + "\n"


def _unit(column: Column, contract: Contract) -> str:
    """Of which benchstat makes a table each: latency-p50-ns/op, items/s, drop-rate."""
    if column.percentile:
        return f"{column.metric.name}-{column.percentile}-ns/op".replace("_", "-")
    return (
        re.sub(r"\s+", "-", f"{contract.items[1]}/s")
        if column.metric.unit == "ops_s"
        else column.name.replace("_", "-")
    )
