"""The ledgers of a measurement's live runs in one: what they have in common, and the worst of each value."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lab.runs import ledger

NEEDED = ("vcpus", "steal_share", "clock_source", "clock_source_stable", "frequency_min_mhz", "frequency_max_mhz")


def of_runs(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """For the environment file, from what each run's run.json says. None where no run has a ledger.

    Shares are of one: a vCPU's run delay of the time that it wanted to run, the stolen time of all time. A value
    that no run has is None.
    """
    known = [run for run in runs if set(NEEDED) <= set(run.get("ledger") or ()) and run.get("vcpu_pinning")]
    if not known:
        return None
    ledgers = [run["ledger"] for run in known]
    noisy = [run["ledger"] for run in known if run.get("noisy")]
    frequencies = [each[key] for each in ledgers for key in NEEDED[-2:] if each[key]]
    return {
        "runs": len(runs),
        "runs_with_ledger": len(known),
        "pinning": Counter(_pinning(run["vcpu_pinning"]) for run in known),
        "vcpu_run_delay_share_max": _largest(
            _run_delay_share(vcpu) for each in ledgers for vcpu in each["vcpus"].values()
        ),
        "steal_share_max": _largest(each["steal_share"] for each in ledgers),
        "clock_sources": sorted({each["clock_source"] for each in ledgers if each["clock_source"]}),
        "runs_with_changed_clock_source": sum(not each["clock_source_stable"] for each in ledgers),
        "frequency_min_mhz": min(frequencies, default=None),
        "frequency_max_mhz": max(frequencies, default=None),
        "noisy_runs": len(noisy),
        "noisy_past": Counter(limit for each in noisy for limit in ledger.limits_passed(each)),
        "limits": {limit.word: limit.most for limit in ledger.LIMITS},
    }


def _pinning(pinning: Mapping[str, Any]) -> str:
    if not pinning["pinned"]:
        return f"not pinned ({pinning['why_not']})"
    return f"each pinned to its own CPU of the host ({', '.join(map(str, pinning['host_cpus']))})"


def _run_delay_share(vcpu: Mapping[str, int]) -> float | None:
    wanted_ns = vcpu["run_ns"] + vcpu["run_delay_ns"]
    return round(vcpu["run_delay_ns"] / wanted_ns, 4) if wanted_ns else None


def _largest(shares: Iterable[float | None]) -> float | None:
    return max((share for share in shares if share is not None), default=None)
