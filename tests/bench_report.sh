#!/usr/bin/env bash
# Measures how long a report on one large run takes, and how much memory; not a part of `make test`.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/.." && pwd)
readonly ROOT MOST_S=20 MOST_KB=2000000

case ${1:-} in
  --help)
    cat <<EOF
usage: tests/bench_report.sh [MILLIONS...]
Makes up a run of so many million items (1 3 10), and prints the wall time and the most memory that \`lab report\` takes
from there to tables, pictures and results.md. 10 million must take at most $MOST_S s and $((MOST_KB / 1000)) MB.
Exit codes: 0 good, 1 it takes more, or failed.
EOF
    exit 0
    ;;
esac
(($#)) || set -- 1 3 10
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export PYTHONPATH=$ROOT/scripts
failures=0
echo "million items   wall s   memory MB"
for millions; do
  /usr/bin/python3 "$ROOT/tests/make_large_run.py" "${millions}000000" "$folder/result_data/runs"
  sync # or writing what was made up would slow down reading it
  # shellcheck disable=SC2016  # for the inner Python
  /usr/bin/python3 -c '
import resource, subprocess, sys, time
begin = time.monotonic()
code = subprocess.run(sys.argv[1:], check=False).returncode
print(f"{time.monotonic() - begin:.2f} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}")
sys.exit(code)' /usr/bin/python3 -m lab report --runs "$folder/result_data/runs" --result-data "$folder/result_data" \
    --page "$folder/results.md" t000 >"$folder/took"
  read -r seconds kilobytes <"$folder/took"
  printf '%13d %8s %11d\n' "$millions" "$seconds" $((kilobytes / 1000))
  if ((millions == 10)) && { ((${seconds%.*} >= MOST_S)) || ((kilobytes > MOST_KB)); }; then
    failures=$((failures + 1))
  fi
  rm -rf "$folder"/result_data
done
((failures == 0)) || { echo "bench_report.sh: 10 million items take more than $MOST_S s or $((MOST_KB / 1000)) MB" >&2 && exit 1; }
