"""A workload's contract: its options, metrics, stages, roles and headline, as its workload.toml has them.

The lab knows of a workload what stands here and nothing else. The report reads the same contract from the environment
of a suite (`environment["workload"]`), so that results can be read where the workload is not.
"""

import hashlib
import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from lab.plan import kinds, own
from lab.plan.kinds import (
    Flag,
    Kind,
    Number,
    Value,
    Words,
    are_texts,
    check_keys,
    check_table,
    check_value,
    checked_name,
    one_of,
)
from lab.plan.own import Own, Source
from lab.plan.places import WORKLOADS
from lab.text import markdown
from lab.text.complaint import Complaint
from lab.text.files import read_text
from lab.text.names import NAME

# How a column of times is called in the raw table, and how many items must be beyond it: PERCENTILES of a histogram.
PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "p999": 0.999}
# That a program leaves.
STATS, HISTOGRAM, THREADS, SAMPLES = "stats.csv", "histogram.csv", "threads.csv", "samples.csv"
SERIES = "series.csv"
UNITS = ("ns", "us", "s", "ops_s", "bytes", "bytes_s", "count", "share")
BETTER = ("lower", "higher")
MEANS = ("interval", "rate", "arrival", "pattern", "duration", "warmup", "seed", "pin", "capacity", "waiting", "series")
SEVERAL = ("pin", "waiting")  # of these, which more than one option may mean
SCHEDULED = "scheduled"  # in [sums]: the items that the schedule has in the run's time


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
    """What a run is judged by: a histogram's percentiles (`unit` ns), or a value of stats.csv named like it. A user's
    program may have its numbers elsewhere."""

    name: str
    title: str
    text: str  # what it is, after "title: "
    unit: str
    better: str
    source: Source | None = None
    sampled: bool = False  # the histogram counts some of the items only

    @property
    def higher_is_better(self) -> bool:
        return self.better == "higher"

    @property
    def percentiles(self) -> list[str]:
        """Of a time: those of PERCENTILES that are known of it."""
        given = self.source.percentiles if self.source else []
        return [name for name in PERCENTILES if name in given or not given]


@dataclass(frozen=True)
class Column:
    """A column of the raw table that holds a metric: all of it, or one percentile."""

    name: str
    metric: Metric
    percentile: str = ""

    @property
    def title(self) -> str:
        return f"{self.metric.title} {self.percentile}".strip()

    @property
    def counts_items(self) -> bool:
        """Whether it is a percentile of all items of a run: not of some, nor one that a program computed itself."""
        source = self.metric.source
        return bool(self.percentile) and not self.metric.sampled and not (source and source.percentiles)


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
    """All that the lab knows of a workload. `table` is the TOML's own, which the environment keeps.

    `given` is what a row calls it: the name of a workload of the kit, or the file of a user's contract.
    """

    name: str
    table: Mapping[str, Any]
    given: str = ""
    instead: Path | None = None  # of a user's program: the file that stands in for it

    @cached_property
    def own(self) -> Own | None:
        """What is to be known of a user's own program; None for a workload of the kit."""
        return own.of_table(self.table, Path(self.given).parent, self.instead)

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

    def image_for(self, options: Mapping[str, Value]) -> str:
        """Which of IMAGES a run with these options needs; "": the usual one."""
        images = self.table.get("images", {})
        return next((name for name, said in images.items() if any(options.get(key) == said[key] for key in said)), "")

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        return {
            name: Metric(
                name,
                table["title"],
                table.get("text", ""),
                table["unit"],
                table["better"],
                own.source_of(table, f"[metrics.{name}]"),
                table.get("sampled", False),
            )
            for name, table in self.table["metrics"].items()
        }

    @property
    def ordered(self) -> bool:
        """Whether items come in the order in which they were intended, as those of one producer do."""
        return bool(self.table.get("ordered", True))

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
    def needed_roles(self) -> set[str]:
        """Those that every run has a thread of: a stage waits for it. Others may have none."""
        return {stage.waits_for for stage in self.stages.values() if stage.waits_for}

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
                for percentile in metric.percentiles:
                    name = f"{metric.name}_{percentile}_ns"
                    found[name] = Column(name, metric, percentile)
            else:
                found[metric.name] = Column(metric.name, metric)
        return found

    @property
    def histograms(self) -> list[str]:
        """The metrics that histogram.csv counts."""
        return [metric.name for metric in self.metrics.values() if metric.unit == "ns" and not metric.source]

    @property
    def times(self) -> list[str]:
        """The metrics of which all times are known, in histogram.csv or elsewhere."""
        given = {metric.name for metric in self.metrics.values() if metric.source and metric.source.percentiles}
        return [metric.name for metric in self.metrics.values() if metric.unit == "ns" and metric.name not in given]

    @property
    def files(self) -> list[str]:
        """The files that the program leaves, which are read; of a user's its streams, and what the attendant adds, are beside."""
        if self.own is None:
            wanted = {STATS: True, HISTOGRAM: self.histograms, THREADS: self.roles, SAMPLES: self.stages}
            wanted[SERIES] = self.meaning("series")
            return [name for name, is_wanted in wanted.items() if is_wanted]
        sources = [metric.source for metric in self.metrics.values() if metric.source]
        found = {source.file for source in sources} - set(own.STREAMS.values())
        counted = any(metric.unit != "ns" and not metric.source for metric in self.metrics.values())
        needed = {STATS: counted, HISTOGRAM: self.histograms, SAMPLES: self.stages}
        return sorted(found | {name for name, is_needed in needed.items() if is_needed})

    @property
    def headline(self) -> list[Column]:
        """What is shown first, in order."""
        return [self.columns[name] for name in self.table.get("headline") or self.columns]

    @property
    def judged(self) -> list[Column]:
        """What verdicts are about."""
        chosen = self.table.get("judged")
        return [self.columns[name] for name in chosen] if chosen else self.headline

    def meaning(self, means: str) -> Option | None:
        """The option that means this (one of MEANS); the first of several."""
        return next((each for each in self.options.values() if each.means == means), None)

    @property
    def load(self) -> Option | None:
        """The option that says how often items come: an interval, or a rate."""
        return self.meaning("interval") or self.meaning("rate")

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


