"""A finding as data, and the rule that finds it: the words stand beside the rule, and the report puts values in them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from lab.plan.contract import Contract
from lab.tables.measurement import Measurement
from lab.tables.stages import NAMED_SHARE

Values = Mapping[str, float | str]
Words = tuple[str, str, str]  # evidence, cause and remedy, as templates
TICKED_S = 0.5  # of CPU time, which the kernel parts into its own and the program's by what a tick (4 ms) meets
SLACK_US = 50.0  # that Linux gives the timers of threads of no real-time class (prctl(2), PR_SET_TIMERSLACK)
MOSTLY_SLACK = 3.0  # times the slack: what is later than that, slack does not explain


@dataclass(frozen=True)
class Finding:
    """Something odd: the rule that says so, and its values. `scenario` is empty when it concerns a whole measurement."""

    rule: str
    scenario: str
    measurement: Measurement
    values: Values


@dataclass(frozen=True)
class Rule:
    """What finds something odd in the evidence of a suite (lab.judge.evidence), and the words for it.

    `words` makes templates of a finding's values. They have {name:form} where a value is to stand; `form` is one of
    Python's (of a share a percentage), `rate`, or one of these before Python's: `us`, which shows ns as µs, and `most`,
    of which the largest value does for several findings. {scenario} is the finding's own.
    """

    name: str
    find: Callable[[Any], Iterator[Finding]]
    words: Callable[[Values, Contract], Words]

    def __call__(self, evidence: Any) -> Iterator[Finding]:
        """What it finds, under its name."""
        for each in self.find(evidence):
            yield replace(each, rule=self.name, values={name: _short(value) for name, value in each.values.items()})


def rule(
    name: str, words: Words | Callable[[Values, Contract], Words]
) -> Callable[[Callable[[Any], Iterator[Finding]]], Rule]:
    """Makes a rule of a function that yields findings: those have no name yet."""
    return lambda find: Rule(name, find, words if callable(words) else lambda *_, always=words: always)


def late_by_host(accelerator: str, role: str) -> tuple[str, str]:
    """Cause and remedy of a thread that is later than its guest alone would make it."""
    emulated = accelerator != "kvm"
    return (
        f"the guest's CPU wakes the {role} late: {'the emulator or ' * emulated}the host did not run it in time",
        f"a quiet host{', KVM' * emulated}, more CPUs of the host; then a CPU of its own for the {role} (pin-{role})",
    )


def stage_shares(rows: pd.DataFrame) -> Values:
    """The values that stage_words() takes, of one population of one scenario in lab.tables.stages.table()."""
    shares = {row.stage: row.share for row in rows.itertuples() if row.share >= NAMED_SHARE}
    return {"response_ns": float(rows["mean_ns"].sum()), **shares}


def stage_words(values: Values, contract: Contract) -> str:
    """A template: 'of 1,620 µs 81 % behind earlier items, 12 % late before creation'."""
    shares = sorted((name for name in contract.stages if name in values), key=lambda name: -float(values[name]))
    parts = ", ".join(f"{{{name}:.0%}} {contract.stages[name].text}" for name in shares)
    return f"of {{response_ns:us,.0f}} µs {parts or 'no time at all'}"


def _short(value: Any) -> float | str:
    """A number as a file keeps it."""
    if isinstance(value, str):
        return value
    short = float(f"{float(value):.9g}")
    return int(short) if short.is_integer() else short
