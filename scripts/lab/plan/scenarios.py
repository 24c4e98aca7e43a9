"""The scenarios of a suite file: those that it writes down, and those that its matrices and groups make.

    [axis.place]                                     # named settings, to be used in matrices
    unpinned = {}
    apart = { pin-producer = 0, pin-consumer = 1 }

    [matrix]                                         # every combination: unpinned-1ms, apart-1ms, unpinned-10us, apart-10us
    place = ["unpinned", "apart"]                    # of an axis
    interval = ["1ms", "10us"]                       # of an option or of the guest; "default" does not give it
    exclude = [{ place = "apart", interval = "1ms" }]
    include = [{ place = "apart", interval = "0us" }]

    [group.mutex]                                    # what its scenarios share, and the beginning of their names
    queue = "mutex"
    matrix.place = ["unpinned", "apart"]             # or [group.mutex.scenario.NAME]

    [ladder]                                         # steps of an ablation: no-step, ring, batch, to-batch
    ring = { queue = "spsc" }                        # each alone, and with all that are above it
    batch = { queue-cap = 1024 }
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from lab.plan.contract import Contract, Option
from lab.plan.guest import KEYS as GUEST
from lab.plan.kinds import TIMES, Kind, Number, Value, check_keys, checked_name, plain, quantity, shown
from lab.text.complaint import Complaint

MOST = 10_000  # scenarios of a suite
MOST_EXCEPTIONS = 300  # of a matrix
NO_VALUE = "default"  # in a matrix: the option is not given
SHARED = ("matrix", "scenario")  # keys of a group that are no options
RESERVED = ("exclude", "include")  # keys of a matrix that are no axes
NO_NAME = re.compile(r"[^A-Za-z0-9_-]")  # of fifo:50 and 1.5ms, which are fifo_50 and 1_5ms in a name
NO_STEP = "no-step"  # of a ladder: the scenario without any
INTERVAL, RATE = "interval", "rate"  # what the interval of any workload may be called


@dataclass(frozen=True)
class Scenario:
    """One way to run the program: `options` without their leading dashes, and `guest`, what its guest has of its own.

    `axes` are the values that a matrix gave it, and `group` is where it is from.
    """

    name: str
    options: dict[str, Value]
    guest: dict[str, Value] = field(default_factory=dict)
    group: str = ""
    axes: dict[str, Value] = field(default_factory=dict)


class Reader:
    """Reads the sections of one suite file, `where`, of a workload's options."""

    def __init__(self, where: str, known: Contract, axes: object) -> None:
        self.where = where
        self.options = {name: option for name, option in known.options.items() if option.means != "seed"}
        self.interval = known.meaning(INTERVAL)
        aliases = (INTERVAL, RATE) if self.interval else ()
        self.keys = (*self.options, *GUEST, *(name for name in aliases if name not in self.options))
        self.axes = {name: self._axis(name, table) for name, table in _table(where, "axis", axes).items()}

    def all(self, table: Mapping[str, Any]) -> list[Scenario]:
        """Every scenario of the file's `table`, in its order: written ones, the matrix's, then group by group."""
        common = self.section("[common]", table.get("common", {}))
        found = [*self._of(table, common, "", ""), *self._ladder(table.get("ladder", {}), common)]
        for name, group in _table(self.where, "group", table.get("group", {})).items():
            place = f"[group.{checked_name(self.where, '[group]', name)}]"
            shared = self.section(
                place, {key: each for key, each in _table(self.where, place, group).items() if key not in SHARED}
            )
            found += self._of(group, common | shared, f"group.{name}.", name)
            if len(found) > MOST:
                break
        if len(found) > MOST:
            what = f"has more than the {MOST:,} scenarios that are the most: make several files of it"
            raise Complaint(self.where, what)
        for scenario in found:
            checked_name(self.where, "[matrix]" if scenario.axes else "[scenario]", scenario.name)
        if repeated := [name for name, times in Counter(each.name for each in found).items() if times > 1]:
            raise Complaint(
                self.where, f"has two scenarios that are called {repeated[0]}: give one of them another name"
            )
        return found

    def _of(self, table: Mapping[str, Any], shared: dict[str, Value], prefix: str, group: str) -> Iterator[Scenario]:
        for name, section in _table(self.where, f"{prefix}scenario", table.get("scenario", {})).items():
            values = shared | self.section(f"[{prefix}scenario.{shown(name).strip(chr(39))}]", section)
            yield self._scenario(_joined(group, name), values, group, {})
        place = f"[{prefix}matrix]"
        matrix = _table(self.where, place, table.get("matrix", {}))
        for axes in self._combinations(place, matrix):
            values = dict(shared)
            for axis, value in axes.items():
                values |= self._setting(place, axis, value)
            yield self._scenario(
                _joined(group, *(self._part(axis, value) for axis, value in axes.items())), values, group, axes
            )

    def _ladder(self, table: object, shared: dict[str, Value]) -> Iterator[Scenario]:
        """Without any step, with each alone, and with all up to each."""
        steps = {
            name: self.section(f"[ladder.{name}]", each) for name, each in _table(self.where, "ladder", table).items()
        }
        if idle := [name for name, settings in steps.items() if settings.items() <= shared.items()]:
            what = "changes nothing: give an option another value than in [common], or remove it"
            raise Complaint(f"{self.where}: [ladder.{idle[0]}]", what)
        if steps:
            yield self._scenario(NO_STEP, shared, "", {})
        for name, settings in steps.items():
            yield self._scenario(name, shared | settings, "", {})
        for number, (name, settings) in enumerate(steps.items()):
            shared = shared | settings
            if number:
                yield self._scenario(up_to(name), shared, "", {})

    def _combinations(self, place: str, matrix: dict[str, Any]) -> list[dict[str, Value]]:
        """The value of each axis, by combination."""
        axes = {name: values for name, values in matrix.items() if name not in RESERVED}
        for name, values in axes.items():
            if not isinstance(values, list) or not values:
                raise Complaint(
                    f"{self.where}: {place}", f"{name} = {shown(values)} is not valid: give a list of values"
                )
        count = math.prod(len(values) for values in axes.values())
        if axes and count > MOST:
            what = f"makes {count:,} scenarios, and {MOST:,} are the most: give fewer values, or several suites"
            raise Complaint(f"{self.where}: {place}", what)
        # The first axis, with which the names begin, changes fastest.
        backwards = product(*reversed(axes.values())) if axes else ()
        found = [dict(zip(axes, reversed(values))) for values in backwards]
        for excluded in self._lists(place, matrix, "exclude"):
            left = [each for each in found if not excluded.items() <= each.items()]
            if len(left) == len(found):
                raise Complaint(
                    f"{self.where}: {place}", f"exclude = {shown(excluded)} excludes nothing: mend or remove it"
                )
            found = left
        return found + [each for each in self._lists(place, matrix, "include") if each not in found]

    def _lists(self, place: str, matrix: dict[str, Any], name: str) -> Iterator[dict[str, Value]]:
        said = matrix.get(name, [])
        for number, each in enumerate(said if isinstance(said, list) else [None]):
            if number == MOST_EXCEPTIONS:
                raise Complaint(
                    f"{self.where}: {place}", f"{name} has more than {MOST_EXCEPTIONS} entries: write several matrices"
                )
            if not isinstance(each, dict) or not each:
                what = f"{name} = {shown(said)} is not valid: give a list such as [{{ AXIS = VALUE }}]"
                raise Complaint(f"{self.where}: {place}", what)
            yield each

    def _setting(self, place: str, axis: str, value: Value) -> dict[str, Value]:
        """The options and guest's keys that a value of an axis stands for."""
        if value == NO_VALUE:
            check_keys(f"{self.where}: {place}", [axis], (*self.axes, *self.keys))
            return {}
        if axis in self.axes:
            if not isinstance(value, str) or value not in self.axes[axis]:
                what = f"{axis} = {shown(value)} is not valid: give one of {', '.join(self.axes[axis])}"
                raise Complaint(f"{self.where}: {place}", what)
            return self.axes[axis][value]
        check_keys(f"{self.where}: {place}", [axis], (*self.axes, *self.keys))
        return self.section(place, {axis: value})

    def _part(self, axis: str, value: Value) -> str:
        """A value's part of a scenario's name: words speak for themselves, numbers must say of what they are."""
        if value == NO_VALUE:
            return ""
        if isinstance(value, bool):
            return axis if value else f"no-{axis}"
        return NO_NAME.sub("_", value if isinstance(value, str) else f"{axis}-{value}")

    def _scenario(self, name: str, values: dict[str, Value], group: str, axes: dict[str, Value]) -> Scenario:
        options = {key: value for key, value in values.items() if key not in GUEST}
        return Scenario(name, options, {key: value for key, value in values.items() if key in GUEST}, group, axes)

    def _axis(self, name: str, table: object) -> dict[str, dict[str, Value]]:
        place = f"[axis.{checked_name(self.where, '[axis]', name)}]"
        return {
            checked_name(self.where, place, value): self.section(f"[axis.{name}.{value}]", settings)
            for value, settings in _table(self.where, place, table).items()
        }

    def section(self, place: str, section: object) -> dict[str, Value]:
        """The options and guest's keys of a section, each checked, in the unit of the option."""
        table = _table(self.where, place, section)
        check_keys(f"{self.where}: {place}", table, self.keys)
        return dict(self._setting_of(f"{self.where}: {place}", key, value) for key, value in table.items())

    def _setting_of(self, where: str, key: str, value: Any) -> tuple[str, Value]:
        interval = self.interval
        if key in GUEST:
            return key, _checked(where, key, value, GUEST[key], "")
        if interval and key == RATE and key not in self.options:
            rate = _checked(where, key, value, Number(1e-6, 1e9, whole=False), "")
            return interval.name, plain(round(TIMES["s"] / float(rate)) / TIMES[interval.unit or "s"])
        option: Option = interval if interval and key == INTERVAL and key not in self.options else self.options[key]
        return option.name, _checked(where, key, value, option.kind, option.unit)


