"""The plan of a sweep: one row a run, in the order in which they are started."""

import csv
import hashlib
import io
import json
import random
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from lab.complaint import FAILED, Complaint
from lab.files import read_facts
from lab.suite import Scenario, Suite

TIMINGS = ("exact", "live")
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
    """What a user chose for a sweep, beside the suites. `duration_s` None: as the suite says."""

    target: str
    timings: tuple[str, ...]
    replicates: int
    seed: int
    duration_s: float | None = None


def expand(suite: Suite, sweep: Sweep, build: Path, targets: Path) -> list[Row]:
    """All runs of `suite`, in its own order.

    `build` holds the target's image, and `targets` the target files.
    """
    image = read_facts(
        build / "image" / sweep.target / "image.tsv",
        remedy=f"run 'make image TARGET={sweep.target}'",
    )
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


def _check_exact(suite: Suite, target: str, targets: Path) -> None:
    lines = (targets / f"{target}.conf").read_text().splitlines()
    facts = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
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
    words = " ".join(f"--{key} {value}" for key, value in options.items())
    command = f"pipelab {suite.study} {words} --seed {seed} {OUTPUTS}"
    decisive = {
        "command": command,
        "target": sweep.target,
        "timing": timing,
        "smp": suite.smp,
        "memory_mb": suite.memory_mb,
        "seed": seed,
        "kernel": image["kernel_sha256"],
        "initrd": image["initrd_sha256"],
        "qemu": image["qemu_version"],
    }
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:8]
    running_s = float(options["duration"]) + float(options.get("warmup", 0.1))
    return Row(
        run=f"{suite.name}.{scenario.name}.{sweep.target}.{timing}.r{replicate}.{digest}",
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
        limit_s=60 + round(running_s * (120 if timing == "exact" else 3)),
        expected_ms=round(2500 + 1000 * running_s * _wall_per_guest_second(scenario, timing)),
        command=command,
    )


def _wall_per_guest_second(scenario: Scenario, timing: str) -> float:
    """Roughly. In exact timing idle time is skipped, and busy time is slow."""
    if timing == "live":
        return 1.1
    if scenario.options.get("wait", "futex") in ("spin", "yield"):
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
    except (KeyError, TypeError, ValueError):
        rows = []
    if not rows or not text.endswith("\n"):
        raise Complaint(path, f"is damaged: {remedy}", FAILED)
    return rows
