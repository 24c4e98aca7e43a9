"""Launching: in which order rows are run, how a row is said to run_vm.sh, and who waits for whom on a host."""

import fcntl
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lab.plan import plan, plan_file, suite
from lab.plan.guest import Guest
from lab.plan.places import ROOT
from lab.plan.plan import Row, Sweep
from lab.runs import launch, observe, one, run_record, wanted
from lab.runs.attend import attend
from lab.runs.wanted import Wish
from lab.text.complaint import Complaint

RECORDED = Path(__file__).parent / "recorded"


@pytest.fixture
def rows() -> list[Row]:
    """t000 with two replicates, in both timings."""
    return [row for file in sorted(RECORDED.glob("*.plan.jsonl")) for row in plan_file.read(file)]


def write(folder: Path, rows: list[Row]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sweep.jsonl").write_text(plan_file.write(rows))
    return folder / "sweep.jsonl"


def test_rows_of_two_plans_alternate_replicate_by_replicate(tmp_path: Path, rows: list[Row]) -> None:
    plans = [write(tmp_path / side, rows) for side in ("base", "new")]
    tasks = launch.tasks(*plans, seed=1)
    assert len({(task.plan, task.number) for task in tasks}) == len(tasks) == 2 * len(rows)
    assert [(task.row.timing, task.row.replicate) for task in tasks] == [
        (timing, replicate) for timing in ("exact", "live") for replicate in (1, 2) for _ in range(6)
    ]
    sides = [task.plan for task in tasks]
    assert sum(one != other for one, other in zip(sides, sides[1:])) > 6  # neither is run as a block
    assert tasks == launch.tasks(*plans, seed=1) != launch.tasks(*plans, seed=2)
    assert [task.number for task in launch.tasks(plans[0])] == list(range(1, len(rows) + 1))


def test_a_row_is_said_by_names(rows: list[Row]) -> None:
    guest = Guest("rt", "isolcpus=1 quiet", smp=4, memory_mb=1024, numa_nodes=2, quantum="20us")
    row = replace(rows[0], guest=guest, pin_vcpus=True, wanted_accelerator="kvm")
    words = one.command(row)
    named = dict(zip(words[1:-1:2], words[2::2]))
    assert words[0] == str(ROOT / "qemu/run_vm.sh")
    assert {
        name: named[name] for name in ("--kernel", "--kernel-args", "--smp", "--memory", "--numa", "--quantum")
    } == {
        "--kernel": "rt",
        "--kernel-args": "isolcpus=1 quiet",
        "--smp": "4",
        "--memory": "1024",
        "--numa": "2",
        "--quantum": "20us",
    }
    assert (named["--pin-vcpus"], named["--accelerator"], named["--seed"]) == ("yes", "kvm", str(row.seed))
    assert words[words.index("--") + 1 :] == row.command.split(" ")


def _noted(made: list[list[str]]) -> Callable[..., int]:
    """In attend()'s place: keeps the words, and all is well."""

    def attend(words: list[str], *_: object, **__: object) -> int:
        made.append(words)
        return 0

    return attend


def test_a_row_that_needs_another_image_boots_and_is_made_with_it(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = replace(rows[0], variant="go")
    assert "--go" in one.command(row) and "--go" not in one.command(rows[0])
    image = dict.fromkeys(plan.IMAGE_FACTS, "0")
    hashes = [
        plan.decisive_hash(each, image | {"go_sha256": sha256}, "tcg") for each in (row, rows[0]) for sha256 in "12"
    ]
    assert hashes[0] != hashes[1] and hashes[2] == hashes[3]
    assert plan_file.fault(replace(row, run=rows[0].run, variant="rust")) == "variant"
    made: list[list[str]] = []
    monkeypatch.setattr(wanted, "attend", _noted(made))
    suite_file = tmp_path / "calls.toml"
    suite_file.write_text(
        """title = "x"\nworkload = "exchange"\nquestion = "x?"\nbaseline = { responder = "process" }
        [matrix]\nresponder = ["process", "go"]\n"""
    )
    sweep = Sweep("aarch64", ("exact",), 1, 1)
    wanted.make_images([Wish(suite.load(suite_file), sweep)])
    assert [words[5] for words in made] == ["image", "image-go"]


def test_observers_are_options_of_run_vm_or_words_before_the_command(rows: list[Row]) -> None:
    said = {
        observer: " ".join(one.command(observe.observed(rows, observer, {one.BUFFER_MB: "2"})[0]))
        for observer in observe.FOLDERS
    }
    assert "--counters caches -- pipelab " in said["counters"]
    assert "--counters profile -- pipelab " in said["profile"] and "--limit 3600 " in said["profile"]
    assert "--perf --counters caches -- perf stat -x, -o perf.csv -e task-clock," in said["perf"]
    assert "-- sh /trace_guest.sh 2048 pipelab " in said["trace"]


def test_a_counted_run_without_counts_is_tried_again(tmp_path: Path, rows: list[Row]) -> None:
    row = replace(rows[0], observer="counters")
    (tmp_path / row.run).mkdir()
    assert not one.is_done(row, tmp_path) and one.is_done(rows[0], tmp_path)
    (tmp_path / row.run / one.COUNTS).touch()
    assert one.is_done(row, tmp_path)


def test_a_run_is_made_once_and_says_who_asked_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[Row]
) -> None:
    started = []

    def start(task: launch.Task) -> int:
        started.append(task.row)
        shutil.copytree(RECORDED / task.row.run, tmp_path / task.row.run)
        return os.posix_spawnp("true", ["true"], os.environ)

    monkeypatch.setattr(launch, "_start", start)
    exact, live = (next(row for row in rows if row.timing == timing) for timing in ("exact", "live"))
    tasks = launch.tasks(
        write(
            tmp_path,
            [
                exact,
                replace(exact, suite="other"),
                replace(exact, scenario="again"),
                live,
                replace(live, suite="other"),
            ],
        )
    )
    assert [launch.run(tasks, jobs=2, quiet=True) for _ in range(2)] == [0, 0]
    assert started == [exact, live]
    asked = [run_record.load(tmp_path / row.run).facts["asked_for_by"] for row in (exact, live)]
    assert asked == [["other/baseline", "t000/again", "t000/baseline"], ["other/baseline", "t000/baseline"]]


def test_a_failure_is_called_by_the_scenario_that_asked(rows: list[Row]) -> None:
    exact, live = (next(row for row in rows if row.timing == timing) for timing in ("exact", "live"))
    assert one.failure_name(live) == f"t000.baseline.{live.run}" and live.run.startswith("aarch64.live.r1.")
    assert one.failure_name(exact) == f"t000.baseline.{exact.run}" and exact.run.startswith("aarch64.exact.s1.")


def test_a_folder_belongs_to_one_process_and_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".partial.t000.x").mkdir()
    with launch.folder(tmp_path):
        assert not list(tmp_path.glob(".partial.*"))


