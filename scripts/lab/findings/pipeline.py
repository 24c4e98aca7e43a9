"""Rules about the pipeline: why it is as slow as it is, and what would make it faster."""

import math
from collections.abc import Iterator

from lab.tables import stages
from lab.judge import comparing
from lab.text.numbers import rate
from lab.judge import cpus, pairs
from lab.judge.evidence import ONE_CPU, TWO_CPUS, Case, Finding, Study, percent
from lab.tables.measurement import KEYS, Measurement
from lab.tables.stages import SLOWEST
from lab.judge.comparing import Verdict

KEEPS_UP = 0.98  # of the scheduled rate
POLLS = 3.0  # times that a thread gives up its CPU for an item
POLLS_BOTH = 5.0  # the same, of both threads together
WAKES = 0.8  # times that the consumer sleeps for an item
WAKES_BOTH = 1.5
BLOAT = 1.5  # times the latency
EQUAL_THROUGHPUT = 0.1
MIGRATIONS_PER_S = 1.0
RUN_DELAY = 0.3  # of the latency
OFTEN = 0.1  # times that the consumer is switched in for an item: a tenth of the items may have waited for it
MOST_OF_IT = 0.5
SLOWEST_ITEMS = "the slowest 1 %"
NEAR_LOAD = 0.2  # of the highest throughput: below it, a calm case says little of where drops begin

# By stage: why items wait there, and what to try.
CAUSES = {
    "lateness": (
        "the producer wakes up later than its schedule says",
        "look at the producer's CPU: pin it, free its CPU (isolcpus, nohz_full), or let it spin up to its time",
    ),
    "enqueue": ("the queue is full and the producer waits for room", 'a faster consumer, or on-full = "drop"'),
    "behind": (
        "items come in bursts, or the consumer is slower than the producer",
        "a faster consumer, or a smaller queue-cap with drops: a queue cannot mend a lasting overload",
    ),
    "wake_up": (
        "the consumer sleeps, and must notice, be woken and be scheduled",
        'wait = "spin" or "hybrid" with the consumer on a CPU of its own',
    ),
    "service": ("the consumer's own work takes longest", "less work for an item, or several consumers"),
}
WAKE_UP_AWAKE = (  # of a consumer that does not sleep
    "the consumer looks all the time, and yet noticed late: something else had its CPU",
    "a CPU of its own for the consumer (pin-consumer, isolcpus), and a host with a CPU for each of the guest's",
)

SLACK_US = 50.0  # that Linux gives the timers of threads of no real-time class (prctl(2), PR_SET_TIMERSLACK)
LATE_BY_SLACK = (
    f"Linux lets a timer fire up to {SLACK_US:g} µs late, its slack, and the producer must then be scheduled",
    'timer-slack-ns = 1, or sched = "fifo:50", which has none; then a CPU of its own for the producer',
)
MOSTLY_SLACK = 3.0  # times the slack: what is later than that, slack does not explain


def misses_schedule(study: Study) -> Iterator[Finding]:
    """The producer makes fewer items than its interval asks for."""
    for case in study.cases:
        if not case.interval_us or not case.produced_ops_s < (KEEPS_UP - case.chance) * 1e6 / case.interval_us:
            continue
        takes_us = 1e6 / case.produced_ops_s if case.produced_ops_s else math.inf
        if case.options["pacing"] == "sleep":
            cause = "relative sleep begins when the item is made, so wake-up, timer slack and work add up item by item"
            remedy = 'pacing = "deadline", which sleeps until the item\'s own time'
        elif case.options["on-full"] == "block":
            cause, remedy = "the producer waits for room in the queue", "a faster consumer, or a longer interval"
        else:
            cause = "the producer gets too little CPU time to make an item in its interval"
            remedy = "a longer interval, a CPU of its own for the producer, or fewer other threads"
        yield case.found(
            "producer misses its schedule",
            f"{rate(case.produced_ops_s)} items/s instead of {rate(1e6 / case.interval_us)}: "
            f"each takes {takes_us:,.0f} µs, {takes_us - case.interval_us:,.0f} µs more than its interval",
            cause,
            remedy,
        )


