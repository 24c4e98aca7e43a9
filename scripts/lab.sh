# Sourced by the scripts that are steps of the Python lab.
# shellcheck shell=bash

# shellcheck source=../qemu/target.sh
source "$(dirname "${BASH_SOURCE[0]}")/../qemu/target.sh"

# Becomes a step, which takes this script's options and explains them.
step() { # STEP OPTION...
  PIPELAB_SCRIPT=$(basename "$0") PYTHONPATH=$ROOT/scripts exec /usr/bin/python3 -m lab "$@"
}
