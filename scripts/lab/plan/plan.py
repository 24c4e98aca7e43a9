"""The plan of a sweep: one row a run, in the order in which they are started. Options and guest are objects in it."""

import hashlib
import json
import math
import random
import shlex
from collections.abc import Hashable, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from lab.plan import guest, own, program, target
from lab.plan.contract import Contract
from lab.plan.guest import Guest
from lab.plan.kinds import Value, plain
from lab.plan.places import SCENARIOS
from lab.plan.program import Parcel
from lab.plan.scenarios import Scenario
from lab.plan.suite import TIMINGS, Suite
from lab.plan.target import Target
from lab.text.complaint import Complaint
from lab.text.files import read_facts, read_text

ACCELERATORS = ("tcg", "kvm")
WISHES = ("auto", *ACCELERATORS)
OBSERVERS = ("none", "counters", "perf", "trace", "profile", "lines", "calls")
MAX_SEED = 2**32 - 1  # of QEMU's -seed
MAX_LIMIT_S = 864000  # of run_vm.sh's --limit
BOOT_LIMIT_S = 60
OWN_S = 2  # that the program of a user is thought to take, before one has ended
HASH_DIGITS = 12  # so that of 10,000 runs no two are likely to have the same
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


@dataclass(frozen=True)
class Row:
    """One run, and a scenario that asks for it: all that decides its result, and how long it may take."""

    run: str  # the name of its folder: what it is, and a hash of all that decides its result
    suite: str
    scenario: str
    workload: str  # as contract.load() takes it
    target: str
    timing: str
    replicate: int
    seed: int  # of this run
    sweep_seed: int  # of the sweep: the first replicate's seed, and the order of the runs
    options: dict[str, Value]  # of the program, those of the suite and of the sweep
    guest: Guest
    command: str  # what the guest runs, as a shell has it; for a user's program it begins with options of the attendant
    duration_s: float  # that it measures
    limit_s: int  # wall time after which the guest counts as hung
    expected_ms: int  # wall time that it will probably take
    contract: str  # the SHA-256 of the workload's contract
    pin_vcpus: bool = False  # whether live timing is to pin vCPU threads to CPUs of the host
    wanted_accelerator: str = "auto"
    knobs: dict[str, str] = field(default_factory=dict)  # of make, that chose the guest, as they were given
    build: str = ""  # which build's image: "" is this tree's, else the folder of another's
    observer: str = "none"  # what watches it
    parcel: str = ""  # of a user's program: the digits by which program.pack() knows what travels
    variant: str = ""  # of the image: which of contract.IMAGES it boots; "" is the usual one
    twin: int = 1  # of a live run: which it is of those that are alike in all else

    @property
    def place(self) -> str:
        """What it is for, as complaints say it: t000.baseline.aarch64.exact.r1."""
        return f"{self.suite}.{self.scenario}.{self.target}.{self.timing}.r{self.replicate}"

    @property
    def asked_as(self) -> str:
        """The scenario that asks for the run, as users call it."""
        return f"{self.suite}/{self.scenario}"


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
    return f"{suite}.{target}.{timing}.plan.jsonl"


def title_file(suite: str) -> str:
    """The file beside the plans that keeps the suite's title, and on a second line where the suite is."""
    return f"{suite}.title.txt"


def title_text(suite: Suite) -> str:
    """What is to be in it."""
    return f"{' '.join(suite.title.split())}\n{suite.file.resolve()}\n"


def title(runs: Path, suite: str) -> str:
    """The suite's title when it was last planned; its name where none was kept."""
    return _title_lines(runs, suite)[0] or suite


def suite_file(runs: Path, suite: str) -> Path:
    """Where the suite was when it was last planned; in scenarios/ where that was not kept."""
    kept = Path(_title_lines(runs, suite)[1])
    return kept if kept.is_absolute() and kept.name == f"{suite}.toml" else SCENARIOS / f"{suite}.toml"


def _title_lines(runs: Path, suite: str) -> list[str]:
    """Two lines or more; empty where there are none."""
    file = runs / title_file(suite)
    return [*(read_text(file).splitlines() if file.is_file() else []), "", ""]


def planned_suites(runs: Path) -> list[str]:
    """The suites that have a plan in `runs`."""
    return sorted({file.name.split(".")[0] for file in runs.glob(file_name("*", "*", "*"))})


def read_image(build: Path, machine: Target, kernel: str) -> dict[str, str]:
    """The facts of the target's image with `kernel` (IMAGE_FACTS and more)."""
    facts = machine.image(build, machine.kernel(kernel)) / "image.tsv"
    return read_facts(facts, IMAGE_FACTS, f"run 'make image {machine.knobs(machine.kernel(kernel))}'")


