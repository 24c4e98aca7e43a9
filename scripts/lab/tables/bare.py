"""Tables of medians without runs: a folder whose <suite>_metrics.csv have the first columns alone, as another program
may write them. They can be exported; to judge or to make them again needs the runs."""

from pathlib import Path

import pandas as pd

from lab.plan import contract
from lab.plan.contract import Contract
from lab.tables import kept
from lab.tables.measured import in_metrics
from lab.tables.measurement import KEYS
from lab.tables.results import Results

SUFFIX = "_metrics.csv"
NEEDED = 5  # columns of the headline, which tables had from the first results of the project on
TABLE = kept.Table({"scenario": kept.TEXT}, "write it again with them", others=kept.TEXT)


def load(folder: Path) -> dict[str, Results]:
    """All suites of the folder, each scenario as one run that tells no more than these columns.

    Raises Complaint naming file, row and remedy.
    """
    return {results.suite: results for results in map(_read, sorted(folder.glob(f"*{SUFFIX}")))}


def _read(file: Path) -> Results:
    columns = list(TABLE.read(file))
    known = max(map(contract.load, contract.names()), key=lambda each: len({*_names(each)} & {*columns}))
    names = _names(known)
    measured = {name: kept.optional(kept.REAL) for name in names}
    table = kept.Table({"scenario": kept.TEXT} | measured, TABLE.remedy, others=kept.TEXT).read(file)
    raw = pd.DataFrame({name: table[name] if name in table else "" for name in ("scenario", *KEYS)})
    values = {column.name: table[name] * (1e6 if column.percentile else 1) for name, column in names.items()}  # of ms
    workload = {"name": known.name, "contract": known.table}
    environment = {"workload": workload, "measurements": []}
    return Results(file.name.removesuffix(SUFFIX), file, raw.assign(**values), environment)


def _names(known: Contract) -> dict[str, contract.Column]:
    """The columns that a table of this workload has, by what they are called there."""
    return {in_metrics(column.name): column for column in known.headline[:NEEDED]}
