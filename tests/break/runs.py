"""Breaks the folders of runs: what is left must be reported, and nothing that contradicts itself be taken.

A recorded run is changed: bytes, files, values of run.json, fields of its tables, its plan, its title. Half of them are
sealed again afterwards, as somebody would who knows how, so that all checksums and names fit.

usage: /usr/bin/python3 tests/break/runs.py [--seed N] [--count 1000] [--only CASE]
"""

import csv
import functools
import hashlib
import json
import math
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import budget

import pandas as pd

from lab.tables import measured, results
from lab.report import exports, pictures, page as report, suite as suite_results
from lab.report.pictures import stages as stage_picture
from lab.judge import gate
from lab.plan import plan, plan_file
from lab.plan.contract import PERCENTILES
from lab.runs import run_record
from lab.text.complaint import Complaint
from lab.report.exports import chrome_trace
from lab.text.files import write_whole
from lab.report.html import page
from lab.tests.reseal import reseal

RECORDED = budget.ROOT / "scripts/lab/tests/recorded"
TEXTS = [
    "",
    "x",
    "1_0",
    "1e400",
    "nan",
    "-5",
    "1.5",
    "+1",
    " 1",
    "9" * 25,
    "0x10",
    "٣",
    '"',
    "'",
    "\t",
    "\0",
    "\x1b[31m",
    "|",
]
TEXTS += [
    "../../x",
    "/",
    ".",
    "a" * 5000,
    "é",
    "0",
    "1",
    "149",
    "151",
    "150",
    "900",
    "<b>",
    "--",
    "True",
    "null",
    "1e308",
]
VALUES: list[Any] = [None, True, 0, -1, 1, 10**30, 1e308, 5e-324, [], {}, [1, "a"], {"a": {}}, [[[[]]]], *TEXTS]
ODD_JSON = ["NaN", "1e999", "-Infinity", "[" * 5000, "9" * 5000, '{"a": 1, "a": 2}', "", "[]", "3", '"\\ud800"']
COUNTS = (
    "begin_ns",
    "duration_s",
    "items",
    "produced",
    "dropped",
    "missed",
    "throughput_ops_s",
    "drop_rate",
    "samples",
    "wake_ups",
)
NOTHING = b"\x89PNG\r\n\x1a\n"


def without_pictures() -> None:
    """Pictures take seconds, and are made of the same tables."""
    pictures.draw = lambda *_: {}
    stage_picture.draw = lambda *_: NOTHING
    page.LIBRARY = Path("/dev/null")


@functools.cache
def good() -> tuple[Path, pd.DataFrame]:
    """Runs and their results as they should be, for the gate; and their raw table."""
    without_pictures()
    data = Path(tempfile.mkdtemp(prefix="break-good-")) / "result_data"
    shutil.copytree(RECORDED, data / "runs", ignore=shutil.ignore_patterns("*.queue-cap-8.*"))
    for file in (data / "runs").glob(plan.file_name("*", "*", "*")):
        file.write_text(plan_file.write([row for row in plan_file.read(file) if row.scenario != "queue-cap-8"]))
    made, complaints = suite_results.make("t000", data / "runs", None, data)
    assert not complaints, complaints
    _write(data, made)
    return data, measured.read(data / "t000_raw.csv").set_index("run")


def _write(data: Path, made: dict[str, str | bytes]) -> None:
    for name, content in made.items():
        write_whole(data / name, content)


def case(chance: random.Random, folder: Path) -> str:
    base, expected = good()
    runs = Path(shutil.copytree(base / "runs", folder / "result_data/runs"))
    run = chance.choice(sorted(file.parent for file in runs.glob("*/run.json")))
    name = run.name
    changed = chance.choice(CHANGES)
    for _ in range(chance.choice((1, 1, 2))):
        changed(chance, runs, run)
    sealed = chance.random() < 0.5 and changed not in (_plan, _title)
    if sealed:
        _seal(runs, run)
    made, complaints = suite_results.make("t000", runs, None, runs.parent)
    for complaint in complaints:
        assert len(str(complaint).splitlines()) == 1, complaint
    if not made:
        return "refused whole"
    _write(runs.parent, made)
    raw = measured.read(runs.parent / "t000_raw.csv").set_index("run")
    _check(raw, expected, runs, "" if changed is _plan else name, sealed)
    _use(chance, base, runs, run)
    left_out = len(raw) < len(expected)
    assert bool(complaints) or not left_out or changed is _plan or not run.is_dir(), "a run is left out and nobody told"
    return ("resealed, " if sealed else "") + (
        "left out" if left_out else "taken, and told of" if complaints else "taken"
    )


