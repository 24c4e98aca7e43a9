#!/usr/bin/env bash
# Says what the threads of scenarios waited for, by the sched events of the guests' own kernel.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

step trace "$@"
