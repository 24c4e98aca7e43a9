"""The whole way from recorded runs to results.md, through the command line."""

import json
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lab.tables import measured
from lab.plan import plan, plan_file
from lab.runs import run_record
from lab.plan.plan import Row
from lab.tests import steps
from lab.tests.conftest import load_planned, run_folder
from lab.tests.reseal import reseal


def make_report(runs: Path, *suites: str, pictures: bool = False) -> subprocess.CompletedProcess[str]:
    results = runs.parent
    places = ["--runs", runs, "--result-data", results, "--page", results.parent / "results.md"]
    return steps.run("report", *places, *suites, pictures=pictures)


def outputs(runs: Path) -> dict[str, bytes]:
    files = [*runs.parent.glob("t000*"), runs.parents[1] / "results.md"]
    return {file.name: file.read_bytes() for file in files if file.exists()}


def test_recorded_runs_become_tables_pictures_and_a_page(runs: Path) -> None:
    done = make_report(runs, pictures=True)
    assert (done.returncode, done.stderr) == (0, "")
    made = outputs(runs)
    assert sorted(made) == [
        "results.md",
        "t000.md",
        "t000_environment.json",
        "t000_findings.json",
        "t000_latency.png",
        "t000_metrics.csv",
        "t000_raw.csv",
        "t000_stages.csv",
        "t000_stages_aarch64_exact_tcg.png",
        "t000_stages_aarch64_live_tcg.png",
        "t000_verdicts.csv",
    ]
    for name in (name for name in made if name.endswith(".png")):
        width, height = png_size(runs.parent / name)
        assert width >= 1000 and height >= 350
    first, page = made["results.md"].decode(), made["t000.md"].decode()
    assert "[t000](result_data/t000.md): " in first
    for folder, text in ((runs.parents[1], first), (runs.parent, page)):
        links = re.findall(r"\]\((\S+)\)", text)
        assert links and all((folder / each).is_file() for each in links)
    metrics = pd.read_csv(runs.parent / "t000_metrics.csv")
    for heading in ("exact timing on aarch64", "live timing on aarch64 with tcg"):
        table = page.split(f"## t000, {heading}")[1].split("\n\n")[1]
        assert table.startswith(
            "| scenario | latency p50 (µs) | latency p95 (µs) | latency p99 (µs) | throughput (/s) | drop rate (%) |"
        )
        assert len(table.splitlines()) == 2 + 3
    p50 = metrics[metrics["timing"] == "exact"]["latency_p50_ms"].iloc[0] * 1000
    assert f"| baseline | {p50:.1f}" in page or f"| baseline | {p50:.2f}" in page
    assert 'make run-scenarios SUITE=t000 TARGET=aarch64 TIMING="exact live" REPS=2 SEED=1 DURATION=0.15' in page
    assert "are missing" not in page


@pytest.mark.slow
def test_the_same_runs_give_the_same_bytes(runs: Path) -> None:
    make_report(runs, pictures=True)
    first = outputs(runs)
    make_report(runs, "t000", pictures=True)
    assert outputs(runs) == first


def test_a_suite_that_was_not_run_keeps_its_part_of_the_page(runs: Path) -> None:
    make_report(runs)
    for file in list(runs.parent.glob("t000_*")):
        other = file.with_name(file.name.replace("t000", "other"))
        other.write_bytes(file.read_bytes())
    make_report(runs)
    assert {"[other](result_data/other.md)", "[t000](result_data/t000.md)"} <= set(
        re.findall(r"\[\w+\]\(\S+\)", (runs.parents[1] / "results.md").read_text())
    )
    assert "## other, exact timing on" in (runs.parent / "other.md").read_text()


def test_missing_runs_are_said(runs: Path) -> None:
    folder = run_folder(runs, "affinity", "live", 2)
    folder.rename(folder.with_name("elsewhere"))
    assert make_report(runs).returncode == 0
    assert "**1 planned runs are missing**" in (runs.parent / "t000.md").read_text()
    for other in {record.folder for record in load_planned(runs, "t000")[0] if record.row.timing == "live"}:
        other.rename(other.with_name(f"else-{other.name}"))
    assert make_report(runs).returncode == 0
    pictures = {file.name for file in runs.parent.glob("*_stages_*.png")}
    assert pictures == {"t000_stages_aarch64_exact_tcg.png"}  # and none of live runs that are gone


