"""Tables of medians without runs: a folder whose <suite>_metrics.csv have the first columns alone, as another program
may write them. They can be exported; to judge or to make them again needs the runs."""

from pathlib import Path

import pandas as pd

from lab.plan.contract import Contract
from lab.tables import kept
from lab.tables.measurement import KEYS
from lab.tables.results import Results

SUFFIX = "_metrics.csv"
NEEDED = 5  # columns of the headline, which tables had from the first results of the project on


def load(folder: Path, contract: Contract) -> dict[str, Results]:
    """All suites of the folder, each scenario as one run that tells no more than these columns."""
    return {results.suite: results for results in (_read(file, contract) for file in sorted(folder.glob(f"*{SUFFIX}")))}


def _read(file: Path, contract: Contract) -> Results:
    # By column of the raw table: how it is called here, and by what it is multiplied.
    names = {
        column.name: (f"{column.name.removesuffix('_ns')}_ms", 1e6) if column.percentile else (column.name, 1)
        for column in contract.headline[:NEEDED]
    }
    measured = {name: kept.optional(kept.REAL) for name, _ in names.values()}
    table = kept.Table({"scenario": kept.TEXT} | measured, "write it again with them", others=kept.TEXT).read(file)
    raw = pd.DataFrame({name: table[name] if name in table else "" for name in ("scenario", *KEYS)})
    values = {column: table[name] * factor for column, (name, factor) in names.items()}
    return Results(file.name.removesuffix(SUFFIX), file, raw.assign(**values), {"measurements": []})
