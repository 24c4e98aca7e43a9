"""The report as data, from the files in result_data/; and results.md, which is that as Markdown."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lab import bench
from lab.capacity import table as capacity_table
from lab.counters import counted
from lab.judge import effects as judged_effects, evaluation, evidence
from lab.plan.contract import Contract
from lab.report import (
    course,
    effects,
    environment as environment_words,
    matrix,
    pictures,
    placement,
    section,
    threads as threads_table,
)
from lab.report.suite import rules_of
from lab.tables import kept, measured, threads
from lab.tables.measurement import Measurement, check as check_environment, contract_of, each_of
from lab.text import names, strict
from lab.text.complaint import FAILED, Complaint
from lab.text.files import read_text
from lab.text.markdown import bold, facts, words
from lab.text.outside import visible
from lab.text.page import Block, Part, Picture
from lab.trace import calls, own_runs, runs as trace_runs

INTRODUCTION = """\
Made by `make report` from the files in `result_data/`; do not edit. Each run has a fresh guest; percentiles come from the
counts of all items of a run. What is exact is virtual time, the same in every run with the same seed, at 2 ns an
instruction, and its CPUs run in turn: it shows what the code and the scheduler do. It has no caches, nothing that runs at
the same time, and every CPU sees memory change in one order, so that a missing fence never shows: what may hang on that
must run live as well. What is live is wall time, on an emulated machine (tcg) or on the host's own CPUs (kvm): compare it
within a table, not with hardware. A change is a verdict on all runs, not on one: *better* and *worse* are beyond chance and the margin, *the same*
is within the margin for certain."""


def markdown(parts: Sequence[Part]) -> str:
    """The page as results.md has it. The first part is its title; behind its text are links to all of level 2."""
    contents = []
    for each in (each for each in parts if each.level == 2):
        name, colon, rest = each.heading.partition(": ")
        contents.append(f"- [{name}](#{anchor(each.heading)}){colon}{rest}{each.note}")
    title, *others = parts
    blocks: list[Block] = []
    for each in (Part(title.level, title.heading, [*title.body, "\n".join(contents)]), *others):
        blocks += [f"{'#' * each.level} {each.heading}", *each.body]
    texts = (f"![{each.title}](result_data/{each.file})" if isinstance(each, Picture) else each for each in blocks)
    return "\n\n".join(texts) + "\n"


def anchor(heading: str) -> str:
    """Where a link to a heading goes, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def render(result_data: Path) -> str:
    """results.md, about every suite, and the bench, that have tables in `result_data`."""
    return markdown(parts(result_data))


def parts(result_data: Path) -> list[Part]:
    """The page, the title first. Raises Complaint where a file is damaged."""
    suites = [_suite(file) for file in sorted(result_data.glob("*_metrics.csv"))]
    metrics = {known.title: known.metrics.values() for known, _ in suites}
    meanings = [
        f"{bold(title)}: "
        + "; ".join(f"*{words(each.title)}*, {words(each.text)}" for each in known if each.text)
        + "."
        for title, known in metrics.items()
        if any(each.text for each in known)
    ]
    searches = of_markdown(capacity_table.section(result_data))
    title = Part(1, "Results", [INTRODUCTION, *[section.listed(meanings)] * bool(meanings)])
    return [title, *(part for _, each in suites for part in each), *searches, *of_markdown(bench.section(result_data))]


def of_markdown(text: str) -> list[Part]:
    """The parts of what an instrument says, with its headings and pictures on lines of their own."""
    found: list[tuple[int, str, list[Block]]] = []
    for block in text.strip("\n").split("\n\n") if text else ():
        if heading := re.fullmatch("(#+) (.*)", block):
            found.append((len(heading[1]), heading[2], []))
        elif picture := re.fullmatch(r"!\[(.*)\]\(result_data/([\w.-]+)\)", block):
            found[-1][2].append(Picture(picture[1], picture[2]))
        else:
            found[-1][2].append(block)
    return [Part(*each) for each in found]


def _suite(metrics_file: Path) -> tuple[Contract, list[Part]]:
    name = metrics_file.name.removesuffix("_metrics.csv")
    remedy = f"run 'make run-scenarios SUITE={name}' again"
    try:
        names.check({"suite": name})
        metrics = measured.read(metrics_file)
        raw = measured.read(metrics_file.with_name(f"{name}_raw.csv"))
        environment = strict.parse_json(read_text(metrics_file.with_name(f"{name}_environment.json")))
        check_environment(environment)
        known = evaluation.read(name, metrics_file.parent, raw, environment)
        workload = contract_of(environment)
        return workload, _suite_parts(name, workload, metrics_file.parent, environment, metrics, raw, known)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise Complaint(metrics_file, f"or a file beside it is damaged ({error}): {remedy}", FAILED) from None


