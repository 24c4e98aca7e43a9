"""python3 -m lab: the steps of a sweep that are not shell. Each reads files and writes files."""

import os
import signal
import sys

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # without a word, until main() can say one

from lab.capacity import step as capacity_step
from lab.counters import observe, step as counters_step
from lab.judge import step as judge_step
from lab.plan.arguments import Parser
from lab.report import step as report
from lab.runs import ab, matrix, step as run_steps
from lab.text.complaint import Terminated, exit_code
from lab.trace import step as trace_step


def main() -> int:
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _terminate)
    return exit_code(_run)


def _run() -> int:
    arguments = _parser().parse_args()
    return arguments.step(arguments) or 0


def _terminate(*_: object) -> None:
    raise Terminated


def _parser() -> Parser:
    parser = Parser(prog=os.environ.get("PIPELAB_SCRIPT", "lab"), description=__doc__)
    steps = parser.add_subparsers(required=True, metavar="STEP")
    report.add(steps)
    run_steps.add(steps, report.report_suites)
    ab.add(steps, report.report_suites, report.run_gate)
    matrix.add(steps, report.report_suites, report.show_matrix)
    observe.add(steps, report.report_suites)
    capacity_step.add(steps, report.write_pages)
    judge_step.add(steps, report.report_suites)
    for each in (trace_step, counters_step):
        each.add(steps)
    return parser


if __name__ == "__main__":
    sys.exit(main())
