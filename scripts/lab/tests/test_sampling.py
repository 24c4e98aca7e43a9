"""Suites that keep only some items, or none: runs of the real program, and all that reads them."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lab.tables import measured as measured_tables, results
from lab.report import exports, pictures, page as report, suite as suite_results
from lab.judge import gate
from lab.plan import contract, plan
from lab.runs import run_record
from lab.text.complaint import Complaint
from lab.report.exports import chrome_trace
from lab.text.files import write_whole
from lab.report.html import page
from lab.plan.program import of_host
from lab.tests.reseal import reseal
from lab.tests.test_report import write_plan

SCENARIOS = {"all": "", "sampled": "--sample-every 2 ", "none": "--max-samples 0 "}


def measured(runs: Path, scenario: str, options: str, interval_us: int = 1000, duration: str = "0.15") -> plan.Row:
    """Runs the program with these options, as a live guest would, and seals what it leaves under that name."""
    folder = next(
        each for name in ("baseline", "affinity", "queue-cap-8") for each in runs.glob(f"t000.{name}.*.live.r1.*")
    )
    command = (
        f"pipelab pipeline --prod-interval-us {interval_us} {options}--duration {duration} --seed 1 {plan.OUTPUTS}"
    )
    subprocess.run([of_host(Path()), *command.split()[1:]], cwd=folder, check=True, capture_output=True)
    return run_record.load(reseal(folder, scenario=scenario, command=command, duration_s=float(duration))).row


def reported(runs: Path, rows: Sequence[plan.Row]) -> str:
    """The page, as `make report` makes it of these runs alone."""
    for file in runs.glob("*.plan.tsv"):
        file.unlink()
    write_plan(runs, list(rows))
    made, complaints = suite_results.make("t000", runs, None)
    assert not complaints, complaints
    for name, content in made.items():
        write_whole(runs.parent / name, content)
    return report.render(runs.parent)


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "draw", lambda suite, raw, contract: {})


def test_a_suite_may_keep_some_items_or_none(runs: Path, no_pictures: None) -> None:
    rows = [measured(runs, name, options) for name, options in SCENARIOS.items()]
    text = reported(runs, rows)
    table = text.split("### t000, live timing on aarch64 with tcg\n\n")[1]
    assert [line.split(" | ")[0] for line in table.splitlines()[2:5]] == [f"| {name}" for name in SCENARIOS]
    assert "sampled: its runs keep one item in 2 (sample-every = 2)" in text and "*Try:* sample-every = 1" in text
    assert "none: its runs keep no item (max-samples = 0)" in text
    stages = pd.read_csv(runs.parent / "t000_stages.csv")
    assert set(stages["scenario"]) == {"all"}  # the others' are left out, and their tables are not
    assert (measured_tables.read(runs.parent / "t000_raw.csv")["consumed"] == 150).all()
    html = page.render(runs.parent, runs)
    series: dict[str, Any] = json.loads(html.split('id="series">')[1].split("</script>")[0])
    told = series["suites"]["t000"]["measurements"][0]
    assert set(told["percentiles"]) == set(SCENARIOS) and set(told["windows"]) == {"all", "sampled"}
    known = results.load(runs.parent)
    gates = gate.run_all(known, known)
    assert {each.scenario for each in gates[0].comparisons} == set(SCENARIOS)
    assert all(text(known, contract.load("pipeline")) for text in exports.OF_RESULTS.values())


def test_what_shows_items_shows_those_that_are_kept(runs: Path) -> None:
    events = {}
    for name, options in SCENARIOS.items():
        row = measured(runs, name, options)
        if name == "none":
            with pytest.raises(Complaint, match="latencies.csv: has no items"):
                chrome_trace.text(runs / row.run)
        else:
            events[name] = json.loads(chrome_trace.text(runs / row.run))["traceEvents"]
    pushed = {
        name: [each for each in found if (each["ph"], each["name"]) == ("X", "service")]
        for name, found in events.items()
    }
    assert [len(pushed["all"]), len(pushed["sampled"])] == [150, 75]
    depths = {name: sum(each["name"] == "items under way" for each in found) for name, found in events.items()}
    assert depths["all"] > 0 == depths["sampled"]  # not known from every second item


def test_a_suite_without_any_stages_is_reported(runs: Path, no_pictures: None) -> None:
    text = reported(runs, [measured(runs, "none", "--max-samples 0 ")])
    assert "| none |" in text and "Where the response time" not in text
    assert "The runs kept no items one by one." in page.render(runs.parent, runs)


def test_a_slow_rate_is_shown_with_its_digits_and_is_not_impossible(runs: Path, no_pictures: None) -> None:
    text = reported(runs, [measured(runs, "slow", "", interval_us=300_000, duration="2")])
    assert "impossible value" not in text
    assert "| 3.5 |" in text  # seven items: the last begins at 1.8 s
