"""The plan of a sweep: one row a run, in the order in which they are started."""

import hashlib
import json
import math
import random
import re
from collections.abc import Callable
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from lab.plan import guest, program, target
from lab.text import strict
from lab.text.complaint import FAILED, Complaint
from lab.text.files import read_facts, read_text
from lab.plan.guest import Guest
from lab.plan.kinds import WORDS, Number
from lab.text.names import NAME
from lab.plan.suite import OPTIONS, Scenario, Suite, Value
from lab.plan.target import Target

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
# A word that begins with two dashes is no value, and no word has what a shell takes apart.
COMMAND = re.compile(r"pipelab [a-z]+((?: --[a-z-]+(?: (?!--)[^\s\"'\\]+)?)+) --seed [0-9]+(?: --[a-z-]+ [a-z.]+)*")
OPTION = re.compile(r" --([a-z-]+)(?: (?!--)(\S+))?")
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
    return " ".join(read_text(file).split()) if file.is_file() else suite


def planned_suites(runs: Path) -> list[str]:
    """The suites that have a plan in `runs`."""
    return sorted({file.name.split(".")[0] for file in runs.glob(file_name("*", "*", "*"))})


def read_image(build: Path, machine: Target, kernel: str) -> dict[str, str]:
    """The facts of the target's image with `kernel` (IMAGE_FACTS and more)."""
    facts = machine.image(build, machine.kernel(kernel)) / "image.tsv"
    return read_facts(facts, IMAGE_FACTS, f"run 'make image {machine.knobs(machine.kernel(kernel))}'")


def expand(suite: Suite, sweep: Sweep, build: Path, targets: Path) -> list[Row]:
    """All runs of `suite`, in its own order.

    `build` holds the target's image and the host's program, which checks the options, and `targets` the target files.
    """
    machine = target.load(targets, sweep.target)
    _check_seeds(sweep)
    guests = guests_of(suite, sweep, machine, targets)
    images = {kernel: read_image(build, machine, kernel) for kernel in {each.kernel for each in guests.values()}}
    rows = [
        _row(suite, scenario, guests[scenario.name], sweep, timing, replicate, images[guests[scenario.name].kernel])
        for timing in sweep.timings
        for scenario in suite.scenarios
        for replicate in range(1, sweep.replicates + 1)
    ]
    lines = {suite.place(row.scenario): row.command.removeprefix("pipelab ") for row in rows}
    program.check(program.of_host(build), lines)
    return rows


def guests_of(suite: Suite, sweep: Sweep, machine: Target, targets: Path) -> dict[str, Guest]:
    """Each scenario's guest, checked. The sweep's wishes replace the suite's, and a scenario's own replace both."""
    guests = {}
    for scenario in suite.scenarios:
        shape = guest.shape(suite.guest | sweep.guest | scenario.guest, machine)
        guest.check(suite.place(scenario.name), shape, scenario.options, machine, "exact" in sweep.timings, targets)
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
    place = "--duration" if sweep.duration_s is not None else f"{suite.place(scenario.name)}: duration"
    _check_limit(row, warmup_s, place)
    return replace(row, run=run_name(row, image, sweep.accelerator if timing == "live" else "tcg"))


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


def _check_limit(row: Row, warmup_s: float, where: str) -> None:
    if row.limit_s > MAX_LIMIT_S:
        most_s = math.floor((MAX_LIMIT_S - BOOT_LIMIT_S) / LIMIT_FACTOR[row.timing] - warmup_s)
        raise Complaint(
            where,
            f"{row.duration_s:g} s is too long, since {row.timing} timing may take {LIMIT_FACTOR[row.timing]} times "
            f"that, and {MAX_LIMIT_S} s is the most: give at most {most_s}",
        )


def run_name(row: Row, image: dict[str, str], accelerator: str) -> str:
    """The name of the run's folder, which is another one where anything is that decides the result."""
    return f"{_subject(row)}{decisive_hash(row, image, accelerator)}"


def _subject(row: Row) -> str:
    return f"{row.suite}.{row.scenario}.{row.target}.{row.timing}.r{row.replicate}."


def fault(row: Row) -> str:
    """What is wrong with a row that was read from a file; empty when it may be one that _row() made."""
    command = COMMAND.fullmatch(row.command)
    faults = {
        "run": not row.run.startswith(_subject(row)) or not re.fullmatch("[0-9a-f]{8}", row.run[len(_subject(row)) :]),
        "suite": not NAME.fullmatch(row.suite),
        "scenario": not NAME.fullmatch(row.scenario),
        "target": not NAME.fullmatch(row.target),
        "timing": row.timing not in TIMINGS,
        "replicate": row.replicate < 1,
        "seed": not 0 <= row.seed <= MAX_SEED,
        "sweep_seed": not 0 <= row.sweep_seed <= MAX_SEED,
        "smp": row.smp < 1,
        "memory_mb": row.memory_mb < 1,
        "numa_nodes": row.numa_nodes < 1,
        "duration_s": not 0 < row.duration_s < math.inf,
        "limit_s": row.limit_s < 1,
        "expected_ms": row.expected_ms < 0,
        "kernel": not WORDS.accepts(row.kernel),
        "kernel_args": not WORDS.accepts(row.kernel_args),
        "command": not command or not all(_is_option(*option) for option in OPTION.findall(command[1])),
    }
    return next((name for name, wrong in faults.items() if wrong), "")


def _is_option(name: str, text: str) -> bool:
    """Whether the program may have been given this. An option that is not known here may be one of another version."""
    kind = OPTIONS.get(name)
    try:
        return kind is None or kind.accepts(_value(kind, text))
    except ValueError:
        return False


def _value(kind: object, text: str) -> Value:
    if isinstance(kind, Number):
        return strict.whole(text) if kind.whole else strict.real(text)
    return text or True


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
    """The rows as tab-separated lines under a line of names: no quotes mean anything, so that a shell can read it."""
    lines = [[each.name for each in fields(Row)], *([str(value) for value in asdict(row).values()] for row in rows)]
    for row, line in zip(rows, lines[1:]):
        if any("\t" in text or len(text.splitlines()) > 1 for text in line):
            raise Complaint(row.run, "has a tab or a line break in its row of the plan: mend the suite or the knobs")
    return "".join("\t".join(line) + "\n" for line in lines)


def read(path: Path) -> list[Row]:
    """Reads what write() wrote. Raises Complaint when the file is not there or damaged."""
    remedy = "run 'make run-scenarios' again, which keeps finished runs"
    try:
        text = read_text(path)
    except FileNotFoundError:
        raise Complaint(path, f"there is no plan: {remedy}", FAILED) from None
    names, *lines = text.split("\n")[:-1] or [""]
    if not lines or not text.endswith("\n"):
        raise Complaint(path, f"is damaged: {remedy}", FAILED)
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(_read_row(dict(zip(names.split("\t"), line.split("\t"), strict=True))))
        except (KeyError, ValueError) as error:
            raise Complaint(path, f"is damaged: row {number} ({error}): {remedy}", FAILED) from None
    return rows


READERS: dict[Any, Callable[[str], Any]] = {int: strict.whole, float: strict.real, str: str}


def _read_row(line: dict[str, str]) -> Row:
    """A row from its texts. An older plan lacks some columns."""
    given = [each for each in fields(Row) if each.name in line or each.default is MISSING]
    row = Row(**{each.name: READERS[each.type](line[each.name]) for each in given})
    if wrong := fault(row):
        raise ValueError(f"{wrong} = '{str(getattr(row, wrong))[:60]}'")
    return row
