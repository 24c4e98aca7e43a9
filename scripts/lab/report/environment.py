"""What a suite's environment file says, in words: guests, programs, hosts, and what hosts did to their guests' CPUs."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from lab.plan import plan
from lab.plan.guest import NO_QUANTUM
from lab.plan.places import PAGE, ROOT
from lab.tables.measurement import of as measurement_of
from lab.text.markdown import Markup, code, table
from lab.text.numbers import share

STEADY_FREQUENCY = 0.02  # by which readings of one frequency differ
Facts = Mapping[str, Any]


GUEST: dict[str, Callable[[Any], str]] = {  # in what the guests of scenarios may differ
    "kernel": lambda name: f"kernel {name}",
    "kernel_args": lambda arguments: arguments,
    "smp": lambda cpus: f"{cpus} CPU{'s' * (cpus > 1)}",
    "memory_mb": lambda size: f"{size} MB",
    "numa_nodes": lambda nodes: f"{nodes} NUMA node{'s' * (nodes > 1)}",
    "quantum": lambda time: f"a quantum of {time}" if time != NO_QUANTUM else "no quantum",
}


def scenarios(measurements: Sequence[Facts]) -> str:
    """A table of each scenario with its options; several times where its measurements had others. What all have is said
    once, in the head."""
    every = [set(said["options"].items()) for each in measurements for said in each["scenarios"].values()]
    of_all = set.intersection(*every) if len(every) > 1 else set()
    known = {_name(each): _options(each["scenarios"], of_all) for each in measurements}
    names = dict.fromkeys(name for options in known.values() for name in options)
    lines = [
        line
        for name in names
        for line in _once(name, {measurement: options.get(name) for measurement, options in known.items()})
    ]
    shared = plan.words({key: value for key, value in _first_options(measurements).items() if (key, value) in of_all})
    head = Markup(f"options besides {code(shared)}") if shared else "options"
    return table(["scenario", head], [(name, code(options) if options else "") for name, options in lines])


def _first_options(measurements: Sequence[Facts]) -> Facts:
    return next((said["options"] for each in measurements for said in each["scenarios"].values()), {})


def _options(of: Mapping[str, Facts], of_all: Collection[tuple[str, object]]) -> dict[str, str]:
    """Of each scenario what its guest has that not all have, and the options that it gives the program, but for those
    `of_all`."""
    unlike = [key for key in GUEST if len({str(said["guest"][key]) for said in of.values()}) > 1]
    found = {}
    for name, said in of.items():
        guest = ", ".join(filter(None, (GUEST[key](said["guest"][key]) for key in unlike)))
        own = {key: value for key, value in said["options"].items() if (key, value) not in of_all}
        found[name] = "; ".join(filter(None, [guest, plan.words(own)]))
    return found


def facts(measurements: Sequence[Facts], raw: Mapping[str, pd.DataFrame]) -> list[tuple[str, str]]:
    """What was measured with what; `raw` has the runs by the measurements' names."""
    lines = []
    for what, said in GUEST_FACTS.items():
        lines += _once(what, {_name(each): said(each, each["guests"][0]["image"]) for each in measurements})
    for each in measurements:
        lines.append((_name(each), _conditions(each, raw[_name(each)])))
        if summary := each.get("host", {}).get("ledger"):
            lines.append((f"host's ledger, {_name(each)}", ledger(summary)))
    return lines


def _name(measurement: Facts) -> str:
    return str(measurement_of(measurement))


def _once(what: str, texts: Mapping[str, str | None]) -> list[tuple[str, str]]:
    """`what` with its text, said once where all measurements (the keys) have the same."""
    measurements: dict[str, list[str]] = {}
    for measurement, text in texts.items():
        if text is not None:
            measurements.setdefault(text, []).append(measurement)
    if len(measurements) == 1:
        return [(what, text) for text in measurements]
    return [(f"{what} ({', '.join(names)})", text) for text, names in measurements.items()]


def _hashes(each: Facts, image: Facts) -> str:
    of_guests = [
        f"{name} `{guest['image'][f'{name}_sha256'][:16]}`" for guest in each["guests"] for name in ("kernel", "initrd")
    ]
    programs = each.get("parcels") or [image["program_sha256"][:16]]
    return ", ".join([*dict.fromkeys(of_guests), *(f"program `{digits}`" for digits in programs)])


GUEST_FACTS: dict[str, Callable[[Facts, Facts], str | None]] = {
    "guest": lambda each, _: f"{each['target']}, " + "; ".join(map(_guest, each["guests"])),
    "turns of its CPUs": lambda each, _: _turns(each),
    "QEMU": lambda _, image: image["qemu_version"],
    "program": lambda each, image: (
        f"pipelab {image['program_version']}, {image['compiler']}, commit {', '.join(each['git_commits'])}"
        if not each.get("parcels")
        else "the user's own, as packed with all that comes along"
    ),
    "SHA-256": _hashes,
}


