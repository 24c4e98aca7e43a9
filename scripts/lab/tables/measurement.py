"""A measurement: the runs that one table shows, and what <suite>_environment.json says of them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from lab.text import names
from lab.plan.kinds import WORDS

# Quotes are of what has spaces; nothing in them is more to a shell, or to make, than it says.
COMMAND = re.compile(r"make run-scenarios( [A-Z_]+=(\"[\w./:,=@%+ -]*\"|[\w./:,=@%+-]*))*", re.ASCII)
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


def check(environment: Mapping[str, Any]) -> None:
    """Raises ValueError (or KeyError, TypeError, AttributeError) where what must be a name in the file is none.

    Names become parts of paths, and a command is pasted into a shell: neither may be more than that.
    """
    told = [environment.get("baselines", {}), *(facts["scenarios"] for facts in environment["measurements"])]
    for facts in environment["measurements"]:
        names.check({key: facts[key] for key in KEYS})
        for guest in _guests(facts):
            if not all(WORDS.accepts(guest.get(key, "")) for key in ("kernel", "kernel_args")):
                raise ValueError("a guest's kernel or kernel_args are no plain words")
    for name in (name for each in told for name in each):
        names.check({"scenario": name})
    for name in (*environment.get("baselines", {}).values(), *environment.get("changed_guests", [])):
        names.check({"scenario": name})
    for command in environment.get("commands", []):
        if not COMMAND.fullmatch(command):
            raise ValueError(f"{command!r} is not a command of make with plain knobs")


def options(facts: Mapping[str, Any], scenario: str) -> str:
    """The options that the program had in a scenario, after what its guest had of its own; none if not measured."""
    return str(facts["scenarios"].get(scenario, ""))


def guest_cpus(facts: Mapping[str, Any]) -> int:
    """The most CPUs that a guest of the measurement had."""
    return max(int(guest["smp"]) for guest in _guests(facts))


def circumstances(facts: Mapping[str, Any], scenario: str) -> dict[str, str]:
    """What must be alike for a difference to be the program's: CIRCUMSTANCES, the host's for live runs only."""
    guests, host = _guests(facts), facts.get("host")
    kernels = [
        f"{image['kernel_version']} ({image['kernel_sha256'][:8]})" for image in (each["image"] for each in guests)
    ]
    said = {
        "kernel": ", ".join(dict.fromkeys(kernels)),
        "qemu": facts["image"]["qemu_version"],
        "guest": "; ".join(dict.fromkeys(map(_shape, guests))),
        "options": options(facts, scenario),
    }
    return said | ({"host": f"{host['cpu']}, {host['cpus']} CPUs"} if host else {})


def _guests(facts: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The unlike guests of a measurement: "guests" has them where there are several."""
    return list(facts.get("guests", [facts]))


def _shape(guest: Mapping[str, Any]) -> str:
    """2 CPUs, 512 MB, isolcpus=1; what older results do not say was not given."""
    nodes, arguments = guest.get("numa_nodes", 1), guest.get("kernel_args", "")
    parts = [f"{guest['smp']} CPUs", f"{guest['memory_mb']} MB"]
    return ", ".join(parts + [f"{nodes} NUMA nodes"] * (nodes > 1) + [arguments] * bool(arguments))


def groups(raw: pd.DataFrame) -> Iterator[tuple[Measurement, str, pd.DataFrame]]:
    """The runs of a raw table by measurement and scenario, in the order in which they first come."""
    for key, runs in raw.groupby([*KEYS, "scenario"], sort=False):
        yield Measurement(*key[:-1]), key[-1], runs
