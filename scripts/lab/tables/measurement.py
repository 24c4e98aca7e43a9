"""A measurement: the runs that one table shows, and what <suite>_environment.json says of them."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from lab.text import names
from lab.text.complaint import Complaint
from lab.plan import contract, plan
from lab.plan.contract import PERCENTILES, Contract
from lab.plan.guest import NO_QUANTUM
from lab.plan.kinds import WORDS, Value

LEAST_BEYOND = 100  # items beyond a percentile, over all runs, for it to be stated: it is good to about a tenth then
NEARLY = 0.95  # of these, where items come at random
CIRCUMSTANCES = ("kernel", "qemu", "guest", "host", "options")


def rests_on_few(items: float, percentile: str) -> bool:
    """Whether so few of `items` are beyond a percentile (a key of PERCENTILES) that it is not stated."""
    return not items * (1 - PERCENTILES[percentile]) >= NEARLY * LEAST_BEYOND


class Measurement(NamedTuple):
    """Runs of one target, timing and accelerator, which are never mixed in one table."""

    target: str
    timing: str
    accelerator: str

    def __str__(self) -> str:
        """exact timing on aarch64, live timing on x86_64 with kvm; exact timing is always on TCG."""
        accelerator = f" with {self.accelerator}" if self.timing == "live" else ""
        return f"{self.timing} timing on {self.target}{accelerator}"


KEYS = list(Measurement._fields)


def of(facts: Mapping[str, Any]) -> Measurement:
    """Which measurement the `facts` (an entry of "measurements") are about."""
    return Measurement(*(facts[key] for key in KEYS))


def each_of(environment: Mapping[str, Any]) -> dict[Measurement, Mapping[str, Any]]:
    """What an environment file says, by measurement."""
    return {of(facts): facts for facts in environment["measurements"]}


def contract_of(environment: Mapping[str, Any]) -> Contract:
    """The contract of the workload that was measured."""
    workload = environment["workload"]
    return contract.of_table(workload["name"], workload["contract"], "workload")


def check(environment: Mapping[str, Any]) -> None:
    """Raises ValueError (or KeyError, TypeError, AttributeError) where what must be a name in the file is none.

    Names become parts of paths, and knobs are pasted into a shell: neither may be more than that.
    """
    try:
        contract_of(environment)
    except Complaint as complaint:
        raise ValueError(str(complaint)) from None
    baselines = environment.get("baselines", {})
    named = [environment["workload"]["name"], *baselines, *baselines.values(), *environment.get("changed_guests", [])]
    said: list[object] = []  # values, which may be several words
    for facts in environment["measurements"]:
        named += [facts[key] for key in KEYS]
        of_scenarios = facts["scenarios"].values()
        for guest in (*facts["guests"], *(each["guest"] for each in of_scenarios)):
            said += [guest["kernel"], guest["kernel_args"], guest["quantum"]]
        named += facts.get("parcels", [])
        given = [option for each in of_scenarios for option in each["options"].items()]
        named += [*facts["scenarios"], *(name for name, _ in given)]
        said += [value for _, value in given if not isinstance(value, (bool, int, float))]
    for sweep in environment.get("sweeps", []):
        named += sweep
        said += sweep.values()
    for name in named:
        names.check({"scenario": name})
    for value in said:
        if not WORDS.accepts(value):
            raise ValueError(f"{value!r} is no plain words")


def options(facts: Mapping[str, Any], scenario: str) -> dict[str, Value]:
    """The options that a scenario gave the program; none if it was not measured."""
    return dict(facts["scenarios"].get(scenario, {"options": {}})["options"])


def guest_cpus(facts: Mapping[str, Any]) -> int:
    """The most CPUs that a guest of the measurement had."""
    return max(int(guest["smp"]) for guest in facts["guests"])


def circumstances(facts: Mapping[str, Any], scenario: str) -> dict[str, str]:
    """What must be alike for a difference to be the program's: CIRCUMSTANCES, the host's for live runs only."""
    guests, host = facts["guests"], facts.get("host")
    kernels = [
        f"{image['kernel_version']} ({image['kernel_sha256'][:8]})" for image in (each["image"] for each in guests)
    ]
    said = {
        "kernel": ", ".join(dict.fromkeys(kernels)),
        "qemu": guests[0]["image"]["qemu_version"],
        "guest": "; ".join(dict.fromkeys(map(_shape, guests))),
        "options": plan.words(options(facts, scenario)),
    }
    return said | ({"host": f"{host['cpu']}, {host['cpus']} CPUs"} if host else {})


def _shape(guest: Mapping[str, Any]) -> str:
    """2 CPUs, 512 MB, isolcpus=1."""
    nodes, quantum, arguments = guest["numa_nodes"], guest["quantum"], guest["kernel_args"]
    parts = [f"{guest['smp']} CPUs", f"{guest['memory_mb']} MB"]
    parts += [f"{nodes} NUMA nodes"] * (nodes > 1) + [f"a quantum of {quantum}"] * (quantum != NO_QUANTUM)
    return ", ".join(parts + [arguments] * bool(arguments))


def groups(raw: pd.DataFrame) -> Iterator[tuple[Measurement, str, pd.DataFrame]]:
    """The runs of a raw table by measurement and scenario, in the order in which they first come."""
    for key, runs in raw.groupby([*KEYS, "scenario"], sort=False):
        yield Measurement(*key[:-1]), key[-1], runs


def quiet(raw: pd.DataFrame) -> pd.DataFrame:
    """The runs that verdicts may use: all but those marked in a column `noisy`."""
    return raw[~raw["noisy"].fillna(False).astype(bool)] if "noisy" in raw else raw
