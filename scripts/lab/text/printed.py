"""Numbers in what a program prints in its own way: in its text by a regular expression, in its JSON by a path."""

import re
from collections import Counter
from typing import Any

from lab.text import strict

THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(?![0-9,])")
MOST_SHOWN = 60  # characters of a pattern


def number(text: str) -> float:
    """The number that `text` is; 1,234,567 as well. Raises ValueError."""
    text = text.strip()
    match = THOUSANDS.match(text)
    return strict.real(match[0].replace(",", "") + text[match.end() :] if match else text)


def only(text: str, pattern: str) -> float:
    """The number in the brackets of `pattern`, which may match once only. Raises ValueError, with what it did instead."""
    found = [match[1] for match in re.finditer(pattern, text, re.MULTILINE)]
    if not found:
        raise ValueError(f"{_shown(pattern)} matches nothing")
    if len(found) > 1:
        raise ValueError(f"{_shown(pattern)} matches {len(found)} times, and one number is wanted")
    return number(found[0] or "")


def counted(text: str, pattern: str) -> Counter[float]:
    """How often each time was met: once a match of one pair of brackets; of two the second says it, as one number or
    several that are added up. Raises ValueError."""
    counts: Counter[float] = Counter()
    for match in re.finditer(pattern, text, re.MULTILINE):
        times = sum(strict.whole(word) for word in (match[2] or "").split()) if match.re.groups == 2 else 1
        counts[number(match[1] or "")] += times
    if not +counts:
        raise ValueError(f"{_shown(pattern)} matches nothing")
    return +counts


def at(value: Any, path: str) -> Any:
    """What stands in JSON at a.path.0.of keys and places. Raises ValueError where it goes nowhere."""
    for word in path.split("."):
        if isinstance(value, dict) and word in value:
            value = value[word]
        elif isinstance(value, list) and word.isdecimal() and int(word) < len(value):
            value = value[int(word)]
        else:
            raise ValueError(f"its JSON has nothing at {path[:MOST_SHOWN]} ({word[:MOST_SHOWN]} is not there)")
    return value


def of_json(value: Any, path: str) -> float:
    """The number at `path`. Raises ValueError."""
    found = at(value, path)
    if isinstance(found, str):
        return number(found)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise ValueError(f"its JSON has no number at {path[:MOST_SHOWN]}")
    return float(found)


def counted_in_json(value: Any, path: str) -> Counter[float]:
    """How often each number of the list at `path` is there; of an object, whose keys are times, how often it says. Raises
    ValueError."""
    found = at(value, path)
    if isinstance(found, dict):
        counts: Counter[float] = Counter()
        for time, times in found.items():  # 1.1 and 1.10 are one
            counts[number(time)] += strict.whole(str(times))
        return counts
    if not isinstance(found, list) or not found or any(isinstance(each, bool) for each in found):
        raise ValueError(f"its JSON has no list of times at {path[:MOST_SHOWN]}")
    return Counter(float(each) if isinstance(each, (int, float)) else number(str(each)) for each in found)


def _shown(pattern: str) -> str:
    return f"'{pattern[:MOST_SHOWN]}'"
