"""Rules about what was counted for an item: instructions, where perf stat or the counters saw them."""

import math
from collections.abc import Iterator

from lab.judge.evidence import Case, Finding, Study, percent

FAR_ABOVE = 1.5  # times the baseline's
MORE_SWITCHES = 0.5  # an item
# What counted them, which is never compared with another; each with the share that is the kernel's.
INSTRUCTIONS = {
    "perf_instructions_per_item": ("perf stat", "perf_kernel_instructions_per_item"),
    "perf_plugin_instructions_per_item": ("QEMU's plugin, under perf stat", "perf_plugin_kernel_instructions_per_item"),
    "instructions_per_item": ("counted from outside", "kernel_instructions_per_item"),
}


def many_instructions(study: Study) -> Iterator[Finding]:
    """An item takes far more instructions than in the baseline."""
    cases = {(case.measurement, case.scenario): case for case in study.cases}
    for case in study.cases:
        base = cases.get((case.measurement, study.environment.get("baselines", {}).get(case.scenario, "")))
        if base is None:
            continue
        for column, (source, of_kernel) in INSTRUCTIONS.items():
            own, its = case.value(column), base.value(column)
            if own >= FAR_ABOVE * its > 0:
                yield case.found(
                    "many instructions",
                    f"{own:,.0f} an item, {own / its:.1f} times the {its:,.0f} of {base.scenario} ({source})"
                    + _kernel_share(case.value(of_kernel) / own),
                    _cause(case, base),
                    f"make profile SCENARIO={study.environment.get('suite', 'SUITE')}/{case.scenario}, which counts "
                    "them by function",
                )
                break


def _kernel_share(share: float) -> str:
    return "" if math.isnan(share) else f", {percent(share)} of them in the kernel"


def _cause(case: Case, base: Case) -> str:
    """More sleeps, where context switches were counted as well; else what the program itself does."""
    column = "perf_context_switches_per_item"
    more = case.value(column) - base.value(column)
    if more >= MORE_SWITCHES:
        return f"it has {more:,.1f} context switches an item more, and each takes thousands of instructions"
    if case.options["wait"] in ("spin", "yield"):
        return "a thread that spins runs instructions while it waits, so a long interval makes many of them"
    return "the program or the kernel does more for each item"


RULES = (many_instructions,)
