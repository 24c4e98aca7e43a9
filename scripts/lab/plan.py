"""The plan of a sweep: one row a run, in the order in which they are started."""

import csv
import hashlib
import io
import json
import math
import random
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path

from lab import guest, names, target
from lab.complaint import FAILED, Complaint
from lab.files import read_facts
from lab.guest import Guest
from lab.kinds import Words
from lab.suite import Scenario, Suite, Value
from lab.target import Target

WORDS = Words("words of a command line")
TIMINGS = ("exact", "live")
ACCELERATORS = ("tcg", "kvm")
WISHES = ("auto", *ACCELERATORS)
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
    # Older runs and plans lack what follows, and were made with these values.
    kernel: str = ""  # a name in the target's file, or the file of a kernel; "" is the target's first
    kernel_args: str = ""
    numa_nodes: int = 1
    pin_vcpus: str = "no"  # whether live timing is to pin vCPU threads to CPUs of the host
    wanted_accelerator: str = "auto"
    guest_knobs: str = ""  # the knobs of make that chose the guest, as they were given

    def __post_init__(self) -> None:
        """Raises ValueError: a row may come from any file, and its names become parts of paths, its words of commands."""
        names.check(vars(self))
        for words in (self.command, self.kernel, self.kernel_args):
            if not WORDS.accepts(words):
                raise ValueError(f"{words!r} has more than words that a shell and the kernel leave alone")

    @property
    def options(self) -> str:
        """The part of the command that the scenario and the sweep chose."""
        return " ".join(self.command.split(" --seed ")[0].split(" ")[2:])

    @property
    def guest(self) -> Guest:
        return Guest(self.kernel, self.kernel_args, self.smp, self.memory_mb, self.numa_nodes)


@dataclass(frozen=True)
class Sweep:
    """What a user chose for a sweep, beside the suites. `duration_s` None: as the suite says.

    `guest` has the keys of guest.KEYS that replace those of the suites' [guest]. `accelerator` is what live runs
    are on, and `wanted_accelerator` what the user said about it; exact runs are always on tcg.
    """

    target: str
    timings: tuple[str, ...]
    replicates: int
    seed: int
    duration_s: float | None = None
    accelerator: str = "tcg"
    wanted_accelerator: str = "auto"
    guest: dict[str, Value] = field(default_factory=dict)
    pin_vcpus: bool = True


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


def read_image(build: Path, machine: Target, kernel: str) -> dict[str, str]:
    """The facts of the target's image with `kernel` (IMAGE_FACTS and more)."""
    facts = machine.image(build, machine.kernel(kernel)) / "image.tsv"
    return read_facts(facts, IMAGE_FACTS, f"run 'make image {machine.knobs(machine.kernel(kernel))}'")


def expand(suite: Suite, sweep: Sweep, build: Path, targets: Path) -> list[Row]:
    """All runs of `suite`, in its own order.

    `build` holds the target's image, and `targets` the target files.
    """
    machine = target.load(targets, sweep.target)
    _check_seeds(sweep)
    guests = guests_of(suite, sweep, machine, targets)
    images = {kernel: read_image(build, machine, kernel) for kernel in {each.kernel for each in guests.values()}}
    return [
        _row(suite, scenario, guests[scenario.name], sweep, timing, replicate, images[guests[scenario.name].kernel])
        for timing in sweep.timings
        for scenario in suite.scenarios
        for replicate in range(1, sweep.replicates + 1)
    ]


def guests_of(suite: Suite, sweep: Sweep, machine: Target, targets: Path) -> dict[str, Guest]:
    """Each scenario's guest, checked. The sweep's wishes replace the suite's, and a scenario's own replace both."""
    guests = {}
    for scenario in suite.scenarios:
        shape = guest.shape(suite.guest | sweep.guest | scenario.guest, machine)
        where = f"{suite.name}: [scenario.{scenario.name}]"
        guest.check(where, shape, scenario.options, machine, "exact" in sweep.timings, targets)
        guests[scenario.name] = shape
    return guests


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


def _row(
    suite: Suite, scenario: Scenario, shape: Guest, sweep: Sweep, timing: str, replicate: int, image: dict[str, str]
) -> Row:
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
        **asdict(shape),
        duration_s=float(options["duration"]),
        limit_s=BOOT_LIMIT_S + round(running_s * LIMIT_FACTOR[timing]),
        expected_ms=round(2500 + 1000 * running_s * _wall_per_guest_second(scenario, timing)),
        command=command,
        pin_vcpus="yes" if timing == "live" and sweep.pin_vcpus else "no",
        wanted_accelerator=sweep.wanted_accelerator if timing == "live" else "auto",
        guest_knobs=_knobs(sweep),
    )
    _check_limit(row, warmup_s, sweep.duration_s is not None)
    digest = decisive_hash(row, image, sweep.accelerator if timing == "live" else "tcg")
    return replace(row, run=f"{suite.name}.{scenario.name}.{sweep.target}.{timing}.r{replicate}.{digest}")


def _knobs(sweep: Sweep) -> str:
    """The part of the command for make that chose the guests."""
    chosen = {guest.KNOBS[key]: value for key, value in sweep.guest.items()}
    if not sweep.pin_vcpus:
        chosen["PIN_VCPUS"] = "no"
    if sweep.wanted_accelerator != "auto":
        chosen["ACCELERATOR"] = sweep.wanted_accelerator
    return " ".join(f'{knob}="{value}"' if " " in str(value) else f"{knob}={value}" for knob, value in chosen.items())


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
    # Only where they are not the usual, so that the names of older runs stay.
    for key in ("kernel_args", "numa_nodes", "pin_vcpus"):
        if getattr(row, key) != Row.__dataclass_fields__[key].default:
            decisive[key] = getattr(row, key)
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
        rows = [_read_row(line) for line in lines]
    except FileNotFoundError:
        raise Complaint(path, f"there is no plan: {remedy}", FAILED) from None
    except (KeyError, TypeError, ValueError, csv.Error):
        rows = []
    if not rows or not text.endswith("\n"):
        raise Complaint(path, f"is damaged: {remedy}", FAILED)
    return rows


def _read_row(line: dict[str, str]) -> Row:
    """A row from its texts. An older plan lacks some columns."""
    given = [each for each in fields(Row) if each.name in line or each.default is MISSING]
    return Row(**{each.name: each.type(line[each.name]) for each in given})
