"""A set of results: a folder as `make report` leaves it, read back and checked, or the same from git.

It has <suite>_raw.csv and <suite>_environment.json of one suite or several.
"""

import io
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from lab.plan.contract import Contract
from lab.runs.attend import git
from lab.tables import kept, measured, measurement
from lab.text import names, strict
from lab.text.complaint import FAILED, Complaint
from lab.text.files import read_text
from lab.tables.measurement import KEYS

REMEDY = "run 'make report' there again"
RAW = kept.Table(
    {"run": kept.NAME, "suite": kept.NAME, "scenario": kept.NAME, "target": kept.NAME}
    | {"timing": kept.one_of("exact", "live"), "accelerator": kept.NAME, "seed": kept.WHOLE, "noisy": kept.FLAG},
    remedy=REMEDY,
    others=kept.optional(kept.REAL),
    known=dict.fromkeys(measured.FINGERPRINTS, kept.optional(kept.NAME)),
    unique=[("run", "scenario")],
)


@dataclass(frozen=True)
class Results:
    """One suite of a set of results."""

    suite: str
    source: Path  # of the raw table
    raw: pd.DataFrame
    environment: dict[str, Any]

    @cached_property
    def contract(self) -> Contract:
        """Of the workload that was measured."""
        return measurement.contract_of(self.environment)


def load(folder: Path) -> dict[str, Results]:
    """All suites of a folder. Raises Complaint naming file, row and remedy."""
    files = sorted(folder.glob("*_raw.csv"))
    if not files and any(folder.glob("*_metrics.csv")):
        what = "has tables without runs: they can be exported; to compare or judge them needs each suite's"
        raise Complaint(folder, f"{what} <suite>_raw.csv and <suite>_environment.json, which 'make report' writes")
    if not files:
        raise Complaint(folder, "has no <suite>_raw.csv: give a folder such as result_data, after 'make report'")
    return {results.suite: results for results in map(_read, files)}


def of_suite(sets: Mapping[str, Results], name: str, folder: Path) -> Results:
    """That of the suite `name`. Raises Complaint where `folder`, which the sets are from, has none of it."""
    if name not in sets:
        raise Complaint(folder, f"has no results of {name}: give one of {', '.join(sets)}")
    return sets[name]


def load_base(base: str, folder: Path) -> dict[str, Results]:
    """The set in the folder `base`, or the one that `folder`, in a git working tree, held at the revision `base`."""
    if base and Path(base).is_dir():
        below = Path(base, "result_data")  # of what RESULTS= names
        return load(below if below.is_dir() and not any(Path(base).glob("*_raw.csv")) else Path(base))
    commit = git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
    top, place = (git(folder, "rev-parse", word).decode() for word in ("--show-toplevel", "--show-prefix"))
    archive = git(Path(top or "."), "archive", "--format=tar", f"{commit.decode()}:{place}")  # not from inside it
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
    if not beside.is_file():
        what = (
            f"{beside.name} is not there, which says how it was measured: {REMEDY}, or export its {suite}_metrics.csv"
        )
        raise Complaint(file, f"is a table alone: {what}", FAILED)
    raw = RAW.read(file, needed=True)
    try:
        names.check({"suite": suite})
        environment = strict.parse_json(read_text(beside))
        measurement.check(environment)
        described = measurement.each_of(environment)
        for facts in described.values():
            for scenario in facts["scenarios"]:
                measurement.circumstances(facts, scenario)
    except (OSError, ValueError) as error:
        raise Complaint(beside, f"is damaged ({error}): {REMEDY}", FAILED) from None
    except (KeyError, TypeError, AttributeError) as error:
        raise Complaint(beside, f"lacks {error}: {REMEDY}", FAILED) from None
    RAW.refuse(file, raw["suite"] != suite, f"belongs to another suite than {suite}")
    known = {(*each, name) for each, facts in described.items() for name in facts["scenarios"]}
    unknown = ~pd.MultiIndex.from_frame(raw[[*KEYS, "scenario"]]).isin(list(known))
    what = f"is of a measurement or scenario that {beside.name} does not tell"
    RAW.refuse(file, pd.Series(unknown), what)
    again = raw.duplicated([*KEYS, "scenario", "seed"]) & (raw["timing"] == "exact")
    RAW.refuse(file, again, "repeats an earlier exact run's seed")
    return Results(suite, file, raw, environment)
