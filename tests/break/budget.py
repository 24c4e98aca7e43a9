"""What both fuzzers share: their arguments, their printed seed, and how a case is judged."""

import argparse
import random
import shutil
import statistics
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from lab.text.complaint import Complaint  # noqa: E402  # of the path above

MOST_TIMES = 10  # as much of this process's CPU time as the median case, and a second: hosts are unlike, and busy
Case = Callable[[random.Random, Path], str]  # fuzzes in an empty folder, and says in a word what came of it


def arguments(about: str, count: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32), help="of all cases")
    parser.add_argument("--count", type=int, default=count, help="of cases")
    parser.add_argument("--only", type=int, help="the number of one case, to see it again")
    return parser.parse_args()


def run(case: Case, seed: int, count: int, only: int | None = None) -> tuple[list[str], Counter[str]]:
    """Runs the cases; gives what is wrong with the bad ones, and how often which word came of the others."""
    wrongs: list[str] = []
    ends: Counter[str] = Counter()
    times_s: list[float] = []
    for number in range(count) if only is None else [only]:
        folder = Path(tempfile.mkdtemp(prefix="break-"))
        begin = time.process_time()
        try:
            ends[case(random.Random(f"{seed}.{number}"), folder)] += 1
        except Complaint as complaint:
            ends["refused"] += 1
            if len(str(complaint).splitlines()) != 1 or len(str(complaint)) > 1000:
                wrongs.append(f"case {number}: not one short line: {complaint}")
        except Exception:  # each is a fault
            wrongs.append(f"case {number}: {traceback.format_exc()}")
        times_s.append(time.process_time() - begin)
        shutil.rmtree(folder)
    most_s = 1 + MOST_TIMES * statistics.median(times_s)
    for number, took_s in enumerate(times_s):
        if took_s > most_s:
            wrongs.append(f"case {number}: took {took_s:.1f} s, and {most_s:.1f} s are the most")
    ends[f"slowest {max(times_s):.2f} s"] = 1
    return wrongs, ends


def main(case: Case, about: str, count: int) -> int:
    """As a command: prints seed, ends and wrongs; 1 when there are any."""
    given = arguments(about, count)
    print(f"seed {given.seed}", flush=True)
    wrongs, ends = run(case, given.seed, given.count, given.only)
    print(", ".join(f"{word}: {times}" for word, times in ends.most_common() if not word.startswith("slowest")))
    print(*(word for word in ends if word.startswith("slowest")))
    for wrong in wrongs[:20]:
        print(wrong[:3000])
    print(f"{len(wrongs)} of {given.count} cases are wrong" if wrongs else "no case is wrong")
    return 1 if wrongs else 0
