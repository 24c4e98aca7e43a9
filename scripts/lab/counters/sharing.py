"""Rules about what CPUs take from each other's caches, where that was simulated."""

from collections.abc import Iterator

from lab.counters import counted
from lab.judge.evidence import Finding, Study


def false_sharing(study: Study) -> Iterator[Finding]:
    """Threads on different CPUs write different bytes of one cache line."""
    for case in study.cases:
        seen = case.rows[counted.SHARED].dropna() if counted.SHARED in case.rows else ()
        for where in dict.fromkeys(text for text in seen if text):
            yield case.found(
                "false sharing",
                f"on one cache line: {where}, simulated",
                "different CPUs write different bytes of that line, and each takes it from the other for nothing",
                "alignas(64) for what each of them writes, so that it has a line of its own",
            )


RULES = (false_sharing,)
