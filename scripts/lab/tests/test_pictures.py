"""Which scenarios a picture shows."""

import math

import pandas as pd
import pytest

from lab.plan.contract import Column, Metric
from lab.report import pictures
from lab.text import picture


def test_runs_without_a_value_are_drawn_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    runs = pd.DataFrame({"scenario": ["a", "a", "b"], "target": "x", "timing": "exact", "accelerator": "tcg"})
    runs = runs.assign(noisy=False, time_p50_ns=[1.0, 2.0, 3.0], time_p99_ns=math.nan)
    metric = Metric("time", "time", "how long it took", "ns", "lower")
    assert pictures.draw_metric(runs, metric, [Column(f"time_{name}_ns", metric, name) for name in ("p50", "p99")])
    assert not recwarn.list


def test_a_picture_of_too_many_scenarios_has_those_with_the_lowest_and_highest() -> None:
    few = pd.Series({"b": 2.0, "a": 1.0})
    assert picture.extremes(few) == ["b", "a"] and picture.of_all(2, 2) == ""
    many = pd.Series({f"s{place}": float(place * 7 % 101) for place in range(101)})
    shown = picture.extremes(many)
    assert len(shown) == picture.MOST and shown == [name for name in many.index if name in shown]
    assert set(many[shown]) == {*map(float, range(24)), *map(float, range(77, 101))}
    assert picture.of_all(len(shown), 101) == "\n48 of 101 scenarios, those with the lowest and highest"