def test_a_second_process_waits_for_the_first_and_says_for_which(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys; from lab.runs import launch\nwith launch.folder(pathlib.Path(sys.argv[1])): print('had')"
    )
    words = [sys.executable, "-c", code, str(tmp_path)]
    with launch.folder(tmp_path):
        second = subprocess.Popen(words, cwd=ROOT / "scripts", stdout=-1, stderr=subprocess.STDOUT, text=True)
        assert second.stdout
        said = second.stdout.readline()
        assert second.poll() is None
    assert said == (
        f"pipelab: waiting for the end of pipelab (process {os.getpid()} on {platform.node()}), which has {tmp_path}\n"
    )
    assert second.communicate(timeout=10)[0] == "had\n" and second.returncode == 0


@pytest.mark.parametrize("first, second, together", [(False, False, True), (False, True, False), (True, False, False)])
def test_a_live_guest_is_alone_on_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bool, second: bool, together: bool
) -> None:
    monkeypatch.setattr(one, "LOCK", tmp_path / "lock")
    with one.host_lock(alone=first), (tmp_path / "lock").open() as other:
        how = fcntl.LOCK_EX if second else fcntl.LOCK_SH
        try:
            fcntl.flock(other, how | fcntl.LOCK_NB)
            assert together
        except BlockingIOError:
            assert not together