def consumer_polls(study: Study) -> Iterator[Finding]:
    """Many context switches an item: a thread that sleeps, looks and sleeps again."""
    for case in study.cases:
        if (switches := _switches(case)) and switches[0] > (POLLS if switches[1] else POLLS_BOTH):
            whose = "of the consumer" if switches[1] else "of both threads"
            yield case.found(
                "consumer polls",
                f"{switches[0]:,.0f} context switches {whose} an item",
                "it sleeps for a short time, looks and sleeps again, which costs CPU time and, on average, half a sleep",
                'wait = "futex", where the producer wakes it, or "spin" if it may keep a CPU busy',
            )


def wakes_for_each_item(study: Study) -> Iterator[Finding]:
    """A sleep and a wake-up for every item: latency is then the time of a wake-up."""
    for case in study.cases:
        switches = _switches(case)
        if not switches or not (
            WAKES <= switches[0] <= POLLS if switches[1] else WAKES_BOTH <= switches[0] <= POLLS_BOTH
        ):
            continue
        evidence = f"{switches[0]:.1f} context switches {'of the consumer ' if switches[1] else ''}an item"
        cpu_s = case.value("task_clock_ms") / 1e3
        if not switches[1] and cpu_s < case.value("duration_s") / 2:
            total = case.value("context_switches")
            evidence += (
                f" ({total:,.0f} in {case.value('duration_s'):g} s; perf's {total / cpu_s / 1e3:.0f} K/sec "
                f"counts seconds of CPU time, of which there were {cpu_s:.2f})"
            )
        yield case.found("wakes up for each item", evidence, *CAUSES["wake_up"])


def migrations(study: Study) -> Iterator[Finding]:
    """Threads that move from CPU to CPU."""
    for case in study.cases:
        for thread, pinned in (("producer", "pin-producer"), ("consumer", "pin-consumer"), ("", "")):
            column = f"{thread}_migrations" if thread else "migrations"
            rate = case.value(column) / case.value("duration_s")
            if rate > MIGRATIONS_PER_S:
                who = f"the {thread}" if thread else "the threads"
                yield case.found(
                    "migrations",
                    f"{who} moved to another CPU {rate:,.0f} times a second",
                    (
                        "the kernel moves a pinned thread only when told to: something changes its affinity"
                        if pinned in case.options
                        else "the scheduler places a thread anew at each wake-up, and it finds cold caches there"
                    ),
                    "pin producer and consumer to CPUs of their own (pin-producer, pin-consumer)",
                )


def placed_by_chance(study: Study) -> Iterator[Finding]:
    """Threads that share a CPU in some runs of a scenario and not in others, which have other latencies then."""
    for case in study.cases:
        places = case.places
        if not {ONE_CPU, TWO_CPUS} <= set(places):
            continue
        latency_us = case.rows["latency_p50_ns"] / 1e3
        on_one, on_two = (float(latency_us[places == place].median()) for place in (ONE_CPU, TWO_CPUS))
        if abs(on_one / on_two - 1) > comparing.MARGIN:
            yield case.found(
                "placement left to chance",
                f"both threads were on one CPU in {(places == ONE_CPU).sum()} of {len(places)} runs, whose median latency is "
                f"{on_one:.3g} µs, against {on_two:.3g} µs where they were on two",
                "the scheduler puts threads that are not pinned where it finds room when they start, and may move them later",
                "pin both (pin-producer, pin-consumer), to one CPU and to two: else runs differ by where they were put",
            )


def queue_bloat(study: Study) -> Iterator[Finding]:
    """Latency grows with the queue's capacity, and throughput, for all that is known, does not."""
    for case in study.cases:
        for larger in study.cases:
            if case.but_for("queue-cap") != larger.but_for("queue-cap"):
                continue
            small, large = (int(each.options["queue-cap"]) for each in (case, larger))
            latencies = [each.value("latency_p50_ns") for each in (case, larger)]
            rates = [each.value("throughput_ops_s") for each in (case, larger)]
            waiting = rates[1] * latencies[1] / 1e9  # items in the larger queue, by Little's law
            if (
                small < waiting
                and latencies[0] > 0
                and latencies[1] >= BLOAT * latencies[0]
                and _as_fast(study, case, larger)
            ):
                yield larger.found(
                    "queue bloat",
                    f"the median latency is {latencies[1] / latencies[0]:.1f} times that of {case.scenario} "
                    f"({large} places instead of {small}, and about {waiting:,.0f} items in them), at {rate(rates[1])} against {rate(rates[0])} items/s",
                    "the queue is mostly full, so each item waits behind as many others as there is room for",
                    f"queue-cap = {small}: what the larger queue holds is delay{_cost_elsewhere(study, case, larger)}",
                )


