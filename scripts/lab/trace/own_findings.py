"""Rules about what the kernel's events said of a user's program that was traced: what its threads waited for."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pandas as pd

from lab.judge.evidence import Evidence
from lab.judge.finding import Finding, Values, Words, rule
from lab.plan.contract import Contract
from lab.tables import kept
from lab.tables.measurement import KEYS, Measurement
from lab.trace import own_runs
from lab.trace.futexes import BARRIER, CONDITION, LOCK
from lab.trace.threads import INTERRUPT, IN_FUTEX
from lab.trace.timeline import ASLEEP, IDLE, RUN_DELAY

MUCH = 0.2  # of threads' life: a wait that is worth a finding
OFTEN = 10  # waits: fewer are a start, or an end
DELAYED = 0.1  # of threads' life without a CPU
AWAKE = 0.05  # of a thread's life: that sleeps less never waits for others
MOSTLY = 0.5


class Traced(NamedTuple):
    """A scenario's traced runs: threads and futexes as own_runs has them, and how long the threads of a name lived."""

    scenario: str
    measurement: Measurement
    threads: pd.DataFrame
    futexes: pd.DataFrame
    life_ns: Mapping[str, float]

    def found(self, **values: float | str) -> Finding:
        return Finding("", self.scenario, self.measurement, values)

    def share(self, name: str, part: str) -> float:
        """Of the life of the threads of a name."""
        rows = self.threads[(self.threads["thread"] == name) & (self.threads["part"] == part)]
        return float(rows["total_ns"].sum() / self.life_ns[name])


def _traced(evidence: Evidence) -> Iterator[Traced]:
    runs = evidence.beside.get(own_runs.THREADS_FILE, pd.DataFrame())
    locks = evidence.beside.get(own_runs.FUTEXES_FILE, pd.DataFrame(columns=list(own_runs.FUTEXES.columns)))
    for key, of_runs in runs.groupby([*KEYS, "scenario"], sort=False) if len(runs) else ():
        measurement, scenario = Measurement(*key[:-1]), str(key[-1])
        known = own_runs.of_scenario(of_runs)
        of_locks = kept.of(locks, measurement)
        of_locks = own_runs.first_of(of_locks[of_locks["scenario"] == scenario])
        life_ns = known.groupby("thread")["total_ns"].sum().to_dict()
        yield Traced(scenario, measurement, known, of_locks.sort_values("wait_ns", ascending=False), life_ns)


def _long_waits(locks: pd.DataFrame) -> pd.DataFrame:
    """The futexes at which threads waited often, and for much of their life."""
    return locks[(locks["waits"] >= OFTEN) & (locks["wait_ns"] >= MUCH * locks["life_ns"])]


def _wait_values(row: pd.Series) -> Values:
    """What is said of the wait at a futex."""
    names = ("waiters", "threads", "address", "waits", "waker", "waker_share")
    return {name: row[name] for name in names} | {
        "share": row["wait_ns"] / row["life_ns"],
        "mean_ns": row["wait_ns"] / row["waits"],
    }


HOW_OFTEN = "{share:.0%} of their life: {waits:,.0f} times, {mean_ns:us,.0f} µs each"


def _lock_words(values: Values, _: Contract) -> Words:
    by = "woken by one another" if values["waiters"] == values["waker"] else "woken by {waker} ({waker_share:.0%})"
    return (
        f"{{threads:.3g}} threads ({{waiters}}) waited for one lock (futex {{address}}) {HOW_OFTEN}; {by}",
        "one thread at a time has it, and the others sleep meanwhile",
        "hold it for less, take it less often (a sum of its own for each thread), or split it",
    )


@rule("a lock that threads wait for", _lock_words)
def contended_lock(evidence: Evidence) -> Iterator[Finding]:
    """Threads that often wait for one another at one futex."""
    for traced in _traced(evidence):
        found = _long_waits(traced.futexes)
        for _, row in found[(found["kind"] == LOCK) & (found["threads"] >= 2)].head(1).iterrows():
            yield traced.found(**_wait_values(row))


