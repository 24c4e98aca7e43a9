"""Throws hostile and damaged streams at what takes a guest's files in, and watches each of its system calls.

usage: /usr/bin/python3 tests/break/streams.py [--seed N] [--count N]

Each stream is put before `python3 -m lab.runs.ending`, as qemu/run_vm.sh calls it, in a folder of its own under strace. It
must be taken whole or refused with one line, in time, and nothing outside that folder may be opened for writing, made,
removed, renamed or linked. Ends with 1 at the first stream that is otherwise, and leaves it and its seed to be seen.
"""

import argparse
import io
import os
import random
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60
CODES = range(0, 256)
# System calls that change something, and where their paths stand in what strace writes.
CHANGES = (
    "open,openat,openat2,creat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir"
)
CHANGES += ",mkdirat,mknod,mknodat,chmod,fchmodat,chown,lchown,fchownat,truncate,utimensat"
READ_ONLY = re.compile(r"open(at2?)?\(.*O_RDONLY(?!.*O_CREAT)")
PATH = re.compile(r'"((?:[^"\\]|\\.)*)"')
KINDS = (b"0", b"\0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"S", b"L", b"K", b"x", b"g", b"Z")
NAMES = (
    "out",
    "out/a",
    "out/../a",
    "/etc/a",
    "out/vm.tsv",
    "exit_code",
    "a" * 200,
    "out/\u202e",
    "out/\x1b[2J",
    "..",
    "",
)


def hostile(chance: random.Random) -> bytes:
    """A stream that may be good, and is then damaged in some way."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=chance.choice([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])) as tar:
        for _ in range(chance.randrange(6)):
            info = tarfile.TarInfo(chance.choice(NAMES))
            info.type = chance.choice(KINDS[:9])
            info.linkname = chance.choice(NAMES)
            info.mode, info.uid = chance.choice([0, 0o644, 0o6777]), chance.choice([0, 1000])
            content = chance.randbytes(chance.choice([0, 1, 511, 512, 5000]))
            info.size = len(content) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(content) if info.isreg() else None)
        end = tarfile.TarInfo("exit_code")
        code = chance.choice([b"0\n", b"1", b"255", b"256", b"x[$(id)]", b""])
        end.size = len(code)
        tar.addfile(end, io.BytesIO(code))
    stream = bytearray(made.getvalue())
    for _ in range(chance.choice([0, 0, 1, 3, 30])):
        block = chance.randrange(len(stream) // 512) * 512
        field, length = chance.choice(
            [(0, 100), (100, 8), (124, 12), (136, 12), (156, 1), (157, 100), (257, 8), (345, 155)]
        )
        stream[block + field : block + field + length] = chance.choice(
            [chance.randbytes(length), b"\xff" * length, b"\0" * length, b"7" * length, chance.choice(KINDS) * length]
        )
        if chance.random() < 0.8:  # or the header is refused for its sum
            stream[block + 148 : block + 156] = b" " * 8
            stream[block + 148 : block + 156] = b"%06o\0 " % sum(stream[block : block + 512])
    return bytes(stream[: chance.choice([len(stream), len(stream), chance.randrange(len(stream))])])


def take(stream: bytes, around: Path) -> str:
    """What was wrong with how `stream` was taken; empty when nothing was."""
    folder = around / "run"
    folder.mkdir()
    (around / "canary").write_text("sings")
    (folder / "out.tar").write_bytes(stream)
    (folder / "console.log").write_text("[    0.0] booting\n")
    calls = around / "calls"
    words = ["--code=0", "--limit=60", "--wall-ms=1", "--output-mb=1", "--console-mb=1", folder]
    command = [
        "strace",
        "-f",
        "-o",
        calls,
        "-e",
        f"trace={CHANGES}",
        "/usr/bin/python3",
        "-B",
        "-m",
        "lab.runs.ending",
        *words,
    ]
    begin = time.monotonic()
    try:
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")},
        )
    except subprocess.TimeoutExpired:
        return f"took more than {LIMIT_S} s"
    good = ended.returncode in CODES and "Traceback" not in ended.stderr and len(ended.stderr.splitlines()) <= 1
    if not good or not all(each.isprintable() for each in ended.stderr.rstrip("\n")):
        return f"ended with {ended.returncode} and said {ended.stderr!r}"
    if ended.returncode and not ended.stderr:
        return f"ended with {ended.returncode} and said nothing"
    return _outside(calls, folder) or _left(around, ended.returncode, time.monotonic() - begin)


def _outside(calls: Path, folder: Path) -> str:
    for line in calls.read_text(errors="replace").splitlines():
        if "(" not in line or READ_ONLY.search(line) or "ENOENT" in line:
            continue
        for path in PATH.findall(line):
            inside = path.startswith(f"{folder}/") and ".." not in path.split("/") or path == str(folder)
            # Python removes a folder by the names of its files alone, in the folder that it has opened.
            relative = "unlinkat(" in line and "/" not in path and "AT_FDCWD" not in line
            if not (inside or relative or path == "/dev/null"):
                return f"touched {path}: {line}"
    return ""


def _left(around: Path, code: int, seconds: float) -> str:
    folder, out = around / "run", around / "run/out"
    if (around / "canary").read_text() != "sings":
        return "changed the canary"
    if sorted(each.name for each in around.iterdir()) != ["calls", "canary", "run"]:
        return f"left {sorted(each.name for each in around.iterdir())}"
    left = {each.name for each in folder.iterdir()}
    if (
        code in (120, 121, 122, 123)
        and "out" in left
        and "outcome\tworkload-failed" not in (folder / "vm.tsv").read_text()
    ):
        return "refused the stream, and left files of it"
    if not left <= {"console.log", "vm.tsv", "out"} or "vm.tsv" not in left:
        return f"left {sorted(left)}"
    for each in out.iterdir() if out.is_dir() else ():
        if each.is_symlink() or not each.is_file() or each.stat().st_mode & 0o7133 or each.stat().st_size > 1 << 20:
            return f"left {each}, which is no plain file"
    return f"took {seconds:.0f} s" if seconds > LIMIT_S else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--count", type=int, default=300)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    refused = 0
    for number in range(arguments.count):
        stream = hostile(random.Random(f"{arguments.seed} {number}"))
        with tempfile.TemporaryDirectory() as around:
            wrong = take(stream, Path(around))
            refused += not (Path(around) / "run/out").exists()
        if wrong:
            kept = Path(tempfile.gettempdir()) / f"stream.{arguments.seed}.{number}.tar"
            kept.write_bytes(stream)
            print(f"stream {number} ({kept}): {wrong}")
            return 1
    taken = arguments.count - refused
    print(f"{taken} streams taken whole, {refused} refused")
    return 0 if taken and refused else 1  # else they are no test


if __name__ == "__main__":
    sys.exit(main())
