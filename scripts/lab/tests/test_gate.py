"""Gates: exit codes, refusals, objectives, and what CI reads. On the committed results and changed copies."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from lab import gate, objectives, statistics
from lab.complaint import Complaint
from lab.gate import Gate
from lab.statistics import Verdict

RESULT_DATA = Path(__file__).parents[3] / "result_data"
RUNS = 8


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A set of one suite with 8 quiet runs of each live scenario: 2 % from run to run."""
    folder = tmp_path / "base"
    folder.mkdir()
    shutil.copy(RESULT_DATA / "t000_environment.json", folder)
    raw = pd.read_csv(RESULT_DATA / "t000_raw.csv")
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
    wanted = objectives.load(Path("t000.toml"), slo or {})
    return gate.run(gate.load(base)["t000"], gate.load(new)["t000"], wanted, allowed)


def slower(factor: float, timing: str = "live") -> Callable[[pd.DataFrame], None]:
    def change(raw: pd.DataFrame) -> None:
        raw.loc[(raw["timing"] == timing) & (raw["scenario"] == "affinity"), "latency_p99_ns"] *= factor

    return change


def test_the_same_again_is_good(base: Path) -> None:
    same = run(base, copy(base))
    assert same.exit_code == gate.GOOD
    assert {each.verdict for each in same.comparisons} == {Verdict.SAME, Verdict.EQUAL}
    assert len(same.comparisons) == 2 * 3 * len(statistics.METRICS)


@pytest.mark.parametrize(("timing", "text"), [("live", "worse: +20."), ("exact", "worse: +20.0 %")])
def test_one_slower_scenario_fails_the_gate(base: Path, timing: str, text: str) -> None:
    worse = run(base, copy(base, slower(1.2, timing)))
    assert worse.exit_code == gate.WORSE
    found = [each for each in worse.comparisons if each.verdict is Verdict.WORSE]
    assert [(each.scenario, each.metric, each.timing) for each in found] == [("affinity", "latency_p99_ns", timing)]
    first_row = gate.markdown([worse]).split("---:|---|\n")[1]
    assert first_row.startswith(f"| {timing} | affinity | latency_p99_ns |") and text in first_row.splitlines()[0]


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
    assert {each.timing for each in left.comparisons} == {"exact"}
    assert "affinity, live: has quiet runs in" in left.remarks[0]


def test_objectives_are_missed_by_name(base: Path) -> None:
    slo: dict[str, object] = {"response_p99_us": 95, "throughput_ops_s": ">= 900", "drop_rate": 0}
    missed = run(base, copy(base), slo)
    assert missed.exit_code == gate.MISSED
    texts = {(each.scenario, each.timing, each.objective.name): each.text() for each in missed.judgements}
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
        ({"drop_rate": True}, "drop_rate = True is not valid"),
        ({"drop_rate": -1}, "drop_rate = -1 is not valid"),
        ({"drop_rate": float("nan")}, "drop_rate = nan is not valid"),
        (3, "slo: is not a section"),
    ],
)
def test_bad_objectives_get_one_line(slo: object, message: str) -> None:
    with pytest.raises(Complaint) as complaint:
        objectives.load(Path("t000.toml"), slo)
    assert message in str(complaint.value) and complaint.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "keys", "value"),
    [
        ("kernel", ("image", "kernel_version"), "6.1.0-57"),
        ("kernel", ("image", "kernel_sha256"), "0123456789"),
        ("qemu", ("image", "qemu_version"), "9"),
        ("accelerator", ("timings", "live", "accelerator"), "kvm"),
        ("guest", ("smp",), 4),
        ("host", ("timings", "live", "host_cpu"), "another"),
        ("options", ("scenarios", "baseline"), "--prod-interval-us 500"),
    ],
)
def test_another_circumstance_is_refused_unless_it_is_named(
    base: Path, name: str, keys: tuple[str, ...], value: object
) -> None:
    new = copy(base)
    facts = json.loads((new / "t000_environment.json").read_text())
    place = facts
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    (new / "t000_environment.json").write_text(json.dumps(facts))
    with pytest.raises(Complaint, match=f"t000: {name} is .* name the difference with '--allow {name}'"):
        run(base, new)
    allowed = run(base, new, allowed=(name,))
    assert allowed.exit_code == gate.GOOD and allowed.remarks[0].startswith(f"{name}: ")
    with pytest.raises(Complaint, match="--allow: 'kernal' is not valid: give one of kernel, target"):
        run(base, new, allowed=("kernal",))


