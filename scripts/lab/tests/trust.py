"""How often verdicts are wrong, and how often they find what is there: simulated, as the table of docs/trust.md.

    PYTHONPATH=scripts /usr/bin/python3 -m lab.tests.trust    prints the table

Whole reports are drawn, of COMPARISONS comparisons each, and given to lab.judge.comparing as the values of real runs are.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from lab.judge import comparing
from lab.judge.comparing import Pair, Verdict
from lab.plan import contract
from lab.tables.measurement import Measurement
from lab.text.markdown import table

COMPARISONS = 145
REPORTS = 100  # of each cell
RUNS = {"exact": (3, 6, 8, 10), "live": (3, 6, 10, 30)}
WRONG = (Verdict.BETTER, Verdict.WORSE)

Draw = Callable[[np.random.Generator, int], np.ndarray]
SHAPES: dict[str, Draw] = {
    "Gaussian, 2 %": lambda random, runs: 100 * (1 + 0.02 * random.standard_normal(runs)),
    "lognormal, 20 %": lambda random, runs: 100 * np.exp(0.2 * random.standard_normal(runs)),
    "two modes, 6 times apart": lambda random, runs: random.choice([100.0, 600.0], runs)
    * (1 + 0.001 * random.standard_normal(runs)),
    "heavy tails (t, 2 degrees)": lambda random, runs: 100 * np.exp(0.05 * random.standard_t(2, runs)),
    "drop rates, 9 of 10 runs with none": lambda random, runs: (random.random(runs) < 0.1) * random.random(runs),
}


def report(draw: Draw, timing: str, runs: int, factors: np.ndarray, random: np.random.Generator) -> list[Verdict]:
    """The verdicts of a report, of whose comparisons each has a true change by a factor."""
    metric = contract.load("pipeline").columns["latency_p50_ns"].metric
    pairs = [
        Pair(
            str(number),
            Measurement("aarch64", timing, "tcg"),
            "latency_p50_ns",
            metric.higher_is_better,
            pd.Series(draw(random, runs)),
            pd.Series(factor * draw(random, runs)),
        )
        for number, factor in enumerate(factors)
    ]
    return [each.verdict for each in comparing.compare(pairs)]


def false_reports(shape: str, timing: str, runs: int, reports: int) -> float:
    """The share of reports in which nothing has changed, and any verdict says that something has."""
    random, same = np.random.default_rng(runs), np.ones(COMPARISONS)
    return np.mean(
        [bool({*report(SHAPES[shape], timing, runs, same, random)} & {*WRONG}) for _ in range(reports)]
    ).item()


def found(shape: str, timing: str, runs: int, factor: float, reports: int) -> float:
    """The share of true changes that are found, of 10 in a report where nothing else has changed."""
    random, factors = np.random.default_rng(runs), np.concatenate([np.full(10, factor), np.ones(COMPARISONS - 10)])
    verdicts = [report(SHAPES[shape], timing, runs, factors, random)[:10] for _ in range(reports)]
    return np.mean([each is Verdict.WORSE for of_report in verdicts for each in of_report]).item()


def tables(reports: int) -> str:
    columns = [(timing, runs) for timing, several in RUNS.items() for runs in several]
    head = [f"{timing}, {runs} {'seeds' if timing == 'exact' else 'runs'}" for timing, runs in columns]
    wrong = [
        [shape, *(f"{false_reports(shape, timing, runs, reports):.1%}".replace("%", " %") for timing, runs in columns)]
        for shape in SHAPES
    ]
    changes = (("Gaussian, 2 %", 1.05), ("Gaussian, 2 %", 1.1), ("lognormal, 20 %", 1.3), ("lognormal, 20 %", 2.0))
    right = [
        [
            f"{factor - 1:+.0%}, {shape}".replace("%,", " %,", 1),
            *(f"{found(shape, timing, runs, factor, reports):.0%}".replace("%", " %") for timing, runs in columns),
        ]
        for shape, factor in changes
    ]
    right_aligned = range(1, len(columns) + 1)
    return "\n\n".join(
        table([first, *head], rows, right=right_aligned) for first, rows in (("runs", wrong), ("change, runs", right))
    )


if __name__ == "__main__":
    print(tables(REPORTS))
