"""results.md: what the files in result_data/ say, for people."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from lab.tables import measured as analyse, ledger_summary
from lab import bench
from lab.judge import evaluation
from lab.plan import contract
from lab.report import matrix, section
from lab.text import names, strict
from lab.timers import histograms
from lab.capacity import table as capacity_table
from lab.counters import counted
from lab.judge import effects as choices
from lab.report import placement, effects as told
from lab.trace import runs as trace_runs
from lab.text.complaint import FAILED, Complaint
from lab.text.files import read_text
from lab.tables.measurement import Measurement, check as check_environment, of as measurement_of
from lab.text.outside import code, markdown, visible


@dataclass(frozen=True)
class SuiteReport:
    """One suite's part of the page."""

    name: str
    environment: dict[str, Any]
    answers: list[str]  # to the suite's question, a paragraph a measurement
    scenarios: list[tuple[str, str]]  # each with its options
    sections: dict[str, str]  # Markdown, by heading
    facts: list[tuple[str, str]]

    @property
    def anchor(self) -> str:
        return anchor(f"{self.name}: {self.environment['title']}")


def anchor(heading: str) -> str:
    """Where a link to a heading goes, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def render(result_data: Path) -> str:
    """The page about every suite, and the bench, that have tables in `result_data`."""
    suites = [_suite(file) for file in sorted(result_data.glob("*_metrics.csv"))]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # Markdown
    )
    environment.filters |= {
        "words": lambda text: markdown(str(text)),
        "code": code,
        "visible": lambda text: visible(text, None),
    }
    return environment.get_template("results.md.j2").render(
        suites=suites,
        capacity=capacity_table.section(result_data, contract.load("pipeline")),
        bench=bench.section(result_data),
    )


def _suite(metrics_file: Path) -> SuiteReport:
    name = metrics_file.name.removesuffix("_metrics.csv")
    environment_file = metrics_file.with_name(f"{name}_environment.json")
    remedy = f"run 'make run-scenarios SUITE={name}' again"
    try:
        names.check({"suite": name})
        metrics = analyse.read(metrics_file)
        raw = analyse.read(metrics_file.with_name(f"{name}_raw.csv"))
        environment = strict.parse_json(read_text(environment_file))
        check_environment(environment)
        measurements = environment["measurements"]
        known = evaluation.read(name, metrics_file.parent, raw, environment)
        counts = counted.read(metrics_file.parent, name)
        traces = trace_runs.KEPT.read(metrics_file.with_name(trace_runs.FILE.format(name)))
        sections: dict[str, str] = {}
        answers: list[str] = []
        found: dict[Measurement, list[choices.Choice]] = {}
        for each in measurements:
            measured, baselines = measurement_of(each), environment.get("baselines", {})
            traced = trace_runs.markdown(traces, measured, _of(each, raw), each)
            took = counted.markdown(counts, measured, list(each["scenarios"]))
            beside = "\n\n".join(part for part in (took, traced) if part)
            text = section.markdown(
                name, measured, _of(each, metrics), _of(each, raw), known.of(measured), baselines, beside
            )
            sections[f"{name}, {_name(each)}"] = text
            if environment.get("question"):
                found[measured] = choices.of_measurement(_of(each, raw), environment, known.of(measured).stages)
                families = placement.families(_of(each, raw), environment)
                answers.append(_answer(measured, families, found[measured], _of(each, raw), environment))
                sections |= _answer_tables(f"{name}, {{}}, {measured}", families, found[measured])
        answers.append(_agreement(found))
        timers = histograms.tables(metrics_file.with_name(f"{name}_timer_latency.csv"))
        sections |= {f"{name}, latency of timers, {key}": table for key, table in timers.items()}
        if everywhere := matrix.section(metrics_file.with_name(matrix.FILE.format(name)), contract.load("pipeline")):
            sections[f"{name}, on every target and kernel"] = everywhere
        return SuiteReport(name, environment, answers, _scenarios(measurements), sections, _facts(measurements, raw))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise Complaint(metrics_file, f"or a file beside it is damaged ({error}): {remedy}", FAILED) from None


def _answer(
    measured: Measurement,
    families: list[placement.Family],
    found: list[choices.Choice],
    raw: pd.DataFrame,
    environment: dict[str, Any],
) -> str:
    """What one measurement has to say to the question of a suite, in a list."""
    texts = placement.answer(families, raw, environment) + told.answer(found)
    return "\n".join([f"**{str(measured).capitalize()}**", "", *(f"- {text}" for text in texts)]) if texts else ""


def _answer_tables(heading: str, families: list[placement.Family], found: list[choices.Choice]) -> dict[str, str]:
    parts = {"where the threads were": placement.markdown(families), "what each choice changes": told.markdown(found)}
    return {heading.format(what): text for what, text in parts.items() if text}


def _agreement(found: dict[Measurement, list[choices.Choice]]) -> str:
    """In what exact timing and live timing of a target are sure of the same, and in what of the contrary."""
    lines = []
    for exact in (each for each in found if each.timing == "exact"):
        for live in (each for each in found if each.timing == "live" and each.target == exact.target):
            if text := told.agreement(found[exact], found[live]):
                lines.append(f"- **{str(exact).capitalize()}, and {live}.** {text}")
    return "\n".join(lines)


def _name(measurement: dict[str, Any]) -> str:
    return str(measurement_of(measurement))


def _of(measurement: dict[str, Any], table: pd.DataFrame) -> pd.DataFrame:
    """The lines of a measurement."""
    return table[(table[analyse.MEASUREMENT] == list(measurement_of(measurement))).all(axis=1)]


def _scenarios(measurements: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Each scenario with its options; several times where its measurements had others."""
    names = dict.fromkeys(name for each in measurements for name in each["scenarios"])
    return [
        line
        for name in names
        for line in _told(name, {_name(each): each["scenarios"].get(name) for each in measurements})
    ]


