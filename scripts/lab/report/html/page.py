"""The page: the Markdown of results.md as HTML, with plots in the places of its pictures."""

import base64
import hashlib
import html
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import jinja2
import markdown
from markdown.extensions.tables import TableExtension

from lab.report import stage_picture, page as report
from lab.tables import results
from lab.text.complaint import FAILED, Complaint
from lab.report.html import series
from lab.tables.measurement import each_of

CONTENTS = re.compile(r"^- \[.*\]\(#.*\n", re.MULTILINE)  # the page has its own
HERE = Path(__file__).parent
LIBRARY = Path("/usr/share/javascript/chart.js/chart.min.js")  # of libjs-chart.js
LINK = re.compile(r"https?://.*|#.*|result_data/[\w.-]+", re.ASCII)  # where a link may go
PNG = b"\x89PNG\r\n\x1a\n"
PICTURE = re.compile(r"^!\[(.*)\]\(result_data/(\S+)\)$", re.MULTILINE)
HEADING = re.compile(r"^(?=#{2,3} )", re.MULTILINE)


@dataclass(frozen=True)
class Figure:
    """A row of plots, one a measurement: exact and live beside each other, each with its own axes."""

    kind: str  # which function of plots.js draws it
    title: str
    about: str
    suite: str
    measurements: tuple[int, ...]  # of the suite's series
    of_times: bool = False  # latency or response, of the runs' own files

    @property
    def id(self) -> str:
        return "-".join(re.sub(r"\W+", "-", str(part)) for part in (self.suite, self.kind, *self.measurements))


@dataclass(frozen=True)
class Part:
    """What is under a heading."""

    level: int
    id: str
    heading: str
    body: list[str | list[Figure]]  # HTML, and plots
    wide: bool  # not beside another part


FIGURES = {  # by the picture of results.md that they stand in for
    "latency": [
        Figure(
            "spectrum",
            "Percentiles",
            "How long the slowest took: the further right, the rarer. Each line is the median over runs, and ends where "
            "a run has too few items. Point at it, or use the arrow keys, for values with the lowest and the highest run.",
            "",
            (),
            True,
        ),
        Figure(
            "cdf",
            "Distribution",
            "The share of items that took at most so long (CDF), median over runs, up to 99 %.",
            "",
            (),
            True,
        ),
        Figure(
            "windows",
            "Over time",
            "One run, cut into up to 200 equally long windows: the largest item of each, none left out, or the median.",
            "",
            (),
            True,
        ),
    ],
    "throughput": [
        Figure("throughput", "Throughput", "Items consumed per second: each run (dots), median and interval.", "", ())
    ],
    "drop_rate": [Figure("drop", "Drop rate", "Of produced items: each run (dots), median and interval.", "", ())],
}


def render(result_data: Path, runs: Path) -> str:
    """The whole file. What is gone of `runs` lacks its percentiles and its course over time."""
    text = report.render(result_data)  # which complains of what is damaged
    sets = results.load(result_data) if list(result_data.glob("*_raw.csv")) else {}
    suites = {name: series.of_suite(each, runs) for name, each in sets.items()}
    figures = _figures(sets, suites)
    pictures = {name: result_data / name for name in ["bench.png", *_of_searches(result_data)]}
    parts = [_part(section, figures, pictures) for section in HEADING.split(text)]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        autoescape=True,
    )
    style = (HERE / "page.css").read_text() + _colours()
    scripts = [_library(), *((HERE / name).read_text() for name in ("plots.js", "controls.js"))]
    return environment.get_template("page.html.j2").render(
        policy=_policy(style, scripts),
        parts=parts,
        suites=suites,
        no_drops=series.no_drops,
        stages=series.stage_legend(),
        style=style,
        scripts=scripts,
        data=_embedded({"oneIn": series.ONE_IN.round(6).tolist(), "stages": series.stage_legend(), "suites": suites}),
    )


def _policy(style: str, scripts: list[str]) -> str:
    """The page's Content-Security-Policy: it runs and is styled by these texts alone, and asks nobody for anything."""
    sources = [
        f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in (style, *scripts)
    ]
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(sources[1:])}",
            f"style-src {sources[0]}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _colours() -> str:
    """Rules for the legend of the stages."""
    return "".join(
        f".swatch.stage-{number} {{ background: {stage['colour']}; }}\n"
        for number, stage in enumerate(series.stage_legend())
    )


