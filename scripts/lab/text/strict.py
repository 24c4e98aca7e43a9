"""Numbers as people and programs write them, and nothing else that Python's int() and float() take as well."""

import json
import math
import re
from typing import Any

WHOLE = re.compile(r"-?[0-9]{1,18}")  # which 64 bits hold
LARGEST = 2**64 - 1
REAL = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")


def whole(text: str) -> int:
    """The integer that `text` is. Raises ValueError for all else: 1_0, ' 1', 1.0, or more than 18 digits."""
    if not WHOLE.fullmatch(text):
        raise ValueError(f"'{text[:40]}' is not a whole number")
    return int(text)


def real(text: str) -> float:
    """The number that `text` is. Raises ValueError for all else: 1_0, nan, inf, 1e400."""
    if not REAL.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError(f"'{text[:40]}' is not a number")
    return float(text)


def parse_json(text: str) -> Any:
    """The value that `text` is in JSON. Raises ValueError for all else: NaN, 1e400, nesting without end, a key twice."""
    try:
        return json.loads(
            text, parse_int=_whole_of_json, parse_float=real, parse_constant=real, object_pairs_hook=_without_repetition
        )
    except RecursionError:
        raise ValueError("nested too deep") from None


def _whole_of_json(text: str) -> int:
    """A seed's limit has more than 18 digits, and 64 bits hold it all the same."""
    return LARGEST if text == str(LARGEST) else whole(text)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("has a key twice")
    return table
