"""Gates: exit codes, refusals, objectives, and what CI reads. On the results of a sweep and changed copies."""

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from lab.judge import gate
from lab.report import gate as gate_report
from lab.plan import contract, objectives
from lab.tables import results
from lab.tests import steps
from lab.text.complaint import Complaint
from lab.judge.gate import Gate
from lab.judge.comparing import Verdict

PIPELINE = contract.load("pipeline")
LIMIT = {"relation": "<=", "factor": 1.0}  # of an objective

RESULTS = Path(__file__).parent / "results"
PIPELINE = contract.load("pipeline")
LIMIT = {"relation": "<=", "factor": 1.0}  # of an objective
RESULT_DATA = Path(__file__).parents[3] / "result_data"
RUNS = 8


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A set of one suite with 8 quiet runs of each live scenario: 2 % from run to run."""
    folder = tmp_path / "base"
    folder.mkdir()
    shutil.copy(RESULTS / "t000_environment.json", folder)
    raw = pd.read_csv(RESULTS / "t000_raw.csv")
    exact, live = raw[raw["timing"] == "exact"], raw[(raw["timing"] == "live") & (raw["replicate"] == 1)]
    random = np.random.default_rng(1)
    more = []
    for seed in range(1, RUNS + 1):
        runs = live.assign(replicate=seed, seed=seed, run=live["run"] + f".{seed}")
        for name in ("latency_p50_ns", "latency_p99_ns", "response_p99_ns"):
            runs[name] = 100_000 * np.exp(random.normal(0, 0.01, len(live)))
        more.append(runs)
    pd.concat([exact, *more]).to_csv(folder / "t000_raw.csv", index=False)
    return folder


def copy(base: Path, change: Callable[[pd.DataFrame], None] = lambda raw: None) -> Path:
    new = Path(shutil.copytree(base, base.with_name("new")))
    raw = pd.read_csv(new / "t000_raw.csv")
    change(raw)
    raw.to_csv(new / "t000_raw.csv", index=False)
    return new


def run(base: Path, new: Path, slo: dict[str, object] | None = None, allowed: tuple[str, ...] = ()) -> Gate:
    wanted = objectives.load(Path("t000.toml"), slo or {}, PIPELINE)
    return gate.run(results.load(base)["t000"], results.load(new)["t000"], wanted, allowed)


def slower(factor: float, timing: str = "live") -> Callable[[pd.DataFrame], None]:
    def change(raw: pd.DataFrame) -> None:
        raw.loc[(raw["timing"] == timing) & (raw["scenario"] == "affinity"), "latency_p99_ns"] *= factor

    return change


def test_the_same_again_is_good(base: Path) -> None:
    same = run(base, copy(base))
    assert same.exit_code == gate.GOOD
    assert {each.verdict for each in same.comparisons} == {Verdict.SAME, Verdict.EQUAL}
    assert len(same.comparisons) == 2 * 3 * len(PIPELINE.judged)


@pytest.mark.parametrize(("timing", "text"), [("live", "worse: +20."), ("exact", "worse: +20.0 %")])
def test_one_slower_scenario_fails_the_gate(base: Path, timing: str, text: str) -> None:
    worse = run(base, copy(base, slower(1.2, timing)))
    assert worse.exit_code == gate.WORSE
    found = [each for each in worse.comparisons if each.verdict is Verdict.WORSE]
    assert [(each.scenario, each.metric, each.measurement.timing) for each in found] == [
        ("affinity", "latency_p99_ns", timing)
    ]
    first_row = gate_report.markdown([worse]).split("---:|---|\n")[1]
    assert first_row.startswith(f"| {timing} timing on aarch64") and text in first_row.splitlines()[0]


def test_a_faster_scenario_is_good(base: Path) -> None:
    assert run(base, copy(base, slower(0.8))).exit_code == gate.GOOD


def test_few_or_noisy_runs_are_inconclusive(base: Path) -> None:
    def few(raw: pd.DataFrame) -> None:
        raw.drop(raw[(raw["timing"] == "live") & (raw["replicate"] > 2)].index, inplace=True)

    assert run(base, copy(base, few)).exit_code == gate.INCONCLUSIVE
    shutil.rmtree(base.with_name("new"))

    def noisy(raw: pd.DataFrame) -> None:
        slower(1.2)(raw)
        raw["noisy"] = raw["timing"] == "live"

    left = run(base, copy(base, noisy))
    assert {each.measurement.timing for each in left.comparisons} == {"exact"}
    assert left.exit_code == gate.INCONCLUSIVE
    assert left.lacking[0] == f"affinity, live timing on aarch64 with tcg: has quiet runs in {base} alone"
    junit = ElementTree.fromstring(gate_report.junit([left]))
    assert len(junit.findall("testsuite[@name='t000.not compared']/testcase/skipped")) == 3


def test_what_was_not_measured_again_is_only_remarked(base: Path) -> None:
    def exact_only(raw: pd.DataFrame) -> None:
        raw.drop(raw[raw["timing"] == "live"].index, inplace=True)

    left = run(base, copy(base, exact_only))
    assert (left.exit_code, left.lacking, len(left.remarks)) == (gate.GOOD, [], 3)


def test_another_accelerator_is_not_compared(base: Path) -> None:
    new = copy(base, lambda raw: raw.update(raw["accelerator"].where(raw["timing"] == "exact", "kvm")))
    change_environment(new, lambda live: live.update(accelerator="kvm"))
    other = run(base, new)
    assert {each.measurement.timing for each in other.comparisons} == {"exact"}
    assert other.exit_code == gate.INCONCLUSIVE and len(other.lacking) == 6


def test_objectives_are_missed_by_name(base: Path) -> None:
    slo: dict[str, object] = {"response_p99_us": 95, "throughput_ops_s": ">= 900", "drop_rate": 0}
    missed = run(base, copy(base), slo)
    assert missed.exit_code == gate.MISSED
    texts = {(each.scenario, each.measurement.timing, each.objective.name): each.text() for each in missed.judgements}
    assert texts["baseline", "live", "response_p99_us"].startswith("missed: response_p99_us of ")
    assert texts["baseline", "live", "response_p99_us"].endswith(" is not <= 95")
    assert texts["baseline", "live", "throughput_ops_s"] == "held: throughput_ops_s of 1,000 (1,000 to 1,000) is >= 900"
    assert texts["baseline", "exact", "response_p99_us"].startswith("held: ")
    shutil.rmtree(base.with_name("new"))
    assert run(base, copy(base), slo | {"response_p99_us": 200}).exit_code == gate.GOOD
    shutil.rmtree(base.with_name("new"))
    assert run(base, copy(base), {"latency_p999_us": ">= 1"}).exit_code == gate.GOOD
    shutil.rmtree(base.with_name("new"))

    def unmeasured(raw: pd.DataFrame) -> None:
        raw["latency_p999_ns"] = np.nan

    empty = run(base, copy(base, unmeasured), {"latency_p999_us": 1e9})
    assert empty.exit_code == gate.INCONCLUSIVE
    assert empty.judgements[0].text() == "not measured: latency_p999_us <= 1e+09"


@pytest.mark.parametrize(
    ("slo", "message"),
    [
        ({"response_p9_us": 1}, "[slo]: unknown objective 'response_p9_us': did you mean response_p"),
        ({"drop_rate": "= 0"}, "[slo]: drop_rate = '= 0' is not valid: give a number, or a limit such as"),
        ({"drop_rate": True}, "drop_rate = true is not valid"),
        ({"drop_rate": -1}, "drop_rate = -1 is not valid"),
        ({"drop_rate": float("nan")}, "drop_rate = nan is not valid"),
        (3, "slo: is not a section"),
    ],
)
def test_bad_objectives_get_one_line(slo: object, message: str) -> None:
    with pytest.raises(Complaint) as complaint:
        objectives.load(Path("t000.toml"), slo, PIPELINE)
    assert message in str(complaint.value) and complaint.value.exit_code == 2


def change_environment(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes what is told of the live measurement."""
    file = folder / "t000_environment.json"
    facts = json.loads(file.read_text())
    change(next(each for each in facts["measurements"] if each["timing"] == "live"))
    file.write_text(json.dumps(facts))


