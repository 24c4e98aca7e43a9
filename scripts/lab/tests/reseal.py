"""python3 -m lab.tests.reseal RUNS, in scripts/: seals the runs of a folder again, as the kit seals them now.

For recorded runs, when what a run's name or its run.json is made of has changed. Their data stay as they are; their
folders and their plans get the names that now belong to them.
"""

import json
import shutil
import sys
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from lab.plan import plan
from lab.runs import run_record
from lab.plan.plan import Row


def reseal(folder: Path, **changed: Any) -> Path:
    """Seals the run in `folder` with these facts of run.json changed, and gives it the name that belongs to them.

    A run that has this name already is replaced.
    """
    facts = json.loads((folder / run_record.RECORD).read_text()) | changed
    row = Row(**{each.name: facts[each.name] for each in fields(Row) if each.name in facts})
    facts["run"] = plan.run_name(row, facts["image"], facts["accelerator"])
    facts["files"] = {name: run_record.fingerprint(folder / name) for name in facts["files"]}
    facts = asdict(row) | facts
    run_record.write(folder, facts)
    sealed = folder.with_name(facts["run"])
    if sealed.exists() and sealed != folder:
        shutil.rmtree(sealed)
    return folder.rename(sealed)


def main(runs: Path) -> None:
    names = {file.parent.name: reseal(file.parent).name for file in sorted(runs.glob("*/run.json"))}
    for file in sorted(runs.glob("*.tsv")):
        rows = [replace(row, run=names.get(row.run, row.run)) for row in plan.read(file)]
        file.write_text(plan.write(rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
