"""Rank sums of two sides: how likely chance deals ranks that are so far apart. Enumerated, with ties, and not sampled."""

import math
from functools import lru_cache

import numpy as np
from scipy import special, stats

MANY_RUNS = 100  # of both sides; from here on the rank sum is normal enough, and costly to enumerate


def rank_sum_p(base: np.ndarray, value: np.ndarray) -> float:
    """Of all ways to deal the values to the two sides, the share with rank sums at least this far apart."""
    both = np.concatenate([base, value])
    if len(both) > MANY_RUNS:
        return float(stats.mannwhitneyu(base, value, method="asymptotic").pvalue) if np.ptp(both) else 1.0
    doubled = np.rint(2 * stats.rankdata(both)).astype(int)  # whole even where ties share a rank
    share = _subset_sums(tuple(sorted(doubled)), len(base))
    centre = len(base) * (len(both) + 1)
    distance = abs(int(doubled[: len(base)].sum()) - centre)
    return min(1.0, float(share[np.abs(np.arange(len(share)) - centre) >= distance].sum()))


def least_p(first: int, second: int) -> float:
    """The smallest p value that so many runs can give."""
    return 2 / math.comb(first + second, first)


@lru_cache(maxsize=256)
def untied(first: int, second: int) -> np.ndarray:
    """The distribution of Mann and Whitney's U (0 to first * second) when chance deals the ranks."""
    runs = first + second
    if runs > MANY_RUNS:
        deviation = math.sqrt(first * second * (runs + 1) / 12)
        edges = np.arange(first * second + 2) - 0.5 - first * second / 2
        return np.diff(special.ndtr(edges / deviation))
    smallest = first * (first + 1) // 2
    shares = _subset_sums(tuple(range(1, runs + 1)), first)
    return shares[smallest : smallest + first * second + 1]


@lru_cache(maxsize=256)
def _subset_sums(numbers: tuple[int, ...], size: int) -> np.ndarray:
    """By sum: the share of all subsets of `size` numbers that have it."""
    ways = np.zeros((size + 1, sum(numbers) + 1))
    ways[0, 0] = 1
    for number in numbers:
        ways[1:, number:] += ways[:-1, :-number].copy()
    return ways[size] / ways[size].sum()
