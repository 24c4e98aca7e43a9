"""Rules about the pipeline: why it is as slow as it is, and what would make it faster."""

import math
from collections.abc import Iterator, Mapping

from lab.findings.measurement import BUCKET_SHARE, impossible
from lab.judge import comparing
from lab.judge.comparing import Verdict
from lab.judge.evidence import Case, Evidence, allowed, isolated, verdict
from lab.judge.finding import (
    MOSTLY_SLACK,
    SLACK_US,
    Finding,
    Values,
    Words,
    late_by_host,
    rule,
    stage_shares,
    stage_words,
)
from lab.judge.placement import ONE_CPU, TWO_CPUS
from lab.plan.contract import PERCENTILES, Contract
from lab.tables.measurement import KEYS, Measurement
from lab.tables.stages import SLOWEST
from lab.text.numbers import share

KEEPS_UP = 0.98  # of the scheduled rate
FAST_SHARE = 1.02  # of the scheduled rate, which no producer exceeds
POLLS = 3.0  # times that a thread gives up its CPU for an item
SLEEPS = "consumer_voluntary_switches"
WAKES = 0.8  # times that the consumer sleeps for an item
BLOAT = 1.5  # times the latency
EQUAL_THROUGHPUT = 0.1
MIGRATIONS_PER_S = 1.0
RUN_DELAY = 0.3  # of the latency
OFTEN = 0.1  # times that the consumer is switched in for an item: a tenth of the items may have waited for it
MOST_OF_IT = 0.5
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
    "awake": (  # wake_up of a consumer that does not sleep
        "the consumer looks all the time, and yet noticed late: something else had its CPU",
        "a CPU of its own for the consumer (pin-consumer, isolcpus), and a host with a CPU for each of the guest's",
    ),
    "slack": (  # lateness that it may be
        f"Linux lets a timer fire up to {SLACK_US:g} µs late, its slack, and the producer must then be scheduled",
        'timer-slack-ns = 1, or sched = "fifo:50", which has none; then a CPU of its own for the producer',
    ),
}


def _impossible(row: Mapping[str, float], case: Case, _: Contract) -> Values | None:
    """What is wrong with a run, or nothing."""
    for name in PERCENTILES:
        if row.get(f"response_{name}_ns", math.inf) < row.get(f"latency_{name}_ns", 0) * (1 - BUCKET_SHARE):
            return {"what": "order", "percentile": name}
    if case.interval_ns:
        scheduled = 1e9 / case.interval_ns
        one_more = 1 / row["duration_s"] if row.get("duration_s", 0) > 0 else 0.0  # that begins just before the end
        if (rate := row.get("throughput_ops_s", 0)) > (FAST_SHARE + case.chance) * scheduled + one_more:
            return {"what": "rate", "rate": rate, "scheduled": scheduled}
    return None


impossible_items = impossible(
    "impossible items",
    {
        "order": "the response {percentile} is less than the latency {percentile}, which is part of it",
        "rate": "{rate:rate} items/s, though scheduled at {scheduled:rate}",
    },
    _impossible,
)


MISSES = {
    "sleep": (
        "relative sleep begins when the item is made, so wake-up, timer slack and work add up item by item",
        'pacing = "deadline", which sleeps until the item\'s own time',
    ),
    "block": ("the producer waits for room in the queue", "a faster consumer, or a longer interval"),
    "": (
        "the producer gets too little CPU time to make an item in its interval",
        "a longer interval, a CPU of its own for the producer, or fewer other threads",
    ),
}


@rule(
    "producer misses its schedule",
    lambda values, _: (
        "{made:rate} items/s instead of {scheduled:rate}: "
        "each takes {takes_ns:us,.0f} µs, {longer_ns:us,.0f} µs more than its interval",
        *MISSES[str(values["why"])],
    ),
)
def misses_schedule(evidence: Evidence) -> Iterator[Finding]:
    """The producer makes fewer items than its interval asks for."""
    for case in evidence.cases:
        made = _made_ops_s(case)
        if case.interval_ns and made < (KEEPS_UP - case.chance) * 1e9 / case.interval_ns:
            takes_ns = 1e9 / made if made else case.value("duration_s") * 1e9
            blocks = "block" if case.options["on-full"] == "block" else ""
            yield case.found(
                made=made,
                scheduled=1e9 / case.interval_ns,
                takes_ns=takes_ns,
                longer_ns=takes_ns - case.interval_ns,
                why="sleep" if case.options["pacing"] == "sleep" else blocks,
            )


