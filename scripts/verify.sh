#!/usr/bin/env bash
# Makes the exact results in result_data/ again, in a folder of their own, and compares them byte for byte.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

step verify "$@"
