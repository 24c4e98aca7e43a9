"""Rules about a user's own program, which need nothing of it: what its threads and the guest's CPUs did."""

from collections.abc import Iterator

import pandas as pd

from lab.judge.evidence import Case, Evidence
from lab.judge.finding import Finding, rule
from lab.tables import kept, threads

BUSY, IDLE = 0.85, 0.25  # shares of a run in which a CPU works much, or little
NEARLY_ALL = 0.8  # of the CPU time
WAITING = 0.2  # of a thread's life without a CPU
WORTH_NS = 1e6  # of CPU time: less tells nothing
IN_KERNEL = 0.6  # of the CPU time
OFTEN_PER_S = 2000  # voluntary switches


def _threads(evidence: Evidence, case: Case) -> pd.DataFrame:
    """Those of a case, the ones with most CPU time first."""
    table = kept.of(
        evidence.beside.get(threads.FILE, pd.DataFrame(columns=list(threads.KEPT.columns))), case.measurement
    )
    return table[table["scenario"] == case.scenario].sort_values("cpu_ns", ascending=False)


def _busy(case: Case) -> dict[int, float]:
    """The share of the run that each CPU of the guest worked."""
    duration_ns = case.value("duration_s") * 1e9
    cpus = range(int(case.options.get("smp", 1)))
    return {cpu: min(1.0, case.value(f"cpu{cpu}_busy_ns") / duration_ns) for cpu in cpus}


@rule(
    "one CPU works, another idles",
    lambda values, _: (
        "CPU {cpu} worked {busy:.0%} of the time and CPU {other} {idle:.0%}; "
        + (
            "{thread} took {share:.0%} of the CPU time"
            if "share" in values
            else "of {threads:,.3g} threads {thread} took most CPU time"
        ),
        "one thread does nearly all the work, and no other CPU can help it"
        if "share" in values
        else "threads that could run at the same time share a CPU: they are pinned there, or each wakes the next one and sleeps",
        "split the work of {thread} ({profile})"
        if "share" in values
        else "a CPU for each of them (taskset, sched_setaffinity), or more work between two hand-overs",
    ),
)
def one_cpu_works(evidence: Evidence) -> Iterator[Finding]:
    """A guest has several CPUs, and nearly all work is done on one."""
    for case in evidence.cases:
        busy = _busy(case)
        most, least = (pick(busy, key=lambda cpu: busy[cpu]) for pick in (max, min))
        of = _threads(evidence, case)
        if len(busy) < 2 or of.empty or not (busy[most] >= BUSY and busy[least] <= IDLE):
            continue
        first, total = of.iloc[0], of["cpu_ns"].sum()
        alone = first["threads"] == 1 and first["cpu_ns"] >= NEARLY_ALL * total
        how = {"share": first["cpu_ns"] / total, "profile": "make profile shows it by function"} if alone else {}
        yield case.found(
            cpu=most,
            busy=busy[most],
            other=least,
            idle=busy[least],
            thread=first["thread"],
            threads=of["threads"].sum(),
            **how,
        )


@rule(
    "threads without a CPU",
    (
        "{thread} could have run and had no CPU for {share:.0%} of its life ({delay_ns:us,.0f} µs of each of {threads:.3g})",
        "more threads want to run than the guest has CPUs ({smp}), or several share one while another idles",
        "smp = {more} in [guest] if it is the number of CPUs; make trace says who had the CPU meanwhile",
    ),
)
def without_cpu(evidence: Evidence) -> Iterator[Finding]:
    """Threads that wait for a CPU for a good part of their life."""
    for case in evidence.cases:
        for row in _threads(evidence, case).head(1).itertuples():
            if row.cpu_ns >= WORTH_NS and row.elapsed_ns > 0 and row.run_delay_ns / row.elapsed_ns >= WAITING:
                smp = int(case.options.get("smp", 1))
                yield case.found(
                    thread=row.thread,
                    threads=row.threads,
                    share=row.run_delay_ns / row.elapsed_ns,
                    delay_ns=row.run_delay_ns / row.threads,
                    smp=smp,
                    more=2 * smp,
                )


@rule(
    "work for the kernel",
    (
        "{share:.0%} of the CPU time is the kernel's, and threads went to sleep {rate:,.0f} times a second",
        "most of what it does is system calls: waking each other, or moving small pieces",
        "larger pieces, fewer hand-overs; make trace says what the threads wait for, make profile which functions ran",
    ),
)
def in_kernel(evidence: Evidence) -> Iterator[Finding]:
    """A program that spends most of its CPU time in the kernel, and often waits."""
    for case in evidence.cases:
        rate = case.value("voluntary_switches") / case.value("duration_s")
        if case.kernel_share >= IN_KERNEL and rate >= OFTEN_PER_S:
            yield case.found(share=case.kernel_share, rate=rate)


RULES = (one_cpu_works, without_cpu, in_kernel)
