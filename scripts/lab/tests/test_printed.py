"""Numbers that programs print in their own ways, HdrHistogram's log among them."""

import base64
import random
import struct
import zlib
from collections import Counter

import pytest

from lab.report.exports import hlog as exporter
from lab.text import hlog, printed


@pytest.mark.parametrize(
    "text, value", [("1", 1), ("1.5e3", 1500), ("1,234,567.5", 1234567.5), (" 12 ", 12), ("-3", -3)]
)
def test_a_number_is_read(text: str, value: float) -> None:
    assert printed.number(text) == value


@pytest.mark.parametrize("text", ["", "1,23", "1,2345", "1_0", "nan", "0x10", "1 2", "12,34,567"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        printed.number(text)


def test_one_number_is_wanted_and_one_only() -> None:
    assert printed.only("a 1\nb 2\n", "^b ([0-9]+)$") == 2
    with pytest.raises(ValueError, match="matches nothing"):
        printed.only("a", "c([0-9])")
    with pytest.raises(ValueError, match="matches 2 times"):
        printed.only("c1 c2", "c([0-9])")


def test_times_are_counted_one_by_one_or_as_the_text_says() -> None:
    assert printed.counted("t 2\nt 3\nt 2\n", "^t ([0-9]+)$") == {2.0: 2, 3.0: 1}
    # cyclictest's histogram has a column a thread
    assert printed.counted("000002 000005 000001\n000003 000000 000000\n", r"^([0-9]+)((?: [0-9]+)+)$") == {2.0: 6}
    with pytest.raises(ValueError, match="matches nothing"):
        printed.counted("000003 000000\n", r"^([0-9]+)((?: [0-9]+)+)$")


def test_numbers_are_found_in_json() -> None:
    value = {"a": [{"b": 1.5}, "2"], "c": {"10": 3, "20": 1}}
    assert (printed.of_json(value, "a.0.b"), printed.of_json(value, "a.1")) == (1.5, 2)
    assert printed.counted_in_json(value, "c") == {10.0: 3, 20.0: 1}
    assert printed.counted_in_json({"t": [1, 2.5, 1]}, "t") == {1.0: 2, 2.5: 1}
    for path in ("a.2", "a.b", "d", "a.0"):
        with pytest.raises(ValueError, match="its JSON has"):
            printed.of_json(value, path)
    with pytest.raises(ValueError, match="no list of times"):
        printed.counted_in_json(value, "a.1")


def log_of(values: list[int]) -> str:
    counts = Counter(map(exporter.index_of, values))
    stream = zlib.compress(exporter.encode(dict(sorted(counts.items()))))
    packed = base64.b64encode(struct.pack(">II", hlog.COMPRESSED_COOKIE, len(stream)) + stream).decode()
    return f"Tag=x,0.000,1.000,2.000,{packed}\n"


def highest(value: int) -> int:
    """Of the bucket that counts it, of three significant digits."""
    shift = max(0, value.bit_length() - exporter.LINEAR_BITS)
    return ((value >> shift) + 1 << shift) - 1


def test_a_log_of_hdrhistogram_is_read_to_the_last_count() -> None:
    draw = random.Random(1)
    values = [draw.randrange(10 ** draw.randrange(1, 14)) for _ in range(300)]
    log = log_of(values)
    assert hlog.counted(exporter.HEADER + log) == Counter(map(highest, values))
    for end in range(1, len(log.rstrip())):
        with pytest.raises(ValueError):
            hlog.counted(log[:end])
    two = hlog.counted(log + log_of([5, 5]))
    assert two[5] == Counter(map(highest, values))[5] + 2


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("", "has no histogram"),
        ("hello", "line 1 is none of an HdrHistogram log"),
        ("0,1,2,AAAA", "line 1 has a damaged histogram"),
        ("0,1,2,AAAAAAAAAAA=", "is not of version 2, compressed"),
        (log_of([1, 2])[:-6] + "\n", "line 1 "),
    ],
)
def test_a_damaged_log_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        hlog.counted(text)
