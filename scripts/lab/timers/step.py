"""The step of scripts/timer_latency.sh: boots the guests of a suite with cyclictest and rtla, and says how late timers are.

Each tool is a workload without a contract: a row of its own, which is run once a guest.
"""

import argparse
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lab.plan import plan, target
from lab.plan.places import BUILD, RESULTS, TARGETS
from lab.plan.plan import Row
from lab.runs import launch, observe, wanted
from lab.runs.step import add_sweep_options
from lab.text.complaint import Complaint
from lab.text.files import read_text, write_whole
from lab.text.outside import say

LONGEST_US = 20000  # that the histograms reach to; what was later is counted at the latest that was seen
USUAL_S = 2  # that a tool measures
LIMIT_FACTOR = 120  # of wall time: for the boot, and for each second that it measures
TRACERS = {"CONFIG_TIMERLAT_TRACER=y", "CONFIG_OSNOISE_TRACER=y"}  # of a kernel that rtla works with


def add(steps: Any) -> None:
    """Adds `timer-latency`."""
    step = steps.add_parser(
        "timer-latency",
        prog="scripts/timer_latency.sh",
        help="measure how late timers and threads are in the guests of a suite, with nothing else to do",
        description="Boots each guest that a scenario of SUITE has and runs cyclictest in it, and 'rtla timerlat', in "
        "live timing also 'rtla osnoise', where its kernel has their tracers (Debian's rt kernels), each for itself. "
        "Writes result_data/SUITE_timer_latency.csv; 'make report' shows it beside the suite's tables. The runs stay "
        "in result_data/runs/timers/: what is done already is not run again.",
        epilog="Exit codes: 0 good, 1 failed, 2 wrong usage, 130 or 143 interrupted.",
    )
    add_sweep_options(step, reps=1, timing="exact")
    step.set_defaults(step=measure, duration=USUAL_S)
    step.add_argument("suite", metavar="SUITE")


def measure(arguments: argparse.Namespace) -> None:
    """Runs the tools in the guests, puts what they measured into the table of the suite, and prints it."""
    from lab.timers import histograms  # with pandas, which takes a second to load

    if int(arguments.duration) != arguments.duration:
        raise Complaint("--duration", f"'{arguments.duration}' is not valid: give a whole number of seconds")
    arguments.duration = int(arguments.duration)
    arguments.suites = [arguments.suite]
    wishes = wanted.of(arguments)
    rows = {(row.guest, row.replicate): row for row in observe.rows_of(wishes, arguments, "image-rt-tools")}
    tools = [each for row in rows.values() for each in _tools(row, arguments.duration)]
    runs = observe.run(tools, "timers", arguments)
    launch.check(runs.failures)
    if not runs.rows:
        return
    new = histograms.read(runs.folders, runs.rows)
    file = RESULTS / f"{wishes[0].suite.name}_timer_latency.csv"
    write_whole(file, histograms.KEPT.csv(histograms.KEPT.merged(file, new)))
    say(histograms.markdown(new))
    print(f"written to {file}; 'make report' shows it in results.md", file=sys.stderr)


def _tools(row: Row, seconds: int) -> Iterator[Row]:
    """The rows of the tools that work in the guest of `row`, each of which measures for so long."""
    guest = row.guest
    # With all CPUs, since a process begins without those that isolcpus= took from the scheduler.
    every_cpu = f"taskset {(1 << guest.smp) - 1:x}"
    commands = {
        "cyclictest": f"{every_cpu} cyclictest -q -m -p 80 -t {guest.smp} -a -i 1000 -D {seconds} -h {LONGEST_US} "
        "--histfile=histogram.txt"
    }
    image = target.load(TARGETS, row.target).image(BUILD, guest.kernel)
    configs = (BUILD / "packages" / image.name / "boot").glob("config-*")
    if any(TRACERS <= set(read_text(file).splitlines()) for file in configs):
        # osnoise spins on every CPU: in exact timing, where CPUs run in turn, it would see the others' turns.
        for name in ("timerlat", "osnoise") if row.timing == "live" else ("timerlat",):
            commands[f"rtla-{name}"] = f"rtla {name} hist -d {seconds}s -c 0-{guest.smp - 1} -E {LONGEST_US}"
    for tool, command in commands.items():
        # The name of the scenario's run stands for all that decides, but for the command.
        decisive = hashlib.sha256(f"{row.run} {command}".encode()).hexdigest()[: plan.HASH_DIGITS]
        of_tool = replace(
            row,
            scenario=tool,
            workload=tool,
            options={},
            command=command,
            limit_s=LIMIT_FACTOR * (1 + seconds),
            expected_ms=2500 + 1000 * seconds,
        )
        yield replace(of_tool, run=f"{plan.subject(of_tool)}.{decisive}")
