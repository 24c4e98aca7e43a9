"""Go's benchmark format, which benchstat reads: a line a run, its name made of key=value parts.

https://go.googlesource.com/proposal/+/master/design/14313-benchmark-format.md
"""

import math
from collections.abc import Mapping

from lab.measurement import KEYS
from lab.results import Results

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
            name = "/".join([f"scenario={run['scenario']}", *(f"{key}={run[key]}" for key in KEYS)])
            values = [f"{run[column]:.10g} {unit}" for column, unit in UNITS.items() if not math.isnan(run[column])]
            lines.append(f"BenchmarkPipelab/{name} {int(run['consumed'])} " + " ".join(values))
    return "\n".join(lines) + "\n"
