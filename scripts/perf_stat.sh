#!/usr/bin/env bash
# Counts what the workload does in the guest, with the guest's own perf stat.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

step perf-stat "$@"
