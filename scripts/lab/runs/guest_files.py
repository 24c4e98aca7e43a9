"""The files that a guest sends: taken out of its stream, and then from their own folder into a run's.

A guest may run anybody's program, so nothing in its stream is believed. It is a tar file whose members are folder
`out/`, regular files out/NAME, `canary`, and at last `exit_code`; it is refused whole when anything else is in it. The files
come into a folder that holds nothing else, under flat names, with the modes of the host's own files.
"""

import re
import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path

from lab.text.complaint import FAILED, Complaint

OUT = "out"  # in the folder of a guest, beside what the host wrote of it
STREAM = "out.tar"
EXIT_CODE = "exit_code"
CANARY = "canary.txt"  # what the kernel says of its CPUs when the command has ended, to the nanosecond
MOST_CANARY_BYTES = 1 << 16
ALWAYS = ("stdout.txt", "stderr.txt")  # what /init keeps of any command
MOST_MEMBERS = 1000
CHUNK_BYTES = 1 << 20
NOTHING, CUT = "nothing was sent", "the stream is cut"
_CODE = re.compile(rb"[0-9]{1,3}\n?")


class Refused(Exception):
    """Why a stream is not taken."""


def receive(stream: Path, folder: Path, most_bytes: int) -> int:
    """Unpacks `stream` into `folder`, which it makes, and returns the exit code of the guest's command (0 to 255).

    Raises Refused when the stream is cut, is too long, or holds what a guest may not send; `folder` is gone then.
    """
    if not stream.is_file() or stream.stat().st_size == 0:
        raise Refused(NOTHING)
    folder.mkdir()
    try:
        with tarfile.open(stream, "r:", errorlevel=2) as tar:
            return _members(tar, folder, most_bytes)
    except Refused:
        shutil.rmtree(folder)
        raise
    # What tarfile raises for damaged headers is not only its own errors.
    except (tarfile.TarError, ValueError, OverflowError, RecursionError, MemoryError, LookupError) as error:
        shutil.rmtree(folder)
        raise Refused(f"the stream is damaged ({error})") from None
    except OSError as error:
        shutil.rmtree(folder)
        raise Refused(f"its files cannot be written: {error.strerror}") from None


def _members(tar: tarfile.TarFile, folder: Path, most_bytes: int) -> int:
    code, canary = None, b""
    size = 0
    for number, member in enumerate(tar):
        if number > MOST_MEMBERS:
            raise Refused(f"there are more than {MOST_MEMBERS} files")
        if code is not None:
            raise Refused(f"'{member.name}' comes after the end")
        if member.isdir() and member.name == OUT:
            continue
        _check_kind(member)
        size += member.size
        if size > most_bytes:
            raise Refused(f"the files have more than {most_bytes >> 20} MB")
        content = tar.extractfile(member)
        assert content is not None  # of a regular file
        if member.name == EXIT_CODE:
            code = _exit_code(content.read(8))
        elif member.name == CANARY.removesuffix(".txt"):
            canary = content.read(MOST_CANARY_BYTES)
        else:
            with (folder / _file_name(member.name)).open("xb") as file:  # x: no second one of a name
                shutil.copyfileobj(content, file, CHUNK_BYTES)
                if file.tell() != member.size:
                    raise Refused(CUT)
    if code is None:
        raise Refused(CUT)
    if canary:
        (folder.parent / CANARY).write_bytes(canary)
    return code


def _check_kind(member: tarfile.TarInfo) -> None:
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.sparse is not None:
        kinds = {tarfile.DIRTYPE: "a folder", tarfile.SYMTYPE: "a link", tarfile.LNKTYPE: "a link"}
        kind = kinds.get(member.type, "no regular file")
        raise Refused(f"'{member.name}' is {kind}: a command may leave regular files only, in its own folder")


def _file_name(path: str) -> str:
    """The NAME of out/NAME, of which the host's file system need not be afraid."""
    parent, _, name = path.partition("/")
    if parent != OUT or not name or "/" in name or name in (".", "..") or len(name.encode(errors="replace")) > 255:
        raise Refused(f"'{path}' is not the name of a file in its own folder")
    if not name.isprintable():  # neither control characters nor bytes that are no UTF-8
        raise Refused(f"'{path}' has characters in its name that cannot be shown")
    return name


def _exit_code(text: bytes) -> int:
    if not _CODE.fullmatch(text) or int(text) > 255:
        raise Refused(f"its exit code is {text!r}, not a number from 0 to 255")
    return int(text)


def accept(folder: Path, names: Iterable[str]) -> None:
    """Moves the files that the workload's contract lists from OUT into `folder`, where the host's own records are.

    `names` must all be there, no other may be. Raises Complaint where that is not so.
    """
    out = folder / OUT
    expected = (*names, *ALWAYS)
    for name in expected:
        if not (out / name).is_file():
            raise Complaint(out / name, "the guest did not send it: see console.log there", FAILED)
    for file in sorted(out.iterdir()):
        if file.name not in expected:
            raise Complaint(file, f"is none of what the workload leaves, which is {', '.join(expected)}", FAILED)
    for name in expected:
        (out / name).rename(folder / name)
    out.rmdir()