@pytest.mark.parametrize(
    ("name", "keys", "value"),
    [
        ("kernel", ("guests", 0, "image", "kernel_version"), "6.1.0-57"),
        ("kernel", ("guests", 0, "image", "kernel_sha256"), "0123456789"),
        ("qemu", ("guests", 0, "image", "qemu_version"), "9"),
        ("guest", ("guests", 0, "smp"), 4),
        ("guest", ("guests", 0, "kernel_args"), "isolcpus=1"),
        ("host", ("host", "cpu"), "another"),
        ("options", ("scenarios", "baseline", "options", "prod-interval-us"), 500),
    ],
)
def test_another_circumstance_is_refused_unless_it_is_named(
    base: Path, name: str, keys: tuple[Any, ...], value: object
) -> None:
    new = copy(base)

    def change(live: dict[str, Any]) -> None:
        for key in keys[:-1]:
            live = live[key]
        live[keys[-1]] = value

    change_environment(new, change)
    where = "baseline, live timing on aarch64 with tcg"
    message = f"t000: {name} is .*{where}.*: measure both alike, or name the difference with '--allow {name}'"
    with pytest.raises(Complaint, match=message):
        run(base, new)
    allowed = run(base, new, allowed=(name,))
    assert allowed.exit_code == gate.GOOD and allowed.remarks[0].startswith(f"{name} is ")
    with pytest.raises(Complaint, match="--allow: 'kernal' is not valid: give one of kernel, qemu"):
        run(base, new, allowed=("kernal",))


