#!/usr/bin/env bash
# Counts how many instructions each function ran, of the workload and of the kernel, in one scenario.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

usage() {
  cat <<EOF
usage: scripts/profile.sh [OPTIONS] SUITE/SCENARIO
Runs the scenario once in exact timing and counts each instruction of its measured part by function (not
sampled; what calls what is not known). Prints the hot spots and writes profile_SUITE_SCENARIO.csv and
.svg into result_data/.

  --target NAME   one of: $(target_names) (aarch64)
  --seed N        of the run (1)
  --duration S    seconds that are measured (as the suite says, or 2)

Example: scripts/profile.sh --duration 0.5 t001/baseline-0us
Exit codes: 0 good, 1 failed, 2 wrong usage.
EOF
}

# Prints a column of the scenario's row in the plan.
planned() { # COLUMN
  awk -F '\t' -v column="$1" -v scenario="$scenario" '
    NR == 1 { for (i = 1; i <= NF; i++) number[$i] = i; next }
    $number["scenario"] == scenario { print $number[column]; exit }' "$folder/sweep.tsv"
}

# The names of the kernel's functions: the package's System.map is empty, so the guest is asked, once.
read_kernel_symbols() {
  [[ $KERNEL_SYMBOLS -nt $KERNEL ]] && return
  "$ROOT/qemu/run_vm.sh" --target "$target" --smp 1 --out "$folder/kernel" -- cp /proc/kallsyms kallsyms
  mv "$folder/kernel/kallsyms" "$KERNEL_SYMBOLS"
}

target=aarch64 seed=1 duration=()
while [[ ${1:-} == --* ]]; do
  case $1 in
    --help) usage && exit 0 ;;
    --target | --seed | --duration) (($# > 1)) || die 2 "$1 needs a value" ;;
    *) die 2 "unknown option '$1', see --help" ;;
  esac
  case $1 in
    --target) target=$2 ;;
    --seed) seed=$2 ;;
    --duration) duration=(--duration "$2") ;;
  esac
  shift 2
done
[[ $# == 1 && $1 =~ ^[A-Za-z0-9_-]+/[A-Za-z0-9_.-]+$ ]] || die 2 "one SUITE/SCENARIO is needed, see --help"
suite=${1%/*} scenario=${1#*/}
load_target "$target"
KERNEL_SYMBOLS=$IMAGE/kallsyms
name=profile_${suite}_$scenario
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

lab plan --runs "$folder" --build "$BUILD" --target "$target" --timing exact --reps 1 --seed "$seed" "${duration[@]}" "$suite"
command=$(planned command)
[[ -n $command ]] || die 2 "$suite has no scenario '$scenario': see scenarios/$suite.toml"
read_kernel_symbols
# shellcheck disable=SC2086  # the command is many words
"$ROOT/qemu/run_vm.sh" --target "$target" --seed "$(planned seed)" --smp "$(planned smp)" --memory "$(planned memory_mb)" \
  --limit 3600 --counters profile --out "$folder/run" -- $command || die 1 "$suite/$scenario: the guest failed"
[[ -s $folder/run/counters.json ]] || die 1 "nothing was counted: $(sed -n 's/^counters\t//p' "$folder/run/vm.tsv")"
lab profile --symbols "$BUILD/$target/pipelab.symbols" --symbols "$KERNEL_SYMBOLS" \
  --title "$suite/$scenario on $target, exact timing, $(planned smp) CPUs, seed $(planned seed)" \
  --csv "$RESULTS/$name.csv" --svg "$RESULTS/$name.svg" "$folder/run/counters.json"
echo "written to $RESULTS/$name.csv and .svg" >&2
