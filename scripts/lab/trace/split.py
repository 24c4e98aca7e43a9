"""The stages of a traced run's items, each split by what the thread did that it was waiting for.

    each stage, of the thread whose role it waits for = asleep + run delay + running

Asleep: until something began to wake the thread, a timer or the other thread. Run delay: woken, and without a CPU;
which task had that CPU is told. Running: it had a CPU, on its way to sleep, back from it, or at work.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lab.plan.contract import Contract
from lab.runs import outputs
from lab.runs.guest_files import OUT
from lab.tables import stages
from lab.tables.stages import ALL, SLOWEST, SLOWEST_NEEDS
from lab.text.complaint import FAILED, Complaint
from lab.trace import timeline, events as trace_events
from lab.trace.timeline import Timeline

COLUMNS = ["population", "stage", "part", "cpu", "held_by", "mean_ns"]
REMEDY = "run scripts/trace.sh again"


@dataclass(frozen=True)
class Split:
    """`bounds_ns` [items, stages + 1] are where an item's stages begin and end, from the first measured item on.

    `parts_ns` has, by stage, how long its thread did each of its timeline's kinds meanwhile [items, kinds]. All times
    are on the clock of the trace.
    """

    bounds_ns: np.ndarray
    parts_ns: dict[str, np.ndarray]
    timelines: dict[str, Timeline]  # by role
    waits_for: dict[str, str]  # the role, by stage
    begin_ns: int  # when the measured part began

    @property
    def response_ns(self) -> np.ndarray:
        return self.bounds_ns[:, -1] - self.bounds_ns[:, 0]


def split(run: Path, known: Contract) -> Split:
    """Splits the items of the traced run in the folder `run` (its out/ has what the program left, and the events).

    Raises Complaint naming file and remedy when any is damaged, or when they are not of the same run.
    """
    file = run / OUT / outputs.SAMPLES
    begin_ns = int(outputs.read_stats(run / OUT / outputs.STATS)["begin_ns"])
    threads = outputs.read_threads(run / OUT / outputs.THREADS, known)
    of_role = {role: [each for each in threads if each.role == role] for role in known.roles}
    blocks = list(stages.samples(file, known))
    if not blocks:
        raise Complaint(file, f"has no items: {REMEDY}", FAILED)
    waits_for = {stage.name: stage.waits_for for stage in known.stages.values() if stage.waits_for}
    if crowded := [role for role in waits_for.values() if len(of_role[role]) != 1]:
        what = f"has {len(of_role[crowded[0]])} threads whose role is {crowded[0]}, and one is followed"
        raise Complaint(run / OUT / outputs.THREADS, f"{what}: trace a scenario with one of each role")
    events = trace_events.read(run)
    names = {thread.tid: thread.name for thread in threads}
    did = {
        role: timeline.of_thread(one.tid, events, names)
        for role, (one, *_) in of_role.items()
        if role in known.needed_roles
    }
    items = pd.concat(blocks, ignore_index=True)
    ends = items[[stage.column for stage in known.stages.values()]].to_numpy().cumsum(axis=1)
    bounds = begin_ns + items["intended_ns"].to_numpy()[:, None] + np.column_stack([np.zeros(len(ends), int), ends])
    _check_same_run(file, bounds, did, list(known.stages), waits_for)
    parts = {
        stage: did[role].spent(bounds[:, place], bounds[:, place + 1])
        for place, stage in enumerate(known.stages)
        if (role := waits_for.get(stage))
    }
    return Split(bounds, parts, did, waits_for, begin_ns)


def _check_same_run(
    file: Path, bounds_ns: np.ndarray, did: Mapping[str, Timeline], of_stages: list[str], waits_for: Mapping[str, str]
) -> None:
    """A thread that reads the clock runs: the one that a stage waits for does when the last of its stages ends."""
    for place, stage in enumerate(of_stages, start=1):
        role, following = waits_for.get(stage), waits_for.get(of_stages[place]) if place < len(of_stages) else None
        wrong = ~did[role].runs_at(bounds_ns[:, place]) if role and role != following else np.array([False])
        if wrong.any():
            what = f"row {int(wrong.argmax()) + 1}: the trace has the {role} not running when {stage} ended"
            raise Complaint(file, f"{what}, so that it is of another run: {REMEDY}", FAILED)


def table(known: Split) -> pd.DataFrame:
    """Means over items: columns population, stage, part, cpu, held_by, mean_ns.

    What took no time has no row. Of 100 items or more the SLOWEST are told as well. `cpu` and `held_by` are of run
    delays, and empty elsewhere.
    """
    populations = {ALL: np.ones(len(known.bounds_ns), dtype=bool)}
    if len(known.bounds_ns) >= SLOWEST_NEEDS:
        populations[SLOWEST] = stages.slowest(known.response_ns)
    rows = []
    for population, chosen in populations.items():
        for stage, parts in known.parts_ns.items():
            for kind, sum_ns in zip(known.timelines[known.waits_for[stage]].kinds, parts[chosen].sum(axis=0)):
                if sum_ns:
                    cpu = "" if kind.cpu == timeline.NO_CPU else str(kind.cpu)
                    rows.append((population, stage, kind.state, cpu, kind.held_by, sum_ns / chosen.sum()))
    return pd.DataFrame(rows, columns=COLUMNS)
