#!/usr/bin/env bash
# Counts how many instructions each function ran, of the workload and of the kernel, in one scenario.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

step profile "$@"
