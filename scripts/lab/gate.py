"""The gate: is one set of results worse than another, and does it hold the suite's objectives?

A set of results is a folder as `make report` leaves it: <suite>_raw.csv and <suite>_environment.json.
"""

import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd

from lab import statistics
from lab.complaint import FAILED, Complaint
from lab.objectives import Judgement, Objective, judge
from lab.statistics import Comparison, Verdict

GOOD, WORSE, MISSED, INCONCLUSIVE = 0, 3, 4, 5
NEEDED = ("run", "suite", "scenario", "target", "timing", "seed")
OUTCOMES = {
    GOOD: "good: nothing is worse",
    WORSE: "worse",
    MISSED: "an objective is missed",
    INCONCLUSIVE: "inconclusive: more runs, or a quieter host, would decide",
}
UNDECIDED = (Verdict.INCONCLUSIVE, Verdict.MIXED)


@dataclass(frozen=True)
class Results:
    """One suite of a set of results."""

    suite: str
    source: Path  # of the raw table
    raw: pd.DataFrame
    environment: dict[str, Any]


@dataclass(frozen=True)
class Gate:
    """What came of comparing two sets of one suite, and of its objectives."""

    suite: str
    comparisons: list[Comparison]
    judgements: list[Judgement]
    remarks: list[str]  # what differs or lacks, for the reader

    @property
    def exit_code(self) -> int:
        """3 before 4 before 5: what is certain to be bad comes first."""
        if any(each.verdict is Verdict.WORSE for each in self.comparisons):
            return WORSE
        if any(each.held is False for each in self.judgements):
            return MISSED
        undecided = any(each.verdict in UNDECIDED for each in self.comparisons)
        unmeasured = any(each.held is None for each in self.judgements)
        nothing = not self.comparisons and not self.judgements
        return INCONCLUSIVE if undecided or unmeasured or nothing else GOOD


def load(folder: Path) -> dict[str, Results]:
    """All suites of a folder. Raises Complaint naming file, row and remedy."""
    files = sorted(folder.glob("*_raw.csv"))
    if not files:
        raise Complaint(folder, "has no <suite>_raw.csv: give a folder such as result_data, after 'make report'")
    return {results.suite: results for results in map(_read, files)}


def load_base(base: str, folder: Path) -> dict[str, Results]:
    """The set in the folder `base`, or the one that `folder`, in a git working tree, held at the revision `base`."""
    if Path(base).is_dir():
        return load(Path(base))
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
    top, prefix = (_git(folder, "rev-parse", f"--show-{what}") for what in ("toplevel", "prefix"))
    archive = _git(Path(top.decode()), "archive", "--format=tar", f"{commit.decode()}:{prefix.decode()}")
    if not commit or not archive:
        raise Complaint(base, "is neither a folder nor a git revision with results: give BASE=DIR or BASE=GIT-REV")
    with tempfile.TemporaryDirectory() as place:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tables = [file for file in tar if file.isfile() and file.name.endswith(("_raw.csv", "_environment.json"))]
            tar.extractall(place, tables)
        sets = load(Path(place))
    return {name: replace(results, source=Path(base) / results.source.name) for name, results in sets.items()}


def check(base: Results, new: Results, allowed: Collection[str] = ()) -> list[str]:
    """Refuses two sets that differ in more than the program, unless the difference is in `allowed`.

    Gives a remark for each difference that was allowed.
    """
    known = _circumstances(base)
    for name in allowed:
        if name not in known:
            raise Complaint("--allow", f"'{name}' is not valid: give one of {', '.join(known)}")
    remarks = []
    for name, (first, second) in _differences(base, new).items():
        if name not in allowed:
            what = f"{new.suite}: {name} is {second}, but {first} in {base.source.parent}"
            raise Complaint(new.source, f"{what}: measure both alike, or name the difference with '--allow {name}'")
        remarks.append(f"{name}: {first} before, {second} now (allowed)")
    return remarks


