"""What seeds can prove: each gives one step, from the baseline's run to the other's, of the logarithm or of the value.

The test is Student's of the steps, but never surer than chance could be that only chooses between two modes: threads that
land on one CPU or on two make runs that are one of two values, and then all of N seeds step the same way, by the same
amount, with a chance of 2 * (p * (1 - p)) ** N, at most 2 / 4 ** N, however small the spread is.
"""

import math
from functools import lru_cache

import numpy as np
from scipy import special

from lab.tables.estimate import student_t

MOST_SEEDS = 1000  # that it makes sense to ask for


def p_value(steps: np.ndarray) -> float:
    """How likely chance makes steps so far from 0, of seeds that give each side its figures by chance."""
    seeds = len(steps)
    if seeds < 2:
        return 1.0
    error = float(steps.std(ddof=1)) / math.sqrt(seeds)
    mean = abs(float(steps.mean()))
    of_student = 2 * float(special.stdtr(seeds - 1, -mean / error)) if error else float(mean == 0)
    return max(of_student, least_p(seeds))


def least_p(seeds: int) -> float:
    """The smallest p value that so many can give."""
    return min(1.0, 2 * 0.25**seeds)


def detectable(steps: np.ndarray, alpha: float, margin: float, power: float) -> float:
    """The smallest true step that seeds with such a spread would show; infinite where so few show nothing."""
    seeds = len(steps)
    if seeds < 2 or least_p(seeds) > alpha:
        return math.inf
    error = float(steps.std(ddof=1)) / math.sqrt(seeds)
    return max(student_t(alpha, seeds - 1) * error, margin) + float(special.ndtri(power)) * error


def more_seeds(steps: np.ndarray, alpha: float, power: float) -> float:
    """How many more would decide with `power`, if step and spread are what they seem; infinite above MOST_SEEDS."""
    spread = float(steps.std(ddof=1)) if len(steps) > 1 else 0.0
    found = _decisive(alpha, power)
    decide = np.flatnonzero((found >= 0) & (abs(float(steps.mean())) > spread * found))
    enough = decide[decide > len(steps)]
    return float(enough[0] - len(steps)) if len(enough) else math.inf


@lru_cache(maxsize=256)
def _decisive(alpha: float, power: float) -> np.ndarray:
    """By the number of seeds (0 to MOST_SEEDS): the step, in deviations, that they find with `power`; -1 where none."""
    seeds = np.arange(2, MOST_SEEDS + 1)
    factors = (special.stdtrit(seeds - 1, 1 - alpha / 2) + special.ndtri(power)) / np.sqrt(seeds)
    factors[[least_p(each) > alpha for each in seeds.tolist()]] = -1
    return np.concatenate([[-1.0] * 2, factors])
