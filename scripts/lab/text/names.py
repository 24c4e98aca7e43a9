"""Names that become parts of paths and of reports: given on a command line, or read back from a file of whatever origin."""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")  # two of them are part of a folder's name
RUN = re.compile(rf"{NAME.pattern}(\.{NAME.pattern})*")
KINDS = {"run": RUN, **dict.fromkeys(("suite", "scenario", "target", "timing", "accelerator"), NAME)}


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
