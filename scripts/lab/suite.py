"""A suite: the scenarios of one TOML file, checked."""

import difflib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.complaint import Complaint

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
STUDIES = ("pipeline",)

Value = int | float | str


@dataclass(frozen=True)
class Kind:
    """What an option's value may be: a number from `low` up, or one of `words`."""

    types: tuple[type, ...] = ()
    low: float = 0
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.words:
            return "one of " + ", ".join(f'"{word}"' for word in self.words)
        noun = "a number" if float in self.types else "an integer"
        return f"{noun} of at least {self.low:g}"

    def accepts(self, value: object) -> bool:
        if self.words:
            return value in self.words
        # bool is an int to Python, but not to a user
        return type(value) in self.types and isinstance(value, (int, float)) and value >= self.low


INTEGER = Kind((int,))
POSITIVE = Kind((int,), low=1)

# The options of `pipelab pipeline` that a scenario may set. The program itself checks upper limits.
OPTIONS = {
    "duration": Kind((int, float), low=0.001),
    "warmup": Kind((int, float)),
    "prod-interval-us": INTEGER,
    "queue-cap": POSITIVE,
    "pin-producer": INTEGER,
    "pin-consumer": INTEGER,
    "work-bytes": INTEGER,
    "max-samples": INTEGER,
    "queue": Kind(words=("spsc", "mutex")),
    "on-full": Kind(words=("drop", "block")),
    "pacing": Kind(words=("sleep", "deadline")),
    "wait": Kind(words=("spin", "yield", "futex", "hybrid")),
}
GUEST = {"smp": POSITIVE, "memory-mb": Kind((int,), low=64)}
TOP = ("title", "study", "common", "guest", "scenario")


@dataclass(frozen=True)
class Scenario:
    """One way to run the program: `options` without their leading dashes."""

    name: str
    options: dict[str, Value]


@dataclass(frozen=True)
class Suite:
    name: str
    title: str
    study: str
    smp: int
    memory_mb: int
    scenarios: tuple[Scenario, ...]


def load(path: Path) -> Suite:
    """Reads and checks a suite file. Raises Complaint with file, place and remedy."""
    try:
        table = tomllib.loads(path.read_text())
    except FileNotFoundError:
        suites = ", ".join(sorted(file.stem for file in path.parent.glob("*.toml")))
        raise Complaint(path, f"there is no such suite: give one of {suites}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Complaint(path, f"is not valid TOML: {error}: mend it there") from None
    _check_name(path, "the file's name", path.stem)
    _check_keys(str(path), table, TOP)
    guest = _section(path, table, "guest", GUEST)
    common = _section(path, table, "common", OPTIONS)
    sections = table.get("scenario", {})
    if not isinstance(sections, dict) or not sections:
        raise Complaint(path, "has no scenario: add a section such as [scenario.baseline]")
    return Suite(
        name=path.stem,
        title=_word(path, table, "title", path.stem),
        study=_study(path, table),
        smp=guest.get("smp", 2),
        memory_mb=guest.get("memory-mb", 512),
        scenarios=tuple(_scenario(path, name, section, common) for name, section in sections.items()),
    )


def _scenario(path: Path, name: str, section: object, common: dict[str, Value]) -> Scenario:
    place = f"[scenario.{name}]"
    _check_name(path, place, name)
    if not isinstance(section, dict):
        raise Complaint(path, f"{place}: is not a section: write {place} on a line of its own")
    return Scenario(name, common | _checked(f"{path}: {place}", section, OPTIONS))


def _section(path: Path, table: dict[str, Any], name: str, kinds: dict[str, Kind]) -> dict[str, Any]:
    section = table.get(name, {})
    if not isinstance(section, dict):
        raise Complaint(path, f"{name}: is not a section: write [{name}] on a line of its own")
    return _checked(f"{path}: [{name}]", section, kinds)


def _checked(where: str, section: dict[str, Any], kinds: dict[str, Kind]) -> dict[str, Any]:
    _check_keys(where, section, tuple(kinds))
    for key, value in section.items():
        if not kinds[key].accepts(value):
            raise Complaint(where, f"{key} = {value!r} is not valid: give {kinds[key]}")
    return section


def _check_keys(where: str, section: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in section:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else "give one of " + ", ".join(known)
            raise Complaint(where, f"unknown key '{key}': {remedy}")


def _check_name(path: Path, place: str, name: str) -> None:
    if not NAME.fullmatch(name):
        raise Complaint(path, f"{place}: '{name}' is not a good name: use letters, digits, '-' and '_' only")


def _word(path: Path, table: dict[str, Any], key: str, standard: str) -> str:
    value = table.get(key, standard)
    if not isinstance(value, str):
        raise Complaint(path, f"{key} = {value!r} is not valid: give a text in quotes")
    return value


def _study(path: Path, table: dict[str, Any]) -> str:
    study = _word(path, table, "study", STUDIES[0])
    if study not in STUDIES:
        raise Complaint(path, f"study = '{study}' is not valid: give {', '.join(STUDIES)}")
    return study
