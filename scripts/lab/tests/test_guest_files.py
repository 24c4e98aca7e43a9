"""What a guest sends: taken when it is as /init sends it, else refused whole, in one line, with nothing left behind."""

import argparse
import io
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.runs import ending, guest_files
from lab.runs.ending import Ending
from lab.text.complaint import Complaint
from lab.runs.guest_files import Refused

MB = 1 << 20
BREAK = Path(__file__).parents[3] / "tests/break"
Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, content: bytes = b"", **fields: object) -> Member:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


END = member("exit_code", b"0\n")
GOOD = (member("out", type=tarfile.DIRTYPE, mode=0o755), member("out/stats.csv", b"key,value\n"), END)


def stream(folder: Path, *members: Member, format: int = tarfile.GNU_FORMAT) -> Path:
    path = folder / "out.tar"
    with tarfile.open(path, "w", format=format) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


def test_what_init_sends_is_taken_under_its_names(tmp_path: Path) -> None:
    names = ["a b.csv", ".hidden", "-dash", "--checkpoint=1", "grün.csv", "console.log", "vm.tsv"]
    sent = stream(tmp_path, GOOD[0], *(member(f"out/{name}", name.encode(), mode=0o4777) for name in names), END)
    assert guest_files.receive(sent, tmp_path / "out", MB) == 0
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(names)
    assert all((tmp_path / "out" / name).read_text() == name for name in names)
    assert all((tmp_path / "out" / name).stat().st_mode & 0o7111 == 0 for name in names)


def test_the_canary_is_kept_beside_the_command_s_files(tmp_path: Path) -> None:
    most = guest_files.MOST_CANARY_BYTES
    for canary in (b"cpu0 1 2 3\n", b"x" * most, b"x" * (most + 1)):
        guest_files.receive(stream(tmp_path, *GOOD[:2], member("canary", canary), END), tmp_path / "out", MB)
        assert (tmp_path / "canary.txt").read_bytes() == canary[:most]
        assert [file.name for file in (tmp_path / "out").iterdir()] == ["stats.csv"]
        shutil.rmtree(tmp_path / "out")


@pytest.mark.parametrize("text,code", [(b"0\n", 0), (b"7", 7), (b"255\n", 255)])
def test_the_exit_code_is_what_the_guest_s_shell_writes(tmp_path: Path, text: bytes, code: int) -> None:
    assert guest_files.receive(stream(tmp_path, member("exit_code", text)), tmp_path / "out", MB) == code