def test_run_vm_keeps_to_the_lock_of_the_host(tmp_path: Path) -> None:
    image = tmp_path / "build/image/aarch64"
    image.mkdir(parents=True)
    for name in ("vmlinuz", "initrd.cpio"):
        (image / name).touch()
    fake = {"PATH": f"{ROOT}/tests/fake_qemu:{os.environ['PATH']}", "PIPELAB_BUILD": str(tmp_path / "build")}
    environment = os.environ | fake | {"PIPELAB_LOCK": str(tmp_path / "lock")}
    words: list[str | Path] = [
        ROOT / "qemu/run_vm.sh",
        "--timing",
        "live",
        "--accelerator",
        "tcg",
        "--out",
        tmp_path / "out",
    ]
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        process = subprocess.Popen([*words, "--", "true"], env=environment, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        assert "waiting for the end of other guests on this host" in process.stderr.readline()
    assert process.wait(60) == 0


@pytest.mark.slow
def test_what_is_attended_ends_with_its_exit_code_or_with_an_interruption(tmp_path: Path) -> None:
    assert attend(["sh", "-c", "exit 7"]) == 7
    code = f"""
import os, signal, sys
from lab.runs.attend import attend
signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    attend(["sh", "-c", "trap '' TERM; echo $$ >{tmp_path}/child; sleep 100 & wait; sleep 100"])
except KeyboardInterrupt:
    sys.exit(130)
"""
    process = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")})
    while not (tmp_path / "child").exists() or not (tmp_path / "child").read_text():
        pass
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 130
    group = (tmp_path / "child").read_text().strip()
    for _ in range(100):
        if not _living(group):
            break
        time.sleep(0.1)
    assert _living(group) == []


def _living(group: str) -> list[str]:
    """The processes of a group that run. Those whose parent has ended may not be waited for by anybody."""
    living = []
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group, *_ = each.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if its_group == group and state not in "ZX":
            living.append(each.parent.name)
    return living


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interruption_while_a_command_is_started_ends_it_too(when: str, tmp_path: Path) -> None:
    code = f"""
import os, signal, subprocess, sys
from lab.runs import attend
signal.signal(signal.SIGTERM, signal.default_int_handler)
class Popen(subprocess.Popen):
    def __init__(self, *arguments, **options):
        if "{when}" == "before":
            os.kill(os.getpid(), signal.SIGTERM)
        super().__init__(*arguments, **options)
        if "{when}" == "after":
            os.kill(os.getpid(), signal.SIGTERM)
attend.subprocess.Popen = Popen
try:
    attend.attend(["sh", "-c", "echo begun >{tmp_path}/begun; sleep 0.5; echo lives >{tmp_path}/lives"])
except KeyboardInterrupt:
    sys.exit(130)
"""
    process = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")}, check=False
    )
    assert process.returncode == 130
    time.sleep(1)
    assert not (tmp_path / "lives").exists()


def test_an_interruption_during_a_fork_is_not_lost(tmp_path: Path, rows: list[Row]) -> None:
    plan_of_one = write(tmp_path, rows[:1])
    code = f"""
import os, pathlib, signal, sys
from lab.runs import launch
signal.signal(signal.SIGTERM, signal.default_int_handler)
launch._run_row = lambda task: 0
os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGTERM))
try:
    launch.run(launch.tasks(pathlib.Path({str(plan_of_one)!r})), jobs=1, quiet=True)
except KeyboardInterrupt:
    sys.exit(130)
"""
    process = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")}, check=False
    )
    assert process.returncode == 130