def expand(suite: Suite, sweep: Sweep, build: Path, targets: Path) -> list[Row]:
    """All rows of `suite`, in its own order. Those that are alike have the same run: see lab.runs.wanted.numbered().

    `build` holds the target's image and the host's program, which checks the options, and `targets` the target files.
    """
    machine = target.load(targets, sweep.target)
    _check_seeds(sweep)
    guests = guests_of(suite, sweep, machine, targets)
    parcel = program.pack(suite.contract, machine.name) if suite.contract.own else None
    if parcel:
        for name, shape in guests.items():
            asked = "memory-mb" in suite.guest_of(name) | sweep.guest
            guests[name] = _with_room(suite.place(name), shape, parcel, asked)
    images = {kernel: read_image(build, machine, kernel) for kernel in {each.kernel for each in guests.values()}}
    rows = [
        _row(
            suite,
            scenario,
            guests[scenario.name],
            sweep,
            timing,
            replicate,
            images[guests[scenario.name].kernel],
            parcel,
        )
        for timing in sweep.timings
        for scenario in suite.scenarios
        for replicate in range(1, sweep.replicates + 1)
    ]
    if not parcel:
        program.check(program.of_host(build), {suite.place(row.scenario): words_of(row) for row in rows})
    return rows


def _with_room(where: str, shape: Guest, parcel: Parcel, asked: bool) -> Guest:
    """The guest with the memory that the parcel needs. Raises Complaint where somebody `asked` for less."""
    if shape.memory_mb >= parcel.memory_mb:
        return shape
    if asked:
        what = f"memory-mb = {shape.memory_mb} is too little for what comes along ({parcel.size_mb} MB)"
        raise Complaint(where, f"{what}: give {parcel.memory_mb}, or nothing")
    return replace(shape, memory_mb=parcel.memory_mb)


def guests_of(suite: Suite, sweep: Sweep, machine: Target, targets: Path) -> dict[str, Guest]:
    """Each scenario's guest, checked. The sweep's wishes replace the suite's, and a scenario's own replace both."""
    guests = {}
    for scenario in suite.scenarios:
        asked = "kernel" in sweep.guest and "kernel" not in scenario.guest
        where = "--kernel" if asked else f"{suite.place(scenario.name)}: kernel"
        wanted = suite.guest | sweep.guest | scenario.guest
        shape = guest.shape((guest.usual_of_own(wanted) if suite.contract.own else {}) | wanted, machine, where)
        guest.check(suite.place(scenario.name), shape, machine, "exact" in sweep.timings, targets)
        guest.check_options(suite.place(scenario.name), shape, scenario.options, suite.contract)
        guests[scenario.name] = shape
    return guests


def shuffled(rows: list[Row], seed: int) -> list[Row]:
    """The order in which the rows are run: exact ones first, and each timing shuffled with `seed`,
    so that drift of the host hits all scenarios alike."""
    place = places((row.run for row in rows), seed)
    return sorted(rows, key=lambda row: (TIMINGS.index(row.timing), place[row.run]))


def places(runs: Iterable[Hashable], seed: int) -> dict[Hashable, int]:
    """The place of each run in an order that is shuffled with `seed`. One that several rows share has one: with the first
    or the last of several it would come earlier or later than others."""
    mixed = list(dict.fromkeys(runs))
    random.Random(seed).shuffle(mixed)
    return {run: place for place, run in enumerate(mixed)}


def _check_seeds(sweep: Sweep) -> None:
    last = sweep.seed + sweep.replicates - 1
    if last > MAX_SEED:
        raise Complaint(
            "--seed",
            f"the last of {sweep.replicates} replicates would have seed {last}, and {MAX_SEED} is the largest: "
            f"give at most {MAX_SEED - sweep.replicates + 1}",
        )


def _row(
    suite: Suite,
    scenario: Scenario,
    shape: Guest,
    sweep: Sweep,
    timing: str,
    replicate: int,
    image: dict[str, str],
    parcel: Parcel | None,
) -> Row:
    known = suite.contract
    options = dict(scenario.options)
    duration, warmup = known.meaning("duration"), known.meaning("warmup")
    if duration and sweep.duration_s is not None:
        options[duration.name] = sweep.duration_s
    if duration:
        options.setdefault(duration.name, duration.default or 0)
    # In the contract's order however the suite has them: the command is part of what a run is.
    options = {name: plain(options[name]) for name in known.options if name in options}
    if timing == "live" or shape.smp == 1:  # whose CPUs have no turns
        shape = replace(shape, quantum=guest.NO_QUANTUM)
    duration_s = float(options[duration.name]) if duration else 0.0
    warmup_s = float(options.get(warmup.name, warmup.default or 0)) if warmup else 0.0
    seed = sweep.seed + replicate - 1
    running_s = known.own.limit_s if known.own else duration_s + warmup_s
    row = Row(
        run="",
        suite=suite.name,
        scenario=scenario.name,
        workload=known.given or known.name,
        target=sweep.target,
        timing=timing,
        replicate=replicate,
        seed=seed,
        sweep_seed=sweep.seed,
        options=options,
        guest=shape,
        command=_checked_command(suite.place(scenario.name), known, options, seed),
        duration_s=duration_s,
        limit_s=BOOT_LIMIT_S + round(running_s * LIMIT_FACTOR[timing]),
        expected_ms=round(
            2500 + 1000 * (OWN_S if known.own else running_s) * _wall_per_guest_second(known, options, timing)
        ),
        contract=known.sha256,
        pin_vcpus=timing == "live" and sweep.pin_vcpus,
        wanted_accelerator=sweep.wanted_accelerator if timing == "live" else "auto",
        knobs=_knobs(sweep),
        parcel=parcel.digits if parcel else "",
        variant=known.image_for(options),
    )
    place = "--duration" if sweep.duration_s is not None else f"{suite.place(scenario.name)}: duration"
    _check_limit(row, warmup_s, place)
    return replace(row, run=run_name(row, image, sweep.accelerator if timing == "live" else "tcg"))