def _told(what: str, texts: dict[str, str | None]) -> list[tuple[str, str]]:
    """`what` with its text, said once where all measurements (the keys) have the same."""
    measurements: dict[str, list[str]] = {}
    for measurement, text in texts.items():
        if text is not None:
            measurements.setdefault(text, []).append(measurement)
    if len(measurements) == 1:
        return [(what, text) for text in measurements]
    return [(f"{what} ({', '.join(names)})", text) for text, names in measurements.items()]


def _facts(measurements: list[dict[str, Any]], raw: pd.DataFrame) -> list[tuple[str, str]]:
    facts = []
    for what, tell in GUEST_FACTS.items():
        facts += _told(what, {_name(each): tell(each, each["image"]) for each in measurements})
    for each in measurements:
        facts.append((_name(each), _conditions(each, _of(each, raw))))
        summary = each.get("host", {}).get("ledger")
        if summary:
            facts.append((f"host's ledger, {_name(each)}", ledger_summary.text(summary)))
    return facts


GUEST_FACTS: dict[str, Callable[[dict[str, Any], dict[str, str]], str]] = {
    "guest": lambda each, _: f"{each['target']}, " + "; ".join(map(_guest, each.get("guests", [each]))),
    "QEMU": lambda _, image: image["qemu_version"],
    "program": lambda each, image: (
        f"pipelab {image['program_version']}, {image['compiler']}, commit {', '.join(each['git_commits'])}"
    ),
    "SHA-256": lambda each, image: ", ".join(
        [
            *dict.fromkeys(
                f"{name} `{guest['image'][f'{name}_sha256'][:16]}`"
                for guest in each.get("guests", [each])
                for name in ("kernel", "initrd")
            ),
            f"program `{image['program_sha256'][:16]}`",
        ]
    ),
}


def _guest(guest: dict[str, Any]) -> str:
    """2 CPUs, 512 MB, Linux 6.1; older results say nothing of NUMA nodes and kernel arguments."""
    nodes, arguments = guest.get("numa_nodes", 1), guest.get("kernel_args", "")
    return (
        f"{guest['smp']} CPU{'s' * (guest['smp'] > 1)}, {guest['memory_mb']} MB, "
        + (f"{nodes} NUMA nodes, " if nodes > 1 else "")
        + f"Linux {guest['image']['kernel_version']}"
        + (f" `{arguments}`" if arguments else "")
    )


def _conditions(measurement: dict[str, Any], raw: pd.DataFrame) -> str:
    seeds = ", ".join(map(str, sorted(set(raw["seed"]))))
    text = f"{measurement['accelerator']}; seeds {seeds}; a clock read costs {raw['clock_read_ns'].median():.0f} ns"
    if measurement["timing"] == "live":
        host = measurement["host"]
        text += (
            f"; host {host['cpu']}, {host['cpus']} CPUs, load before a run at most {host['load_before_max']:.2f}"
            + ("" if host.get("ledger") else f", CPU time stolen from the host at most {host['steal_share_max']:.1%}")
            + f"; {host['from']} to {host['to']}"
        )
    return text
