"""Where the project keeps what it is told: suites, targets and workloads."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SCENARIOS = ROOT / "scenarios"
TARGETS = ROOT / "qemu" / "targets"
WORKLOADS = ROOT / "src" / "workloads"
