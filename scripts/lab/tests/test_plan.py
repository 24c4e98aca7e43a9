"""Plans: which runs, with which seeds, in which order, under which names."""

import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from lab.plan import contract, guest, plan, plan_file, schedule, suite
from lab.plan.guest import Guest
from lab.plan.places import ROOT, SCENARIOS, TARGETS
from lab.plan.plan import Row, Sweep
from lab.text.complaint import Complaint

ALL_TARGETS = sorted(file.stem for file in TARGETS.glob("*.conf"))
IMAGE = dict.fromkeys(plan.IMAGE_FACTS, "x")
SWEEP = Sweep(target="aarch64", timings=("exact", "live"), replicates=3, seed=5)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build folder with facts of images, though without images."""
    for target in ALL_TARGETS:
        write_image(tmp_path, target, IMAGE)
    return tmp_path


def write_image(build: Path, target: str, facts: dict[str, str]) -> None:
    folder = build / "image" / target
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath("image.tsv").write_text("".join(f"{key}\t{value}\n" for key, value in facts.items()))


def expand_text(build: Path, text: str, sweep: Sweep = SWEEP, name: str = "own", targets: Path = TARGETS) -> list[Row]:
    """The rows of a suite that is `text`."""
    file = build / f"{name}.toml"
    file.write_text(text)
    return plan.expand(suite.load(file), sweep, build, targets)


def expand(build: Path, sweep: Sweep = SWEEP, name: str = "t001") -> list[Row]:
    return plan.expand(suite.load(SCENARIOS / f"{name}.toml"), sweep, build, TARGETS)


def test_every_scenario_runs_in_every_timing_and_replicate_once(build: Path) -> None:
    rows = expand(build)
    assert len({(row.scenario, row.timing, row.replicate) for row in rows}) == len(rows) == 6 * 2 * 3
    assert len({row.run for row in rows}) == len(rows)


def test_a_replicate_is_a_seed_and_the_same_for_all_scenarios(build: Path) -> None:
    rows = expand(build)
    assert {(row.replicate, row.seed) for row in rows} == {(1, 5), (2, 6), (3, 7)}
    assert all(f"--seed {row.seed} --out ." in row.command for row in rows)


def test_the_command_holds_the_scenario_and_the_duration(build: Path) -> None:
    row = next(row for row in expand(build) if row.scenario == "affinity-0us")
    assert row.command == "pipelab pipeline --duration 2 --prod-interval-us 0 --pin-consumer 1 --seed 5 --out ."
    assert row.options == {"duration": 2, "prod-interval-us": 0, "pin-consumer": 1}
    assert (row.workload, row.contract) == ("pipeline", contract.load("pipeline").sha256)
    longer = expand(build, Sweep("aarch64", ("exact",), 1, 5, duration_s=10))
    same = expand(build, Sweep("aarch64", ("exact", "live"), 3, 5, duration_s=2.0))
    assert [row.run for row in same] == [row.run for row in expand(build)]
    assert all("--duration 10 " in row.command and row.duration_s == 10 for row in longer)


def test_flags_are_words_alone_and_texts_come_as_they_are(build: Path) -> None:
    row = expand_text(build, '[scenario.a]\nmlock = true\nzero-copy = false\nsched = "fifo:50"')[0]
    assert row.command == "pipelab pipeline --duration 2 --sched fifo:50 --mlock --seed 5 --out ."


def test_however_a_value_is_written_the_run_is_the_same(build: Path) -> None:
    texts = (
        "interval = '1ms'\nqueue-cap = 8",
        "queue-cap = 8\nprod-interval-us = 1000.0",
        "rate = 1000\nqueue-cap = 8",
    )
    assert len({row.run for text in texts for row in expand_text(build, f"[scenario.a]\n{text}")}) == 2 * 3


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("batch = 100", "--batch: '100' is more than the 64 items"),
        ("item-bytes = 7", "--item-bytes: '7' is not valid: give a multiple of 8"),
        ('sched = "fifo:1000"', "--sched: 'fifo:1000' is not valid: give other, fifo:P or rr:P (1 to 99)"),
        ('sched = "deadline:5,4,3"', "--sched: 'deadline:5,4,3' is not valid"),
        ('arrival = "burst:0,0"', "--arrival: 'burst:0,0' is not valid: give constant, poisson, or burst:N,PAUSE_US"),
        ("zero-copy = true", "--zero-copy: there is nothing to copy: give --item-bytes as well"),
        ('sched = "--mlock"', "--sched: "),
    ],
)
def test_what_the_program_would_refuse_in_the_guest_is_refused_now(build: Path, text: str, complaint: str) -> None:
    with pytest.raises(Complaint) as refused:
        expand_text(build, f"[scenario.good]\n[scenario.bad]\n{text}\n[scenario.fine]")
    assert str(refused.value).startswith(f"{build / 'own.toml'}: [scenario.bad]: {complaint}")
    assert refused.value.exit_code == 2 and "\n" not in str(refused.value)


def test_options_may_name_cpus_that_only_the_guest_has(build: Path) -> None:
    assert expand_text(build, "[guest]\nsmp = 64\n[scenario.a]\npin-consumer = 63", replace(SWEEP, timings=("live",)))


def test_a_program_that_is_not_there_or_old_is_named_with_its_remedy(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIPELAB_PROGRAM")
    with pytest.raises(Complaint, match="/host/pipelab: No such file or directory: run 'make program'") as none:
        expand(build)
    assert none.value.exit_code == 1
    monkeypatch.setenv("PIPELAB_PROGRAM", "/bin/false")
    with pytest.raises(Complaint, match=r"/bin/false: cannot check options \(exit code 1\): run 'make program'"):
        expand(build)


@pytest.mark.parametrize("fact", ["kernel_sha256", "initrd_sha256", "qemu_version"])
def test_a_name_changes_with_the_guest(build: Path, fact: str) -> None:
    before = {row.run for row in expand(build)}
    assert before == {row.run for row in expand(build)}
    write_image(build, "aarch64", IMAGE | {fact: "other"})
    assert before.isdisjoint(row.run for row in expand(build))


def test_the_accelerator_is_in_the_names_of_live_runs_only(build: Path) -> None:
    tcg, kvm = (expand(build, replace(SWEEP, accelerator=name)) for name in ("tcg", "kvm"))
    for timing, same in (("exact", True), ("live", False)):
        names = [{row.run for row in rows if row.timing == timing} for rows in (tcg, kvm)]
        assert (names[0] == names[1]) is same
        assert same or names[0].isdisjoint(names[1])


def test_a_run_is_called_by_what_decides_it_whichever_suites_and_scenarios_ask_for_it(build: Path) -> None:
    text, sweep = "[scenario.a]\n[scenario.b]\n[scenario.c]\nqueue-cap = 8\n", replace(SWEEP, replicates=1)
    rows = [row for name in ("own", "other") for row in expand_text(build, text, sweep, name)]
    exact, live = ({row.asked_as: row.run for row in rows if row.timing == timing} for timing in plan.TIMINGS)
    for runs in (exact, live):
        assert runs["own/a"] == runs["own/b"] == runs["other/a"] == runs["other/b"]
        assert runs["own/c"] == runs["other/c"] != runs["own/a"]
    assert re.fullmatch(r"aarch64\.exact\.s5\.[0-9a-f]{12}", exact["own/a"])
    assert re.fullmatch(r"aarch64\.live\.r1\.[0-9a-f]{12}", live["own/a"])


def test_a_live_run_has_twins(build: Path) -> None:
    row = expand_text(build, "[scenario.a]", replace(SWEEP, timings=("live",)))[0]
    third = plan.next_twin(plan.next_twin(row))
    assert (row.twin, third.twin, plan_file.fault(third)) == (1, 3, "")
    assert third.run == row.run.replace(".live.r1.", ".live.r1.twin3.")
    assert third.run == plan.run_name(third, IMAGE, "tcg")


def test_seeds_end_where_those_of_qemu_end(build: Path) -> None:
    largest = 2**32 - 1
    assert expand(build, replace(SWEEP, seed=largest - 2))[2].seed == largest
    with pytest.raises(Complaint) as complaint:
        expand(build, replace(SWEEP, seed=largest - 1))
    assert str(complaint.value) == (
        "--seed: the last of 3 replicates would have seed 4294967296, and 4294967295 is the largest: "
        "give at most 4294967293"
    )


def test_a_run_is_no_longer_than_run_vm_lets_it_be(build: Path) -> None:
    sweep = Sweep("aarch64", ("exact",), 1, 1, duration_s=7199)
    assert max(row.limit_s for row in expand(build, sweep)) <= 864000
    assert expand(build, replace(sweep, timings=("live",), duration_s=86400))
    with pytest.raises(Complaint, match="^--duration: 7200 s is too long, since exact timing .*: give at most 7199$"):
        expand(build, replace(sweep, duration_s=7200))
    with pytest.raises(Complaint, match=r"own.toml: \[scenario.a\]: duration: 8000 s is too long"):
        expand_text(build, "[scenario.a]\nduration = 8000", replace(sweep, duration_s=None))


def test_the_order_is_shuffled_repeatably_and_exact_runs_come_first(build: Path) -> None:
    rows = expand(build)
    mixed = plan.shuffled(rows, 5)
    assert sorted(mixed, key=rows.index) == rows
    assert mixed == plan.shuffled(rows, 5)
    assert mixed != plan.shuffled(rows, 6)
    assert [row.timing for row in mixed] == ["exact"] * 18 + ["live"] * 18
    assert [row.scenario for row in mixed[:18]] != [row.scenario for row in rows[:18]]


def test_a_plan_survives_being_written_and_read(build: Path, tmp_path: Path) -> None:
    rows = expand(build, replace(SWEEP, guest={"kernel-args": "isolcpus=1 quiet"}))
    file = tmp_path / "plan.jsonl"
    file.write_text(plan_file.write(rows))
    assert plan_file.read(file) == rows


def plan_of_one(folder: Path, changed: dict[str, Any]) -> str:
    """A plan of one row with these values changed; without those that are "gone"."""
    said = json.loads(plan_file.write(expand(folder)[:1])) | changed
    return json.dumps({name: value for name, value in said.items() if value != "gone"}) + "\n"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seed": "1"}, "row 1 (seed = '1')"),
        ({"seed": True}, "row 1 (seed = 'True')"),
        ({"seed": 2**32, "run": f"aarch64.exact.s{2**32}.0123456789ab"}, "row 1 (seed = '4294967296')"),
        ({"seed": 6}, "row 1 (run = "),
        ({"seed": "gone"}, "row 1 (seed is missing)"),
        ({"colour": "red"}, "row 1 (colour is not known)"),
        ({"guest": 3}, "row 1 (guest is no object)"),
        ({"guest": {"smp": 2}}, "row 1 (guest.kernel is missing)"),
        ({"guest": asdict(Guest("cloud")) | {"kernel": "a;b"}}, "row 1 (guest = "),
        ({"guest": asdict(Guest("cloud")) | {"quantum": "3us"}}, "row 1 (guest = "),
        ({"options": []}, "row 1 (options is no object)"),
        ({"options": {"queue-cap": 0}}, "row 1 (options = "),
        ({"options": {"x y": 0}}, "row 1 (options = "),
        ({"options": {"queue-cap": 8}}, "row 1 (command = "),
        ({"command": "rm -rf /"}, "row 1 (command = 'rm -rf /')"),
        ({"command": "a;b", "contract": "0" * 64}, "row 1 (command = 'a;b')"),
        ({"knobs": {"SMP": 4}}, "row 1 (knobs has something else than texts)"),
        ({"knobs": {"SMP": "$(id)"}}, "row 1 (knobs = "),
        ({"run": "../x"}, "row 1 (run = '../x')"),
        ({"suite": "../x"}, "row 1 (suite = '../x')"),
        ({"target": "other"}, "row 1 (run = "),
        ({"timing": "slow"}, "row 1 (run = "),
        ({"workload": "../x"}, "row 1 (workload = '../x')"),
        ({"observer": "me"}, "row 1 (observer = 'me')"),
        ({"build": "a\nb"}, "row 1 (build = 'a\\nb')"),
    ],
)
def test_a_row_that_no_planner_makes_is_refused(build: Path, changed: dict[str, Any], message: str) -> None:
    file = build / "plan.jsonl"
    file.write_text(plan_of_one(build, changed))
    with pytest.raises(Complaint) as complaint:
        plan_file.read(file)
    text = str(complaint.value)
    assert text.startswith(f"{file}: is damaged: ") and message in text and "\n" not in text
    assert text.endswith("run 'make run-scenarios' again, which keeps finished runs") and complaint.value.exit_code == 1


@pytest.mark.parametrize("changed", [{"target": "armv7"}, {"timing": "exact"}, {"replicate": 2}, {"twin": 2}])
def test_a_live_run_has_the_name_of_its_row(build: Path, changed: dict[str, Any]) -> None:
    row = expand(build, replace(SWEEP, timings=("live",)))[0]
    assert (plan_file.fault(row), plan_file.fault(replace(row, **changed))) == ("", "run")


def test_a_row_of_another_contract_is_read_all_the_same(build: Path) -> None:
    file = build / "plan.jsonl"
    file.write_text(
        plan_of_one(build, {"contract": "0" * 64, "command": "pipelab --old", "options": {"new-option": "x"}})
    )
    assert plan_file.read(file)[0].options == {"new-option": "x"}


@pytest.mark.parametrize("text", ["x", "3\n", "[]\n", '{"a": 1, "a": 2}\n', '{"seed": NaN}\n', "\xff\n", "\n"])
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "plan.jsonl"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(Complaint, match="plan.jsonl: is damaged: .*run 'make run-scenarios' again"):
        plan_file.read(file)


def test_a_row_is_read_without_the_others(build: Path, tmp_path: Path) -> None:
    file = tmp_path / "plan.jsonl"
    rows = expand(build)
    file.write_text("damaged\n" + plan_file.write(rows))
    assert plan_file.read_row(file, 2) == rows[0] and plan_file.read_row(file, len(rows) + 1) == rows[-1]
    with pytest.raises(Complaint, match=f"there is no row {len(rows) + 2}: it has {len(rows) + 1}"):
        plan_file.read_row(file, len(rows) + 2)


def test_a_cut_or_missing_plan_is_refused(build: Path, tmp_path: Path) -> None:
    file = tmp_path / "plan.jsonl"
    with pytest.raises(Complaint, match="plan.jsonl: there is no plan: run"):
        plan_file.read(file)
    file.write_text(plan_file.write(expand(build))[:-300])
    with pytest.raises(Complaint, match="is damaged: run 'make run-scenarios' again"):
        plan_file.read(file)


def test_the_title_of_a_suite_is_one_line_or_its_name(tmp_path: Path) -> None:
    assert plan.title(tmp_path, "t000") == "t000"
    assert plan.suite_file(tmp_path, "t000") == SCENARIOS / "t000.toml"
    (tmp_path / plan.title_file("t000")).write_bytes(b"a \xff\n/my/t000.toml\n")
    (tmp_path / plan.file_name("t000", "aarch64", "exact")).touch()
    assert (plan.title(tmp_path, "t000"), plan.planned_suites(tmp_path)) == ("a \ufffd", ["t000"])
    assert plan.suite_file(tmp_path, "t000") == Path("/my/t000.toml")
    own = tmp_path / "own.toml"
    own.write_text('title = """a\nb"""\n[scenario.a]')
    assert plan.title_text(suite.load(own)) == f"a b\n{own}\n"


def test_run_vm_has_the_same_limits() -> None:
    limits = dict(re.findall("([A-Z_]+)=([0-9]+)", (ROOT / "qemu/guest_shape.sh").read_text()))
    assert {name: int(limits[name]) for name in ("EXACT_MAX_SMP", "QUANTUM_MAX_SMP")} == {
        "EXACT_MAX_SMP": guest.EXACT_MAX_SMP,
        "QUANTUM_MAX_SMP": guest.QUANTUM_MAX_SMP,
    }
    assert (int(limits["QUANTUM_MIN_US"]), int(limits["QUANTUM_MAX_US"])) == (
        guest.QUANTUM_US.low,
        guest.QUANTUM_US.high,
    )


@pytest.mark.parametrize("target", ALL_TARGETS)
def test_exact_timing_is_refused_with_more_cpus_than_it_works_with(build: Path, target: str) -> None:
    most = guest.EXACT_MAX_SMP
    with pytest.raises(Complaint, match=f"exact timing works with at most {most} CPUs, and {most + 1} are wanted"):
        expand_text(build, f"[guest]\nsmp = {most + 1}\n[scenario.a]", Sweep(target, ("exact",), 1, 1))
    assert expand_text(build, f"[guest]\nsmp = {most + 1}\n[scenario.a]", Sweep(target, ("live",), 1, 1))
    assert expand_text(build, f"[guest]\nsmp = {most}\n[scenario.a]", Sweep(target, ("exact",), 1, 1))


def test_a_target_that_does_not_say_its_limit_is_named(build: Path, tmp_path: Path) -> None:
    (tmp_path / "aarch64.conf").write_text("MACHINE=virt\n")
    with pytest.raises(Complaint, match="aarch64.conf: does not say how many NUMA nodes .*: add MAX_NUMA_NODES=N"):
        plan.expand(suite.load(SCENARIOS / "t000.toml"), SWEEP, build, tmp_path)


def test_an_image_whose_facts_are_cut_is_named(build: Path) -> None:
    write_image(build, "aarch64", {"kernel_sha256": "x"})
    with pytest.raises(Complaint, match="image.tsv: does not say 'kernel_version': run 'make image TARGET=aarch64'"):
        expand(build)


def test_a_missing_image_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(Complaint, match="is not there: run 'make image TARGET=aarch64'"):
        expand(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "mean_ns"),
    [
        ("constant:20k", 50_000),
        ("ramp:1k..3k", 500_000),
        ("spike:1k,6k@500ms", 1e9 / 2250),
        ("step:500@1s,1.5k@200ms", 1_000_000),
    ],
)
def test_a_pattern_has_a_rate_on_average_and_no_number_of_items(pattern: str, mean_ns: float) -> None:
    found = schedule.of(contract.load("pipeline"), {"pattern": pattern, "duration": 2})
    assert found and found.mean_ns == pytest.approx(mean_ns)
    assert found.items(2) is None
