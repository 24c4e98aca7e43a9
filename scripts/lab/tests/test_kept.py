"""One kit reads, checks, adds to and writes all tables."""

from pathlib import Path

import pandas as pd
import pytest

from lab.tables import kept
from lab.tables.measurement import Measurement
from lab.text.complaint import Complaint

TABLE = kept.Table(
    kept.MEASURED
    | {"what": kept.one_of("a", "b"), "seed": kept.WHOLE, "count": kept.optional(kept.REAL)}
    | {"note": kept.TEXT, "noisy": kept.optional(kept.FLAG)},
    remedy="make it again",
    unique=[("scenario", "seed")],
)
GOOD = "target,timing,accelerator,scenario,what,seed,count,note,noisy,more\n" + "".join(
    f"arm,{row},\n" for row in ("exact,tcg,008,a,1,0.5,,True", 'live,kvm,NA,b,2,,"x,\ny",')
)


def read(folder: Path, text: str) -> pd.DataFrame:
    (folder / "table.csv").write_text(text)
    return TABLE.read(folder / "table.csv")


def test_cells_are_what_their_columns_say(tmp_path: Path) -> None:
    table = read(tmp_path, GOOD)
    assert list(table["scenario"]) == ["008", "NA"] and list(table["seed"]) == [1, 2]
    assert table["count"][0] == 0.5 and table["count"].isna()[1]
    assert list(table["note"]) == ["", "x,\ny"] and list(table["noisy"]) == [True, False]
    assert "more" not in table
    assert list(kept.of(table, Measurement("arm", "live", "kvm"))["seed"]) == [2]
    (tmp_path / "again.csv").write_text(TABLE.csv(table))
    assert TABLE.read(tmp_path / "again.csv").equals(table)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed,", "sead,", "row 0 lacks the columns seed"),
        ("008", "../x", "row 1: scenario = ../x is not a good name"),
        ("008", "", "row 1: scenario =  is not a good name"),
        (",b,2", ",c,2", "row 2: what = c is not one of a, b"),
        (",a,1", ",a,1.5", "row 1: seed = 1.5 is not a whole number of at least 0"),
        (",a,1", ",a,", "row 1: seed =  is not a whole number"),
        ("0.5", "-0.5", "row 1: count = -0.5 is not a number of at least 0"),
        ("0.5", "inf", "row 1: count = inf is not a number"),
        ("0.5", "1_0", "row 1: count = 1_0 is not a number"),
        ("0.5", "1e400", "row 1: count = 1e400 is not a number"),
        ("0.5,,True", "0.5,,True,9,9", "cannot be read as CSV .its first row has more cells than columns"),
        ("True", "yes", "row 1: noisy = yes is not True or False"),
        ("NA,b,2", "008,b,1", "row 2 repeats the scenario, seed of an earlier row"),
        ('y"', "y", "cannot be read as CSV"),
    ],
)
def test_a_damaged_table_is_refused_with_its_row(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(Complaint, match=f"table.csv: {message}.*: make it again"):
        read(tmp_path, GOOD.replace(old, new))


def test_no_file_is_an_empty_table_unless_it_is_needed(tmp_path: Path) -> None:
    assert TABLE.read(tmp_path / "none.csv").empty
    with pytest.raises(Complaint, match="none.csv: cannot be read"):
        TABLE.read(tmp_path / "none.csv", needed=True)


def test_new_rows_replace_those_of_their_subject(tmp_path: Path) -> None:
    table = read(tmp_path, GOOD)
    new = table[1:].assign(seed=[7])
    assert list(TABLE.merged(tmp_path / "table.csv", new)["seed"]) == [1, 7]
    assert list(TABLE.merged(tmp_path / "none.csv", new)["seed"]) == [7]
