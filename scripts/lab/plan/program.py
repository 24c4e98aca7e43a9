"""What is run: the kit's program, as it is built for this machine, which knows whether options are right; and a user's,
as it travels into guests."""

import hashlib
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lab.plan.contract import Contract
from lab.plan.own import Own
from lab.plan.places import BUILD, ROOT
from lab.text.complaint import FAILED, Complaint

PARCELS = BUILD / "parcels"
DIGITS = 16  # of its SHA-256, by which a parcel is called
KEPT_DAYS = 7
# What a guest needs to unpack an initramfs: that itself, as much again of the half of the rest that its root may fill, with
# what is lost where files end; and the kernel and the kit's own part.
MEMORY_FACTOR, MEMORY_MB = 3.5, 64


@dataclass(frozen=True)
class Parcel:
    """A user's program and all that comes along, as an archive (cpio) that is appended to an initramfs."""

    digits: str
    size_bytes: int

    @property
    def file(self) -> Path:
        return file_of(self.digits)

    @property
    def size_mb(self) -> int:
        return -(-self.size_bytes >> 20)

    @property
    def memory_mb(self) -> int:
        """The least memory of a guest that all of it fits into, in whole 64 MB."""
        return math.ceil((MEMORY_FACTOR * self.size_mb + MEMORY_MB) / 64) * 64


def file_of(digits: str) -> Path:
    """Where the parcel with these DIGITS of its SHA-256 is."""
    return PARCELS / f"{digits}.cpio"


def pack(known: Contract, target: str) -> Parcel:
    """What travels with the program of `known` into guests of `target`, made anew. Raises Complaint, with what is missing."""
    if known.own is None:
        raise ValueError(f"{known.name} is a workload of the kit")
    return _pack(known.given, known.own, target)


@cache
def _pack(contract: str, own: Own, target: str) -> Parcel:
    options: list[tuple[str, str | Path]] = []
    for name, file in own.programs:
        options += [("program", file), ("as", name)]
    options += [("package", each) for each in own.packages]
    options += [(name, path) for name in ("files", "sysroot", "rootfs") if (path := getattr(own, name))]
    words = [word for name, value in options for word in (f"--{name}", str(value))]
    PARCELS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PARCELS, prefix=".partial.") as folder:
        packed = Path(folder, "parcel.cpio")
        packer = ["setpriv", "--pdeathsig", "TERM", str(ROOT / "qemu" / "pack_program.sh"), *words, target, str(packed)]
        ended = subprocess.run(packer, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if ended.returncode:
            said = ended.stderr.strip().splitlines() or [f"cannot be packed (code {ended.returncode})"]
            raise Complaint(contract, said[-1].removeprefix("pack_program.sh: "), ended.returncode)
        sys.stderr.write(ended.stderr)
        with packed.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        parcel = Parcel(digest[:DIGITS], packed.stat().st_size)
        packed.replace(parcel.file)
    _forget_old()
    return parcel


def _forget_old() -> None:
    """Removes the parcels that nobody made or booted for KEPT_DAYS, and what killed packers left."""
    for file in (*PARCELS.glob("*.cpio"), *PARCELS.glob(".partial.*")):
        about = file.stat()
        if time.time() - max(about.st_atime, about.st_mtime) > KEPT_DAYS * 86400:
            shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)


def of_host(build: Path) -> Path:
    """Where the program is; $PIPELAB_PROGRAM may say otherwise."""
    return Path(os.environ.get("PIPELAB_PROGRAM") or build / "host" / "pipelab")


def check(program: Path, lines: dict[str, str]) -> None:
    """Raises Complaint about the first of `lines` (command lines by place, without the program's name) that is wrong."""
    text = "".join(f"{line}\n" for line in lines.values())
    try:
        ended = subprocess.run([program, "--check-lines"], input=text, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Complaint(program, f"{error.strerror}: run 'make program' to build it", FAILED) from None
    wrongs = ended.stdout.splitlines()
    if wrongs and ended.returncode == 2:
        number, _, complaint = wrongs[0].partition(": ")
        raise Complaint(list(lines)[int(number) - 1], complaint)
    if ended.returncode != 0:
        what = f"cannot check options (exit code {ended.returncode})"
        raise Complaint(program, f"{what}: run 'make program' to build it again", FAILED)