@rule(
    "a barrier that threads wait at",
    (
        f"{{threads:.3g}} threads ({{waiters}}) waited at one barrier (futex {{address}}) {HOW_OFTEN}",
        "the last one to come wakes all others: their shares of the work are not alike, or they share CPUs",
        "shares of the work that take equally long, fewer barriers, no more threads than CPUs",
    ),
)
def unequal_barrier(evidence: Evidence) -> Iterator[Finding]:
    """Threads that often wait until the last of them comes."""
    for traced in _traced(evidence):
        found = _long_waits(traced.futexes)
        for _, row in found[found["kind"] == BARRIER].head(1).iterrows():
            yield traced.found(**_wait_values(row))


def _other_words(values: Values, _: Contract) -> Words:
    other, it = ("another of that name", "that one") if values["waiters"] == values["waker"] else ("{waker}", "{waker}")
    waited = f"{{waiters}} waited {{share:.0%}} of its life until {other} woke it: {{waits:,.0f}} times, "
    waited += "{mean_ns:us,.0f} µs each"
    if values["why"] == "turns":
        return (
            waited + f"; and {other} {{back:.0%}} of its life until {{waiters}} woke it" * ("back" in values),
            "they work in turns: each sleeps while the other one works",
            "hand over several items at once, let more of them wait in a queue, or let one thread do both parts",
        )
    return (
        waited,
        f"{other} is the slower one: {{waiters}} has nothing to do until it is done",
        f"make {it} faster (make profile shows what it does), or let several threads do its work",
    )


@rule("waits for another thread", _other_words)
def waits_for_another(evidence: Evidence) -> Iterator[Finding]:
    """A thread that sleeps for much of its life until another one of the program has something for it."""
    for traced in _traced(evidence):
        first, *others = sorted(_waits(traced), key=lambda each: -float(each["share"])) or [{}]
        if not first:
            continue
        pair = (first["waker"], first["waiters"])
        back = [each["share"] for each in others if (each["waiters"], each["waker"]) == pair][:1]
        alike = first["waiters"] == first["waker"] and "address" not in first  # each of them waits, and wakes
        if traced.share(str(first["waker"]), ASLEEP) > 1 - MUCH:
            continue  # it waits itself: for a timer, or for what comes from elsewhere
        yield traced.found(**first, why="turns" if back or alike else "slower", **({"back": back[0]} if back else {}))


def _waits(traced: Traced) -> Iterator[Values]:
    """The long waits of threads for others: at futexes, and where a thread slept elsewhere (a pipe, a socket)."""
    at_futexes = _long_waits(traced.futexes[traced.futexes["kind"] == CONDITION])
    for _, row in at_futexes[at_futexes["waker"].isin(traced.life_ns)].iterrows():
        yield _wait_values(row)
    rows = traced.threads
    slept = rows[(rows["part"] == ASLEEP) & (rows["slept_in"] != IN_FUTEX) & rows["woken_by"].isin(traced.life_ns)]
    for row in slept.itertuples():
        share = row.total_ns / traced.life_ns[row.thread]
        if row.times >= OFTEN and share >= MUCH:
            yield {
                "waiters": row.thread,
                "waker": row.woken_by,
                "waits": row.times,
                "share": share,
                "mean_ns": row.total_ns / row.times,
            }


def _busy_pair(traced: Traced) -> tuple[str, str] | None:
    """Threads that hardly sleep, and of which each has the CPU that the other wants; they may share a name."""
    rows = traced.threads
    busy = [
        name for name in traced.life_ns if traced.share(name, ASLEEP) < AWAKE and traced.share(name, RUN_DELAY) >= MUCH
    ]
    delays = rows[(rows["part"] == RUN_DELAY) & rows["thread"].isin(busy) & rows["held_by"].isin(busy)]
    held = delays.groupby(["thread", "held_by"])["total_ns"].sum().sort_values(ascending=False)
    for (name, holder), total_ns in held.items():
        back_ns = held.get((holder, name), 0)
        if min(total_ns / traced.life_ns[name], back_ns / traced.life_ns[holder]) >= MUCH:
            return str(name), str(holder)
    return None


def _is_for_the_kernel(evidence: Evidence, traced: Traced) -> bool:
    """Whether most of the CPU time of the scenario, when it was not traced, was the kernel's: no loop spins there."""
    known = (traced.scenario, traced.measurement)
    return any(each.kernel_share > MOSTLY for each in evidence.cases if (each.scenario, each.measurement) == known)


