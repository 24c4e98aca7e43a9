"""Rules about the measurement: can these numbers be what they say, and do they say enough?"""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from lab.judge import comparing
from lab.text.numbers import rate
from lab.judge.evidence import Case, Finding, Study, percent
from lab.tables.measurement import Measurement, each_of, guest_cpus
from lab.judge.comparing import Verdict

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999}
TAIL_ITEMS = 100  # beyond a percentile, for it to be good to about a tenth
NEARLY = 0.95  # of what is wanted, where items come at random
BUCKET_SHARE = 0.001  # of a value, which a histogram's bucket may hide
FAST_SHARE = 1.02  # of the scheduled rate, which no producer exceeds
CLOCK_SHARE = 0.1  # of a latency that reading the clock may be
WARM_UP_P = 0.001
WARM_UP_CHANGE = 0.1
WARM_UP_CAUSES = {
    "exact": "the scheduler begins to treat the threads otherwise: a woken thread begins to preempt the other, or one is moved",
    "live": "caches, the emulator's translations, the host's clock rate or the CPUs that the threads are on were not yet what they would be",
}
LOADED_HOST = 0.5  # load before a run


def impossible_values(study: Study) -> Iterator[Finding]:
    """A percentile out of order, or a figure that cannot be."""
    for case in study.cases:
        wrongs = [what for _, row in case.rows.iterrows() if (what := _impossible(row, case))]
        if wrongs:
            yield case.found(
                "impossible value",
                f"{wrongs[0]}" + (f", and {len(wrongs) - 1} more runs like it" if len(wrongs) > 1 else ""),
                "the files were changed or mixed up, or the program counts wrongly",
                "do not use this table; run the scenario again, and report it if it comes back",
            )


def no_stages(study: Study) -> Iterator[Finding]:
    """A run that does not keep each item cannot say what they waited for."""
    for case in study.cases:
        every, most = (
            int(case.options.get(name, usual)) for name, usual in (("sample-every", "1"), ("max-samples", "1"))
        )
        if not most:
            yield case.found(
                "stages left out",
                "its runs keep no item (max-samples = 0)",
                "the tables are made of counts of all items, and the stages of the items that are kept one by one",
                "max-samples = 100000 where it matters what items waited for",
            )
        elif every > 1:
            yield case.found(
                "stages left out",
                f"its runs keep one item in {every} (sample-every = {every})",
                "what an item waited for is told by the one before it, which was not kept",
                "sample-every = 1 where it matters what items waited for",
            )


def few_samples(study: Study) -> Iterator[Finding]:
    """A percentile that rests on few items."""
    for case in study.cases:
        tails = {
            name: case.items * (1 - quantile)
            for name, quantile in QUANTILES.items()
            if not math.isnan(case.value(f"latency_{name}_ns"))
        }
        poor = {name: tail for name, tail in tails.items() if tail < NEARLY * TAIL_ITEMS}
        if poor:
            name, tail = next(iter(poor.items()))
            seconds = TAIL_ITEMS / (1 - QUANTILES[name]) / case.value("throughput_ops_s")
            yield case.found(
                "too few samples",
                f"the {_dotted(name)} is the border of the slowest {tail:,.0f} of {case.items:,.0f} items"
                + "".join(f", the {_dotted(other)} of {few:,.1f}" for other, few in list(poor.items())[1:]),
                f"a border that fewer than {TAIL_ITEMS} items are beyond moves by chance from run to run",
                f"DURATION={max(1, round(seconds))} or more",
            )


def few_runs(study: Study) -> Iterator[Finding]:
    """So few runs that no test can tell scenarios apart."""
    for measurement, cases in _by_measurement(study).items():
        runs = min(case.replicates for case in cases)
        if (
            measurement.timing != "live"
            or len(cases) < 2
            or (least := comparing.least_p(runs, runs)) <= comparing.ALPHA
        ):
            continue
        enough = next(n for n in range(2, 10) if comparing.least_p(n, n) <= comparing.ALPHA)
        yield Finding(
            "too few runs",
            "",
            measurement,
            f"{runs} run{'s'[:runs > 1]} of a scenario: however far apart two scenarios are, p is at least {least:.2g}",
            "runs differ from each other by more than their scenarios may, and so few cannot show by how much",
            f"REPS=10; at least {enough} for one comparison, and more for several. Until then believe no difference",
        )


def clock_too_dear(study: Study) -> Iterator[Finding]:
    """Reading the clock is a good part of what it measures."""
    for case in study.cases:
        share = case.value("clock_read_ns") / (case.value("latency_p50_ns") or math.nan)
        if share >= CLOCK_SHARE:
            yield case.found(
                "clock too dear",
                f"a clock read of {case.value('clock_read_ns'):,.0f} ns is {percent(share)} of the median latency",
                "each latency includes one read of the clock, which is not the pipeline's",
                "take throughput as the measure, or a clock source that needs no system call",
            )


def exact_against_live(study: Study) -> Iterator[Finding]:
    """Exact and live timing disagree on the sign of a difference."""
    signs = {Verdict.BETTER: 1, Verdict.WORSE: -1}
    exact = {
        (each.scenario, each.metric, each.measurement.target): each
        for each in study.comparisons
        if each.measurement.timing == "exact"
    }
    for live in (each for each in study.comparisons if each.measurement.timing == "live"):
        other = exact.get((live.scenario, live.metric, live.measurement.target))
        if other and signs.get(live.verdict, 0) * signs.get(other.verdict, 0) < 0:
            yield Finding(
                "exact and live disagree",
                live.scenario,
                live.measurement,
                f"{live.metric} is {other.text()} in exact timing, and {live.text()} in live",
                "exact timing knows neither caches, memory nor CPUs that truly run at once, and live timing has the host",
                "believe live for figures; look at the stages of both for the one that differs",
            )


