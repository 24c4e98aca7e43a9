"""Rules about what was counted for an item: instructions, and what CPUs take from each other's caches."""

import math
from collections.abc import Iterator

from lab.counters import counted
from lab.judge.evidence import Case, Evidence
from lab.judge.finding import Finding, Values, Words, rule
from lab.plan.contract import Contract

FAR_ABOVE = 1.5  # times the baseline's
MORE_SWITCHES = 0.5  # an item
# What counted them, which is never compared with another; each with the share that is the kernel's.
INSTRUCTIONS = {
    "perf_instructions_per_item": ("perf stat", "perf_kernel_instructions_per_item"),
    "perf_plugin_instructions_per_item": ("QEMU's plugin, under perf stat", "perf_plugin_kernel_instructions_per_item"),
    "instructions_per_item": ("counted from outside", "kernel_instructions_per_item"),
}
SWITCHES = "perf_context_switches_per_item"


def _words(values: Values, contract: Contract) -> Words:
    each = counted.each(contract).replace("{", "{{").replace("}", "}}")
    causes = {
        "switches": f"it has {{switches:,.1f}} context switches {each} more, and each takes thousands of instructions",
        "spins": "a thread that spins runs instructions while it waits, so a long interval makes many of them",
        "work": f"the program or the kernel does more for each {each.partition(' ')[2]}",
    }
    return (
        f"{{own:,.0f}} {each}, "
        + "{times:.1f} times the {base:,.0f} of {baseline} ({source})"
        + ", {kernel:.0%} of them in the kernel" * ("kernel" in values),
        causes[str(values["why"])],
        "make profile SCENARIO={suite}/{scenario}, which counts them by function",
    )


@rule("many instructions", _words)
def many_instructions(evidence: Evidence) -> Iterator[Finding]:
    """An item takes far more instructions than in the baseline."""
    cases = {(case.measurement, case.scenario): case for case in evidence.cases}
    for case in evidence.cases:
        base = cases.get((case.measurement, evidence.environment.get("baselines", {}).get(case.scenario, "")))
        if base is None:
            continue
        for column, (source, of_kernel) in INSTRUCTIONS.items():
            own, its = case.value(column), base.value(column)
            if own >= FAR_ABOVE * its > 0:
                kernel = case.value(of_kernel) / own
                yield case.found(
                    own=own,
                    times=own / its,
                    base=its,
                    baseline=base.scenario,
                    source=source,
                    suite=evidence.environment.get("suite", "SUITE"),
                    **({} if math.isnan(kernel) else {"kernel": kernel}),
                    **_why(evidence, case, base),
                )
                break


def _why(evidence: Evidence, case: Case, base: Case) -> Values:
    """More sleeps, where context switches were counted as well; else what the program itself does."""
    more = case.value(SWITCHES) - base.value(SWITCHES)
    if more >= MORE_SWITCHES:
        return {"why": "switches", "switches": more}
    waits = [name for name, each in evidence.contract.options.items() if each.means == "waiting"]
    return {"why": "spins" if any(case.options.get(name) in ("spin", "yield") for name in waits) else "work"}


@rule(
    "false sharing",
    (
        "on one cache line: {where}, simulated",
        "different CPUs write different bytes of that line, and each takes it from the other for nothing",
        "alignas(64) for what each of them writes, so that it has a line of its own",
    ),
)
def false_sharing(evidence: Evidence) -> Iterator[Finding]:
    """Threads on different CPUs write different bytes of one cache line."""
    for case in evidence.cases:
        seen = case.rows[counted.SHARED].dropna() if counted.SHARED in case.rows else ()
        for where in dict.fromkeys(text for text in seen if text):
            yield case.found(where=where)


RULES = (many_instructions, false_sharing)
