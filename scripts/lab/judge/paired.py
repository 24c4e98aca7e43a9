"""What seeds can prove: each gives one step, from the baseline's run to the other's, of the logarithm or of the value.

The test is Student's of the steps, but never surer than chance could be that only chooses between two modes: threads that
land on one CPU or on two make runs that are one of two values, and then all of N seeds step the same way, by the same
amount, with a chance of 2 * (p * (1 - p)) ** N, at most 2 / 4 ** N, however small the spread is.
"""

import math

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
    for seeds in range(max(2, len(steps) + 1), MOST_SEEDS + 1):
        needed = (student_t(alpha, seeds - 1) + float(special.ndtri(power))) * spread / math.sqrt(seeds)
        if least_p(seeds) <= alpha and abs(float(steps.mean())) > needed:
            return float(seeds - len(steps))
    return math.inf
