"""Google Benchmark's JSON, which its tools/compare.py reads: a repetition a run, its first headline time as its time.

compare.py gives up on a file of which an entry lacks real_time or cpu_time, so runs without that time are left out, and
where nobody knows the CPU time the real one stands for it, which the entry's label says.
"""

import json
import math
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import pandas as pd

from lab.judge import comparing
from lab.plan.contract import Contract
from lab.tables.measurement import each_of, groups
from lab.tables.results import Results

CPU_TIME_UNKNOWN = "cpu_time is not known: real_time stands for it"


def text(sets: Mapping[str, Results]) -> str:
    """All quiet runs of all suites that have the headline's first time."""
    families = [(results, *group) for results in sets.values() for group in groups(comparing.quiet(results.raw))]
    benchmarks = [
        entry
        for index, (of, measurement, scenario, runs) in enumerate(families)
        for entry in _entries(index, "/".join(filter(None, [of.suite, scenario, *measurement])), runs, of.contract)
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


def _entries(family: int, name: str, runs: pd.DataFrame, contract: Contract) -> Iterator[dict[str, Any]]:
    time, rate = (
        next((column.name for column in contract.headline if column.metric.unit == unit), "")
        for unit in ("ns", "ops_s")
    )
    timed = runs[runs[time].notna()] if time else runs.head(0)
    for place, run in enumerate(timed.to_dict("records")):
        cpu_time_ns = _cpu_time_ns(run, contract)
        entry = {
            "name": name,
            "family_index": family,
            "per_family_instance_index": 0,
            "run_name": name,
            "run_type": "iteration",
            "repetitions": len(timed),
            "repetition_index": place,
            "iterations": int(run["items"]) if "items" in run else math.nan,
            "real_time": run[time],
            "cpu_time": run[time] if math.isnan(cpu_time_ns) else cpu_time_ns,
            "time_unit": "ns",
            "items_per_second": run.get(rate, math.nan),
        }
        entry |= {column: run[column] for column in contract.columns if column in run and column not in (time, rate)}
        entry |= {"label": CPU_TIME_UNKNOWN} if math.isnan(cpu_time_ns) else {}
        yield {key: value for key, value in entry.items() if not (isinstance(value, float) and math.isnan(value))}


def _cpu_time_ns(run: Mapping[Hashable, Any], contract: Contract) -> float:
    """Of the threads of all roles an item; NaN where the runs do not say."""
    used_ns = [run.get(f"{role}_run_time_ns", math.nan) for role in contract.roles]
    return sum(used_ns) / run["items"] if used_ns and run.get("items") else math.nan
