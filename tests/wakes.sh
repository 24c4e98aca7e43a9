#!/usr/bin/env bash
# Looks for lost wake-ups of threads::Waker, as it is and with one rule of its protocol broken.
set -euo pipefail
# shellcheck source=../qemu/target.sh
source "$(dirname "$0")/../qemu/target.sh"

usage() {
  cat <<EOF
usage: tests/wakes.sh VARIANT SEEDS
       tests/wakes.sh --here VARIANT SECONDS
Boots a guest of two CPUs in exact timing for each of SEEDS seeds, or runs natively, until a wake-up is lost, and says
how many tasks there were. Variants:
  whole         as it is
  no-recheck    who sleeps does not look again after having said so
  no-exchange   who wakes leaves the word at 1
  no-fences     without both fences; exact timing has one order of memory for all CPUs, and cannot show it
Exit codes: 0 no wake-up was lost, 1 one was, or a guest failed; 2 wrong usage.
EOF
}

[[ ${1:-} != --help ]] || { usage && exit 0; }
here=
[[ ${1:-} != --here ]] || { here=1 && shift; }
variant=${1:-} many=${2:-}
case $variant in
  whole) mutate='' ;;
  no-recheck) mutate='s/if (!ready()) {/{/' ;;
  no-exchange) mutate='s/asleep_\.exchange(0, /asleep_.load(/' ;;
  no-fences) mutate='/atomic_thread_fence/d' ;;
  *) die 2 "'$variant' is no variant: see --help" ;;
esac
[[ $many =~ ^[1-9][0-9]{0,5}$ ]] || die 2 "'$many' is not valid: give a whole number from 1 to 999999"

make_scratch
trap 'rm -rf "$scratch"' EXIT
end_on_signals
mkdir -p "$scratch/threads" "$scratch/bin" "$scratch/runs"
cp "$ROOT"/src/threads/waker.{hpp,cpp} "$scratch/threads/"
if [[ $mutate ]]; then
  sed -i "$mutate" "$scratch/threads/waker.hpp"
  ! cmp -s "$scratch/threads/waker.hpp" "$ROOT/src/threads/waker.hpp" || die 1 "src/threads/waker.hpp: has no such rule any more: mend $0"
fi

compile() { # COMPILER [OPTION]
  "$@" -O2 -std=c++20 -pthread -I"$scratch" -I"$ROOT/src" "$ROOT/tests/wakes.cpp" "$scratch/threads/waker.cpp" \
    -o "$scratch/bin/wakes"
}

if [[ $here ]]; then
  compile g++
  "$scratch/bin/wakes" 2 "$((1000 * many))"
  exit
fi
load_target aarch64
compile aarch64-linux-gnu-g++ -static
touch -d @0 "$scratch/bin/wakes" # a guest that reads other bytes takes other turns
{ cat "$INITRD" && (cd "$scratch" && echo bin/wakes | cpio --quiet -o -H newc --reproducible -R 0:0); } >"$scratch/initrd.cpio"
for seed in $(seq "$many"); do
  "$ROOT/qemu/run_vm.sh" --initrd "$scratch/initrd.cpio" --quantum 5us --seed "$seed" --out "$scratch/runs/$seed" -- \
    wakes "$seed" || { echo "seed $seed: $(tail -n 1 "$scratch/runs/$seed/out/stdout.txt")" && exit 1; }
done
awk '{ tasks += $1; sleeps += $3 } END { printf "%d seeds: %d tasks, %d sleeps, no wake-up lost\n", NR, tasks, sleeps }' \
  "$scratch"/runs/*/out/stdout.txt
