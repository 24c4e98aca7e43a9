"""Rules about calls between two processes: what they waste, and what they lose."""

from collections.abc import Iterator

from lab.judge.evidence import Evidence
from lab.judge.finding import Finding, rule

WASTED_US = 100.0  # of CPU time a call: some wake-ups' worth, and a spin that is in vain takes that and more
SLEEPS = 0.8  # times that a side falls asleep, for each time that it waits
UNFAIR = 0.8  # Jain's index
FREE = 1.2  # times the mean round trip that a call may take of its caller's time
WAITS_BY_SPINNING = ("spin", "hybrid", "counted", "long-spin")


@rule(
    "spins where the other side should run",
    (
        "a call takes {cpu_us:,.0f} µs of CPU time with wait = {wait}, and {mean_us:,.0f} µs in all",
        "{threads:.0f} threads have {cpus:.0f} CPU(s), and the side that spins holds the CPU that the side it waits for needs, until a timer tick takes it away",
        'wait = "adaptive" or "futex", or a CPU for each thread',
    ),
)
def spins_in_vain(evidence: Evidence) -> Iterator[Finding]:
    """More threads than CPUs, and waits that do not give the CPU away."""
    for case in evidence.cases:
        pins = {case.options.get("pin-caller"), case.options.get("pin-responder")}
        cpus = 1 if None not in pins and len(pins) == 1 else int(case.options.get("smp", 1))
        threads = 2 * int(case.options.get("pairs", 1))
        wait = str(case.options.get("wait", "adaptive"))
        used_us = case.value("cpu_time_us")
        if wait in WAITS_BY_SPINNING and threads > cpus and used_us > WASTED_US:
            yield case.found(
                cpu_us=used_us, wait=wait, mean_us=case.value("round_trip_mean_us"), threads=threads, cpus=cpus
            )


@rule(
    "sleeps for each answer",
    (
        "each side fell asleep {parks:.2g} times a call, and {wakes:.2g} system calls woke it",
        "a wake-up is a system call, a choice of the scheduler and a switch: more than a round trip that is spun for",
        'wait = "adaptive", with a CPU for each side',
    ),
)
def sleeps_each_time(evidence: Evidence) -> Iterator[Finding]:
    """Where a side could wait by itself, it slept nearly every time."""
    for case in evidence.cases:
        calls = case.value("all_calls")
        if calls > 0 and case.value("parks") >= 2 * SLEEPS * calls:
            yield case.found(parks=case.value("parks") / calls / 2, wakes=case.value("wakes") / calls)


@rule(
    "some pairs get most calls",
    (
        "Jain's index of the {pairs:.0f} pairs' calls is {fairness:.2f}: as if {as_many:.2g} of them had made all, whose round trips the percentiles are of",
        "a pair whose two sides run at the same time needs no scheduler, and goes on until one of them is taken off its CPU",
        "a CPU for each thread, longer runs, or a schedule (interval) instead of calls as often as can be",
    ),
)
def unfair(evidence: Evidence) -> Iterator[Finding]:
    """Throughput of all pairs together hides what most of them get."""
    for case in evidence.cases:
        pairs, fairness = float(case.options.get("pairs", 1)), case.value("fairness")
        if pairs > 1 and fairness < UNFAIR:
            yield case.found(pairs=pairs, fairness=fairness, as_many=pairs * fairness)


@rule(
    "throughput is not the round trip",
    (
        "a caller makes a call every {cycle_us:,.2f} µs, of which a round trip is {mean_us:,.2f} µs",
        "between two calls the caller reads its clock and keeps what it measured, or did not have its CPU",
        "take round trips from their own measure, never from 1 / throughput",
    ),
)
def not_littles_law(evidence: Evidence) -> Iterator[Finding]:
    """Pairs over throughput, which documents give as a round trip, is more than one."""
    for case in evidence.cases:
        cycle_us, mean_us = case.value("cycle_us"), case.value("round_trip_mean_us")
        if case.interval_ns == 0 and cycle_us > FREE * mean_us > 0:
            yield case.found(cycle_us=cycle_us, mean_us=mean_us)


@rule(
    "wake-ups were lost",
    (
        "{late:,.0f} sleeps of 200 ms ended with something to find",
        "a side that had a message did not see that the other side slept",
        "this is a fault in how the sides wake each other: do not use these figures",
    ),
)
def lost_wakes(evidence: Evidence) -> Iterator[Finding]:
    """The one thing that a doorbell which is left out must never do."""
    for case in evidence.cases:
        if case.value("late_finds") > 0:
            yield case.found(late=case.value("late_finds"))


@rule(
    "calls failed",
    lambda values, _: (
        "{failed:,.0f} of {calls:,.0f} calls were not answered: {died:,.0f} as the responder died, {late:,.0f} as it was late, {broken:,.0f} as it broke the protocol"
        + ("; the last caller knew after {notice_us:,.0f} µs" if "notice_us" in values else ""),
        "what --fault did to the responders in the middle of the run",
        "nothing: each of those calls was reported to its caller, and the next went to a new responder",
    ),
)
def failed_calls(evidence: Evidence) -> Iterator[Finding]:
    """What became of the calls that were under way."""
    for case in evidence.cases:
        failed, notice_us = case.value("failed"), case.value("notice_us")
        if failed > 0:
            why = {name: case.value(f"failed_{name}") for name in ("died", "late", "broken")}
            known = {"notice_us": notice_us} if notice_us > 0 else {}
            yield case.found(failed=failed, calls=case.items + failed, **why, **known)


RULES = (spins_in_vain, sleeps_each_time, unfair, not_littles_law, lost_wakes, failed_calls)
