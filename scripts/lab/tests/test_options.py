"""The options that a scenario may set are those that the program has, and take what it takes."""

import re
import subprocess
from pathlib import Path

import pytest

from lab.plan import suite
from lab.plan.program import of_host

# What the program has for the sweep and for people, not for scenarios.
OTHERS = {"version", "seed", "emit-latencies", "emit-histogram", "emit-hlog", "stats", "check", "check-lines"}

# Such as "  --queue-cap 1..16777216=64    items that the queue holds", or "  --mlock   keep all memory".
LINE = re.compile(r"^  (?:-\w,)?--(?P<name>[a-z0-9-]+)(?: (?P<valid>[^\s=]+))?", re.MULTILINE)


@pytest.fixture(scope="module")
def program() -> dict[str, re.Match[str]]:
    """The program's options for scenarios, by name, as its --help has them."""
    text = subprocess.run([of_host(Path()), "--help"], capture_output=True, text=True, check=True).stdout
    options = {line["name"]: line for line in LINE.finditer(text) if line["name"] != "help"}
    assert OTHERS < options.keys()
    return {name: line for name, line in options.items() if name not in OTHERS}


def test_scenarios_have_the_program_s_options(program: dict[str, re.Match[str]]) -> None:
    assert set(suite.OPTIONS) == set(program)


def test_values_are_of_the_program_s_kinds(program: dict[str, re.Match[str]]) -> None:
    kinds = {name: type(kind) for name, kind in suite.OPTIONS.items()}
    for name, line in program.items():
        valid = line["valid"]
        expected = suite.Flag if valid is None else suite.Number if valid[0].isdigit() else suite.Words
        assert (name, kinds[name]) == (name, expected)


def test_limits_that_a_plan_needs_are_the_program_s(program: dict[str, re.Match[str]]) -> None:
    limited = {name: kind for name, kind in suite.OPTIONS.items() if isinstance(kind, suite.Number) and kind.low >= 0}
    assert limited.keys() == {"duration", "warmup"}
    for name, kind in limited.items():
        assert (name, program[name]["valid"]) == (name, f"{kind.low:g}..{kind.high:g}")