def rewrite_runs(runs: Path, change: Callable[[dict[str, Any]], dict[str, Any]], timing: str) -> list[Row]:
    """Copies the recorded runs of `timing` under other names, as `change` makes of their facts; gives their rows."""
    rows = []
    for planned in plan_file.read(runs / plan.file_name("t000", "aarch64", timing)):
        folder = runs / planned.run
        facts = json.loads((folder / "run.json").read_text())
        changed = change(asdict(planned) | {name: said for name, said in facts.items() if name not in ("row", "files")})
        other = Path(shutil.copytree(folder, runs / f"{folder.name}.copy"))
        rows.append(run_record.load(reseal(other, **changed)).row)
    return rows


def write_plan(runs: Path, rows: list[Row]) -> None:
    name = plan.file_name(rows[0].suite, rows[0].target, rows[0].timing)
    (runs / name).write_text(plan_file.write(rows))


def table_of(page: str, heading: str) -> list[str]:
    head, rule, *lines = page.split(f"## {heading}\n\n")[1].split("\n\n")[0].splitlines()
    assert head.startswith("| scenario |") and rule.startswith("|---|")
    return sorted(lines)


@pytest.mark.slow
def test_a_plan_of_one_timing_leaves_the_other_s_tables(runs: Path) -> None:
    make_report(runs)
    before = (runs.parent / "t000.md").read_text()
    exact = runs / plan.file_name("t000", "aarch64", "exact")
    exact.write_text(
        plan_file.write([row for row in plan_file.read(exact) if row.replicate == 1])
    )  # REPS=1 TIMING=exact
    make_report(runs)
    page = (runs.parent / "t000.md").read_text()
    live = "t000, live timing on aarch64 with tcg"
    assert table_of(page, live) == table_of(before, live)
    assert "TIMING=exact REPS=1 " in page and "TIMING=live REPS=2 " in page
    assert "are missing" not in page


@pytest.mark.slow
def test_targets_have_tables_panels_and_facts_of_their_own(runs: Path) -> None:
    make_report(runs, pictures=True)
    before = (runs.parent / "t000.md").read_text()
    height = png_size(runs.parent / "t000_latency.png")[1]

    def on_another(facts: dict[str, Any]) -> dict[str, Any]:
        options = facts["options"] | {"wait": "spin"}
        image = facts["image"] | {"kernel_version": "6.1-other", "kernel_sha256": "other"}
        return facts | {"target": "another", "accelerator": "kvm", "options": options, "image": image}

    rows = rewrite_runs(runs, on_another, "live")
    write_plan(runs, rows)
    done = make_report(runs, pictures=True)
    assert (done.returncode, done.stderr) == (0, "")
    page = (runs.parent / "t000.md").read_text()
    for heading in ("t000, exact timing on aarch64", "t000, live timing on aarch64 with tcg"):
        assert table_of(page, heading) == table_of(before, heading)
    # The same files under another target: the same figures, and not those of twice as many runs.
    assert table_of(page, "t000, live timing on another with kvm") == table_of(
        before, "t000, live timing on aarch64 with tcg"
    )
    assert set(pd.read_csv(runs.parent / "t000_metrics.csv")["runs"]) == {2}
    assert "| options besides `--duration 0.15 --prod-interval-us 1000` |" in page
    assert "| baseline (live timing on another with kvm) | `--wait spin" in page
    assert "| guest (live timing on another with kvm) | another, 2 CPUs, 512 MB, Linux 6.1-other |" in page
    assert "| live timing on another with kvm | kvm; seeds 1, 2;" in page
    assert "TARGET=another TIMING=live" in page and 'TARGET=aarch64 TIMING="exact live"' in page
    assert "not measured with the same guest" not in page
    assert png_size(runs.parent / "t000_latency.png")[1] == pytest.approx(height * 1.5, rel=0.01)


