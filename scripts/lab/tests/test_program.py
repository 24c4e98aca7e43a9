"""The program as a process: its memory, its outputs, its signals."""

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.plan import contract, plan
from lab.plan.kinds import Value
from lab.plan.program import of_host
from lab.runs import outputs
from lab.runs.run_record import RunRecord

MEASURE = ["--duration", "0.01", "--warmup", "0"]


def run(*words: object, **how: Any) -> subprocess.CompletedProcess[str]:
    command = list(map(str, (of_host(Path()), *words)))
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **how)


def limited_to(megabytes: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))


@pytest.mark.parametrize("options", [("--on-full", "block"), ("--wait", "spin"), ("--queue", "mutex")])
def test_a_thread_that_gets_no_memory_ends_the_run_with_one_line(options: tuple[str, ...]) -> None:
    # Enough for the program and its threads' stacks, not for the work of the consumer.
    ended = run(*MEASURE, *options, "--work-bytes", 2**28, preexec_fn=limited_to(200))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("pipelab: there is not enough memory: give a smaller --queue-cap")


@pytest.mark.slow
def test_memory_is_filled_before_the_measured_part(tmp_path: Path) -> None:
    run(*"--duration 0.2 --warmup 0 --prod-interval-us 50000 --out .".split(), "--work-bytes", 2**27, cwd=tmp_path)
    stats, known = outputs.read_stats(tmp_path / outputs.STATS), contract.load("pipeline")
    (consumer,) = (each for each in outputs.read_threads(tmp_path / outputs.THREADS, known) if each.role == "consumer")
    assert consumer.counters["page_faults"] < 1000  # it has 32,768 pages
    assert stats["clipped"] == 0


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sample-every": 3},
        {"max-samples": 0},
        {"mlock": True, "item-bytes": 64},
        {"prod-interval-us": 0, "queue-cap": 1},
        {"prod-interval-us": 0, "queue-cap": 4, "on-full": "overwrite"},
        {"prod-interval-us": 1, "queue": "mutex", "on-full": "block", "work-bytes": 100_000},
        {"arrival": "poisson", "pacing": "sleep"},
    ],
)
def test_what_a_run_leaves_is_what_its_contract_says(
    tmp_path: Path, records: list[RunRecord], options: dict[str, Value]
) -> None:
    folder, row = tmp_path / "run", replace(records[0].row, duration_s=0.05, options=options)
    folder.mkdir()
    ended = run(*f"--duration 0.05 --warmup 0.01 --out . {plan.words(options)}".split(), cwd=folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    known = contract.load("pipeline")
    assert sorted(file.name for file in folder.iterdir()) == sorted(outputs.names_of(known))
    outputs.check_samples(folder, outputs.read(folder, row, known), known)


@pytest.mark.parametrize("other", ["x.csv", "./x.csv", "{}/x.csv", "link", "sub/../x.csv", "x.csv.partial"])
def test_one_file_for_two_outputs_is_refused(tmp_path: Path, other: str) -> None:
    (tmp_path / "link").symlink_to("x.csv")
    ended = run(*MEASURE, "--stats", "x.csv", "--emit-latencies", other.format(tmp_path), cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "pipelab: --stats: 'x.csv' is a file that --emit-latencies writes, too: give another\n"
    assert [file.name for file in tmp_path.iterdir()] == ["link"]


def test_a_device_may_get_two_outputs() -> None:
    ended = run(*MEASURE, "--stats", "/dev/stdout", "--emit-histogram", "/dev/stdout", "--threads", "/dev/null")
    assert ended.returncode == 0
    assert "key,value\n" in ended.stdout and "metric,lowest_ns,highest_ns,count\n" in ended.stdout


def test_a_fifo_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    for path in ("fifo", "link"):
        ended = run(*MEASURE, "--emit-latencies", path, cwd=tmp_path)
        assert ended.returncode == 1
        assert ended.stderr == f"pipelab: cannot write {path}, a FIFO or a socket: Operation not supported\n"


@pytest.mark.parametrize("after_s", [0.1, 2])  # while it measures, and while it waits for the reader
@pytest.mark.slow
def test_a_pipe_whose_reader_sleeps_holds_no_signal_back(after_s: float) -> None:
    options = ["--prod-interval-us", "5", "--duration", "0.5", "--emit-latencies", "/dev/stdout"]
    process = subprocess.Popen([of_host(Path()), *options], stdout=subprocess.PIPE)
    time.sleep(after_s)
    process.send_signal(signal.SIGTERM)
    # A little: that much may fit the pipe.
    assert process.wait(10) == 130
    assert process.stdout is not None
    process.stdout.close()


@pytest.mark.parametrize(
    ("options", "bound_s"),
    [
        (("--duration", "0.05", "--prod-interval-us", "16777216"), 60),
        (("--duration", "0.05", "--arrival", "burst:1,86400000000"), 60),
        (("--duration", "0.05", "--arrival", "burst:86400000000,1", "--prod-interval-us", "0"), 60),
        (("--duration", "0.05", "--arrival", "poisson", "--prod-interval-us", "0.001"), 60),
    ],
)
def test_a_run_ends_with_its_time_whatever_its_schedule(options: tuple[str, ...], bound_s: float) -> None:
    begin = time.monotonic()
    assert run("--warmup", "0", *options).returncode == 0
    assert time.monotonic() - begin < bound_s


@pytest.mark.parametrize("options", [(), ("--batch", "64"), ("--pin-producer", "1023", "--numa-node", "1023")])
def test_a_check_of_right_options_is_silent(options: tuple[str, ...], tmp_path: Path) -> None:
    ended = run("pipeline", *options, "--duration", "86400", "--stats", "s.csv", "--check", cwd=tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert not list(tmp_path.iterdir())


def test_a_check_of_wrong_options_says_what_a_run_would(tmp_path: Path) -> None:
    for options in (("--batch", "65"), ("--wait", "sleep"), ("--bogus",)):
        assert run(*options, "--check").stderr == run(*options).stderr != ""
        assert run(*options, "--check").returncode == 2


def test_lines_are_checked_by_number() -> None:
    text = "pipeline --batch 65\n\n--duration 2 --pin-consumer 63\nfed\n  --item-bytes  7\n--help\n"
    ended = run("--check-lines", input=text)
    assert ended.returncode == 2
    assert ended.stdout.splitlines() == [
        "1: --batch: '65' is more than the 64 items that --queue-cap lets the queue hold: give at most that",
        "4: 'fed' is not a workload: give pipeline, exchange, ingress, rpc, feed, or options only",
        "5: --item-bytes: '7' is not valid: give a multiple of 8",
        "6: has nothing to run: leave out --help and --version",
    ]
    good = run("--check-lines", input="--duration 2\n" * 3000)
    assert (good.returncode, good.stdout, good.stderr) == (0, "", "")
    assert run("--check-lines", "--duration", "2", input="").returncode == 2
