"""The stages of a traced run's items, each split by what the thread did that it was waiting for.

    lateness, enqueue (the producer), behind, wake-up, service (the consumer) = asleep + run delay + running

Asleep: until something began to wake the thread, a timer or the other thread. Run delay: woken, and without a CPU;
which task had that CPU is told. Running: it had a CPU, on its way to sleep, back from it, or at work.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lab.tables import stages
from lab.trace import timeline, events as trace_events
from lab.text.complaint import FAILED, Complaint
from lab.runs.guest_files import OUT
from lab.tables.stages import ALL, SLOWEST, SLOWEST_NEEDS, STAGES
from lab.trace.timeline import Timeline

PRODUCER, CONSUMER, MAIN = "producer", "consumer", "main thread"
THREAD_OF = {
    "lateness": PRODUCER,
    "enqueue": PRODUCER,
    "behind": CONSUMER,
    "wake_up": CONSUMER,
    "service": CONSUMER,
}
# The main thread of the program sleeps until so long before the first measured item (src/pipeline/experiment.cpp).
QUIET_NS = 5_000_000
COLUMNS = ["population", "stage", "part", "cpu", "held_by", "mean_ns"]
REMEDY = "run scripts/trace.sh again"


@dataclass(frozen=True)
class Threads:
    """Who is who in a trace, and when the first measured item was due, on the clock of the trace."""

    tids: dict[str, int]
    begin_ns: int

    @property
    def names(self) -> dict[int, str]:
        return {tid: name for name, tid in self.tids.items()}


@dataclass(frozen=True)
class Split:
    """`bounds_ns` [items, stages + 1] are where an item's stages begin and end, from the first measured item on.

    `parts_ns` has, by stage, how long its thread did each of its timeline's kinds meanwhile [items, kinds].
    """

    bounds_ns: np.ndarray
    parts_ns: dict[str, np.ndarray]
    timelines: dict[str, Timeline]  # by thread

    @property
    def response_ns(self) -> np.ndarray:
        return self.bounds_ns[:, -1] - self.bounds_ns[:, 0]


def threads(events: Mapping[str, pd.DataFrame], run: Path) -> Threads:
    """Finds the threads of the traced run in the folder `run` by how the program starts them."""
    where = run / OUT
    forks, timers = events["sched_process_fork"], events["hrtimer_start"]
    if len(forks) < 2:
        what = f"shows {len(forks)} threads that the program started, and not its consumer and its producer"
        raise Complaint(where, f"{what}: {REMEDY}", FAILED)
    main = int(forks["parent_pid"].iloc[0])
    # Only a sleep has slack between the two: a tick has none.
    sleeps = timers[(timers["common_pid"] == main) & (timers["expires"] > timers["softexpires"])]
    if sleeps.empty:
        raise Complaint(where, f"does not show when the measured items begin: {REMEDY}", FAILED)
    # Its last sleep: after that it only waits for its threads.
    begin_ns = int(sleeps["softexpires"].iloc[-1]) + QUIET_NS
    consumer, producer = (int(tid) for tid in forks["child_pid"].iloc[:2])  # in that order
    return Threads({CONSUMER: consumer, PRODUCER: producer, MAIN: main}, begin_ns)


def timelines(events: Mapping[str, pd.DataFrame], known: Threads) -> dict[str, Timeline]:
    return {name: timeline.of_thread(known.tids[name], events, known.names) for name in (PRODUCER, CONSUMER)}


def split(run: Path) -> Split:
    """Splits the items of the traced run in the folder `run` (its out/ has latencies.csv and the events).

    Raises Complaint naming file and remedy when either is damaged, or when they are not of the same run.
    """
    file = run / OUT / "latencies.csv"
    events = trace_events.read(run)
    known = threads(events, run)
    stages.refuse_gaps(file)
    blocks = [(block[:, 1], stages.split(block, done)[0]) for block, done in stages.checked_blocks(file)]
    if not blocks:
        raise Complaint(file, f"has no items: {REMEDY}", FAILED)
    intended, lengths = np.concatenate([each for each, _ in blocks]), np.concatenate([each for _, each in blocks])
    bounds = intended[:, None] + np.column_stack([np.zeros(len(intended), dtype=np.int64), lengths.cumsum(axis=1)])
    did = timelines(events, known)
    _check_same_run(run, bounds + known.begin_ns, did)
    parts = {
        stage: did[THREAD_OF[stage]].spent(bounds[:, place] + known.begin_ns, bounds[:, place + 1] + known.begin_ns)
        for place, stage in enumerate(STAGES)
    }
    return Split(bounds, parts, did)


def _check_same_run(run: Path, bounds_ns: np.ndarray, did: Mapping[str, Timeline]) -> None:
    """A thread that reads the clock runs: the producer when it makes an item, the consumer when it has popped it."""
    places = list(STAGES)
    for name, place, what in (
        (PRODUCER, places.index("enqueue"), "made"),
        (CONSUMER, places.index("service"), "popped"),
    ):
        wrong = ~did[name].runs_at(bounds_ns[:, place])
        if wrong.any():
            item = int(wrong.argmax())
            said = f"row {item + 1}: the trace has the {name} not running when this item was {what}"
            raise Complaint(run / OUT / "latencies.csv", f"{said}, so that it is of another run: {REMEDY}", FAILED)


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
            for kind, sum_ns in zip(known.timelines[THREAD_OF[stage]].kinds, parts[chosen].sum(axis=0)):
                if sum_ns:
                    cpu = "" if kind.cpu == timeline.NO_CPU else str(kind.cpu)
                    rows.append((population, stage, kind.state, cpu, kind.held_by, sum_ns / chosen.sum()))
    return pd.DataFrame(rows, columns=COLUMNS)
