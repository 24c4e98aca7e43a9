#!/usr/bin/env bash
# Says what the threads of scenarios waited for, by the sched events of the guests' own kernel.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

usage() {
  cat <<EOF
usage: scripts/trace.sh [OPTIONS] --scenario SUITE/SCENARIO [--scenario ...]
Runs the scenario once more in fresh guests that record the kernel's sched events, prints of which parts the stages of
an item are (its thread asleep, woken without a CPU and which task had that, running), and puts them into
result_data/SUITE_trace.csv, for results.md. The traced runs stay in result_data/runs/traces/.

  --reps N             runs, each in a guest of its own, with seeds from 1 on (1)
  --target NAME        one of: $(target_names) (aarch64)
  --timing exact|live  (exact)
  --duration S         seconds that each run measures (as the suite says, or 2)
  --buffer-mb N        memory of each CPU of the guest for events (16)

Example: scripts/trace.sh --scenario t001/baseline-1000us
Exit codes: 0 good, 1 failed, as when events were lost, 2 wrong usage, 130 or 143 interrupted.
EOF
}

parse_arguments() {
  reps=1 target=aarch64 timing=exact duration='' buffer_mb=16 scenarios=()
  while (($#)); do
    case $1 in
      --help) usage && exit 0 ;;
      --scenario | --reps | --target | --timing | --duration | --buffer-mb)
        (($# > 1)) || die 2 "$1 needs a value"
        ;;
      *) die 2 "unknown option '$1', see --help" ;;
    esac
    case $1 in
      --scenario) scenarios+=("$2") ;;
      --reps) reps=$2 ;;
      --target) target=$2 ;;
      --timing) timing=$2 ;;
      --duration) duration=$2 ;;
      --buffer-mb) buffer_mb=$2 ;;
    esac
    shift 2
  done
  ((${#scenarios[@]})) || die 2 "--scenario SUITE/SCENARIO is needed, see --help"
  for scenario in "${scenarios[@]}"; do
    check_scenario "$scenario"
  done
  check_count --reps "$reps"
  [[ $timing =~ ^(exact|live)$ ]] || die 2 "--timing: '$timing' is not valid: give exact or live"
  [[ $buffer_mb =~ ^[1-9][0-9]{0,3}$ ]] || die 2 "--buffer-mb: '$buffer_mb' is not valid: give a number from 1 to 9999"
  load_target "$target"
}

# Makes of each image of the suite one that also has the script that traces.
add_tracer() {
  local kernel
  make_images "$folder" "$suite" "$target" "$timing" >"$folder/kernels" # not $(...), for which bash puts signals off
  while read -r kernel; do
    load_target "$target" "$kernel"
    cp "$INITRD" "$folder/initrd.$kernel.cpio"
    (cd "$folder/files" && echo trace_guest.sh | cpio -o -H newc --quiet --reproducible -R 0:0) \
      >>"$folder/initrd.$kernel.cpio"
  done <"$folder/kernels"
}

# Runs the rows of plan.tsv, each in a folder that is called as its run.
run_traced() {
  local run seed smp memory_mb limit_s command kernel kernel_args numa_nodes pin_vcpus accelerator code=0
  runs=()
  while IFS=$'\037' read -r run _ _ _ _ _ seed _ smp memory_mb _ limit_s _ command \
    kernel kernel_args numa_nodes pin_vcpus accelerator _; do
    # The buffers, and what is in them once more on its way out; the rest is for the guest.
    ((4 * smp * buffer_mb <= memory_mb)) ||
      die 2 "--buffer-mb: the $smp CPUs of $scenario have $memory_mb MB: give at most $((memory_mb / 4 / smp))"
    # shellcheck disable=SC2086  # the command is many words
    attend "$ROOT/qemu/run_vm.sh" --target "$target" --timing "$timing" --seed "$seed" --smp "$smp" --memory "$memory_mb" \
      --kernel "$kernel" --kernel-args "$kernel_args" --numa "$numa_nodes" --pin-vcpus "$pin_vcpus" \
      --accelerator "$accelerator" --limit "$limit_s" --initrd "$folder/initrd.$kernel.cpio" --out "$folder/$run" -- \
      sh /trace_guest.sh $((buffer_mb * 1024)) $command </dev/null || code=$?
    ((code == 0)) || exit $((code == 2 ? 2 : 1)) # the folder stays: the message names the console log in it
    runs+=("$run")
  done < <(tail -n +2 "$folder/plan.tsv" | tr '\t' '\037')
}

keep_runs() {
  local run
  make_folder "$RUNS/traces"
  for run in "${runs[@]}"; do
    rm -rf "$RUNS/traces/$run"
    mv "$folder/$run" "$RUNS/traces/"
  done
}

parse_arguments "$@"
end_on_signals
interrupted() { rm -rf "$folder"; }
make_scratch
folder=$scratch
mkdir "$folder/files"
install -m 644 "$ROOT/qemu/trace_guest.sh" "$folder/files/"
touch -d @0 "$folder/files/trace_guest.sh" # exact timing needs the same bytes each time
for scenario in "${scenarios[@]}"; do
  suite=${scenario%%/*}
  add_tracer
  plan_scenario "$folder" "$scenario" "$target" "$timing" --reps "$reps" --seed 1 ${duration:+--duration "$duration"}
  run_traced
  echo "$scenario on $target, $timing timing, mean µs of an item; traced runs: $reps"
  lab trace --csv "$RESULTS/${suite}_trace.csv" --plan "$folder/plan.tsv" "${runs[@]/#/$folder/}"
  keep_runs
  echo "written to $RESULTS/${suite}_trace.csv; 'make report' shows it in results.md" >&2
done
rm -rf "$folder"
