"""A workload's contract: its options, metrics, stages, roles and headline, as its workload.toml has them.

The lab knows of a workload what stands here and nothing else. The report reads the same contract from the environment
of a suite (`environment["workload"]`), so that results can be read where the workload is not.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from lab.plan.kinds import Flag, Kind, Number, Value, Words
from lab.plan.places import WORKLOADS
from lab.text.complaint import FAILED, Complaint
from lab.text.files import read_text

# How a column of times is called in the raw table, and how many items must be beyond it: PERCENTILES of a histogram.
PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "p999": 0.999}
UNITS = ("ns", "s", "ops_s", "bytes", "bytes_s", "count", "share")
BETTER = ("lower", "higher")
MEANS = ("interval", "arrival", "duration", "warmup", "seed", "pin", "capacity", "waiting")
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
            name: Stage(name, table["text"], table.get("waits_for", ""))
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
    except ValueError as error:
        raise Complaint(file, f"is not valid TOML: {error}: mend it there", FAILED) from None
    return of_table(name, table, str(file))


def of_table(name: str, table: Any, where: str) -> Contract:
    """The contract that `table` is: of TOML, or of an environment. Raises Complaint, with place and remedy."""
    contract = Contract(name, table)
    if wrong := _fault(contract, table):
        raise Complaint(where, f"{wrong}: mend it there", FAILED)
    return contract


def _fault(contract: Contract, table: Any) -> str:
    """What is wrong with a contract; empty when nothing is."""
    try:
        for name, metric in contract.metrics.items():
            if metric.unit not in UNITS:
                return f"[metrics.{name}] unit = {metric.unit!r} is not one of {', '.join(UNITS)}"
            if metric.better not in BETTER:
                return f"[metrics.{name}] better = {metric.better!r} is not one of {', '.join(BETTER)}"
        for name in (*table["headline"], *table.get("judged", ())):
            if name not in contract.columns:
                return f"headline: {name!r} is no column of a metric: give some of {', '.join(contract.columns)}"
        for option in contract.options.values():
            if option.means and option.means not in MEANS:
                return f"[options.{option.name}] means = {option.means!r} is not one of {', '.join(MEANS)}"
            if option.default is not None and not option.kind.accepts(option.default):
                return f"[options.{option.name}] default = {option.default!r} is not {option.kind}"
        texts = (contract.title, contract.command, *contract.items, *contract.roles)
        return "" if all(isinstance(text, str) for text in texts) else "has something else where a text should be"
    except KeyError as error:
        return f"lacks {error}"
    except (TypeError, ValueError, AttributeError) as error:
        return f"is no contract ({error})"


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
    raise ValueError(f"type = {table['type']!r} is not whole, number, flag, word, cpu or node")
