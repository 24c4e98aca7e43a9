"""What is odd, and why: the rules of every workload, and those that a workload has of its own."""

from importlib import import_module
from importlib.util import find_spec

from lab.findings import measurement, own
from lab.judge.finding import Rule
from lab.plan import contract
from lab.plan.contract import Contract


def rules_of(workload: Contract) -> tuple[Rule, ...]:
    """Those about the measurement first: they say how far to trust the others, which are of lab/findings/<workload>.py,
    or about any program of a user."""
    if workload.own:
        return (*measurement.RULES, *own.RULES)
    room = f"{__name__}.{workload.name}"
    has_room = workload.name in contract.names() and find_spec(room) is not None
    return (*measurement.RULES, *(import_module(room).RULES if has_room else ()))