def _as_fast(study: Study, case: Case, larger: Case) -> bool:
    """Whether the smaller queue has the throughput of the larger one, or more, for certain."""
    known = pairs.verdict(study, case, larger, "throughput_ops_s")
    if known is None:
        rates = [each.value("throughput_ops_s") for each in (case, larger)]
        return abs(rates[1] - rates[0]) <= EQUAL_THROUGHPUT * rates[0]
    return known in (Verdict.SAME, Verdict.EQUAL, Verdict.BETTER)


def _cost_elsewhere(study: Study, case: Case, larger: Case) -> str:
    """What the smaller queue costs in other measurements: '. But in exact timing on aarch64 it costs 69 % ...'."""
    told = []
    for small in (each for each in study.cases if each.scenario == case.scenario):
        for large in (each for each in study.cases if each.scenario == larger.scenario):
            if small.measurement == large.measurement != case.measurement:
                costs = _costs(study, small, large)
                told += [f"in {small.measurement} it {' and '.join(costs)}"] * bool(costs)
    return f". But {'; '.join(told)}" if told else ""


def _costs(study: Study, small: Case, large: Case) -> list[str]:
    """What a smaller queue takes for certain, or where no runs were compared, by far more than equal ones differ."""
    rates, drops = ([each.value(name) for each in (small, large)] for name in ("throughput_ops_s", "drop_rate"))
    lost = {"throughput_ops_s": 1 - rates[0] / rates[1] if rates[1] else 0.0, "drop_rate": drops[0] - drops[1]}
    texts = {
        "throughput_ops_s": f"costs {percent(lost['throughput_ops_s'])} of the throughput",
        "drop_rate": f"drops {percent(drops[0], 1)} of the items instead of {percent(drops[1], 1)}",
    }
    worse = {None: EQUAL_THROUGHPUT, Verdict.WORSE: 0.0}
    verdicts = {metric: pairs.verdict(study, small, large, metric) for metric in texts}
    return [text for metric, text in texts.items() if lost[metric] > worse.get(verdicts[metric], math.inf)]


def drops_begin(study: Study) -> Iterator[Finding]:
    """The load from which on items are dropped, where a suite has several rates."""
    families: dict[object, list[Case]] = {}
    for case in study.cases:
        families.setdefault(case.but_for("prod-interval-us"), []).append(case)
    for cases in families.values():
        by_rate = sorted(cases, key=lambda case: case.produced_ops_s)
        dropping = [case for case in by_rate if case.value("drop_rate") > 0]
        if not dropping:
            continue
        capacity = max(case.value("throughput_ops_s") for case in by_rate)
        if not capacity:
            continue
        first = dropping[0]
        calm = [case for case in by_rate if case.produced_ops_s < first.produced_ops_s]
        if not calm or calm[-1].produced_ops_s < NEAR_LOAD * capacity:
            continue
        below = f"none at {percent(calm[-1].produced_ops_s / capacity, 1)} of it ({calm[-1].scenario}), "
        yield first.found(
            "drops begin",
            f"of the {rate(capacity)} items/s that get through at most, {below}"
            f"and {percent(first.value('drop_rate'), 1)} of items at a load of {percent(first.produced_ops_s / capacity)}",
            "from there on items come faster than the consumer takes them, at least for as long as the queue can hold",
            "a rate below it; or rates in between, to find the load more closely",
        )


def consumer_waits_for_cpu(study: Study) -> Iterator[Finding]:
    """A good part of the latency is the consumer, ready to run, without a CPU, and not in a few long waits alone."""
    for case in study.cases:
        delay_ns = case.per_item("consumer_run_delay_ns")
        share = delay_ns / case.value("latency_p50_ns")
        switched_in = sum(case.per_item(f"consumer_{kind}_switches") for kind in ("voluntary", "involuntary"))
        if share >= RUN_DELAY and not switched_in < OFTEN:
            yield case.found(
                "consumer waits for a CPU",
                f"it was ready but not running for {delay_ns / 1e3:,.1f} µs an item, "
                f"with a median latency of {case.value('latency_p50_ns') / 1e3:,.1f} µs",
                *_had_no_cpu(study, case),
            )


