"""Pictures: where the labels are, with few scenarios and with many, and which runs are hollow."""

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any

import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from lab.plan import contract
from lab.tables import measured
from lab.text import picture
from lab.report import pictures
from lab.report.pictures import stages as stage_picture
from lab.tables.measurement import KEYS
from lab.runs.run_record import RunRecord

PIPELINE = contract.load("pipeline")
LEGIBLE_INCHES = 16.5  # as wide as a picture may be for its letters of 14 points to have 10 pixels of 900
LONG = "-whose-long-name-leaves-little-room"


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Figure]]:
    """The figures that are drawn, instead of being closed at once."""
    drawn: list[Figure] = []
    with monkeypatch.context() as patched:
        patched.setattr(picture.plt, "close", lambda each: drawn.append(each) if isinstance(each, Figure) else None)
        yield drawn
    for figure in drawn:
        picture.plt.close(figure)


def draw(metric: str, raw: pd.DataFrame) -> bytes:
    columns = [each for each in PIPELINE.headline if each.metric.name == metric]
    return pictures.draw_metric(raw, columns[0].metric, columns)


def test_no_title_runs_into_the_legend(records: list[RunRecord], figures: list[Figure]) -> None:
    raw = measured.raw_table(records)[0]
    raw["scenario"] += LONG
    draw("latency", raw)
    figures[-1].canvas.draw()
    for axes in figures[-1].axes:
        title = next(
            child for child in axes.get_children() if getattr(child, "get_text", str)() == axes.get_title("left")
        )
        for text in axes.get_legend().get_texts():
            assert title.get_window_extent().y0 > text.get_window_extent().y1


@pytest.mark.parametrize("metric", ["drop_rate", "throughput_ops_s"])
@pytest.mark.parametrize("largest", [0.001, 0.4, 1.0])
def test_no_label_crosses_the_axis_or_leaves_the_picture(
    records: list[RunRecord], figures: list[Figure], metric: str, largest: float
) -> None:
    raw = measured.raw_table(records)[0]
    raw["drop_rate"] = raw["scenario"].map({"baseline": 0.0, "affinity": largest / 100, "queue-cap-8": largest})
    raw["throughput_ops_s"] = raw["drop_rate"] * 1e6
    raw["scenario"] += LONG
    draw(metric, raw)
    figure = figures[-1]
    figure.canvas.draw()  # at the resolution that what follows is measured in
    labels = 0
    for axes in figure.axes:
        for text in axes.texts:
            box = text.get_window_extent()
            assert box.x0 >= axes.get_window_extent().x0 and box.x1 <= figure.bbox.x1
            labels += 1
    assert labels == 2 * 3


def spread_over(raw: pd.DataFrame, scenarios: int, suffix: str) -> pd.DataFrame:
    """The runs of the first scenario under so many names, each with times 1.5 times the last one's."""
    one = raw[raw["scenario"] == raw["scenario"].iloc[0]]
    times = [name for name in one if name.startswith(("latency_", "response_"))]
    copies = [
        one.assign(
            scenario=f"isolated-consumer-{number}{suffix}", **{name: one[name] * 1.5**number for name in times}
        )
        for number in range(scenarios)
    ]
    return pd.concat(copies, ignore_index=True)


def staged(raw: pd.DataFrame) -> pd.DataFrame:
    """A table as lab.tables.stages.table() makes it, of the scenarios of `raw`."""
    scenarios = raw[[*KEYS, "scenario"]].drop_duplicates()
    stages = pd.DataFrame({"stage": list(PIPELINE.stages), "mean_ns": [5e5, 1e3, 2e5, 3e5, 1e3]})
    populations = pd.DataFrame({"population": list(stage_picture.TITLES)})
    return scenarios.merge(populations, how="cross").merge(stages, how="cross")


def texts(figure: Figure) -> list[Text]:
    """All that is drawn: not the labels of ticks beyond an axis' end."""
    unseen = [
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
        for label in (tick.label1, tick.label2)
    ]
    known = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
    return [text for text in known if text not in unseen]


def check_apart(labels: Iterable[Text]) -> None:
    boxes = [(label.get_text(), label.get_window_extent()) for label in labels]
    for (one, box), (other, another) in combinations(boxes, 2):
        assert not box.overlaps(another), f"{one} lies on {other}"


