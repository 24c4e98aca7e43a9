"""Where the code of a user's program was: maps, segments and names made by hand, and a parcel that is one."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from lab.counters import maps, symbols
from lab.counters.maps import Image, Mapping, Segment

MAPS = """\
image 71 /root/usr/local/bin/my app
aaaa0000-aaaa2000 r-xp 00000000 00:02 35                       /root/usr/local/bin/my app
aaac0000-aaac1000 rw-p 0000f000 00:02 35                       /root/usr/local/bin/my app
bbbb0000-bbbb1000 rw-p 00000000 00:00 0                        [heap]
ffff00000000-ffff00001000 rwxp 00000000 00:00 0 
ffff10000000-ffff10100000 r-xp 00000000 00:02 40               /root/lib/libc.so.6 (deleted)
ffff20000000-ffff20001000 r-xp 00000000 00:00 0                [vdso]
image 70 /root/bin/busybox
400000-401000 r-xp 00000000 00:02 9                            /root/bin/busybox
nonsense
"""
READELF = """\
  Type:                              DYN (Position-Independent Executable file)
  LOAD           0x000000 0x0000000000000000 0x0000000000000000 0x0017c4 0x0017c4 R E 0x10000
  LOAD           0x00fd60 0x000000000001fd60 0x000000000001fd60 0x000370 0x001000 RW  0x10000
  DYNAMIC        0x00fdb0 0x000000000001fdb0 0x000000000001fdb0 0x000200 0x000200 RW  0x8
"""
NM = """\
0000000000000010 0000000000000008 b a_threads_own
0000000000000300 T _init
0000000000000900 0000000000000100 t main::{lambda()#1}::operator()() const
0000000000001000 T unsized@@VERSION_2.1
0000000000020000 0000000000000040 D shared
0000000000020800 0000000000000008 b zeros
"""
CODE = Mapping(0xAAAA0000, 0xAAAA2000, True, 0, "/root/usr/local/bin/my app")
DATA = Mapping(0xAAAC0000, 0xAAAC1000, False, 0xF000, "/root/usr/local/bin/my app")


def named(names: symbols.Symbols, *addresses: int) -> list[str | None]:
    return list(names.lookup(pd.Series(addresses, dtype="uint64"))["name"])


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """All files are one program."""
    monkeypatch.setattr(maps, "_said", lambda tool, *_: READELF if tool == "readelf" else NM)


@pytest.fixture
def parcel(tmp_path: Path) -> Path:
    """With a program, and a link that leads out of it."""
    file = tmp_path / "root/usr/local/bin/my app"
    file.parent.mkdir(parents=True)
    file.write_text("of ELF")
    (file.parent / "link").symlink_to("/etc/passwd")
    names = "root\nroot/usr/local/bin/my app\nroot/usr/local/bin/link\n"
    made = subprocess.run(
        ["cpio", "-o", "-H", "newc"], input=names.encode(), cwd=tmp_path, capture_output=True, check=True
    )
    (tmp_path / "parcel.cpio").write_bytes(made.stdout)
    return tmp_path / "parcel.cpio"


def test_maps_are_read_by_program() -> None:
    app, busybox = maps.parse(MAPS)
    assert (app.program, busybox.program) == ("my app", "busybox")
    assert app.memory[:2] == (CODE, DATA)
    assert [each.label for each in app.memory if each.is_code] == ["[my app]", "[JIT]", "[libc.so.6]", "[vdso]"]
    assert busybox.memory[0].label == "[busybox]" and len(busybox.memory) == 1


def test_segments_are_those_that_are_loaded() -> None:
    assert maps.segments(READELF) == [
        Segment(0, 0, 0x17C4, 0x17C4, True),
        Segment(0xFD60, 0x1FD60, 0x370, 0x1000, False),
    ]


@pytest.mark.usefixtures("tools")
def test_names_are_where_their_file_was_loaded() -> None:
    file = maps.read(Path("my_app"))
    rows = maps.placed(file, CODE)
    assert list(rows["name"]) == ["main::{lambda()#1}::operator()() const", "unsized"]
    assert list(rows["address"]) == [0xAAAA0900, 0xAAAA1000] and list(rows["end"]) == [0xAAAA0A00, 0xAAAA2000]
    # Neither what comes before the data, nor a thread's own; but the zeros behind it.
    rows = maps.placed(file, DATA)
    assert list(zip(rows["address"], rows["name"])) == [(0xAAAC1000, "shared"), (0xAAAC1800, "zeros")]
    assert maps.placed(file, Mapping(0, 4096, True, 0x40000, "")).empty


@pytest.mark.usefixtures("tools")
def test_what_has_no_name_is_called_by_its_file(parcel: Path) -> None:
    names = maps.of_images(maps.parse(MAPS), parcel)
    assert named(names, 0xAAAA0900, 0xAAAA0800, 0xFFFF10000100, 0xFFFF20000000, 0xFFFF00000000) == [
        "main::{lambda()#1}::operator()() const",
        "[my app]",
        "[libc.so.6]",
        "[vdso]",
        "[JIT]",
    ]
    assert named(names, 0x400010, 0x500000, 0xBBBB0000) == ["[busybox]", None, None]
    assert symbols.short("[my app]") == "[my app]"
    assert symbols.short("runtime.(*mcache[int]).nextFree") == "runtime.(*mcache[int]).nextFree"


def test_only_regular_files_are_taken_from_a_parcel(parcel: Path, tmp_path: Path) -> None:
    files = [f"/root/usr/local/bin/{name}" for name in ("my app", "link", "missing", "*")]
    found = maps._taken(parcel, [*files, "/root/../etc/passwd"], tmp_path / "taken")
    assert list(found) == files[:1] and found[files[0]].read_text() == "of ELF"


@pytest.mark.usefixtures("tools")
def test_odd_addresses_are_thumb_on_32_bit_arm(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "00000501 00000010 T thumb\n00010000 00000004 D data\n"
    monkeypatch.setattr(maps, "_said", lambda tool, *_: "  Machine:    ARM\n" if tool == "readelf" else said)
    assert list(maps.read(Path("x")).names["address"]) == [0x500, 0x10000]


def test_it_is_said_of_how_many_programs_the_code_is() -> None:
    images = [Image("sh", ()), Image("app", ()), Image("app", ())]
    assert maps.notes(images, {"main"}) == ["of 2 programs (sh, app): a name may be of several of them"]
    assert maps.notes(images[1:], {maps.ELSEWHERE})[0].startswith("[elsewhere]: ")
    assert maps.notes(images[:1], {"main"}) == []
