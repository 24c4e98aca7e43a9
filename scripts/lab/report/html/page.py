"""The page as one HTML file that needs no network, with plots where results.md has pictures."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jinja2

from lab.plan.contract import Contract
from lab.report import page as report
from lab.report.html import series, text
from lab.tables import results
from lab.text.complaint import FAILED, Complaint
from lab.text.page import STAGES, Part, Picture

HERE = Path(__file__).parent
LIBRARY = Path("/usr/share/javascript/chart.js/chart.min.js")  # of libjs-chart.js
PNG = b"\x89PNG\r\n\x1a\n"
OWN = re.compile(
    r"bench\.png|capacity_[\w-]+\.png|[\w-]+_series_[\w-]+\.png", re.ASCII
)  # pictures that no plot stands in for


@dataclass(frozen=True)
class Figure:
    """A row of plots, one a measurement: exact and live beside each other, each with its own axes."""

    kind: str  # which function of plots.js draws it
    title: str
    about: str
    suite: str = ""
    measurements: tuple[int, ...] = ()  # of the suite's series
    metric: str = ""  # of a plot of values
    controls: bool = False  # above it: what all plots of the suite show

    @property
    def of_times(self) -> bool:
        """Whether it needs the runs' own files."""
        return self.kind in ("spectrum", "cdf", "windows")

    @property
    def id(self) -> str:
        return "-".join(
            re.sub(r"\W+", "-", str(part)) for part in (self.suite, self.kind + self.metric, *self.measurements)
        )


TIMES = [  # what stands in for the pictures of all that is timed
    Figure(
        "spectrum",
        "Percentiles",
        "How long the slowest took: the further right, the rarer. Each line is the median over runs, and ends where "
        "a run has too few {many}. Point at it, or use the arrow keys, for values with the lowest and the highest run.",
    ),
    Figure("cdf", "Distribution", "The share of {many} that took at most so long (CDF), median over runs, up to 99 %."),
    Figure(
        "windows",
        "Over time",
        "One run, cut into up to 200 equally long windows: the longest of each, none left out, or the median.",
    ),
]


@dataclass(frozen=True)
class Shown:
    """A part as the template takes it."""

    level: int
    id: str
    heading: str
    body: list[str | list[Figure]]  # HTML, and plots
    wide: bool  # not beside another part


def render(result_data: Path, runs: Path) -> str:
    """The whole file. What is gone of `runs` lacks its percentiles and its course over time."""
    parts = report.parts(result_data)  # which complains of what is damaged
    sets = results.load(result_data) if list(result_data.glob("*_raw.csv")) else {}
    contracts = {name: each.contract for name, each in sets.items()}
    suites = {name: series.of_suite(each, runs) for name, each in sets.items()}
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        autoescape=True,
    )
    style = (HERE / "page.css").read_text()
    for number, colour in enumerate(series.STAGE_COLOURS):  # the legend of the stages
        style += f".swatch.stage-{number} {{ background: {colour}; }}\n"
    scripts = [_library(), *((HERE / name).read_text() for name in ("plots.js", "controls.js"))]
    return environment.get_template("page.html.j2").render(
        policy=_policy(style, scripts),
        parts=[_shown(part, contracts, suites, result_data) for part in parts],
        suites=suites,
        all_zero=series.all_zero,
        style=style,
        scripts=scripts,
        data=_embedded({"oneIn": series.ONE_IN.round(6).tolist(), "suites": suites}),
    )


def _policy(style: str, scripts: list[str]) -> str:
    """The page's Content-Security-Policy: it runs and is styled by these texts alone, and asks nobody for anything."""
    sources = [
        f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in (style, *scripts)
    ]
    allowed = f"script-src {' '.join(sources[1:])}; style-src {sources[0]}; img-src data:"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _library() -> str:
    try:
        return LIBRARY.read_text()
    except OSError:
        what = "is not there: install libjs-chart.js ('scripts/setup.sh run' does)"
        raise Complaint(LIBRARY, what, FAILED) from None


def _embedded(data: dict[str, Any]) -> str:
    """JSON that no HTML can end before it is over."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def _shown(
    part: Part, contracts: Mapping[str, Contract], suites: Mapping[str, dict[str, Any]], result_data: Path
) -> Shown:
    body: list[str | list[Figure]] = []
    for block in part.body:
        if not isinstance(block, Picture):
            body.append(text.block(block))
        elif block.suite in suites and _has_plot(block, contracts[block.suite]):
            body.append(_figures(block, contracts[block.suite], suites[block.suite]))
        elif block.suite in suites or OWN.fullmatch(block.file):
            body.append(_picture(block.title, result_data / block.file))
    plots = [figure for each in body if isinstance(each, list) for figure in each]
    body = [each for each in body if each]
    wide = part.level < 3 or any(each.kind != STAGES for each in plots)
    return Shown(part.level, report.anchor(part.heading), html.unescape(part.heading), body, wide)


def _has_plot(picture: Picture, contract: Contract) -> bool:
    """Whether more is known than the picture shows: not of percentiles that a user's program computed itself."""
    metric = contract.metrics.get(picture.shows)
    return metric is None or metric.unit != "ns" or metric.name in contract.times


def _figures(picture: Picture, contract: Contract, suite: Mapping[str, Any]) -> list[Figure]:
    """What is shown in the place of a picture: the plots of all times in that of the first one."""
    if picture.shows == STAGES:
        about = f"Means over {contract.items[1]} and runs. Exact and live each have their own axis."
        return [Figure(STAGES, "Where the response time went", about, picture.suite, (picture.of or 0,))]
    every = tuple(range(len(suite["measurements"])))
    metric, first = contract.metrics[picture.shows], picture.shows == contract.headline[0].metric.name
    if metric.unit != "ns":
        about = f"{metric.text or metric.title}: each run (dots), median and interval."
        title = metric.title[0].upper() + metric.title[1:]
        return [Figure("values", title, about[0].upper() + about[1:], picture.suite, every, metric.name, first)]
    if metric.name != contract.times[0]:
        return []
    at = {"suite": picture.suite, "measurements": every}
    return [
        replace(each, about=each.about.format(many=contract.items[1]), controls=first and each is TIMES[0], **at)
        for each in TIMES
    ]


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