@pytest.mark.parametrize(("minutes", "comparable"), [(0, True), (1, True), (3, False), (1440, False)])
def test_live_runs_are_compared_only_with_those_that_were_made_beside_them(
    base: Path, minutes: int, comparable: bool
) -> None:
    new = copy(base, slower(1.2))
    later = timedelta(minutes=minutes)

    def delay(live: dict[str, Any]) -> None:
        for end in ("from", "to"):
            live["host"][end] = (datetime.fromisoformat(live["host"][end]) + later).isoformat()

    for folder in (base, new):  # two minutes of runs
        change_environment(folder, lambda live: live["host"].update({"from": "2026-11-21T01:00:00+00:00"}))
        change_environment(folder, lambda live: live["host"].update({"to": "2026-11-21T01:02:00+00:00"}))
    change_environment(new, delay)
    found = run(base, new)
    assert found.exit_code == (gate.WORSE if comparable else gate.INCONCLUSIVE)
    timings = {each.measurement.timing for each in found.comparisons}
    assert timings == ({"exact", "live"} if comparable else {"exact"})
    if not comparable:
        assert found.lacking[0].startswith("live timing on aarch64 with tcg: these runs were made from 2026-11-2")
        assert found.lacking[0].endswith("not comparable. 'make ab' runs both in turns")
        slower(1.2, "exact")(raw := pd.read_csv(new / "t000_raw.csv"))
        raw.to_csv(new / "t000_raw.csv", index=False)
        assert run(base, new).exit_code == gate.WORSE  # exact runs know no day


def test_another_target_has_nothing_to_compare(base: Path) -> None:
    new = copy(base, lambda raw: raw.__setitem__("target", "riscv64"))
    file = new / "t000_environment.json"
    file.write_text(file.read_text().replace('"target": "aarch64"', '"target": "riscv64"'))
    other = run(base, new)
    assert (other.exit_code, other.comparisons, len(other.remarks)) == (gate.INCONCLUSIVE, [], 12)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("run,suite", "walk,suite", "row 0 lacks the columns run"),
        (
            ",aarch64,exact,tcg,1,",
            ",x86_64,exact,tcg,1,",
            "row 1 is of a measurement or scenario that t000_environment",
        ),
        (",t000,baseline,", ",t001,baseline,", "row 1 belongs to another suite than t000"),
        (",exact,tcg,1,", ",exakt,tcg,1,", "row 1: timing = exakt is not one of exact, live"),
        (",9767.0,", ",-9767.0,", "row 1: latency_p50_ns = -9767.0 is not a number of at least 0"),
        (",9767.0,", ",x,", "row 1: latency_p50_ns = x is not a number"),
        (",9767.0,", ",inf,", "row 1: latency_p50_ns = inf is not a number"),
        (
            ",baseline,aarch64,exact,tcg,2,2,",
            ",baseline,aarch64,exact,tcg,2,1,",
            "row 2 repeats an earlier exact run's seed",
        ),
        (",baseline,aarch64,exact,tcg,2,2,", ",baseline,aarch64,exact,tcg,2,,", "row 2: seed =  is not a whole number"),
    ],
)
def test_damaged_tables_get_one_line(base: Path, old: str, new: str, message: str) -> None:
    file = base / "t000_raw.csv"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(Complaint) as complaint:
        results.load(base)
    line = str(complaint.value)
    assert line.startswith(f"{file}: {message}") and line.endswith("run 'make report' there again")


def test_missing_files_are_named(base: Path, tmp_path: Path) -> None:
    with pytest.raises(Complaint, match="has no <suite>_raw.csv"):
        results.load(tmp_path)
    environment = base / "t000_environment.json"
    for content, message in (("{", "is damaged"), ("{}", "lacks 'workload'")):
        environment.write_text(content)
        with pytest.raises(Complaint, match=message):
            results.load(base)
    (base / "t000_raw.csv").write_text("")
    with pytest.raises(Complaint, match="cannot be read as CSV"):
        results.load(base)


