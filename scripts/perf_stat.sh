#!/usr/bin/env bash
# Counts what the workload does in the guest, with the guest's own perf stat.
set -euo pipefail
# shellcheck source=../qemu/target.sh
source "$(dirname "$0")/../qemu/target.sh"

readonly EVENTS=task-clock,context-switches,cpu-migrations,faults,cycles,instructions,cache-references,cache-misses

usage() {
  cat <<EOF
usage: scripts/perf_stat.sh [OPTIONS] -- PIPELAB-OPTIONS
Runs 'perf stat pipelab PIPELAB-OPTIONS' in a guest, prints the counts, and writes them as CSV. What the
guest's PMU lacks is filled in from outside where it can be: counted and simulated by QEMU's plugin, for
the measured part of the run, and labelled so. Else it is shown as not supported, and is empty in the CSV.

  --reps N             runs, in one guest; counts are their means (5)
  --target NAME        one of: $(target_names) (aarch64)
  --timing exact|live  exact counts instructions too, live does not on aarch64 (exact)
  --smp N              CPUs of the guest (2)
  --csv FILE           where the counts go (result_data/perf_stat.csv)

Example: scripts/perf_stat.sh --reps 5 -- --duration 2 --prod-interval-us 0
Exit codes: 0 good, 1 failed, 2 wrong usage.
EOF
}

reps=5 target=aarch64 timing=exact smp=2 csv=$ROOT/result_data/perf_stat.csv
while (($#)); do
  case $1 in
    --help) usage && exit 0 ;;
    --) shift && break ;;
    --reps | --target | --timing | --smp | --csv)
      (($# > 1)) || die 2 "$1 needs a value"
      declare "${1#--}=$2"
      shift 2
      ;;
    *) die 2 "unknown option '$1': the workload's options come after --, see --help" ;;
  esac
done
[[ $reps =~ ^[1-9][0-9]{0,2}$ ]] || die 2 "--reps: '$reps' is not valid: give a number from 1 to 999"
load_target "$target"

trap 'exit 130' INT TERM
make --no-print-directory -s -C "$ROOT" image-perf TARGET="$target" ||
  die 1 "the image with perf cannot be made for the reason above: mend that, and try again"
make --no-print-directory -s -C "$ROOT" counters || true # run_vm.sh says that nothing is counted
folder=$(mktemp -d)
code=0
"$ROOT/qemu/run_vm.sh" --perf --target "$target" --timing "$timing" --smp "$smp" --limit 3600 --counters caches \
  --out "$folder/run" -- \
  perf stat -x, -r "$reps" -o perf.csv -e "$EVENTS" pipelab "$@" || code=$?
((code == 0)) || exit $((code == 2 ? 2 : 1)) # the folder stays: the message names the console log in it
echo "$target, $timing timing, $smp CPUs, mean of $reps runs of: pipelab $*"
simulated=()
[[ ! -s $folder/run/counters.json ]] || simulated=(--counters "$folder/run/counters.json")
PYTHONPATH=$ROOT/scripts /usr/bin/python3 -m lab perf --reps "$reps" --csv "$csv" "${simulated[@]}" "$folder/run/perf.csv"
rm -rf "$folder"
echo "written to $csv" >&2