def is_own(given: str) -> bool:
    """Whether it is the file of a user's contract, and not the name of a workload."""
    return given.endswith(".toml")


@cache
def load(given: str) -> Contract:
    """The contract of the kit's workload, or of the user's program, in the file, that is `given`. Raises Complaint when
    there is none, or it is not valid."""
    file = Path(given) if is_own(given) else WORKLOADS / given / "workload.toml"
    name = checked_name(file, "the file's name", file.stem) if is_own(given) else given
    try:
        table = tomllib.loads(read_text(file))
    except FileNotFoundError:
        remedy = "mend the suite's workload" if is_own(given) else f"give one of {', '.join(names())}"
        raise Complaint(file, f"there is no such workload: {remedy}") from None
    except OSError as error:
        raise Complaint(file, f"cannot be read ({error.strerror}): mend that") from None
    except (ValueError, RecursionError) as error:
        raise Complaint(file, f"is not valid TOML: {str(error)[:200]}: mend it there") from None
    if any(key in table for key in SUITES):  # a suite that has its contract in it, whose keys it checks itself
        table = {key: value for key, value in table.items() if key in ALL_KEYS}
        guest = table.pop("guest", {})
        if isinstance(guest, dict) and own.ROOTFS in guest:
            table["guest"] = {own.ROOTFS: guest[own.ROOTFS]}
    own.check_rootfs(str(file), table)
    if is_own(given) and not _is_mine(table):
        raise Complaint(file, "says of no program what it is: add program = (a file), or package = (of Debian)")
    return of_table(name, table, str(file), given)


def of_table(name: str, table: Any, where: str, given: str = "") -> Contract:
    """The contract that `table` is: of TOML, or of an environment. Raises Complaint, with place and remedy."""
    contract = Contract(name, own.whole(name, table) if _is_mine(table) else table, given)
    _check(contract, contract.table, where)
    return contract


# What each table of a section may say, and what it must.
SECTIONS = {
    "options": (
        ("type", "low", "high", "values", "form", "unit", "default", "means", "role", "help"),
        ("type", "help"),
    ),
    "metrics": (("title", "text", "unit", "better", "sampled", *own.SOURCE), ("title", "unit", "better")),
    "stages": (("text", "waits_for", "queued"), ("text",)),
    "roles": (("text",), ("text",)),
}
NEEDED = ("title", "items", "command", "options", "metrics")
TOP = (*NEEDED, "headline", "judged", "sums", "stages", "roles", "images", "ordered")
NO_TEXTS = (
    "low",
    "high",
    "values",
    "default",
    "queued",
    "sampled",
    *own.SOURCE,
)  # keys whose values are checked by themselves
ALL_KEYS = (*TOP, *own.KEYS)  # of a user's program
IMAGES = ("go",)  # that make_image.sh can make beside the usual one, for programs
SUITES = ("scenario", "matrix", "group")  # what only a suite has
COLUMN = re.compile(r"[a-z][a-z0-9_]{0,40}")  # what becomes a part of a column's name


def _is_mine(table: Any) -> bool:
    """Whether a table is the contract of a user's program."""
    return isinstance(table, dict) and own.is_own(table)


