"""Adds up JUnit reports: prints the ten slowest tests, what failed with the beginning of what it said, and "N passed, M
failed", and fails if a test did, or if a report is missing."""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

SLOWEST = 10
MOST_LINES = 12  # of what a test said


class Test(NamedTuple):
    seconds: float
    name: str
    outcome: str  # passed, failed or skipped
    said: str = ""  # why it failed


def tests_of(path: str) -> list[Test]:
    """The tests of one report. A report that is not whole is one failure."""
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        print(f"{path}: no report ({error}): its tests did not run to their end")
        return [Test(0, path, "failed")]
    stem = Path(path).stem
    return [Test(float(case.get("time", 0)), f"{stem}: {_name(case)}", _outcome(case), _said(case)) for case in cases]


def _name(case: ElementTree.Element) -> str:
    return f"{case.get('classname', '')}: {case.get('name', '')}"


def _outcome(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def _said(case: ElementTree.Element) -> str:
    failures = [each for each in case if each.tag in ("failure", "error")]
    return "\n".join(each.text or each.get("message") or "" for each in failures)


def main() -> int:
    tests = [test for path in sys.argv[1:] for test in tests_of(path)]
    print("the slowest:")
    for test in sorted(tests, reverse=True)[:SLOWEST]:
        print(f"{test.seconds:6.1f} s  {test.name}")
    for test in tests:
        if test.outcome == "failed":
            print(f"FAILED  {test.name}")
            lines = test.said.strip().splitlines()
            for line in [*lines[: MOST_LINES // 2], *lines[MOST_LINES // 2 :][-MOST_LINES // 2 :]]:
                print(f"        {line[:200]}")
    passed, failed, skipped = (sum(test.outcome == each for test in tests) for each in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return int(failed > 0 or passed == 0)


if __name__ == "__main__":
    sys.exit(main())
