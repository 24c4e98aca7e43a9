"""The plan of a sweep: one row a run, in the order in which they are started."""

import csv
import hashlib
import io
import json
import math
import random
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from lab.complaint import FAILED, Complaint
from lab.files import read_facts
from lab.suite import Scenario, Suite, Value

TIMINGS = ("exact", "live")
ACCELERATORS = ("tcg", "kvm")
MAX_SEED = 2**32 - 1  # of QEMU's -seed
MAX_LIMIT_S = 864000  # of run_vm.sh's --limit
BOOT_LIMIT_S = 60
# How much longer than its virtual time a guest may take before it counts as hung.
LIMIT_FACTOR = {"exact": 120, "live": 3}
IMAGE_FACTS = (
    "kernel_version",
    "kernel_sha256",
    "initrd_sha256",
    "program_sha256",
    "program_version",
    "compiler",
    "qemu_version",
)
OUTPUTS = "--emit-latencies latencies.csv --emit-histogram histogram.csv --stats stats.csv"


@dataclass(frozen=True)
class Row:
    """One run: all that decides its result, and how long it may take."""

    run: str  # the name of its folder: what it is, and a hash of all that decides its result
    suite: str
    scenario: str
    target: str
    timing: str
    replicate: int
    seed: int  # of this run
    sweep_seed: int  # of the sweep: the first replicate's seed, and the order of the runs
    smp: int
    memory_mb: int
    duration_s: float
    limit_s: int  # wall time after which the guest counts as hung
    expected_ms: int  # wall time that it will probably take
    command: str  # what the guest runs

    @property
    def options(self) -> str:
        """The part of the command that the scenario and the sweep chose."""
        return self.command.split(" ", 2)[2].split(" --seed ")[0]


@dataclass(frozen=True)
class Sweep:
    """What a user chose for a sweep, beside the suites. `duration_s` None: as the suite says.

    `accelerator` is what live runs are on; exact runs are always on tcg.
    """

    target: str
    timings: tuple[str, ...]
    replicates: int
    seed: int
    duration_s: float | None = None
    accelerator: str = "tcg"


def file_name(suite: str, target: str, timing: str) -> str:
    """The plan's file of a suite, target and timing; "*" for any of them makes a pattern."""
    return f"{suite}.{target}.{timing}.plan.tsv"


def title_file(suite: str) -> str:
    """The file beside the plans that keeps the suite's title, so that the report needs no suite file."""
    return f"{suite}.title.txt"


def title(runs: Path, suite: str) -> str:
    """The suite's title when it was last planned; its name where none was kept."""
    file = runs / title_file(suite)
    return file.read_text().strip() if file.exists() else suite


def planned_suites(runs: Path) -> list[str]:
    """The suites that have a plan in `runs`."""
    return sorted({file.name.split(".")[0] for file in runs.glob(file_name("*", "*", "*"))})


def read_image(build: Path, target: str) -> dict[str, str]:
    """The facts of the target's image (IMAGE_FACTS and more)."""
    return read_facts(build / "image" / target / "image.tsv", IMAGE_FACTS, f"run 'make image TARGET={target}'")


def expand(suite: Suite, sweep: Sweep, build: Path, targets: Path) -> list[Row]:
    """All runs of `suite`, in its own order.

    `build` holds the target's image, and `targets` the target files.
    """
    image = read_image(build, sweep.target)
    _check_seeds(sweep)
    if "exact" in sweep.timings:
        _check_exact(suite, sweep.target, targets)
    return [
        _row(suite, scenario, sweep, timing, replicate, image)
        for timing in sweep.timings
        for scenario in suite.scenarios
        for replicate in range(1, sweep.replicates + 1)
    ]


def shuffled(rows: list[Row], seed: int) -> list[Row]:
    """The order in which the rows are run: exact ones first, and each timing shuffled with `seed`,
    so that drift of the host hits all scenarios alike."""
    mixed = rows.copy()
    random.Random(seed).shuffle(mixed)
    return sorted(mixed, key=lambda row: TIMINGS.index(row.timing))


def _check_seeds(sweep: Sweep) -> None:
    last = sweep.seed + sweep.replicates - 1
    if last > MAX_SEED:
        raise Complaint(
            "--seed",
            f"the last of {sweep.replicates} replicates would have seed {last}, and {MAX_SEED} is the largest: "
            f"give at most {MAX_SEED - sweep.replicates + 1}",
        )


def _check_exact(suite: Suite, target: str, targets: Path) -> None:
    conf = targets / f"{target}.conf"
    lines = conf.read_text().splitlines()
    facts = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    if not facts.get("EXACT_MAX_SMP", "").isdecimal():
        raise Complaint(conf, "does not say how many CPUs exact timing works with: add EXACT_MAX_SMP=N", FAILED)
    most = int(facts["EXACT_MAX_SMP"])
    if suite.smp > most:
        raise Complaint(
            suite.name,
            f"exact timing of {target} works with at most {most} CPU(s), and the suite wants {suite.smp}: "
            "give TIMING=live, or TARGET=aarch64",
        )


