"""What is known of one case against another of the same measurement."""

from lab.judge import comparing
from lab.judge.evidence import Case, Study
from lab.tables.measurement import KEYS
from lab.judge.comparing import Verdict

OPPOSITE = {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}


def verdict(study: Study, case: Case, other: Case, metric: str) -> Verdict | None:
    """That of the study, which either side may be the baseline of, or else of their runs; None where nobody knows."""
    baselines = study.environment.get("baselines", {})
    for each in study.comparisons:
        pair = (each.scenario, baselines.get(each.scenario))
        if (each.measurement, each.metric) != (case.measurement, metric):
            continue
        if pair == (case.scenario, other.scenario):
            return each.verdict
        if pair == (other.scenario, case.scenario):
            return OPPOSITE.get(each.verdict, each.verdict)
    if not all({*KEYS, "seed"} <= set(each.rows) for each in (case, other)):
        return None
    found = comparing.compare(comparing.pairs_of(case.scenario, other.rows, case.rows, [metric]))
    return found[0].verdict if found else None