def _knobs(sweep: Sweep) -> dict[str, str]:
    """The knobs of make that chose the guests."""
    chosen = {guest.KNOBS[key]: str(value) for key, value in sweep.guest.items()}
    if not sweep.pin_vcpus:
        chosen["PIN_VCPUS"] = "no"
    if sweep.wanted_accelerator != "auto":
        chosen["ACCELERATOR"] = sweep.wanted_accelerator
    return chosen


def words(options: dict[str, Value]) -> str:
    """The options as the guest's command has them: a flag alone, or not at all."""
    given = {key: value for key, value in options.items() if value is not False}
    return " ".join(f"--{key}" if value is True else f"--{key} {value}" for key, value in given.items())


def words_of(row: Row) -> str:
    """The part of the command that the scenario and the sweep chose, after the workload's name."""
    return f"{row.workload} {words(row.options)}".strip()


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
    return f"{subject(row)}.{decisive_hash(row, image, accelerator)}"


def subject(row: Row) -> str:
    """The beginning of the name of the run's folder, before its hash.

    A run is called by what decides it, as several scenarios may ask for it. An exact one is always the same; of a live
    one, which is a sample, there may be twins.
    """
    if row.timing == "exact":
        return f"{row.target}.exact.s{row.seed}"
    return f"{row.target}.live.r{row.replicate}" + f".twin{row.twin}" * (row.twin > 1)


def next_twin(row: Row) -> Row:
    """The row with another sample of the same."""
    twin = replace(row, twin=row.twin + 1)
    return replace(twin, run=f"{subject(twin)}.{row.run.rpartition('.')[2]}")


def command_of(known: Contract, options: dict[str, Value], seed: int) -> str:
    """What the guest runs, as a shell has it."""
    if known.own is None:
        return known.command.format(options=words(options), seed=seed)
    keep = [word for name in known.files for word in ("--keep", name)]
    limits = ["--limit-ms", str(round(known.own.limit_s * 1000)), "--mark", *keep]
    return shlex.join([*limits, "--", *own.command(known.command, known.defaults | options, seed, words(options))])


def _checked_command(where: str, known: Contract, options: dict[str, Value], seed: int) -> str:
    """The command. Raises Complaint where an option of a user's program has no value."""
    missing = [name for name in known.options if known.own and name not in known.defaults | options]
    missing = [name for name in missing if f"{{{name}}}" in known.command]
    if missing:
        raise Complaint(where, f"{missing[0]} has no value: give one here, or a default in {known.given}")
    return command_of(known, options, seed)


def decisive_hash(row: Row, image: dict[str, str], accelerator: str) -> str:
    """HASH_DIGITS hexadecimal digits that change with whatever decides a run's result: the end of its name."""
    decisive = {
        "command": row.command,
        "target": row.target,
        "timing": row.timing,
        "accelerator": accelerator,
        "guest": asdict(row.guest) | {"kernel": image["kernel_sha256"]},
        "pin_vcpus": row.pin_vcpus,
        "observer": row.observer,
        "seed": row.seed,
        "initrd": image["initrd_sha256"],
        "qemu": image["qemu_version"],
        **({"parcel": row.parcel} if row.parcel else {}),
        **({"image": image.get(f"{row.variant}_sha256", "")} if row.variant else {}),
    }
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:HASH_DIGITS]


def _wall_per_guest_second(known: Contract, options: dict[str, Value], timing: str) -> float:
    """Roughly. In exact timing idle time is skipped, and busy time is slow."""
    if timing == "live":
        return 1.1
    said = known.defaults | options
    if any(said.get(name) in ("spin", "yield") for name, each in known.options.items() if each.means == "waiting"):
        return 40
    interval = known.meaning("interval")
    return 2 if interval and said.get(interval.name) == 0 else 0.2