def warm_up_not_over(study: Study) -> Iterator[Finding]:
    """The latency has a step in the first half of most runs."""
    for case in study.cases:
        steps = [step for windows in case.windows_ns if (step := _early_step(windows))]
        rises = sum(change > 0 for _, change in steps)
        if max(rises, len(steps) - rises) * 2 <= len(case.windows_ns):
            continue
        steps = [(share, change) for share, change in steps if (change > 0) == (rises * 2 > len(steps))]
        share = float(np.median([share for share, _ in steps]))
        change = float(np.median([change for _, change in steps]))
        wanted = float(case.options.get("warmup", 0)) + share * case.value("duration_s")
        yield case.found(
            "warm-up not over",
            f"in {len(steps)} of {len(case.windows_ns)} runs the latency changes by {change * 100:+.0f} % after {percent(share)} of the run",
            WARM_UP_CAUSES[case.timing],
            f"warmup = {math.ceil(wanted * 10) / 10 if wanted > 0 else 1:g}",
        )


def host_too_small(study: Study) -> Iterator[Finding]:
    """The host has not enough CPUs for the guest's."""
    for measurement, facts in each_of(study.environment).items():
        host, guest = facts.get("host", {}), guest_cpus(facts)
        cpus, load = host.get("cpus"), host.get("load_before_max", 0)
        if not cpus or cpus > guest or cpus == guest and load < LOADED_HOST:
            continue
        busy = f", and a load of {load:.2f} before the runs" if load >= LOADED_HOST else ""
        yield Finding(
            "host too small",
            "",
            measurement,
            f"the host has {cpus} CPUs for the guest's {guest}{busy}",
            "QEMU's own thread and all else on the host take time from the guest's CPUs, which shows as latency",
            f"a host of {guest + 1} CPUs or more with nothing else to do, or smp = {max(1, cpus - 1)} in [guest]",
        )


def _impossible(row: pd.Series, case: Case) -> str:
    """What is wrong with a run, or nothing."""
    for time in ("latency", "response"):
        present = [(name, row.get(f"{time}_{name}_ns", math.nan)) for name in QUANTILES]
        present = [(name, value) for name, value in present if not math.isnan(value)]
        for (name, value), (above, larger) in zip(present, present[1:]):
            if value > larger:
                return f"{time} {name} of {value:,.0f} ns is more than {above} of {larger:,.0f} ns"
        for name, value in present:
            if value < 0 or value * (1 - BUCKET_SHARE) > row.get("duration_s", math.inf) * 1e9:
                return f"{time} {name} of {value:,.0f} ns is negative or longer than the run"
            if row.get(f"response_{name}_ns", math.inf) < row.get(f"latency_{name}_ns", 0) * (1 - BUCKET_SHARE):
                return f"the response {name} is less than the latency {name}, which is part of it"
    if not 0 <= row.get("drop_rate", 0) <= 1:
        return f"a drop rate of {row['drop_rate']:g}"
    if row.get("consumed", 0) + row.get("dropped", 0) > row.get("produced", math.inf):
        return f"{row['consumed']:,.0f} consumed and {row['dropped']:,.0f} dropped of {row['produced']:,.0f} produced"
    if case.interval_us:
        scheduled = 1e6 / case.interval_us
        one_more = 1 / row["duration_s"] if row.get("duration_s", 0) > 0 else 0.0  # that begins just before the end
        if row.get("throughput_ops_s", 0) > (FAST_SHARE + case.chance) * scheduled + one_more:
            return f"{rate(row['throughput_ops_s'])} items/s, though scheduled at {rate(scheduled)}"
    return ""


def _early_step(values: np.ndarray) -> tuple[float, float] | None:
    """Where (share of the run) and by how much (share of what was before) the level steps, if early and for sure.

    Pettitt, "A non-parametric approach to the change-point problem", Applied Statistics 28 (1979).
    """
    length = len(values)
    if length < 10:
        return None
    order = np.sign(np.subtract.outer(values, values))  # [later, earlier]
    distance = np.abs([order[place:, :place].sum() for place in range(1, length)])
    places = np.arange(1, length)
    place = int(np.argmax(distance / np.sqrt(places * (length - places)))) + 1  # scaled: an early step stays in place
    p_value = 2 * math.exp(-6 * float(distance.max()) ** 2 / (length**3 + length**2))
    before, after = np.median(values[:place]), np.median(values[place:])
    if p_value > WARM_UP_P or place * 2 > length or not before:
        return None
    change = float(after / before - 1)
    return (place / length, change) if abs(change) >= WARM_UP_CHANGE else None


def _dotted(percentile: str) -> str:
    return percentile.replace("p999", "p99.9")


def _by_measurement(study: Study) -> dict[Measurement, list[Case]]:
    cases: dict[Measurement, list[Case]] = {}
    for case in study.cases:
        cases.setdefault(case.measurement, []).append(case)
    return cases


RULES = (
    impossible_values,
    no_stages,
    few_samples,
    few_runs,
    clock_too_dear,
    exact_against_live,
    warm_up_not_over,
    host_too_small,
)
