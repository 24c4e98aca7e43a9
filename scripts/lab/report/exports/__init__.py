"""Exports: results, or a run, in the formats that other tools read, a file of this folder for each."""

from collections.abc import Callable, Mapping
from pathlib import Path

from lab.report.exports import chrome_trace, go_benchmark, google_benchmark, hlog, prometheus
from lab.tables.results import Results

# By the word that --format takes: of the results of suites, by their names, and of one run's folder.
OF_RESULTS: dict[str, Callable[[Mapping[str, Results]], str]] = {
    "google-benchmark": google_benchmark.text,
    "go": go_benchmark.text,
    "prometheus": prometheus.text,
}
OF_RUN: dict[str, Callable[[Path], str]] = {"chrome-trace": chrome_trace.text, "hlog": hlog.text}
FORMATS = (*OF_RESULTS, *OF_RUN)
