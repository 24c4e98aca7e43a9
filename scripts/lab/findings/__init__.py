"""What is odd, and why: the rules of every workload, and those that a workload has of its own."""

from importlib import import_module
from importlib.util import find_spec

from lab.findings import measurement
from lab.judge.finding import Rule
from lab.plan import contract


def rules_of(workload: str) -> tuple[Rule, ...]:
    """Those about the measurement first: they say how far to trust the others, of lab/findings/<workload>.py."""
    own = f"{__name__}.{workload}"
    has_own = workload in contract.names() and find_spec(own) is not None
    return (*measurement.RULES, *(import_module(own).RULES if has_own else ()))