def _library() -> str:
    try:
        return LIBRARY.read_text()
    except OSError:
        what = "is not there: install libjs-chart.js ('scripts/setup.sh run' does)"
        raise Complaint(LIBRARY, what, FAILED) from None


def _embedded(data: dict[str, Any]) -> str:
    """JSON that no HTML can end before it is over."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def _figures(sets: dict[str, results.Results], suites: dict[str, dict[str, Any]]) -> dict[str, list[Figure]]:
    """By the name of a picture: what is shown in its place."""
    shown = {}
    for name, told in suites.items():
        every = tuple(range(len(told["measurements"])))
        for picture, figures in FIGURES.items():
            shown[f"{name}_{picture}.png"] = [
                Figure(each.kind, each.title, each.about, name, every, each.of_times) for each in figures
            ]
        for number, measurement in enumerate(each_of(sets[name].environment)):
            about = "Means over items and runs. Exact and live each have their own axis."
            figure = Figure("stages", "Where the response time went", about, name, (number,))
            shown[stage_picture.file_name(name, measurement)] = [figure]
    return shown


def _of_searches(result_data: Path) -> list[str]:
    """The names of the pictures of capacity searches."""
    return [file.with_suffix(".png").name for file in result_data.glob("capacity_*.csv")]


def _part(text: str, figures: dict[str, list[Figure]], pictures: dict[str, Path]) -> Part:
    """A heading of the Markdown and what follows it, up to the next one. `pictures` are those that the report made."""
    first, _, rest = CONTENTS.sub("", text).partition("\n")
    level = len(first) - len(first.lstrip("#"))
    heading = html.unescape(first.lstrip("# "))
    body: list[str | list[Figure]] = []
    wide = level < 3
    texts = PICTURE.split(rest)
    for before, title, picture in zip(texts[::3], texts[1::3] + [""], texts[2::3] + [""]):
        if before.strip():
            body.append(_html(before))
        if picture in figures:
            body.append(figures[picture])
            wide = wide or any(each.kind != "stages" for each in figures[picture])
        elif picture in pictures:
            body.append(_picture(title, pictures[picture]))
    return Part(level, report.anchor(heading), heading, body, wide)


def _html(text: str) -> str:
    """As GitHub shows it. HTML in the text is text: a suite's title cannot run a script."""
    converter = markdown.Markdown(extensions=[TableExtension(use_align_attribute=True), "sane_lists"])
    converter.preprocessors.deregister("html_block")
    converter.inlinePatterns.deregister("html")
    converter.treeprocessors.register(_OnlyGoodLinks(converter), "only good links", 0)
    table = re.compile("<table>.*?</table>", re.DOTALL)  # wide ones scroll, also with the keyboard
    scrolled = r'<div class="table" tabindex="0" role="region" aria-label="table">\g<0></div>'
    shown = re.sub(r"(?<=\d) (?=%)", "\u00a0", converter.convert(text))
    shown = re.sub(r"\([^()<>]{1,20}–[^()<>]{1,20}\)", r'<span class="interval">\g<0></span>', shown)
    return table.sub(scrolled, shown)


class _OnlyGoodLinks(markdown.treeprocessors.Treeprocessor):
    """Takes from links to anywhere but LINK where they go, and from pictures in sentences what they show."""

    def run(self, root: Element) -> None:
        for each in root.iter():
            if each.tag == "a" and not LINK.fullmatch(html.unescape(each.get("href", ""))):
                each.attrib.clear()
            if each.tag == "img":
                each.attrib = {"alt": each.get("alt", "")}


def _picture(title: str, file: Path) -> str:
    """A picture that no plot stands in for, within the file."""
    try:
        picture = b"" if file.is_symlink() else file.read_bytes()
    except OSError:
        raise Complaint(file, "is not there: run 'make report' again", FAILED) from None
    if not picture.startswith(PNG):
        raise Complaint(file, "is no picture of ours: remove it, and make it again", FAILED)
    content = base64.b64encode(picture).decode()
    return str(jinja2.utils.markupsafe.Markup('<img src="data:image/png;base64,{}" alt="{}">').format(content, title))