def _made_ops_s(case: Case) -> float:
    """Items that the producer made a second."""
    return case.value("produced") / case.value("duration_s")


@rule(
    "consumer polls",
    (
        "{switches:,.0f} context switches of the consumer an item",
        "it sleeps for a short time, looks and sleeps again, which costs CPU time and, on average, half a sleep",
        'wait = "futex", where the producer wakes it, or "spin" if it may keep a CPU busy',
    ),
)
def consumer_polls(evidence: Evidence) -> Iterator[Finding]:
    """Many context switches an item: a thread that sleeps, looks and sleeps again."""
    for case in evidence.cases:
        if (switches := case.per_item(SLEEPS)) > POLLS:
            yield case.found(switches=switches)


@rule("wakes up for each item", ("{switches:.1f} context switches of the consumer an item", *CAUSES["wake_up"]))
def wakes_for_each_item(evidence: Evidence) -> Iterator[Finding]:
    """A sleep and a wake-up for every item: latency is then the time of a wake-up."""
    for case in evidence.cases:
        if WAKES <= (switches := case.per_item(SLEEPS)) <= POLLS:
            yield case.found(switches=switches)


@rule(
    "migrations",
    lambda values, _: (
        "the {who} moved to another CPU {rate:,.0f} times a second",
        (
            "the kernel moves a pinned thread only on request: something changes its affinity"
            if values["pinned"]
            else "the scheduler places a thread anew at each wake-up, and it finds cold caches there"
        ),
        "pin producer and consumer to CPUs of their own (pin-producer, pin-consumer)",
    ),
)
def migrations(evidence: Evidence) -> Iterator[Finding]:
    """Threads that move from CPU to CPU."""
    for case in evidence.cases:
        by_role = [(who, case.value(f"{who}_migrations")) for who in ("producer", "consumer")]
        unknown = all(math.isnan(moves) for _, moves in by_role)
        for who, moves in [("threads", case.value("migrations"))] if unknown else by_role:
            rate = moves / case.value("duration_s")
            if rate > MIGRATIONS_PER_S:
                yield case.found(who=who, rate=rate, pinned=f"pin-{who}" in case.options)


@rule(
    "placement left to chance",
    (
        "both threads were on one CPU in {on_one} of {runs} runs, whose median latency is {one_ns:us.3g} µs, against "
        "{two_ns:us.3g} µs where they were on two",
        "the scheduler puts threads that are not pinned where it finds room when they start, and may move them later",
        "pin both (pin-producer, pin-consumer), to one CPU and to two: else runs differ by where they were put",
    ),
)
def placed_by_chance(evidence: Evidence) -> Iterator[Finding]:
    """Threads that share a CPU in some runs of a scenario and not in others, which have other latencies then."""
    for case in evidence.cases:
        where = case.places
        if {ONE_CPU, TWO_CPUS} <= set(where):
            latency_ns = case.rows["latency_p50_ns"]
            one_ns, two_ns = (float(latency_ns[where == side].median()) for side in (ONE_CPU, TWO_CPUS))
            if abs(one_ns / two_ns - 1) > comparing.MARGIN:
                yield case.found(on_one=(where == ONE_CPU).sum(), runs=len(where), one_ns=one_ns, two_ns=two_ns)


def _bloat_words(values: Values, _: Contract) -> Words:
    elsewhere = str(values["elsewhere"])
    return (
        "the median latency is {times:.1f} times that of {other} ({large} places instead of {small}, and about "
        "{waiting:,.0f} items in them), at {rate:rate} against {other_rate:rate} items/s",
        "the queue is mostly full, so each item waits behind as many others as there is room for",
        "queue-cap = {small}: what the larger queue holds is delay" + ". But {elsewhere}" * bool(elsewhere),
    )


