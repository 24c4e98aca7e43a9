# Sourced by the scripts around the Python lab: where runs and results are, and how a step is called.
# shellcheck shell=bash
# shellcheck disable=SC2034  # those who source this use the variables

# shellcheck source=../qemu/target.sh
source "$(dirname "${BASH_SOURCE[0]}")/../qemu/target.sh"

RUNS=${PIPELAB_RUNS:-$ROOT/result_data/runs}
RESULTS=$(dirname "$RUNS")

# Runs a step.
lab() { # STEP OPTION...
  PYTHONPATH=$ROOT/scripts attend /usr/bin/python3 -m lab "$@"
}

# Becomes a step, which takes this script's options and explains them.
step() { # STEP OPTION...
  PIPELAB_SCRIPT=$(basename "$0") PYTHONPATH=$ROOT/scripts exec /usr/bin/python3 -m lab "$@"
}
