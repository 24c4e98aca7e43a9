"""The host's ledger: what is read of it, and which runs it makes noisy."""

import json
import signal
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lab.runs import ledger, watch

QUIET: dict[str, Any] = {
    "vcpu_pinning": {"pinned": True, "host_cpus": [0, 1], "why_not": None},
    "vcpus": {
        "0": {"run_ns": 990_000_000, "run_delay_ns": 6_000_000},
        "1": {"run_ns": 1_000_000_000, "run_delay_ns": 4_000_000},
    },
    "qemu_cpu_s": 2.2,
    "before": {
        "monotonic_s": 100.0,
        "cpu_s": {"user": 10.0, "system": 1.0, "idle": 50.0, "iowait": 1.0, "steal": 0.5},
        "pressure_us": {"some": 1_000_000, "full": 0},
        "clock_source": "tsc",
        "frequency_mhz": [2000.0, 2100.0],
    },
    "after": {
        "monotonic_s": 104.0,
        "cpu_s": {"user": 12.0, "system": 1.4, "idle": 55.5, "iowait": 1.0, "steal": 0.51},
        "pressure_us": {"some": 1_040_000, "full": 0},
        "clock_source": "tsc",
        "frequency_mhz": [2000.0, 2600.0],
    },
}


def changed(**parts: Any) -> dict[str, Any]:
    """QUIET, in which the parts named "after_x" replace x of "after"."""
    after = {name.removeprefix("after_"): value for name, value in parts.items() if name.startswith("after_")}
    return QUIET | {name: value for name, value in parts.items() if name in QUIET} | {"after": QUIET["after"] | after}


def test_a_quiet_run_s_ledger_adds_up() -> None:
    facts = ledger.facts(QUIET)
    assert (facts["noisy"], facts["noisy_because"]) == (False, [])
    assert facts["vcpu_pinning"] == QUIET["vcpu_pinning"]
    told = facts["ledger"]
    assert told["wall_s"] == 4.0
    assert told["run_delay_share"] == 0.005
    assert told["steal_share"] == round(0.01 / 7.91, 4)
    assert told["other_cpus"] == round((2.4 - 2.2) / 4, 2)
    assert (told["pressure_some_share"], told["pressure_full_share"]) == (0.01, 0.0)
    assert (told["frequency_min_mhz"], told["frequency_max_mhz"]) == (2000.0, 2600.0)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (
            {"vcpus": {"0": {"run_ns": 750_000_000, "run_delay_ns": 250_000_000}}},
            "its vCPUs waited for a CPU of the host for 25.0% of the time that they wanted to run",
        ),
        (
            {"after_cpu_s": QUIET["after"]["cpu_s"] | {"steal": 2.5}},
            "the host's own CPUs were taken from it for 20.2% of the time",
        ),
        ({"after_clock_source": "hpet"}, "the host's clock source changed to hpet"),
    ],
)
def test_a_run_that_the_host_disturbed_is_noisy_and_says_why(parts: dict[str, Any], reason: str) -> None:
    facts = ledger.facts(changed(**parts))
    assert (facts["noisy"], facts["noisy_because"]) == (True, [reason])


def test_a_kernel_may_tell_of_fewer_states() -> None:
    before, after = (
        QUIET[side] | {"cpu_s": {key: QUIET[side]["cpu_s"][key] for key in ("user", "system", "idle")}}
        for side in ("before", "after")
    )
    told = ledger.facts(QUIET | {"before": before, "after": after})["ledger"]
    assert told["steal_share"] == 0.0 and told["other_cpus"] > 0


@pytest.mark.parametrize("odd", [{}, {"before": 3}, changed(after_monotonic_s=100.0), changed(vcpus={"0": []})])
def test_what_is_odd_is_as_if_it_were_not_there(odd: dict[str, Any]) -> None:
    facts = ledger.facts(odd)
    assert (facts["ledger"], facts["noisy"]) == (None, False)


def test_what_is_not_known_is_none_and_makes_no_run_noisy() -> None:
    facts = ledger.facts(changed(vcpus={}, after_pressure_us={}))
    assert facts["ledger"]["run_delay_share"] is None
    assert facts["ledger"]["pressure_some_share"] is None
    assert not facts["noisy"]
    assert ledger.facts(None) == {"vcpu_pinning": None, "ledger": None, "noisy": False, "noisy_because": []}


