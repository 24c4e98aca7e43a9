"""Run folders: sealed once, checked at every reading."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.runs import guest_files, ledger, run_record, watch
from lab.plan import contract, plan, plan_file
from lab.text.complaint import Complaint
from lab.tests.conftest import load_planned, run_folder
from lab.tests.test_ledger import QUIET

IMAGE = dict.fromkeys(plan.IMAGE_FACTS, "x")
HOST = {"cpu": "x", "cpus": 2, "load_before": 0.5, "steal_share": 0.1}


@pytest.fixture
def fresh(runs: Path, tmp_path: Path) -> Path:
    """A folder as run_one.sh has it before it is sealed."""
    folder = tmp_path / "fresh"
    shutil.copytree(run_folder(runs, "baseline", "exact", 1), folder / "out")
    (folder / "out/run.json").unlink()
    (folder / "out/console.log").rename(folder / "console.log")
    (folder / "vm.tsv").write_text(
        "outcome\tdone\nreason\t\nexit_code\t0\nwall_ms\t2500\naccelerator\ttcg\nforced_turns\t3\nqemu_command\t'qemu' '-x'\n"
    )
    (folder / guest_files.CANARY).write_text("cpu0 1 2 3\n")
    return folder


@pytest.fixture
def row(runs: Path) -> plan.Row:
    """A planned row, as it is named for IMAGE."""
    recorded = plan_file.read(runs / plan.file_name("t000", "aarch64", "exact"))[0]
    return replace(recorded, run=plan.run_name(recorded, IMAGE, "tcg"))


def test_a_sealed_run_can_be_loaded(fresh: Path, row: plan.Row) -> None:
    run_record.seal(fresh, row, IMAGE, Path("/"), HOST)
    fresh = fresh.rename(fresh.with_name(row.run))
    record = run_record.load(fresh)
    assert record.row == row
    assert record.facts["wall_s"] == 2.5
    assert record.facts["qemu_command"] == "'qemu' '-x'"
    assert record.facts["host"] == HOST
    assert (record.facts["forced_turns"], record.facts["asked_for_by"]) == (3, ["t000/baseline"])
    assert record.facts["git_commit"] is None  # "/" is no repository
    assert not (fresh / "vm.tsv").exists()
    assert record.fingerprints[1] == run_record.fingerprint(fresh / guest_files.CANARY)["sha256"][: run_record.DIGITS]


def test_a_commit_is_dirty_when_anything_but_results_differs_from_it(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        author = ["-c", "user.name=a", "-c", "user.email=a@b"]
        return subprocess.run(
            ["git", "-C", tmp_path, *author, *words], check=True, capture_output=True, text=True
        ).stdout

    def change(*names: str) -> None:
        for name in names:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            with (tmp_path / name).open("a") as file:
                file.write("changed\n")

    git("init", "--quiet")
    assert run_record._git_commit(tmp_path) is None  # has no commit yet
    change("results.md", "result_data/raw.csv", "program.cpp")
    git("add", ".")
    git("commit", "--quiet", "--message", "x")
    commit = git("rev-parse", "--short=12", "HEAD").strip()
    change("results.md", "result_data/raw.csv", "results.html")
    assert run_record._git_commit(tmp_path) == commit
    git("add", ".")
    assert run_record._git_commit(tmp_path) == commit
    change("program.cpp")
    assert run_record._git_commit(tmp_path) == f"{commit}-dirty"


def test_a_live_run_keeps_the_host_s_ledger_and_an_exact_one_needs_none(fresh: Path, row: plan.Row) -> None:
    vcpus = {"0": {"run_ns": 1, "run_delay_ns": 1}}
    (fresh / ledger.WATCH).write_text(json.dumps(QUIET | {"vcpus": vcpus}))
    (fresh / "vm.tsv").write_text((fresh / "vm.tsv").read_text().replace("forced_turns\t3", "forced_turns\t"))
    live = replace(row, timing="live", pin_vcpus=True)
    live = replace(live, run=plan.run_name(live, IMAGE, "tcg"))
    run_record.seal(fresh, live, IMAGE, Path("/"), HOST)
    fresh = fresh.rename(fresh.with_name(live.run))
    record = run_record.load(fresh)
    assert record.noisy and "50.0%" in record.facts["noisy_because"][0]
    assert record.facts["vcpu_pinning"]["host_cpus"] == [0, 1]
    assert record.facts["ledger"]["vcpus"] == vcpus
    assert not (fresh / ledger.WATCH).exists() and not (fresh / guest_files.CANARY).exists()
    assert record.facts["forced_turns"] is None and record.fingerprints == ("", "")


def test_what_does_not_add_up_is_not_sealed(fresh: Path, row: plan.Row) -> None:
    stats = fresh / "out/stats.csv"
    stats.write_text(stats.read_text().replace("produced,150", "produced,900"))
    with pytest.raises(Complaint, match="stats.csv: 150 items and 0 dropped are not the 900 produced: run it again"):
        run_record.seal(fresh, row, IMAGE, Path("/"), HOST)
    assert not (fresh / "run.json").exists()


@pytest.mark.parametrize("states", ["100 0 50 {}", "100 0 50 {} 10 0 5"])
def test_a_kernel_may_tell_of_fewer_states_of_its_cpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, states: str
) -> None:
    monkeypatch.setattr(watch, "PROC", tmp_path)
    (tmp_path / "stat").write_text(f"cpu  {states.format(1000)}\ncpu0 1\n")
    before = run_record.host_now()
    (tmp_path / "stat").write_text(f"cpu  {states.format(1090)}\ncpu0 1\n")
    host = run_record.host_since(before)
    assert (host["steal_share"], host["busy_share"], host["load_before"]) == (0.0, 0.0, before["load"])


def test_no_byte_of_the_host_s_texts_fails_a_run(fresh: Path, row: plan.Row, monkeypatch: pytest.MonkeyPatch) -> None:
    cpu_info = fresh.parent / "cpuinfo"
    cpu_info.write_bytes(b"processor\t: 0\nmodel name\t: Caf\xe9 9000\n")
    monkeypatch.setattr(run_record, "CPU_INFO", cpu_info)
    (fresh / "vm.tsv").write_bytes((fresh / "vm.tsv").read_bytes() + b"reason\t\xff\xfe\n")
    (fresh / ledger.WATCH).write_bytes(b"\xff")
    run_record.seal(fresh, row, IMAGE, Path("/"), HOST)
    assert run_record.host_since(run_record.host_now())["cpu"] == "Caf\ufffd 9000"


def test_a_run_that_lacks_a_file_is_not_sealed(fresh: Path, row: plan.Row) -> None:
    (fresh / "out/stats.csv").unlink()
    with pytest.raises(Complaint, match="out/stats.csv: the guest did not send it"):
        run_record.seal(fresh, row, IMAGE, Path("/"), HOST)
    assert not (fresh / "run.json").exists()


def test_a_run_whose_vm_facts_are_cut_is_not_sealed(fresh: Path, row: plan.Row) -> None:
    (fresh / "vm.tsv").write_text("outcome\tdone\n")
    with pytest.raises(Complaint, match="vm.tsv: does not say 'exit_code': run it again"):
        run_record.seal(fresh, row, IMAGE, Path("/"), HOST)


def test_a_run_on_another_accelerator_or_image_than_planned_is_not_sealed(fresh: Path, row: plan.Row) -> None:
    with pytest.raises(Complaint, match="which is not what was planned: run 'make run-scenarios' again"):
        run_record.seal(fresh, row, IMAGE | {"initrd_sha256": "other"}, Path("/"), HOST)
    (fresh / "vm.tsv").write_text((fresh / "vm.tsv").read_text().replace("tcg", "kvm"))
    with pytest.raises(Complaint, match="ran on kvm .* which is not what was planned"):
        run_record.seal(fresh, row, IMAGE, Path("/"), HOST)


def test_finished_and_missing_runs_are_told_apart(runs: Path) -> None:
    shutil.rmtree(run_folder(runs, "affinity", "live", 2))
    finished, rows = load_planned(runs, "t000")
    assert len(finished) == 11
    missing = [row for row in rows if row not in [record.row for record in finished]]
    assert [(row.scenario, row.timing, row.replicate) for row in missing] == [("affinity", "live", 2)]


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


# Each is sealed again after it, by somebody who knows how.
FORGED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "seed": (lambda facts: facts["row"].update(seed=7), "has no good row .(run|command) = "),
    "image": (lambda facts: facts["image"].update(qemu_version="9"), "has another command, guest or image than"),
    "guest": (lambda facts: facts["row"]["guest"].update(smp=4), "has another command, guest or image than"),
    "options": (lambda facts: facts["row"]["options"].update(duration=15), "has no good row .command = "),
    "words": (lambda facts: facts["row"].update(command="rm -rf /"), "has no good row .command = 'rm -rf /'"),
    "twin": (lambda facts: facts["row"].update(twin=0), "has no good row .twin = '0'"),
    "target": (lambda facts: facts["row"].update(target="other"), "has no good row .run = "),
    "a path": (lambda facts: facts["files"].update({"../x": facts["files"]["stats.csv"]}), "is damaged .'../x' is not"),
    "files": (lambda facts: facts["files"].pop("stats.csv"), "has no good value for 'files.stats.csv'"),
    "ledger": (lambda facts: facts.update(ledger={"steal_share": "x"}), "has no good value for 'ledger.steal_share'"),
    "vcpus": (lambda facts: facts.update(ledger={"vcpus": {"0": 3}}), "has no good value for 'ledger.vcpus'"),
    "pinning": (lambda facts: facts.update(vcpu_pinning=[1]), "has no good value for 'vcpu_pinning'"),
    "noisy": (lambda facts: facts.update(noisy="no"), "has no good value for 'noisy'"),
}


# But for its scenario: it is the first that asked, and the plan says which one is meant.
@pytest.mark.parametrize("forged", FORGED)
@pytest.mark.parametrize("timing", plan.TIMINGS)
def test_a_run_that_is_forged_gets_one_line(runs: Path, timing: str, forged: str) -> None:
    folder = run_folder(runs, "baseline", timing, 1)
    facts = json.loads((folder / "run.json").read_text())
    change, message = FORGED[forged]
    facts["row"]["contract"] = contract.load("pipeline").sha256  # by whose options the command is checked
    change(facts)
    run_record.write(folder, facts)
    with pytest.raises(Complaint, match=message):
        run_record.load(folder)


@pytest.mark.parametrize("change", [{"noisy": True}, {"wall_s": 2}, {"git_commit": None}])
def test_run_json_itself_has_a_checksum(runs: Path, change: dict[str, Any]) -> None:
    folder = run_folder(runs, "baseline", "exact", 1)
    facts = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(facts))  # laid out otherwise, which is no change
    assert run_record.load(folder).row.seed == 1
    (folder / "run.json").write_text(json.dumps(facts | change))
    with pytest.raises(Complaint, match="run.json: was changed since the run: remove the folder"):
        run_record.load(folder)
    del facts["sha256"]
    (folder / "run.json").write_text(json.dumps(facts))
    with pytest.raises(Complaint, match="run.json: was changed since the run"):
        run_record.load(folder)
    (folder / "run.json").write_text(json.dumps(facts["row"]))
    with pytest.raises(Complaint, match="run.json: is of an older pipelab: remove the folder"):
        run_record.load(folder)


def test_a_run_says_once_who_asks_for_it(runs: Path, row: plan.Row) -> None:
    folder = run_folder(runs, "baseline", "exact", 1)
    for asking in (row, replace(row, suite="other"), replace(row, scenario="again"), replace(row, suite="other")):
        run_record.claim(folder, asking)
    record = run_record.load(folder, replace(row, suite="other", run=folder.name))
    assert record.facts["asked_for_by"] == ["other/baseline", "t000/again", "t000/baseline"]
    assert (record.row.suite, record.facts["row"]["suite"]) == ("other", "t000")


@pytest.mark.parametrize("text", ["", "[]", "3", '{"asked_for_by": []}', '{"asked_for_by": 3, "sha256": "x"}'])
def test_a_damaged_run_json_is_not_claimed(runs: Path, row: plan.Row, text: str) -> None:
    folder = run_folder(runs, "baseline", "exact", 1)
    record, asking = folder / "run.json", replace(row, suite="other")
    changed = record.read_text().replace('"exit_code": 0', '"exit_code": 1')
    for damaged in (text, changed, changed[:-20]):
        record.write_text(damaged)
        run_record.claim(folder, asking)
        assert record.read_text() == damaged
    record.unlink()
    run_record.claim(folder, asking)
    assert not record.exists()


def test_a_run_is_none_of_a_row_that_is_unlike_it(runs: Path) -> None:
    folder = run_folder(runs, "baseline", "exact", 1)
    planned = run_record.load(folder).row
    unlike: list[dict[str, Any]] = [{"command": "x"}, {"duration_s": 9.0}, {"guest": replace(planned.guest, smp=4)}]
    for changed in unlike:
        with pytest.raises(Complaint, match=f"run.json: has another {next(iter(changed))} than its plan"):
            run_record.load(folder, replace(planned, **changed))


def without(*keys: str):  # type: ignore[no-untyped-def]
    def damage(file: Path) -> None:
        facts = json.loads(file.read_text())
        place = facts
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = ["not what it was"]
        file.write_text(json.dumps(facts))

    return damage


KEYS_OF_THE_REPORT = [
    *[("image", name) for name in plan.IMAGE_FACTS],
    *[("host", name) for name in ("cpu", "cpus", "load_before", "steal_share")],
    *[(name,) for name in ("image", "host", "accelerator", "git_commit", "finished_at", "files", "row")],
]


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("samples.csv", cut, "is cut or grown"),
        ("histogram.csv", cut, "is cut or grown"),
        ("histogram.csv", flip, "was changed since the run"),
        ("stats.csv", Path.unlink, "is missing"),
        ("run.json", Path.unlink, "is missing or damaged"),
        ("run.json", cut, "is missing or damaged"),
        ("run.json", lambda file: file.write_text("[]"), "is missing or damaged"),
        ("run.json", lambda file: file.write_text(json.dumps({"files": 3})), "has no good value for 'row'"),
        *[("run.json", without(*keys), f"has no good value for '{'.'.join(keys)}'") for keys in KEYS_OF_THE_REPORT],
        ("run.json", without("files", "stats.csv", "sha256"), "was changed since the run"),
    ],
)
def test_a_damaged_run_gets_one_line_with_its_remedy(runs: Path, name: str, damage, message: str) -> None:  # type: ignore[no-untyped-def]
    folder = run_folder(runs, "baseline", "exact", 1)
    damage(folder / name)
    with pytest.raises(Complaint) as complaint:
        load_planned(runs, "t000")
    text = str(complaint.value)
    assert text.startswith(f"{folder / name}: {message}")
    assert f"remove the folder ('rm -r {folder}') and run 'make run-scenarios' again" in text
    assert "\n" not in text


def test_a_run_whose_samples_do_not_add_up_is_not_sealed(fresh: Path, row: plan.Row) -> None:
    file = fresh / "out/samples.csv"
    file.write_text(re.sub("[0-9]+\n$", "1\n", file.read_text()))
    with pytest.raises(Complaint, match="samples.csv: row 150: the stages do not add up to response_ns: run it again"):
        run_record.seal(fresh, row, IMAGE, Path("/"), HOST)
    assert not (fresh / "run.json").exists()


def test_a_file_more_than_the_contract_has_is_not_sealed(fresh: Path, row: plan.Row) -> None:
    (fresh / "out/more.csv").touch()
    with pytest.raises(Complaint, match="out/more.csv: is none of what the workload leaves, which is stats.csv, hist"):
        run_record.seal(fresh, row, IMAGE, Path("/"), HOST)
