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
  --kernel NAME|FILE, --kernel-args "...", --smp N, --memory MB, --numa N
                  of the guest, where the scenario does not say it itself (as the suite's [guest] says)

Example: scripts/profile.sh --duration 0.5 t001/baseline-0us
Exit codes: 0 good, 1 failed, 2 wrong usage.
EOF
}

# The names of the kernel's functions: the package's System.map is empty, so the guest is asked, once.
read_kernel_symbols() {
  [[ $KERNEL_SYMBOLS -nt $KERNEL ]] && return
  attend "$ROOT/qemu/run_vm.sh" --target "$target" --kernel "$kernel" --smp 1 --out "$folder/kernel" -- cp /proc/kallsyms kallsyms
  mv "$folder/kernel/out/kallsyms" "$KERNEL_SYMBOLS"
}

target=aarch64 seed=1 options=()
while [[ ${1:-} == --* ]]; do
  case $1 in
    --help) usage && exit 0 ;;
    --target | --seed | --duration | --kernel | --kernel-args | --smp | --memory | --numa)
      (($# > 1)) || die 2 "$1 needs a value"
      ;;
    *) die 2 "unknown option '$1', see --help" ;;
  esac
  case $1 in
    --target) target=$2 ;;
    --seed) seed=$2 ;;
    *) options+=("$1" "$2") ;;
  esac
  shift 2
done
(($# == 1)) || die 2 "one SUITE/SCENARIO is needed, see --help"
check_scenario "$1"
scenario=$1 suite=${1%/*}
name=profile_${suite}_${1#*/}
load_target "$target"
make_scratch
folder=$scratch
trap 'rm -rf "$folder"' EXIT
end_on_signals

make_images "$folder" "$suite" "$target" exact "${options[@]}" >/dev/null
plan_scenario "$folder" "$scenario" "$target" exact --reps 1 --seed "$seed" "${options[@]}"
# Not split at tabs, of which `read` takes several for one: a field may be empty.
IFS=$'\037' read -r _ _ _ _ _ _ seed _ smp memory_mb _ _ _ command kernel kernel_args numa_nodes _ \
  < <(sed -n '2{s/\t/\o37/g;p}' "$folder/plan.tsv")
load_target "$target" "$kernel"
KERNEL_SYMBOLS=$IMAGE/kallsyms
read_kernel_symbols
# shellcheck disable=SC2086  # the command is many words
attend "$ROOT/qemu/run_vm.sh" --target "$target" --seed "$seed" --smp "$smp" --memory "$memory_mb" --kernel "$kernel" \
  --kernel-args "$kernel_args" --numa "$numa_nodes" --limit 3600 --counters profile --out "$folder/run" -- $command ||
  die 1 "$scenario: the guest failed"
[[ -s $folder/run/counters.json ]] || die 1 "nothing was counted: $(sed -n 's/^counters\t//p' "$folder/run/vm.tsv")"
lab profile --symbols "$BUILD/$target/pipelab.symbols" --symbols "$KERNEL_SYMBOLS" \
  --title "$scenario on $target, exact timing, $smp CPUs, kernel $kernel, seed $seed" \
  --csv "$RESULTS/$name.csv" --svg "$RESULTS/$name.svg" "$folder/run/counters.json"
echo "written to $RESULTS/$name.csv and .svg" >&2
