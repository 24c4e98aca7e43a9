"""Rules about requests and their replies: what a message pays beside its parsing, and how many may be on their way."""

from collections.abc import Iterator

from lab.judge.evidence import Evidence
from lab.judge.finding import Finding, rule

DEARER = 1.05  # times the CPU time of a request that does without
SLOWER = 2.0  # times a lookup in slots
HELD_UP = 2.0  # times the round trip: what a response takes of which half was waiting for the window
SPARE = 4  # times as many places as were ever used


@rule(
    "copies each message",
    (
        "a request takes {copied_us:.2f} µs of CPU time with a copy of each message, and {in_place_us:.2f} µs in place",
        "the server copies what it could parse where it lies: the longer a message, the more that is",
        'copy = "none"',
    ),
)
def copies(evidence: Evidence) -> Iterator[Finding]:
    """A parser that needs memory of its own pays for filling it."""
    for case, other in evidence.counterparts("copy", "none"):
        copied_us, in_place_us = case.value("cpu_time_us"), other.value("cpu_time_us")
        if copied_us > DEARER * in_place_us > 0:
            yield case.found(copied_us=copied_us, in_place_us=in_place_us)


@rule(
    "allocates each message",
    (
        "a request takes {heap_us:.2f} µs of CPU time with buffers from {pool}, and {stock_us:.2f} µs with a stock of them",
        "a buffer is taken by one thread and given back by another, so that it passes from cache to cache of the allocator,"
        " and its memory with it",
        'pool = "return-ring": who has read a message gives its buffer back to who wrote it',
    ),
)
def allocates(evidence: Evidence) -> Iterator[Finding]:
    """What an allocator costs where one thread allocates and another frees."""
    for case, other in evidence.counterparts("pool", "return-ring"):
        heap_us, stock_us = case.value("cpu_time_us"), other.value("cpu_time_us")
        if heap_us > DEARER * stock_us > 0:
            yield case.found(heap_us=heap_us, stock_us=stock_us, pool=str(case.options["pool"]))


@rule(
    "looks requests up in a table",
    (
        "finding a reply's request takes {table_ns:,.0f} ns with {correlate}, and {slots_ns:,.0f} ns with slots",
        "a table hashes the id and locks what it finds, and the sender and the receiver both write it",
        'correlate = "slots": an id that says where its request is needs neither',
    ),
)
def looks_up(evidence: Evidence) -> Iterator[Finding]:
    """The lookup is measured where it happens; registering a request is in its round trip alone."""
    for case, other in evidence.counterparts("correlate", "slots"):
        table_ns, slots_ns = case.value("lookup_p50_ns"), other.value("lookup_p50_ns")
        if table_ns > SLOWER * slots_ns > 0:
            yield case.found(table_ns=table_ns, slots_ns=slots_ns, correlate=str(case.options["correlate"]))


@rule(
    "the window is too small for the rate",
    (
        "all {window:.0f} places of the window were taken, and one response in a hundred took {response_us:,.0f} µs or more,"
        " one round trip in a hundred {round_trip_us:,.0f} µs",
        "a request waits for its place before it is sent, which no round trip shows",
        "a window of at least the rate times the round trip; if that is the server's own limit, fewer requests a second",
    ),
)
def window_too_small(evidence: Evidence) -> Iterator[Finding]:
    """Of a schedule: a closed loop fills each window."""
    for case in evidence.cases:
        window = float(case.options["window"])
        response_ns, round_trip_ns = case.value("response_p99_ns"), case.value("round_trip_p99_ns")
        if case.schedule and case.value("most_pending") >= window and response_ns > HELD_UP * round_trip_ns > 0:
            yield case.found(window=window, response_us=response_ns / 1e3, round_trip_us=round_trip_ns / 1e3)


@rule(
    "the window is larger than it needs",
    (
        "at most {most_pending:.0f} of {window:.0f} requests were without a reply, and the pools have {pool_mb:.1f} MB for all",
        "each place of the window has its buffers, whether or not it is ever used",
        "window = {enough:.0f}: twice what was needed",
    ),
)
def window_too_large(evidence: Evidence) -> Iterator[Finding]:
    """The size to choose, where memory is short: twice what was needed leaves room for a burst."""
    for case in evidence.cases:
        window = float(case.options["window"])
        most_pending, pool_bytes = case.value("most_pending"), case.value("pool_bytes")
        if case.schedule and 0 < SPARE * most_pending <= window and pool_bytes > 0:
            yield case.found(
                most_pending=most_pending, window=window, pool_mb=pool_bytes / 1e6, enough=2 * most_pending
            )


RULES = (window_too_small, looks_up, allocates, copies, window_too_large)
