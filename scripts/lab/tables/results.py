"""A set of results: a folder as `make report` leaves it, read back and checked, or the same from git.

It has <suite>_raw.csv and <suite>_environment.json of one suite or several.
"""

import io
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from lab.tables import measured as analyse, measurement
from lab.text import names, strict
from lab.text.complaint import FAILED, Complaint
from lab.text.files import read_text
from lab.tables.measurement import KEYS

NEEDED = ("run", "suite", "scenario", *KEYS, "seed")
REMEDY = "run 'make report' there again"


@dataclass(frozen=True)
class Results:
    """One suite of a set of results."""

    suite: str
    source: Path  # of the raw table
    raw: pd.DataFrame
    environment: dict[str, Any]


def load(folder: Path) -> dict[str, Results]:
    """All suites of a folder. Raises Complaint naming file, row and remedy."""
    files = sorted(folder.glob("*_raw.csv"))
    if not files and any(folder.glob("*_metrics.csv")):
        what = "has tables without runs: they can be exported; to compare or judge them needs each suite's"
        raise Complaint(folder, f"{what} <suite>_raw.csv and <suite>_environment.json, which 'make report' writes")
    if not files:
        raise Complaint(folder, "has no <suite>_raw.csv: give a folder such as result_data, after 'make report'")
    return {results.suite: results for results in map(_read, files)}


def load_base(base: str, folder: Path) -> dict[str, Results]:
    """The set in the folder `base`, or the one that `folder`, in a git working tree, held at the revision `base`."""
    if base and Path(base).is_dir():
        return load(Path(base))
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
    top, place = (_git(folder, "rev-parse", word).decode() for word in ("--show-toplevel", "--show-prefix"))
    archive = _git(Path(top or "."), "archive", "--format=tar", f"{commit.decode()}:{place}")  # not from inside it
    if not commit or not archive:
        raise Complaint(base, "is neither a folder nor a git revision with results: give BASE=DIR or BASE=GIT-REV")
    with tempfile.TemporaryDirectory() as unpacked:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tables = [file for file in tar if file.isfile() and file.name.endswith(("_raw.csv", "_environment.json"))]
            tar.extractall(unpacked, tables)
        sets = load(Path(unpacked))
    return {name: replace(results, source=Path(base) / results.source.name) for name, results in sets.items()}


def _read(file: Path) -> Results:
    suite = file.name.removesuffix("_raw.csv")
    beside = file.with_name(f"{suite}_environment.json")
    try:
        text = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise Complaint(file, f"cannot be read as CSV ({error}): {REMEDY}", FAILED) from None
    if not beside.is_file():
        what = (
            f"{beside.name} is not there, which says how it was measured: {REMEDY}, or export its {suite}_metrics.csv"
        )
        raise Complaint(file, f"is a table alone: {what}", FAILED)
    try:
        environment = strict.parse_json(read_text(beside))
        names.check({"suite": suite})
    except (OSError, ValueError) as error:
        raise Complaint(beside, f"is damaged ({error}): {REMEDY}", FAILED) from None
    missing = [name for name in NEEDED if name not in text]
    if missing:
        raise Complaint(file, f"row 0 lacks the columns {', '.join(missing)}: {REMEDY}", FAILED)
    if text.empty:
        raise Complaint(file, f"has no runs: {REMEDY}", FAILED)
    try:
        measurement.check(environment)
        described = measurement.each_of(environment)
        for facts in described.values():
            for scenario in facts["scenarios"]:
                measurement.circumstances(facts, scenario)
    except ValueError as error:
        raise Complaint(beside, f"is damaged ({error}): {REMEDY}", FAILED) from None
    except (KeyError, TypeError, AttributeError) as error:
        raise Complaint(beside, f"lacks {error}: {REMEDY}", FAILED) from None
    _check_rows(file, text, suite, {(*each, name) for each, facts in described.items() for name in facts["scenarios"]})
    return Results(suite, file, analyse.typed(text), environment)


def _check_rows(file: Path, text: pd.DataFrame, suite: str, described: set[tuple[str, ...]]) -> None:
    """`text` has the cells as they stand; `described` each measurement's scenarios. Rows are counted from 1."""
    for name in (name for name in text if name not in analyse.TEXTS + analyse.FLAGS + ("seed",)):
        values = pd.to_numeric(text[name], errors="coerce")
        bad = (values.isna() & (text[name] != "")) | (values < 0) | (values == float("inf"))
        if bad.any():
            row = int(bad.to_numpy().argmax())
            what = f"row {row + 1}: {name} = {text[name].iat[row]} is not a number of at least 0"
            raise Complaint(file, f"{what}: {REMEDY}", FAILED)
    measured = text[[*KEYS, "scenario"]].apply(tuple, axis=1)
    wrongs = {
        "lacks its scenario, target, timing, accelerator or seed": (text[list(NEEDED)] == "").any(axis=1),
        "has a seed that is no number": ~text["seed"].str.fullmatch("[0-9]+"),
        f"belongs to another suite than {suite}": text["suite"] != suite,
        "is neither exact nor live": ~text["timing"].isin(["exact", "live"]),
        f"is of a measurement or scenario that {suite}_environment.json does not tell": ~measured.isin(described),
        "repeats an earlier run": text["run"].duplicated(),
        "repeats an earlier exact run's seed": text.duplicated([*KEYS, "scenario", "seed"])
        & (text["timing"] == "exact"),
    }
    for what, wrong in wrongs.items():
        if wrong.any():
            raise Complaint(file, f"row {int(wrong.to_numpy().argmax()) + 1} {what}: {REMEDY}", FAILED)


def _git(folder: Path, *words: str) -> bytes:
    """What git answers; nothing when it fails."""
    answer = subprocess.run(["git", *words], cwd=folder, capture_output=True, check=False)
    return b"" if answer.returncode else answer.stdout.removesuffix(b"\n")
