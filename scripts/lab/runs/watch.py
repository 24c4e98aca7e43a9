"""python3 -m lab.runs.watch: stands beside a guest in live timing, and writes down what the host did to it.

It finds QEMU among the descendants of --shell, pins its vCPU threads to CPUs of the host when asked to, and until
QEMU ends or it gets SIGTERM reads every PERIOD_S how long they ran and how long they waited for a CPU. QEMU's
-name debug-threads=on names these threads "CPU 0/TCG": that needs no socket and no answer from the monitor, and so
nothing of the guest's own time.
"""

import argparse
import json
import os
import re
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lab.text.files import read_text

PROC = Path("/proc")
CPUS = Path("/sys/devices/system/cpu")
CLOCK_SOURCE = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
VCPU = re.compile(r"CPU ([0-9]+)/(?:TCG|KVM)")
SEARCH_PERIOD_S = 0.02
PERIOD_S = 0.2  # reading two threads takes less than 0.1 ms of one CPU
CPU_STATES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(prog="lab.runs.watch", description=__doc__)
    parser.add_argument("--shell", type=int, required=True, help="the process among whose descendants QEMU will be")
    parser.add_argument("--smp", type=int, required=True)
    parser.add_argument("--pin", choices=("yes", "no"), required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    ended = False

    def end(*_: object) -> None:
        nonlocal ended
        ended = True

    signal.signal(signal.SIGTERM, end)
    before = host()
    threads: dict[int, Path] = {}
    # A shell that was killed before it had started QEMU will not say that it has ended.
    while len(threads) < arguments.smp and not ended and (PROC / str(arguments.shell)).exists():
        threads = vcpu_threads(arguments.shell)
        signal.sigtimedwait([], SEARCH_PERIOD_S)
    pinning = pin(threads, arguments.pin == "yes", arguments.smp)
    samples = {vcpu: sample for vcpu, thread in threads.items() if (sample := schedstat(thread))}
    qemu_s = 0.0
    while not ended and (now := {vcpu: sample for vcpu, thread in threads.items() if (sample := schedstat(thread))}):
        samples |= now
        qemu_s = cpu_time_s(next(iter(threads.values())).parents[1]) or qemu_s
        signal.sigtimedwait([], PERIOD_S)
    facts = {"vcpu_pinning": pinning, "vcpus": samples, "qemu_cpu_s": qemu_s, "before": before, "after": host()}
    arguments.out.write_text(json.dumps(facts) + "\n")


def vcpu_threads(shell: int) -> dict[int, Path]:
    """The vCPU threads (/proc/PID/task/TID) of QEMU, by the number of the vCPU."""
    found = {}
    for process in descendants(shell):
        for thread in _entries(PROC / str(process) / "task"):
            match = VCPU.fullmatch(_text(thread / "comm").strip())
            if match:
                found[int(match[1])] = thread
    return dict(sorted(found.items()))


def descendants(process: int) -> Iterable[int]:
    """The processes that `process` started, and those that they did."""
    for child in map(int, _text(PROC / str(process) / "task" / str(process) / "children").split()):
        yield child
        yield from descendants(child)


def pin(threads: dict[int, Path], wanted: bool, smp: int) -> dict[str, Any]:
    """Pins each vCPU to a CPU of the host. Says to which, or why not."""
    cpus = sorted(os.sched_getaffinity(0))
    reason = None
    if not wanted:
        reason = "switched off"
    elif len(threads) < smp:
        reason = "QEMU ended before its vCPU threads were there"
    elif len(cpus) < smp:
        reason = f"the host has {len(cpus)} CPUs for {smp} vCPUs"
    else:
        try:
            for cpu, thread in zip(cpus, threads.values()):
                os.sched_setaffinity(int(thread.name), {cpu})
        except OSError as error:
            reason = f"the host's kernel refused it: {error.strerror}"
    return {"pinned": reason is None, "host_cpus": cpus[:smp] if reason is None else [], "why_not": reason}


def schedstat(thread: Path) -> dict[str, int] | None:
    """How long a thread has run and has waited for a CPU though it could run; None when it has ended."""
    fields = _text(thread / "schedstat").split()
    return {"run_ns": int(fields[0]), "run_delay_ns": int(fields[1])} if len(fields) == 3 else None


def cpu_time_s(process: Path) -> float:
    """What all threads of a process have run; 0 when it has ended."""
    fields = _text(process / "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S if len(fields) > 12 else 0.0


def host() -> dict[str, Any]:
    """The host's counters of now."""
    pressure = dict(re.findall(r"(some|full) .*total=([0-9]+)", _text(PROC / "pressure" / "cpu")))
    return {
        "monotonic_s": time.monotonic(),
        "cpu_s": {state: count / TICKS_PER_S for state, count in cpu_ticks().items()},
        "pressure_us": {name: int(total) for name, total in pressure.items()},
        "clock_source": _text(CLOCK_SOURCE).strip() or None,
        "frequency_mhz": frequencies(),
    }


def cpu_ticks() -> dict[str, int]:
    """The time of the host's CPUs so far, by CPU_STATES: 0 of those that its kernel does not tell."""
    ticks = map(int, _text(PROC / "stat").split("\n", 1)[0].split()[1:])
    return dict.fromkeys(CPU_STATES, 0) | dict(zip(CPU_STATES, ticks))


def frequencies() -> list[float]:
    """Of each CPU of the host; empty where it does not say."""
    scaling = [_text(file) for file in sorted(CPUS.glob("cpu[0-9]*/cpufreq/scaling_cur_freq"))]
    if scaling:
        return [int(text) / 1000 for text in scaling if text]
    return [float(mhz) for mhz in re.findall(r"^cpu MHz\s*: ([0-9.]+)", _text(PROC / "cpuinfo"), re.MULTILINE)]


def _text(file: Path) -> str:
    """What is in `file`; nothing where it cannot be read, since processes end and kernels differ."""
    try:
        return read_text(file)
    except OSError:
        return ""


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


if __name__ == "__main__":
    main()