def _busy_words(values: Values, _: Contract) -> Words:
    who = "threads of the name {thread}" if values["thread"] == values["other"] else "{thread} and {other}"
    return (
        f"{who} slept for less than {{asleep:.0%}} of their life and had CPU {{cpu}} in turns: without it for "
        "{share:.0%}"
        + " and {back:.0%}" * (values["thread"] != values["other"])
        + " of it"
        + "; meanwhile another CPU had nothing to do {idle:.0%} of the time" * ("idle" in values),
        "a thread that waits in a loop (spins) uses up its whole turn, in which the one that it waits for cannot run",
        "a CPU for each (taskset, sched_setaffinity), or a wait that sleeps: a condition variable, std::atomic::wait; "
        "if they do not wait but work, fewer threads (make profile shows it)",
    )


@rule("spinning threads on one CPU", _busy_words)
def spins(evidence: Evidence) -> Iterator[Finding]:
    """Threads of the program that never wait for anything but one another's CPU."""
    for traced in _traced(evidence):
        if not (pair := _busy_pair(traced)) or _is_for_the_kernel(evidence, traced):
            continue
        thread, other = pair
        rows = traced.threads
        of = rows[(rows["part"] == RUN_DELAY) & (rows["thread"] == thread) & (rows["held_by"] == other)]
        idle = of["idle_ns"].sum() / of["total_ns"].sum()
        yield traced.found(
            thread=thread,
            other=other,
            asleep=AWAKE,
            cpu=str(own_runs.shares(of, "cpu").index[0]),
            share=traced.share(thread, RUN_DELAY),
            back=traced.share(other, RUN_DELAY),
            **({"idle": idle} if idle >= MOSTLY else {}),
        )


def _delay_words(values: Values, _: Contract) -> Words:
    evidence = (
        "{thread} was ready and had no CPU for {share:.0%} of its life ({delay_ns:us,.0f} µs in {times:,.0f} times): "
        "{holder} had CPU {cpu} for {held:.0%} of that"
    )
    match values["why"]:
        case "idle":
            return (
                evidence + "; meanwhile another CPU had nothing to do {idle:.0%} of the time",
                "threads share a CPU while another one idles: they are pinned there, or the kernel puts who is woken "
                "beside the one that woke it",
                "a CPU for each of them (taskset, sched_setaffinity)",
            )
        case "own":
            return (
                evidence,
                "more threads of the program want to run than there are CPUs",
                "no more busy threads than CPUs; smp in [guest] if the guest has fewer CPUs than the machine",
            )
    return (
        evidence,
        "{holder}, which is not the program's, ran where {thread} was to run",
        "keep it off that CPU (isolcpus, with the program pinned there), or a higher priority for {thread} (chrt)",
    )


@rule("woken, and without a CPU", _delay_words)
def without_cpu(evidence: Evidence) -> Iterator[Finding]:
    """Threads that are ready for much of their life, while another task has the CPU."""
    for traced in _traced(evidence):
        rows, pair = traced.threads, _busy_pair(traced)
        delays = rows[(rows["part"] == RUN_DELAY) & ~rows["held_by"].isin([IDLE, INTERRUPT])]
        delays = delays[~delays["thread"].isin(pair or ())]  # that is said already
        sums = delays.groupby("thread")["total_ns"].sum()
        part = (sums / pd.Series(traced.life_ns)).dropna()
        for thread in part[part >= DELAYED].sort_values(ascending=False).index[:1]:
            of = delays[delays["thread"] == thread]
            held = of.groupby(["held_by", "cpu"])["total_ns"].sum().sort_values(ascending=False)
            holder, cpu = held.index[0]
            idle = of["idle_ns"].sum() / of["total_ns"].sum()
            is_own = holder in traced.life_ns
            yield traced.found(
                thread=thread,
                share=part[thread],
                delay_ns=of["total_ns"].sum(),
                times=of["times"].sum(),
                holder=str(holder) if holder != thread else "another of that name",
                cpu=str(cpu),
                held=held.iloc[0] / held.sum(),
                why=("idle" if idle >= MOSTLY else "own") if is_own else "other",
                **({"idle": idle} if is_own and idle >= MOSTLY else {}),
            )


RULES = (contended_lock, unequal_barrier, waits_for_another, spins, without_cpu)
