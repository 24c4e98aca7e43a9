"""Runs the program with random command lines, right and wrong ones, for a while.

It must end as it says it does (exit code 0, 1 or 2, and 130 after a signal), with one line when something is wrong,
and in the time that its options give it. The same seed gives the same command lines.
"""

import argparse
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "build" / "host" / "pipelab"
SLACK_S = 20  # what a busy host may take for the start, the end, and memory
LONGEST_S = 0.06

# By option: values that are right by themselves. Times are in seconds and short.
RIGHT: dict[str, list[str]] = {
    "--prod-interval-us": ["0", "0.001", "0.5", "10", "1000", "300000", "16777216", "60000000"],
    "--arrival": ["constant", "poisson", "burst:1,1", "burst:10,3000", "burst:86400000000,1", "burst:1,86400000000"],
    "--pacing": ["sleep", "deadline", "spin"],
    "--item-bytes": ["0", "8", "64", "4096", "1048576"],
    "--work-bytes": ["0", "1", "4096", "10000000"],
    "--seed": ["0", "1", "18446744073709551615"],
    "--queue": ["spsc", "mutex"],
    "--queue-cap": ["1", "2", "3", "64", "100000"],
    "--batch": ["1", "2", "64"],
    "--on-full": ["drop", "block", "overwrite"],
    "--wait": ["spin", "yield", "futex", "hybrid"],
    "--pin-producer": ["0", "1"],
    "--pin-consumer": ["0", "1"],
    "--sched": ["other", "fifo:1", "rr:99", "deadline:100,200,400"],
    "--timer-slack-ns": ["1", "1000000000"],
    "--numa-node": ["0"],
    "--sample-every": ["1", "7", "1000000000"],
    "--max-samples": ["0", "1", "1000"],
    "--emit-latencies": ["l.csv", "./s.csv", "/dev/null", "/dev/stdout", "fifo", "/nowhere/x", "."],
    "--emit-histogram": ["h.csv", "s.csv", "link", "/dev/full"],
    "--stats": ["s.csv", "/dev/stdout", "fifo"],
    "--threads": ["t.csv", "s.csv", "/dev/null"],
    "--out": [".", "/nowhere", "fifo", "/dev"],
}
FLAGS = ["--zero-copy", "--mlock", "--check", "--contract", "--help", "--version"]
ODD = [
    "",
    "-1",
    "0",
    "nan",
    "inf",
    "1e999",
    "0x10",
    "007",
    "1.5",
    " ",
    "\n",
    "é",
    "--",
    "-",
    "burst:",
    "burst:0,0",
    "fifo:",
]
ODD += ["9" * 30, "a" * 5000, "deadline:5,4,3", "%s%n", "--duration", "feed", "1,2", "+1", "1e-400", "\x1b[31m"]


def seconds(draw: random.Random) -> str:
    return f"{draw.uniform(0.001, LONGEST_S):.6f}"


def command_line(draw: random.Random) -> list[str]:
    """Mostly right; each third has a word or two of ODD."""
    words = ["pipeline"] * draw.randint(0, 1) + ["--duration", seconds(draw)]
    words += ["--warmup", draw.choice(["0", seconds(draw)])]
    for name in draw.sample(sorted(RIGHT), draw.randint(0, 8)):
        words += [name, draw.choice(RIGHT[name])]
    words += draw.sample(FLAGS, draw.choice([0, 0, 0, 1, 1, 2]))
    if draw.randrange(3) == 0:
        for _ in range(draw.randint(1, 2)):
            # Not the duration's and the warm-up's own: these bound how long it runs.
            place = draw.randint(words.index("--warmup") + 2, len(words))
            words[place : place + draw.randint(0, 1)] = [draw.choice(ODD)]
    return words


def fresh_folder(folder: Path) -> None:
    """Empties it, but for a FIFO that nobody reads and a link to a file that is not there."""
    for file in folder.iterdir():
        file.unlink()
    os.mkfifo(folder / "fifo")
    (folder / "link").symlink_to("s.csv")


def run(program: Path, words: list[str], folder: Path, kill_after_s: float | None) -> tuple[int, str, str]:
    """Exit code (None of it in time: -SIGKILL), stdout and stderr."""
    process = subprocess.Popen(
        [program, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
    )
    try:
        if kill_after_s is not None:
            try:
                process.wait(kill_after_s)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGTERM)
        # A phase takes at most twice its time.
        out, err = process.communicate(timeout=4 * LONGEST_S + SLACK_S)
        return process.returncode, out, err
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return -signal.SIGKILL, "", "it did not end in time"


def fault(code: int, out: str, err: str, words: list[str], killed: bool) -> str:
    """What is wrong with how it ended; "" if nothing is."""
    if killed and code in (130, -signal.SIGTERM):  # in the middle, or before it listened
        return ""
    if code not in (0, 1, 2):
        return f"exit code {code}"
    told = err.startswith("pipelab: ") and (err.count("\n") == 1 or "\n" in words)  # a word that it shows may have one
    if code != 0 and not told:
        return "not one line on stderr"
    if code == 0 and err:
        return "words on stderr, though all is well"
    if code == 0 and "--check" in words and out and not {"--help", "--version", "--contract"} & set(words):
        return "a run, though only a check was wanted"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--budget", type=float, default=60, help="seconds")
    arguments = parser.parse_args()
    program = Path(os.environ.get("PIPELAB_PROGRAM") or PROGRAM).resolve()
    draw = random.Random(arguments.seed)
    print(f"seed {arguments.seed}, {arguments.budget:g} s: {program}")
    codes: Counter[int] = Counter()
    faults = 0
    end = time.monotonic() + arguments.budget
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        while time.monotonic() < end:
            fresh_folder(folder)
            words = command_line(draw)
            kill_after_s = draw.uniform(0, 0.1) if draw.randrange(5) == 0 else None
            code, out, err = run(program, words, folder, kill_after_s)
            codes[code] += 1
            wrong = fault(code, out, err, words, kill_after_s is not None)
            if {file.name for file in folder.glob("*.partial")} - set(words):
                wrong = wrong or "it left a file that is not whole"
            if wrong:
                faults += 1
                print(f"{wrong}: pipelab {shlex.join(words)}\n{err[-500:]}", file=sys.stderr)
    ended = ", ".join(f"{count} with {code}" for code, count in sorted(codes.items()))
    print(f"{codes.total()} command lines, {faults} faults; ended: {ended}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
