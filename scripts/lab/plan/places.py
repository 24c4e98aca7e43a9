"""Where the project keeps what it is told (suites, targets, workloads), and what it makes (images, runs, results)."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SCENARIOS = ROOT / "scenarios"
TARGETS = ROOT / "qemu" / "targets"
WORKLOADS = ROOT / "src" / "workloads"
BUILD = Path(os.environ.get("PIPELAB_BUILD") or ROOT / "build")
RUNS = Path(os.environ.get("PIPELAB_RUNS") or ROOT / "result_data" / "runs").absolute()
RESULTS = RUNS.parent
PAGE = RESULTS.parent / "results.md"
