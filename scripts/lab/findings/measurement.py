"""Rules about the measurement: can these numbers be what they say, and do they say enough?"""

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from lab.judge import comparing, paired, ranks
from lab.judge.comparing import Verdict
from lab.judge.evidence import Case, Evidence
from lab.judge.finding import Finding, Rule, Values, Words, rule
from lab.plan import schedule
from lab.plan.contract import PERCENTILES, Contract
from lab.tables import measured
from lab.tables.measurement import LEAST_BEYOND, each_of, guest_cpus

BUCKET_SHARE = 0.001  # of a value, which a histogram's bucket may hide
CLOCK_SHARE = 0.1  # of a time that reading the clock may be
WARM_UP_P = 0.001
WARM_UP_CHANGE = 0.1
BROKEN = (  # of numbers that cannot be
    "the files were changed or mixed up, or the program counts wrongly",
    "do not use this table; run the scenario again, and report it if it comes back",
)


def _first_time(evidence: Evidence, percentile: str) -> str:
    """The column of a percentile of what is timed first; of a workload that times nothing, none of the raw table."""
    return f"{next(iter(evidence.contract.histograms), '')}_{percentile}_ns"


def _first_title(evidence: Evidence) -> str:
    contract = evidence.contract
    return contract.metrics[contract.histograms[0]].title


def impossible(
    name: str, texts: Mapping[str, str], fault: Callable[[Mapping[str, float], Case, Contract], Values | None]
) -> Rule:
    """A rule about runs that cannot be. `fault` says what is wrong with one, a row of the raw table, or nothing: its
    value `what` is a key of `texts`, which have the evidence."""

    def words_of(values: Values, _: Contract) -> Words:
        return texts[str(values["what"])] + ", and {more} more runs like it" * bool(values["more"]), *BROKEN

    def find(evidence: Evidence) -> Iterator[Finding]:
        for case in evidence.cases:
            rows = case.rows.to_dict("records")
            if wrongs := [what for row in rows if (what := fault(row, case, evidence.contract))]:
                yield case.found(**wrongs[0], more=len(wrongs) - 1)

    return Rule(name, find, words_of)


def _impossible(row: Mapping[str, float], _: Case, contract: Contract) -> Values | None:
    """What is wrong with a run, or nothing."""
    for metric in contract.metrics.values():
        # What was not measured is no value.
        if metric.unit == "share" and (row.get(metric.name, 0) < 0 or row.get(metric.name, 0) > 1):
            return {"what": "share", "metric": metric.title, "value": row[metric.name]}
        known = [(name, row.get(f"{metric.name}_{name}_ns", math.nan)) for name in PERCENTILES]
        known = [(name, value) for name, value in known if not math.isnan(value)]
        said = {"metric": metric.title}
        for (name, value), (above, larger) in zip(known, known[1:]):
            if value > larger:
                return said | {"what": "order", "percentile": name, "value": value, "above": above, "larger": larger}
        for name, value in known:
            if value < 0 or value * (1 - BUCKET_SHARE) > row.get("duration_s", math.inf) * 1e9:
                return said | {"what": "length", "percentile": name, "value": value}
    return None


impossible_values = impossible(
    "impossible value",
    {
        "order": "{metric} {percentile} of {value:,.0f} ns is more than {above} of {larger:,.0f} ns",
        "length": "{metric} {percentile} of {value:,.0f} ns is negative or longer than the run",
        "share": "a {metric} of {value:g}",
    },
    _impossible,
)


@rule(
    "stages left out",
    lambda _, contract: (
        f"its runs keep no {contract.items[0]} (max-samples = 0)",
        f"the tables are made of counts of all {contract.items[1]}, and the stages of those that are kept one by one",
        f"max-samples = 100000 where it matters what {contract.items[1]} waited for",
    ),
)
def no_stages(evidence: Evidence) -> Iterator[Finding]:
    """A run that keeps no items cannot say what they waited for."""
    for case in evidence.cases:
        if case.options.get("max-samples") == 0:
            yield case.found()