def run(
    base: Results,
    new: Results,
    objectives: Iterable[Objective] = (),
    allowed: Collection[str] = (),
    metrics: Sequence[str] = statistics.METRICS,
    margin: float = statistics.MARGIN,
) -> Gate:
    """Compares what both have; the objectives are of `new`."""
    remarks = check(base, new, allowed)
    comparisons: list[Comparison] = []
    sides = [dict(iter(statistics.quiet(each.raw).groupby(["timing", "scenario"], sort=False))) for each in (base, new)]
    before, now = sides
    for only, where in ((before.keys() - now.keys(), base), (now.keys() - before.keys(), new)):
        remarks += [f"{name}, {timing}: has quiet runs in {where.source.parent} alone" for timing, name in sorted(only)]
    for timing in ("exact", "live"):
        both = [key for key in now if key in before and key[0] == timing]
        pairs = [pair for key in both for pair in statistics.pairs_of(key[1], before[key], now[key], metrics)]
        comparisons += statistics.compare(pairs, margin)
    return Gate(new.suite, comparisons, judge(new.raw, objectives), remarks)


def overall(gates: Iterable[Gate]) -> int:
    """The exit code of several suites: the worst, in the order 3, 4, 5, 0."""
    codes = {each.exit_code for each in gates}
    return next((code for code in (WORSE, MISSED, INCONCLUSIVE) if code in codes), GOOD)


def markdown(gates: Sequence[Gate]) -> str:
    """A summary for a pull request or a terminal: the outcome, what is wrong, then every comparison."""
    lines = [f"**pipelab gate: {OUTCOMES[overall(gates)]}** (exit {overall(gates)})"]
    for gate in gates:
        lines += ["", f"### {gate.suite}", ""]
        notes = gate.remarks + [f"{each.scenario}, {each.timing}: {each.text()}" for each in gate.judgements]
        lines += [f"- {note}" for note in notes] + [""] * bool(notes)
        lines += ["| timing | scenario | metric | before | now | verdict |", "|---|---|---|---:|---:|---|"]
        lines += [
            f"| {each.timing} | {each.scenario} | {each.metric} | {_figure(each.base)} | {_figure(each.value)} "
            f"| {_emphasis(each)} |"
            for each in sorted(gate.comparisons, key=_urgency)
        ]
    return "\n".join(lines) + "\n"


def junit(gates: Sequence[Gate]) -> str:
    """JUnit XML: a suite a timing, a case a comparison or objective; skipped where inconclusive."""
    root = ElementTree.Element("testsuites", name="pipelab gate")
    for gate in gates:
        timings = dict.fromkeys([each.timing for each in gate.comparisons] + [each.timing for each in gate.judgements])
        for timing in timings:
            cases: list[tuple[str, str, str, str]] = [
                (each.scenario, each.metric, _junit_outcome(each.verdict), each.text())
                for each in gate.comparisons
                if each.timing == timing
            ] + [
                (
                    each.scenario,
                    str(each.objective),
                    {True: "", False: "failure", None: "skipped"}[each.held],
                    each.text(),
                )
                for each in gate.judgements
                if each.timing == timing
            ]
            count = {kind: str(sum(case[2] == kind for case in cases)) for kind in ("failure", "skipped")}
            suite = ElementTree.SubElement(
                root,
                "testsuite",
                name=f"{gate.suite}.{timing}",
                tests=str(len(cases)),
                failures=count["failure"],
                skipped=count["skipped"],
            )
            for scenario, name, outcome, text in cases:
                case = ElementTree.SubElement(suite, "testcase", classname=f"{suite.get('name')}.{scenario}", name=name)
                if outcome:
                    ElementTree.SubElement(case, outcome, message=text)
                else:
                    ElementTree.SubElement(case, "system-out").text = text
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _read(file: Path) -> Results:
    suite = file.name.removesuffix("_raw.csv")
    remedy = "run 'make report' there again"
    beside = file.with_name(f"{suite}_environment.json")
    try:
        raw = pd.read_csv(file)
    except (OSError, ValueError) as error:
        raise Complaint(file, f"cannot be read as CSV ({error}): {remedy}", FAILED) from None
    try:
        environment = json.loads(beside.read_text())
    except (OSError, ValueError) as error:
        raise Complaint(beside, f"is missing or damaged ({error}): {remedy}", FAILED) from None
    missing = [name for name in NEEDED if name not in raw]
    if missing:
        raise Complaint(file, f"row 0 lacks the columns {', '.join(missing)}: {remedy}", FAILED)
    if raw.empty:
        raise Complaint(file, f"has no runs: {remedy}", FAILED)
    _check_rows(file, raw, suite, remedy)
    results = Results(suite, file, raw, environment)
    try:
        _circumstances(results)
    except (KeyError, TypeError, AttributeError) as error:
        raise Complaint(beside, f"lacks {error}: {remedy}", FAILED) from None
    return results


