"""A suite: the scenarios of one TOML file, checked, and how they are to be run and judged.

The file of a suite may have the contract of a user's program in it, in the place of `workload`.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lab.plan import contract, objectives, own, scenarios, target
from lab.plan.contract import Contract
from lab.plan.guest import KEYS as GUEST
from lab.plan.kinds import MARGIN, Number, Value, check_keys, checked_name, shown
from lab.plan.objectives import Objective
from lab.plan.places import ROOT, SCENARIOS, TARGETS
from lab.plan.scenarios import Scenario
from lab.text.complaint import Complaint
from lab.text.files import is_file

MOST_BYTES = 2**18  # of a file
MOST_DOTS = 100  # of a line: tomllib is slow at a.b.c...
REPLICATES, MOST_REPLICATES = 6, 1000  # six runs bound their median without more being assumed (lab.tables.measured)
TIMINGS = ("exact", "live")
SECTIONS = ("common", "guest", "slo", "axis", "matrix", "scenario", "group", "ladder")
HOW = ("timing", "reps", "targets", "kernels", "builds")  # a suite is run, where nobody says otherwise
TOP = ("title", "question", "about", "workload", "baseline", "margin", *HOW, *SECTIONS)


@dataclass(frozen=True)
class Suite:
    """`timings`, `replicates`, `targets` and `builds` are how it is run where nobody says otherwise."""

    name: str
    title: str
    contract: Contract  # of its workload
    guest: dict[str, Value]  # what the file says of all its guests
    scenarios: tuple[Scenario, ...]
    baselines: dict[str, str]  # of each scenario but a baseline: the one that it is compared with
    margin: float
    objectives: tuple[Objective, ...]
    question: str = ""  # that the report is to answer with what each option changes
    about: tuple[str, ...] = ()  # the options that the question is about: what they change is told first
    file: Path = Path()
    timings: tuple[str, ...] = TIMINGS
    replicates: int = REPLICATES
    targets: tuple[str, ...] = ("aarch64",)
    builds: tuple[str, ...] = ()  # git revisions whose programs it is compared with
    steps: tuple[str, ...] = ()  # of its ladder
    whole: bool = True  # these are all of the file's scenarios

    def guest_of(self, scenario: str) -> dict[str, Value]:
        """What it says of the guest of `scenario`."""
        return self.guest | next(each.guest for each in self.scenarios if each.name == scenario)

    def place(self, scenario: str) -> str:
        """Where complaints are about `scenario`."""
        return f"{self.file}: [scenario.{scenario}]"


def load_all(texts: Iterable[str], folder: Path = SCENARIOS) -> list[Suite]:
    """The suites that a user calls `texts`, each once: a name of `folder`, a TOML file, or one of these and /SCENARIO."""
    wanted: dict[Path, list[str]] = {}
    for text in texts:
        path, scenario = find(text, folder)
        wanted.setdefault(path, []).append(scenario)
    suites = [_part(load(path), chosen) for path, chosen in wanted.items()]
    for number, suite in enumerate(suites):
        for other in suites[:number]:
            if other.name == suite.name:
                raise Complaint(suite.file, f"has the name of {other.file}: give one of them another name")
    return suites


def find(text: str, folder: Path = SCENARIOS) -> tuple[Path, str]:
    """The file of the suite that a user calls `text`, and the scenario of it, or "" for all."""
    path, scenario = text, ""
    if not text.endswith(".toml") and "/" in text:
        path, _, scenario = text.rpartition("/")
    if "/" not in path:
        known = folder / f"{path.removesuffix('.toml')}.toml"
        if is_file(known) or not (scenario or is_file(path)):
            return known, scenario
    for place in (Path.cwd(), ROOT):
        if is_file(place / path):
            return (place / path).resolve(), scenario
    what = "is no suite: give one of" if "." in path else "is no suite, nor a scenario of one: give one of"
    raise Complaint(text, f"{what} {_names(folder)}, or the path of a TOML file")


def _part(suite: Suite, chosen: list[str]) -> Suite:
    """The scenarios of `suite` that are chosen; "" is all."""
    if "" in chosen:
        return suite
    check_keys(str(suite.file), chosen, [each.name for each in suite.scenarios], "there is no such scenario")
    return replace(suite, scenarios=tuple(each for each in suite.scenarios if each.name in chosen), whole=False)


def load(path: Path) -> Suite:
    """Reads and checks a suite file. Raises Complaint with file, place and remedy."""
    try:
        table = tomllib.loads(_text(path))
    except FileNotFoundError:
        raise Complaint(path, f"there is no such suite: give one of {_names(path.parent)}") from None
    except OSError as error:
        raise Complaint(path, f"cannot be read ({error.strerror}): give one of {_names(SCENARIOS)}") from None
    except (ValueError, RecursionError) as error:  # tomllib lets some errors of int() and of deep nesting through
        raise Complaint(path, f"is not valid TOML: {str(error)[:200]}: mend it there") from None
    checked_name(path, "the file's name", path.stem)
    own.check_rootfs(str(path), table)
    is_whole = "workload" not in table and own.is_own(table)
    check_keys(str(path), table, (*TOP, *contract.ALL_KEYS) if is_whole else TOP)
    for name in SECTIONS:
        if not isinstance(table.get(name, {}), dict):
            raise Complaint(path, f"{name}: is not a section: write [{name}] on a line of its own")
    workload = contract.load(str(path.resolve())) if is_whole else _workload(path, table)
    reader = scenarios.Reader(str(path), workload, table.get("axis", {}))
    found = reader.all(table)
    if not found:
        raise Complaint(path, "has no scenario: add a section such as [scenario.baseline], or a [matrix]")
    limits = tuple(objectives.load(path, table["slo"], workload)) if "slo" in table else ()
    objectives.check_every(path, limits, {each.name: each.options for each in found}, workload)
    guest = {key: value for key, value in table.get("guest", {}).items() if key != own.ROOTFS or not is_whole}
    check_keys(f"{path}: [guest]", guest, tuple(GUEST))
    compared = scenarios.baselines(str(path), table.get("baseline"), found)
    if "kernels" in table:
        found, compared = scenarios.on_kernels(str(path), _list(path, table, "kernels"), found, compared)
    return Suite(
        name=path.stem,
        title=_word(path, table, "title", path.stem),
        contract=workload,
        guest=reader.section("[guest]", guest),
        scenarios=tuple(found),
        baselines=compared,
        margin=float(
            _number(path, table, "margin", Number(0, 1, whole=False), MARGIN, "the share that counts as the same")
        ),
        objectives=limits,
        question=_word(path, table, "question", ""),
        about=_about(path, table, workload) if "about" in table else (),
        file=path,
        timings=_timings(path, table.get("timing", list(TIMINGS))),
        replicates=int(
            _number(path, table, "reps", Number(1, MOST_REPLICATES), REPLICATES, "runs of each scenario and timing")
        ),
        targets=_targets(path, table),
        builds=_list(path, table, "builds") if "builds" in table else (),
        steps=tuple(table.get("ladder", {})),
    )


def _about(path: Path, table: dict[str, Any], workload: Contract) -> tuple[str, ...]:
    names = _list(path, table, "about")
    check_keys(f"{path}: about", names, (*workload.options, *GUEST), "has no such option")
    return names


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


def _number(path: Path, table: dict[str, Any], key: str, kind: Number, standard: float, about: str) -> float:
    value = table.get(key, standard)
    if not kind.accepts(value):
        raise Complaint(path, f"{key} = {shown(value)} is not valid: give {kind}, {about}")
    return float(value)


def _timings(path: Path, value: object) -> tuple[str, ...]:
    chosen = value.split() if isinstance(value, str) else value
    if not isinstance(chosen, list) or not chosen or any(each not in TIMINGS for each in chosen):
        raise Complaint(path, f'timing = {shown(value)} is not valid: give "exact", "live", or "exact live"')
    return tuple(each for each in TIMINGS if each in chosen)


def _list(path: Path, table: dict[str, Any], key: str) -> tuple[str, ...]:
    value = table[key]
    if not isinstance(value, list) or not value or not all(isinstance(each, str) and each for each in value):
        raise Complaint(path, f'{key} = {shown(value)} is not valid: give a list of texts such as ["a", "b"]')
    return tuple(dict.fromkeys(value))


def _targets(path: Path, table: dict[str, Any]) -> tuple[str, ...]:
    if "targets" not in table:
        return Suite.targets
    known = [each.name for each in target.load_all(TARGETS)]
    chosen = _list(path, table, "targets")
    check_keys(f"{path}: targets", chosen, known, "has no such target")
    return chosen


def _word(path: Path, table: dict[str, Any], key: str, standard: str) -> str:
    value = table.get(key, standard)
    if not isinstance(value, str):
        raise Complaint(path, f"{key} = {shown(value)} is not valid: give a text in quotes")
    return value


def _workload(path: Path, table: dict[str, Any]) -> Contract:
    """Of the kit's, or of a user's program: a TOML file, whose path is from the suite's folder."""
    name = _word(path, table, "workload", "pipeline")
    if contract.is_own(name):
        return contract.load(str((path.parent / name).resolve()))
    if name not in contract.names():
        known = ", ".join(contract.names()) or "the name of a folder of src/workloads/ that has a workload.toml"
        raise Complaint(path, f"workload = {shown(name)} is not valid: give {known}, or the TOML file of a program")
    return contract.load(name)
