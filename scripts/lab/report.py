"""results.md: what the files in result_data/ say, for people."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from lab.complaint import FAILED, Complaint

TABLE_HEAD = (
    "| scenario | p50 (µs) | p95 (µs) | p99 (µs) | ops/s | drop | response p99 (µs) |\n"
    "|---|---:|---:|---:|---:|---:|---:|"
)


@dataclass(frozen=True)
class SuiteReport:
    """One suite's part of the page."""

    name: str
    environment: dict[str, Any]
    tables: dict[str, str]  # Markdown, by timing
    facts: list[tuple[str, str]]


def render(result_data: Path) -> str:
    """The page about every suite that has tables in `result_data`."""
    suites = [_suite(file) for file in sorted(result_data.glob("*_metrics.csv"))]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # Markdown
    )
    return environment.get_template("results.md.j2").render(suites=suites)


def _suite(metrics_file: Path) -> SuiteReport:
    name = metrics_file.name.removesuffix("_metrics.csv")
    environment_file = metrics_file.with_name(f"{name}_environment.json")
    remedy = f"run 'make run-scenarios SUITE={name}' again"
    try:
        metrics = pd.read_csv(metrics_file)
        environment = json.loads(environment_file.read_text())
        tables = {timing: _table(metrics[metrics["timing"] == timing]) for timing in dict.fromkeys(metrics["timing"])}
        facts = _facts(environment, pd.read_csv(metrics_file.with_name(f"{name}_raw.csv")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Complaint(metrics_file, f"or a file beside it is damaged ({error}): {remedy}", FAILED) from None
    return SuiteReport(name, environment, tables, facts)


def _table(metrics: pd.DataFrame) -> str:
    """One line a scenario."""
    lines = metrics.apply(
        lambda row: " | ".join(
            [
                f"| {row['scenario']}",
                *(_spread(row, f"latency_{name}", "_ms", 1e3, _significant) for name in ("p50", "p95", "p99")),
                _spread(row, "throughput", "_ops_s", 1, lambda value: f"{value:,.0f}"),
                _spread(row, "drop_rate", "", 1, lambda value: f"{value:.3f}"),
                _spread(row, "response_p99", "_ms", 1e3, _significant) + " |",
            ]
        ),
        axis=1,
    )
    return "\n".join([TABLE_HEAD, *lines])


def _spread(row: pd.Series, name: str, unit: str, factor: float, text: Any) -> str:
    """The median, and the smallest and largest where they look different; empty if not measured."""
    median, low, high = (row[f"{name}{part}{unit}"] * factor for part in ("", "_min", "_max"))
    if math.isnan(median):
        return ""
    return text(median) if text(low) == text(high) else f"{text(median)} ({text(low)}–{text(high)})"


def _significant(value: float) -> str:
    """Three significant digits, and all digits before the point."""
    if value <= 0:
        return f"{value:.0f}"
    return f"{value:,.{max(0, 2 - math.floor(math.log10(value)))}f}"


def _facts(environment: dict[str, Any], raw: pd.DataFrame) -> list[tuple[str, str]]:
    image = environment["image"]
    facts = [
        (
            "guest",
            f"{environment['target']}, {environment['smp']} CPUs, {environment['memory_mb']} MB, Linux {image['kernel_version']}",
        ),
        ("QEMU", image["qemu_version"]),
        (
            "program",
            f"pipelab {image['program_version']}, {image['compiler']}, commit {', '.join(environment['git_commits'])}",
        ),
        ("SHA-256", ", ".join(f"{name} `{image[f'{name}_sha256'][:16]}`" for name in ("kernel", "initrd", "program"))),
    ]
    for timing, about in environment["timings"].items():
        clock = raw[raw["timing"] == timing]["clock_read_ns"]
        seeds = sorted(set(raw[raw["timing"] == timing]["seed"]))
        text = f"{about['accelerator']}; seeds {', '.join(map(str, seeds))}; a clock read costs {clock.median():.0f} ns"
        if timing == "live":
            text += (
                f"; host {about['host_cpu']}, {about['host_cpus']} CPUs, load before a run at most "
                f"{about['load_before_max']:.2f}, CPU time stolen from the host at most {about['steal_share_max']:.1%}; "
                f"{about['from']} to {about['to']}"
            )
        facts.append((f"{timing} timing", text))
    return facts
