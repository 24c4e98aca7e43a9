# Sourced by the scripts around the Python steps: where runs and results are, and how a step is called.
# shellcheck shell=bash
# shellcheck disable=SC2034  # those who source this use the variables

# shellcheck source=../qemu/target.sh
source "$(dirname "${BASH_SOURCE[0]}")/../qemu/target.sh"

RUNS=${PIPELAB_RUNS:-$ROOT/result_data/runs}
RESULTS=$(dirname "$RUNS")

# Runs a step, which never holds the lock of a sweep (see rows.sh).
lab() { # STEP OPTION...
  PYTHONPATH=$ROOT/scripts /usr/bin/python3 -m lab "$@" 9>&-
}

# Refuses an option's value that is not a number from 1 to 999.
check_count() { # OPTION VALUE
  [[ $2 =~ ^[1-9][0-9]{0,2}$ ]] || die 2 "$1: '$2' is not valid: give a number from 1 to 999"
}