@rule(
    "too few samples",
    lambda values, contract: (
        f"the {{metric}} {'and '.join(f'{_dotted(name)} ' for name in PERCENTILES if name in values)}would rest on "
        + " and ".join(f"{{{name}:,.0f}}" for name in PERCENTILES if name in values)
        + f" of {{items:,.0f}} {contract.items[1]} of all runs: not stated",
        f"a percentile with fewer than {LEAST_BEYOND} {contract.items[1]} beyond it moves by chance from run to run",
        "DURATION={seconds:most.0f} or more, or more runs",
    ),
)
def few_samples(evidence: Evidence) -> Iterator[Finding]:
    """A percentile that is not stated, as it rests on few items."""
    for case in evidence.cases:
        shown = {each.percentile for each in evidence.contract.headline}
        first = next(iter(evidence.contract.histograms), "")
        poor = [
            column.percentile
            for column in measured.percentiles_of_few(case.rows, evidence.contract)
            if column.metric.name == first and column.percentile in shown
        ]
        if poor:
            items = case.rows["items"].sum()
            wanted = LEAST_BEYOND / (1 - PERCENTILES[poor[0]])
            yield case.found(
                metric=_first_title(evidence),
                items=items,
                seconds=max(1, math.ceil(wanted / items * case.value("duration_s"))),
                **{name: items * (1 - PERCENTILES[name]) for name in poor},
            )


def _least_p(runs: int) -> float:
    return ranks.least_p(runs, runs)


def _dotted(percentile: str) -> str:
    return percentile.replace("p999", "p99.9")


@rule(
    "too few runs",
    lambda values, _: (
        f"{{runs}} quiet run{'s' * (values['runs'] != 1)} of a scenario: however far apart two scenarios are, p is at least "
        "{p:.2g}",
        "the spread between runs may exceed the difference between scenarios, and so few runs cannot show by how much",
        "REPS=10; at least {enough} quiet runs for one comparison, and more for several",
    ),
)
def few_runs(evidence: Evidence) -> Iterator[Finding]:
    """So few runs that no test can tell scenarios apart."""
    for measurement in dict.fromkeys(case.measurement for case in evidence.cases):
        replicates = [case.replicates for case in evidence.cases if case.measurement == measurement]
        runs = min(replicates)
        least_p = paired.least_p if measurement.timing == "exact" else _least_p
        least = least_p(runs)
        if len(replicates) > 1 and least > comparing.ALPHA:
            enough = next(n for n in range(2, 10) if least_p(n) <= comparing.ALPHA)
            yield Finding("", "", measurement, {"runs": runs, "p": least, "enough": enough})


@rule(
    "costly clock",
    (
        "a clock read of {read_ns:,.0f} ns is {share:.0%} of the median {metric}",
        "each {metric} includes one read of the clock, which is not part of the workload",
        "take throughput as the measure",
    ),
)
def costly_clock(evidence: Evidence) -> Iterator[Finding]:
    """Reading the clock is a good part of what it measures."""
    for case in evidence.cases:
        share = case.value("clock_read_ns") / (case.value(_first_time(evidence, "p50")) or math.nan)
        if share >= CLOCK_SHARE:
            yield case.found(read_ns=case.value("clock_read_ns"), share=share, metric=_first_title(evidence))


@rule(
    "exact and live disagree",
    (
        "{metric} is {exact} in exact timing, and {live} in live",
        "exact timing knows neither caches, memory nor CPUs that truly run at once, and live timing has the host",
        "believe live for what it costs; look at the stages of both for the one that differs",
    ),
)
def exact_against_live(evidence: Evidence) -> Iterator[Finding]:
    """Exact and live timing disagree on the sign of a difference."""
    signs = {Verdict.BETTER: 1, Verdict.WORSE: -1}
    exact = {
        (each.scenario, each.where, each.metric, each.measurement.target): each
        for each in evidence.comparisons
        if each.measurement.timing == "exact"
    }
    for live in (each for each in evidence.comparisons if each.measurement.timing == "live"):
        other = exact.get((live.scenario, live.where, live.metric, live.measurement.target))
        if other and signs.get(live.verdict, 0) * signs.get(other.verdict, 0) < 0:
            said = {"metric": evidence.contract.columns[live.metric].title}
            said |= {
                each.measurement.timing: f"{each.verdict.value}: {each.amount(each.change)}" for each in (other, live)
            }
            yield Finding("", live.scenario, live.measurement, said)


