"""Tables of what the counters saw, from a report made by hand."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest

from lab.counters import counters, hot_spots, symbols
from lab.text.complaint import Complaint

NM = """\
0000000000000010 0000000000000008 b a_threads_own
0000000000400000 0000000000000100 T main
0000000000400000 t $x
0000000000500000 0000000000000040 B queue
0000000000500080 B unsized
0000000000500100 B last
"""
KALLSYMS = "ffff800008010000 T schedule\nffff800008010100 t idle\nffff800008010200 T _etext\n"
LINE = {"vaddr": 0x500000, "paddr": 0x1000, "load_pc": 0, "l1_misses": 9, "true_sharing": 0, "false_sharing": 9}
# It has the counts; the two CPUs write bytes 0 to 7 and 8 to 15 of the line.
LEFT = LINE | {"cpu": 0, "touched": 0xFFFF, "wrote": 0xFF, "store_pc": 0x400010, "transfers": 60, "invalidations": 60}
RIGHT = LINE | {"cpu": 1, "touched": 0xFF00, "wrote": 0xFF00, "store_pc": 0x30, "transfers": 60, "invalidations": 60}


def report(**parts: Any) -> dict[str, Any]:
    row = {"region": 0, "times": 1, "cpu": 0, "space": "user", "instructions": 5, "loads": 1, "stores": 1}
    return {"version": 1, "target": "aarch64", "regions": [row], "caches": {"line_bytes": 64}} | parts


@pytest.fixture
def names(tmp_path: Path) -> symbols.Symbols:
    (tmp_path / "nm").write_text(NM)
    (tmp_path / "kallsyms").write_text(KALLSYMS)
    return symbols.read([tmp_path / "nm", tmp_path / "kallsyms"])


@pytest.mark.parametrize(
    "address, name",
    [
        (0x10, "?"),
        (0x400000, "main+0"),
        (0x4000FF, "main+255"),
        (0x400100, "?"),
        (0x500090, "unsized+16"),
        (0x500101, "?"),
        (0xFFFFAAAA0000, "?"),
        (0xFFFF8000080101FF, "idle+255"),
    ],
)
def test_an_address_is_named_by_the_symbol_that_covers_it(names: symbols.Symbols, address: int, name: str) -> None:
    assert list(counters.named(names, pd.Series([address], dtype="uint64"), pd.Series(["?"]))) == [name]


@pytest.mark.parametrize(
    "whole, name",
    [
        ("schedule", "schedule"),
        ("void a::B<c::D<int>, 2u>::f<long>(std::array<int, 3ul> const&) const [clone .isra.0]", "a::B::f"),
        ("std::ostream& std::operator<< <std::char_traits<char> >(std::ostream&, char const*)", "std::operator"),
        ("a::f()::{lambda(int)#2}::operator()(int) const", "a::f::lambda"),
        (
            "std::thread::_State_impl<W<a::run<L<2> >(O)::{lambda()#2}>::W()::{lambda()#1}>::_M_run()",
            "a::run::lambda#2",
        ),
    ],
)
def test_long_names_are_shortened(whole: str, name: str) -> None:
    assert symbols.short(whole) == name


def test_a_line_that_two_cpus_write_at_different_offsets_is_named(names: symbols.Symbols) -> None:
    table = counters.shared_lines(report(contended_lines=[LEFT, RIGHT]), names)
    assert list(table["data"]) == ["queue+0", "queue+8"]
    assert list(table["first_byte"]) == [0, 8] and list(table["last_byte"]) == [7, 15]
    assert list(table["code"]) == ["main+16", "[vdso]"]
    assert set(table["space"]) == {"user"}


@pytest.mark.parametrize(
    "lines",
    [
        [LEFT],
        [LEFT, RIGHT | {"wrote": 0}],  # it only reads
        [LEFT, RIGHT | {"wrote": 0xFF}],  # the same bytes
        [LEFT, RIGHT | {"paddr": 0x1040}],  # another line
        [LEFT, RIGHT | {"vaddr": 0x700000}],  # the same memory when it was something else
        [LEFT | {"transfers": 0, "invalidations": 1}, RIGHT | {"transfers": 1, "invalidations": 0}],  # one move
    ],
)
def test_other_lines_are_not(names: symbols.Symbols, lines: list[dict[str, Any]]) -> None:
    assert counters.shared_lines(report(contended_lines=lines), names).empty


def test_functions_add_up(names: symbols.Symbols) -> None:
    addresses = [0x400000, 0x400080, 0xFFFFAAAA0000, 0xFFFF800008010000]
    pieces = [{"vaddr": address, "instructions": 10} for address in addresses]
    table = counters.functions(report(profile=pieces), names)
    assert list(table["function"]) == ["main", "[vdso]", "schedule"]
    assert list(table["space"]) == ["user", "user", "kernel"]
    assert list(table["instructions"]) == [20, 10, 10]
    assert table["share"].sum() == pytest.approx(1)


def test_the_picture_has_every_hot_spot_and_is_well_formed(names: symbols.Symbols) -> None:
    table = counters.functions(report(profile=[{"vaddr": 0x400000, "instructions": 7}]), names)
    picture = hot_spots.draw(table.assign(function="main<a&b>$x$\x1b"), "t<000>")
    texts = [
        str(each.text).strip() for each in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert {"t<000>", "main<a&b>$x$\\x1b", "7 (100.0 %)", "% of all 7 instructions"} <= set(texts)
    assert picture == hot_spots.draw(table.assign(function="main<a&b>$x$\x1b"), "t<000>")


@pytest.mark.parametrize("content", ["", "{", "[]", json.dumps(report(version=2)), json.dumps(report(regions=[]))])
def test_a_bad_report_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "counters.json").write_text(content)
    with pytest.raises(Complaint, match="counters.json: "):
        counters.read(tmp_path / "counters.json")


def test_hidden_kernel_addresses_are_refused(tmp_path: Path) -> None:
    (tmp_path / "kallsyms").write_text("0000000000000000 T schedule\n")
    with pytest.raises(Complaint, match="hid them"):
        symbols.read([tmp_path / "kallsyms"])
