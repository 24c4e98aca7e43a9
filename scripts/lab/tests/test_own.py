"""A user's own program: what its contract may say, the command that it makes, and where its numbers are found."""

import json
import os
import shlex
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.plan import contract, guest, own, plan, plan_file, suite
from lab.plan.program import Parcel
from lab.report import exports
from lab.runs import outputs, run_record
from lab.tables import measured, threads
from lab.text import hlog
from lab.text.complaint import Complaint
from lab.text.files import read_text

GOOD = """
program = "build/my_app"
command = "my_app --rate {rate} {fast} --name 'x y' '{{}}' --seed {seed}"
[options.rate]
type = "whole"
high = 1000
default = 10
[options.fast]
type = "flag"
default = false
[metrics.latency]
stdout = 'latency ([0-9.]+)'
in = "us"
unit = "ns"
better = "lower"
[metrics.work_ops_s]
file = "out.json"
json = "totals.0.rate"
unit = "ops_s"
better = "higher"
[metrics.tail]
stderr = { p50 = 'half ([0-9.]+) ms', p99 = 'most ([0-9.,]+) ms' }
in = "ms"
unit = "ns"
better = "lower"
"""
PROCESS = "key,value\nbegin_ns,5\nduration_s,0.5\nregion,0\nexit_code,0\nuser_s,0.1\n"
THREADS = "thread,tid,role,cpu,voluntary_switches,involuntary_switches,migrations,run_delay_ns,cpu_ns,user_ns,system_ns,elapsed_ns\n"


def of(text: str, **changed: Any) -> contract.Contract:
    return contract.of_table("my_app", tomllib.loads(text) | changed, "my_app.toml", "/home/me/my_app.toml")


def test_a_contract_needs_a_program_a_command_and_where_a_number_is() -> None:
    known = contract.of_table(
        "sleep",
        tomllib.loads(
            'package = "coreutils"\ncommand = "sleep 1"\n[metrics.time_s]\nstdout = "([0-9]+)"\nunit = "s"\nbetter = "lower"\n'
        ),
        "sleep.toml",
    )
    assert known.own and known.own.packages == ("coreutils",) and known.own.limit_s == 60
    assert [each.title for each in known.headline] == ["time"] == [each.title for each in known.judged]
    assert known.title == "sleep" and not known.options and known.files == [] and known.items == ("run", "runs")
    times = {"unit": "ns", "better": "lower"}
    assert of(GOOD, metrics={"a": times | {"stdout": "([0-9]+)"}}).items == ("item", "items")
    # A program that computes percentiles itself does not say of how many times they are.
    assert of(GOOD, metrics={"a": times | {"stdout": {"p50": "([0-9]+)"}}}).items == ("run", "runs")


def test_what_travels_is_found_from_the_folder_of_the_contract() -> None:
    known = of(GOOD, files="data", limit="90s", program=["build/my_app", "../lib/helper"])
    assert known.own
    assert known.own.programs == (("my_app", Path("/home/me/build/my_app")), ("helper", Path("/home/me/../lib/helper")))
    assert (known.own.files, known.own.limit_s) == (Path("/home/me/data"), 90)
    other = contract.Contract(known.name, known.table, known.given, Path("/tmp/before"))
    assert other.own and other.own.programs[0] == ("my_app", Path("/tmp/before"))


