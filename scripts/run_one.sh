#!/usr/bin/env bash
# Runs one row of a plan in a fresh guest and leaves its folder, whole or not at all.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

step run-one "$@"
