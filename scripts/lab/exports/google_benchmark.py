"""Google Benchmark's JSON, which its tools/compare.py reads: a repetition a run, the median latency as its time."""

import json
import math
from collections.abc import Hashable, Mapping
from typing import Any

from lab import statistics
from lab.measurement import each_of, groups
from lab.results import Results
from lab.totals import THREADS

# User counters: each column of the raw table that a run has a value in.
COUNTERS = ("latency_p95_ns", "latency_p99_ns", "latency_p999_ns", "response_p50_ns", "response_p99_ns", "drop_rate")


def text(sets: Mapping[str, Results]) -> str:
    """All quiet runs of all suites."""
    benchmarks = [entry for results in sets.values() for entry in _entries(results)]
    return json.dumps({"context": _context(sets), "benchmarks": benchmarks}, indent=2) + "\n"


def _context(sets: Mapping[str, Results]) -> dict[str, Any]:
    facts = [each for results in sets.values() for each in each_of(results.environment).values()]
    hosts = [each["host"] for each in facts if "host" in each]
    return {
        "date": max((host["to"] for host in hosts), default=""),
        "host_name": "unknown",
        "executable": "pipelab",
        "num_cpus": max((host["cpus"] for host in hosts), default=0),
        "mhz_per_cpu": 0,
        "cpu_scaling_enabled": False,
        "caches": [],
        "library_build_type": "release",
    }


def _entries(results: Results) -> list[dict[str, Any]]:
    entries = []
    for index, (measurement, scenario, runs) in enumerate(groups(statistics.quiet(results.raw))):
        name = "/".join([results.suite, scenario, *measurement])
        for place, run in enumerate(runs.to_dict("records")):
            entry = {
                "name": name,
                "family_index": index,
                "per_family_instance_index": 0,
                "run_name": name,
                "run_type": "iteration",
                "repetitions": len(runs),
                "repetition_index": place,
                "threads": 2,
                "iterations": int(run["consumed"]),
                "real_time": run["latency_p50_ns"],
                "cpu_time": _cpu_time_ns(run),
                "time_unit": "ns",
                "items_per_second": run["throughput_ops_s"],
            }
            counters = {name: run[name] for name in COUNTERS if name in run}
            entries.append({key: value for key, value in (entry | counters).items() if not _unknown(value)})
    return entries


def _cpu_time_ns(run: Mapping[Hashable, Any]) -> float:
    """Of both threads an item; older recordings do not say, and what compare.py needs is then the time itself."""
    used_ns = sum(run.get(f"{thread}_run_time_ns", math.nan) for thread in THREADS)
    return run["latency_p50_ns"] if math.isnan(used_ns) or not run["consumed"] else used_ns / run["consumed"]


def _unknown(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
