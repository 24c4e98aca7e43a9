"""Rules about what the kernel's sched events said of traced runs: what the threads waited for."""

from collections.abc import Iterator

import pandas as pd

from lab.trace import runs as trace_runs
from lab.findings.pipeline import MOSTLY_SLACK, SLACK_US, late_by_host
from lab.judge.evidence import Finding, Study, percent
from lab.tables.measurement import KEYS, Measurement
from lab.trace.split import CONSUMER, PRODUCER, THREAD_OF
from lab.tables.stages import ALL, NAMED_SHARE, SLOWEST
from lab.trace.timeline import ASLEEP, IDLE, RUN_DELAY, RUNNING

LARGE = 0.3  # of a response time: a part that is worth a finding
# By stage and part: what readers call it.
PARTS = {
    ("lateness", ASLEEP): "the producer asleep beyond its time",
    ("lateness", RUN_DELAY): "the producer woken, but without a CPU",
    ("lateness", RUNNING): "the producer late and running",
    ("enqueue", ASLEEP): "the queue full and the producer asleep",
    ("enqueue", RUN_DELAY): "the queue full, then the producer without a CPU",
    ("enqueue", RUNNING): "the queue full and the producer running",
    ("behind", ASLEEP): "behind earlier items with the consumer asleep",
    ("behind", RUN_DELAY): "behind earlier items with the consumer without a CPU",
    ("behind", RUNNING): "behind earlier items with the consumer running",
    ("wake_up", ASLEEP): "nothing waking the consumer yet",
    ("wake_up", RUN_DELAY): "the consumer woken, but without a CPU",
    ("wake_up", RUNNING): "the consumer running on its way to the item",
    ("service", ASLEEP): "the consumer asleep at its work",
    ("service", RUN_DELAY): "the consumer without a CPU at its work",
    ("service", RUNNING): "the consumer at its work",
}
# By stage and part, or for any stage by part: why, and what to try.
CAUSES = {
    ("lateness", ASLEEP): (
        "its timer fires late: unless told otherwise the kernel may put it off by 50 µs of timer slack",
        'timer-slack-ns = 1, a real-time class (sched), which has no slack, or pacing = "spin"',
    ),
    ASLEEP: (
        "the other thread had yet to notice that this one sleeps, and to begin to wake it",
        'wait = "spin" or "hybrid", which need not be woken',
    ),
    RUNNING: (
        "the thread had a CPU, and spent it on its way into the kernel and out again, or on earlier items",
        "make profile, which counts the instructions of each function",
    ),
}


def traced_waits(study: Study) -> Iterator[Finding]:
    """What the slowest items waited for most, to the part of a stage, and which task had the CPU meanwhile."""
    if study.traces.empty:
        return
    for key, runs in study.traces.groupby([*KEYS, "scenario"], sort=False):
        known = trace_runs.means(runs)
        population = SLOWEST if (known["population"] == SLOWEST).any() else ALL
        rows = known[known["population"] == population]
        shares = rows.groupby(["stage", "part"])["mean_ns"].sum().sort_values(ascending=False) / rows["mean_ns"].sum()
        if not shares.iloc[0] >= LARGE:
            continue
        told = [
            f"{percent(share)} {PARTS[part]}{_delay(rows, *part)}"
            for part, share in shares.items()
            if share >= NAMED_SHARE
        ]
        name = f"what {'the slowest 1 %' if population == SLOWEST else 'items'} waited for, traced"
        measurement = Measurement(*key[:-1])
        evidence = f"of {rows['mean_ns'].sum() / 1e3:,.0f} µs {', '.join(told)}"
        stage, part = shares.index[0]
        yield Finding(name, key[-1], measurement, evidence, *_why(rows, stage, part, measurement))


def _delay(rows: pd.DataFrame, stage: str, part: str) -> str:
    """' (21.4 µs: nobody on CPU 0)' of a run delay."""
    if part != RUN_DELAY:
        return ""
    of_stage = rows[(rows["stage"] == stage) & (rows["part"] == part)]
    had = [trace_runs.holder(task, cpu) for task, cpu, share in trace_runs.holders(of_stage) if share >= NAMED_SHARE]
    return f" ({of_stage['mean_ns'].sum() / 1e3:,.1f} µs: {', '.join(had)})"


def _why(rows: pd.DataFrame, stage: str, part: str, measurement: Measurement) -> tuple[str, str]:
    of_stage = rows[(rows["stage"] == stage) & (rows["part"] == part)]
    asleep_too_long = (stage, part) == ("lateness", ASLEEP) and of_stage[
        "mean_ns"
    ].sum() > MOSTLY_SLACK * SLACK_US * 1e3
    if asleep_too_long and measurement.timing == "live":
        return late_by_host(measurement.accelerator)
    if part != RUN_DELAY:
        return CAUSES.get((stage, part)) or CAUSES[part]
    task, cpu, _ = trace_runs.holders(of_stage)[0]
    own = THREAD_OF[stage]
    if task in (PRODUCER, CONSUMER):
        return (
            f"both threads want CPU {cpu}, and one waits for the other",
            "a CPU of its own for each (pin-producer, pin-consumer)",
        )
    if task != IDLE:
        return (
            f"{task} had CPU {cpu}, where the {own} was to run",
            f"keep others off the {own}'s CPU (pin-{own}, isolcpus)",
        )
    cause = f"nothing else ran there: it took so long until the idle CPU had noticed and switched to the {own}"
    if measurement.timing == "exact":
        cause += " (in exact timing, where CPUs run in turn, also until it was its turn)"
    option = 'pacing = "spin"' if own == PRODUCER else 'wait = "spin" or "hybrid"'
    return cause, f"a thread that does not sleep ({option}), with a CPU of its own"


RULES = (traced_waits,)
