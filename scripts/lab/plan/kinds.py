"""What a key of a suite file may have as its value."""

import difflib
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.text import strict
from lab.text.complaint import Complaint
from lab.text.names import NAME

Value = int | float | str | bool
MARGIN = 0.03  # changes up to this share are called the same, where the file does not say


MOST = 10**18 - 1  # so that every number can be written and calculated with


@dataclass(frozen=True)
class Number:
    """A number from `low` to `high`; with `whole` an integer."""

    low: float = -MOST
    high: float = MOST
    whole: bool = True

    def __str__(self) -> str:
        kind = "an integer" if self.whole else "a number"
        return f"{kind} of at most 18 digits" if self.high == MOST else f"{kind} from {self.low} to {self.high}"

    def accepts(self, value: object) -> bool:
        if not isinstance(value, (int, float)) or isinstance(value, bool):  # a bool is an int to Python
            return False
        return self.low <= value <= self.high and not (self.whole and isinstance(value, float))


class Words:
    """A text that becomes words of a command line: nothing that a shell or the kernel takes apart, up to `most` words.

    With `values` it is one of these.
    """

    WORD = re.compile(r"[A-Za-z0-9_./:,=@%+-]+")

    def __init__(self, about: str, most: int | None = None, values: tuple[str, ...] = ()) -> None:
        self.about = about
        self.most = most
        self.values = values

    def __str__(self) -> str:
        return self.about

    def accepts(self, value: object) -> bool:
        if not isinstance(value, str):
            return False
        if self.values:
            return value in self.values
        words = value.split(" ") if value else []
        return (self.most is None or len(words) == self.most) and all(
            self.WORD.fullmatch(word) and word not in ("--", "run") for word in words
        )


WORDS = Words("words of a command line")


class Flag:
    """true, which the command has as --name, or false, which it has not."""

    def __str__(self) -> str:
        return "true or false"

    def accepts(self, value: object) -> bool:
        return isinstance(value, bool)


Kind = Number | Words | Flag
TYPES = ("whole", "number", "flag", "word", "cpu", "node")  # of an option, in a contract
MOST_CPUS = 1024
WORD = Words("a word of letters, digits and ./:,=@%+_-", most=1)


def shown(value: object) -> str:
    """`value` as TOML has it, or nearly, and cut to what fits a line."""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        text = repr(value)
    except ValueError:  # Python prints no integer of more than 4300 digits
        return "a huge number"
    except RecursionError:
        return "something nested deeply"
    return text if len(text) <= 40 else text[:37] + "..."


QUANTITY = re.compile(r"([0-9.eE+-]+) ?([A-Za-z]+)")
TIMES = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
# By the unit of an option, what a text may have in its place, and how many of it that is.
UNITS: dict[str, dict[str, float]] = {
    unit: {name: many / one for name, many in TIMES.items()} for unit, one in TIMES.items()
} | {"bytes": {"B": 1, "kB": 1e3, "KiB": 2**10, "MB": 1e6, "MiB": 2**20, "GB": 1e9, "GiB": 2**30}}


def quantity(text: str, unit: str) -> Value | None:
    """The number of `unit` (a key of UNITS) that "1.5ms" or "64KiB" is; None when it is none."""
    match = QUANTITY.fullmatch(text)
    if match is None or match[2] not in UNITS.get(unit, {}):
        return None
    try:
        return plain(round(strict.real(match[1]) * UNITS[unit][match[2]], 9))
    except ValueError:
        return None


def plain(value: Value) -> Value:
    """A number as it is written however it was given: 2 for 2.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


MOST_NAMES = 30  # in a complaint


def check_keys(where: str, keys: Collection[str], known: Collection[str], what: str = "") -> None:
    """Raises Complaint about the first of `keys` that is not known, with the one that was probably meant."""
    for key in keys:
        if key not in known:
            raise Complaint(where, f"{what or f'unknown key {shown(key)}'}: {meant(key, known)}")


def meant(key: str, known: Collection[str]) -> str:
    """What to give in the place of a key that is not known."""
    if near := difflib.get_close_matches(key, known, n=1):
        return f"did you mean {near[0]}?"
    others = len(known) - MOST_NAMES
    return "give one of " + ", ".join([*known][:MOST_NAMES]) + f", or {others} others" * (others > 0)


def check_table(place: str, value: object, known: Collection[str], needed: Collection[str] = ()) -> None:
    """Raises Complaint where `value` is no table, has a key that is not known, or lacks a needed one."""
    if not isinstance(value, dict):
        raise Complaint(place, f"{shown(value)} is not valid: give a section")
    check_keys(place, value, known)
    if missing := [key for key in needed if key not in value]:
        raise Complaint(place, f"lacks {missing[0]}: add it")


def check_value(place: str, key: str, value: object, is_good: object, valid: str) -> None:
    """Raises Complaint, with what would be `valid`, where the value of a key is not good."""
    if not is_good:
        raise Complaint(place, f"{key} = {shown(value)} is not valid: give {valid}")


def one_of(valid: Iterable[str]) -> str:
    """What to give, of several."""
    return "one of " + ", ".join(valid)


def are_texts(value: object) -> bool:
    """Whether it is a list of texts, at least one."""
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)


def checked_name(where: object, place: str, name: str) -> str:
    """`name`, which is to be one. Raises Complaint."""
    if not NAME.fullmatch(name):
        what = f"{place}: {shown(name)} is not a good name: use up to 64 letters, digits, '-' and '_' only"
        raise Complaint(where, what)
    return name


def check_option(place: str, said: Mapping[str, Any]) -> None:
    """Raises Complaint where what a contract says of an option makes no kind."""
    check_value(place, "type", said["type"], said["type"] in TYPES, one_of(TYPES))
    for key in (key for key in ("low", "high") if key in said):
        check_value(place, key, said[key], Number(-math.inf, math.inf, whole=False).accepts(said[key]), "a number")
    check_value(place, "values", said.get("values"), are_texts(said.get("values", [""])), "a list of texts")


def of_option(table: Mapping[str, Any]) -> Kind:
    """What an option may have as its value, as its checked table in a contract says."""
    match table["type"]:
        case "whole":
            return Number(table.get("low", 0), table.get("high", 2**64))
        case "number":
            return Number(table.get("low", -(2**63)), table.get("high", 2**63), whole=False)
        case "cpu" | "node":
            return Number(0, MOST_CPUS - 1)
        case "flag":
            return Flag()
        case "word":
            values = table.get("values")
            return Words(f"one of {', '.join(values)}", most=1, values=tuple(values)) if values else WORD
    raise AssertionError(table["type"])  # one of TYPES, as check_option() has seen
