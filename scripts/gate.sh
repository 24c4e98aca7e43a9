#!/usr/bin/env bash
# The gate: is result_data/ worse than BASE, and does it hold the suites' objectives?
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

if [[ ${1:-} == --help ]]; then
  cat <<EOF
usage: scripts/gate.sh --base DIR|GIT-REV [OPTIONS]
Compares the results in result_data/ with those in the folder DIR, or with those that the git revision
GIT-REV has committed, and prints what is worse, unknown or better.

  --new DIR        the results to judge (result_data)
  --allow NAME     compare although NAME differs: kernel, qemu, guest, host or options; may be repeated
  --junit FILE     also write JUnit XML
  --markdown FILE  also write what is printed

Exit codes: 0 good, 1 results cannot be read, 2 wrong usage, or the two differ in more than the program,
3 worse, 4 an objective is missed, 5 inconclusive.
EOF
  exit 0
fi
lab gate --new "$RESULTS" "$@"