@pytest.mark.parametrize("text", ["", "{", "[]", None])
def test_notes_that_are_cut_or_not_there_are_no_ledger(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / ledger.WATCH).write_text(text)
    assert ledger.read(tmp_path) is None


# Stands in for QEMU: threads that have the names that QEMU gives its own, and that sleep.
PRETENDER = """
import sys, threading, time
def vcpu(number):
    open("/proc/thread-self/comm", "w").write(f"CPU {number}/TCG")
    time.sleep(float(sys.argv[1]))
for number in range(2):
    threading.Thread(target=vcpu, args=[number]).start()
"""


def catches(process: int, number: signal.Signals) -> bool:
    """Has the process a handler for that signal?"""
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


def watch_pretender(folder: Path, seconds: str, *options: str) -> dict[str, Any]:
    """What the watcher writes of a shell that starts a pretender."""
    shell = subprocess.Popen(["sh", "-c", f"{sys.executable} -c '{PRETENDER}' {seconds}; sleep 100"])
    watcher = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "lab.runs.watch",
            "--shell",
            str(shell.pid),
            *options,
            "--out",
            str(folder / ledger.WATCH),
        ],
        cwd=Path(__file__).parents[2],
    )
    try:
        while not catches(watcher.pid, signal.SIGTERM):  # on a busy host Python takes its time to begin
            time.sleep(0.05)
        time.sleep(float(seconds) + 0.5)
        watcher.terminate()
        assert watcher.wait(timeout=20) == 0
    finally:
        shell.kill()
        shell.wait()
    watched = ledger.read(folder)
    assert watched is not None
    return watched


def test_the_watcher_finds_pins_and_clocks_the_vcpu_threads(tmp_path: Path) -> None:
    watched = watch_pretender(tmp_path, "1.5", "--smp", "2", "--pin", "no")
    assert watched["vcpu_pinning"] == {"pinned": False, "host_cpus": [], "why_not": "switched off"}
    assert set(watched["vcpus"]) == {"0", "1"}
    assert all(vcpu["run_ns"] > 0 for vcpu in watched["vcpus"].values())
    assert json.dumps(ledger.facts(watched))  # all of it can be kept


def test_more_vcpus_than_the_host_has_cpus_are_not_pinned(tmp_path: Path) -> None:
    threads = {vcpu: Path(f"/proc/self/task/{vcpu}") for vcpu in range(1000)}
    assert "CPUs for 1000 vCPUs" in watch.pin(threads, True, 1000)["why_not"]


def test_pinned_threads_are_on_a_cpu_each(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, set[int]]] = []
    monkeypatch.setattr(watch.os, "sched_getaffinity", lambda _: {3, 5, 7})
    monkeypatch.setattr(watch.os, "sched_setaffinity", lambda thread, cpus: calls.append((thread, cpus)))
    told = watch.pin({0: Path("/proc/9/task/10"), 1: Path("/proc/9/task/11")}, True, 2)
    assert told == {"pinned": True, "host_cpus": [3, 5], "why_not": None}
    assert calls == [(10, {3}), (11, {5})]


def test_the_watcher_ends_with_a_shell_that_never_started_a_guest(tmp_path: Path) -> None:
    shell = subprocess.Popen(["true"])
    shell.wait()
    subprocess.run(
        [sys.executable, "-m", "lab.runs.watch", "--shell", str(shell.pid), "--smp", "2", "--pin", "yes", "--out"]
        + [str(tmp_path / ledger.WATCH)],
        cwd=Path(__file__).parents[2],
        check=True,
        timeout=20,
    )


def test_a_guest_that_never_was_leaves_a_ledger_without_vcpus(tmp_path: Path) -> None:
    shell = subprocess.Popen(["sleep", "100"])
    watcher = subprocess.Popen(
        [sys.executable, "-m", "lab.runs.watch", "--shell", str(shell.pid), "--smp", "2", "--pin", "yes", "--out"]
        + [str(tmp_path / ledger.WATCH)],
        cwd=Path(__file__).parents[2],
    )
    time.sleep(1)
    watcher.terminate()
    assert watcher.wait(timeout=20) == 0
    shell.kill()
    shell.wait()
    watched = ledger.read(tmp_path)
    assert watched and watched["vcpus"] == {}
    assert watched["vcpu_pinning"]["why_not"] == "QEMU ended before its vCPU threads were there"
