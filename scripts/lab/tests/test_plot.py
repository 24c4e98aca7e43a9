"""Pictures: where the labels are."""

from typing import Any

import pytest
from matplotlib.figure import Figure

from lab import analyse, plot
from lab.run_record import RunRecord


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are drawn, instead of being closed."""
    drawn: list[Figure] = []
    monkeypatch.setattr(plot.plt, "close", drawn.append)
    return drawn


def test_no_title_runs_into_the_legend(records: list[RunRecord], figures: list[Figure]) -> None:
    raw = analyse.raw_table(records)[0]
    raw["scenario"] += "-whose-long-name-leaves-little-room"
    plot.latency(raw, analyse.metrics_table(raw))
    figures[-1].canvas.draw()
    for axes in figures[-1].axes:
        title = next(
            child for child in axes.get_children() if getattr(child, "get_text", str)() == axes.get_title("left")
        )
        for text in axes.get_legend().get_texts():
            assert title.get_window_extent().y0 > text.get_window_extent().y1


@pytest.mark.parametrize("draw", [plot.drop_rate, plot.throughput])
@pytest.mark.parametrize("largest", [0.001, 0.4, 1.0])
def test_no_label_crosses_the_axis_or_leaves_the_picture(
    records: list[RunRecord], figures: list[Figure], draw: Any, largest: float
) -> None:
    raw = analyse.raw_table(records)[0]
    raw["drop_rate"] = raw["scenario"].map({"baseline": 0.0, "affinity": largest / 100, "queue-cap-8": largest})
    raw["throughput_ops_s"] = raw["drop_rate"] * 1e6
    raw["scenario"] += "-whose-long-name-leaves-little-room"
    draw(raw, analyse.metrics_table(raw))
    figure = figures[-1]
    figure.canvas.draw()  # at the resolution that what follows is measured in
    labels = 0
    for axes in figure.axes:
        for text in axes.texts:
            box = text.get_window_extent()
            assert box.x0 >= axes.get_window_extent().x0 and box.x1 <= figure.bbox.x1
            labels += 1
    assert labels == 2 * 3
