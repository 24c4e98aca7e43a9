"""The host's ledger of a live run: what the host took from the guest meanwhile, and whether that was too much."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.text import strict
from lab.text.files import read_text

WATCH = "watch.json"  # what lab.runs.watch left beside the guest's files
IDLE = ("idle", "iowait")


@dataclass(frozen=True)
class Limit:
    """The most of `key` that a quiet run has, and how to say that it was more: in a word, and in a sentence."""

    key: str
    most: float
    word: str
    text: str

    def passed(self, ledger: dict[str, Any]) -> bool:
        return (ledger.get(self.key) or 0) > self.most


# What undisturbed runs show: t000's baseline for 2 s on a host of two cores, with the vCPU threads ahead of all others
# (real-time priority), so that they waited only for each other and for QEMU's own threads. In five such runs they
# waited for 1.2 to 1.8 % of the time that they wanted to run, and 0 to 0.2 % was stolen from the host. Four runs
# beside 1.6 CPUs' worth of other load waited for 53 to 57 %, and their response p99 was 4 to 39 ms, not 0.2 to 0.4 ms.
# So the first limit is thrice the worst quiet run. Stolen time delays a vCPU as well, though no schedstat of this host
# shows it; no run with much of it was at hand, and its limit is ten times what quiet runs have.
# Pressure and other load are kept but judged by nothing: a busy host that does not make the vCPUs wait is no harm.
LIMITS = (
    Limit(
        "run_delay_share",
        0.05,
        "run delay of all vCPUs",
        "its vCPUs waited for a CPU of the host for {:.1%} of the time that they wanted to run",
    ),
    Limit("steal_share", 0.02, "steal", "the host's own CPUs were taken from it for {:.1%} of the time"),
)
CLOCK_SOURCE = "clock source"


def read(folder: Path) -> dict[str, Any] | None:
    """What lab.runs.watch wrote into `folder`; None where it could not write it."""
    try:
        watched = strict.parse_json(read_text(folder / WATCH))
        return watched if isinstance(watched, dict) else None
    except (OSError, ValueError):
        return None


def facts(watched: dict[str, Any] | None) -> dict[str, Any]:
    """The part of a live run's run.json that tells of the host, from what lab.runs.watch wrote.

    What is not known is None, and makes no run noisy.
    """
    try:
        ledger = None if watched is None else _ledger(watched)
    except (KeyError, TypeError, AttributeError, ValueError, ZeroDivisionError):
        ledger = None  # it was cut short
    if watched is None or ledger is None:
        return {"vcpu_pinning": None, "ledger": None, "noisy": False, "noisy_because": []}
    reasons = noisy_because(ledger)
    return {
        "vcpu_pinning": watched.get("vcpu_pinning"),
        "ledger": ledger,
        "noisy": bool(reasons),
        "noisy_because": reasons,
    }


def noisy_because(ledger: dict[str, Any]) -> list[str]:
    """Why a run with this ledger says little about the guest; empty when the host was quiet."""
    reasons = [limit.text.format(ledger[limit.key]) for limit in LIMITS if limit.passed(ledger)]
    if not ledger["clock_source_stable"]:
        reasons.append(f"the host's clock source changed to {ledger['clock_source']}")
    return reasons


def limits_passed(ledger: dict[str, Any]) -> list[str]:
    """What makes a run with this ledger noisy, in a word each."""
    return [limit.word for limit in LIMITS if limit.passed(ledger)] + [CLOCK_SOURCE] * (
        not ledger["clock_source_stable"]
    )


def _ledger(watched: dict[str, Any]) -> dict[str, Any]:
    before, after = watched["before"], watched["after"]
    wall_s = after["monotonic_s"] - before["monotonic_s"]
    cpu_s = {state: after["cpu_s"][state] - before["cpu_s"].get(state, 0) for state in after["cpu_s"]}
    busy_s = sum(spent for state, spent in cpu_s.items() if state not in (*IDLE, "steal"))
    pressure_us = {kind: after["pressure_us"][kind] - before["pressure_us"][kind] for kind in after["pressure_us"]}
    run_ns = sum(vcpu["run_ns"] for vcpu in watched["vcpus"].values())
    delay_ns = sum(vcpu["run_delay_ns"] for vcpu in watched["vcpus"].values())
    frequencies = [*before["frequency_mhz"], *after["frequency_mhz"]]
    return {
        "wall_s": round(wall_s, 3),
        "steal_share": round(cpu_s.get("steal", 0) / sum(cpu_s.values()), 4) if sum(cpu_s.values()) else None,
        "other_cpus": round(max(0.0, busy_s - watched["qemu_cpu_s"]) / wall_s, 2),
        "pressure_some_share": _share(pressure_us.get("some"), wall_s),
        "pressure_full_share": _share(pressure_us.get("full"), wall_s),
        "pressure_us": {"before": before["pressure_us"], "after": after["pressure_us"]},
        "vcpus": watched["vcpus"],
        "run_delay_share": round(delay_ns / (run_ns + delay_ns), 4) if run_ns else None,
        "clock_source": after["clock_source"],
        "clock_source_stable": before["clock_source"] == after["clock_source"],
        "frequency_min_mhz": min(frequencies, default=None),
        "frequency_max_mhz": max(frequencies, default=None),
    }


def _share(waited_us: int | None, wall_s: float) -> float | None:
    return None if waited_us is None else round(waited_us / 1e6 / wall_s, 4)