ODD_CODES = [
    b"",
    b"-1",
    b"256",
    b"0 0",
    b"0x1",
    b"1_0",
    b"\xd9\xa1",
    b"a[$(id >/tmp/x)0]*0",
    b"0\n\n",
    b"00000",
    b"done",
]
HOSTILE: dict[str, tuple[Member, ...]] = {
    **{f"exit code {text!r}": (*GOOD[:2], member("exit_code", text)) for text in ODD_CODES},
    "no end": GOOD[:2],
    "a file after the end": (*GOOD, member("out/late", b"x")),
    "two ends": (*GOOD, END),
    "the end in the folder": (*GOOD[:2], member("out/exit_code", b"0\n")),
    "an end that is a link": (*GOOD[:2], member("exit_code", type=tarfile.SYMTYPE, linkname="/etc/hostname")),
    "a symlink": (GOOD[0], member("out/stderr.txt", type=tarfile.SYMTYPE, linkname="/etc/passwd"), END),
    "a symlink for the folder": (member("out", type=tarfile.SYMTYPE, linkname="/tmp"), member("out/x", b"x"), END),
    "a symlink, then a file through it": (
        member("out/vm.tsv", type=tarfile.SYMTYPE, linkname="../../canary"),
        member("out/vm.tsv", b"forged"),
        END,
    ),
    "a hard link": (GOOD[0], member("out/passwd", type=tarfile.LNKTYPE, linkname="/etc/passwd"), END),
    "a hard link to the canary": (GOOD[0], member("out/a", type=tarfile.LNKTYPE, linkname="../canary"), END),
    "a canary that is a link": (GOOD[0], member("canary", type=tarfile.SYMTYPE, linkname="/etc/passwd"), END),
    "a canary without an end": (*GOOD[:2], member("canary", b"sings")),
    "a canary that is too large": (GOOD[0], member("canary", bytes(MB + 1)), END),
    "a FIFO": (GOOD[0], member("out/samples.csv", type=tarfile.FIFOTYPE), END),
    "/dev/zero": (GOOD[0], member("out/samples.csv", type=tarfile.CHRTYPE, devmajor=1, devminor=5), END),
    "a disk": (GOOD[0], member("out/vm.tsv", type=tarfile.BLKTYPE, devmajor=8, devminor=0), END),
    "a folder": (GOOD[0], member("out/folder", type=tarfile.DIRTYPE, mode=0), END),
    "a file in a folder": (GOOD[0], member("out/folder/file", b"x"), END),
    "an unknown kind": (GOOD[0], member("out/x", type=b"Z"), END),
    "the parent": (GOOD[0], member("out/../canary", b"forged"), END),
    "the parent itself": (GOOD[0], member("out/..", b"forged"), END),
    "the folder itself": (GOOD[0], member("out/.", b"forged"), END),
    "an absolute name": (GOOD[0], member("/tmp/forged", b"forged"), END),
    "another folder": (GOOD[0], member("runs/x", b"forged"), END),
    "no folder": (GOOD[0], member("vm.tsv", b"forged"), END),
    "no name": (GOOD[0], member("out/", b"x"), END),
    "a name with an escape": (GOOD[0], member("out/\x1b[31mred", b"x"), END),
    "a name with a line break": (GOOD[0], member("out/a\nb", b"x"), END),
    "a name that turns text around": (GOOD[0], member("out/a\u202eb", b"x"), END),
    "a name of 300 bytes": (GOOD[0], member("out/" + "x" * 300, b"x"), END),
    "a name twice": (GOOD[0], member("out/x", b"1"), member("out/x", b"2"), END),
    "too much in one file": (GOOD[0], member("out/x", bytes(MB + 1)), END),
    "too much in all": (GOOD[0], *(member(f"out/{number}", bytes(MB // 3)) for number in range(4)), END),
    "too many files": (GOOD[0], *(member(f"out/{number}") for number in range(guest_files.MOST_MEMBERS + 1)), END),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_hostile_stream_is_refused_whole(tmp_path: Path, name: str, format: int) -> None:
    canary = tmp_path / "canary"
    canary.write_text("sings")
    refuse(stream(tmp_path, *HOSTILE[name], format=format), tmp_path)
    assert canary.read_text() == "sings" and canary.stat().st_nlink == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["canary", "out.tar"]


def refuse(sent: Path, folder: Path) -> None:
    begin = time.monotonic()
    with pytest.raises(Refused) as refused:
        guest_files.receive(sent, folder / "out", MB)
    assert time.monotonic() - begin < 30
    assert refused.value.args[0] and not (folder / "out").exists()


def _header(name: bytes, size: bytes, kind: bytes = b"0") -> bytes:
    """A header of tar with a field of its size that Python would not write."""
    block = bytearray(tarfile.TarInfo("x").tobuf(tarfile.GNU_FORMAT))
    block[0:100] = name.ljust(100, b"\0")
    block[124:136] = size.ljust(12, b"\0")
    block[156:157] = kind
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def _sparse(folder: Path) -> bytes:
    (folder / "large").touch()
    subprocess.run(["truncate", "-s", "200G", folder / "large"], check=True)
    made = subprocess.run(
        ["tar", "-c", "-S", "--transform=s,^,out/,", "-C", folder, "large"], check=True, capture_output=True
    ).stdout
    (folder / "large").unlink()
    return made


RAW: dict[str, Callable[[Path], bytes]] = {
    "nothing": lambda _: b"",
    "text": lambda _: b"Kernel panic - not syncing\n" * 1000,
    "zeros": lambda _: bytes(20480),
    "a cut header": lambda _: _header(b"out/x", b"00000000001\0")[:300],
    "a cut file": lambda _: _header(b"out/x", b"00000004000\0") + b"x" * 100,
    "a size beyond the end": lambda _: _header(b"out/x", b"77777777777\0"),
    "a size that is negative": lambda _: _header(b"out/x", b"\xff" * 12),
    "a size of base 256": lambda _: _header(b"out/x", b"\x80" + b"\x7f" * 11),
    "a size that is no number": lambda _: _header(b"out/x", b"$(id)"),
    "a 200 GB sparse file": _sparse,
    "an old sparse file": lambda _: _header(b"out/x", b"00000000000\0", b"S"),
    "a long name beyond the end": lambda _: _header(b"x", b"77777777777\0", b"L"),
    "a pax header beyond the end": lambda _: _header(b"x", b"77777777777\0", b"x"),
    "a pax header of no length": lambda _: _header(b"x", b"00000000010\0", b"x") + b"0 path=a".ljust(512, b"\0"),
    "a thousand pax headers": lambda _: (_header(b"x", b"00000000000\0", b"x")) * 2000,
    "a compressed stream": lambda _: b"\x1f\x8b\x08" + bytes(1000),
}


@pytest.mark.parametrize("name", RAW)
def test_a_stream_that_is_no_good_tar_file_is_refused(tmp_path: Path, name: str) -> None:
    content = RAW[name](tmp_path)
    (tmp_path / "out.tar").write_bytes(content)
    refuse(tmp_path / "out.tar", tmp_path)


def test_a_stream_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = stream(tmp_path, GOOD[0], member("out/a", b"x" * 700), END).read_bytes()
    end = 512 * 6  # then only two blocks of zeros come, which may be missing
    for length in range(0, end, 100):
        (tmp_path / "out.tar").write_bytes(whole[:length])
        refuse(tmp_path / "out.tar", tmp_path)
    (tmp_path / "out.tar").write_bytes(whole[:end])
    assert guest_files.receive(tmp_path / "out.tar", tmp_path / "whole", MB) == 0


def test_only_what_the_contract_lists_is_moved_beside_the_host_s_records(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in ("stats.csv", *guest_files.ALWAYS):
        (out / name).touch()
    (out / "run.json").touch()
    with pytest.raises(Complaint, match="out/run.json: is none of what the workload leaves"):
        guest_files.accept(tmp_path, ["stats.csv"])
    (out / "run.json").unlink()
    with pytest.raises(Complaint, match="out/samples.csv: the guest did not send it"):
        guest_files.accept(tmp_path, ["stats.csv", "samples.csv"])
    guest_files.accept(tmp_path, ["stats.csv"])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["stats.csv", "stderr.txt", "stdout.txt"]


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.slow
def test_nothing_outside_a_run_s_folder_is_touched_whatever_is_sent() -> None:
    command: list[str | Path] = [sys.executable, BREAK / "streams.py", "--seed", "1", "--count", "40"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_guest_that_cannot_have_its_cpus_says_so(tmp_path: Path) -> None:
    said = b"[0.1] smp\r\npipelab: cannot bring up CPU 1 of 2\r\n[0.2] reboot: Power down\r\n"
    (tmp_path / "console.log").write_bytes(said)
    known = argparse.Namespace(code=0, limit=60, wall_ms=1, output_mb=1, folder=tmp_path, attended=False)
    what = "its kernel cannot bring up CPU 1 of 2: give a smaller --smp, another kernel, or other --kernel-args"
    assert ending.of_guest(known) == Ending("guest-cut-off", what, ending.CUT_OFF)
    stream(tmp_path, *GOOD)  # whoever sent its files had its CPUs, whatever it printed
    assert ending.of_guest(known) == Ending(ending.DONE, "", 0)


def test_a_guest_whose_memory_was_full_says_so(tmp_path: Path) -> None:
    (tmp_path / "console.log").write_bytes(b"cat: write error: No space left on device\r\npipelab: sent\r\n")
    known = argparse.Namespace(code=0, limit=60, wall_ms=1, output_mb=1, folder=tmp_path, attended=True)
    stream(tmp_path, GOOD[0], member(guest_files.EXIT_CODE))
    what = "its memory was full, in which its files are as well: let the program write less, or give it more memory-mb"
    assert ending.of_guest(known) == Ending("guest-cut-off", what, ending.CUT_OFF)


@pytest.mark.parametrize(
    "console, code, outcome, reason",
    [
        (
            b"[0.4] reboot: Power down\r\n",
            0,
            "guest-cut-off",
            "its command switched the guest off before its end: let it",
        ),
        (
            b"pipelab: the command ended with code 1\r\nreboot: x\r\n",
            0,
            "guest-cut-off",
            "the guest's files did not arrive",
        ),
        (
            b"[9.1] Out of memory: Killed process 7 (x)\r\n",
            124,
            "guest-hung",
            "no end within 60 s; its kernel ended processes",
        ),
        (b"[9.1] booting\r\n", 124, "guest-hung", "no end within 60 s"),
    ],
)
def test_a_console_says_why_nothing_came(tmp_path: Path, console: bytes, code: int, outcome: str, reason: str) -> None:
    (tmp_path / "console.log").write_bytes(console)
    known = argparse.Namespace(code=code, limit=60, wall_ms=1, output_mb=1, folder=tmp_path, attended=True)
    found = ending.of_guest(known)
    assert found.outcome == outcome and found.reason.startswith(reason)


@pytest.mark.parametrize(
    "stderr, stdout, said",
    [
        ("", "", "it printed nothing"),
        ("", "one\ntwo\n", "two"),
        ("x: Assertion failed.\n", "two\n", "x: Assertion failed."),
        (
            "x: failed.\nattendant: ended by signal 6 (A)\n",
            "1",
            "attendant: ended by signal 6 (A); before that it printed: x: failed.",
        ),
        (
            "attendant: ended by signal 6 (A)\n",
            "two\n",
            "attendant: ended by signal 6 (A); before that it printed: two",
        ),
        ("attendant: ended by signal 6 (A)\n", "", "attendant: ended by signal 6 (A)"),
    ],
)
def test_a_failed_command_s_last_words_are_its_reason(tmp_path: Path, stderr: str, stdout: str, said: str) -> None:
    known = argparse.Namespace(code=0, limit=60, wall_ms=1, output_mb=1, folder=tmp_path, attended=True)
    files = {"stderr.txt": stderr, "stdout.txt": stdout, "process.csv": ""}
    left = [member(f"out/{name}", text.encode()) for name, text in files.items()]
    stream(tmp_path, GOOD[0], *left, member(guest_files.EXIT_CODE, b"134"))
    assert ending.of_guest(known).reason == f"the command ended with code 134: {said}"


@pytest.mark.parametrize("code, name", [(137, "9 (Killed)"), (143, "15 (Terminated)")])
def test_an_attendant_that_was_ended_is_told_from_a_program_that_was(tmp_path: Path, code: int, name: str) -> None:
    known = argparse.Namespace(code=0, limit=60, wall_ms=1, output_mb=1, folder=tmp_path, attended=True)
    ended = [*GOOD[:-1], member(guest_files.EXIT_CODE, str(code).encode())]
    stream(tmp_path, *ended)
    found = ending.of_guest(known)
    assert found.reason.startswith(f"the attendant, which waits for the program's end, was ended by signal {name}, as")
    assert (found.outcome, found.exit_code) == ("workload-failed", code)
    for known.attended in (True, False):  # it lived on, or there is none
        left = [member("out/process.csv")] if known.attended else []
        shutil.rmtree(tmp_path / "out")
        stream(tmp_path, GOOD[0], *left, *ended[1:])
        assert ending.of_guest(known).reason.startswith(f"the command ended with code {code}: ")


def test_the_time_to_unpack_is_bounded(tmp_path: Path) -> None:
    """As run_vm.sh calls it, where unpacking goes on for ever."""
    endless = (
        "import time, lab.runs.ending as e; e.UNPACK_S = 1; e.guest_files.receive = lambda *_: time.sleep(60); e.main()"
    )
    words = ["--code=0", "--limit=60", "--wall-ms=1", "--output-mb=256", "--console-mb=1"]
    begin = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", f"{endless}", *words, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert time.monotonic() - begin < 30
    assert len(ended.stderr.splitlines()) == 1 and "unpacking it takes longer than 1 s" in ended.stderr
    assert "exit_code\t122\n" in (tmp_path / "vm.tsv").read_text()


def test_how_often_qemu_did_not_wait_for_its_turn_is_read_where_it_is_told(tmp_path: Path) -> None:
    told = tmp_path / ending.TURNS
    assert ending.forced_turns(told) == ""
    told.write_text("2633\t1\n")
    assert ending.forced_turns(told) == "1"
    told.write_text("2633\t1\nx")
    assert ending.forced_turns(told) == ""