def _check(raw: pd.DataFrame, expected: pd.DataFrame, runs: Path, name: str, sealed: bool) -> None:
    """Runs that nobody touched are as they were, and any that is taken adds up by itself."""
    for run, row in raw.iterrows():
        assert run in expected.index or sealed or not name, f"{run} comes from nowhere"
        if run in expected.index and not (sealed and run == name):
            pd.testing.assert_series_equal(row.drop("noisy"), expected.loc[run].drop("noisy"), check_dtype=False)
            assert bool(row["noisy"]) == bool(expected.loc[run, "noisy"])
        _adds_up(row, runs / str(run))
    others = [run for run in expected.index if run != name]
    if name:
        assert set(others) <= set(raw.index), "a good run is left out"


def _adds_up(row: pd.Series, run: Path) -> None:
    """Counted again from the files, in another way than the kit does."""
    stats = dict(csv.reader((run / "stats.csv").read_text(errors="replace").splitlines()[1:]))
    produced, items, dropped = (float(stats[key]) for key in ("produced", "items", "dropped"))
    assert produced == items + dropped and [produced, items, dropped] == list(row[["produced", "items", "dropped"]])
    assert (run / "samples.csv").read_bytes().count(b"\n") - 1 == float(stats["samples"])
    table = pd.read_csv(run / "histogram.csv")
    for time in ("latency", "response"):
        assert table[table["metric"] == time]["count"].sum() == items
        known = row[[f"{time}_{name}_ns" for name in PERCENTILES]].dropna().astype(float)
        assert known.is_monotonic_increasing and (known >= 0).all()
    threads = pd.read_csv(run / "threads.csv")
    for role in ("producer", "consumer"):
        faults = threads[threads["role"] == role]["page_faults"].sum(skipna=False)
        assert math.isclose(faults, row[f"{role}_page_faults"]) or math.isnan(faults)
    facts = json.loads((run / "run.json").read_text())
    assert [facts["row"][key] for key in ("run", "scenario", "seed")] == [run.name, row["scenario"], row["seed"]]


def _use(chance: random.Random, base: Path, runs: Path, run: Path) -> None:
    """What else reads runs and results."""
    report.write(runs.parent, runs.parents[1] / "results.md")
    page.render(runs.parent, runs)
    known = results.load(runs.parent)
    try:
        gate.run_all(results.load(base), known)
    except Complaint:  # it may be of another guest or program
        pass
    for text in exports.OF_RESULTS.values():
        assert text(known)
    try:
        chrome_trace.text(run)
    except Complaint:
        pass


def _seal(runs: Path, run: Path) -> None:
    """Seals a changed run again; where it still can be read, with the name and the row of the plan that belong to it."""
    others = [each.read_bytes() for each in runs.glob("*/run.json") if each.parent != run]
    if (run / "run.json").is_file() and (run / "run.json").read_bytes() in others:
        return  # it would take the other's name, and its place
    try:
        sealed = reseal(run)
        row = run_record.load(sealed).row
        if not run.name.startswith(f"{row.suite}.") or f".{row.target}.{row.timing}." not in run.name:
            return  # no plan here has such a row
        line = plan_file.write([row]).removesuffix("\n")
    except Complaint:
        return  # no planner makes such a row
    except Exception:  # it is broken: then as well as that can be done
        _seal_roughly(run)
        return
    for file in runs.glob(plan.file_name("*", "*", "*")):
        begin = f'{{"run": "{run.name}"'
        lines = [line if old.startswith(begin) else old for old in file.read_text().split("\n")]
        file.write_text("\n".join(lines))


def _seal_roughly(run: Path) -> None:
    try:
        facts = json.loads((run / "run.json").read_text())
        facts["files"] = {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name in facts["files"]
            for content in [(run / name).read_bytes()]
        }
        run_record.write(run, facts)
    except Exception:  # it stays as it is
        pass


def _bytes(chance: random.Random, runs: Path, run: Path) -> None:
    file = chance.choice(sorted(run.iterdir()))
    content = file.read_bytes()
    begin = chance.randint(0, len(content))
    some = bytes(chance.randrange(256) for _ in range(chance.choice((0, 1, 1, 3))))
    file.write_bytes(content[:begin] + some + content[begin + chance.choice((0, 1, 1, 40)) :])