def _suite_parts(
    name: str,
    contract: Contract,
    folder: Path,
    environment: dict[str, Any],
    metrics: pd.DataFrame,
    raw: pd.DataFrame,
    known: evaluation.Evaluation,
) -> list[Part]:
    asked, changes, answers = "question" in environment, {}, []
    below: list[Part] = []
    counts = counted.read(folder, name)
    traces = trace_runs.KEPT.read(folder / trace_runs.FILE.format(name))
    traced_threads = own_runs.THREADS.read(folder / own_runs.THREADS_FILE.format(name))
    futexes = own_runs.FUTEXES.read(folder / own_runs.FUTEXES_FILE.format(name))
    system_calls = calls.KEPT.read(folder / calls.FILE.format(name))
    for place, (measurement, said) in enumerate(each_of(environment).items()):
        runs, lines, evaluated = kept.of(raw, measurement), kept.of(metrics, measurement), known.of(measurement)
        beside = [
            counted.markdown(counts, measurement, list(said["scenarios"]), contract),
            trace_runs.markdown(traces, measurement, runs, said),
            threads_table.markdown(threads.KEPT.read(folder / threads.FILE.format(name)), measurement),
            own_runs.markdown(traced_threads, futexes, measurement),
            calls.markdown(system_calls, measurement),
        ]
        body = section.body(
            name,
            measurement,
            contract,
            lines,
            runs,
            evaluated,
            environment.get("baselines", {}),
            rules_of(contract),
            [text for text in beside if text],
            place,
        )
        body += course.blocks(name, folder, measurement, contract, environment)
        below.append(Part(3, f"{name}, {measurement}", body))
        if asked:
            changes[measurement] = judged_effects.of_measurement(runs, environment, evaluated.stages)
            families = placement.families(runs, environment)
            texts = placement.answer(families, evidence.of_suite(runs, environment))
            texts += effects.answer(changes[measurement], contract)
            answers += [bold(str(measurement).capitalize()), section.listed(texts)] if texts else []
            tables = {
                "where the threads were": placement.tables(families, contract),
                "what each option changes": effects.tables(changes[measurement], contract),
            }
            below += [Part(3, f"{name}, {what}, {measurement}", each) for what, each in tables.items() if each]
    agreed = _agreement(changes, contract)
    answers += [section.listed(agreed)] if agreed else []
    if everywhere := matrix.section(folder / matrix.FILE.format(name), contract):
        below.append(Part(3, f"{name}, on every target and kernel", everywhere.split("\n\n")))
    above = _warnings(environment)
    above += [f"**The question.** {words(environment['question'])}", *answers] if asked else []
    above.append(environment_words.scenarios(environment["measurements"]))
    note = " (answers a question)" * asked
    return [
        Part(2, f"{name}: {words(environment['title'])}", above, note),
        *below,
        Part(3, f"{name}, all runs", _all_runs(name, environment, raw, contract)),
    ]


def _warnings(environment: Mapping[str, Any]) -> list[Block]:
    texts: list[Block] = []
    if missing := environment["missing_runs"]:
        texts.append(
            f"> **{words(missing)} planned runs are missing** (failed or not yet run; see `result_data/runs/failed/`). The "
            "commands under *Make it again* run them."
        )
    for target in environment["changed_guests"]:
        texts.append(
            f"> **The tables of {target} were not measured with the same guest**: its kernel or program was built anew in "
            f"between ({_guests_of(environment, target)}). Do not compare them; the commands under *Make it again* measure "
            "all with one."
        )
    return texts


def _guests_of(environment: Mapping[str, Any], target: str) -> str:
    """With what each of the target's measurements was made: "exact: program 12a7c793, kernel 6.1.0-56; live: ..."."""
    texts = []
    for each in environment["measurements"]:
        images = [shape["image"] for shape in each["guests"]]
        made_of = dict.fromkeys(
            f"program {image['program_sha256'][:8]}, kernel {image['kernel_version']}" for image in images
        )
        if each["target"] == target:
            texts.append(f"{each['timing']}: {' and '.join(made_of)}")
    return str(words("; ".join(texts)))


def _all_runs(name: str, environment: Mapping[str, Any], raw: pd.DataFrame, contract: Contract) -> list[Block]:
    shown = [
        Picture(f"{metric.title.capitalize()} of {name}", pictures.file_name(name, metric), name, metric.name)
        for metric in dict.fromkeys(column.metric for column in contract.headline)
    ]
    of = {str(measurement): kept.of(raw, measurement) for measurement in each_of(environment)}
    files = [f"[`{name}_{what}.csv`](result_data/{name}_{what}.csv)" for what in ("raw", "metrics")]
    return [
        *shown,
        f"All runs: {files[0]}, all scenarios: {files[1]}.",
        "**Environment**",
        facts(environment_words.facts(environment["measurements"], of)),
        "**Make it again**",
        "\n".join(f"    {visible(command, None)}" for command in environment_words.again(environment["sweeps"])),
    ]


def _agreement(found: Mapping[Measurement, Sequence[Any]], contract: Contract) -> list[str]:
    """In what exact timing and live timing of a target are sure of the same, and in what of the contrary."""
    lines = []
    for exact in (each for each in found if each.timing == "exact"):
        for live in (each for each in found if each.timing == "live" and each.target == exact.target):
            if text := effects.agreement(found[exact], found[live], contract):
                lines.append(f"**{str(exact).capitalize()}, and {live}.** {text}")
    return lines
