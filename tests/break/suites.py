"""Breaks suite files: each must be planned, or refused in one line, within two seconds.

usage: /usr/bin/python3 tests/break/suites.py [--seed N] [--count 10000] [--only CASE]
"""

import random
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import budget

from lab.plan import contract, guest, plan, plan_file, suite, target
from lab.plan.places import SCENARIOS, TARGETS
from lab.plan.plan import Row

REAL = [file.read_text() for file in sorted(SCENARIOS.glob("*.toml"))]
NUMBERS = ["1__0", "1_0", "1" + "0" * 400, "0x" + "f" * 5000, "9" * 4301, "1e400", "-1e400", "nan", "-inf", "inf", "-0"]
NUMBERS += ["0", "-1", "1.5", "1e-320", "1e308", "18446744073709551616", "9007199254740993", "0.0000000001", "86400"]
VALUES = [*NUMBERS, "true", "false", "''", "'a b'", '"\\u0000"', '"\\n"', "'\"'", '"é\\u202e"', "[]", "[1, 'a']", "{}"]
VALUES += [f"'{relation} {number}'" for relation in ("<=", ">", "=", "") for number in NUMBERS[:8]]
VALUES += ["1", "2", "8", "0.5", "1000", "1e3"] * 5 + ["true"] * 5
VALUES += ["{a = {b = 1}}", "[" * 300 + "]" * 300, "'" + "x" * 5000 + "'", "1979-05-27", "07:32:00", "'poisson'"]
VALUES += ["[1, 2]", "['spin', 'futex']", "['1ms', '10us', 0]", "[{ smp = 2 }]", "[{}]", "{ smp = 1 }", "['default']"]
VALUES += ["'1ms'", "'24.39us'", "'64KiB'", "'1e400ms'", "'1 year'", "'live'", "['1.5', '../x']"]
VALUES += [
    "'burst:1,0'",
    "'burst:999999999999999999,999999999999999999'",
    "'fifo:50'",
    "'deadline:0,0,0'",
    "'--'",
    "'run'",
]
KEYS = [
    *contract.load("pipeline").options,
    *guest.KEYS,
    *suite.TOP,
    "interval",
    "rate",
    "exclude",
    "include",
    "matrix.smp",
    "response_p99_us",
    "throughput_ops_s",
    "drop_rate",
    "'a b'",
    '""',
    "x" * 300,
]
HEADERS = ["[scenario.a]", "[scenario]", "[[scenario.a]]", "[slo]", "[common]", "[guest]", "[scenario.'é']", "['']"]
HEADERS += [
    "[matrix]",
    "[axis.load]",
    "[axis.x]",
    "[group.g]",
    "[group.g.scenario.a]",
    "[group.g.matrix]",
    "[[matrix]]",
]
HEADERS += ["[scenario." + "a" * 65 + "]", "[scenario.a.b]", "[scenario" + ".a" * 900 + "]", "[slo.response_p99_us]"]
EVIL = [
    "",
    "\ufeff[scenario.a]",
    "[scenario.a]\r\nqueue-cap = 8\r\n",
    "[scenario.a]\nqueue-cap" + ".a" * 900 + " = 1",
    "a." * 30000 + "a = 1\n[scenario.a]",
    "".join(f"a.b{number} = 1\n" for number in range(20000)),
    "".join(f"[scenario.s{number}]\n" for number in range(20000)),
    "".join(f"[a.b{number}]\n" for number in range(15000)),
    "baseline = " + "1" * 5000 + "\n[scenario.a]",
    "baseline = [" + "'a', " * 40000 + "]\n[scenario.a]",
    "x = " + "[" * 50000 + "]" * 50000,
    "x = " + "{a=" * 50000,
    "[scenario.a]\n[slo]\nresponse_p99_us = '<= 1__0'",
    "[scenario.a]\n[slo]\nresponse_p99_us = 1" + "0" * 400,
    "title = '''" + "\n" * 100000 + "'''\n[scenario.a]",
    "[" + "x" * 200000 + "]",
    "[scenario.a]\n" + "x" * 200000 + " = 1",
    "#" * 262144 + "\n[scenario.a]",
    "[scenario.a]\nprod-interval-us = 0.0000000001\nduration = 0.001",
    "[scenario.a]\n[scenario.a]",
    f"[matrix]\nqueue-cap = {list(range(1, 9000))}\nbatch = {list(range(1, 9000))}",
    f"[matrix]\nsmp = [1]\ninclude = [{'{smp=2},' * 25000}]",
    f"[matrix]\nqueue-cap = {list(range(1, 9001))}\nexclude = [{'{queue-cap=2},' * 12000}]",
    "".join(f"[group.g{number}]\nmatrix.queue-cap = {list(range(1, 1001))}\n" for number in range(50)),
    "[axis.x]\n" + "".join(f"a{number} = {{ smp = 1 }}\n" for number in range(10000)) + "[matrix]\nx = ['a1']",
]


