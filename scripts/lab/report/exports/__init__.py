"""Exports: results in the formats that other tools read, a file of this folder for each."""

from collections.abc import Callable, Mapping

from lab.report.exports import go_benchmark, google_benchmark, prometheus
from lab.tables.results import Results

# By the word that --format takes; chrome-trace is of one run, and stands in lab.exports.chrome_trace.
OF_RESULTS: dict[str, Callable[[Mapping[str, Results]], str]] = {
    "google-benchmark": google_benchmark.text,
    "go": go_benchmark.text,
    "prometheus": prometheus.text,
}
CHROME_TRACE = "chrome-trace"
FORMATS = (*OF_RESULTS, CHROME_TRACE)