WARM_UP_CAUSES = {
    "exact": "the scheduler begins to treat the threads otherwise: a woken thread begins to preempt the other, or one is moved",
    "live": "caches, the emulator's translations, the host's clock rate or the CPUs that the threads are on were not yet what they would be",
}


@rule(
    "warm-up not over",
    lambda values, contract: (
        "in {steps} of {runs} runs the {metric} changes by {change:+.0%} after {after:.0%} of the run",
        WARM_UP_CAUSES[str(values["timing"])],
        f"{option.name} = {{warmup:g}}" if (option := contract.meaning("warmup")) else "a warm-up of {warmup:g} s",
    ),
)
def warm_up_not_over(evidence: Evidence) -> Iterator[Finding]:
    """The times have a step in the first half of most runs, whose load does not change by itself."""
    for case in (each for each in evidence.cases if len(schedule.phases(evidence.contract, each.options)) < 2):
        steps = [step for windows in case.windows_ns if (step := _early_step(windows))]
        rises = sum(change > 0 for _, change in steps)
        if max(rises, len(steps) - rises) * 2 <= len(case.windows_ns):
            continue
        steps = [(share, change) for share, change in steps if (change > 0) == (rises * 2 > len(steps))]
        after, change = (float(np.median(each)) for each in zip(*steps))
        option = evidence.contract.meaning("warmup")
        warmup_s = float(case.options.get(option.name, 0)) if option else 0.0
        wanted = warmup_s + after * case.value("duration_s")
        yield case.found(
            steps=len(steps),
            runs=len(case.windows_ns),
            metric=_first_title(evidence),
            change=change,
            after=after,
            timing=case.timing,
            warmup=math.ceil(wanted * 10) / 10 if wanted > 0 else 1,
        )


def _early_step(values: np.ndarray) -> tuple[float, float] | None:
    """Where (share of the run) and by how much (share of what was before) the level steps, if early and for sure.

    Pettitt, "A non-parametric approach to the change-point problem", Applied Statistics 28 (1979).
    """
    length = len(values)
    if length < 10:
        return None
    order = np.sign(np.subtract.outer(values, values))  # [later, earlier]
    distance = np.abs([order[cut:, :cut].sum() for cut in range(1, length)])
    cuts = np.arange(1, length)
    cut = int(np.argmax(distance / np.sqrt(cuts * (length - cuts)))) + 1  # scaled: an early step stays where it is
    p_value = 2 * math.exp(-6 * float(distance.max()) ** 2 / (length**3 + length**2))
    before, after = np.median(values[:cut]), np.median(values[cut:])
    if p_value > WARM_UP_P or cut * 2 > length or not before:
        return None
    change = float(after / before - 1)
    return (cut / length, change) if abs(change) >= WARM_UP_CHANGE else None


@rule(
    "host too small",
    (
        "the host has {cpus} CPUs for the guest's {guest}",
        "QEMU's own thread and all else on the host take time from the guest's CPUs, which shows in every time",
        "a host with more CPUs than the guest",
    ),
)
def host_too_small(evidence: Evidence) -> Iterator[Finding]:
    """The host has not enough CPUs for the guest's."""
    for measurement, facts in each_of(evidence.environment).items():
        cpus, guest = facts.get("host", {}).get("cpus"), guest_cpus(facts)
        if cpus and cpus <= guest:
            yield Finding("", "", measurement, {"cpus": cpus, "guest": guest})


RULES = (
    impossible_values,
    no_stages,
    few_samples,
    few_runs,
    costly_clock,
    exact_against_live,
    warm_up_not_over,
    host_too_small,
)
