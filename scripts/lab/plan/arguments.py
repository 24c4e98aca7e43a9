"""How values on the command line are read, and the options that several steps have."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from lab.plan import guest, plan
from lab.text import strict
from lab.plan.kinds import Kind, Number, Value
from lab.text.complaint import Complaint


class _Help(argparse.HelpFormatter):
    """Lines of up to 120 characters, whatever the terminal has."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=120)


class Parser(argparse.ArgumentParser):
    """Complains in one line, and takes options by their whole names."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Help, **settings)

    def error(self, message: str) -> NoReturn:
        if message.startswith("argument "):  # argument --reps: ...
            where, what = message.removeprefix("argument ").split(": ", 1)
            raise Complaint(where, what.replace("expected one argument", "needs a value"))
        raise Complaint(self.prog, f"{message}: see --help")


def add_guest_options(step: argparse.ArgumentParser) -> None:
    """What a user may say of guests, which `sweep_of` reads."""
    wish = "of live runs: kvm, tcg, or auto, which is kvm where it works (auto)"
    step.add_argument("--accelerator", choices=plan.WISHES, default="auto", metavar="WHICH", help=wish)
    for key, kind in guest.KEYS.items():
        flag = "--" + guest.KNOBS[key].lower().replace("_", "-")
        about = "of guests, where scenarios do not say it themselves (as the suite's [guest] says)"
        step.add_argument(flag, dest=key, type=to_value(kind), metavar="VALUE", help=about)
    about = "in live timing pin each CPU of a guest to one of the host, if it has enough (yes)"
    step.add_argument("--pin-vcpus", choices=("yes", "no"), default="yes", metavar="yes|no", help=about)


def to_number(kind: Kind | None) -> Callable[[str], float]:
    """Converts to a number that `kind` takes; without a kind, to any."""

    def convert(text: str) -> float:
        for number in (strict.whole, strict.real):
            try:
                value = number(text)
            except ValueError:
                continue
            if kind is None or kind.accepts(value):
                return value
        raise argparse.ArgumentTypeError(f"'{text}' is not valid: give {kind or 'a number'}")

    return convert


def to_value(kind: Kind) -> Callable[[str], Value]:
    """Converts to what `kind` takes: a number, or a text."""
    if isinstance(kind, Number):
        return to_number(kind)

    def convert(text: str) -> str:
        if kind.accepts(text):
            return text
        raise argparse.ArgumentTypeError(f"'{text}' is not valid: give {kind}")

    return convert


def add_path(step: argparse.ArgumentParser, name: str, about: str, usual: Path | None = None) -> None:
    """A path, which must be given where there is no usual one."""
    step.add_argument(name, type=Path, default=usual, required=usual is None, help=about)


def sweep_of(arguments: argparse.Namespace, timings: tuple[str, ...], replicates: int, machine: str = "") -> plan.Sweep:
    """The sweep that a step's options describe, among them those of `add_guest_options`, where it has these.

    `machine` is its target, where that is not the one of the options.
    """
    said = vars(arguments)
    return plan.Sweep(
        target=machine or arguments.target,
        timings=timings,
        replicates=replicates,
        seed=arguments.seed,
        duration_s=arguments.duration,
        wanted_accelerator=said.get("accelerator", "auto"),
        guest={key: said[key] for key in guest.KEYS if said.get(key) is not None},
        pin_vcpus=said.get("pin_vcpus", "yes") == "yes",
    )