@pytest.mark.slow
def test_kvm_and_tcg_never_share_a_table(runs: Path) -> None:
    others = rewrite_runs(runs, lambda facts: facts | {"accelerator": "kvm"}, "live")
    write_plan(runs, plan_file.read(runs / plan.file_name("t000", "aarch64", "live")) + others)
    assert make_report(runs).returncode == 0
    page = (runs.parent / "t000.md").read_text()
    tables = [table_of(page, f"t000, live timing on aarch64 with {name}") for name in ("tcg", "kvm")]
    assert len(tables[0]) == 3 and tables[0] == tables[1]


def test_tables_of_another_guest_are_marked(runs: Path) -> None:
    write_plan(
        runs, rewrite_runs(runs, lambda facts: facts | {"image": facts["image"] | {"initrd_sha256": "n"}}, "live")
    )
    assert make_report(runs).returncode == 0
    page = (runs.parent / "t000.md").read_text()
    assert "**The tables of aarch64 were not measured with the same guest**" in page
    assert "built anew in between (exact: program " in page


def test_the_report_needs_no_suite_file(runs: Path) -> None:
    rows = rewrite_runs(runs, lambda facts: facts | {"suite": "deleted"}, "exact")
    write_plan(runs, rows)
    (runs / plan.title_file("deleted")).write_text("What it was about\n")
    done = make_report(runs)
    assert (done.returncode, done.stderr) == (0, "")
    assert "# deleted: What it was about" in (runs.parent / "deleted.md").read_text()


def test_scenarios_may_be_called_like_numbers_and_empty_values(runs: Path) -> None:
    names = {"baseline": "NA", "affinity": "008", "queue-cap-8": "1e3"}

    def as_null(facts: dict[str, Any]) -> dict[str, Any]:
        return facts | {"scenario": "null" if facts["scenario"] == "baseline" else f"other-{facts['scenario']}"}

    for timing in plan.TIMINGS:
        rows = rewrite_runs(runs, lambda facts: facts | {"scenario": names[facts["scenario"]]}, timing)
        write_plan(runs, rows + [row for row in rewrite_runs(runs, as_null, timing) if row.scenario == "null"])
    done = make_report(runs)
    assert (done.returncode, done.stderr) == (0, "")
    page = (runs.parent / "t000.md").read_text()
    for heading in ("t000, exact timing on aarch64", "t000, live timing on aarch64 with tcg"):
        scenarios = [line.split(" | ")[0] for line in table_of(page, heading)]
        assert sorted(scenarios) == ["| 008", "| 1e3", "| NA", "| null"]
        assert all(line.count(" | ") == 6 and " |  |" not in line for line in table_of(page, heading))
    assert measured.read(runs.parent / "t000_raw.csv")["scenario"].isin(["008", "1e3", "NA", "null"]).all()


def test_an_exact_run_is_in_the_tables_of_all_that_ask_for_it(runs: Path) -> None:
    rows = plan_file.read(runs / plan.file_name("t000", "aarch64", "exact"))
    write_plan(runs, rows + [replace(row, scenario="again") for row in rows if row.scenario == "baseline"])
    write_plan(runs, [replace(row, suite="other") for row in rows])
    done = make_report(runs)
    assert (done.returncode, done.stderr) == (0, "")
    t000, other = (measured.read(runs.parent / f"{name}_raw.csv") for name in ("t000", "other"))
    exact = t000[t000["timing"] == "exact"]
    assert set(other["run"]) == set(exact["run"]) == {row.run for row in rows}
    assert set(other["suite"]) == {"other"} and set(other["scenario"]) == {"baseline", "affinity", "queue-cap-8"}
    first, again = (exact[exact["scenario"] == name].assign(scenario="") for name in ("baseline", "again"))
    assert len(first) == 2 and (first.fillna("").values == again.fillna("").values).all()
    page = (runs.parent / "t000.md").read_text()
    assert len(table_of(page, "t000, exact timing on aarch64")) == 4 and "are missing" not in page