def test_a_userland_is_of_the_guest(tmp_path: Path) -> None:
    rest = 'command = "x"\n[scenario.a]\n[metrics.time_s]\nstdout = "([0-9]+)"\nunit = "s"\nbetter = "lower"\n'
    file = tmp_path / "mine.toml"
    file.write_text(f'{rest}[guest]\nsmp = 4\nrootfs = "rootfs.cpio"\n')
    known = suite.load(file)
    assert known.guest == {"smp": 4} and known.contract.table["guest"] == {"rootfs": "rootfs.cpio"}
    assert known.contract.own and known.contract.own.rootfs == tmp_path / "rootfs.cpio"
    file = tmp_path / "program.toml"
    file.write_text('guest.rootfs = "rootfs.cpio"\n' + rest.replace("[scenario.a]\n", ""))
    alone = contract.load(str(file)).own
    assert alone and alone.rootfs == tmp_path / "rootfs.cpio"
    for name, old in (("a", rest), ("b", 'package = "x"\n' + rest), ("c", rest.replace("[scenario.a]\n", ""))):
        file = tmp_path / f"{name}.toml"
        file.write_text('rootfs = "rootfs.cpio"\n' + old)
        with pytest.raises(Complaint, match=r"\.toml: rootfs is of the guest: write guest\.rootfs = "):
            contract.load(str(file)) if name == "c" else suite.load(file)
    with pytest.raises(Complaint, match=r"\[guest\]: rootfs = 3 is not valid: give a path in quotes"):
        of(GOOD, guest={"rootfs": 3})
    with pytest.raises(Complaint, match=r"\[guest\]"):
        of(GOOD, guest={"smp": 3})


def test_the_command_has_any_words_and_the_options_as_they_are_given() -> None:
    known = of(GOOD)
    words = shlex.split(plan.command_of(known, {"rate": 7, "fast": True}, 3))
    assert words[words.index("--") + 1 :] == ["my_app", "--rate", "7", "--fast", "--name", "x y", "{}", "--seed", "3"]
    assert words[: words.index("--")] == ["--limit-ms", "60000", "--mark", "--keep", "out.json"]
    assert "--fast" not in shlex.split(plan.command_of(known, {}, 3))
    every = of(GOOD, command="my_app {options}")
    assert shlex.split(plan.command_of(every, {"rate": 7, "fast": True}, 3))[-3:] == ["--rate", "7", "--fast"]


@pytest.mark.parametrize(
    "changed, complaint",
    [
        ({"command": "my_app --name 'x"}, "command: no closing quotation: mend its quotes"),
        ({"command": ""}, "command = '' is not valid: give what starts the program"),
        (
            {"command": "my_app {rate} {fats}"},
            "has {fats}, which is no option ({{ is a brace): did you mean fast?",
        ),
        ({"command": "my_app {rate}"}, "command has no {fast}, so that the option would change nothing"),
        ({"limit": "10 years"}, "limit = '10 years' is not valid: give seconds up to a day"),
        ({"limit": 0}, "limit = 0 is not valid"),
        ({"program": 3}, "program = 3 is not valid: give a text in quotes, or a list of them"),
        ({"package": "Rt Tests"}, "package = 'Rt Tests' is not valid: give the name of a Debian package"),
        ({"files": ["a"]}, "files = ['a'] is not valid: give a path in quotes"),
        ({"prorgam": "x"}, "unknown key 'prorgam': did you mean program?"),
        ({"metrics": {}}, "metrics = {} is not valid: give one metric at least"),
        ({"limit": 10**400}, "is not valid: give seconds up to a day"),
        ({"program": "a\0b"}, "is not valid: give a text in quotes, or a list of them"),
        ({"files": "a\0"}, "is not valid: give a path in quotes"),
        (
            {"program": ["x/my_app", "y/my_app"]},
            "program has two files that are called my_app in the guest: rename one",
        ),
    ],
)
def test_a_contract_that_cannot_be_is_refused(changed: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Complaint) as raised:
        of(GOOD, **changed)
    assert complaint in str(raised.value) and str(raised.value).startswith("my_app.toml")


