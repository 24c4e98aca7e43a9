"""The page: the Markdown of results.md as HTML, with plots in the places of its pictures."""

import base64
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import markdown

from lab import plot_stages, report, results
from lab.complaint import FAILED, Complaint
from lab.html import series
from lab.measurement import each_of

CONTENTS = re.compile(r"^- \[.*\]\(#.*\n", re.MULTILINE)  # the page has its own
HERE = Path(__file__).parent
LIBRARY = Path("/usr/share/javascript/chart.js/chart.min.js")  # of libjs-chart.js
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
    parts = [_part(section, _figures(sets, suites), result_data) for section in HEADING.split(text)]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        autoescape=True,
    )
    return environment.get_template("page.html.j2").render(
        parts=parts,
        suites=suites,
        no_drops=series.no_drops,
        stages=series.stage_legend(),
        library=_library(),
        style=(HERE / "page.css").read_text(),
        scripts=[(HERE / name).read_text() for name in ("plots.js", "controls.js")],
        data=_embedded({"oneIn": series.ONE_IN.round(6).tolist(), "stages": series.stage_legend(), "suites": suites}),
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
            shown[plot_stages.file_name(name, measurement)] = [figure]
    return shown


def _part(text: str, figures: dict[str, list[Figure]], result_data: Path) -> Part:
    """A heading of the Markdown and what follows it, up to the next one."""
    first, _, rest = CONTENTS.sub("", text).partition("\n")
    level = len(first) - len(first.lstrip("#"))
    heading = first.lstrip("# ")
    body: list[str | list[Figure]] = []
    wide = level < 3
    texts = PICTURE.split(rest)
    for before, title, picture in zip(texts[::3], texts[1::3] + [""], texts[2::3] + [""]):
        if before.strip():
            body.append(_html(before))
        if picture in figures:
            body.append(figures[picture])
            wide = wide or any(each.kind != "stages" for each in figures[picture])
        elif picture:
            body.append(_picture(title, result_data / picture))
    return Part(level, report.anchor(heading), heading, body, wide)


def _html(text: str) -> str:
    """As GitHub shows it. HTML in the text is text: a suite's title cannot run a script."""
    converter = markdown.Markdown(extensions=["tables", "sane_lists"])
    converter.preprocessors.deregister("html_block")
    converter.inlinePatterns.deregister("html")
    table = re.compile("<table>.*?</table>", re.DOTALL)  # wide ones scroll, also with the keyboard
    scrolled = r'<div class="table" tabindex="0" role="region" aria-label="table">\g<0></div>'
    html = re.sub(r"(?<=\d) (?=%)", "\u00a0", converter.convert(text))
    html = re.sub(r"\([^()<>]{1,20}–[^()<>]{1,20}\)", r'<span class="interval">\g<0></span>', html)
    return table.sub(scrolled, html)


def _picture(title: str, file: Path) -> str:
    """A picture that no plot stands in for, within the file."""
    try:
        content = base64.b64encode(file.read_bytes()).decode()
    except OSError:
        raise Complaint(file, "is not there: run 'make report' again", FAILED) from None
    return str(jinja2.utils.markupsafe.Markup('<img src="data:image/png;base64,{}" alt="{}">').format(content, title))
