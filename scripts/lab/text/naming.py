"""Scenarios in a sentence: by their names while they are few, else by what they have in common."""

import re
from collections.abc import Collection, Iterable, Sequence

FEW = 6  # that are named one by one, as those meant or as exceptions
EXAMPLES = 3
OWN = "\0"  # stands for the scenario's own name in a text
OR_MORE = " or more"
NUMBER = re.compile(r"(?<![\w.+-])[+-]?\d+(?:,\d{3})*(?:\.\d+)?(?![\w-]|[.,]\d)")  # alone, and no part of a name


def names(chosen: Sequence[str], every: Collection[str] = ()) -> str:
    """'a, b'; 'all 29'; 'all but a, b'; 'all 16 `*-1000us`'; 'a, b, c and 21 others'. `every` has those that may be."""
    if len(chosen) <= FEW:
        return ", ".join(chosen)
    described = [
        (len(exceptions), _all_of(pattern, members, exceptions))
        for pattern, members in _patterns(chosen, every).items()
        if len(exceptions := [name for name in members if name not in set(chosen)]) <= FEW
    ]
    if described:
        return min(described, key=lambda each: each[0])[1]
    return f"{', '.join(chosen[:EXAMPLES])} and {len(chosen) - EXAMPLES} others"


def alike(texts: Iterable[tuple[str, str]]) -> list[tuple[list[str], str]]:
    """Scenarios, each with a text about it, grouped where these differ in numbers alone, which become ranges.

    [("a", "1 of 9 runs"), ("b", "3 of 9 runs")] is [(["a", "b"], "1 to 3 of 9 runs")]. Where a number "or more"
    is asked for, the largest does for all. A text that has the scenario's own name is that of the first one.
    """
    groups: dict[str, list[tuple[str, str]]] = {}
    for scenario, text in texts:
        groups.setdefault(form(scenario, text), []).append((scenario, text))
    return [([scenario for scenario, _ in group], _ranges(group)) for group in groups.values()]


def form(scenario: str, text: str) -> str:
    """A text without what differs in texts that are alike: its numbers, and the name of the scenario."""
    return NUMBER.sub("#", _without(scenario, text))


def _without(scenario: str, text: str) -> str:
    return re.sub(rf"(?<![\w-]){re.escape(scenario)}(?![\w-])", OWN, text) if scenario else text


def _ranges(group: Sequence[tuple[str, str]]) -> str:
    columns = zip(*(NUMBER.findall(_without(scenario, text)) for scenario, text in group))
    scenario, text = group[0]

    def common(match: re.Match[str]) -> str:
        return _range(next(columns), largest_alone=match.string.startswith(OR_MORE, match.end()))

    return NUMBER.sub(common, _without(scenario, text)).replace(OWN, scenario)


def _range(numbers: Sequence[str], largest_alone: bool) -> str:
    ordered = sorted(numbers, key=lambda number: float(number.replace(",", "")))
    if largest_alone:
        return ordered[-1]
    return ordered[0] if ordered[0] == ordered[-1] else f"{ordered[0]} to {ordered[-1]}"


def _patterns(chosen: Sequence[str], every: Collection[str]) -> dict[str, list[str]]:
    """What all of `chosen` match, the widest first, and who of `every` does: nothing, a first word, a last word."""
    if not set(chosen) <= set(every):
        return {}
    words = chosen[0].split("-")
    beginnings = ["-".join(words[:count]) + "-" for count in range(1, len(words))]
    endings = ["-" + "-".join(words[count:]) for count in range(len(words) - 1, 0, -1)]
    found = {"": list(every)}
    found |= {f"{text}*": [name for name in every if name.startswith(text)] for text in beginnings}
    found |= {f"*{text}": [name for name in every if name.endswith(text)] for text in endings}
    return {pattern: members for pattern, members in found.items() if set(chosen) <= set(members)}


def _all_of(pattern: str, members: Sequence[str], exceptions: Sequence[str]) -> str:
    kind = f" `{pattern}`" if pattern else ""
    if exceptions:
        return f"all{kind} but {', '.join(exceptions)}"
    return f"all {len(members)}{kind}"
