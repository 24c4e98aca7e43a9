#!/usr/bin/env bash
# Counts what the exact runs of the last sweep did, and puts it into the report.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

step count "$@"