def up_to(step: str) -> str:
    """The scenario with all steps of a ladder up to this one."""
    return f"to-{step}"


def on_kernels(
    where: str, kernels: Sequence[str], scenarios: Sequence[Scenario], compared: Mapping[str, str]
) -> tuple[list[Scenario], dict[str, str]]:
    """Each scenario on each of the kernels, named NAME-KERNEL, and its baseline of those that are `compared`."""
    if len(scenarios) * len(kernels) > MOST:
        what = (
            f"kernels makes {len(scenarios) * len(kernels):,} scenarios, and {MOST:,} are the most: give fewer of both"
        )
        raise Complaint(where, what)
    found: list[Scenario] = []
    baseline_of: dict[str, str] = {}
    for kernel in kernels:
        _checked(where, "kernels", kernel, GUEST["kernel"], "")
        names = {each.name: f"{each.name}-{NO_NAME.sub('_', kernel)}" for each in scenarios}
        for each in scenarios:
            if "kernel" in each.guest:
                what = "says its kernel itself, and the suite has kernels: leave out one of the two"
                raise Complaint(f"{where}: [scenario.{each.name}]", what)
            name = checked_name(where, "kernels", names[each.name])
            found.append(replace(each, name=name, guest={**each.guest, "kernel": kernel}))
        baseline_of |= {names[one]: names[other] for one, other in compared.items()}
    return found, baseline_of


