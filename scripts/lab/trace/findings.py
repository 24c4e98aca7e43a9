"""Rules about what the kernel's sched events said of traced runs: what the threads waited for."""

from collections.abc import Iterator

import pandas as pd

from lab.judge.evidence import Evidence
from lab.judge.finding import MOSTLY_SLACK, SLACK_US, Finding, Values, Words, late_by_host, rule
from lab.plan.contract import Contract
from lab.tables.measurement import KEYS, Measurement
from lab.tables.stages import ALL, NAMED_SHARE, SLOWEST
from lab.trace import runs as trace_runs
from lab.trace.timeline import ASLEEP, IDLE, RUN_DELAY, RUNNING

LARGE = 0.3  # of a response time: a part that is worth a finding
PARTS = {ASLEEP: "asleep", RUN_DELAY: "without a CPU", RUNNING: "running"}  # of the thread that a stage waits for


def _spinning(contract: Contract) -> str:
    """'pacing = "spin" or wait = "spin"': the options by which a thread does not sleep."""
    names = [name for name, each in contract.options.items() if each.means == "waiting" and each.kind.accepts("spin")]
    return " or ".join(f'{name} = "spin"' for name in names)


def _words(values: Values, contract: Contract) -> Words:
    shares = {
        (stage, part): float(values[f"{stage} {part}"])
        for stage in contract.stages
        for part in PARTS
        if f"{stage} {part}" in values
    }
    parts = []
    for stage, part in sorted(shares, key=lambda each: -shares[each]):
        thread = f"the {contract.stages[stage].waits_for or 'thread'} {PARTS[part]}"
        had = f" for {{{stage} delay_ns:us,.1f}} µs, {{{stage} had}}" * (part == RUN_DELAY)
        parts.append(f"{{{stage} {part}:.0%}} {contract.stages[stage].text} ({thread}{had})")
    return "of {response_ns:us,.0f} µs " + ", ".join(parts), *_causes(values, contract)


def _causes(values: Values, contract: Contract) -> tuple[str, str]:
    """Why, and what to try, by the part of a stage that took longest."""
    own = contract.stages[str(values["stage"])].waits_for or "thread"
    pins = {role: name for name, role in contract.pins.items()}
    spinning = _spinning(contract)
    match values["why"]:
        case "slack":
            return (
                "its timer fires late: unless it asks otherwise the kernel may put it off by 50 µs of timer slack",
                f"timer-slack-ns = 1, a real-time class (sched), which has no slack, or a thread that spins ({spinning})",
            )
        case "asleep":
            return (
                "the other thread had yet to notice that this one sleeps, and to begin to wake it",
                f"a thread that need not be woken ({spinning})",
            )
        case "running":
            return (
                "the thread had a CPU, and spent it on its way into the kernel and out again, or on earlier items",
                "make profile, which counts the instructions of each function",
            )
        case "each other":
            return (
                "both threads want CPU {cpu}, and one waits for the other",
                f"a CPU of its own for each ({', '.join(contract.pins)})",
            )
        case "another":
            return (
                f"{{task}} had CPU {{cpu}}, where the {own} was to run",
                f"keep others off the {own}'s CPU ({', '.join([pins[own]] * (own in pins) + ['isolcpus'])})",
            )
        case "idle":
            exact = " (in exact timing, where CPUs run in turn, also until it was its turn)"
            return (
                f"nothing else ran there: it took so long until the idle CPU had noticed and switched to the {own}"
                + exact * (values["timing"] == "exact"),
                f"a thread that does not sleep ({spinning}), with a CPU of its own",
            )
    return late_by_host(str(values["why"]), own)


@rule("what items waited for, traced", _words)
def traced_waits(evidence: Evidence) -> Iterator[Finding]:
    """What items waited for most, to the part of a stage, and which task had the CPU meanwhile."""
    yield from _found(evidence, ALL)


@rule(f"what the {SLOWEST} waited for, traced", _words)
def slowest_waits(evidence: Evidence) -> Iterator[Finding]:
    """The same of the slowest ones, where there are so many items."""
    yield from _found(evidence, SLOWEST)


def _found(evidence: Evidence, population: str) -> Iterator[Finding]:
    traces = evidence.beside.get(trace_runs.FILE, pd.DataFrame())
    for key, runs in traces.groupby([*KEYS, "scenario"], sort=False) if len(traces) else ():
        known, measurement = trace_runs.means(runs), Measurement(*key[:-1])
        if population != (SLOWEST if (known["population"] == SLOWEST).any() else ALL):
            continue
        rows = known[known["population"] == population]
        shares = rows.groupby(["stage", "part"])["mean_ns"].sum().sort_values(ascending=False) / rows["mean_ns"].sum()
        if not shares.iloc[0] >= LARGE:
            continue
        values: dict[str, float | str] = {"response_ns": rows["mean_ns"].sum(), "timing": measurement.timing}
        for (stage, part), share in shares[shares >= NAMED_SHARE].items():
            values[f"{stage} {part}"] = share
            if part == RUN_DELAY:
                delays = _of(rows, stage, part)
                held = [each for each in trace_runs.holders(delays) if each[2] >= NAMED_SHARE]
                values[f"{stage} delay_ns"] = delays["mean_ns"].sum()
                values[f"{stage} had"] = ", ".join(trace_runs.holder(task, cpu) for task, cpu, _ in held)
        stage, part = shares.index[0]
        why = _why(_of(rows, stage, part), stage, part, measurement, evidence.contract)
        yield Finding("", key[-1], measurement, values | {"stage": stage} | why)


def _of(rows: pd.DataFrame, stage: str, part: str) -> pd.DataFrame:
    return rows[(rows["stage"] == stage) & (rows["part"] == part)]


def _why(rows: pd.DataFrame, stage: str, part: str, measurement: Measurement, contract: Contract) -> Values:
    if (stage, part) == (next(iter(contract.stages)), ASLEEP):  # beyond its own time, before an item is there
        too_long = rows["mean_ns"].sum() > MOSTLY_SLACK * SLACK_US * 1e3 and measurement.timing == "live"
        return {"why": measurement.accelerator if too_long else "slack"}
    if part != RUN_DELAY:
        return {"why": "asleep" if part == ASLEEP else "running"}
    task, cpu, _ = trace_runs.holders(rows)[0]
    if task == IDLE:
        return {"why": "idle"}
    return {"why": "each other" if task in contract.roles else "another", "task": task, "cpu": cpu}


RULES = (traced_waits, slowest_waits)
