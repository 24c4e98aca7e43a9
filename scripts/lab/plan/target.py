"""A target: what its file in qemu/targets/ says that plans must know."""

import hashlib
import shlex
from dataclasses import dataclass
from pathlib import Path

from lab.text.complaint import FAILED, Complaint
from lab.text.files import is_file, read_text
from lab.text.names import NAME


@dataclass(frozen=True)
class Target:
    """A machine that guests can be. `kernels` are its kernels by name, the first one first."""

    name: str
    kernels: tuple[str, ...]
    max_numa_nodes: int
    hides_cpus: bool  # a quantum needs that

    def kernel(self, text: str, where: str = "kernel") -> str:
        """The name, or the file, of the kernel that a user calls `text` in `where`; "" is the first one."""
        name = text or self.kernels[0]
        if name not in self.kernels and not is_file(name):
            names = " ".join(self.kernels)
            raise Complaint(
                where, f"'{name[:80]}' is not one of {self.name}: give one of {names}, or the file of a kernel"
            )
        return name

    def image(self, build: Path, kernel: str) -> Path:
        """The folder of the image with `kernel`, as qemu/target.sh has it."""
        if kernel == self.kernels[0]:
            return build / "image" / self.name
        if kernel not in self.kernels:
            kernel = "file-" + hashlib.sha256(Path(kernel).read_bytes()).hexdigest()[:8]
        return build / "image" / f"{self.name}.{kernel}"

    def knobs(self, kernel: str) -> str:
        """What 'make image' needs to make the image with `kernel`."""
        return f"TARGET={self.name}" + ("" if kernel == self.kernels[0] else f" KERNEL={kernel}")


def load(targets: Path, name: str) -> Target:
    """Reads `name`.conf in the folder `targets`. Raises Complaint when it lacks a fact."""
    conf = targets / f"{name}.conf"
    if not NAME.fullmatch(name):
        raise Complaint("target", f"'{name}' is not a good name: give one of those in {targets}")
    lines = read_text(conf).splitlines()
    facts = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    if not facts.get("MAX_NUMA_NODES", "").isdecimal():
        raise Complaint(conf, "does not say how many NUMA nodes its kernels know: add MAX_NUMA_NODES=N", FAILED)
    kernels = tuple(pair.split(":")[0] for word in shlex.split(facts.get("KERNELS", "")) for pair in word.split())
    if not kernels:
        raise Complaint(conf, 'names no kernel: add KERNELS="NAME:PACKAGE"', FAILED)
    return Target(name, kernels, int(facts["MAX_NUMA_NODES"]), bool(facts.get("HIDDEN_CPUS")))


def load_all(targets: Path) -> list[Target]:
    """Every target that has a file, by name."""
    return [load(targets, conf.stem) for conf in sorted(targets.glob("*.conf"))]