def check_picture(figure: Figure, scenarios: int) -> None:
    """All text is within the picture and none on other text; rows and panels keep their room."""
    figure.canvas.draw()
    inside, drawn = figure.bbox, texts(figure)
    for text in drawn:
        box = text.get_window_extent()
        assert box.x0 >= inside.x0 - 1 and box.x1 <= inside.x1 + 1, text.get_text()
        assert box.y0 >= inside.y0 - 1 and box.y1 <= inside.y1 + 1, text.get_text()
    width, height = figure.get_size_inches()
    assert 9 <= width <= LEGIBLE_INCHES and 3 <= height <= 25
    for axes in figure.axes:
        check_apart([label for label in [*axes.get_yticklabels(), *axes.get_xticklabels()] if label in drawn])
        panel = axes.get_window_extent()
        assert panel.width > 2 * figure.dpi
        assert panel.height / scenarios > 0.25 * figure.dpi  # a line's
    legends = [legend for each in [figure, *figure.axes] for legend in owned_legends(each)]
    check_apart([text for legend in legends for text in legend.get_texts()])
    for legend in legends:
        lowest = min(text.get_window_extent().y0 for text in legend.get_texts())
        above = [axes.get_window_extent().y1 <= lowest for axes in figure.axes]
        assert any(above) if legend.axes else all(above)


def owned_legends(owner: Figure | Axes) -> list[Any]:
    return owner.legends if isinstance(owner, Figure) else [owner.get_legend()] * (owner.get_legend() is not None)


@pytest.mark.parametrize(("scenarios", "suffix"), [(3, ""), (29, LONG)])
@pytest.mark.slow
def test_pictures_of_few_and_of_many_scenarios_are_legible(
    records: list[RunRecord], figures: list[Figure], scenarios: int, suffix: str
) -> None:
    raw = spread_over(measured.raw_table(records)[0], scenarios, suffix)
    raw["noisy"] = (raw["timing"] == "live") & (raw["replicate"] == 1) | raw["scenario"].eq(raw["scenario"].iloc[0])
    names = list(pictures.draw("t000", raw, PIPELINE))
    assert names == [f"t000_{name}.png" for name in ("latency", "throughput", "drop_rate", "response")]
    for figure in figures:
        check_picture(figure, scenarios)
    table = staged(raw[raw["timing"] == "live"])
    for population in (table, table[table["population"] == "all"]):
        stage_picture.draw(population, PIPELINE.stages)
        check_picture(figures[-1], scenarios)


@pytest.mark.slow
def test_panels_of_many_scenarios_are_below_each_other_so_that_they_are_legible(
    records: list[RunRecord], figures: list[Figure]
) -> None:
    raw = spread_over(measured.raw_table(records)[0], 29, "")
    draw("latency", raw)
    assert figures[-1].get_size_inches()[0] <= LEGIBLE_INCHES
    above, below = figures[-1].axes
    assert above.get_window_extent().x0 == below.get_window_extent().x0
    assert all(axes.get_xscale() == "log" for axes in (above, below))  # 1.5 ** 28 is five decades
    for table in (staged(raw)[lambda rows: rows["timing"] == timing] for timing in ("exact", "live")):
        stage_picture.draw(table, PIPELINE.stages)
        assert figures[-1].get_size_inches()[0] <= LEGIBLE_INCHES
        times = figures[-1].axes[0]
        assert [text.get_text()[-1] for text in times.texts].count("→") == sum(
            patch.get_x() + patch.get_width() > 0.999 * times.get_xlim()[1] for patch in times.patches
        )


def marks(axes: Axes) -> dict[bool, int]:
    """How many runs and medians are drawn hollow, and how many are not."""
    counts = {True: 0, False: 0}
    for line in (line for line in axes.get_lines() if line.get_color() != "black"):
        hollow = line.get_fillstyle() == "none" or line.get_markerfacecolor() == "white"
        counts[hollow] += len(line.get_xdata())
    return counts


