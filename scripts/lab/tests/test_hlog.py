"""The log for HdrHistogram's tools, read as its own reader does: HistogramLogReader, and AbstractHistogram's decoding."""

import base64
import csv
import random
import struct
import zlib

import pytest

from lab.report import exports
from lab.report.exports import hlog
from lab.runs.run_record import RunRecord
from lab.tables.measured import PERCENTILES, raw_table
from lab.text.complaint import Complaint

HALF = 1 << (hlog.LINEAR_BITS - 1)


def decoded(encoding: bytes) -> dict[int, int]:
    """The counts of a V2 encoding by index."""
    cookie, length, offset, digits, lowest, highest, factor = struct.unpack_from(">IIIIQQd", encoding)
    assert (cookie, length, offset, digits, lowest) == (0x1C849313, len(encoding) - 40, 0, 3, 1)
    assert (highest, factor) == (562_949_953_421_311, 1.0)
    counts, index, place = {}, 0, 40
    while place < len(encoding):
        word = 0
        for shift in range(0, 63, 7):
            byte = encoding[place]
            place += 1
            word |= (byte & 0x7F if shift < 56 else byte) << shift
            if byte < 128:
                break
        number = word >> 1 ^ -(word & 1)
        if number < 0:
            index -= number
            continue
        if number:
            counts[index] = number
        index += 1
    return counts


def highest_of(index: int) -> int:
    """The largest value that is the same to a histogram as those of the bucket."""
    if index < HALF:
        return index
    width = 1 << (index // HALF - 1)
    return (HALF + index % HALF) * width + width - 1


def intervals(log: str) -> dict[str, tuple[list[float], dict[int, int]]]:
    """By tag: begin, length (s) and largest value (ms), and the counts."""
    found = {}
    for line in log.splitlines()[4:]:
        tag, *figures, text = line.removeprefix("Tag=").split(",")
        compressed = base64.b64decode(text, validate=True)
        assert struct.unpack_from(">II", compressed) == (0x1C849314, len(compressed) - 8)
        found[tag] = ([float(figure) for figure in figures], decoded(zlib.decompress(compressed[8:])))
    return found


def percentile(counts: dict[int, int], quantile: float) -> int:
    """As getValueAtPercentile() finds it."""
    wanted = max(1, -int(-quantile * sum(counts.values()) // 1))
    for index, count in sorted(counts.items()):
        wanted -= count
        if wanted <= 0:
            return highest_of(index)
    return 0


def test_a_reader_finds_every_bucket_and_percentile_of_a_run(records: list[RunRecord]) -> None:
    log = exports.OF_RUN["hlog"](records[0].folder)
    assert log.startswith("#[Histogram log format version 1.3]\n#[StartTime: 0.000 ")
    found = intervals(log)
    rows = list(csv.DictReader((records[0].folder / "histogram.csv").open()))
    raw = raw_table(records[:1])[0].iloc[0]
    for tag, (figures, counts) in found.items():
        own = [(int(row["highest_ns"]), int(row["count"])) for row in rows if row["metric"] == tag]
        assert [(highest_of(index), count) for index, count in counts.items()] == own
        for name, quantile in PERCENTILES.items():
            known = raw[f"{tag}_{name}_ns"]
            assert known != known or percentile(counts, quantile) == known
        length_s = records[0].outputs.stats["duration_s"]
        assert figures == [0, pytest.approx(length_s, abs=1e-3), pytest.approx(own[-1][0] / 1e6, abs=1e-3)]
    assert sorted(found) == sorted({row["metric"] for row in rows})
    with pytest.raises(Complaint, match="has no histogram.csv: give the folder of a run"):
        exports.OF_RUN["hlog"](records[0].folder.parent)


def test_it_encodes_as_hdrhistogram_does() -> None:
    """The bytes were made by HdrHistogram 2.1.11 (Java)."""
    values = {0: 1, 5: 2, 4096: 1, 2**48 - 1: 1, 2**48: 1}
    encoding = hlog.encode({hlog.index_of(value): count for value, count in values.items()})
    assert encoding.hex(" ", 4) == bytes(
        [0x1C, 0x84, 0x93, 0x13, 0, 0, 0, 0x0B, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1]
        + [0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0]
        + [0x02, 0x07, 0x04, 0xF3, 0x2F, 0x02, 0xFB, 0xBF, 0x04, 0x02, 0x02]
    ).hex(" ", 4)
    assert hlog.encode({})[4:8] == bytes([0, 0, 0, 1]) and hlog.encode({})[40:] == b"\0"


def test_counts_of_every_length_and_gaps_of_one_and_of_many_are_kept() -> None:
    chance = random.Random(7)
    every = {index: 1 << chance.randrange(62) for index in range(39 * HALF)}
    for counts in (every, {1: 3, 3: 1, 4: 2**62 - 1, 100: 7}, {index: 1 for index in range(1, 39 * HALF, 2)}):
        assert decoded(hlog.encode(counts)) == counts
    assert [hlog.index_of(highest_of(index)) for index in range(39 * HALF)] == list(range(39 * HALF))
