"""HdrHistogram's log, which its tools read: each histogram of a run, a line each with the metric as its tag.

Its encoding is V2, compressed, as HdrHistogram's classes AbstractHistogram and HistogramLogWriter write it, with three
significant digits: the buckets of pipelab's own programs are the same, so that no count moves (src/record/histogram.hpp).
"""

import base64
import struct
import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from lab.plan.contract import Contract
from lab.runs import outputs, run_record
from lab.runs.guest_files import OUT
from lab.runs.outputs import Buckets
from lab.text.complaint import FAILED, Complaint
from lab.text.files import read_text
from lab.text.hlog import COMPRESSED_COOKIE, COOKIE

DIGITS = 3
LINEAR_BITS = 11  # values below 2^11 have a bucket each
# A reader has buckets up to a power of 2: this one's hold the bucket of values that were too large as well.
HIGHEST_TRACKABLE = 2**49 - 1
HEADER = """\
#[Histogram log format version 1.3]
#[StartTime: 0.000 (seconds since epoch), Thu Jan 01 00:00:00 UTC 1970]
#[BaseTime: 0.000 (seconds since epoch)]
"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"
"""


def text(run: Path) -> str:
    """The log of the run in the folder `run`: one interval from 0 on, as long as what was measured. Values are ns."""
    folder = run / OUT if (run / OUT).is_dir() else run
    known = run_record.contract_of(run)
    length_s, histograms = _of_own(folder, known) if known and known.own else _of_kit(folder, run)
    lines = []
    for metric, buckets in histograms.items():
        largest_ms = buckets.highest_ns[-1] / 1e6 if buckets.highest_ns else 0.0
        counts: Counter[int] = Counter()  # a user's program may tell times apart that are one here
        for highest_ns, count in zip(buckets.highest_ns, buckets.count):
            counts[index_of(highest_ns)] += count
        content = encode(counts)
        stream = zlib.compress(content)
        histogram = base64.b64encode(struct.pack(">II", COMPRESSED_COOKIE, len(stream)) + stream).decode()
        lines.append(f"Tag={metric},0.000,{length_s:.3f},{largest_ms:.3f},{histogram}\n")
    return HEADER + "".join(lines)


def _of_kit(folder: Path, run: Path) -> tuple[float, dict[str, Buckets]]:
    """How long a run of one of the kit's workloads measured, and its histograms by metric."""
    file = folder / outputs.HISTOGRAM
    if not file.is_file():
        what = f"has no {outputs.HISTOGRAM}: give the folder of a run, such as result_data/runs/RUN"
        raise Complaint(run, what, FAILED)
    metrics = dict.fromkeys(line.split(",")[0] for line in read_text(file).splitlines()[1:])
    return outputs.read_stats(folder / outputs.STATS)["duration_s"], outputs.read_histograms(file, list(metrics))


def _of_own(folder: Path, known: Contract) -> tuple[float, dict[str, Buckets]]:
    """The same of a user's program, wherever its contract says that its times are."""
    if not known.times:
        given = [metric.name for metric in known.metrics.values() if metric.unit == "ns"]
        why = (
            f"knows of {given[0]} only the percentiles that the program computes" if given else "has no metric of times"
        )
        remedy = (
            "a log of histograms needs all of them: add a metric whose unit is ns and whose pattern matches once a time"
        )
        raise Complaint(known.given, f"{why}; {remedy}")
    stats = outputs.read_stats(folder / outputs.PROCESS, outputs.REQUIRED_OF_PROCESS)
    return stats["duration_s"], outputs.histograms_of(folder, known)


def index_of(value: int) -> int:
    """The place of the bucket that counts `value` in HdrHistogram's array of counts."""
    value = min(value, HIGHEST_TRACKABLE)
    shift = max(0, value.bit_length() - LINEAR_BITS)
    return (shift << (LINEAR_BITS - 1)) + (value >> shift)


def encode(counts: Mapping[int, int]) -> bytes:
    """The V2 encoding of `counts` by index, in ascending order: zigzag numbers, n of a count and -n of n empty buckets."""
    words, place = bytearray(), 0
    for index, count in counts.items():
        empty = index - place
        words += leb128(2 * empty - 1 if empty > 1 else 0) if empty else b""
        words += leb128(2 * count)
        place = index + 1
    words = words or bytearray(1)
    return struct.pack(">IIIIQQd", COOKIE, len(words), 0, DIGITS, 1, HIGHEST_TRACKABLE, 1.0) + words


def leb128(word: int) -> bytes:
    """A word of 64 bits as HdrHistogram's LEB128, which needs no tenth byte: the ninth holds 8 bits."""
    found = bytearray()
    while len(found) < 8 and word > 0x7F:
        found.append(word & 0x7F | 0x80)
        word >>= 7
    return bytes(found) + bytes([word])
