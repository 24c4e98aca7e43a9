#!/usr/bin/env bash
# Builds the bench of the queues, runs it, and makes its tables.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<EOF
usage: scripts/bench.sh [OPTION...]
Measures the ring and its peers from Debian's packages on this machine: five minutes, or with --quick half a
minute and only what the claims need. Writes result_data/bench_*.csv, result_data/bench.png and results.md.
Ctrl-C ends it early: what was measured is kept and tabled. OPTIONs go to pipelab_bench (see its --help).
Exit codes: 0 good, 1 failed, 2 wrong usage, 130 interrupted.
EOF
}

build() {
  [[ -x build/bench/pipelab_bench ]] || echo "bench: building it (some minutes, the first time)" >&2
  cmake -S src --preset bench >/dev/null
  cmake --build build/bench --target pipelab_bench | sed '/no work to do/d'
}

measure() { # OPTION...
  build/bench/pipelab_bench --samples "$results/bench_samples.csv" --environment "$results/bench_environment.csv" "$@"
}

[[ ${1:-} != --help ]] || { usage && exit 0; }
results=${PIPELAB_RESULTS:-result_data}
mkdir -p "$results"
build
trap : INT # the bench ends by itself, and its tables are still made
code=0
measure "$@" || code=$?
((code == 0 || code == 130)) || exit "$code"
PYTHONPATH=scripts /usr/bin/python3 -m lab bench --samples "$results/bench_samples.csv" --result-data "$results" \
  --page "${PIPELAB_PAGE:-results.md}"
exit "$code"
