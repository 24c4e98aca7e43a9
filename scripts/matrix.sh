#!/usr/bin/env bash
# Runs a suite on every target with every kernel that it has, and makes one table of all.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"
end_on_signals

usage() {
  cat <<EOF
usage: scripts/matrix.sh [OPTIONS] SUITE
Runs each scenario of SUITE on every target with each of its kernels: in exact timing where the target can do that
with the suite's CPUs, else in live timing. Writes result_data/SUITE_matrix.csv, which 'make report' shows, and prints
it. The runs, and a report of each, are in build/matrix/TARGET.KERNEL/: what is done already is not run again.

  --targets "NAME..."  of these only ($(target_names))
  --reps N             runs of each (1)
  --duration S         seconds that each run measures (as the suite says, or 2)

Exit codes: 0 good, 1 a target or kernel failed (the others are in the table), 2 wrong usage, 130 or 143 interrupted.
EOF
}

targets=$(target_names) reps=1 options=()
while [[ ${1:-} == -* ]]; do
  case $1 in
    --help) usage && exit 0 ;;
    --targets | --reps | --duration) (($# > 1)) || die 2 "$1 needs a value" ;;
    *) die 2 "unknown option '$1', see --help" ;;
  esac
  case $1 in
    --targets) targets=$2 ;;
    --reps) reps=$2 ;;
    *) options+=("$1" "$2") ;;
  esac
  shift 2
done
(($# == 1)) || die 2 "one suite is needed, see --help"
check_count --reps "$reps"
suite=$1

# Sets `timing` to what TARGET can do with the most CPUs that a guest of the suite has.
choose_timing() {
  local guests smp
  guests=$(lab plan --guests --runs "$BUILD" --build "$BUILD" --target "$TARGET" --timing live "$suite")
  smp=$(cut -d $'\037' -f 3 <<<"$guests" | sort -n | tail -n 1)
  timing=live
  ((smp > EXACT_MAX_SMP)) || timing=exact
}

# Runs the suite on the target and kernel that are loaded, into a folder of their own.
run_cell() { # FOLDER
  make_image image "$TARGET" "$KERNEL_NAME" &&
    PIPELAB_RUNS=$1/result_data/runs attend "$ROOT/scripts/run_scenarios.sh" --target "$TARGET" --kernel "$KERNEL_NAME" \
      --timing "$timing" --reps "$reps" "${options[@]}" "$suite" </dev/null
}

failures=0 folders=()
for target in $targets; do
  load_target "$target"
  choose_timing
  for pair in $KERNELS; do
    load_target "$target" "${pair%%:*}"
    echo "$TARGET, kernel $KERNEL_NAME, $timing timing" >&2
    folder=$BUILD/matrix/$TARGET.$KERNEL_NAME
    if run_cell "$folder"; then
      folders+=("$folder/result_data")
    else
      echo "matrix.sh: $TARGET, kernel $KERNEL_NAME: left out for the reason above" >&2
      failures=$((failures + 1))
    fi
  done
done
((${#folders[@]})) || die 1 "nothing could be run: mend what is said above"
lab matrix --csv "$RESULTS/$(basename "$suite" .toml)_matrix.csv" "$(basename "$suite" .toml)" "${folders[@]}"
((failures == 0)) || die 1 "$failures failed; the same command tries them again"
