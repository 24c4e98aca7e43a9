#!/usr/bin/env bash
# The sweep: plans suites, runs what is not there yet, one fresh guest a run, and reports.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

step sweep "$@"
