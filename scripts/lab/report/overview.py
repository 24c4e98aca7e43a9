"""The first page, results.md: each suite's question with its answer in short, what to trust, and where the rest is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lab.plan.contract import Contract
from lab.tables.measurement import Measurement
from lab.text.markdown import Markup, table
from lab.text.page import Block, Part

READING = """\
Made by `make report` from the files in `result_data/`; do not edit. A row is a suite: what it asks, and what its runs say.
Figures are medians of runs; **better** and **worse** are beyond chance and the margin, in brackets
the smallest and the largest change of all pairs of scenarios that differ in this alone, at equal placement; *unclear* is not
decided by these runs."""
TRUST = (
    "*Exact* is virtual time: the same in every run with the same seed, on every host, at 2 ns an instruction, and the CPUs "
    "run in turn. It shows what the code and the scheduler do; it has no caches, no true parallelism, and one memory order, so "
    "that a missing fence never shows: run live what may depend on these.",
    "*Live* is wall time on an emulated machine (tcg) or on the host's own CPUs (kvm): compare it within a table, not with "
    "hardware.",
)
AGAIN = """\
    make run-scenarios                  # t000 and t001
    make run-scenarios SUITE=affinity   # another suite of scenarios/"""


@dataclass(frozen=True)
class SuitePage:
    """What is known of a suite, as data: its own page, and what the first page has of it."""

    name: str
    title: str  # in words, Markdown
    question: str  # in words, Markdown; empty: it asks none
    contract: Contract
    answers: dict[Measurement, str]
    warnings: Sequence[str]
    parts: list[Part] = field(default_factory=list)
    tables: Mapping[str, str] = field(default_factory=dict)  # CSV files beside it, by their names


def parts(suites: Sequence[SuitePage], others: Sequence[Part], link: Callable[[SuitePage], str]) -> list[Part]:
    """The first page. `others` are the pages of instruments, each by its title with its first words; a `link` goes to
    what more there is of a suite."""
    trust = [*TRUST, *_warned(suites)]
    body: list[Block] = [READING]
    if suites:
        body.append("\n".join(f"- {each}" for each in trust))
        timings = [each for each in ("exact", "live") if any(_said(suite, each) for suite in suites)]
        rows = [[_asked(each, link(each)), *(Markup(_said(each, timing)) for timing in timings)] for each in suites]
        body.append(table(["suite and question", *timings], rows))
    body += [f"[{each.heading}](result_data/{each.note}): {each.body[0]}" for each in others]
    found = [Part(1, "Results", body)]
    if suites:
        found.append(Part(2, "Reproduce", [AGAIN]))
    return found


def _asked(suite: SuitePage, link: str) -> Markup:
    return Markup(f"[{suite.name}]({link}): {suite.question or suite.title}")


def _said(suite: SuitePage, timing: str) -> str:
    """The answers of that timing; of several targets each with its name."""
    found = {measured: text for measured, text in suite.answers.items() if measured.timing == timing}
    if not found:
        return "not run"
    several = len({(each.target, each.accelerator) for each in suite.answers}) > 1
    return " ".join(f"*{each.target}, {each.accelerator}*: " * several + text for each, text in found.items())


def _warned(suites: Sequence[SuitePage]) -> list[str]:
    """What is wrong with suites, in short: their pages have the rest."""
    return [f"{suite.name}: {each[: each.rfind('**') + 2]}." for suite in suites for each in suite.warnings]
