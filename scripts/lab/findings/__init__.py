"""Findings: what is odd about results, why, and what to try. Each rule is one small function."""

from lab.findings import counts, measurement, pipeline, sharing
from lab.findings.study import Case, Finding, Study, of_suite

__all__ = ["Case", "Finding", "Study", "find", "markdown", "of_suite"]


def find(study: Study) -> list[Finding]:
    """All findings, those about the measurement first: they say how far to trust the others."""
    return [
        finding
        for rule in (*measurement.RULES, *pipeline.RULES, *counts.RULES, *sharing.RULES)
        for finding in rule(study)
    ]


def markdown(findings: list[Finding]) -> str:
    """A list for under a table, in which scenarios that share a finding share a line. Empty without findings."""
    lines = []
    for name, cause, remedy in dict.fromkeys((each.name, each.cause, each.remedy) for each in findings):
        scenarios: dict[str, list[str]] = {}
        for each in findings:
            if (each.name, each.cause, each.remedy) == (name, cause, remedy):
                scenarios.setdefault(each.evidence, []).append(each.scenario)
        evidence = "; ".join(", ".join(names) + ": " * any(names) + what for what, names in scenarios.items())
        lines.append(f"- **{name}.** {evidence}. *Cause:* {cause}. *Try:* {remedy}.")
    return "\n".join(lines)
