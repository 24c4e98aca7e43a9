"""What a gate tells: Markdown for a terminal or a pull request, and JUnit XML for CI."""

import math
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

from lab.plan.contract import Contract
from lab.judge.gate import GOOD, INCONCLUSIVE, MISSED, UNDECIDED, WORSE, Gate, overall
from lab.tables.measurement import Measurement
from lab.text import markdown as md, numbers
from lab.text.outside import visible
from lab.judge.comparing import MOST_RUNS, Comparison, Verdict

OUTCOMES = {
    GOOD: "good: nothing is worse",
    WORSE: "worse",
    MISSED: "an objective is missed",
    INCONCLUSIVE: "inconclusive: more runs, or a quieter host, would decide",
}
UNCHANGED = (Verdict.SAME, Verdict.EQUAL)
SHOWN = (Verdict.WORSE, Verdict.MIXED, Verdict.BETTER)
HEAD = ("measurement", "scenario", "metric", "before", "now", "verdict")


def markdown(gates: Sequence[Gate]) -> str:
    """The outcome, then by suite what is wrong or better; what is the same or unknown is only counted."""
    lines = [f"**pipelab gate: {OUTCOMES[overall(gates)]}** (exit {overall(gates)})"]
    for gate in gates:
        lines += ["", f"### {gate.suite}", ""]
        notes = [*gate.causes, *gate.remarks, *gate.lacking]
        notes += [f"{each.scenario}, {each.measurement}: {each.text()}" for each in gate.judgements]
        changed = sorted(
            (each for each in gate.comparisons if each.verdict in SHOWN), key=lambda each: SHOWN.index(each.verdict)
        )
        counts = {verdict: sum(each.verdict is verdict for each in gate.comparisons) for verdict in UNCHANGED}
        notes += [f"{verdict.value}: {count} comparisons" for verdict, count in counts.items() if count]
        notes += _inconclusive(gate.comparisons)
        lines += [f"- {md.words(note)}" for note in notes]
        if changed:
            lines += ["", md.table(HEAD, (_row(each, gate.contract) for each in changed), right=(3, 4))]
    return "\n".join(lines) + "\n"


def junit(gates: Iterable[Gate]) -> str:
    """A test suite a measurement, a case a comparison or objective; skipped where inconclusive, or not compared."""
    root = ElementTree.Element("testsuites", name="pipelab gate")
    for gate in gates:
        cases: dict[str, list[tuple[str, str, str, str]]] = {}  # by suite: scenario, name, outcome and text of each
        for each in gate.comparisons:
            of_suite = cases.setdefault(".".join([gate.suite, *each.measurement]), [])
            of_suite.append((each.scenario, each.metric, _outcome(each.verdict), each.text()))
        for judged in gate.judgements:
            of_suite = cases.setdefault(".".join([gate.suite, *judged.measurement]), [])
            outcome = {True: "", False: "failure", None: "skipped"}[judged.held]
            of_suite.append((judged.scenario, str(judged.objective), outcome, judged.text()))
        if gate.lacking:
            lacking = map(visible, gate.lacking)
            cases[f"{gate.suite}.not compared"] = [("", text, "skipped", text) for text in lacking]
        for suite, of_suite in cases.items():
            element = ElementTree.SubElement(root, "testsuite", name=suite, tests=str(len(of_suite)))
            outcomes = [outcome for _, _, outcome, _ in of_suite]
            element.attrib |= {"failures": str(outcomes.count("failure")), "skipped": str(outcomes.count("skipped"))}
            for scenario, name, outcome, text in of_suite:
                of_scenario = f"{suite}.{scenario}".removesuffix(".")
                case = ElementTree.SubElement(element, "testcase", classname=of_scenario, name=name)
                if outcome:
                    ElementTree.SubElement(case, outcome, message=text)
                else:
                    ElementTree.SubElement(case, "system-out").text = text
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _row(each: Comparison, contract: Contract) -> list[object]:
    column = contract.columns[each.metric]
    values = [numbers.amount(value, column.metric.unit) for value in (each.base, each.value)]
    verdict = md.bold(each.text()) if each.verdict is Verdict.WORSE else each.text()
    return [each.measurement, each.scenario, column.title, *values, verdict]


def _outcome(verdict: Verdict) -> str:
    if verdict is Verdict.WORSE:
        return "failure"
    return "skipped" if verdict in UNDECIDED else ""


def _inconclusive(comparisons: Iterable[Comparison]) -> list[str]:
    """By measurement: how many comparisons do not tell, and with how many runs half of them would."""
    unknown: dict[Measurement, list[Comparison]] = {}
    for each in comparisons:
        if each.verdict is Verdict.INCONCLUSIVE:
            unknown.setdefault(each.measurement, []).append(each)
    lines = []
    for measurement, found in unknown.items():
        needed = sorted(math.inf if math.isnan(each.more_runs) else each.runs + each.more_runs for each in found)
        half = needed[(len(needed) - 1) // 2]
        reps = f"REPS={half:.0f}" if half <= MOST_RUNS else f"not even REPS={MOST_RUNS}"
        count = f"inconclusive: {len(found)} comparisons"
        lines.append(f"{count}, {measurement}; {reps} of both would probably decide half of them")
    return lines
