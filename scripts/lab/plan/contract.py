"""A workload's contract: its options, metrics, stages, roles and headline, as its workload.toml has them.

The lab knows of a workload what stands here and nothing else. The report reads the same contract from the environment
of a suite (`environment["workload"]`), so that results can be read where the workload is not.
"""

import hashlib
import json
import math
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from lab.plan import kinds
from lab.plan.kinds import Flag, Kind, Number, Value, Words, check_keys, shown
from lab.plan.places import WORKLOADS
from lab.text import markdown
from lab.text.complaint import Complaint
from lab.text.files import read_text
from lab.text.names import NAME

# How a column of times is called in the raw table, and how many items must be beyond it: PERCENTILES of a histogram.
PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "p999": 0.999}
UNITS = ("ns", "s", "ops_s", "bytes", "bytes_s", "count", "share")
BETTER = ("lower", "higher")
MEANS = ("interval", "arrival", "duration", "warmup", "seed", "pin", "capacity", "waiting")
SEVERAL = ("pin", "waiting")  # of these, which more than one option may mean
SCHEDULED = "scheduled"  # in [sums]: the items that the schedule has in the run's time
TYPES = ("whole", "number", "flag", "word", "cpu", "node")
MOST_CPUS = 1024
WORD = Words("a word of letters, digits and ./:,=@%+_-", most=1)


@dataclass(frozen=True)
class Option:
    """An option of the program, without its dashes. `default` None: it has none; `means`: what the kit does with it."""

    name: str
    kind: Kind
    default: Value | None
    unit: str
    means: str
    role: str
    help: str


@dataclass(frozen=True)
class Metric:
    """What a run is judged by: a histogram's percentiles (`unit` ns), or a value of stats.csv named like it."""

    name: str
    title: str
    text: str  # what it is, after "title: "
    unit: str
    better: str

    @property
    def higher_is_better(self) -> bool:
        return self.better == "higher"


@dataclass(frozen=True)
class Column:
    """A column of the raw table that holds a metric: all of it, or one percentile."""

    name: str
    metric: Metric
    percentile: str = ""

    @property
    def title(self) -> str:
        return f"{self.metric.title} {self.percentile}".strip()


@dataclass(frozen=True)
class Stage:
    """A part of the response time, in the order in which an item meets them. `waits_for` is a role."""

    name: str
    text: str
    waits_for: str
    queued: bool  # whether the item stands in a queue meanwhile

    @property
    def column(self) -> str:
        return f"{self.name}_ns"