def _had_no_cpu(study: Study, case: Case) -> tuple[str, str]:
    """Cause and remedy of a consumer without a CPU, by the CPUs that it and the producer may run on."""
    smp, isolated = cpus.guest_of(study, case)
    producer, consumer = (cpus.allowed(study, case, thread) for thread in ("producer", "consumer"))
    if not producer & consumer:
        return (
            "another thread than the producer had the consumer's CPU, or it took long to switch to the consumer",
            f"look at who had it: make trace SCENARIO={study.environment.get('suite', 'SUITE')}/{case.scenario}",
        )
    if len(producer | consumer) > 1:
        return (
            "another thread had the consumer's CPU: the producer, if both share it, or the kernel's",
            "pin producer and consumer to different CPUs, and keep others off them (isolcpus)",
        )
    cause = "both threads have one CPU, and one waits for the other"
    if smp == 1:
        return cause, "a second CPU (smp = 2)"
    free = (isolated - producer) & set(range(smp))
    if "pin-consumer" not in case.options and free:
        return cause, f"isolcpus leaves unpinned threads one CPU: pin the consumer to the isolated one ({min(free)})"
    return cause, "pin them to two"


def slowest_items(study: Study) -> Iterator[Finding]:
    """What the slowest 1 % waited for, when it is mostly one thing."""
    if study.stages.empty:
        return
    cases = {(case.measurement, case.scenario): case for case in study.cases}
    slowest = study.stages[study.stages["population"] == SLOWEST]
    for key, rows in slowest.groupby([*KEYS, "scenario"], sort=False):
        largest = rows.loc[rows["share"].idxmax()] if rows["share"].notna().any() else None
        if largest is not None and largest["share"] >= MOST_OF_IT:
            evidence = f"of {rows['mean_ns'].sum() / 1e3:,.0f} µs {stages.parts(rows)}"
            measurement = Measurement(*key[:-1])
            more, *why = _why(cases.get((measurement, key[-1])), largest["stage"], largest["mean_ns"] / 1e3)
            yield Finding(SLOWEST_ITEMS, key[-1], measurement, evidence + more, *why)


def _why(case: Case | None, stage: str, mean_us: float) -> tuple[str, str, str]:
    """More evidence, cause and remedy of long waits in a stage, by what the case is."""
    if case is not None and stage == "wake_up" and case.options["wait"] in ("spin", "yield"):
        return "", *WAKE_UP_AWAKE
    if case is None or stage != "lateness" or case.options["pacing"] == "spin":
        return "", *CAUSES[stage]
    has_slack = not {"timer-slack-ns", "sched"} & set(case.options)
    if case.timing == "live" and mean_us > MOSTLY_SLACK * SLACK_US:
        slack = f" (at most {SLACK_US:g} of {mean_us:,.0f} µs late is timer slack)"
        return slack * has_slack, *late_by_host(case.measurement.accelerator)
    return "", *(LATE_BY_SLACK if has_slack and mean_us >= SLACK_US else CAUSES[stage])


def late_by_host(accelerator: str) -> tuple[str, str]:
    """Cause and remedy of a producer that is later than its guest alone would make it."""
    emulated = accelerator != "kvm"
    return (
        f"the guest's CPU wakes the producer late: {'the emulator or ' * emulated}the host did not run it in time",
        f"a quiet host{', KVM' * emulated}, more CPUs of the host; then a CPU of its own for the producer (pin-producer)",
    )


def _switches(case: Case) -> tuple[float, bool] | None:
    """Context switches an item, and whether they are the consumer's own or of both threads."""
    own, both = case.per_item("consumer_voluntary_switches"), case.per_item("context_switches")
    if not math.isnan(own):
        return own, True
    both = case.value("perf_context_switches_per_item") if math.isnan(both) else both
    return None if math.isnan(both) else (both, False)


RULES = (
    misses_schedule,
    consumer_polls,
    wakes_for_each_item,
    migrations,
    placed_by_chance,
    queue_bloat,
    drops_begin,
    consumer_waits_for_cpu,
    slowest_items,
)
