"""What a gate tells: Markdown for a terminal or a pull request, and JUnit XML for CI."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple
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
        notes = gate.remarks + gate.lacking
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


class _Case(NamedTuple):
    """A test case of JUnit's; `outcome` is failure, skipped, or nothing when it passed."""

    measurement: Measurement
    scenario: str
    name: str
    outcome: str
    text: str


def junit(gates: Iterable[Gate]) -> str:
    """A test suite a measurement, a case a comparison or objective; skipped where inconclusive."""
    root = ElementTree.Element("testsuites", name="pipelab gate")
    for gate in gates:
        cases = _cases(gate)
        for measurement in dict.fromkeys(case.measurement for case in cases):
            _add_suite(root, gate.suite, measurement, [case for case in cases if case.measurement == measurement])
        if gate.lacking:
            suite = ElementTree.SubElement(root, "testsuite", name=f"{gate.suite}.not compared")
            suite.attrib |= {"tests": str(len(gate.lacking)), "failures": "0", "skipped": str(len(gate.lacking))}
            for text in map(visible, gate.lacking):
                case = ElementTree.SubElement(suite, "testcase", classname=gate.suite, name=text)
                ElementTree.SubElement(case, "skipped", message=text)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _cases(gate: Gate) -> list[_Case]:
    compared = [
        _Case(each.measurement, each.scenario, each.metric, _outcome(each.verdict), each.text())
        for each in gate.comparisons
    ]
    judged = {True: "", False: "failure", None: "skipped"}
    return compared + [
        _Case(each.measurement, each.scenario, str(each.objective), judged[each.held], each.text())
        for each in gate.judgements
    ]


def _add_suite(root: ElementTree.Element, suite: str, measurement: Measurement, cases: list[_Case]) -> None:
    name = ".".join([suite, *measurement])
    element = ElementTree.SubElement(root, "testsuite", name=name, tests=str(len(cases)))
    for kind, attribute in (("failure", "failures"), ("skipped", "skipped")):
        element.set(attribute, str(sum(case.outcome == kind for case in cases)))
    for each in cases:
        case = ElementTree.SubElement(element, "testcase", classname=f"{name}.{each.scenario}", name=each.name)
        if each.outcome:
            ElementTree.SubElement(case, each.outcome, message=each.text)
        else:
            ElementTree.SubElement(case, "system-out").text = each.text


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
