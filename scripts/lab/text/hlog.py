"""HdrHistogram's logs, as HistogramLogWriter of any language writes them: V2, compressed, in base64, an interval a line."""

import base64
import binascii
import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterator

# What tells a reader the version: V2, and 0x10 for counts of variable length.
COOKIE, COMPRESSED_COOKIE = 0x1C849303 | 0x10, 0x1C849304 | 0x10
HEADER = struct.Struct(">IIIIQQd")  # cookie, length, offset, significant digits, lowest, highest, ratio
LINE = re.compile(r"(?:Tag=[^,]*,)?[0-9.]+,[0-9.]+,[0-9.]+,([A-Za-z0-9+/=]+)")
MOST_BYTES = 1 << 24  # of one histogram
MOST_BUCKETS = 1 << 24  # of one of 5 digits, which has the most: 64 * 2^17


def counted(text: str) -> Counter[float]:
    """How often each value was met in all intervals: of each bucket the highest that it counts, as its percentiles are.

    Raises ValueError, with what is wrong.
    """
    counts: Counter[float] = Counter()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith(("#", '"StartTimestamp"')):
            continue
        match = LINE.fullmatch(line.strip())
        if not match:
            raise ValueError(f"line {number} is none of an HdrHistogram log")
        try:
            counts.update(_histogram(base64.b64decode(match[1], validate=True)))
        except (binascii.Error, struct.error, zlib.error, IndexError, OverflowError) as error:
            raise ValueError(f"line {number} has a damaged histogram ({error})") from None
    if not counts:
        raise ValueError("has no histogram with anything in it")
    return counts


def _histogram(content: bytes) -> Counter[float]:
    cookie, length = struct.unpack_from(">II", content)
    if cookie != COMPRESSED_COOKIE:
        raise ValueError("has a histogram that is not of version 2, compressed")
    stream = zlib.decompressobj()
    unpacked = stream.decompress(content[8:], MOST_BYTES)
    if len(content) != 8 + length or not stream.eof:
        raise ValueError("has a histogram that is cut")
    cookie, length, _, digits, lowest, _, ratio = HEADER.unpack_from(unpacked)
    if len(unpacked) != HEADER.size + length:
        raise ValueError("has a histogram that is cut")
    if cookie != COOKIE or not 0 <= digits <= 5 or not lowest or ratio != 1:
        raise ValueError("has a histogram that is not of version 2")
    linear_bits = (2 * 10**digits - 1).bit_length()  # values below 2^linear_bits units have a bucket each
    unit_bits = lowest.bit_length() - 1
    counts: Counter[float] = Counter()
    index = 0
    for word in _words(unpacked[HEADER.size : HEADER.size + length]):
        if word > 0:
            counts[_highest(index, linear_bits, unit_bits)] += word
        index += max(1, -word)
        if index > MOST_BUCKETS:
            raise ValueError("has a histogram of more buckets than any has")
    return counts


def _highest(index: int, linear_bits: int, unit_bits: int) -> int:
    """The highest value that the bucket at `index` counts."""
    half = 1 << (linear_bits - 1)
    shift = max(0, (index >> (linear_bits - 1)) - 1)
    place = index if index < half else (index & (half - 1)) + half
    return ((place + 1) << (shift + unit_bits)) - 1


def _words(content: bytes) -> Iterator[int]:
    """The numbers of a ZigZag LEB128 stream, whose ninth byte has 8 bits."""
    place = 0
    while place < len(content):
        word = 0
        for count in range(9):
            byte = content[place]
            place += 1
            word |= (byte if count == 8 else byte & 0x7F) << (7 * count)
            if count == 8 or not byte & 0x80:
                break
        yield (word >> 1) ^ -(word & 1)