def _check(contract: Contract, table: Any, where: str) -> None:
    """Raises Complaint about the first thing in a contract that cannot be."""
    mine = _is_mine(table)
    check_table(where, table, ALL_KEYS if mine else TOP, NEEDED)
    check_table(f"{where}: [guest]", table.get("guest", {}), (own.ROOTFS,), ())
    for section, (known, needed) in SECTIONS.items():
        tables = table.get(section, {})
        check_table(f"{where}: [{section}]", tables, tables, ())
        for name, said in tables.items():
            place = f"{where}: [{section}.{name}]"
            check_table(place, said, known, needed)
            if not (NAME if section == "options" else COLUMN).fullmatch(name):
                raise Complaint(place, "is not a good name: use lower-case letters, digits and '_' only")
            for key in (key for key in said if key not in NO_TEXTS):
                check_value(place, key, said[key], isinstance(said[key], str), "a text in quotes")
            for key in (key for key in ("title", "text") if key in said):
                _check_plain(place, key, said[key])
            for key in ("queued", "sampled"):
                check_value(place, key, said.get(key), said.get(key) in (None, True, False), "true or false")
    check_value(where, "ordered", table.get("ordered"), table.get("ordered") in (None, True, False), "true or false")
    for name, said in table["metrics"].items():
        for key, valid in (("unit", UNITS), ("better", BETTER)):
            check_value(f"{where}: [metrics.{name}]", key, said[key], said[key] in valid, one_of(valid))
        if mine:
            own.check_source(f"{where}: [metrics.{name}]", said, PERCENTILES)
        else:
            check_keys(f"{where}: [metrics.{name}]", said, [key for key in said if key not in own.SOURCE])
    for name, said in table.get("stages", {}).items():
        role = said.get("waits_for")
        known_role = role is None or role in contract.roles
        check_value(f"{where}: [stages.{name}]", "waits_for", role, known_role, one_of(contract.roles))
    for name, said in table["options"].items():
        kinds.check_option(f"{where}: [options.{name}]", said)
    for name, option in contract.options.items():
        place, first = f"{where}: [options.{name}]", contract.meaning(option.means)
        _check_option(place, contract, option)
        alone = not option.means or option.means in SEVERAL or first == option
        check_value(place, "means", option.means, alone, f"what no other option means, as {first and first.name} does")
    for key in ("title", "command"):
        check_value(where, key, table[key], isinstance(table[key], str), "a text in quotes")
    good = are_texts(table["items"]) and len(table["items"]) == 2
    check_value(where, "items", table["items"], good, 'what one is called, and several: ["item", "items"]')
    for text in (table["title"], *table["items"]):
        _check_plain(where, "title, items", text)
    check_value(where, "metrics", table["metrics"], table["metrics"], "one metric at least, as [metrics.time_s]")
    for key in ("headline", "judged"):
        columns = table.get(key) or [each.name for each in getattr(contract, key)]
        good = are_texts(columns) and set(columns) <= set(contract.columns)
        check_value(where, key, columns, good, f"columns of metrics, which are {', '.join(contract.columns)}")
        check_value(where, key, columns, len(set(columns)) == len(columns), "each column once")
    sums = table.get("sums", {})
    check_table(f"{where}: [sums]", sums, sums, ())
    for total, parts in sums.items():
        good = are_texts(parts) and not {total, SCHEDULED} & set(parts)
        check_value(f"{where}: [sums]", total, parts, good, "the keys of stats.csv that add up to it")
    if mine:
        own.check(where, table, contract.options)
        return
    images = table.get("images", {})
    check_table(f"{where}: [images]", images, IMAGES, ())
    for name, said in images.items():
        check_table(f"{where}: [images.{name}]", said, contract.options, ())
        for key, value in said.items():
            kind = contract.options[key].kind
            check_value(f"{where}: [images.{name}]", key, value, kind.accepts(value), str(kind))
    try:
        contract.command.format(options="", seed=0)
    except (LookupError, ValueError, AttributeError):
        check_value(where, "command", contract.command, False, "a command with {options} and {seed}")


def _check_plain(place: str, key: str, text: str) -> None:
    """Reports print it as it is."""
    check_value(place, key, text, markdown.words(text) == text, "a text in one line without Markdown or HTML")


def _check_option(place: str, contract: Contract, option: Option) -> None:
    for key, value, valid in (
        ("means", option.means, MEANS),
        ("unit", option.unit, kinds.UNITS),
        ("role", option.role, contract.roles),
    ):
        check_value(place, key, value, not value or value in valid, one_of(valid))
    check_value(place, "role", option.role, option.role or option.means != "pin", one_of(contract.roles))
    good = option.default is None or option.kind.accepts(option.default)
    check_value(place, "default", option.default, good, str(option.kind))


def _option(name: str, table: Mapping[str, Any]) -> Option:
    said = {key: str(table.get(key, "")) for key in ("unit", "means", "role", "help")}
    return Option(name, kinds.of_option(table), table.get("default"), **said)