@dataclass(frozen=True)
class Contract:
    """All that the lab knows of a workload. `table` is the TOML's own, which the environment keeps."""

    name: str
    table: Mapping[str, Any]

    @property
    def title(self) -> str:
        return str(self.table["title"])

    @property
    def items(self) -> tuple[str, str]:
        """What it makes: one, and several."""
        one, several = self.table["items"]
        return one, several

    @property
    def command(self) -> str:
        """What the guest runs, with {options} and {seed}."""
        return str(self.table["command"])

    @cached_property
    def options(self) -> dict[str, Option]:
        return {name: _option(name, table) for name, table in self.table["options"].items()}

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        return {
            name: Metric(name, table["title"], table.get("text", ""), table["unit"], table["better"])
            for name, table in self.table["metrics"].items()
        }

    @cached_property
    def stages(self) -> dict[str, Stage]:
        return {
            name: Stage(name, table["text"], table.get("waits_for", ""), table.get("queued", False))
            for name, table in self.table.get("stages", {}).items()
        }

    @property
    def roles(self) -> dict[str, str]:
        return {name: table["text"] for name, table in self.table.get("roles", {}).items()}

    @property
    def sums(self) -> dict[str, list[str]]:
        """Values of stats.csv that others add up to; `scheduled` is what the schedule has."""
        return dict(self.table.get("sums", {}))

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Every column of the raw table that holds a metric, by its name."""
        found = {}
        for metric in self.metrics.values():
            if metric.unit == "ns":
                for percentile in PERCENTILES:
                    name = f"{metric.name}_{percentile}_ns"
                    found[name] = Column(name, metric, percentile)
            else:
                found[metric.name] = Column(metric.name, metric)
        return found

    @property
    def histograms(self) -> list[str]:
        """The metrics that histogram.csv counts."""
        return [metric.name for metric in self.metrics.values() if metric.unit == "ns"]

    @property
    def headline(self) -> list[Column]:
        """What is shown first, in order."""
        return [self.columns[name] for name in self.table["headline"]]

    @property
    def judged(self) -> list[Column]:
        """What verdicts are about."""
        return [self.columns[name] for name in self.table.get("judged", self.table["headline"])]

    def meaning(self, means: str) -> Option | None:
        """The option that means this (one of MEANS); the first of several."""
        return next((each for each in self.options.values() if each.means == means), None)

    @property
    def pins(self) -> dict[str, str]:
        """Of each option that pins a role: the role."""
        return {name: each.role for name, each in self.options.items() if each.means == "pin"}

    @property
    def defaults(self) -> dict[str, Value]:
        return {name: each.default for name, each in self.options.items() if each.default is not None}

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(json.dumps(self.table, sort_keys=True).encode()).hexdigest()


@cache
def names() -> list[str]:
    """The workloads that the kit has."""
    return sorted(file.parent.name for file in WORKLOADS.glob("*/workload.toml"))


@cache
def load(name: str) -> Contract:
    """The contract of the kit's workload `name`. Raises Complaint when there is none, or it is not valid."""
    file = WORKLOADS / name / "workload.toml"
    try:
        table = tomllib.loads(read_text(file))
    except FileNotFoundError:
        raise Complaint(file, f"there is no such workload: give one of {', '.join(names())}") from None
    except (ValueError, RecursionError) as error:
        raise Complaint(file, f"is not valid TOML: {str(error)[:200]}: mend it there") from None
    return of_table(name, table, str(file))


def of_table(name: str, table: Any, where: str) -> Contract:
    """The contract that `table` is: of TOML, or of an environment. Raises Complaint, with place and remedy."""
    contract = Contract(name, table)
    _check(contract, table, where)
    return contract


# What each table of a section may say, and what it must.
SECTIONS = {
    "options": (
        ("type", "low", "high", "values", "form", "unit", "default", "means", "role", "help"),
        ("type", "help"),
    ),
    "metrics": (("title", "text", "unit", "better"), ("title", "unit", "better")),
    "stages": (("text", "waits_for", "queued"), ("text",)),
    "roles": (("text",), ("text",)),
}
NEEDED = ("title", "items", "command", "headline", "options", "metrics")
TOP = (*NEEDED, "judged", "sums", "stages", "roles")
COLUMN = re.compile(r"[a-z][a-z0-9_]{0,40}")  # what becomes a part of a column's name