def test_a_run_that_is_none_of_its_plan_is_told(runs: Path) -> None:
    rows = plan_file.read(runs / plan.file_name("t000", "aarch64", "exact"))
    write_plan(runs, [replace(row, guest=replace(row.guest, smp=4)) for row in rows[:1]] + rows[1:])
    done = make_report(runs)
    assert done.returncode == 1
    assert done.stderr == (
        f"pipelab: {runs / rows[0].run}/run.json: has another guest than its plan: run 'make run-scenarios' again, which "
        "plans anew\n"
    )


def png_size(file: Path) -> tuple[int, int]:
    width, height = struct.unpack(">II", file.read_bytes()[16:24])
    return width, height


def test_a_damaged_run_is_told_and_the_others_are_reported(runs: Path) -> None:
    histograms = [run_folder(runs, name, "exact", 1) / "histogram.csv" for name in ("baseline", "affinity")]
    for histogram in histograms:
        histogram.write_text(histogram.read_text()[:100])
    done = make_report(runs)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2
    for histogram, line in zip(sorted(histograms), sorted(done.stderr.splitlines())):
        assert str(histogram) in line and "rm -r" in line
    page = (runs.parent / "t000.md").read_text()
    assert "**2 planned runs are missing**" in page
    assert len(table_of(page, "t000, exact timing on aarch64")) == 3
    metrics = pd.read_csv(runs.parent / "t000_metrics.csv")
    assert list(metrics["runs"]) == [1, 1, 2, 2, 2, 2]


def test_runs_that_were_mixed_up_are_told_and_the_others_are_reported(runs: Path) -> None:
    one, other = (run_folder(runs, name, "exact", 1) for name in ("baseline", "affinity"))
    shutil.rmtree(one)
    shutil.copytree(other, one)
    done = make_report(runs)
    assert done.returncode == 1
    assert done.stderr == (
        f"pipelab: {one}/run.json: is of the run {other.name}, which was mixed up with this one: remove the folder "
        f"('rm -r {one}') and run 'make run-scenarios' again\n"
    )
    assert list(pd.read_csv(runs.parent / "t000_metrics.csv")["runs"]) == [1, 2, 2, 2, 2, 2]


def test_a_count_that_is_none_leaves_its_run_out_alone(runs: Path) -> None:
    stats = run_folder(runs, "baseline", "live", 1) / "stats.csv"
    resend(stats, stats.read_text() + "page_faults,many\n")
    (runs / plan.title_file("t000")).write_bytes(b"caf\xe9 au lait\n")
    done = make_report(runs)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"pipelab: {stats}: row ") and "page_faults" in done.stderr
    assert sorted(pd.read_csv(runs.parent / "t000_metrics.csv")["runs"]) == [1, 2, 2, 2, 2, 2]
    assert "# t000: caf\ufffd au lait" in (runs.parent / "t000.md").read_text()


@pytest.mark.parametrize(("timing", "damage"), [("exact", '"'), ("exact", "\t"), ("exact", "\nx"), ("live", '"')])
def test_a_damaged_plan_is_told_and_the_others_are_reported(runs: Path, timing: str, damage: str) -> None:
    file = runs / plan.file_name("t000", "aarch64", timing)
    file.write_text(file.read_text().replace('"baseline"', f'"{damage}baseline"', 1))
    done = make_report(runs)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"pipelab: {file}: is damaged: row 1 (")
    other = "live" if timing == "exact" else "exact"
    assert list(pd.read_csv(runs.parent / "t000_metrics.csv")["timing"]) == [other] * 3


def test_runs_that_cannot_share_a_table_lose_their_own_suite_only(runs: Path) -> None:
    write_plan(runs, rewrite_runs(runs, lambda facts: facts | {"suite": "other"}, "live"))

    def of_another(facts: dict[str, Any]) -> dict[str, Any]:
        return facts | {"image": facts["image"] | {"qemu_version": str(facts["replicate"])}}

    write_plan(runs, rewrite_runs(runs, of_another, "exact"))
    done = make_report(runs)
    assert done.returncode == 1
    assert done.stderr == "pipelab: t000: its runs differ in qemu_version: run 'make run-scenarios' again\n"
    assert (runs.parent / "other_metrics.csv").is_file()


