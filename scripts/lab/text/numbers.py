"""Figures as readers see them: three digits, and of changes +31 % while they are small, × 2.3 from twice as much on."""

import math
from collections.abc import Iterable

MANYFOLD = 0.995  # a change from which on, +100 % when rounded, a factor is easier to read than a share


def significant(value: float) -> str:
    """Three significant digits, and all digits before the point."""
    if value <= 0:
        return f"{value:.0f}"
    return f"{value:,.{max(0, 2 - math.floor(math.log10(value)))}f}"


def rate(value: float) -> str:
    """1,234 or 58 a second; below 10, where a whole number would hide a good part of it, 3.5 or 0.333."""
    return f"{value:.3g}" if abs(value) < 9.995 else f"{value:,.0f}"


def are_manyfold(changes: Iterable[float]) -> bool:
    """Whether any of them is, so that all should be told as factors; NaN is unknown."""
    return any(change >= MANYFOLD for change in changes)


def factor(change: float) -> str:
    """× 0.071, × 0.83, × 1.04, × 2.3, × 20 of a relative change."""
    times = 1 + change
    if times < 0.1:
        return f"× {times:.2g}"
    return f"× {times:,.{2 if times < 1.995 else 1 if times < 9.95 else 0}f}"


def share(change: float) -> str:
    """+31 %, -2.5 % of a relative change."""
    return f"{change * 100:+.0f} %" if abs(change) >= 0.1 else f"{change * 100:+.1f} %"


def together(changes: Iterable[float]) -> list[str]:
    """All as shares, or all as factors."""
    known = list(changes)
    return [factor(each) if are_manyfold(known) else share(each) for each in known]
