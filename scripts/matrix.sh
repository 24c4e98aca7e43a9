#!/usr/bin/env bash
# Runs a suite on every target with every kernel that it has, and makes one table of all.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

step matrix "$@"