def baselines(where: str, wanted: object, scenarios: list[Scenario]) -> dict[str, str]:
    """The baseline of each scenario that has one.

    `wanted` is a scenario's name, or several: each holds for the scenarios below it, the first one also for those
    above. Or it is a table of axis and value: then a scenario's baseline is the one of its group that has these values
    and else its own.
    """
    names = [each.name for each in scenarios]
    if isinstance(wanted, dict):
        return _baselines_by_value(where, wanted, scenarios)
    named: list[Any] = wanted if isinstance(wanted, list) else [names[0] if wanted is None else wanted]
    for name in named or [""]:
        if name not in names:
            check_keys(where, [name] * isinstance(name, str), names, f"baseline = {shown(wanted)} is no scenario")
            raise Complaint(where, f"baseline = {shown(wanted)} is no scenario: give one of {', '.join(names)}")
    found, current = {}, named[0]
    for name in names:
        current = name if name in named else current
        found[name] = current
    return {name: baseline for name, baseline in found.items() if name not in named}


def _baselines_by_value(where: str, wanted: dict[str, Value], scenarios: list[Scenario]) -> dict[str, str]:
    if not all(isinstance(value, (int, float, str)) for value in wanted.values()):
        raise Complaint(where, f"baseline = {shown(wanted)} is not valid: give axes of a matrix and their values")
    there = {(each.group, frozenset(each.axes.items())): each.name for each in scenarios}
    found: dict[str, str] = {}
    for each in scenarios:
        if wanted.keys() <= each.axes.keys():
            name = there.get((each.group, frozenset((each.axes | wanted).items())), each.name)
            found |= {each.name: name} if name != each.name else {}
    if not found:
        raise Complaint(
            where, f"baseline = {shown(wanted)} is the baseline of no scenario: give axes of a matrix and their values"
        )
    return found


def _checked(where: str, key: str, value: Any, kind: Kind, unit: str) -> Value:
    read = quantity(value, unit) if unit and isinstance(value, str) and isinstance(kind, Number) else value
    if read is None or not kind.accepts(read):
        example = f', or a text such as "1{unit}"' if unit in TIMES else ""
        raise Complaint(where, f"{key} = {shown(value)} is not valid: give {kind}{example}")
    return plain(read)


def _table(where: str, place: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        section = place if place.startswith("[") else f"[{place}]"
        raise Complaint(where, f"{place.strip('[]')}: is not a section: write {section} on a line of its own")
    return value


def _joined(*parts: str) -> str:
    return "-".join(part for part in parts if part) or NO_VALUE
