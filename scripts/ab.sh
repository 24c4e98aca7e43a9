#!/usr/bin/env bash
# A against B: builds another revision, runs it and this tree alternately on this machine, and compares.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

step ab "$@"
