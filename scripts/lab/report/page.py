"""The report as data, from the files in result_data/; and its pages, which are that as Markdown."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from lab import bench
from lab.capacity import table as capacity_table
from lab.counters import counted
from lab.judge import effects as judged_effects, evaluation, evidence
from lab.plan.contract import Contract
from lab.report import (
    answers,
    course,
    effects,
    environment as environment_words,
    matrix,
    overview,
    pictures,
    placement,
    section,
    threads as threads_table,
    verdicts,
)
from lab.report.overview import SuitePage
from lab.report.suite import rules_of
from lab.tables import kept, measured, threads
from lab.tables.measurement import Measurement, check as check_environment, contract_of, each_of
from lab.text import names, strict
from lab.text.complaint import FAILED, Complaint
from lab.text.files import read_text, write_whole
from lab.text.markdown import bold, facts, words
from lab.text.outside import visible
from lab.text.page import Block, Part, Picture
from lab.trace import calls, own_runs, runs as trace_runs

DOCS = "docs/README.md"
PICTURES = (
    "In pictures a dot is a run, a large mark the median, and a line goes from the smallest to the largest run; × is a run "
    "whose threads shared one CPU, hollow is noisy. Of stages, an arrow marks a bar that is longer than the panel, and — one "
    "that would rest on too few."
)


def pages(result_data: Path) -> dict[str, str]:
    """All pages by their names: results.md, which is to stand beside `result_data`, and those that belong there, with the
    CSV files that they alone have.

    Raises Complaint where a file is damaged.
    """
    suites = read_suites(result_data)
    instruments = _instruments(result_data)
    said = {name: _first_words(each) for name, each in instruments.items()}
    if "bench.md" in said:
        said["bench.md"] = bench.summary(result_data)
    others = [Part(each[0].level, each[0].heading, [said[name]], name) for name, each in instruments.items()]
    has_docs = (result_data.parent / DOCS).is_file()
    title, *after = overview.parts(suites, others, _page_of)
    index = [f"[What the words mean, and a page of each workload and instrument]({DOCS})."] * has_docs
    title = replace(title, body=[*title.body, *index])
    found = {"results.md": markdown([title, *after], "result_data/")}
    about = {f"{each.name}.md": each.contract.name for each in suites}
    for name, (first, *rest) in ({f"{each.name}.md": each.parts for each in suites} | instruments).items():
        links = ["[All results](../results.md)", *[f"[what the words mean](../{DOCS})"] * has_docs]
        own = f"docs/{about.get(name, name.removesuffix('.md'))}.md"
        links += [f"[{own}](../{own})"] * (result_data.parent / own).is_file()
        body = [replace(first, body=[" · ".join(links), *first.body]), *rest]
        found[name] = markdown([replace(part, level=part.level - 1) for part in body])
    return found | {name: text for each in suites for name, text in each.tables.items()}


def write(result_data: Path, page: Path) -> None:
    """Writes all pages: the first one to `page`, the others into `result_data`."""
    for name, text in pages(result_data).items():
        write_whole(page if name == "results.md" else result_data / name, text)


def markdown(parts: Sequence[Part], folder: str = "") -> str:
    """A page as Markdown. `folder` is what results are in, seen from the page: empty for one that is there too."""
    blocks: list[Block] = []
    for each in parts:
        if each.folded:
            blocks += [f"<details><summary>{each.heading}</summary>", *each.body, "</details>"]
        else:
            blocks += [f"{'#' * each.level} {each.heading}", *each.body]
    texts = (f"![{each.title}](result_data/{each.file})" if isinstance(each, Picture) else each for each in blocks)
    return "\n\n".join(texts).replace("](result_data/", f"]({folder}") + "\n"


def anchor(heading: str) -> str:
    """Where a link to a heading goes, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def parts(result_data: Path) -> list[Part]:
    """All pages as one, the title first. Raises Complaint where a file is damaged."""
    suites = read_suites(result_data)
    first = overview.parts(suites, [], lambda suite: f"#{anchor(suite.parts[0].heading)}")
    instruments = [part for each in _instruments(result_data).values() for part in each]
    return [*first, *(part for each in suites for part in each.parts), *instruments]


def read_suites(result_data: Path) -> list[SuitePage]:
    """Every suite that has tables in `result_data`."""
    return [_suite(file) for file in sorted(result_data.glob("*_metrics.csv"))]


def _instruments(result_data: Path) -> dict[str, list[Part]]:
    """The pages of instruments by their names, of those that have been used."""
    texts = {"capacity.md": capacity_table.section(result_data), "bench.md": bench.section(result_data)}
    return {name: of_markdown(text) for name, text in texts.items() if text}


def _first_words(parts: Sequence[Part]) -> str:
    """The first line of each part's first list, with the part's heading."""
    lists = [(each.heading, block) for each in parts for block in each.body if isinstance(block, str)]
    return "; ".join(
        f"{heading}, {block.removeprefix('- ').splitlines()[0]}" for heading, block in lists if block.startswith("- ")
    )


def _page_of(suite: SuitePage) -> str:
    return f"result_data/{suite.name}.md"


def _meanings(contract: Contract) -> list[Block]:
    """What its metrics mean."""
    texts = [f"*{words(each.title)}*, {words(each.text)}" for each in contract.metrics.values() if each.text]
    return [f"{bold(contract.title)}: {'; '.join(texts)}."] * bool(texts)


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


