"""A suite: the scenarios of one TOML file, checked."""

import difflib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.plan import contract, objectives
from lab.plan.contract import Contract
from lab.plan.guest import KEYS as GUEST
from lab.plan.kinds import MARGIN, Kind, Number, Value, shown
from lab.plan.objectives import Objective
from lab.text.complaint import Complaint
from lab.text.names import NAME

MOST_BYTES, MOST_SCENARIOS = 2**18, 1000  # of a file, and in it
MOST_DOTS = 100  # of a line: tomllib is slow at a.b.c...
TOP = ("title", "question", "workload", "baseline", "margin", "slo", "common", "guest", "scenario")


@dataclass(frozen=True)
class Scenario:
    """One way to run the program: `options` without their leading dashes, and `guest`, what its guest has of its own."""

    name: str
    options: dict[str, Value]
    guest: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Suite:
    name: str
    title: str
    contract: Contract  # of its workload
    guest: dict[str, Value]  # what the file says of all its guests
    scenarios: tuple[Scenario, ...]
    baselines: dict[str, str]  # of each scenario but a baseline: the one that it is compared with
    margin: float
    objectives: tuple[Objective, ...]
    question: str = ""  # that the report is to answer with what each choice changes
    file: Path = Path()

    def place(self, scenario: str) -> str:
        """Where complaints are about `scenario`."""
        return f"{self.file}: [scenario.{scenario}]"


def name_of(text: str, folder: Path) -> str:
    """The name of the suite that a user calls `text`: t000, t000.toml, or a path of that file in `folder`."""
    path = Path(text)
    name = path.name.removesuffix(".toml")
    places = (Path.cwd(), folder.parent)
    if path.name == text or any((place / path.parent).resolve() == folder.resolve() for place in places):
        return name
    raise Complaint(text, f"is not a suite of {folder}: give one of {_names(folder)}")


def load(path: Path) -> Suite:
    """Reads and checks a suite file. Raises Complaint with file, place and remedy."""
    try:
        table = tomllib.loads(_text(path))
    except FileNotFoundError:
        raise Complaint(path, f"there is no such suite: give one of {_names(path.parent)}") from None
    except (ValueError, RecursionError) as error:  # tomllib lets some errors of int() and of deep nesting through
        raise Complaint(path, f"is not valid TOML: {str(error)[:200]}: mend it there") from None
    _check_name(path, "the file's name", path.stem)
    _check_keys(str(path), table, TOP)
    guest = _section(path, table, "guest", GUEST)
    workload = _workload(path, table)
    options = {name: option.kind for name, option in workload.options.items() if option.means != "seed"}
    common = _section(path, table, "common", options)
    sections = table.get("scenario", {})
    if not isinstance(sections, dict) or not sections:
        raise Complaint(path, "has no scenario: add a section such as [scenario.baseline]")
    if len(sections) > MOST_SCENARIOS:
        raise Complaint(path, f"has {len(sections)} scenarios, and {MOST_SCENARIOS} are the most: make two files of it")
    return Suite(
        name=path.stem,
        title=_word(path, table, "title", path.stem),
        contract=workload,
        guest=guest,
        scenarios=tuple(_scenario(path, name, section, common, options) for name, section in sections.items()),
        baselines=_baselines(path, table.get("baseline"), list(sections)),
        margin=_margin(path, table.get("margin", MARGIN)),
        objectives=tuple(objectives.load(path, table["slo"], workload)) if "slo" in table else (),
        question=_word(path, table, "question", ""),
        file=path,
    )


def _text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Complaint(path, f"is larger than {MOST_BYTES >> 10} KB: make several suites of it")
    for number, line in enumerate(content.splitlines(), start=1):
        if line.count(b".") > MOST_DOTS:
            raise Complaint(f"{path}:{number}", f"has more than {MOST_DOTS} dots: a key has two at most")
    return content.decode()


def _names(folder: Path) -> str:
    return ", ".join(sorted(file.stem for file in folder.glob("*.toml")))


def _scenario(path: Path, name: str, section: object, common: dict[str, Value], options: dict[str, Kind]) -> Scenario:
    _check_name(path, "[scenario]", name)
    place = f"[scenario.{name}]"
    if not isinstance(section, dict):
        raise Complaint(path, f"{place}: is not a section: write {place} on a line of its own")
    own = _checked(f"{path}: {place}", section, options | GUEST)
    chosen = {key: value for key, value in own.items() if key in options}
    return Scenario(name, common | chosen, {key: value for key, value in own.items() if key in GUEST})


def _baselines(path: Path, value: object, scenarios: list[str]) -> dict[str, str]:
    """With several baselines, each holds for the scenarios below it in the file; the first one also for those above."""
    named: list[Any] = value if isinstance(value, list) else [scenarios[0] if value is None else value]
    for name in named or [""]:
        if name not in scenarios:
            near = difflib.get_close_matches(name, scenarios, n=1) if isinstance(name, str) else []
            remedy = f"did you mean {near[0]}?" if near else "give one of " + ", ".join(scenarios)
            raise Complaint(path, f"baseline = {shown(value)} is no scenario: {remedy}")
    baselines, current = {}, named[0]
    for name in scenarios:
        current = name if name in named else current
        baselines[name] = current
    return {name: baseline for name, baseline in baselines.items() if name not in named}


def _margin(path: Path, value: Any) -> float:
    kind = Number(0, 1, whole=False)
    if not kind.accepts(value):
        raise Complaint(path, f"margin = {shown(value)} is not valid: give {kind}, the share that counts as the same")
    return float(value)


def _section(path: Path, table: dict[str, Any], name: str, kinds: dict[str, Kind]) -> dict[str, Any]:
    section = table.get(name, {})
    if not isinstance(section, dict):
        raise Complaint(path, f"{name}: is not a section: write [{name}] on a line of its own")
    return _checked(f"{path}: [{name}]", section, kinds)


def _checked(where: str, section: dict[str, Any], kinds: dict[str, Kind]) -> dict[str, Any]:
    _check_keys(where, section, tuple(kinds))
    for key, value in section.items():
        if not kinds[key].accepts(value):
            raise Complaint(where, f"{key} = {shown(value)} is not valid: give {kinds[key]}")
    return section


def _check_keys(where: str, section: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in section:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else "give one of " + ", ".join(known)
            raise Complaint(where, f"unknown key {shown(key)}: {remedy}")


def _check_name(path: Path, place: str, name: str) -> None:
    if not NAME.fullmatch(name):
        raise Complaint(
            path, f"{place}: {shown(name)} is not a good name: use up to 64 letters, digits, '-' and '_' only"
        )


def _word(path: Path, table: dict[str, Any], key: str, standard: str) -> str:
    value = table.get(key, standard)
    if not isinstance(value, str):
        raise Complaint(path, f"{key} = {shown(value)} is not valid: give a text in quotes")
    return value


def _workload(path: Path, table: dict[str, Any]) -> Contract:
    name = _word(path, table, "workload", "pipeline")
    if name not in contract.names():
        raise Complaint(path, f"workload = {shown(name)} is not valid: give {', '.join(contract.names())}")
    return contract.load(name)