@rule("queue bloat", _bloat_words)
def queue_bloat(evidence: Evidence) -> Iterator[Finding]:
    """Latency grows with the queue's capacity, and throughput, for all that is known, does not."""
    alike: dict[object, list[Case]] = {}
    for case in evidence.cases:
        alike.setdefault(case.but_for("queue-cap"), []).append(case)
    for case in evidence.cases:
        for larger in alike[case.but_for("queue-cap")]:
            small, large = (int(each.options["queue-cap"]) for each in (case, larger))
            latencies = [each.value("latency_p50_ns") for each in (case, larger)]
            rates = [each.value("throughput_ops_s") for each in (case, larger)]
            waiting = rates[1] * latencies[1] / 1e9  # items in the larger queue, by Little's law
            if small < waiting and 0 < BLOAT * latencies[0] <= latencies[1] and _as_fast(evidence, case, larger):
                yield larger.found(
                    times=latencies[1] / latencies[0],
                    other=case.scenario,
                    small=small,
                    large=large,
                    waiting=waiting,
                    rate=rates[1],
                    other_rate=rates[0],
                    elsewhere=_cost_elsewhere(evidence, case, larger),
                )


def _as_fast(evidence: Evidence, case: Case, larger: Case) -> bool:
    """Whether the smaller queue has the throughput of the larger one, or more, for certain."""
    known = verdict(evidence, case, larger, "throughput_ops_s")
    if known is None:
        rates = [each.value("throughput_ops_s") for each in (case, larger)]
        return abs(rates[1] - rates[0]) <= EQUAL_THROUGHPUT * rates[0]
    return known in (Verdict.SAME, Verdict.EQUAL, Verdict.BETTER)


def _cost_elsewhere(evidence: Evidence, case: Case, larger: Case) -> str:
    """What the smaller queue costs in other measurements: 'in exact timing on aarch64 it costs 69 % ...', or nothing."""
    costs = []
    for small in (each for each in evidence.cases if each.scenario == case.scenario):
        for large in (each for each in evidence.cases if each.scenario == larger.scenario):
            if small.measurement == large.measurement != case.measurement:
                found = " and ".join(_costs(evidence, small, large))
                costs += [f"in {small.measurement} it {found}"] * bool(found)
    return "; ".join(costs)


def _costs(evidence: Evidence, small: Case, large: Case) -> list[str]:
    """What a smaller queue takes for certain, or where no runs were compared, by far more than equal ones differ."""
    rates, drops = ([each.value(name) for each in (small, large)] for name in ("throughput_ops_s", "drop_rate"))
    lost = {"throughput_ops_s": 1 - rates[0] / rates[1] if rates[1] else 0.0, "drop_rate": drops[0] - drops[1]}
    texts = {
        "throughput_ops_s": f"costs {share(lost['throughput_ops_s'], 0)} of the throughput",
        "drop_rate": f"drops {share(drops[0], 1)} of the items instead of {share(drops[1], 1)}",
    }
    worse = {None: EQUAL_THROUGHPUT, Verdict.WORSE: 0.0}
    verdicts = {metric: verdict(evidence, small, large, metric) for metric in texts}
    return [text for metric, text in texts.items() if lost[metric] > worse.get(verdicts[metric], math.inf)]


@rule(
    "drops begin",
    (
        "of the {capacity:rate} items/s that get through at most, none at {calm_load:.1%} of it ({calm}), "
        "and {drops:.1%} of items at a load of {load:.0%}",
        "from there on items come faster than the consumer takes them, at least for as long as the queue can hold",
        "a rate below it; or rates in between, to find the load more closely",
    ),
)
def drops_begin(evidence: Evidence) -> Iterator[Finding]:
    """The load from which on items are dropped, where a suite has several rates."""
    families: dict[object, list[Case]] = {}
    for case in evidence.cases:
        families.setdefault(case.but_for("prod-interval-us"), []).append(case)
    for cases in families.values():
        by_rate = sorted(cases, key=_made_ops_s)
        dropping = [case for case in by_rate if case.value("drop_rate") > 0]
        capacity = max(case.value("throughput_ops_s") for case in by_rate)
        if not dropping or not capacity:
            continue
        first = dropping[0]
        calm = [case for case in by_rate if _made_ops_s(case) < _made_ops_s(first)]
        if calm and not _made_ops_s(calm[-1]) < NEAR_LOAD * capacity:
            yield first.found(
                capacity=capacity,
                calm_load=_made_ops_s(calm[-1]) / capacity,
                calm=calm[-1].scenario,
                drops=first.value("drop_rate"),
                load=_made_ops_s(first) / capacity,
            )