def _check(contract: Contract, table: Any, where: str) -> None:
    """Raises Complaint about the first thing in a contract that cannot be."""
    _check_table(where, table, TOP, NEEDED)
    for section, (known, needed) in SECTIONS.items():
        tables = table.get(section, {})
        _check_table(f"{where}: [{section}]", tables, tables, ())
        for name, said in tables.items():
            place = f"{where}: [{section}.{name}]"
            _check_table(place, said, known, needed)
            if not (NAME if section == "options" else COLUMN).fullmatch(name):
                raise Complaint(place, "is not a good name: use lower-case letters, digits and '_' only")
            for key in (key for key in said if key not in ("low", "high", "values", "default", "queued")):
                _check_value(place, key, said[key], isinstance(said[key], str), "a text in quotes")
            for key in (key for key in ("title", "text") if key in said):
                _check_plain(place, key, said[key])
            _check_value(
                place, "queued", said.get("queued"), said.get("queued") in (None, True, False), "true or false"
            )
    for name, said in table["metrics"].items():
        for key, valid in (("unit", UNITS), ("better", BETTER)):
            _check_value(f"{where}: [metrics.{name}]", key, said[key], said[key] in valid, _one_of(valid))
    for name, said in table.get("stages", {}).items():
        role = said.get("waits_for")
        known_role = role is None or role in contract.roles
        _check_value(f"{where}: [stages.{name}]", "waits_for", role, known_role, _one_of(contract.roles))
    for name, said in table["options"].items():
        _check_kind(f"{where}: [options.{name}]", said)
    for name, option in contract.options.items():
        place, first = f"{where}: [options.{name}]", contract.meaning(option.means)
        _check_option(place, contract, option)
        alone = not option.means or option.means in SEVERAL or first == option
        _check_value(place, "means", option.means, alone, f"what no other option means, as {first and first.name} does")
    for key in ("title", "command"):
        _check_value(where, key, table[key], isinstance(table[key], str), "a text in quotes")
    good = _are_texts(table["items"]) and len(table["items"]) == 2
    _check_value(where, "items", table["items"], good, 'what one is called, and several: ["item", "items"]')
    for text in (table["title"], *table["items"]):
        _check_plain(where, "title, items", text)
    for key in ("headline", "judged"):
        columns = table.get(key, table["headline"])
        good = _are_texts(columns) and set(columns) <= set(contract.columns)
        _check_value(where, key, columns, good, f"columns of metrics, which are {', '.join(contract.columns)}")
        _check_value(where, key, columns, len(set(columns)) == len(columns), "each column once")
    sums = table.get("sums", {})
    _check_table(f"{where}: [sums]", sums, sums, ())
    for total, parts in sums.items():
        good = _are_texts(parts) and not {total, SCHEDULED} & set(parts)
        _check_value(f"{where}: [sums]", total, parts, good, "the keys of stats.csv that add up to it")
    try:
        contract.command.format(options="", seed=0)
    except (LookupError, ValueError, AttributeError):
        _check_value(where, "command", contract.command, False, "a command with {options} and {seed}")


def _check_plain(place: str, key: str, text: str) -> None:
    """Reports print it as it is."""
    _check_value(place, key, text, markdown.words(text) == text, "a text in one line without Markdown or HTML")


def _check_kind(place: str, said: Mapping[str, Any]) -> None:
    _check_value(place, "type", said["type"], said["type"] in TYPES, _one_of(TYPES))
    for key in (key for key in ("low", "high") if key in said):
        _check_value(place, key, said[key], Number(-math.inf, math.inf, whole=False).accepts(said[key]), "a number")
    _check_value(place, "values", said.get("values"), _are_texts(said.get("values", [""])), "a list of texts")


def _check_option(place: str, contract: Contract, option: Option) -> None:
    for key, value, valid in (
        ("means", option.means, MEANS),
        ("unit", option.unit, kinds.UNITS),
        ("role", option.role, contract.roles),
    ):
        _check_value(place, key, value, not value or value in valid, _one_of(valid))
    _check_value(place, "role", option.role, option.role or option.means != "pin", _one_of(contract.roles))
    good = option.default is None or option.kind.accepts(option.default)
    _check_value(place, "default", option.default, good, str(option.kind))


def _check_table(place: str, value: object, known: Collection[str], needed: Collection[str]) -> None:
    if not isinstance(value, dict):
        raise Complaint(place, f"{shown(value)} is not valid: give a section")
    check_keys(place, value, known)
    if missing := [key for key in needed if key not in value]:
        raise Complaint(place, f"lacks {missing[0]}: add it")


def _check_value(place: str, key: str, value: object, is_good: object, valid: str) -> None:
    if not is_good:
        raise Complaint(place, f"{key} = {shown(value)} is not valid: give {valid}")


def _one_of(valid: Iterable[str]) -> str:
    return "one of " + ", ".join(valid)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)


def _option(name: str, table: Mapping[str, Any]) -> Option:
    said = {key: str(table.get(key, "")) for key in ("unit", "means", "role", "help")}
    return Option(name, _kind(table), table.get("default"), **said)


def _kind(table: Mapping[str, Any]) -> Kind:
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
    raise AssertionError(table["type"])  # one of TYPES, as _check_kind() has seen
