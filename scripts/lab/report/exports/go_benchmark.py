"""Go's benchmark format, which benchstat reads: a line a run, its name made of key=value parts.

https://go.googlesource.com/proposal/+/master/design/14313-benchmark-format.md
"""

import math
from collections.abc import Mapping

from lab.tables.measurement import KEYS
from lab.tables.results import Results

# By column of the raw table: the unit, of which benchstat makes a table each.
UNITS = {
    "latency_p50_ns": "p50-ns/op",
    "latency_p99_ns": "p99-ns/op",
    "response_p99_ns": "response-p99-ns/op",
    "throughput_ops_s": "items/s",
    "drop_rate": "drop-rate",
}


def text(sets: Mapping[str, Results]) -> str:
    """All quiet runs of all suites. The suite is the package."""
    lines = ["Unit items/s better=higher"]
    for results in sets.values():
        lines += ["", f"pkg: pipelab/{results.suite}"]
        for run in results.raw.to_dict("records"):
            if run.get("noisy", False):
                continue
            # What is between white space is a field of its own.
            name = "_".join("/".join(f"{key}={run[key]}" for key in ("scenario", *KEYS) if run[key]).split())
            known = {unit: run[column] for column, unit in UNITS.items() if not math.isnan(run.get(column, math.nan))}
            values = " ".join(f"{value:.10g} {unit}" for unit, value in known.items())
            if not known:
                continue
            # The format demands a number of items: where nobody counted them, the line is one figure.
            lines.append(f"BenchmarkPipelab/{name} {int(run.get('consumed', 1))} {values}")
    return "\n".join(lines) + "\n"
