"""results.html as a file: the words of results.md, and nothing from elsewhere."""

import json
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lab.report import page as report
from lab.tests import steps
from lab.tests.conftest import load_planned, run_folder
from lab.text.complaint import Complaint
from lab.report.html import page, text


def make_html(folder: Path) -> subprocess.CompletedProcess[str]:
    """Through the command line."""
    places = ["--runs", folder / "result_data" / "runs", "--result-data", folder / "result_data"]
    return steps.run("html", *places, "--page", folder / "results.html")


def render(folder: Path) -> str:
    return page.render(folder / "result_data", folder / "result_data" / "runs")


class _Text(HTMLParser):
    """What is to be read, and the cells of tables."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tables, self._skip = "", 0, 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._skip += tag in ("script", "style", "form")
        self.tables += tag == "table"

    def handle_endtag(self, tag: str) -> None:
        self._skip -= tag in ("script", "style", "form")

    def handle_data(self, data: str) -> None:
        if not self._skip:
            self.text += data


@pytest.fixture(scope="module")
def html(reported: Path) -> str:
    return render(reported)


def words(text: str) -> list[str]:
    return re.findall(r"[\w.,+%µ–-]+", text.replace("\u00a0", " "))


def test_every_word_of_the_markdown_is_there_in_its_order(html: str, reported: Path) -> None:
    first, suite = ((reported / name).read_text() for name in ("results.md", "result_data/t000.md"))
    plain = first + suite.replace("[All results](../results.md)", "").replace("<details><summary>", "## ")
    plain = plain.replace("</summary>", "").replace("</details>", "")
    tables = len(re.findall(r"^\|---", plain, re.MULTILINE))
    plain = re.sub(r"^!\[.*$|^\|-[-:|]*$|\]\(\S+\)|[*`]", "", plain, flags=re.MULTILINE)
    plain = unescape(re.sub(r"^#+ |^- ", "", plain, flags=re.MULTILINE))
    shown = _Text(html)
    assert shown.tables == tables
    rest = iter(words(shown.text))
    for word in words(plain):
        assert word in rest, f"'{word}' is missing or comes too early"


def test_the_file_needs_nothing_else(html: str) -> None:
    body = html.replace(page.LIBRARY.read_text(), "")
    assert len(body) < len(html) - 100_000  # the library is in it
    assert not re.search(r"(src|href)=\"(?!#|data:|result_data/)", body)
    assert not re.search(r"https?://|@import|url\(", body)
    assert "default-src 'none'" in unescape(body)


def test_exact_and_live_are_beside_each_other_in_places_of_their_own(html: str) -> None:
    rows = html.split('<section class="figure"')[1:]
    of_all = [row for row in rows if "<h4>" in row]
    assert [re.search("<h4>(.*)</h4>", row)[1] for row in of_all] == [  # type: ignore[index]
        "Percentiles",
        "Distribution",
        "Over time",
    ]
    for row in of_all:
        captions = re.findall("<figcaption>.*, t000, (.*)</figcaption>", row)
        assert captions == ["exact timing on aarch64", "live timing on aarch64 with tcg"]
    assert len(rows) - len(of_all) == 2  # the stages, in each measurement's own part


def test_each_plot_says_what_it_is(html: str) -> None:
    canvases = re.findall("<canvas .*?>", html, re.DOTALL)
    assert len(canvases) == html.count("<figcaption>") - html.count("It was 0 in every run.")
    for canvas in canvases:
        assert re.search('aria-label="[^"]* of t000, (exact|live) timing on aarch64', canvas)
        assert 'role="img"' in canvas and 'tabindex="0"' in canvas


def test_the_command_writes_the_file(html: str, results_folder: Path) -> None:
    done = make_html(results_folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (results_folder / "results.html").read_text() == html


def test_a_title_is_text_and_no_script(html: str, results_folder: Path) -> None:
    assert html.count("<script>") == 3
    file = results_folder / "result_data" / "t000_environment.json"
    environment = json.loads(file.read_text())
    environment["title"] = "<script>alert(1)</script> & <img src=x>"
    for measurement in environment["measurements"]:
        measurement["git_commits"] = ["</script><b>"]
    file.write_text(json.dumps(environment))
    other = render(results_folder)
    assert other.count("<script>") == 3 and "&lt;script&gt;alert(1)" in other
    assert "<b>" not in other.replace(page.LIBRARY.read_text(), "") and "<img" not in other


def test_without_the_runs_the_page_says_what_is_missing(html: str, results_folder: Path) -> None:
    for record in load_planned(results_folder / "result_data" / "runs", "t000")[0]:
        shutil.rmtree(record.folder)
    other = render(results_folder)
    assert other.count("<code>make run-scenarios SUITE=t000</code>") == 3 * 2
    assert other.count("<canvas ") == html.count("<canvas ") - 3 * 2


def test_pictures_without_a_plot_are_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "bench.png").write_bytes(page.PNG)
    (part,) = report.of_markdown("## The queues\n\ntext\n\n![The <queues>](result_data/bench.png)\n\nmore")
    shown = page._shown(part, {}, {}, tmp_path)
    assert shown.heading == "The queues"
    assert shown.body == [
        "<p>text</p>",
        '<img src="data:image/png;base64,iVBORw0KGgo=" alt="The &lt;queues&gt;">',
        "<p>more</p>",
    ]


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("- a **b `*-x` c**\n- *d* 3 %", "<ul><li>a <strong>b <code>*-x</code> c</strong></li>\n<li><em>d</em> 3\u00a0%</li></ul>"),
        ("> **a** [b](#c)", '<blockquote><p><strong>a</strong> <a href="#c">b</a></p></blockquote>'),
        ("    make x <y>\n    z", "<pre><code>make x &lt;y&gt;\nz</code></pre>"),
        ("3 (1–4) &#124; x < y", '<p>3 <span class="interval">(1–4)</span> | x &lt; y</p>'),
    ],
)  # fmt: skip
def test_blocks_of_markdown_are_html(markdown: str, html: str) -> None:
    assert text.block(markdown) == html


def test_a_table_is_aligned_and_can_be_scrolled() -> None:
    html = text.block("| a | b |\n|---|---:|\n| `x` |  |\n|  | 2 |")
    assert html.startswith('<div class="table" tabindex="0"')
    assert '<th>a</th> <th align="right">b</th>' in html
    assert (
        '<tr><td><code>x</code></td> <td align="right"></td></tr>\n<tr><td></td> <td align="right">2</td></tr>' in html
    )


def test_a_damaged_run_is_named(results_folder: Path) -> None:
    file = run_folder(results_folder / "result_data" / "runs", "baseline", "exact", 1) / "samples.csv"
    file.write_text(file.read_text().rstrip("\n"))
    done = make_html(results_folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"pipelab: {file}: is cut: its last row does not end: ")
    assert not (results_folder / "results.html").exists()


def test_tables_of_an_older_kit_are_named(results_folder: Path) -> None:
    file = results_folder / "result_data" / "t000_metrics.csv"
    file.write_text(file.read_text().replace("throughput_low_ops_s", "throughput_min_ops_s", 1))
    done = make_html(results_folder)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith(f"pipelab: {file}: or a file beside it is damaged")


def test_without_the_library_the_package_is_named(reported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "LIBRARY", Path("/nowhere/chart.min.js"))
    with pytest.raises(Complaint, match="/nowhere/chart.min.js: is not there: install libjs-chart.js"):
        render(reported)


def test_links_of_the_page_go_to_its_headings(results_folder: Path) -> None:
    html = render(results_folder)
    links = re.findall(r'href="#([^"]+)"', html)
    assert report.anchor("t000, all runs") in links
    assert set(links) <= set(re.findall(r'id="([^"]+)"', html))
