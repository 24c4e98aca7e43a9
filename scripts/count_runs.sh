#!/usr/bin/env bash
# Counts what the exact runs of the last sweep did, and puts it into the report.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

usage() {
  cat <<EOF
usage: scripts/count_runs.sh [--jobs N]
Boots each exact scenario of the last sweep (result_data/runs/sweep.tsv) once more, with the seed of its first
replicate and with the counters, and makes the report again, which then has the counts. What is counted already is
not counted again. Live runs are not counted: that would change their times.
  --jobs N   guests at a time ($(nproc))
Exit codes: 0 good, 1 a run could not be counted, 2 wrong usage, 130 or 143 interrupted.
EOF
}

jobs=$(nproc)
case ${1:-} in
  --help) usage && exit 0 ;;
  --jobs) jobs=${2:-} && shift 2 ;;
esac
(($# == 0)) || die 2 "unknown option '$1', see --help"
check_count --jobs "$jobs"
SWEEP=$RUNS/sweep.tsv
[[ -f $SWEEP ]] || die 1 "$SWEEP: is not there: run 'make run-scenarios' first"
end_on_signals

# Row numbers of the first replicates in exact timing: columns are run, suite, scenario, target, timing, replicate.
mapfile -t rows < <(awk -F '\t' 'NR > 1 && $5 == "exact" && $6 == 1 { print NR - 1 }' "$SWEEP")
((${#rows[@]})) || die 1 "$SWEEP: has no exact runs to count: run 'make run-scenarios TIMING=exact'"
echo "counting ${#rows[@]} exact runs" >&2
code=0
# Not in a pipe, for which bash puts signals off.
attend xargs -P "$jobs" -n 1 "$ROOT/scripts/run_one.sh" --counters "$SWEEP" < <(printf '%s\n' "${rows[@]}") || code=1
mapfile -t suites < <(awk -F '\t' 'NR > 1 { print $2 }' "$SWEEP" | sort -u)
lab report --runs "$RUNS" --result-data "$RESULTS" --page "$RESULTS/../results.md" "${suites[@]}"
exit "$code"