def _file(chance: random.Random, runs: Path, run: Path) -> None:
    """A file is gone, empty, cut, a folder, another one's, or one more."""
    file = chance.choice(sorted(run.iterdir()))
    how = chance.randrange(6)
    if how == 4:
        other = chance.choice([each for each in sorted(runs.glob("*/" + file.name)) if each != file] or [file])
        file.write_bytes(other.read_bytes())
    elif how == 5:
        (run / chance.choice(("more.txt", "core", "é"))).write_text("x")
    elif how in (1, 2):
        file.write_bytes(file.read_bytes()[: chance.choice((0, file.stat().st_size // 2))])
    elif file.is_file():
        file.unlink()
        if how == 3:
            file.mkdir()


def _json(chance: random.Random, runs: Path, run: Path) -> None:
    """A value of run.json is another, gone, or no JSON."""
    file = run / "run.json"
    try:
        facts = json.loads(file.read_text())
        place = facts
        while isinstance(place[key := chance.choice(list(place))], dict) and place[key] and chance.random() < 0.8:
            place = place[key]
    except Exception:  # an earlier change has broken it
        return
    if chance.random() < 0.15:
        place[key] = "@"
        file.write_text(json.dumps(facts).replace('"@"', chance.choice(ODD_JSON)))
        return
    if chance.random() < 0.1:
        del place[key]
    elif isinstance(place[key], int) and chance.random() < 0.5:
        place[key] += chance.choice((-1, 1))
    elif isinstance(place[key], str) and chance.random() < 0.5:
        begin = chance.randint(0, len(place[key]))
        place[key] = place[key][:begin] + chance.choice(TEXTS) + place[key][begin + chance.choice((0, 1)) :]
    else:
        place[key] = chance.choice(VALUES)
    if chance.random() < 0.1:
        facts |= {
            "noisy": chance.choice(VALUES),
            "ledger": chance.choice(VALUES),
            "vcpu_pinning": chance.choice(VALUES),
        }
    try:
        file.write_text(json.dumps(facts))
    except UnicodeEncodeError:
        pass


def _table(chance: random.Random, runs: Path, run: Path) -> None:
    """A field, a row or the header of a table is another."""
    file = run / chance.choice(("stats.csv", "histogram.csv", "samples.csv", "threads.csv", "series.csv"))
    if not file.is_file():
        return
    lines = file.read_text(errors="replace").split("\n")
    number = chance.randrange(len(lines))
    fields = lines[number].split(",")
    how = chance.randrange(5)
    if how == 0:
        lines.insert(chance.randint(0, len(lines)), lines[number])
    elif how == 1:
        del lines[number]
    elif how == 2:
        lines[number] = ",".join(fields[:-1]) if chance.random() < 0.5 else lines[number] + "," + chance.choice(TEXTS)
    else:
        fields[chance.randrange(len(fields))] = chance.choice(TEXTS)
        lines[number] = ",".join(fields)
    file.write_text("\n".join(lines))


def _count(chance: random.Random, runs: Path, run: Path) -> None:
    """A count is slightly another."""
    stats = run / "stats.csv"
    if not stats.is_file():
        return
    lines = [line for line in stats.read_text(errors="replace").split("\n") if line]
    key = chance.choice(COUNTS)
    value = chance.choice(("0", "1", "149", "151", "300", "1.5", "", "-1", "150", "0.15", "1e3"))
    there = [number for number, line in enumerate(lines) if line.startswith(key + ",")]
    lines[there[0] if there else len(lines) :] = [f"{key},{value}"] + (lines[there[0] + 1 :] if there else [])
    stats.write_text("\n".join(lines) + "\n")


def _plan(chance: random.Random, runs: Path, run: Path) -> None:
    """A field, a byte or a line of a plan is another."""
    file = chance.choice(sorted(runs.glob(plan.file_name("*", "*", "*"))))
    lines = file.read_bytes().decode(errors="replace").split("\n")
    number = chance.randrange(len(lines))
    fields = lines[number].split(", ")
    how = chance.randrange(4)
    if how == 0:
        lines[number] = lines[number].replace(chance.choice((" ", '"', ".", "1")), chance.choice(TEXTS), 1)
    elif how == 1:
        lines[number : number + chance.choice((0, 1))] = [lines[number], lines[number]]
    elif how == 2:
        del lines[number]
    else:
        fields[chance.randrange(len(fields))] = chance.choice(TEXTS)
        lines[number] = ", ".join(fields)
    file.write_text("\n".join(lines))


def _title(chance: random.Random, runs: Path, run: Path) -> None:
    (runs / plan.title_file("t000")).write_bytes(
        chance.choice((b"", b"caf\xe9", b"\xff\xfe\0", b"a\nb\n", b"|" * 300, b"# x"))
    )


CHANGES = (_bytes, _bytes, _file, _json, _json, _json, _table, _table, _count, _count, _plan, _title)


if __name__ == "__main__":
    good()
    try:
        sys.exit(budget.main(case, __doc__ or "", 1000))
    finally:
        shutil.rmtree(good()[0].parent)