def _guest(guest: Facts) -> str:
    """2 CPUs, 512 MB, Linux 6.1."""
    parts = [GUEST["smp"](guest["smp"]), GUEST["memory_mb"](guest["memory_mb"])]
    parts += [GUEST["numa_nodes"](guest["numa_nodes"])] * (guest["numa_nodes"] > 1)
    parts += [GUEST["quantum"](guest["quantum"])] * (guest["quantum"] != NO_QUANTUM)
    arguments = f" `{guest['kernel_args']}`" * bool(guest["kernel_args"])
    return ", ".join([*parts, f"Linux {guest['image']['kernel_version']}{arguments}"])


def _turns(each: Facts) -> str | None:
    """In exact timing: how the CPUs of guests that have several take turns."""
    if each["timing"] != "exact":
        return None
    quanta = dict.fromkeys(guest["quantum"] for guest in each["guests"] if guest["smp"] > 1)
    out_of_turn = each.get("runs_out_of_turn")
    return "; ".join([*map(_turn, quanta), *([OUT_OF_TURN.format(out_of_turn)] if out_of_turn else [])]) or None


OUT_OF_TURN = (
    "in {} of the runs QEMU's main loop did not wait for its turn (the guest was busy for 60 s of CPU time, or the "
    "turnstile was not loaded), so they may come out otherwise when they are made again (docs/exact.md)"
)


def _turn(quantum: str) -> str:
    if quantum == NO_QUANTUM:
        return (
            "no quantum: each runs until it waits, hints that it spins, or a timer of the guest is due, so a loop that spins "
            "without a hint holds the others up for some ms"
        )
    return (
        f"a quantum of {quantum}: each runs until it waits, hints that it spins, or for {quantum}; a hand-over between two "
        "loops that spin without a hint takes that long"
    )


def again(sweeps: Sequence[Mapping[str, str]]) -> list[str]:
    """The commands that make all runs again, where this report is."""
    elsewhere = {"RESULTS": str(PAGE.parent)} if PAGE.parent != ROOT else {}
    commands = []
    for each in sweeps:
        knobs = {name: each[name] for name in ("SUITE", "TARGET", "TIMING") if name in each} | dict(each) | elsewhere
        quoted = {name: f'"{value}"' if " " in value or not value else value for name, value in knobs.items()}
        commands.append(" ".join(["make run-scenarios", *(f"{name}={value}" for name, value in quoted.items())]))
    return commands


def _conditions(measurement: Facts, raw: pd.DataFrame) -> str:
    seeds = ", ".join(map(str, sorted(set(raw["seed"]))))
    text = f"{measurement['accelerator']}; seeds {seeds}"
    if "clock_read_ns" in raw:
        text += f"; a clock read costs {raw['clock_read_ns'].median():.0f} ns"
    if measurement["timing"] == "live":
        host = measurement["host"]
        text += f"; host {host['cpu']}, {host['cpus']} CPUs, load before a run at most {host['load_before_max']:.2f}"
        if not host.get("ledger"):
            text += f", CPU time stolen from the host at most {share(host['steal_share_max'], 1)}"
        text += f"; {host['from']} to {host['to']}"
    return text


def ledger(summary: Facts) -> str:
    """A lab.tables.ledger_summary.of_runs(), in a line."""
    runs, known = summary["runs"], summary["runs_with_ledger"]
    pinned = (f"{how}{_in_some(count, known)}" for how, count in summary["pinning"].items())
    changed = summary["runs_with_changed_clock_source"]
    clock = f"changed{_in_some(changed, known)}" if changed else "stable"
    parts = [
        f"only {known} of {runs} runs have one" * (known < runs),
        "vCPUs " + ", ".join(pinned),
        f"run delay of a vCPU at most {_share(summary['vcpu_run_delay_share_max'])}",
        f"stolen at most {_share(summary['steal_share_max'])}",
        f"clock source {', '.join(summary['clock_sources']) or 'unknown'}, {clock}",
        _frequency(summary["frequency_min_mhz"], summary["frequency_max_mhz"]),
        _noisy(summary),
    ]
    return "; ".join(filter(None, parts))


def _frequency(low_mhz: float | None, high_mhz: float | None) -> str:
    if low_mhz is None or high_mhz is None:
        return "frequency unknown"
    if high_mhz <= (1 + STEADY_FREQUENCY) * low_mhz:
        return f"{high_mhz:,.0f} MHz, stable"
    return f"{low_mhz:,.0f} to {high_mhz:,.0f} MHz, not stable"


def _noisy(summary: Facts) -> str:
    limits = {word: f"{word} {_share(most, 0)}" for word, most in summary["limits"].items()}
    if not summary["noisy_runs"]:
        return f"no run noisy (limits: {', '.join(limits.values())})"
    past = ", ".join(f"{limits.get(word, word)} in {count}" for word, count in summary["noisy_past"].items())
    return f"{summary['noisy_runs']} of {summary['runs_with_ledger']} runs noisy" + f" (past {past})" * bool(past)


def _in_some(count: int, runs: int) -> str:
    return f" in {count} of {runs} runs" if count < runs else ""


def _share(value: float | None, digits: int = 1) -> str:
    return "unknown" if value is None else share(value, digits)
