"""Contracts: what is wrong with one, and that the pipeline's has the program's options and takes what it takes."""

import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from lab.plan import contract
from lab.plan.places import WORKLOADS
from lab.plan.program import of_host
from lab.text.complaint import Complaint

GOOD = """
title = "A clock"
items = ["tick", "ticks"]
command = "clock {options} --seed {seed}"
headline = ["delay_p99_ns", "ticks_s"]
[sums]
made = ["items", "lost"]
[metrics.delay]
title = "delay"
unit = "ns"
better = "lower"
[metrics.ticks_s]
title = "rate"
unit = "ops_s"
better = "higher"
[roles.hand]
text = "moves"
[stages.wake_up]
text = "waking up"
waits_for = "hand"
[options.interval-us]
type = "number"
low = 0
unit = "us"
default = 10
means = "interval"
help = "between ticks"
[options.pin-hand]
type = "cpu"
means = "pin"
role = "hand"
help = "its CPU"
"""


def test_a_contract_is_all_that_is_known_of_a_workload() -> None:
    known = contract.of_table("clock", tomllib.loads(GOOD), "clock.toml")
    assert [each.title for each in known.headline] == ["delay p99", "rate"] == [each.title for each in known.judged]
    assert list(known.columns) == ["delay_p50_ns", "delay_p95_ns", "delay_p99_ns", "delay_p999_ns", "ticks_s"]
    assert (known.histograms, known.pins, known.defaults) == (["delay"], {"pin-hand": "hand"}, {"interval-us": 10})
    assert known.stages["wake_up"].column == "wake_up_ns" and known.roles == {"hand": "moves"}
    interval = known.meaning("interval")
    assert interval and interval.name == "interval-us" and known.meaning("warmup") is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title =", "titel =", "unknown key 'titel': did you mean title?"),
        ('title = "A clock"\n', "", "lacks title: add it"),
        ('title = "A clock"', "title = 3", "title = 3 is not valid: give a text in quotes"),
        (
            'title = "A clock"',
            'title = "A\\nclock"',
            "title, items = 'A\\nclock' is not valid: give a text in one line",
        ),
        (
            'title = "delay"',
            'title = "<b>"',
            "[metrics.delay]: title = '<b>' is not valid: give a text in one line with",
        ),
        ('["tick", "ticks"]', '"tick"', "items = 'tick' is not valid: give what one is called, and several"),
        ("{options}", "{rate}", "command = 'clock {rate} --seed {seed}' is not valid: give a command with {options}"),
        ("{options}", "{", "command = 'clock { --seed {seed}' is not valid"),
        ('"ticks_s"]', '"tick_s"]', "headline = ['delay_p99_ns', 'tick_s'] is not valid: give columns of metrics"),
        ("headline =", 'judged = ["delay"]\nheadline =', "judged = ['delay'] is not valid: give columns of metrics"),
        ('["items", "lost"]', "3", "[sums]: made = 3 is not valid: give the keys of stats.csv that add up to it"),
        ('["items", "lost"]', '["items", "made"]', "[sums]: made = ['items', 'made'] is not valid: give the keys of"),
        ('["items", "lost"]', '["scheduled"]', "[sums]: made = ['scheduled'] is not valid: give the keys of stats.csv"),
        ("[sums]", "[images.rust]\n[sums]", "[images]: unknown key 'rust'"),
        ("[sums]", "[images.go]\nhand = 1\n[sums]", "[images.go]: unknown key 'hand'"),
        ("[sums]", '[images.go]\ninterval-us = "x"\n[sums]', "interval-us = 'x' is not valid: give a number"),
        ('"ticks_s"]', '"delay_p99_ns"]', "headline = ['delay_p99_ns', 'delay_p99_ns'] is not valid: give each column"),
        (
            'means = "pin"',
            'means = "interval"',
            "[options.pin-hand]: means = 'interval' is not valid: give what no other option means, as interval-us does",
        ),
        ('unit = "ops_s"\n', "", "[metrics.ticks_s]: lacks unit: add it"),
        ('unit = "ops_s"', 'unit = "Hz"', "[metrics.ticks_s]: unit = 'Hz' is not valid: give one of ns, us, s, ops_s"),
        ('better = "higher"', 'better = "big"', "[metrics.ticks_s]: better = 'big' is not valid: give one of lower"),
        ("[metrics.delay]", "[metrics.'a,b']", "[metrics.a,b]: is not a good name: use lower-case letters"),
        ('text = "waking up"', "", "[stages.wake_up]: lacks text: add it"),
        (
            'waits_for = "hand"',
            'waits_for = "foot"',
            "[stages.wake_up]: waits_for = 'foot' is not valid: give one of hand",
        ),
        ('role = "hand"\n', "", "[options.pin-hand]: role = '' is not valid: give one of hand"),
        ('type = "cpu"', 'type = "gpu"', "[options.pin-hand]: type = 'gpu' is not valid: give one of whole, number"),
        ('means = "interval"', 'means = "pause"', "[options.interval-us]: means = 'pause' is not valid: give one of"),
        ("default = 10", 'default = "x"', "[options.interval-us]: default = 'x' is not valid: give a number"),
        ("default = 10", "default = -1", "[options.interval-us]: default = -1 is not valid: give a number from 0 to"),
        ("low = 0", "low = true", "[options.interval-us]: low = true is not valid: give a number"),
        ("low = 0", "values = [1]", "[options.interval-us]: values = [1] is not valid: give a list of texts"),
        ('unit = "us"', 'unit = "years"', "[options.interval-us]: unit = 'years' is not valid: give one of ns, us"),
        ("low = 0", "least = 0", "[options.interval-us]: unknown key 'least'"),
        ("[roles.hand]\n", "[roles]\nhand = 3\n[x]\n", "unknown key 'x'"),
        ('[roles.hand]\ntext = "moves"\n', "[roles]\nhand = 3\n", "[roles.hand]: 3 is not valid: give a section"),
    ],
)
def test_a_bad_contract_gets_one_line_with_place_and_remedy(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(Complaint) as complaint:
        contract.of_table("clock", tomllib.loads(GOOD.replace(old, new, 1)), "clock.toml")
    text = str(complaint.value)
    assert text.startswith("clock.toml: ") and message in text and "\n" not in text
    assert complaint.value.exit_code == 2


@pytest.mark.parametrize(
    "table", [3, [], {"options": 3}, tomllib.loads(GOOD) | {"sums": 3}, tomllib.loads(GOOD) | {"roles": [1]}]
)
def test_what_is_no_contract_at_all_is_refused(table: Any) -> None:
    with pytest.raises(Complaint, match="^here"):
        contract.of_table("clock", table, "here")


def test_some_options_need_another_image() -> None:
    table = GOOD.replace("[sums]", "[images.go]\ninterval-us = 7\n[sums]")
    clock = contract.of_table("clock", tomllib.loads(table), "clock.toml")
    assert [clock.image_for({"interval-us": value}) for value in (7, 8)] == ["go", ""] and clock.image_for({}) == ""
    assert contract.load("exchange").image_for({"responder": "go"}) == "go"


def test_a_file_that_is_missing_or_no_toml_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Complaint, match="nowhere/workload.toml: there is no such workload: give one of .*pipeline"):
        contract.load("nowhere")
    monkeypatch.setattr(contract, "WORKLOADS", tmp_path)
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/workload.toml").write_text("title = [")
    with pytest.raises(Complaint, match="odd/workload.toml: is not valid TOML: .*: mend it there") as complaint:
        contract.load("odd")
    assert complaint.value.exit_code == 2


@pytest.mark.parametrize("name", sorted(file.parent.name for file in WORKLOADS.glob("*/workload.toml")))
def test_the_contracts_that_come_with_the_project_are_good(name: str) -> None:
    assert contract.load(name).headline and name in contract.names()


@pytest.mark.parametrize("name", contract.names())
def test_a_contract_s_options_are_the_program_s(name: str) -> None:
    told = subprocess.run([of_host(Path()), name, "--contract"], capture_output=True, text=True, check=True).stdout
    assert tomllib.loads(told)["options"] == contract.load(name).table["options"]
