"""The options that a scenario may set are those that the program has, with the same words and limits."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from lab import suite

# tests/run_all.sh, which builds the program first, names it; then it must be there.
NAMED = os.environ.get("PIPELAB_PROGRAM")
PROGRAM = Path(NAMED or Path(__file__).parents[3] / "build" / "host-test" / "pipelab")

# What the program has for the sweep and for people, not for scenarios.
OTHERS = {"version", "seed", "emit-latencies", "emit-histogram", "emit-hlog", "stats"}

# Such as "  --queue-cap 1..16777216=64    items that the queue holds", or "  --mlock   keep all memory".
LINE = re.compile(r"^  (?:-\w,)?--(?P<name>[a-z0-9-]+)(?: (?P<valid>[^\s=]+))?", re.MULTILINE)


@pytest.fixture(scope="module")
def program() -> dict[str, re.Match[str]]:
    """The program's options for scenarios, by name, as its --help has them."""
    if not NAMED and not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is not built: 'make test' builds it")
    text = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
    options = {line["name"]: line for line in LINE.finditer(text) if line["name"] != "help"}
    assert OTHERS < options.keys()
    return {name: line for name, line in options.items() if name not in OTHERS}


def test_scenarios_have_the_program_s_options(program: dict[str, re.Match[str]]) -> None:
    assert set(suite.OPTIONS) == set(program)


def common(program: dict[str, re.Match[str]], kind: type) -> dict[str, re.Match[str]]:
    """The options that both have, and that are of `kind` to a scenario."""
    return {name: line for name, line in program.items() if isinstance(suite.OPTIONS.get(name), kind)}


def test_words_are_the_program_s(program: dict[str, re.Match[str]]) -> None:
    for name, line in common(program, suite.OneOf).items():
        kind = suite.OPTIONS[name]
        assert isinstance(kind, suite.OneOf)
        assert (name, sorted(kind.forms)) == (name, sorted((line["valid"] or "").split("|")))


def test_limits_are_the_program_s(program: dict[str, re.Match[str]]) -> None:
    for name, line in common(program, suite.Number).items():
        low, dots, high = (line["valid"] or "").partition("..")
        if dots:
            kind = suite.OPTIONS[name]
            assert isinstance(kind, suite.Number)
            assert (name, kind.low, kind.high) == (name, float(low), float(high))


def test_flags_take_no_value_and_only_they(program: dict[str, re.Match[str]]) -> None:
    flags = {name for name, kind in suite.OPTIONS.items() if isinstance(kind, suite.Flag)}
    assert {name for name, line in program.items() if line["valid"] is None} == flags & program.keys()
