"""Values as readers see them: three digits, and a unit. Inside the lab times are ns, and shares are of 1.

What was not measured (NaN) is an empty text everywhere.
"""

import math
from collections.abc import Iterable
from typing import Any

# By the unit of a metric (lab.plan.contract): by what it is multiplied in a table or a picture, and what it is then.
SHOWN = {
    "ns": (1e-3, "µs"),
    "us": (1, "µs"),
    "s": (1, "s"),
    "ops_s": (1, "/s"),
    "bytes": (1, "bytes"),
    "bytes_s": (1, "bytes/s"),
    "count": (1, ""),
    "share": (100, "%"),
}
TIMES = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"))
POINT_DIGITS = 3  # after the point, of percentage points
MANYFOLD = 0.995  # a change from which on, +100 % when rounded, a factor is easier to read than a share


def significant(value: float, sign: str = "", digits: int = 3) -> str:
    """Three digits, and all before the point: 0.0123, 13.7, 1,234. With `sign` "+", +13.7."""
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return f"{value:{sign}}"
    short = float(f"{value:.{digits - 1}e}")  # 9.996 has as many before the point as 10.0
    places = digits - 1 - math.floor(math.log10(abs(short))) if short else 0
    return f"{value:{sign},.{max(0, places)}f}"


def count(value: float, digits: int = 3) -> str:
    """1,234 or 2; what is no whole number with three digits: 2.31, 0.333."""
    text = significant(value, digits=digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


rate = count  # items a second: 1,234 or 3.5


def time(value_ns: float, sign: str = "") -> str:
    """940 ns, 13.7 µs, 2.31 ms, 12 s."""
    for size, unit in TIMES:
        if abs(value_ns) >= 0.9995 * size:
            return f"{significant(value_ns / size, sign)} {unit}"
    return "" if math.isnan(value_ns) else f"{significant(value_ns, sign)} ns"


def share(value: float, digits: int | None = None) -> str:
    """31 %, 2.5 %, 0.012 %: of 1, with one digit after the point where it is small, unless `digits` says how many."""
    if math.isnan(value):
        return ""
    if digits is None:
        digits = 0 if value == 0 or abs(value) >= 0.1 else 1 if abs(value) >= 0.001 else 3
    return f"{value * 100:.{digits}f} %"


def factor(change: float) -> str:
    """× 0.071, × 0.83, × 1.04, × 2.3, × 20 of a relative change."""
    times = 1 + change
    if times < 0.1:
        return f"× {times:.2g}"
    return f"× {times:,.{2 if times < 1.995 else 1 if times < 9.95 else 0}f}"


def change(value: float) -> str:
    """+31 %, -2.5 %, and × 2.3 from twice as much on, of a relative change."""
    return together([value])[0]


def are_manyfold(changes: Iterable[float]) -> bool:
    """Whether any of them is, so that all should be told as factors; NaN is unknown."""
    return any(each >= MANYFOLD for each in changes)


def together(changes: Iterable[float]) -> list[str]:
    """All as shares, or all as factors."""
    known = list(changes)
    if are_manyfold(known):
        return [factor(each) for each in known]
    return ["" if math.isnan(each) else f"{each * 100:+.{0 if abs(each) >= 0.1 else 1}f} %" for each in known]


def symbol(unit: str) -> str:
    """What a metric of the contract's `unit` is shown in: µs of ns, % of a share."""
    return SHOWN[unit][1]


def titled(title: str, unit: str) -> str:
    """The head of a column, or an axis, that shows such values: latency p99 (µs)."""
    return f"{title} ({symbol(unit)})" if symbol(unit) else title


def scaled(values: Any, unit: str) -> Any:
    """A value of the contract's `unit`, or a table's column of them, in what it is shown in."""
    return values * SHOWN[unit][0]


def shown(value: float, unit: str) -> str:
    """A value of the contract's `unit` in a column that titled() heads: 13.7 of 13,700 ns, 2.5 of a share of 0.025."""
    return significant(scaled(value, unit)) if unit == "ns" else count(scaled(value, unit))


def amount(value: float, unit: str) -> str:
    """The same within a text: 13.7 µs, 41,000/s, 2.5 %, 8 bytes."""
    text = shown(value, unit)
    space = " " * (bool(symbol(unit)) and not symbol(unit).startswith("/"))
    return f"{text}{space}{symbol(unit)}" if text else ""


def step(value: float, unit: str) -> str:
    """By how much a value of the contract's `unit` changes: +3.4 µs, -8 bytes, +1.2 pp (percentage points) of a share."""
    if unit == "share":
        points = round(value * 100, POINT_DIGITS)
        return f"{points:+.3g} pp" if points else "0 pp"
    return f"{significant(scaled(value, unit), '+')} {symbol(unit)}".rstrip()


def axis(value: float, _place: int = 0) -> str:
    """At a mark of an axis: 12, 0.5, 20k, 1.5M."""
    for size, suffix in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= (10 * size if suffix == "k" else size):
            return f"{value / size:g}{suffix}"
    return f"{value:g}"
