"""A table of a suite's runs that commands add to: one file, a row a run or a part of one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lab.text import names
from lab.text.complaint import FAILED, Complaint
from lab.tables.measurement import KEYS

SUBJECT = [*KEYS, "scenario"]


@dataclass(frozen=True)
class KeptTable:
    """What its file must be: `columns`, of which `numbers` are of at least 0 (`optional` ones may be empty)."""

    columns: Sequence[str]
    numbers: Sequence[str]
    optional: Collection[str]
    known: Mapping[str, Collection[str]]  # by column, the only values that it may have
    remedy: str

    def read(self, path: Path) -> pd.DataFrame:
        """The table at `path`; empty when there is none. Raises Complaint naming file, row and remedy."""
        if not path.is_file():
            return pd.DataFrame(columns=list(self.columns))
        try:
            text = pd.read_csv(path, dtype=str, keep_default_na=False)
            names.check_table(text)
        except (OSError, ValueError) as error:
            raise Complaint(path, f"cannot be read as CSV ({error}): {self.remedy}", FAILED) from None
        missing = [name for name in self.columns if name not in text]
        if missing:
            raise Complaint(path, f"row 0 lacks the columns {', '.join(missing)}: {self.remedy}", FAILED)
        for name, allowed in self.known.items():
            self._refuse(path, ~text[name].isin(list(allowed)), f"{name} = {{}} is not known", text[name])
        for name in self.numbers:
            values = pd.to_numeric(text[name], errors="coerce")
            bad = (values.isna() & ((text[name] != "") | (name not in self.optional))) | (values < 0)
            self._refuse(path, bad, f"{name} = {{}} is not a number of at least 0", text[name])
            text[name] = values
        return text

    def merged(self, path: Path, new: pd.DataFrame) -> pd.DataFrame:
        """`new`, and what the file at `path` has of other scenarios and measurements."""
        columns = list(self.columns)
        if not path.is_file():
            return new[columns]
        old = self.read(path)
        same = old[SUBJECT].apply(tuple, axis=1).isin(set(new[SUBJECT].apply(tuple, axis=1)))
        return pd.concat([old[~same], new], ignore_index=True)[columns]

    def csv(self, table: pd.DataFrame) -> str:
        return table[list(self.columns)].to_csv(index=False, lineterminator="\n", float_format="%.12g")

    def _refuse(self, path: Path, wrong: pd.Series, what: str, cells: pd.Series) -> None:
        if wrong.any():
            place = int(wrong.to_numpy().argmax())
            raise Complaint(path, f"row {place + 1}: {what.format(cells.iat[place])}: {self.remedy}", FAILED)
