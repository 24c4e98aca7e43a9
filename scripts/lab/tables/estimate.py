"""What the runs of one scenario say of one metric: the median, an interval that holds the true one, and the spread.

Interval of a median: order statistics, interpolated; Hettmansperger and Sheather, "Confidence intervals based on
interpolated order statistics", Statistics & Probability Letters 4 (1986). Where runs are too few for that (under 6),
Student's t of the logarithms. lab.judge.comparing says why nothing is resampled.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import special

LEVEL = 0.95  # of intervals
MIN_RUNS = 3  # without which nothing is known of the spread


@dataclass(frozen=True)
class Estimate:
    """The median of `runs` values, and the interval that holds the true one in 95 % of cases; NaN if unknown."""

    median: float
    low: float
    high: float
    runs: int


def median_interval(values: Iterable[float]) -> Estimate:
    """The median over runs with its interval. Values that are not finite were not measured."""
    known = np.sort(finite(values))
    runs = len(known)
    if runs < MIN_RUNS:
        return Estimate(float(np.median(known)) if runs else math.nan, math.nan, math.nan, runs)
    depth = next(d for d in range(runs) if 2 * special.bdtr(d, runs, 0.5) > 1 - LEVEL)  # the last that covers
    if depth < 1:
        low, high = _student(known)
    else:
        covered, covered_next = (1 - 2 * special.bdtr(d - 1, runs, 0.5) for d in (depth, depth + 1))
        part = (covered - LEVEL) / (covered - covered_next)
        weight = (runs - depth) * part / (depth + (runs - 2 * depth) * part)
        low = (1 - weight) * known[depth - 1] + weight * known[depth]
        high = (1 - weight) * known[-depth] + weight * known[-depth - 1]
    return Estimate(float(np.median(known)), float(low), float(high), runs)


def spread(values: Iterable[float]) -> float:
    """The standard deviation from run to run, as a share (of the logarithms); NaN if unknown."""
    known = finite(values)
    return float(np.log(known).std(ddof=1)) if len(known) >= 2 and (known > 0).all() else math.nan


def _student(known: np.ndarray) -> tuple[float, float]:
    """Of the logarithms where there are such, since times from run to run are skewed."""
    positive = known[0] > 0
    scaled = np.log(known) if positive else known
    half = student_t(1 - LEVEL, len(known) - 1) * scaled.std(ddof=1) / math.sqrt(len(known))
    low, high = scaled.mean() - half, scaled.mean() + half
    # What is never below nothing, such as a rate, has no median there either.
    return (math.exp(low), math.exp(high)) if positive else (low if known[0] < 0 else max(low, 0.0), high)


def finite(values: Iterable[float]) -> np.ndarray:
    """Those that were measured, in their order."""
    known = np.asarray(list(values), dtype=float)
    return known[np.isfinite(known)]


def student_t(alpha: float, freedom: float) -> float:
    """Student's two-sided quantile: what |t| exceeds with probability `alpha`."""
    return float(special.stdtrit(freedom, 1 - alpha / 2))