def _git(folder: Path, *words: str) -> bytes:
    """What git answers; nothing when it fails."""
    answer = subprocess.run(["git", *words], cwd=folder, capture_output=True, check=False)
    return b"" if answer.returncode else answer.stdout.removesuffix(b"\n")


def _check_rows(file: Path, raw: pd.DataFrame, suite: str, remedy: str) -> None:
    """Rows are counted from 1, as in the file below its header."""
    measured = [name for name in raw if name.endswith(("_ns", "_ops_s", "_rate", "duration_s"))]
    for name in measured:
        values = pd.to_numeric(raw[name], errors="coerce")
        bad = (values.isna() & raw[name].notna()) | (values < 0) | (values.abs() == float("inf"))
        if bad.any():
            row = int(bad.to_numpy().argmax())
            what = f"row {row + 1}: {name} = {raw[name].iat[row]} is not a number of at least 0"
            raise Complaint(file, f"{what}: {remedy}", FAILED)
    wrongs = {
        "lacks its scenario, target, timing or seed": raw[list(NEEDED)].isna().any(axis=1),
        f"belongs to another suite than {suite}": raw["suite"] != suite,
        "is neither exact nor live": ~raw["timing"].isin(["exact", "live"]),
        "repeats an earlier run": raw["run"].duplicated(),
        "repeats an earlier exact run's seed": raw.duplicated(["scenario", "target", "timing", "seed"])
        & (raw["timing"] == "exact"),
    }
    for what, wrong in wrongs.items():
        if wrong.any():
            raise Complaint(file, f"row {int(wrong.to_numpy().argmax()) + 1} {what}: {remedy}", FAILED)


def _circumstances(results: Results) -> dict[str, Any]:
    """What must be alike for a difference to be the program's, by the name that --allow takes."""
    environment = results.environment
    image, timings = environment["image"], environment["timings"]
    live: Mapping[str, Any] = timings.get("live", {})
    return {
        "kernel": f"{image['kernel_version']} ({image['kernel_sha256'][:8]})",
        "target": ", ".join(sorted(set(results.raw["target"]))),
        "qemu": image["qemu_version"],
        "accelerator": {name: about["accelerator"] for name, about in timings.items()},
        "guest": f"{environment['smp']} CPUs, {environment['memory_mb']} MB",
        "host": f"{live['host_cpu']}, {live['host_cpus']} CPUs" if live else None,
        "options": dict(environment["scenarios"]),
    }


def _differences(base: Results, new: Results) -> dict[str, tuple[Any, Any]]:
    """Of what both say: what is not alike, before and now."""
    first, second = _circumstances(base), _circumstances(new)
    unlike = {}
    for name, value in first.items():
        other = second[name]
        if isinstance(value, dict):  # by timing or scenario: those that one set lacks are no difference
            shared = [key for key in value if key in other and value[key] != other[key]]
            value, other = ("; ".join(f"{key} {side[key]}" for key in shared) for side in (value, other))
        if value != other and None not in (value, other):
            unlike[name] = (value, other)
    return unlike


def _junit_outcome(verdict: Verdict) -> str:
    if verdict is Verdict.WORSE:
        return "failure"
    return "skipped" if verdict in UNDECIDED else ""


def _urgency(comparison: Comparison) -> int:
    order = [Verdict.WORSE, *UNDECIDED, Verdict.BETTER, Verdict.SAME, Verdict.EQUAL]
    return order.index(comparison.verdict)


def _emphasis(comparison: Comparison) -> str:
    text = comparison.text()
    return f"**{text}**" if comparison.verdict is Verdict.WORSE else text


def _figure(value: float) -> str:
    return "" if pd.isna(value) else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
