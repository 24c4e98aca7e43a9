"""Names that become parts of paths and of reports, and scenarios in a sentence: by name, or by what names share."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")  # two of them are part of a folder's name
RUN = re.compile(rf"{NAME.pattern}(\.{NAME.pattern})*")
KINDS = {"run": RUN, **dict.fromkeys(("suite", "scenario", "target", "timing", "accelerator"), NAME)}

FEW = 6  # that are named one by one, as those meant or as exceptions
EXAMPLES = 3


def check(said: Mapping[str, object]) -> None:
    """Raises ValueError where one of KINDS in `said` is not a name. A run that is only being planned has none yet."""
    for key, kind in KINDS.items():
        value = said.get(key, "")
        if value != "" and not (isinstance(value, str) and kind.fullmatch(value)):
            raise ValueError(f"{key} = {value!r} is not a good name: letters, digits, '-' and '_' only")


def check_table(table: "pd.DataFrame") -> None:
    """The same for the columns of a table, whose rows count from 1."""
    for key, kind in KINDS.items():
        if key in table:
            cells = table[key].astype(str)
            wrong = (cells != "") & ~cells.str.fullmatch(kind.pattern)
            if wrong.any():
                row = int(wrong.to_numpy().argmax())
                raise ValueError(f"row {row + 1}: {key} = {cells.iat[row]!r} is not a good name")


def check_files(texts: Iterable[str]) -> None:
    """Raises ValueError where one of `texts` is more than the name of a file in its folder."""
    for text in texts:
        if text in ("", ".", "..") or "/" in text or "\0" in text:
            raise ValueError(f"{text!r} is not the name of a file")


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
