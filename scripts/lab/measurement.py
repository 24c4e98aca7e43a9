"""A measurement: the runs that one table shows, and what <suite>_environment.json says of them."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

CIRCUMSTANCES = ("kernel", "qemu", "guest", "host", "options")


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


def options(facts: Mapping[str, Any], scenario: str) -> str:
    """The options that the program had in a scenario; none if it was not measured."""
    return str(facts["scenarios"].get(scenario, ""))


def guest_cpus(facts: Mapping[str, Any]) -> int:
    """The most CPUs that a guest of the measurement had."""
    return int(facts["smp"])


def circumstances(facts: Mapping[str, Any], scenario: str) -> dict[str, str]:
    """What must be alike for a difference to be the program's: CIRCUMSTANCES, the host's for live runs only."""
    image, host = facts["image"], facts.get("host")
    said = {
        "kernel": f"{image['kernel_version']} ({image['kernel_sha256'][:8]})",
        "qemu": image["qemu_version"],
        "guest": f"{facts['smp']} CPUs, {facts['memory_mb']} MB",
        "options": options(facts, scenario),
    }
    return said | ({"host": f"{host['cpu']}, {host['cpus']} CPUs"} if host else {})


def groups(raw: pd.DataFrame) -> Iterator[tuple[Measurement, str, pd.DataFrame]]:
    """The runs of a raw table by measurement and scenario, in the order in which they first come."""
    for key, runs in raw.groupby([*KEYS, "scenario"], sort=False):
        yield Measurement(*key[:-1]), key[-1], runs
