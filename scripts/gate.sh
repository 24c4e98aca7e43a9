#!/usr/bin/env bash
# The gate: is result_data/ worse than BASE, and does it hold the suites' objectives?
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

step gate "$@"
