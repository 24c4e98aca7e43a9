"""Suites that keep only some items, or none: runs of the real program, and all that reads them."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lab.judge import gate
from lab.plan import plan, plan_file
from lab.plan.program import of_host
from lab.report import exports, page, pictures, suite as suite_results
from lab.report.exports import chrome_trace
from lab.report.html import page as html_page
from lab.runs import run_record
from lab.tables import measured, results
from lab.tests.conftest import run_folder
from lab.tests.reseal import reseal
from lab.text.complaint import Complaint
from lab.text.files import write_whole

SCENARIOS: dict[str, dict[str, Any]] = {"all": {}, "sampled": {"sample-every": 2}, "none": {"max-samples": 0}}


def run(runs: Path, scenario: str, options: dict[str, Any]) -> plan.Row:
    """Runs the program with these options, as a live guest would, and seals what it leaves under that name."""
    folder = Path(shutil.copytree(run_folder(runs, "affinity", "live", 1), runs / "copy"))
    options = {"duration": 0.15, "prod-interval-us": 1000} | options
    words = f"{plan.words(options)} --seed 1 --out ."
    subprocess.run([of_host(Path()), *words.split()], cwd=folder, check=True, capture_output=True)
    return run_record.load(reseal(folder, scenario=scenario, options=options)).row


def reported(runs: Path, rows: list[plan.Row]) -> str:
    """The page, as `make report` makes it of these runs alone."""
    for file in runs.glob(plan.file_name("*", "*", "*")):
        file.unlink()
    (runs / plan.file_name("t000", "aarch64", "live")).write_text(plan_file.write(rows))
    made, complaints = suite_results.make("t000", runs, None, runs.parent)
    assert not complaints, complaints
    for name, content in made.items():
        write_whole(runs.parent / name, content)
    return page.pages(runs.parent)["t000.md"]


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "draw", lambda *_: {})


def test_a_suite_may_keep_some_items_or_none(runs: Path) -> None:
    rows = [run(runs, name, options) for name, options in SCENARIOS.items()]
    text = reported(runs, rows)
    table = text.split("## t000, live timing on aarch64 with tcg\n\n")[1]
    assert [line.split(" | ")[0] for line in table.splitlines()[2:5]] == [f"| {name}" for name in SCENARIOS]
    stages = pd.read_csv(runs.parent / "t000_stages.csv")
    assert dict(zip(stages["scenario"], stages["items"])) == {"all": 150, "sampled": 75}
    raw = measured.read(runs.parent / "t000_raw.csv")
    assert (raw["items"] == 150).all() and list(raw["samples"]) == [150, 75, 0]
    html = html_page.render(runs.parent, runs)
    series: dict[str, Any] = json.loads(html.split('id="series">')[1].split("</script>")[0])
    told = series["suites"]["t000"]["measurements"][0]
    assert set(told["percentiles"]) == set(SCENARIOS) and set(told["windows"]) == {"all", "sampled"}
    known = results.load(runs.parent)
    assert {each.scenario for each in gate.run_all(known, known)[0].comparisons} == set(SCENARIOS)
    assert all(text(known) for text in exports.OF_RESULTS.values())


def test_what_shows_items_shows_those_that_are_kept(runs: Path) -> None:
    events = {}
    for name, options in SCENARIOS.items():
        row = run(runs, name, options)
        if name == "none":
            with pytest.raises(Complaint, match="samples.csv: has no items"):
                chrome_trace.text(runs / row.run)
        else:
            events[name] = json.loads(chrome_trace.text(runs / row.run))["traceEvents"]
    pushed = {
        name: [each for each in found if each["name"] == "enqueue" and each["ph"] == "X"]
        for name, found in events.items()
    }
    assert [len(pushed["all"]), len(pushed["sampled"])] == [150, 75]


def test_a_suite_without_any_stages_is_reported(runs: Path) -> None:
    text = reported(runs, [run(runs, "none", {"max-samples": 0})])
    assert "| none |" in text and "Where the response time" not in text


def test_a_slow_rate_is_shown_with_its_digits_and_is_not_impossible(runs: Path) -> None:
    text = reported(runs, [run(runs, "slow", {"prod-interval-us": 300_000, "duration": 2})])
    assert "impossible value" not in text
    assert "| 3.5 |" in text  # seven items: the last begins at 1.8 s
