#!/usr/bin/env bash
# Counts what the workload does in the guest, with the guest's own perf stat.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

readonly EVENTS=task-clock,context-switches,cpu-migrations,faults,cycles,instructions,instructions:k,cache-references,cache-misses

usage() {
  cat <<EOF
usage: scripts/perf_stat.sh [OPTIONS] -- PIPELAB-OPTIONS
       scripts/perf_stat.sh [OPTIONS] --scenario SUITE/SCENARIO
Runs 'perf stat pipelab' in fresh guests, prints the mean counts, and writes them as CSV. What the guest's PMU
lacks is filled in from outside where it can be: counted (plugin) and simulated by QEMU's plugin, for the measured
part of the run, and labelled so; likewise instructions in exact timing with several CPUs, which the PMU cannot tell
apart. Else it is shown as not supported, and is empty in the CSV. The counts of a scenario,
which runs without its warm-up then, are also kept run by run in result_data/SUITE_perf.csv, for results.md.

  --reps N             runs, each in a guest of its own, with seeds from 1 on (5)
  --target NAME        one of: $(target_names) (aarch64)
  --timing exact|live  exact counts instructions too, live does not on aarch64 (exact)
  --smp N              CPUs of the guest (2; of a scenario as its suite says)
  --duration S         seconds that a scenario measures (as its suite says, or 2)
  --csv FILE           where the counts go (result_data/perf_stat.csv)

Example: scripts/perf_stat.sh --reps 5 -- --duration 2 --prod-interval-us 0
Exit codes: 0 good, 1 failed, 2 wrong usage.
EOF
}

parse_arguments() {
  (($#)) || die 2 "nothing to count is given: give --scenario SUITE/SCENARIO, or -- and the workload's options"
  reps=5 target=aarch64 timing=exact smp='' csv=$RESULTS/perf_stat.csv scenario='' duration=''
  while (($#)); do
    case $1 in
      --help) usage && exit 0 ;;
      --) shift && break ;;
      --reps | --target | --timing | --smp | --csv | --scenario | --duration)
        (($# > 1)) || die 2 "$1 needs a value"
        declare -g "${1#--}=$2"
        shift 2
        ;;
      *) die 2 "unknown option '$1': the workload's options come after --, see --help" ;;
    esac
  done
  workload=("$@")
  check_count --reps "$reps"
  if [[ -n $scenario ]]; then
    ((${#workload[@]} == 0)) || die 2 "--scenario has its own options: leave out those after --"
    check_scenario "$scenario"
  else
    [[ -z $duration ]] || die 2 "--duration is of a scenario: give it after --"
  fi
  load_target "$target"
}

# Counts one run, whose command is the words after `pipelab`.
count() { # NUMBER SEED SMP MEMORY-MB KERNEL KERNEL-ARGS NUMA WORD...
  local code=0
  attend "$ROOT/qemu/run_vm.sh" --perf --target "$target" --timing "$timing" --seed "$2" --smp "$3" --memory "$4" \
    --kernel "$5" --kernel-args "$6" --numa "$7" --limit 3600 --counters caches --out "$folder/$1" -- \
    perf stat -x, -o perf.csv -e "$EVENTS" pipelab "${@:8}" || code=$?
  ((code == 0)) || exit $((code == 2 ? 2 : 1)) # the folder stays: the message names the console log in it
  folders+=("$folder/$1")
}

count_scenario() {
  local number=0 seed smp memory_mb command kernel kernel_args numa_nodes words
  while IFS=$'\037' read -r _ _ _ _ _ _ seed _ smp memory_mb _ _ _ command kernel kernel_args numa_nodes _; do
    number=$((number + 1)) cpus=$smp
    # Without what is written item by item, which perf would count, and without the items of a warm-up.
    command=$(sed -E 's/^pipelab //; s/ --emit-.*//; s/ --warmup [^ ]+//' <<<"$command")
    read -ra words <<<"$command --warmup 0 --stats stats.csv"
    count "$number" "$seed" "$smp" "$memory_mb" "$kernel" "$kernel_args" "$numa_nodes" "${words[@]}"
  done < <(tail -n +2 "$folder/plan.tsv" | tr '\t' '\037')
}

parse_arguments "$@"
end_on_signals
interrupted() { rm -rf "${folder:-}"; }
make_image image-perf "$target" '' ||
  die 1 "the image with perf cannot be made for the reason above: mend that, and try again"
attend make --no-print-directory -s -C "$ROOT" counters </dev/null || true # run_vm.sh says that nothing is counted
make_scratch
folder=$scratch
folders=() of_suite=() cpus=${smp:-2}
if [[ -n $scenario ]]; then
  plan_scenario "$folder" "$scenario" "$target" "$timing" --reps "$reps" --seed 1 ${smp:+--smp "$smp"} \
    ${duration:+--duration "$duration"}
  count_scenario
  of_suite=(--plan "$folder/plan.tsv" --suite-csv "$RESULTS/${scenario%%/*}_perf.csv")
else
  for ((number = 1; number <= reps; number++)); do
    count "$number" "$number" "$cpus" 512 '' '' 1 "${workload[@]}"
  done
fi
echo "$target, $timing timing, mean of $reps runs of: ${scenario:-pipelab ${workload[*]}}"
lab perf --timing "$timing" --smp "$cpus" --csv "$csv" "${of_suite[@]}" "${folders[@]}"
rm -rf "$folder"
echo "written to $csv${scenario:+ and $RESULTS/${scenario%%/*}_perf.csv; 'make report' shows it in results.md}" >&2
