#!/usr/bin/env bash
# Finds the highest rate at which a scenario holds its objectives, by bisection, one fresh guest a run.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

step capacity "$@"
