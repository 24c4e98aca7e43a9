"""Findings: what is odd about results, why, and what to try. Each rule is one small function."""

from collections.abc import Callable, Collection, Sequence

from lab.text import naming
from lab.counters import findings as counts, sharing
from lab.findings import measurement, pipeline
from lab.trace import findings as sched
from lab.judge.evidence import Case, Finding, Study, of_suite
from lab.text.outside import markdown as words

__all__ = ["Case", "Finding", "Study", "find", "markdown", "of_suite"]


def find(study: Study) -> list[Finding]:
    """All findings, those about the measurement first: they say how far to trust the others."""
    return [
        finding
        for rule in (*measurement.RULES, *pipeline.RULES, *sched.RULES, *counts.RULES, *sharing.RULES)
        for finding in rule(study)
    ]


def markdown(findings: Sequence[Finding], scenarios: Collection[str] = ()) -> str:
    """A list for under a table, in which scenarios that share a finding share a line. Empty without findings.

    `scenarios` are all that the table has. Where these are many, those whose finding differs in numbers alone share
    a line with ranges.
    """
    most = naming.FEW if len(scenarios) <= naming.FEW else naming.EXAMPLES
    lines: dict[int, str] = {}  # by the place of its first finding
    for group in _groups(findings, _form):
        if len({each.scenario for each in group}) > most:
            lines[findings.index(group[0])] = _line_of_many(group, scenarios)
            continue
        for same in _groups(group, lambda each: (each.name, each.cause, each.remedy)):
            lines[findings.index(same[0])] = _line(same)
    return "\n".join(lines[place] for place in sorted(lines))


def _groups(findings: Sequence[Finding], key: Callable[[Finding], tuple[str, ...]]) -> list[list[Finding]]:
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for each in findings:
        groups.setdefault(key(each), []).append(each)
    return list(groups.values())


def _form(finding: Finding) -> tuple[str, ...]:
    return finding.name, *(naming.form(finding.scenario, text) for text in (finding.cause, finding.remedy))


def _line(group: Sequence[Finding]) -> str:
    """Findings of one name, cause and remedy."""
    scenarios: dict[str, list[str]] = {}
    for each in group:
        scenarios.setdefault(each.evidence, []).append(each.scenario)
    evidence = "; ".join(", ".join(names) + ": " * any(names) + what for what, names in scenarios.items())
    return _told(group[0].name, evidence, group[0].cause, group[0].remedy)


def _line_of_many(group: Sequence[Finding], every: Collection[str]) -> str:
    told = naming.alike((each.scenario, each.evidence) for each in group)
    evidence = [f"{naming.names(list(dict.fromkeys(names)), every)}: {what}" for names, what in told[: naming.EXAMPLES]]
    others = list(dict.fromkeys(name for names, _ in told[naming.EXAMPLES :] for name in names))
    evidence += [f"the like in {naming.names(others, every)}"] * bool(others)
    ((_, cause),) = naming.alike((each.scenario, each.cause) for each in group)
    ((_, remedy),) = naming.alike((each.scenario, each.remedy) for each in group)
    return _told(group[0].name, "; ".join(evidence), cause, remedy)


def _told(name: str, evidence: str, cause: str, remedy: str) -> str:
    """One line of the list. What findings say is partly of guests, and read back from a file."""
    return f"- **{words(name)}.** {words(evidence)}. *Cause:* {words(cause)}. *Try:* {words(remedy)}."
