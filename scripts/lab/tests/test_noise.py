"""The noise floor: what it says of runs whose spread is known."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lab.judge import noise
from lab.judge.comparing import Verdict
from lab.tests import steps
from lab.plan import contract

JUDGED = contract.load("pipeline").judged
RESULTS = Path(__file__).parent / "results"


def a_against_a(spread: float, runs: int = 40, step: float = 0.0) -> pd.DataFrame:
    """Live runs of one scenario; every second one is slower by `step`."""
    random = np.random.default_rng(1)
    raw = pd.DataFrame({"seed": range(runs), "scenario": "x", "target": "aarch64", "accelerator": "tcg"})
    latency = 1e5 * np.exp(random.normal(0, spread, runs) + step * (np.arange(runs) % 2))
    return raw.assign(timing="live", noisy=False, latency_p50_ns=latency, throughput_ops_s=1000.0, drop_rate=0.0)


def test_the_floor_grows_with_the_spread_and_falls_with_the_runs() -> None:
    quiet, loud = (noise.floors(a_against_a(spread), JUDGED)[0] for spread in (0.02, 0.2))
    assert quiet.spread == pytest.approx(0.02, rel=0.3) and quiet.runs == 40
    assert math.isinf(quiet.detectable[3])
    assert quiet.detectable[5] > quiet.detectable[10] > quiet.detectable[20] > 0.03
    assert loud.detectable[10] > 5 * quiet.detectable[10]
    assert [each.metric for each in noise.floors(a_against_a(0.02), JUDGED)] == [
        "latency_p50_ns"
    ]  # the others never vary


def test_a_floor_is_of_quiet_live_runs() -> None:
    raw = a_against_a(0.02)
    assert (
        noise.floors(raw.assign(timing="exact"), JUDGED)
        == []
        == noise.against_itself(raw.assign(timing="exact"), JUDGED)
    )
    assert noise.floors(raw.assign(noisy=True), JUDGED) == []
    half = noise.floors(raw.assign(noisy=raw["seed"] >= 20), JUDGED)[0]
    assert half.runs == 20


def test_a_against_a_is_told_and_would_show_a_drift() -> None:
    same = noise.against_itself(a_against_a(0.05), JUDGED)
    assert not {each.verdict for each in same} & {Verdict.BETTER, Verdict.WORSE}
    assert "0 of 3 comparisons are called different" in noise.text(noise.floors(a_against_a(0.05), JUDGED), same)
    drift = a_against_a(0.05, step=0.5)
    assert "1 of 3 comparisons are called different\n  x, live timing on aarch64 with tcg, latency_p50_ns: worse" in (
        noise.text(noise.floors(drift, JUDGED), noise.against_itself(drift, JUDGED))
    )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([RESULTS, "t000"], 0, "baseline             latency_p50_ns         3"),
        ([RESULTS, "mutex"], 2, "has no results of mutex: give one of t000, t001"),
        ([RESULTS / "nowhere"], 2, "has no <suite>_raw.csv"),
    ],
)
def test_the_command(words: list[object], code: int, message: str) -> None:
    done = steps.run("noise-floor", *words)
    assert done.returncode == code and message in done.stdout + done.stderr