@pytest.mark.parametrize(
    "source, complaint",
    [
        ({"stdout": "a", "file": "b"}, "has stdout and file: a metric is read from one"),
        ({"pattern": "([0-9])"}, "has pattern and no file to look in: add file, or give stdout"),
        ({"in": "us"}, "has in and no file to look in"),
        ({"file": "../x", "json": "a"}, "file = '../x' is not valid: give the name of a file that the program leaves"),
        ({"file": "process.csv", "json": "a"}, "file = 'process.csv' is not valid"),
        ({"file": "x", "json": "a", "pattern": "(b)"}, "has pattern and json: a metric is found by one"),
        ({"file": "x"}, "has a file and nothing to find in it: add pattern or json"),
        ({"stdout": "([0-9"}, "is no regular expression ("),
        ({"stdout": "[0-9]+"}, "has 0 groups in brackets: give it one, round the number; (?:...) is none"),
        ({"stdout": "(a)(b)"}, "has 2 groups in brackets"),
        ({"stdout": "(a)", "in": "us"}, "in = 'us' is not valid: give none, as it has no other"),
        ({"stdout": {"p50": "(a)"}}, "stdout = {'p50': '(a)'} is not valid: give a text in quotes"),
    ],
)
def test_a_number_that_cannot_be_found_is_refused(source: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Complaint) as raised:
        of(GOOD, metrics={"work_ops_s": {"unit": "ops_s", "better": "higher"} | source})
    assert complaint in str(raised.value) and "[metrics.work_ops_s]" in str(raised.value)


@pytest.mark.parametrize(
    "source, complaint",
    [
        (
            {"stdout": "(a)(b)(c)"},
            "has 3 groups in brackets: give it one, round the number, or two, a time and how often",
        ),
        ({"stdout": {"p50": "(a)", "max": "(a)"}}, "max is no percentile: give one of p50, p95, p99, p999"),
        ({"stdout": {"p50": "(a)(b)"}}, "has 2 groups in brackets"),
        ({"stdout": "(a)", "in": "hours"}, "in = 'hours' is not valid: give one of ns, us, ms, s"),
        ({"stdout": "(a)", "in": ["ms"]}, "in = ['ms'] is not valid: give one of ns, us, ms, s"),
    ],
)
def test_times_that_cannot_be_found_are_refused(source: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Complaint) as raised:
        of(GOOD, metrics={"latency": {"unit": "ns", "better": "lower"} | source})
    assert complaint in str(raised.value)


def test_a_workload_of_the_kit_says_nothing_of_files() -> None:
    table = {"title": "t", "items": ["a", "b"], "command": "x {options} {seed}", "options": {}}
    metric = {"title": "m", "unit": "s", "better": "lower", "stdout": "(a)"}
    with pytest.raises(Complaint, match="unknown key 'stdout'"):
        contract.of_table("x", table | {"metrics": {"m": metric}}, "x")


# ---- what a run left ----