def legend_of(axes: Axes) -> list[str]:
    """But for the run of the recorded ones whose threads shared a CPU."""
    texts = [text.get_text() for legend in owned_legends(axes) for text in legend.get_texts()]
    return [text for text in texts if text != pictures.ONE_CPU]


def test_noisy_runs_are_hollow_and_named_where_there_are_any(records: list[RunRecord], figures: list[Figure]) -> None:
    raw = measured.raw_table(records)[0]
    draw("throughput_ops_s", raw)
    assert [marks(axes) for axes in figures[-1].axes] == [{True: 0, False: 6 + 3}] * 2
    assert not any(legend_of(axes) for axes in figures[-1].axes)
    raw["noisy"] = (raw["timing"] == "live") & (raw["scenario"] == "affinity") & (raw["replicate"] == 1)
    draw("throughput_ops_s", raw)
    draw("latency", raw)
    exact, live = figures[-2].axes
    assert marks(exact) == {True: 0, False: 9} and marks(live) == {True: 1, False: 8}
    assert (legend_of(exact), legend_of(live)) == ([], ["noisy run"])
    assert [legend_of(axes) for axes in figures[-1].axes] == [["p50", "p95", "p99"], ["p50", "p95", "p99", "noisy run"]]


def test_the_span_is_that_of_the_runs_behind_the_median(records: list[RunRecord], figures: list[Figure]) -> None:
    raw = measured.raw_table(records)[0]
    raw = raw[raw["timing"] == "live"].assign(throughput_ops_s=lambda rows: rows["replicate"] * 1000.0)
    raw["noisy"] = (raw["scenario"] == "affinity") & (raw["replicate"] == 2) | (raw["scenario"] == "baseline")
    draw("throughput_ops_s", raw)
    axes = figures[-1].axes[0]
    spans = {place: (low, high) for (low, place), (high, _) in axes.collections[0].get_segments()}
    names = list(dict.fromkeys(raw["scenario"]))
    assert spans[names.index("affinity")] == (1000, 1000)  # without the noisy one
    assert spans[names.index("baseline")] == (1000, 2000)  # nothing but noisy ones
    assert marks(axes) == {True: 3 + 1, False: 3 + 2}
    assert legend_of(axes) == ["noisy run", "only noisy runs"]


@pytest.mark.parametrize(("workload", "columns"), [("pipeline", 5), ("ingress", 4), ("exchange", 4)])
def test_a_legend_has_as_many_columns_as_fit(workload: str, columns: int) -> None:
    labels = [stage.text for stage in contract.load(workload).stages.values()]
    assert stage_picture._columns(labels, 5, 18.5) == columns
    assert stage_picture._columns(labels, 5, 3) == 1


def test_a_run_whose_threads_shared_a_cpu_has_a_mark_of_its_own(
    records: list[RunRecord], figures: list[Figure]
) -> None:
    raw = measured.raw_table(records)[0].assign(cpus=lambda rows: rows["replicate"].clip(1, 2), migrations=0)
    draw("latency", raw[raw["timing"] == "live"])
    texts = [text.get_text() for legend in owned_legends(figures[-1].axes[0]) for text in legend.get_texts()]
    assert texts == ["p50", "p95", "p99", pictures.ONE_CPU]
    crosses = [line for line in figures[-1].axes[0].get_lines() if line.get_marker() == "x"]
    assert sum(len(line.get_xdata()) for line in crosses) == 3 * raw["scenario"].nunique()


def test_what_is_constant_or_not_stated_has_no_picture(records: list[RunRecord]) -> None:
    raw = measured.raw_table(records)[0]
    known = contract.load("pipeline")
    few = measured.stated(raw, raw, known)  # 450 items of each scenario
    assert few["latency_p50_ns"].notna().all() and few[["latency_p99_ns", "response_p99_ns"]].isna().all(axis=None)
    assert [each.name for each in pictures.metrics(few, known)] == ["latency"]
    drops = few.assign(drop_rate=few["replicate"] / 10)
    assert [each.name for each in pictures.metrics(drops, known)] == ["latency", "drop_rate"]
    drawn = pictures.draw("t000", few, known)
    assert drawn["t000_drop_rate.png"] == drawn["t000_response.png"] == b"" != drawn["t000_latency.png"]
