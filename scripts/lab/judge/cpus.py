"""Which CPUs of its guest a case leaves to each thread: pins say it, and what the kernel was told to isolate."""

import re
from collections.abc import Mapping
from typing import Any

from lab.judge.evidence import Case, Study
from lab.plan.guest import Guest
from lab.tables.measurement import each_of

ISOLATED = re.compile(r"(?:^|\s)isolcpus=(\S+)")
CPUS = re.compile(r"(\d+)(?:-(\d+))?")


def guest_of(study: Study, case: Case) -> tuple[int, set[int]]:
    """How many CPUs its guest has, and which of them are isolated."""
    facts = each_of(study.environment).get(case.measurement, {})
    smp = int(case.options.get("smp", facts.get("smp", Guest.smp)))
    return smp, isolated(case.options.get("kernel-args") or _common_arguments(facts))


def _common_arguments(facts: Mapping[str, Any]) -> str:
    """The kernel arguments that all guests of a measurement have; where they differ, each scenario's options tell."""
    arguments = {guest.get("kernel_args", "") for guest in facts.get("guests", [facts])}
    return str(arguments.pop()) if len(arguments) == 1 else ""


def isolated(kernel_args: str) -> set[int]:
    """{1, 2, 5} of 'isolcpus=managed_irq,1-2,5'."""
    match = ISOLATED.search(kernel_args)
    ranges = [CPUS.fullmatch(part) for part in match[1].split(",")] if match else []
    return {cpu for each in ranges if each for cpu in range(int(each[1]), int(each[2] or each[1]) + 1)}


def allowed(study: Study, case: Case, thread: str) -> set[int]:
    """The CPUs that the kernel may run the producer or the consumer on."""
    smp, apart = guest_of(study, case)
    pin = case.options.get(f"pin-{thread}")
    return {int(pin)} if pin is not None else set(range(smp)) - apart
