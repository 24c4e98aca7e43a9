"""Tables as CSV files: what their columns must be, and one way to read them, to add to them and to write them."""

import io
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from lab.text import names, strict
from lab.text.complaint import FAILED, Complaint
from lab.tables.measurement import KEYS, Measurement

SUBJECT = [*KEYS, "scenario"]
# What a cell of each kind looks like, and how that is called.
LOOKS = {
    "name": (names.NAME.pattern, "a good name: letters, digits, '-' and '_' only"),
    "whole": ("[0-9]{1,20}", "a whole number of at least 0"),
    "real": (strict.REAL.pattern, "a number of at least 0"),
    "flag": ("True|False", "True or False"),
}


@dataclass(frozen=True)
class Column:
    """What its cells are: name (which may be a part of a path), text, whole, real (both of at least 0), or flag.

    `empty` says whether one may be so (NaN when it is read, or False); `values` are all that there may be, if any.
    """

    kind: str
    empty: bool = False
    values: Collection[str] = ()


NAME, TEXT, WHOLE, REAL, FLAG = (Column(kind) for kind in ("name", "text", "whole", "real", "flag"))
MEASURED = dict.fromkeys(["scenario", *KEYS], NAME)  # the columns of all that is kept by measurement and scenario


def optional(column: Column) -> Column:
    return replace(column, empty=True)


def one_of(*values: str) -> Column:
    return Column("text", values=values)


@dataclass(frozen=True)
class Table:
    """A kind of table: its columns, in order, and what to do where a file of it is damaged.

    `others` is what further columns are, which are left out where it is None, but for those that `known` has; a merge
    replaces rows of the same `subject`; no two rows have all columns of a `unique` set alike.
    """

    columns: Mapping[str, Column]
    remedy: str
    others: Column | None = None
    known: Mapping[str, Column] = field(default_factory=dict)
    subject: Sequence[str] = tuple(SUBJECT)
    unique: Collection[tuple[str, ...]] = ()
    digits: str = "%.12g"

    def read(self, path: Path, needed: bool = False, content: str | None = None) -> pd.DataFrame:
        """The table at `path`, or its `content`; empty when there is none, unless it is `needed`, with a row at least.

        Raises Complaint naming file, row (from 1) and remedy.
        """
        if not needed and not path.is_file():
            return pd.DataFrame(columns=list(self.columns))
        try:
            source = path if content is None else io.StringIO(content)
            text = pd.read_csv(source, dtype=str, keep_default_na=False)
            if len(text) and not isinstance(text.index, pd.RangeIndex):
                raise ValueError("its first row has more cells than columns")
        except (OSError, ValueError) as error:
            raise self.complaint(path, f"cannot be read as CSV ({error})") from None
        if missing := [name for name in self.columns if name not in text]:
            raise self.complaint(path, f"row 0 lacks the columns {', '.join(missing)}")
        if needed and text.empty:
            raise self.complaint(path, "has no rows")
        columns = dict(self.columns) | (
            {name: self.known.get(name, self.others) for name in text if name not in self.columns}
            if self.others
            else {}
        )
        read = {name: self._typed(path, text[name], column) for name, column in columns.items()}
        for key in self.unique:
            self.refuse(path, text.duplicated(list(key)), f"repeats the {', '.join(key)} of an earlier row")
        return pd.DataFrame(read, index=text.index)

    def merged(self, path: Path, new: pd.DataFrame) -> pd.DataFrame:
        """`new`, and what the file at `path` has of other subjects."""
        old, subject = self.read(path), list(self.subject)
        if old.empty:
            return new
        same = pd.MultiIndex.from_frame(old[subject]).isin(pd.MultiIndex.from_frame(new[subject]))
        return pd.concat([old[~same], new], ignore_index=True)

    def csv(self, table: pd.DataFrame) -> str:
        columns = list(self.columns) if self.others is None else list(table)
        return table[columns].to_csv(index=False, lineterminator="\n", float_format=self.digits)

    def refuse(self, path: Path, wrong: pd.Series, what: str) -> None:
        """Raises Complaint naming the first row in which something is `wrong`."""
        if wrong.any():
            raise self.complaint(path, f"row {int(wrong.to_numpy().argmax()) + 1} {what}")

    def _typed(self, path: Path, cells: pd.Series, column: Column) -> pd.Series:
        name = str(cells.name)
        pattern, looks = LOOKS.get(column.kind, (".*", "text"))
        if name == "run":
            pattern = names.RUN.pattern
        wrong = ~(cells.isin(column.values) if column.values else cells.str.fullmatch(f"(?s:{pattern})"))
        if column.kind in ("whole", "real"):
            values = pd.to_numeric(cells.where(~wrong & (cells != "")), errors="coerce")
            wrong |= (cells != "") & ~((values >= 0) & (values < math.inf))
        wrong = wrong & (cells != "") if column.empty else wrong | ((cells == "") & (column.kind != "text"))
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            looks = f"one of {', '.join(column.values)}" if column.values else looks
            raise self.complaint(path, f"row {row + 1}: {name} = {cells.iat[row]} is not {looks}")
        if column.kind == "flag":
            return cells == "True"
        return values if column.kind in ("whole", "real") else cells

    def complaint(self, path: Path, what: str) -> Complaint:
        """That `what` is wrong with the file at `path`, and the remedy."""
        return Complaint(path, f"{what}: {self.remedy}", FAILED)


def of(table: pd.DataFrame, measurement: Measurement) -> pd.DataFrame:
    """The rows of one measurement."""
    return table[(table[KEYS] == list(measurement)).all(axis=1)]
