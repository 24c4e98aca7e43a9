"""results.html in headless Chromium: it draws, answers mouse and keys, and asks the network for nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.report.html import page
from lab.tests.browser import CHROMIUM, Browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: run scripts/setup.sh test"),
]
SCENARIOS = 3
TRACES = {
    "spectrum": SCENARIOS,
    "cdf": SCENARIOS,
    "windows": SCENARIOS,
    "stages": 5,
}


@pytest.fixture(scope="module")
def file(reported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "results.html"
    file.write_text(page.render(reported / "result_data", reported / "result_data" / "runs"))
    return file


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser, file: Path) -> Iterator[Browser]:
    """With the page open; at the end, all must have been quiet."""
    chromium.messages.clear()
    chromium.requests.clear()
    chromium.open(file)
    yield chromium
    assert chromium.messages == []
    assert set(chromium.requests) == {file.as_uri()}


def chart(kind: str, measurement: int = 0) -> str:
    """`kind` is that of a plot, or a metric."""
    which = f"metric={kind}" if kind not in ("spectrum", "cdf", "windows", "stages") else f"kind={kind}"
    return f"Chart.getChart(document.querySelector('canvas[data-{which}][data-measurement=\"{measurement}\"]'))"


def shown(browser: Browser, kind: str, what: str, measurement: int = 0) -> list:
    return browser.value(f"{chart(kind, measurement)}.data.datasets.map((each) => {what})")


def test_each_plot_is_drawn_with_its_traces(browser: Browser) -> None:
    drawn = browser.value(
        """[...document.querySelectorAll('canvas')].map((canvas) => {
        const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const colours = new Set();
        for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) colours.add(data.slice(i, i + 3).join());
        return [canvas.dataset.metric || canvas.dataset.kind, canvas.dataset.traces, Chart.getChart(canvas).data.datasets.length, colours.size];
    })"""
    )
    kinds = [kind for kind, *_ in drawn]
    assert {kind: kinds.count(kind) for kind in TRACES} == dict.fromkeys(TRACES, 2)
    assert set(kinds) == set(TRACES)  # none of what is the same in all runs: throughput and drop rate
    for kind, told, datasets, colours in drawn:
        assert int(told) == datasets == TRACES[kind], kind
        assert colours > 3, f"{kind} is empty"


def test_the_percentile_axis_has_as_much_room_for_each_nine(browser: Browser) -> None:
    one, two, three = browser.value(f"[10, 100, 1000].map((x) => {chart('spectrum')}.scales.x.getPixelForValue(x))")
    assert two - one == pytest.approx(three - two, rel=0.01)
    labels = browser.value(f"{chart('spectrum')}.scales.x.ticks.map(({{label}}) => label)")
    assert {"50 %", "90 %"} <= set(labels)  # as far as the recorded runs have items


def test_the_mouse_shows_a_value(browser: Browser) -> None:
    browser.value("document.querySelector('canvas[data-kind=spectrum]').scrollIntoView({block: 'center'})")
    place = browser.value(
        f"""(() => {{
        const chart = {chart("spectrum")}, box = chart.canvas.getBoundingClientRect();
        const point = chart.getDatasetMeta(1).data[50];
        return [box.x + point.x, box.y + point.y];
    }})()"""
    )
    browser.move_mouse(*place)
    browser.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    opacity, lines = browser.value(f"[{chart('spectrum')}.tooltip.opacity, {chart('spectrum')}.tooltip.body[0].lines]")
    assert opacity > 0 and len(lines) == 1
    assert " % within " in lines[0] and " µs (runs: " in lines[0]


def test_the_arrow_keys_say_values(browser: Browser) -> None:
    browser.value("document.querySelector('canvas[data-kind=spectrum]').focus()")
    said = []
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        browser.press(key)
        said.append(browser.value("document.activeElement.closest('figure').querySelector('.value').textContent"))
    assert said[0].startswith("baseline: 0 % within ") and said[1].startswith("baseline: 1 % within ")
    assert said[2].startswith("affinity: 1 % within ")


def test_a_scenario_can_be_left_out_of_all_plots(browser: Browser) -> None:
    browser.value("document.querySelector('input[value=affinity]').click()")
    for measurement in (0, 1):
        for kind in ("spectrum", "cdf", "windows"):
            assert shown(browser, kind, "each.label", measurement) == ["baseline", "queue-cap-8"]
    browser.value("document.querySelector('button[name=none]').click()")
    assert shown(browser, "spectrum", "each.label") == []
    browser.value("document.querySelector('button[name=all]').click()")
    assert len(shown(browser, "spectrum", "each.label")) == SCENARIOS


@pytest.mark.parametrize("kind", ["spectrum", "cdf", "windows"])
def test_the_response_time_shows_other_values(browser: Browser, kind: str) -> None:
    before = shown(browser, kind, "each.data")
    browser.value("document.querySelector('input[value=response]').click()")
    after = shown(browser, kind, "each.data")
    assert before != after and all(map(len, after))


def test_windows_show_the_largest_item_or_the_median(browser: Browser) -> None:
    # The recorded runs are so short that each window has one item.
    browser.value("SERIES.suites.t000.measurements[0].windows.baseline[1].latency.median.fill(7)")
    assert 7 not in shown(browser, "windows", "each.data.map(({y}) => y)")[0]
    browser.value("document.querySelector('input[value=median]').click()")
    assert set(shown(browser, "windows", "each.data.map(({y}) => y)")[0]) == {7}


def test_another_run_shows_its_own_course(browser: Browser) -> None:
    before = shown(browser, "windows", "each.data.map(({y}) => y)")
    browser.value(
        """(() => {
        const choice = document.querySelector('select[name=run]');
        choice.value = '2';
        choice.dispatchEvent(new Event('change', {bubbles: true}));
    })()"""
    )
    assert before != shown(browser, "windows", "each.data.map(({y}) => y)")


def test_stages_as_per_cent_are_whole(browser: Browser) -> None:
    browser.value("document.querySelector('input.shares').click()")
    stages = shown(browser, "stages", "each.data")
    assert all(sum(bar) == pytest.approx(100) for bar in zip(*stages, strict=True))
    assert any(sum(bar) != pytest.approx(100) for bar in zip(*shown(browser, "stages", "each.data", 1), strict=True))


@pytest.mark.parametrize(("width", "beside"), [(1600, True), (420, False)])
def test_narrow_windows_stack_what_wide_ones_show_beside_each_other(
    browser: Browser, file: Path, width: int, beside: bool
) -> None:
    browser.open(file, width=width)
    first, second = browser.value(
        '[0, 1].map((i) => document.querySelector(`canvas[data-kind=spectrum][data-measurement="${i}"]`)'
        ".getBoundingClientRect().toJSON())"
    )
    assert (first["top"] == second["top"]) == beside
    assert browser.value("document.documentElement.scrollWidth") == width


def test_dark_is_dark(browser: Browser, file: Path) -> None:
    light = shown(browser, "spectrum", "each.borderColor")
    browser.open(file, dark=True)
    back, text = browser.value(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    assert back == "rgb(21, 23, 26)" and text == "rgb(228, 230, 232)"
    assert not set(light) & set(shown(browser, "spectrum", "each.borderColor"))


def test_tables_are_read_without_javascript(browser: Browser, file: Path) -> None:
    browser.open(file, script=False)
    document = browser.call("DOM.getDocument")["root"]["nodeId"]

    def texts(selector: str) -> list[str]:
        found = browser.call("DOM.querySelectorAll", nodeId=document, selector=selector)["nodeIds"]
        return [browser.call("DOM.getOuterHTML", nodeId=node)["outerHTML"] for node in found]

    tables = file.read_text().count("<table>")
    assert len(texts("table")) == tables and tables >= 4
    assert "The plots need JavaScript" in texts("noscript")[0]
    assert all("hidden" in form.split(">")[0] for form in texts("form"))
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_the_page_runs_and_is_styled_by_nothing_that_got_into_it(chromium: Browser, file: Path, tmp_path: Path) -> None:
    text = file.read_text()
    bad = (
        "<script>window.bad = 1</script><img src=x onerror='window.bad = 2'><a id=link href='javascript:window.bad = 3'>x</a>"
        "<p id=styled style='position: fixed'>x</p><style>main { position: fixed }</style><base href='https://evil.example/'>"
    )
    other = tmp_path / "other.html"
    other.write_text(text.replace('<main id="main">', '<main id="main">' + bad, 1))
    assert other.read_text() != text
    chromium.messages.clear()
    chromium.open(other)
    chromium.value("document.getElementById('link').click()")
    assert chromium.value("typeof window.bad") == "undefined"
    assert chromium.value("getComputedStyle(document.getElementById('styled')).position") == "static"
    assert chromium.value("getComputedStyle(document.querySelector('main')).position") == "static"
    assert chromium.value("document.baseURI") == other.as_uri()
    refused = " ".join(chromium.messages)
    for each in ("script-src", "style-src", "img-src", "base-uri"):
        assert each in refused, refused
    assert chromium.value("Object.values(Chart.instances).length") > 0
