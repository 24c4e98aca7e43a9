"""Adds up JUnit reports: prints "N passed, M failed" and fails if a test did, or if a report is missing."""

import sys
import xml.etree.ElementTree as ElementTree


def count(path: str) -> tuple[int, int, int]:
    """Passed, failed and skipped cases of one report. A report that is not whole is one failure."""
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        print(f"{path}: no report ({error}): its tests did not run to their end")
        return 0, 1, 0
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    return len(cases) - failed - skipped, failed, skipped


def main() -> int:
    passed, failed, skipped = map(sum, zip(*map(count, sys.argv[1:])))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return int(failed > 0 or passed == 0)


if __name__ == "__main__":
    sys.exit(main())
