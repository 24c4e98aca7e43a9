"""Google Benchmark's JSON, which its tools/compare.py reads: a repetition a run, the median latency as its time.

compare.py gives up on a file of which an entry lacks real_time or cpu_time, so runs without a median latency are left
out, and where nobody knows the CPU time the real one stands for it, which the entry's label says.
"""

import json
import math
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import pandas as pd

from lab.judge import comparing
from lab.tables.measurement import each_of, groups
from lab.tables.results import Results
from lab.runs.totals import THREADS

# User counters: each column of the raw table that a run has a value in.
COUNTERS = ("latency_p95_ns", "latency_p99_ns", "latency_p999_ns", "response_p50_ns", "response_p99_ns", "drop_rate")
CPU_TIME_UNKNOWN = "cpu_time is not known: real_time stands for it"


def text(sets: Mapping[str, Results]) -> str:
    """All quiet runs of all suites that have a median latency."""
    families = [(results.suite, *group) for results in sets.values() for group in groups(comparing.quiet(results.raw))]
    benchmarks = [
        entry
        for index, (suite, measurement, scenario, runs) in enumerate(families)
        for entry in _entries(index, "/".join(filter(None, [suite, scenario, *measurement])), runs)
    ]
    return json.dumps({"context": _context(sets), "benchmarks": benchmarks}, indent=2) + "\n"


def _context(sets: Mapping[str, Results]) -> dict[str, Any]:
    """What is known: nothing of a host that measured in exact timing only."""
    facts = [each for results in sets.values() for each in each_of(results.environment).values()]
    hosts = [each["host"] for each in facts if "host" in each]
    known = (
        {"date": max(host["to"] for host in hosts), "num_cpus": max(host["cpus"] for host in hosts)} if hosts else {}
    )
    return {"executable": "pipelab"} | known


def _entries(family: int, name: str, runs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    timed = runs[runs["latency_p50_ns"].notna()]
    for place, run in enumerate(timed.to_dict("records")):
        cpu_time_ns = _cpu_time_ns(run)
        entry = {
            "name": name,
            "family_index": family,
            "per_family_instance_index": 0,
            "run_name": name,
            "run_type": "iteration",
            "repetitions": len(timed),
            "repetition_index": place,
            "threads": 2,
            "iterations": int(run["consumed"]) if "consumed" in run else math.nan,
            "real_time": run["latency_p50_ns"],
            "cpu_time": run["latency_p50_ns"] if math.isnan(cpu_time_ns) else cpu_time_ns,
            "time_unit": "ns",
            "items_per_second": run["throughput_ops_s"],
        }
        entry |= {column: run[column] for column in COUNTERS if column in run}
        entry |= {"label": CPU_TIME_UNKNOWN} if math.isnan(cpu_time_ns) else {}
        yield {key: value for key, value in entry.items() if not _unknown(value)}


def _cpu_time_ns(run: Mapping[Hashable, Any]) -> float:
    """Of both threads an item; NaN where the runs do not say."""
    used_ns = sum(run.get(f"{thread}_run_time_ns", math.nan) for thread in THREADS)
    return used_ns / run["consumed"] if run.get("consumed") else math.nan


def _unknown(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