def test_a_revision_is_a_base_as_well(base: Path, tmp_path: Path) -> None:
    def git(*words: str) -> None:
        identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        subprocess.run(["git", "-C", tmp_path, *identity, *words], check=True, capture_output=True)

    git("init")
    git("add", ".")
    git("commit", "-m", "results")
    raw = pd.read_csv(base / "t000_raw.csv")
    slower(1.2)(raw)
    raw.to_csv(base / "t000_raw.csv", index=False)
    before, now = results.load_base("HEAD", base)["t000"], results.load_base(str(base), base)["t000"]
    assert gate.run(before, now).exit_code == gate.WORSE
    shutil.copytree(base, base.parent / "results/result_data")
    assert results.load_base(str(base.parent / "results"), base)["t000"].suite == "t000"  # as RESULTS= names it
    for wrong in ("nowhere", "--output=x", "HEAD~5"):
        with pytest.raises(Complaint, match="is neither a folder nor a git revision with results"):
            results.load_base(wrong, base)


def test_ci_reads_the_same_counts(base: Path) -> None:
    worse = run(base, copy(base, slower(1.2)), {"response_p99_us": 95})
    root = ElementTree.fromstring(gate_report.junit([worse]))
    suites = {suite.get("name"): suite for suite in root}
    assert set(suites) == {"t000.aarch64.exact.tcg", "t000.aarch64.live.tcg"}
    live = suites["t000.aarch64.live.tcg"]
    assert int(live.get("tests", "")) == len(live) == 3 * len(PIPELINE.judged) + 3
    assert int(live.get("failures", "")) == len(live.findall("testcase/failure")) == 1 + 3
    assert gate.overall([worse]) == gate.WORSE
    assert gate_report.markdown([worse]).startswith("**pipelab gate: worse** (exit 3)")


def set_terms(folder: Path, **terms: object) -> None:
    file = folder / "t000_environment.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | terms))


def test_a_suite_without_a_base_is_only_judged(base: Path) -> None:
    new = results.load(copy(base))
    with pytest.raises(
        Complaint, match=r"^--base: has no suite in common with the new results \(t000 here, t001 there"
    ):
        gate.run_all({"t001": new["t000"]}, new)
    set_terms(base.with_name("new"), objectives=[LIMIT | {"name": "drop_rate", "limit": 0.0, "column": "drop_rate"}])
    judged = gate.run_all({}, results.load(base.with_name("new")))
    assert [(each.exit_code, each.comparisons, len(each.judgements)) for each in judged] == [(gate.GOOD, [], 6)]


@pytest.mark.parametrize(
    ("change", "terms", "code"),
    [
        (lambda raw: None, {}, gate.GOOD),
        (slower(1.2), {}, gate.WORSE),
        (slower(1.2), {"margin": 0.5}, gate.GOOD),
        (
            lambda raw: None,
            {
                "objectives": [
                    LIMIT | {"name": "response_p99_us", "limit": 1, "column": "response_p99_ns", "factor": 1e3}
                ]
            },
            gate.MISSED,
        ),
        (lambda raw: raw.drop(raw[raw["replicate"] > 2].index, inplace=True), {}, gate.INCONCLUSIVE),
    ],
)
def test_the_command_s_exit_code_says_what_came_of_it(
    base: Path, change: Callable[[pd.DataFrame], None], terms: dict[str, object], code: int
) -> None:
    new = copy(base, change)
    set_terms(new, **terms)
    files = ["--junit", new / "gate.xml", "--markdown", new / "gate.md"]
    done = steps.run("gate", "--base", base, "--new", new, *files)
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout.endswith((new / "gate.md").read_text()) and f"(exit {code})" in done.stdout
    failures = ElementTree.parse(new / "gate.xml").findall(".//failure")
    assert bool(failures) == (code in (gate.WORSE, gate.MISSED))


def test_the_committed_results_against_themselves() -> None:
    """Whatever their figures: they are measured again now and then."""
    committed = results.load(RESULT_DATA)
    assert {"t000", "t001"} <= set(committed)
    for each in committed.values():
        verdicts = {comparison.verdict for comparison in gate.run(each, each).comparisons}
        assert verdicts and not verdicts & {Verdict.WORSE, Verdict.BETTER, Verdict.MIXED}
