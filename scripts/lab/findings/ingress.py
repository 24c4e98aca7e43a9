"""Rules about tasks that many threads hand to one loop: what a submit pays for, and who waits for whom."""

from collections.abc import Iterator

from lab.judge.evidence import Evidence
from lab.judge.finding import Finding, rule

DEARER = 1.2  # times what a submit takes with nodes that are used again
STARVED = 0.8  # Jain's index
LONG_TURN_US = 1000.0  # that a timer or a file of the same loop should not wait
WOKEN = 0.8  # times a task


@rule(
    "allocates for each task",
    (
        "a submit takes {heap_ns:,.0f} ns with nodes from malloc, and {slab_ns:,.0f} ns with nodes that are used again",
        "a node is made by the producer and freed by the loop, so that malloc's caches pass memory from thread to thread",
        'nodes = "slab", or "intrusive" where a task has an object of its own',
    ),
)
def allocates(evidence: Evidence) -> Iterator[Finding]:
    """The same list with nodes of its own is faster: it is not the list."""
    slabs = {case.but_for("nodes"): case for case in evidence.cases if case.options.get("nodes", "slab") == "slab"}
    for case in evidence.cases:
        slab = slabs.get(case.but_for("nodes"))
        if case.options.get("nodes") == "malloc" and slab:
            heap_ns, slab_ns = case.value("submit_p50_ns"), slab.value("submit_p50_ns")
            if heap_ns > DEARER * slab_ns > 0:
                yield case.found(heap_ns=heap_ns, slab_ns=slab_ns)


@rule(
    "some producers starve",
    (
        "Jain's index of the {producers:.0f} producers' tasks is {fairness:.2f}: as if {as_many:.2g} of them had submitted all",
        "a producer that runs when the loop frees its room goes on, and those that sleep until then come late to it",
        'a larger bound, queue = "lanes", or a schedule (interval) instead of tasks as often as can be',
    ),
)
def starved(evidence: Evidence) -> Iterator[Finding]:
    """Throughput of all producers together hides what most of them get."""
    for case in evidence.cases:
        producers, fairness = float(case.options.get("producers", 4)), case.value("fairness")
        if producers > 1 and fairness < STARVED:
            yield case.found(producers=producers, fairness=fairness, as_many=producers * fairness)


@rule(
    "a turn delays others",
    (
        "one turn in a hundred takes {turn_us:,.0f} µs or more, with a budget of {budget:.0f} tasks and {batch:,.0f} in a turn on average",
        "until a turn ends, nothing else that waits for the loop gets it: no timer, no file, no producer without room",
        "a smaller budget: it is the bound of what others wait",
    ),
)
def long_turns(evidence: Evidence) -> Iterator[Finding]:
    """A budget that is large enough to never end a turn is none."""
    for case in evidence.cases:
        turn_us, budget = case.value("turn_p99_us"), float(case.options.get("budget", 256))
        if turn_us >= LONG_TURN_US and budget > 1:
            yield case.found(turn_us=turn_us, budget=budget, batch=case.value("batch_mean"))


@rule(
    "wakes the loop for each task",
    (
        "{wakes:.2g} system calls a task woke the loop, which sleeps in {mechanism}",
        "a producer pays for each: the call is in what a submit takes",
        'consumer = "hybrid", bursts, or elision where it is off',
    ),
)
def wakes_each_time(evidence: Evidence) -> Iterator[Finding]:
    """What a submit takes is then a wake-up."""
    for case in evidence.cases:
        wakes = case.value("wakes_per_task")
        if wakes >= WOKEN:
            yield case.found(wakes=wakes, mechanism=str(case.options.get("wake", "futex")))


RULES = (allocates, starved, long_turns, wakes_each_time)
