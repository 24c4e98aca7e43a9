"""Rules about a feed: what a slow client does to the others, and what it costs to send messages one by one."""

from collections.abc import Iterator

from lab.judge.evidence import Evidence
from lab.judge.finding import Finding, rule

DEARER = 1.05  # times the CPU time of a delivery that does without
HELD_UP = 2.0  # times the latency where the server does not wait for who is slow
MANY = 10  # clients: from here on their turns are told
TAKES_TURNS = 2.0  # times the latency of one client


@rule(
    "one slow client holds up the others",
    (
        "one delivery in a hundred takes {wait_us:,.0f} µs or more where the server waits for a slow client, and"
        " {without_us:,.0f} µs with slow-policy = {policy}",
        "the server writes to one client after the other, and waits for the one whose buffers are full: what comes for the"
        " others waits behind it",
        'slow-policy = "drop", "conflate" or "disconnect": the slow client alone has the harm, and it is counted',
    ),
)
def slow_client(evidence: Evidence) -> Iterator[Finding]:
    """Head-of-line blocking: the first policy that the runs have beside waiting is told."""
    for policy in ("drop", "conflate", "disconnect"):
        found = False
        for case, other in evidence.counterparts("slow-policy", policy):
            wait_ns, without_ns = case.value("latency_p99_ns"), other.value("latency_p99_ns")
            if case.options["slow-policy"] == "wait" and wait_ns > HELD_UP * without_ns > 0:
                yield case.found(wait_us=wait_ns / 1e3, without_us=without_ns / 1e3, policy=policy)
                found = True
        if found:
            return


@rule(
    "messages leave one by one",
    (
        "a delivery takes {alone:.2f} system calls and {alone_us:.2f} µs of CPU time where each message is sent at once, and"
        " {together:.2f} and {together_us:.2f} µs where all that are due leave together",
        "each write has a price of its own, whatever it writes, and each client has its own write",
        'batch = "due": it adds no delay where one message is due, and shares the price where several are',
    ),
)
def sent_alone(evidence: Evidence) -> Iterator[Finding]:
    """A batch that is too small for the rate."""
    for case, other in evidence.counterparts("batch", "due"):
        alone_us, together_us = case.value("cpu_time_us"), other.value("cpu_time_us")
        if case.options["batch"] in ("now", "1") and alone_us > DEARER * together_us > 0:
            yield case.found(
                alone=case.value("calls_a_delivery"),
                together=other.value("calls_a_delivery"),
                alone_us=alone_us,
                together_us=together_us,
            )


@rule(
    "clients take turns",
    (
        "the median delivery takes {many_us:,.0f} µs with {clients:.0f} clients, and {one_us:,.0f} µs with one: {turn_us:.2f} µs for"
        " each client that has its turn before",
        "the server writes a message to one client after the other, so that the last one has it after all the others' writes",
        'fewer clients a server; transport = "shm", whose write is no system call; larger batches, if the delay is allowed',
    ),
)
def turns(evidence: Evidence) -> Iterator[Finding]:
    """Fan-out message by message: half of the clients come before the median one."""
    for case, other in evidence.counterparts("clients", 1):
        clients = float(case.options["clients"])
        many_ns, one_ns = case.value("latency_p50_ns"), other.value("latency_p50_ns")
        if clients >= MANY and many_ns > TAKES_TURNS * one_ns > 0:
            turn_us = (many_ns - one_ns) / (clients / 2) / 1e3
            yield case.found(many_us=many_ns / 1e3, one_us=one_ns / 1e3, clients=clients, turn_us=turn_us)


RULES = (slow_client, sent_alone, turns)