def broken(chance: random.Random) -> bytes:
    """A suite file: a real one, or an evil one, after a few changes."""
    text = chance.choice(REAL) if chance.random() < 0.8 else chance.choice(EVIL)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 5)) if len(text) < 50000 else chance.randint(0, 1)):
        text = chance.choice(CHANGES)(chance, text)
    content = text.encode()
    if content and chance.random() < 0.15:
        place = chance.randrange(len(content))
        content = content[:place] + bytes([chance.randrange(256)]) + content[place + chance.randint(0, 1) :]
    return content


def _value(chance: random.Random, text: str) -> str:
    """Another value for a key that is there."""
    lines = text.split("\n")
    with_key = [number for number, line in enumerate(lines) if "=" in line]
    if with_key:
        number = chance.choice(with_key)
        lines[number] = lines[number].split("=")[0] + "= " + chance.choice(VALUES)
    return "\n".join(lines)


def _line(chance: random.Random, text: str) -> str:
    """A line more: a key with a value, or a header; perhaps many times."""
    lines = text.split("\n")
    key = ".".join(chance.choices(KEYS, k=chance.choice((1, 1, 1, 2, 30))))
    line = chance.choice((f"{key} = {chance.choice(VALUES)}", chance.choice(HEADERS)))
    lines[chance.randint(0, len(lines)) : 0] = [line] * chance.choice((1, 1, 1, 2, 2000))
    return "\n".join(lines)


def _taken(chance: random.Random, text: str) -> str:
    """A line more that another suite has."""
    lines = text.split("\n")
    lines.insert(chance.randint(0, len(lines)), chance.choice(chance.choice(REAL).split("\n")))
    return "\n".join(lines)


def _lost(chance: random.Random, text: str) -> str:
    begin = chance.randint(0, len(text))
    return text[:begin] + text[begin + chance.randint(1, 40) :]


def _swapped(chance: random.Random, text: str) -> str:
    lines = text.split("\n")
    chance.shuffle(lines)
    return "\n".join(lines)


def _inserted(chance: random.Random, text: str) -> str:
    place = chance.randint(0, len(text))
    return (
        text[:place]
        + chance.choice((*VALUES, *HEADERS, "=", "\0", "\t", "'''", '"""', "#", ".", "\u2028"))
        + text[place:]
    )


def _joined(chance: random.Random, text: str) -> str:
    return text + "\n" + chance.choice(REAL)


CHANGES = (_value, _value, _value, _line, _line, _taken, _taken, _taken, _lost, _swapped, _inserted, _joined)


def case(chance: random.Random, folder: Path) -> str:
    """Plans a broken file in all ways, and reads the plan again."""
    file = folder / chance.choice(("s.toml",) * 6 + ("a-b.toml", "é.toml", "a b.toml", "x" * 70 + ".toml"))
    file.write_bytes(broken(chance))
    for kernel in ("aarch64", "aarch64.rt"):
        (folder / "build/image" / kernel).mkdir(parents=True)
        facts = "".join(f"{name}\tfake\n" for name in plan.IMAGE_FACTS)
        (folder / "build/image" / kernel / "image.tsv").write_text(facts)
    sweep = plan.Sweep(
        target="aarch64",
        timings=chance.choice((plan.TIMINGS, ("live",), ("exact",))),
        replicates=chance.choice((1, 3)),
        seed=chance.choice((1, plan.MAX_SEED - 2)),
        duration_s=chance.choice((None, None, 0.5, 86400)),
        guest=chance.choice(
            ({}, {}, {}, {}, {}, {"smp": 4}, {"kernel-args": "isolcpus=1 quiet"}, {"kernel": "x" * 5000})
        ),
    )
    known = suite.load(file)
    target.load(TARGETS, sweep.target)
    rows = plan.expand(known, sweep, folder / "build", TARGETS)
    table = folder / "sweep.jsonl"
    table.write_text(plan_file.write(plan.shuffled(rows, 1)))
    assert sorted(row.run for row in plan_file.read(table)) == sorted(row.run for row in rows)
    assert len({row.run for row in rows}) == len({_decisive(row) for row in rows})
    assert len({(row.run, _decisive(row)) for row in rows}) == len({row.run for row in rows})
    return "planned"


def _decisive(row: Row) -> tuple[object, ...]:
    """What rows with the same name have alike; the images of all kernels here are the same."""
    return row.place if row.timing == "live" else "", row.seed, row.command, row.parcel, replace(row.guest, kernel="")


if __name__ == "__main__":
    sys.exit(budget.main(case, __doc__ or "", 10000))
