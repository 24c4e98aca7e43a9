"""The shape of a guest: its kernel, CPUs, memory and NUMA nodes; what can be asked, and where it works."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.plan import target
from lab.plan.contract import Contract
from lab.text.complaint import Complaint
from lab.plan.kinds import Kind, Number, Value, Words, quantity
from lab.plan.target import Target

# What was tried, as qemu/guest_shape.sh has it.
EXACT_MAX_SMP, QUANTUM_MAX_SMP = 8, 4
QUANTUM_US = Number(5, 10000)
NO_QUANTUM = "none"
OWN_QUANTUM = "20us"


class Quantum(Words):
    """How long a CPU runs before the next one has its turn, in exact timing: "none", or a time."""

    def __init__(self) -> None:
        super().__init__(f'"{NO_QUANTUM}", or whole us from {QUANTUM_US.low}us to {QUANTUM_US.high}us', most=1)

    def accepts(self, value: object) -> bool:
        return value == NO_QUANTUM or (isinstance(value, str) and QUANTUM_US.accepts(quantity(value, "us")))


class KernelArguments(Words):
    """All but those by which the kit itself says how many CPUs there are."""

    def accepts(self, value: object) -> bool:
        return super().accepts(value) and not any(word.startswith("maxcpus=") for word in str(value).split())


# What [guest] and a scenario may say, with the limits of qemu/run_vm.sh.
KEYS: dict[str, Kind] = {
    "kernel": Words('a kernel of the target such as "rt", or the file of one', most=1),
    "kernel-args": KernelArguments(
        'words with a space between them such as "isolcpus=1 nohz_full=1", and smp in place of maxcpus'
    ),
    "smp": Number(1, 64),
    "memory-mb": Number(64, 65536),
    "numa-nodes": Number(1, 8),
    "quantum": Quantum(),
}
# How `make run-scenarios` calls them.
KNOBS = {
    "kernel": "KERNEL",
    "kernel-args": "KERNEL_ARGS",
    "smp": "SMP",
    "memory-mb": "MEMORY",
    "numa-nodes": "NUMA",
    "quantum": "QUANTUM",
}


@dataclass(frozen=True)
class Guest:
    kernel: str  # a name in the target's file, or the file of a kernel
    kernel_args: str = ""
    smp: int = 2
    memory_mb: int = 512
    numa_nodes: int = 1
    quantum: str = NO_QUANTUM  # or so many us, as "20us"


def shape(wanted: dict[str, Value], machine: Target, where: str) -> Guest:
    """The guest on `machine` that has what `wanted` (keys of KEYS) says, its kernel in `where`, and the usual where it says nothing."""
    named: dict[str, Any] = {key.replace("-", "_"): value for key, value in wanted.items()}
    named["kernel"] = machine.kernel(named.get("kernel", ""), where)
    if named.get("quantum", NO_QUANTUM) != NO_QUANTUM:
        named["quantum"] = f"{quantity(named['quantum'], 'us')}us"
    return Guest(**named)


def usual_of_own(wanted: Mapping[str, Value]) -> dict[str, Value]:
    """What the guest of a user's program has where nobody says otherwise: turns that are fair to loops without a hint."""
    few = int(wanted.get("smp", Guest.smp)) <= QUANTUM_MAX_SMP and int(wanted.get("numa-nodes", 1)) == 1
    return {"quantum": OWN_QUANTUM} if few else {}


def check(where: str, guest: Guest, machine: Target, exact: bool, targets: Path) -> None:
    """Raises Complaint, with what would work, when `machine` cannot be `guest`."""
    if exact and guest.smp > EXACT_MAX_SMP:
        what = f"exact timing works with at most {EXACT_MAX_SMP} CPUs, and {guest.smp} are wanted"
        raise Complaint(where, f"{what}: give SMP={EXACT_MAX_SMP}, or TIMING=live")
    if exact and guest.quantum != NO_QUANTUM:
        if guest.smp > QUANTUM_MAX_SMP:
            what = f"a quantum works with at most {QUANTUM_MAX_SMP} CPUs, and {guest.smp} are wanted"
            raise Complaint(where, f"{what}: give SMP={QUANTUM_MAX_SMP}, or QUANTUM=none")
        if guest.numa_nodes > 1:
            what = f"a quantum works with 1 NUMA node, and {guest.numa_nodes} are wanted"
            raise Complaint(where, f"{what}: give NUMA=1, or QUANTUM=none")
        if not machine.hides_cpus:
            what = f"has no quantum, as nobody has tried how it could hide CPUs: give QUANTUM={NO_QUANTUM}"
            raise Complaint(where, f"{machine.name} {what}")
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


def check_options(where: str, guest: Guest, options: Mapping[str, Value], known: Contract) -> None:
    """Raises Complaint, with what would work, when `options` ask for a CPU or a NUMA node that the guest lacks."""
    for name, value in options.items():
        kind = known.table["options"][name]["type"]
        if kind == "cpu" and int(value) >= guest.smp:
            _lacks(where, f"{name} = {value}", "CPUs", guest.smp, f"smp = {int(value) + 1}")
        if kind == "node" and int(value) >= guest.numa_nodes:
            _lacks(where, f"{name} = {value}", "NUMA nodes", guest.numa_nodes, f"numa-nodes = {int(value) + 1}")


def _lacks(where: str, what: str, things: str, count: int, remedy: str) -> None:
    valid = "0" if count == 1 else f"0 to {count - 1}"
    raise Complaint(where, f"{what} is not one of the guest's {things}: give {valid}, or the guest {remedy}")