@pytest.fixture
def run(tmp_path: Path) -> Path:
    files = {
        "process.csv": PROCESS,
        "threads.csv": THREADS + "my_app,7,,,3,1,,1000,2000,0,0,9000\nworker-1,8,,,3,1,,1000,2000,0,0,9000\n"
        "worker-2,9,,,3,1,,1000,4000,0,0,9000\n",
        "stdout.txt": "latency 1.5\nother 7\nlatency 2\nlatency 1.5\n",
        "stderr.txt": "half 2 ms\nmost 1,234.5 ms\n",
        "out.json": json.dumps({"totals": [{"rate": 12.5}]}),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def row_of(known: contract.Contract) -> plan.Row:
    return plan.Row(
        run="aarch64.exact.s1.0123456789ab",
        suite="s",
        scenario="a",
        workload=known.given,
        target="aarch64",
        timing="exact",
        replicate=1,
        seed=1,
        sweep_seed=1,
        options={"rate": 10},
        guest=guest.Guest("cloud"),
        command=plan.command_of(known, {"rate": 10}, 1),
        duration_s=0,
        limit_s=60,
        expected_ms=1,
        contract=known.sha256,
        parcel="0123456789abcdef",
    )


def test_numbers_are_found_wherever_the_contract_says(run: Path) -> None:
    known = of(GOOD)
    assert outputs.names_of(known) == ["process.csv", "threads.csv", "out.json"]
    found = outputs.read(run, row_of(known), known)
    latency = found.histograms["latency"]
    assert (list(latency.highest_ns), list(latency.count)) == ([1500, 2000], [2, 1])
    assert found.percentiles_ns == {"tail_p50_ns": 2e6, "tail_p99_ns": 1234.5e6}
    assert found.stats["work_ops_s"] == 12.5 and found.stats["items"] == 3 and found.stats["duration_s"] == 0.5
    assert known.times == ["latency"] == list(outputs.histograms_of(run, known))
    assert list(known.columns)[-2:] == ["tail_p50_ns", "tail_p99_ns"]
    assert [thread.name for thread in found.threads] == ["my_app", "worker-1", "worker-2"]


def test_a_run_can_leave_the_files_that_the_kits_own_leave(run: Path) -> None:
    known = of(
        GOOD,
        metrics={
            "latency": {"unit": "ns", "better": "lower"},
            "work_ops_s": {"unit": "ops_s", "better": "higher"},
        },
    )
    (run / "stats.csv").write_text("key,value\nitems,4\nwork_ops_s,8\n")
    (run / "histogram.csv").write_text("metric,lowest_ns,highest_ns,count\nlatency,1,2,4\n")
    found = outputs.read(run, row_of(known), known)
    assert known.files == ["histogram.csv", "stats.csv"]
    assert (found.stats["items"], found.stats["work_ops_s"], list(found.histograms)) == (4, 8, ["latency"])


@pytest.mark.parametrize(
    "file, text, complaint",
    [
        ("stdout.txt", "nothing", "stdout.txt: 'latency ([0-9.]+)' matches nothing: mend [metrics.latency] of"),
        ("stderr.txt", "half 1 ms\nhalf 2 ms\nmost 1 ms", "matches 2 times, and one number is wanted"),
        ("stderr.txt", "half 1.2.3 ms\nmost 1 ms", "'1.2.3' is not a number"),
        ("out.json", "{", "out.json: "),
        ("out.json", '{"totals": []}', "its JSON has nothing at totals.0.rate (0 is not there)"),
        ("out.json", '{"totals": [{"rate": true}]}', "its JSON has no number at totals.0.rate"),
        ("out.json", '{"totals": [{"rate": -1}]}', "says -1, which is below 0"),
        ("out.json", '{"totals": [{"rate": 1e300}]}', "says 1e+300, which is more than can be"),
        ("process.csv", "key,value\n", "has no good value for 'begin_ns'"),
        ("threads.csv", THREADS + "a,0,,,,,,,,,,\n", "row 1 has no good value for 'tid'"),
    ],
)
def test_what_a_run_did_not_say_is_told_with_file_and_remedy(run: Path, file: str, text: str, complaint: str) -> None:
    known = of(GOOD)
    (run / file).write_text(text)
    with pytest.raises(Complaint) as raised:
        outputs.read(run, row_of(known), known)
    assert complaint in str(raised.value) and file in str(raised.value)


@pytest.mark.parametrize(
    "said, complaint",
    [
        ("{}", "has times that were met 0 times in all"),
        ('{"1": 0}', "has times that were met 0 times in all"),
        (
            "{" + ",".join(f'"1.{n}": 900000000000000000' for n in range(11, 23)) + "}",
            "has times that were met 10800000000000000000 times",
        ),
        ('{"1e300": 1}', "has a time of 1e+300 that was met 1 times, which cannot be"),
    ],
)
def test_times_that_nobody_can_have_met_are_told(run: Path, said: str, complaint: str) -> None:
    known = of(GOOD, metrics={"latency": {"unit": "ns", "better": "lower", "file": "h.json", "json": "h"}})
    (run / "h.json").write_text('{"h": ' + said + "}")
    with pytest.raises(Complaint, match=complaint.replace("+", r"\+")):
        outputs.read(run, row_of(known), known)


def test_a_pattern_that_takes_for_ever_is_ended(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "READ_S", 0.2)
    known = of(GOOD, metrics={"x_s": {"unit": "s", "better": "lower", "stdout": "^(?:a+)+b([0-9])"}})
    (run / "stdout.txt").write_text("a" * 60)
    with pytest.raises(Complaint, match=r"stdout.txt: takes longer than 0.2 s to look into: mend \[metrics.x_s\]"):
        outputs.read(run, row_of(known), known)


def test_a_file_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(Complaint, match="pipe.toml: is no regular file"):
        read_text(tmp_path / "pipe.toml")


def test_threads_of_a_name_are_told_together(run: Path) -> None:
    known = of(GOOD)

    class Record:
        contract, row, facts = known, row_of(known), {"accelerator": "tcg"}
        outputs = outputs.read(run, row_of(known), known)

    table = threads.of_runs([Record(), Record()])  # type: ignore[list-item]
    assert table[["thread", "runs", "threads", "cpu_ns"]].to_numpy().tolist() == [
        ["worker-*", 1, 4.0, 12000.0],
        ["my_app", 1, 2.0, 4000.0],
    ]
    assert threads.KEPT.read(Path("x"), content=threads.KEPT.csv(table)).equals(
        threads.KEPT.read(Path("x"), content=threads.KEPT.csv(table))
    )


# ---- plans ----


SUITE = GOOD + "\n[scenario.slow]\nrate = 1\n[scenario.fast]\nfast = true\n"


@pytest.fixture
def packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.plan.program.pack", lambda known, target: Parcel("0123456789abcdef", 200 << 20))
    facts = dict.fromkeys(plan.IMAGE_FACTS, "x")
    monkeypatch.setattr("lab.plan.plan.read_image", lambda *_: facts)


def planned(tmp_path: Path, text: str, **sweep: Any) -> list[plan.Row]:
    (tmp_path / "mine.toml").write_text(text)
    wanted = replace(plan.Sweep("aarch64", ("exact",), replicates=1, seed=1), **sweep)
    targets = Path(__file__).parents[3] / "qemu/targets"
    return plan.expand(suite.load(tmp_path / "mine.toml"), wanted, tmp_path, targets)


def test_a_suite_may_have_its_contract_in_it(tmp_path: Path, packed: None) -> None:
    rows = planned(tmp_path, SUITE)
    assert [row.scenario for row in rows] == ["slow", "fast"]
    first = rows[0]
    assert (first.workload, first.parcel) == (str(tmp_path / "mine.toml"), "0123456789abcdef")
    assert (first.guest.quantum, first.guest.memory_mb) == ("20us", 768)  # three times as much, and what the kit needs
    assert plan_file.of_object(json.loads(plan_file.write(rows).splitlines()[0])) == first
    assert contract.load(first.workload).sha256 == first.contract


def test_a_suite_may_name_the_file_of_a_contract(tmp_path: Path, packed: None) -> None:
    (tmp_path / "app.toml").write_text(GOOD)
    rows = planned(tmp_path, 'workload = "app.toml"\n[scenario.a]\nrate = 3\n')
    assert (rows[0].workload, contract.load(rows[0].workload).name) == (str(tmp_path / "app.toml"), "app")


def test_what_was_measured_is_decided_by_the_program_too(
    tmp_path: Path, packed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = planned(tmp_path, SUITE)[0].run
    monkeypatch.setattr("lab.plan.program.pack", lambda known, target: Parcel("f" * 16, 1 << 20))
    assert planned(tmp_path, SUITE)[0].run != before


@pytest.mark.parametrize(
    "text, sweep, complaint",
    [
        (
            SUITE + "[guest]\nmemory-mb = 256\n",
            {},
            "memory-mb = 256 is too little for what comes along (200 MB): give 768",
        ),
        (SUITE, {"guest": {"memory-mb": 512}}, "memory-mb = 512 is too little"),
        (SUITE.replace("default = 10\n", ""), {}, "[scenario.fast]: rate has no value: give one here, or a default in"),
        ('workload = "no.toml"\n[scenario.a]\n', {}, "there is no such workload: mend the suite's workload"),
        ('workload = "mine.toml"\n[scenario.a]\n', {}, "says of no program what it is: add program = (a file)"),
        (SUITE.replace("[scenario.slow]", "[scnario.slow]"), {}, "unknown key 'scnario': did you mean scenario?"),
        (SUITE + "rtae = 3\n", {}, "unknown key 'rtae': did you mean rate?"),
    ],
)
def test_a_suite_that_cannot_be_is_refused(
    tmp_path: Path, packed: None, text: str, sweep: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(Complaint) as raised:
        planned(tmp_path, text, **sweep)
    assert complaint in str(raised.value)


def test_guests_of_own_programs_have_fair_turns_where_they_can() -> None:
    assert guest.usual_of_own({}) == {"quantum": "20us"} == guest.usual_of_own({"smp": 4})
    assert guest.usual_of_own({"smp": 8}) == {} == guest.usual_of_own({"numa-nodes": 2})


def test_placeholders_are_replaced_within_words() -> None:
    assert own.command("a --x={x} {on} '{{b}}' {seed}{seed}", {"x": "1.5", "on": False}, 4, "") == [
        "a",
        "--x=1.5",
        "{b}",
        "44",
    ]
    assert measured.PERCENTILES  # of which a program may give some


# ---- what other tools read ----


@pytest.fixture
def exported(run: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Exports `run`, as one of the contract that is given, in a format."""
    (run / run_record.ROW).write_text("")

    def export(form: str, known: contract.Contract) -> str:
        monkeypatch.setattr(run_record, "contract_of", lambda _: known)
        return exports.OF_RUN[form](run)

    return export


def test_all_times_of_a_program_are_a_log_of_histograms(run: Path, exported: Callable[..., str]) -> None:
    assert hlog.counted(exported("hlog", of(GOOD))) == {1500: 2, 2000: 1}
    (run / "stdout.txt").write_text("latency 5000.1\nlatency 5000.2\nlatency 5006\n")  # the first two are one to it
    log = exported("hlog", of(GOOD))
    assert log.splitlines()[-1].startswith("Tag=latency,0.000,0.500,5.006,") and log.count("Tag=") == 1
    assert list(hlog.counted(log).values()) == [2, 1]


def test_a_log_of_a_program_is_exported_as_one(run: Path, exported: Callable[..., str]) -> None:
    (run / "out.hlog").write_text(exported("hlog", of(GOOD)))
    again = of(GOOD, metrics={"latency": {"file": "out.hlog", "unit": "ns", "better": "lower"}})
    assert hlog.counted(exported("hlog", again)) == {1500: 2, 2000: 1}


@pytest.mark.parametrize(
    "kept, complaint",
    [
        ("tail", "/home/me/my_app.toml: knows of tail only the percentiles that the program computes; a log"),
        ("work_ops_s", "/home/me/my_app.toml: has no metric of times; a log of histograms needs all of them: add a"),
    ],
)
def test_what_is_no_histogram_is_told(exported: Callable[..., str], kept: str, complaint: str) -> None:
    known = of(GOOD)
    some = contract.of_table(
        "my_app", {**known.table, "metrics": {kept: known.table["metrics"][kept]}}, "x", known.given
    )
    with pytest.raises(Complaint, match=complaint):
        exported("hlog", some)


def test_a_program_without_stages_has_a_trace_where_it_was_traced_only(exported: Callable[..., str]) -> None:
    with pytest.raises(Complaint, match="is of my_app, which says nothing of single items .* which 'make trace' makes"):
        exported("chrome-trace", of(GOOD))


def test_a_program_with_stages_has_a_trace_of_its_items(run: Path, exported: Callable[..., str]) -> None:
    table = {"stages": {"service": {"text": "at work", "waits_for": "server"}}, "roles": {"server": {"text": "serves"}}}
    (run / "samples.csv").write_text("item,intended_ns,service_ns,response_ns\n0,1000,500,500\n1,2000,250,250\n")
    events = json.loads(exported("chrome-trace", of(GOOD, **table)))["traceEvents"]
    at_work = [(each["ts"], each["dur"]) for each in events if each["ph"] == "X"]
    assert at_work == [(1, 0.5), (2, 0.25)]
