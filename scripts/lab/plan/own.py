"""A user's own program: what its contract says and that of a workload of the kit does not.

    program = "../build/my_app"                   # a file, or several; or: package = "rt-tests"
    command = "my_app --rate {rate} --name 'x y'"  # {options} by name, and {seed}
    [metrics.latency]
    stdout = 'latency ([0-9.]+) us'                # or stderr; or file, with pattern, json, or an HdrHistogram log
    in = "us"
"""

import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.plan.kinds import UNITS, Value, are_texts, check_keys, check_value, one_of, quantity
from lab.text.complaint import Complaint

TRAVELS = ("program", "package")  # of which a contract of a user's program has one at least, or a rootfs
ROOTFS = "rootfs"  # of [guest]
KEYS = (*TRAVELS, "guest", "files", "sysroot", "limit")
STREAMS = {"stdout": "stdout.txt", "stderr": "stderr.txt"}
FINDERS = (*STREAMS, "pattern", "json")
SOURCE = (*STREAMS, "file", "pattern", "json", "in")  # of a metric
LIMIT_S = 60.0  # of the guest's time, that the program may take
MOST_LIMIT_S = 86400.0
PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
SEED, OPTIONS = "seed", "options"  # placeholders of any command
PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]{0,99}")
PLAIN_FILE = re.compile(r"[A-Za-z0-9_+][A-Za-z0-9_.+-]{0,99}")
KIT_FILES = ("process.csv", "threads.csv", "hang.txt", "maps.txt", "calls.csv")  # that the attendant writes
NEARLY_UNITS: dict[str, Mapping[str, float]] = {"bytes_s": UNITS["bytes"], "share": {"%": 0.01}}


@dataclass(frozen=True)
class Source:
    """Where the numbers of a metric are: what `patterns` find in a text file, or `paths` in a JSON file. Both are by
    percentile; by "" it is the value, or all times. With neither the file is an HdrHistogram log.

    `factor` is what one of the numbers is in the metric's unit.
    """

    file: str
    patterns: Mapping[str, str] = field(hash=False)
    paths: Mapping[str, str] = field(hash=False)
    factor: float
    place: str  # in the contract, for complaints

    @property
    def percentiles(self) -> list[str]:
        """Those that the program itself computes; none where it leaves all times."""
        return [name for name in (*self.patterns, *self.paths) if name]


@dataclass(frozen=True)
class Own:
    """What travels into the guest, by paths that exist or not, and how long the program may take there."""

    programs: tuple[tuple[str, Path], ...]  # what each is called there, and its file here
    packages: tuple[str, ...]
    files: Path | None
    sysroot: Path | None
    rootfs: Path | None
    limit_s: float


def is_own(table: Mapping[str, Any]) -> bool:
    """Whether a contract is that of a user's program."""
    guest = table.get("guest")
    return any(key in table for key in TRAVELS) or (isinstance(guest, dict) and ROOTFS in guest)


def check_rootfs(where: str, table: Mapping[str, Any]) -> None:
    """Raises Complaint where `rootfs` is not in [guest]."""
    if ROOTFS in table:
        remedy = 'write guest.rootfs = "..." there, or rootfs below [guest]'
        raise Complaint(where, f"rootfs is of the guest: {remedy}")


def of_table(table: Mapping[str, Any], folder: Path, instead: Path | None = None) -> Own | None:
    """What a checked contract in `folder` says; None for a workload of the kit. `instead` stands in for its first program."""
    if not is_own(table):
        return None
    said = {"rootfs": table.get("guest", {}).get(ROOTFS)} | {key: table.get(key) for key in ("files", "sysroot")}
    paths = {key: folder / text if text else None for key, text in said.items()}
    files = [folder / text for text in _list(table.get("program", []))]
    places = [instead, *files[1:]] if instead and files else files
    return Own(
        programs=tuple((file.name, place) for file, place in zip(files, places)),
        packages=tuple(_list(table.get("package", []))),
        limit_s=_seconds(table.get("limit", LIMIT_S)),
        **paths,
    )