def test_items_that_are_missing_at_the_end_are_told(runs: Path) -> None:
    latencies = run_folder(runs, "baseline", "live", 1) / "samples.csv"
    resend(latencies, "".join(latencies.read_text().splitlines(keepends=True)[:101]))
    done = make_report(runs)
    assert done.returncode == 1
    assert done.stderr.startswith(f"pipelab: {latencies}: row 101 is missing: the program kept 150 items")
    assert sorted(pd.read_csv(runs.parent / "t000_metrics.csv")["runs"]) == [1, 2, 2, 2, 2, 2]


def resend(file: Path, text: str) -> None:
    """Changes a file of a run as if the guest had sent it so."""
    file.write_text(text)
    reseal(file.parent)


def test_items_that_cannot_be_leave_their_run_out_of_the_stages_only(runs: Path) -> None:
    latencies = run_folder(runs, "baseline", "live", 1) / "samples.csv"
    resend(latencies, latencies.read_text().replace("\n1,1000000,", "\n1,1000001,-"))
    done = make_report(runs)
    assert done.returncode == 1
    assert done.stderr.startswith(f"pipelab: {latencies}: row 2: lateness_ns is negative")
    stages = pd.read_csv(runs.parent / "t000_stages.csv").query("timing == 'live' and population == 'all'")
    assert stages.groupby("scenario", sort=False)["runs"].max().to_dict() == {
        "baseline": 1,
        "affinity": 2,
        "queue-cap-8": 2,
    }
    assert set(pd.read_csv(runs.parent / "t000_metrics.csv")["runs"]) == {2}


def test_a_run_record_without_a_key_gets_one_line(runs: Path) -> None:
    record = run_folder(runs, "baseline", "live", 1) / "run.json"
    facts = json.loads(record.read_text())
    del facts["image"]
    record.write_text(json.dumps(facts))
    done = make_report(runs)
    assert done.returncode == 1
    assert done.stderr == (
        f"pipelab: {record}: has no good value for 'image': remove the folder ('rm -r {record.parent}') and run "
        "'make run-scenarios' again\n"
    )


def test_a_folder_without_runs_is_said(tmp_path: Path) -> None:
    done = make_report(tmp_path / "runs")
    assert done.returncode == 1
    assert done.stderr == f"pipelab: {tmp_path / 'runs'}: there are no runs: run 'make run-scenarios' first\n"


def test_unlike_guests_of_a_suite_are_told_beside_its_scenarios(runs: Path) -> None:
    def with_rt(facts: dict[str, Any]) -> dict[str, Any]:
        if facts["scenario"] != "affinity":
            return facts
        image = facts["image"] | {"kernel_version": "6.1-rt", "kernel_sha256": "rt", "initrd_sha256": "rt"}
        return facts | {"guest": facts["guest"] | {"kernel": "rt", "kernel_args": "isolcpus=1"}, "image": image}

    write_plan(runs, rewrite_runs(runs, with_rt, "exact"))
    (runs / plan.file_name("t000", "aarch64", "live")).unlink()
    done = make_report(runs)
    assert (done.returncode, done.stderr) == (0, "")
    page = (runs.parent / "t000.md").read_text()
    assert "| affinity | `kernel rt, isolcpus=1; --pin-consumer 1" in page
    guests = r"\| guest \| aarch64, 2 CPUs, 512 MB, Linux 6\.1\.0-\S+; 2 CPUs, 512 MB, Linux 6\.1-rt `isolcpus=1` \|"
    assert re.search(guests, page)


def test_one_kernel_s_image_may_not_change_between_the_runs_of_a_table(runs: Path) -> None:
    def changed(facts: dict[str, Any]) -> dict[str, Any]:
        return facts | {"image": facts["image"] | {"initrd_sha256": str(facts["replicate"])}}

    write_plan(runs, rewrite_runs(runs, changed, "exact"))
    done = make_report(runs)
    assert done.returncode == 1
    assert done.stderr == "pipelab: t000: its runs differ in initrd_sha256: run 'make run-scenarios' again\n"
