"""The shape of a guest: its kernel, CPUs, memory and NUMA nodes; what can be asked, and where it works."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.plan import target
from lab.text.complaint import Complaint
from lab.plan.kinds import Kind, Number, Value, Words
from lab.plan.target import Target

# What [guest] and a scenario may say, with the limits of qemu/run_vm.sh.
KEYS: dict[str, Kind] = {
    "kernel": Words('a kernel of the target such as "rt", or the file of one', most=1),
    "kernel-args": Words('words with a space between them such as "isolcpus=1 nohz_full=1"'),
    "smp": Number(1, 64),
    "memory-mb": Number(64, 65536),
    "numa-nodes": Number(1, 8),
}
# How `make run-scenarios` calls them.
KNOBS = {
    "kernel": "KERNEL",
    "kernel-args": "KERNEL_ARGS",
    "smp": "SMP",
    "memory-mb": "MEMORY",
    "numa-nodes": "NUMA",
}
PINS = ("pin-producer", "pin-consumer")


@dataclass(frozen=True)
class Guest:
    kernel: str  # a name in the target's file, or the file of a kernel
    kernel_args: str = ""
    smp: int = 2
    memory_mb: int = 512
    numa_nodes: int = 1


NO_ARGUMENTS = "no kernel arguments"
UNITS = {"CPU": "smp", "MB": "memory-mb", "NUMA node": "numa-nodes"}
COUNTED = re.compile(rf"(\d+) ({'|'.join(UNITS)})s?")

# What is told of a guest, in a few words each.
PARTS: dict[str, Callable[[Guest], str]] = {
    "kernel": lambda guest: f"kernel {guest.kernel}",
    "kernel_args": lambda guest: guest.kernel_args or NO_ARGUMENTS,
    "smp": lambda guest: f"{guest.smp} CPU{'s' * (guest.smp > 1)}",
    "memory_mb": lambda guest: f"{guest.memory_mb} MB",
    "numa_nodes": lambda guest: f"{guest.numa_nodes} NUMA node{'s' * (guest.numa_nodes > 1)}",
}


def shape(wanted: dict[str, Value], machine: Target) -> Guest:
    """The guest on `machine` that has what `wanted` (keys of KEYS) says, and the usual where it says nothing."""
    named: dict[str, Any] = {key.replace("-", "_"): value for key, value in wanted.items()}
    named["kernel"] = machine.kernel(named.get("kernel", ""))
    return Guest(**named)


def check(where: str, guest: Guest, options: dict[str, Value], machine: Target, exact: bool, targets: Path) -> None:
    """Raises Complaint, with what would work, when `machine` cannot be `guest` or `options` ask for what it lacks."""
    if exact and guest.smp > machine.exact_max_smp:
        able = [each.name for each in target.load_all(targets) if each.exact_max_smp >= guest.smp]
        other = f", or TARGET={' or '.join(able)}" if able else ""
        raise Complaint(
            where,
            f"exact timing of {machine.name} works with at most {machine.exact_max_smp} CPU(s), "
            f"and {guest.smp} are wanted: give SMP={machine.exact_max_smp}, TIMING=live{other}",
        )
    if guest.numa_nodes > machine.max_numa_nodes:
        able = [each.name for each in target.load_all(targets) if each.max_numa_nodes >= guest.numa_nodes]
        raise Complaint(
            where,
            f"{machine.name} has at most {machine.max_numa_nodes} NUMA node(s), and {guest.numa_nodes} are wanted: "
            f"give NUMA={machine.max_numa_nodes}" + (f", or TARGET={' or '.join(able)}" if able else ""),
        )
    if guest.numa_nodes > guest.smp:
        raise Complaint(
            where,
            f"{guest.numa_nodes} NUMA nodes need a CPU each, and the guest has {guest.smp}: "
            f"give NUMA={guest.smp}, or SMP={guest.numa_nodes}",
        )
    for pin in PINS:
        cpu = options.get(pin, 0)
        if isinstance(cpu, int) and cpu >= guest.smp:
            _lacks(where, f"{pin} = {cpu}", "CPUs", guest.smp, f"smp = {cpu + 1}")
    node = options.get("numa-node", 0)
    if isinstance(node, int) and node >= guest.numa_nodes:
        _lacks(where, f"numa-node = {node}", "NUMA nodes", guest.numa_nodes, f"numa-nodes = {node + 1}")


def _lacks(where: str, what: str, things: str, count: int, remedy: str) -> None:
    valid = "0" if count == 1 else f"0 to {count - 1}"
    raise Complaint(where, f"{what} is not one of the guest's {things}: give {valid}, or the guest {remedy}")


def unlike(guests: dict[str, Guest]) -> dict[str, str]:
    """By scenario what is told of its guest, in which the scenarios differ; "" where all have the same."""
    differing = [key for key in PARTS if len({getattr(guest, key) for guest in guests.values()}) > 1]
    return {name: ", ".join(PARTS[key](guest) for key in differing) for name, guest in guests.items()}


def told(text: str) -> dict[str, str]:
    """What `unlike` told of a guest, by KEYS; without kernel arguments, where there are none."""
    said = {}
    for part in text.split(", "):
        if part.startswith("kernel "):
            said["kernel"] = part.removeprefix("kernel ")
        elif match := COUNTED.fullmatch(part):
            said[UNITS[match[2]]] = match[1]
        elif part != NO_ARGUMENTS:
            said["kernel-args"] = part
    return said