def _row(suite: Suite, scenario: Scenario, sweep: Sweep, timing: str, replicate: int, image: dict[str, str]) -> Row:
    options = scenario.options.copy()
    if sweep.duration_s is not None:
        options["duration"] = sweep.duration_s
    # Written alike however it was given: the command is part of what a run is.
    options["duration"] = f"{float(options.get('duration', 2)):g}"
    seed = sweep.seed + replicate - 1
    command = f"pipelab {suite.study} {_words(options)} --seed {seed} {OUTPUTS}"
    warmup_s = float(options.get("warmup", 0.1))
    running_s = float(options["duration"]) + warmup_s
    row = Row(
        run="",
        suite=suite.name,
        scenario=scenario.name,
        target=sweep.target,
        timing=timing,
        replicate=replicate,
        seed=seed,
        sweep_seed=sweep.seed,
        smp=suite.smp,
        memory_mb=suite.memory_mb,
        duration_s=float(options["duration"]),
        limit_s=BOOT_LIMIT_S + round(running_s * LIMIT_FACTOR[timing]),
        expected_ms=round(2500 + 1000 * running_s * _wall_per_guest_second(scenario, timing)),
        command=command,
    )
    _check_limit(row, warmup_s, sweep.duration_s is not None)
    digest = decisive_hash(row, image, sweep.accelerator if timing == "live" else "tcg")
    return replace(row, run=f"{suite.name}.{scenario.name}.{sweep.target}.{timing}.r{replicate}.{digest}")


def _words(options: dict[str, Value]) -> str:
    """The options as the guest's command has them: a flag alone, or not at all."""
    given = {key: value for key, value in options.items() if value is not False}
    return " ".join(f"--{key}" if value is True else f"--{key} {value}" for key, value in given.items())


def _check_limit(row: Row, warmup_s: float, by_user: bool) -> None:
    if row.limit_s > MAX_LIMIT_S:
        most_s = math.floor((MAX_LIMIT_S - BOOT_LIMIT_S) / LIMIT_FACTOR[row.timing] - warmup_s)
        where = "--duration" if by_user else f"{row.suite}: [scenario.{row.scenario}]: duration"
        raise Complaint(
            where,
            f"{row.duration_s:g} s is too long, since {row.timing} timing may take {LIMIT_FACTOR[row.timing]} times "
            f"that, and {MAX_LIMIT_S} s is the most: give at most {most_s}",
        )


def decisive_hash(row: Row, image: dict[str, str], accelerator: str) -> str:
    """Eight hexadecimal digits that change with whatever decides a run's result: the end of its name."""
    decisive = {
        "command": row.command,
        "target": row.target,
        "timing": row.timing,
        "accelerator": accelerator,
        "smp": row.smp,
        "memory_mb": row.memory_mb,
        "seed": row.seed,
        "kernel": image["kernel_sha256"],
        "initrd": image["initrd_sha256"],
        "qemu": image["qemu_version"],
    }
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:8]


def _wall_per_guest_second(scenario: Scenario, timing: str) -> float:
    """Roughly. In exact timing idle time is skipped, and busy time is slow."""
    if timing == "live":
        return 1.1
    if scenario.options.get("wait", "futex") in ("spin", "yield") or scenario.options.get("pacing") == "spin":
        return 40
    return 2 if scenario.options.get("prod-interval-us", 1000) == 0 else 0.2


def write(rows: list[Row]) -> str:
    """The rows as tab-separated lines under a line of names."""
    text = io.StringIO()
    names = [field.name for field in fields(Row)]
    table = csv.DictWriter(text, names, delimiter="\t", lineterminator="\n")
    table.writeheader()
    table.writerows(asdict(row) for row in rows)
    return text.getvalue()


def read(path: Path) -> list[Row]:
    """Reads what write() wrote. Raises Complaint when the file is not there or damaged."""
    remedy = "run 'make run-scenarios' again, which keeps finished runs"
    try:
        text = path.read_text()
        lines = list(csv.DictReader(text.splitlines(), delimiter="\t"))
        rows = [Row(**{field.name: field.type(line[field.name]) for field in fields(Row)}) for line in lines]
    except FileNotFoundError:
        raise Complaint(path, f"there is no plan: {remedy}", FAILED) from None
    except (KeyError, TypeError, ValueError, csv.Error):
        rows = []
    if not rows or not text.endswith("\n"):
        raise Complaint(path, f"is damaged: {remedy}", FAILED)
    return rows