def _suite(metrics_file: Path) -> SuitePage:
    name = metrics_file.name.removesuffix("_metrics.csv")
    remedy = f"run 'make run-scenarios SUITE={name}' again"
    try:
        names.check({"suite": name})
        metrics = measured.read(metrics_file)
        raw = measured.read(metrics_file.with_name(f"{name}_raw.csv"))
        environment = strict.parse_json(read_text(metrics_file.with_name(f"{name}_environment.json")))
        check_environment(environment)
        contract = contract_of(environment)
        known = evaluation.read(name, metrics_file.parent, raw, environment)
        metrics, raw = (measured.stated(each, raw, contract) for each in (metrics, raw))
        return _suite_page(name, contract, metrics_file.parent, environment, metrics, raw, known)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise Complaint(metrics_file, f"or a file beside it is damaged ({error}): {remedy}", FAILED) from None


def _suite_page(
    name: str,
    contract: Contract,
    folder: Path,
    environment: dict[str, Any],
    metrics: pd.DataFrame,
    raw: pd.DataFrame,
    known: evaluation.Evaluation,
) -> SuitePage:
    asked, changes, answered = "question" in environment, {}, []
    short: dict[Measurement, str] = {}
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
            environment.get("steps", ()),
        )
        body += course.blocks(name, folder, measurement, contract, environment)
        below.append(Part(3, f"{name}, {measurement}", body))
        if asked:
            changes[measurement] = judged_effects.of_measurement(runs, environment, evaluated.stages)
            families = placement.families(runs, environment)
            cases = evidence.of_suite(runs, environment)
            texts = placement.answer(families, cases)
            texts += effects.answer(changes[measurement], contract, environment.get("about", ()))
            short[measurement] = answers.of_changes(changes[measurement], cases, families, environment.get("about", ()))
            answered += [bold(str(measurement).capitalize()), section.listed(texts)] if texts else []
            tables = {
                "where the threads were": placement.tables(families, contract),
                "what each option changes": effects.tables(changes[measurement], contract),
            }
            below += [Part(3, f"{name}, {what}, {measurement}", each) for what, each in tables.items() if each]
        else:
            short[measurement] = answers.of_baselines(
                evaluated,
                contract,
                verdicts.not_compared(lines, evaluated.comparisons, environment.get("baselines", {})),
            )
            if short[measurement]:
                answered.append(f"**{str(measurement).capitalize()}:** {short[measurement]}.")
        texts = [answers.of_objectives(evaluated.judgements), short[measurement]]
        short[measurement] = "; ".join(filter(None, texts))
    agreed = _agreement(changes, contract)
    answered += [section.listed(agreed)] if agreed else []
    if everywhere := matrix.section(folder / matrix.FILE.format(name), contract):
        below.append(Part(3, f"{name}, on every target and kernel", everywhere.split("\n\n")))
    warnings = _warnings(environment)
    above: list[Block] = [f"> {each}" for each in warnings]
    above += [f"**The question.** {words(environment['question'])}"] if asked else []
    above += answered
    shown = [
        Picture(f"{metric.title.capitalize()} of {name}", pictures.file_name(name, metric), name, metric.name)
        for metric in pictures.metrics(raw, contract)
    ]
    above += [*shown[:1], *[PICTURES] * bool(shown), *_meanings(contract)]
    files = {}
    if known.comparisons:
        files[verdicts.FILE.format(name)] = verdicts.csv(known.comparisons, environment.get("baselines", {}))
    title, question = words(environment["title"]), words(environment["question"]) if asked else ""
    parts = [
        Part(2, f"{name}: {title}", above),
        *below,
        Part(3, f"{name}, all runs", _all_runs(name, shown[1:], list(files))),
        Part(3, f"{name}, its scenarios", [environment_words.scenarios(environment["measurements"])], folded=True),
        Part(3, f"{name}, its environment", [_environment(environment, raw)], folded=True),
        Part(3, f"Reproduce {name}", [_again(environment)]),
    ]
    return SuitePage(name, title, question, contract, short, warnings, parts, files)


def _warnings(environment: Mapping[str, Any]) -> list[str]:
    texts = []
    if missing := environment["missing_runs"]:
        texts.append(
            f"**{words(missing)} planned runs are missing** (failed or not yet run; see `result_data/runs/failed/`). The "
            "commands under *Reproduce* run them."
        )
    for target in environment["changed_guests"]:
        texts.append(
            f"**The tables of {target} were not measured with the same guest**: its kernel or program was built anew in "
            f"between ({_guests_of(environment, target)}). Do not compare them; the commands under *Reproduce* measure "
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


def _all_runs(name: str, shown: Sequence[Picture], tables: Sequence[str]) -> list[Block]:
    """The pictures of other metrics, and the files that have every figure."""
    files = {"all runs": f"{name}_raw.csv", "all scenarios": f"{name}_metrics.csv"}
    files |= {"all verdicts": file for file in tables}
    links = [f"{what} [`{file}`](result_data/{file})" for what, file in files.items()]
    return [*shown, f"Tables: {', '.join(links)}."]


def _environment(environment: Mapping[str, Any], raw: pd.DataFrame) -> str:
    of = {str(measurement): kept.of(raw, measurement) for measurement in each_of(environment)}
    return facts(environment_words.facts(environment["measurements"], of))


def _again(environment: Mapping[str, Any]) -> str:
    commands = environment_words.again(environment["sweeps"])
    return "\n".join(f"    {visible(command, None)}" for command in commands)


def _agreement(found: Mapping[Measurement, Sequence[Any]], contract: Contract) -> list[str]:
    """In what exact timing and live timing of a target are sure of the same, and in what of the contrary."""
    lines = []
    for exact in (each for each in found if each.timing == "exact"):
        for live in (each for each in found if each.timing == "live" and each.target == exact.target):
            if text := effects.agreement(found[exact], found[live], contract):
                lines.append(f"**{str(exact).capitalize()}, and {live}.** {text}")
    return lines
