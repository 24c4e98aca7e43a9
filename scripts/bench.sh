#!/usr/bin/env bash
# Builds the bench of the queues, runs it, and makes its tables.
set -euo pipefail
# shellcheck source=../qemu/target.sh
source "$(dirname "$0")/../qemu/target.sh"

usage() {
  cat <<EOF
usage: scripts/bench.sh [OPTION...]
Measures the ring and its peers from Debian's packages on this machine: five minutes, or with --quick half a
minute and only what the claims need. Writes result_data/bench_*.csv, result_data/bench.png and results.md.
Ctrl-C ends it early: what was measured is kept and tabled. OPTIONs go to pipelab_bench (see its --help).
Exit codes: 0 good, 1 failed, 2 wrong usage, 130 or 143 interrupted.
EOF
}

# Sets `code`. In the background, as bash puts a signal to this script alone off while it waits for a foreground
# command; the bench itself ends soon when SIGINT asks it to, or when this script is gone.
measure() { # OPTION...
  setpriv --pdeathsig INT env --default-signal=INT "$BUILT/pipelab_bench" --samples "$RESULTS/bench_samples.csv" \
    --environment "$RESULTS/bench_environment.csv" "$@" &
  bench=$!
  trap 'stop 130' INT
  trap 'stop 143' TERM
  wait "$bench" || code=$?
  while kill -0 "$bench" 2>/dev/null; do
    code=0
    wait "$bench" || code=$?
  done
}

stop() { # CODE
  asked=$1
  kill -INT "$bench" 2>/dev/null || true
}

[[ ${1:-} != --help ]] || { usage && exit 0; }
readonly BUILT=$ROOT/build/bench
RESULTS=$(dirname "${PIPELAB_RUNS:-$ROOT/result_data/runs}")
for word; do
  [[ -n $word ]] || die 2 "an option is empty, see --help"
done
make_folder "$RESULTS"
[[ -x $BUILT/pipelab_bench ]] || echo "bench: building it (some minutes, the first time)" >&2
"$ROOT/scripts/build.sh" bench pipelab_bench
code=0 asked=''
measure "$@"
((code == 0)) || [[ $code == 130 || -n $asked ]] || exit "$code"
PYTHONPATH=$ROOT/scripts attend /usr/bin/python3 -m lab bench --samples "$RESULTS/bench_samples.csv" --result-data "$RESULTS" --page "$RESULTS/../results.md"
exit "${asked:-$code}"
