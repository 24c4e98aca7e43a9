"""The step that shows what the counters' plugin saw of a guest (qemu/counters/)."""

import argparse
from pathlib import Path
from typing import Any

from lab.text.files import write_whole
from lab.text.outside import say


def add(steps: Any) -> None:
    """Adds `counters`."""
    step = steps.add_parser("counters", help="show what the counters' plugin saw of a guest")
    step.set_defaults(step=show_counters)
    step.add_argument("--symbols", type=Path, action="append", default=[], help="of nm, or /proc/kallsyms")
    step.add_argument("--csv", type=Path, help="where the counts go")
    step.add_argument("--shared-csv", type=Path, help="where the shared lines go")
    step.add_argument("counters", type=Path, help="a run's counters.json")


def show_counters(arguments: argparse.Namespace) -> None:
    """Prints what the plugin counted, and writes the counts and the shared lines as CSV."""
    from lab.counters import counters, symbols

    seen = counters.read(arguments.counters)
    counts = counters.counts(seen)
    shared = counters.shared_lines(seen, symbols.read(arguments.symbols))
    say(counters.counts_text(counts))
    if "caches" in seen:
        say(counters.shared_text(shared))
    for path, table in ((arguments.csv, counts), (arguments.shared_csv, shared)):
        if path is not None:
            write_whole(path, table.to_csv(index=False, lineterminator="\n"))
