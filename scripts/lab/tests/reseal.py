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

from lab.plan import contract, plan, plan_file
from lab.plan.guest import Guest
from lab.plan.plan import Row
from lab.runs import run_record


def reseal(folder: Path, **changed: Any) -> Path:
    """Seals the run in `folder` with these fields of its row, or other facts of run.json, changed.

    Gives it the name that belongs to them; command, duration and contract follow from the options. A run that has this
    name already is replaced.
    """
    of_row = {each.name for each in fields(Row)}
    facts = json.loads((folder / run_record.RECORD).read_text())
    facts |= {name: value for name, value in changed.items() if name not in of_row}
    row = resealed(facts["row"] | {name: value for name, value in changed.items() if name in of_row})
    row = replace(row, run=plan.run_name(row, facts["image"], facts["accelerator"]))
    facts["row"] = asdict(row)
    facts["files"] = {name: run_record.fingerprint(folder / name) for name in facts["files"]}
    run_record.write(folder, facts)
    sealed = folder.with_name(row.run)
    if sealed.exists() and sealed != folder:
        shutil.rmtree(sealed)
    return folder.rename(sealed)


def resealed(said: dict[str, Any]) -> Row:
    """The row, with what follows from its options."""
    known = contract.load(said["workload"])
    duration = known.meaning("duration")
    follows: dict[str, Any] = {
        "guest": Guest(**said["guest"]),
        "command": plan.command_of(known, said["options"], said["seed"]),
        "contract": known.sha256,
    }
    if duration and duration.name in said["options"]:
        follows["duration_s"] = float(said["options"][duration.name])
    return Row(**said | follows)


def main(runs: Path) -> None:
    names = {file.parent.name: reseal(file.parent).name for file in sorted(runs.glob("*/run.json"))}
    for file in sorted(runs.glob(plan.file_name("*", "*", "*"))):
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        file.write_text(
            plan_file.write([replace(resealed(row), run=names.get(row["run"], row["run"])) for row in rows])
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