def test_another_target_is_refused(base: Path) -> None:
    def move(raw: pd.DataFrame) -> None:
        raw["target"] = "riscv64"

    with pytest.raises(Complaint, match="target is riscv64, but aarch64"):
        run(base, copy(base, move))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("run,suite", "walk,suite", "row 0 lacks the columns run"),
        (",t000,baseline,", ",t001,baseline,", "row 1 belongs to another suite than t000"),
        (",exact,1,", ",exakt,1,", "row 1 is neither exact nor live"),
        (",9767.0,", ",-9767.0,", "row 1: latency_p50_ns = -9767.0 is not a number of at least 0"),
        (",9767.0,", ",x,", "row 1: latency_p50_ns = x is not a number"),
        (",9767.0,", ",inf,", "row 1: latency_p50_ns = inf is not a number"),
        (",baseline,aarch64,exact,2,2,", ",baseline,aarch64,exact,2,1,", "row 2 repeats an earlier exact run's seed"),
        (",baseline,aarch64,exact,2,2,", ",baseline,aarch64,exact,2,,", "row 2 lacks its scenario"),
    ],
)
def test_damaged_tables_get_one_line(base: Path, old: str, new: str, message: str) -> None:
    file = base / "t000_raw.csv"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(Complaint) as complaint:
        gate.load(base)
    line = str(complaint.value)
    assert line.startswith(f"{file}: {message}") and line.endswith("run 'make report' there again")


def test_missing_files_are_named(base: Path, tmp_path: Path) -> None:
    with pytest.raises(Complaint, match="has no <suite>_raw.csv"):
        gate.load(tmp_path)
    environment = base / "t000_environment.json"
    for content, message in (("{", "is missing or damaged"), ("{}", "lacks 'image'")):
        environment.write_text(content)
        with pytest.raises(Complaint, match=message):
            gate.load(base)
    (base / "t000_raw.csv").write_text("")
    with pytest.raises(Complaint, match="cannot be read as CSV"):
        gate.load(base)


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
    before, now = gate.load_base("HEAD", base)["t000"], gate.load_base(str(base), base)["t000"]
    assert gate.run(before, now).exit_code == gate.WORSE
    for wrong in ("nowhere", "--output=x", "HEAD~5"):
        with pytest.raises(Complaint, match="is neither a folder nor a git revision with results"):
            gate.load_base(wrong, base)


def test_ci_reads_the_same_counts(base: Path) -> None:
    worse = run(base, copy(base, slower(1.2)), {"response_p99_us": 95})
    root = ElementTree.fromstring(gate.junit([worse]))
    suites = {suite.get("name"): suite for suite in root}
    assert set(suites) == {"t000.exact", "t000.live"}
    live = suites["t000.live"]
    assert int(live.get("tests", "")) == len(live) == 3 * len(statistics.METRICS) + 3
    assert int(live.get("failures", "")) == len(live.findall("testcase/failure")) == 1 + 3
    assert gate.overall([worse]) == gate.WORSE
    assert gate.markdown([worse]).startswith("**pipelab gate: worse** (exit 3)")


def test_the_committed_results_against_themselves() -> None:
    results = gate.load(RESULT_DATA)
    assert {"t000", "t001"} <= set(results)
    again = gate.run(results["t001"], results["t001"])
    assert not any(each.verdict in (Verdict.WORSE, Verdict.BETTER) for each in again.comparisons)