def whole(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """With what the contract of a user's program may leave out."""
    metrics = table.get("metrics")
    found = [each for each in metrics.values() if isinstance(each, dict)] if isinstance(metrics, dict) else []
    has_times = any(
        each.get("unit") == "ns" and not any(isinstance(each.get(key), dict) for key in FINDERS) for each in found
    )
    items = ["item", "items"] if has_times else ["run", "runs"]  # percentiles alone say of how many times they are not
    said = {"title": name, "items": items, "options": {}} | table
    if isinstance(said["options"], dict):
        said["options"] = {
            key: {"help": key.replace("-", " ")} | each if isinstance(each, dict) else each
            for key, each in said["options"].items()
        }
    if isinstance(metrics, dict):
        said["metrics"] = {
            key: {"title": _title(key, each)} | each if isinstance(each, dict) else each
            for key, each in metrics.items()
        }
    return said


def _title(name: str, metric: Mapping[str, Any]) -> str:
    """Of a metric that has none: its name without the unit at its end."""
    return name.removesuffix(f"_{metric.get('unit')}").replace("_", " ")


def check(where: str, table: Mapping[str, Any], options: Collection[str]) -> None:
    """Raises Complaint about what the contract of a user's program says of it. `options` are its own."""
    for key in ("program", "package"):
        value = table.get(key, "x")
        good = (isinstance(value, str) and value or are_texts(value)) and not any("\0" in each for each in _list(value))
        check_value(where, key, value, good, "a text in quotes, or a list of them")
    names = [Path(text).name for text in _list(table.get("program", []))]
    if several := next((name for name in names if names.count(name) > 1), None):
        raise Complaint(where, f"program has two files that are called {several} in the guest: rename one")
    for name in _list(table.get("package", [])):
        check_value(where, "package", name, PACKAGE.fullmatch(name), "the name of a Debian package")
    for place, key, value in (
        (where, "files", table.get("files", "x")),
        (where, "sysroot", table.get("sysroot", "x")),
        (f"{where}: [guest]", ROOTFS, table.get("guest", {}).get(ROOTFS, "x")),
    ):
        check_value(place, key, value, isinstance(value, str) and value and "\0" not in value, "a path in quotes")
    limit = table.get("limit", LIMIT_S)
    good = isinstance(limit, (int, float, str)) and not isinstance(limit, bool) and 0 < _seconds(limit) <= MOST_LIMIT_S
    check_value(where, "limit", limit, good, 'seconds up to a day, or a text such as "90s"')
    _check_command(where, table["command"], options)


def _check_command(where: str, command: str, options: Collection[str]) -> None:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise Complaint(where, f"command: {str(error).lower()}: mend its quotes") from None
    check_value(where, "command", command, words and "\0" not in command, "what starts the program, and its arguments")
    used = {match[1] for word in words for match in PLACEHOLDER.finditer(word) if match[1] is not None}
    known = (*options, SEED, OPTIONS)
    for name in sorted(used):
        check_keys(f"{where}: command", [name], known, f"has {{{name[:40]}}}, which is no option ({{{{ is a brace)")
    unused = [name for name in options if name not in used and OPTIONS not in used]
    if unused:
        what = f"command has no {{{unused[0]}}}, so that the option would change nothing: add it, or remove the option"
        raise Complaint(where, what)


def check_source(place: str, said: Mapping[str, Any], percentiles: Collection[str]) -> None:
    """Raises Complaint about where a metric's numbers are said to be."""
    given = [key for key in (*STREAMS, "file") if key in said]
    if len(given) > 1:
        raise Complaint(place, f"has {' and '.join(given)}: a metric is read from one: remove the other")
    found = [key for key in ("pattern", "json", "in") if key in said and not given]
    if found:
        raise Complaint(place, f"has {found[0]} and no file to look in: add file, or give stdout")
    if not given:
        return
    if given == ["file"]:
        name = said["file"]
        good = isinstance(name, str) and PLAIN_FILE.fullmatch(name) and name not in KIT_FILES
        check_value(
            place, "file", name, good, "the name of a file that the program leaves in the folder it is started in"
        )
        if "pattern" in said and "json" in said:
            raise Complaint(place, "has pattern and json: a metric is found by one: remove the other")
        if said["unit"] != "ns" and not ("pattern" in said or "json" in said):
            raise Complaint(place, "has a file and nothing to find in it: add pattern or json")
    key = next((key for key in ("pattern", "json", *STREAMS) if key in said), "")
    if key:
        _check_finders(f"{place}: {key}", key, said[key], said["unit"], percentiles)
    units = _units(said["unit"])
    if "in" in said:
        check_value(
            place,
            "in",
            said["in"],
            isinstance(said["in"], str) and said["in"] in units,
            one_of(units) if units else "none, as it has no other",
        )


def _check_finders(place: str, key: str, value: object, unit: str, percentiles: Collection[str]) -> None:
    """A pattern or path, or in the place of all times one for each percentile that the program computes."""
    if isinstance(value, dict) and unit == "ns":
        for name in value:
            check_keys(place, [name], percentiles, f"{str(name)[:40]} is no percentile")
    finders = list(value.values()) if isinstance(value, dict) and unit == "ns" else [value]
    good = bool(finders) and all(isinstance(each, str) and each for each in finders)
    check_value(place, key, value, good, "a text in quotes" + ", or one for each percentile, as p50" * (unit == "ns"))
    if key == "json":
        return
    for text in finders:
        try:
            groups = re.compile(str(text), re.MULTILINE).groups
        except (re.error, OverflowError, RecursionError) as error:
            raise Complaint(place, f"is no regular expression ({error}): mend it") from None
        most = 2 if unit == "ns" and not isinstance(value, dict) else 1
        if not 1 <= groups <= most:
            several = ", or two, a time and how often it was met" * (most == 2)
            what = f"'{str(text)[:60]}' has {groups} groups in brackets: give it one, round the number{several}"
            raise Complaint(place, f"{what}; (?:...) is none")


def source_of(said: Mapping[str, Any], place: str) -> Source | None:
    """Where a metric's numbers are; None: in stats.csv or histogram.csv, which the program writes as the kit's do."""
    stream = next((key for key in STREAMS if key in said), "")
    if not stream and "file" not in said:
        return None
    file = STREAMS.get(stream) or str(said["file"])
    patterns, paths = _by_percentile(said.get(stream or "pattern")), _by_percentile(said.get("json"))
    factor = _units(said["unit"])[said["in"]] if "in" in said else 1.0
    return Source(file, patterns, paths, factor, place)


def command(template: str, values: Mapping[str, Value], seed: int, all_options: str) -> list[str]:
    """The words of the command with the options' values. A flag is --name or no word."""

    def value_of(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        value = seed if match[1] == SEED and SEED not in values else values[match[1]]
        return f"--{match[1]}" * value if isinstance(value, bool) else str(value)

    words = []
    for word in shlex.split(template):
        if word == f"{{{OPTIONS}}}":
            words += all_options.split()
        elif (text := PLACEHOLDER.sub(value_of, word)) or not word.startswith("{"):
            words.append(text)
    return words


def _by_percentile(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    return dict(value) if isinstance(value, dict) else {"": str(value)}


def _units(unit: str) -> Mapping[str, float]:
    """What a program may print in the place of `unit`, and how many of it that is."""
    return NEARLY_UNITS.get(unit, UNITS.get(unit, {}))


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _seconds(value: float | str) -> float:
    """Of a number, or of a text with a unit; 0 where it is none, or too large for one."""
    try:
        return float((quantity(value, "s") if isinstance(value, str) else value) or 0)
    except OverflowError:
        return 0