NO_CPU = {
    "another": (
        "another thread than the producer had the consumer's CPU, or it took long to switch to the consumer",
        "look at who had it: make trace SCENARIO={suite}/{scenario}",
    ),
    "shared": (
        "another thread had the consumer's CPU: the producer, if both share it, or the kernel's",
        "pin producer and consumer to different CPUs, and keep others off them (isolcpus)",
    ),
    "single": ("both threads have one CPU, and one waits for the other", "a second CPU (smp = 2)"),
    "isolated": (
        "both threads have one CPU, and one waits for the other",
        "isolcpus leaves unpinned threads one CPU: pin the consumer to the isolated one ({free})",
    ),
    "pinned": ("both threads have one CPU, and one waits for the other", "pin them to two"),
}


@rule(
    "consumer waits for a CPU",
    lambda values, _: (
        "it was ready but not running for {delay_ns:us,.1f} µs an item, with a median latency of {latency_ns:us,.1f} µs",
        *NO_CPU[str(values["why"])],
    ),
)
def consumer_waits_for_cpu(evidence: Evidence) -> Iterator[Finding]:
    """A good part of the latency is the consumer, ready to run, without a CPU, and not in a few long waits alone."""
    for case in evidence.cases:
        delay_ns, latency_ns = case.per_item("consumer_run_delay_ns"), case.value("latency_p50_ns")
        switched_in = sum(case.per_item(f"consumer_{kind}_switches") for kind in ("voluntary", "involuntary"))
        if delay_ns / latency_ns >= RUN_DELAY and not switched_in < OFTEN:
            suite = evidence.environment.get("suite", "SUITE")
            yield case.found(delay_ns=delay_ns, latency_ns=latency_ns, suite=suite, **_had_no_cpu(evidence, case))


def _had_no_cpu(evidence: Evidence, case: Case) -> Values:
    """Which of NO_CPU a consumer without a CPU is, by the CPUs that it and the producer may run on."""
    producer, consumer = (allowed(evidence, case, thread) for thread in ("producer", "consumer"))
    if not producer & consumer:
        return {"why": "another"}
    if len(producer | consumer) > 1:
        return {"why": "shared"}
    if case.options["smp"] == 1:
        return {"why": "single"}
    free = (isolated(str(case.options["kernel-args"])) - producer) & set(range(int(case.options["smp"])))
    return {"why": "isolated", "free": min(free)} if "pin-consumer" not in case.options and free else {"why": "pinned"}


def _slowest_words(values: Values, contract: Contract) -> Words:
    slack = f" (at most {SLACK_US:g} of {{late_ns:us,.0f}} µs late is timer slack)" * ("late_ns" in values)
    why = str(values["why"])
    return stage_words(values, contract) + slack, *(CAUSES.get(why) or late_by_host(why, "producer"))


@rule(f"the {SLOWEST}", _slowest_words)
def slowest_items(evidence: Evidence) -> Iterator[Finding]:
    """What the slowest 1 % waited for, when it is mostly one thing."""
    if evidence.stages.empty:
        return
    cases = {(case.measurement, case.scenario): case for case in evidence.cases}
    slowest = evidence.stages[evidence.stages["population"] == SLOWEST]
    for key, rows in slowest.groupby([*KEYS, "scenario"], sort=False):
        largest = rows.loc[rows["share"].idxmax()] if rows["share"].notna().any() else None
        if largest is not None and largest["share"] >= MOST_OF_IT:
            measurement = Measurement(*key[:-1])
            why = _why(cases.get((measurement, key[-1])), largest["stage"], largest["mean_ns"])
            yield Finding("", key[-1], measurement, {**stage_shares(rows), **why})


def _why(case: Case | None, stage: str, mean_ns: float) -> Values:
    """Which of CAUSES long waits in a stage have, or which accelerator is to blame, by what the case is."""
    if case is not None and stage == "wake_up" and case.options["wait"] in ("spin", "yield"):
        return {"why": "awake"}
    if case is None or stage != "lateness" or case.options["pacing"] == "spin":
        return {"why": stage}
    has_slack = "timer-slack-ns" not in case.options and case.options.get("sched", "other") == "other"
    if case.timing == "live" and mean_ns > MOSTLY_SLACK * SLACK_US * 1e3:
        return {"why": case.measurement.accelerator, **({"late_ns": mean_ns} if has_slack else {})}
    return {"why": "slack" if has_slack and mean_ns >= SLACK_US * 1e3 else stage}


RULES = (
    impossible_items,
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
