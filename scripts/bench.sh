#!/usr/bin/env bash
# Builds the bench of the queues, runs it, and makes its tables.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

usage() {
  cat <<EOF
usage: scripts/bench.sh [OPTION...]
Measures the ring and its peers from Debian's packages on this machine: five minutes, or with --quick half a
minute and only what the claims need. Writes result_data/bench_*.csv, result_data/bench.png and results.md.
Ctrl-C ends it early: what was measured is kept and tabled. OPTIONs go to pipelab_bench (see its --help).
Exit codes: 0 good, 1 failed, 2 wrong usage, 130 or 143 interrupted.
EOF
}

measure() { # OPTION...
  "$BUILT/pipelab_bench" --samples "$RESULTS/bench_samples.csv" --environment "$RESULTS/bench_environment.csv" "$@"
}

[[ ${1:-} != --help ]] || { usage && exit 0; }
readonly BUILT=$ROOT/build/bench
for word; do
  [[ -n $word ]] || die 2 "an option is empty, see --help"
done
make_folder "$RESULTS"
[[ -x $BUILT/pipelab_bench ]] || echo "bench: building it (some minutes, the first time)" >&2
"$ROOT/scripts/build.sh" bench pipelab_bench
trap : INT # the bench ends by itself, and its tables are still made
code=0
measure "$@" || code=$?
((code == 0 || code == 130)) || exit "$code"
lab bench --samples "$RESULTS/bench_samples.csv" --result-data "$RESULTS" --page "$RESULTS/../results.md"
exit "$code"
