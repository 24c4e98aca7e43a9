"""Findings in words: the templates of their rules with values, or with the ranges of several scenarios' values."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from lab.judge.finding import Finding, Rule
from lab.plan.contract import Contract
from lab.text import names, numbers
from lab.text.markdown import Markup, words

FIELD = re.compile(r"\{([^{}:]+):?([^{}]*)\}")


def lines(
    findings: Sequence[Finding], rules: Mapping[str, Rule], contract: Contract, scenarios: Collection[str] = ()
) -> list[Markup]:
    """The lines of a list, in which scenarios that share a finding share one. `scenarios` are all that there are.

    Where these are many, those whose finding differs in numbers alone share a line with ranges.
    """
    most = names.FEW if len(scenarios) <= names.FEW else names.EXAMPLES

    def template(each: Finding, part: int) -> str:
        return rules[each.rule].words(each.values, contract)[part]

    found: dict[int, Markup] = {}  # by the place of its first finding
    for group in _groups(findings, lambda each: (each.rule, *(_form(template(each, part), each) for part in (1, 2)))):
        many = len({each.scenario for each in group}) > most
        for same in [group] if many else _groups(group, lambda each: sentences(each, rules[each.rule], contract)[1:]):
            kinds = alike(same, lambda each: template(each, 0), exactly=not many)
            shown = kinds[: names.EXAMPLES] if many else kinds
            others = list(dict.fromkeys(name for of, _ in kinds[len(shown) :] for name in of))
            parts = [f"{_called(of, scenarios, many)}: {text}" if any(of) else text for of, text in shown]
            parts += [f"the like in {names.names(others, scenarios)}"] * bool(others)
            cause, remedy = (_filled(template(same[0], part), same) for part in (1, 2))
            found[findings.index(same[0])] = Markup(
                f"**{words(same[0].rule)}.** {words('; '.join(parts))}. *Cause:* {words(cause)}. *Try:* {words(remedy)}."
            )
    return [found[place] for place in sorted(found)]


def sentences(finding: Finding, rule: Rule, contract: Contract) -> tuple[str, str, str]:
    """Evidence, cause and remedy of one finding."""
    evidence, cause, remedy = (_filled(each, [finding]) for each in rule.words(finding.values, contract))
    return evidence, cause, remedy


def alike(
    findings: Iterable[Finding], template: Callable[[Finding], str], exactly: bool = False
) -> list[tuple[list[str], str]]:
    """Scenarios with a text about them: together where these differ in numbers alone, which become ranges.

    [(["a", "b"], "1 to 3 of 9 runs")] of the template "{some} of {runs} runs". With `exactly` nothing may differ.
    """
    groups = _groups(findings, lambda each: _filled(template(each), [each]) if exactly else _form(template(each), each))
    return [([each.scenario for each in group], _filled(template(group[0]), group)) for group in groups]


def _groups(findings: Iterable[Finding], key: Callable[[Finding], object]) -> list[list[Finding]]:
    groups: dict[object, list[Finding]] = {}
    for each in findings:
        groups.setdefault(key(each), []).append(each)
    return list(groups.values())


def _called(of: Sequence[str], scenarios: Collection[str], many: bool) -> str:
    unique = list(dict.fromkeys(of))
    return names.names(unique, scenarios) if many else ", ".join(unique)


def _form(template: str, finding: Finding) -> tuple[str, ...]:
    """What is alike in texts that differ in numbers alone: the template, and the texts that stand in it."""
    values = (finding.values.get(name) for name, _ in FIELD.findall(template))
    return template, *(value for value in values if isinstance(value, str))


def _filled(template: str, findings: Sequence[Finding]) -> str:
    """The template with the values of findings that are alike: where they differ, from the smallest to the largest."""

    def shown(field: re.Match[str]) -> str:
        if field[1] == "scenario":
            return findings[0].scenario
        values = [each.values[field[1]] for each in findings]
        return str(values[0]) if isinstance(values[0], str) else _range([float(value) for value in values], field[2])

    return FIELD.sub(shown, template)


def _range(values: Sequence[float], form: str) -> str:
    """'9 to 73 %'. `form` as lab.judge.finding.Rule has it."""
    ends = (max(values),) if form.startswith("most") else (min(values), max(values))
    form = form.removeprefix("most")
    if form == "rate":
        texts = [numbers.rate(end) for end in ends]
    elif form.startswith("us"):
        texts = [format(end / 1e3, form.removeprefix("us")) for end in ends]
    else:
        texts = [format(end, form or ".9g").removesuffix("%") for end in ends]
    return " to ".join(dict.fromkeys(texts)) + " %" * form.endswith("%")
