#!/usr/bin/env bash
# Looks for lost, doubled, torn and disordered items in real guests: tests/soak_guest.sh under exact timing, where
# each seed is another interleaving, on 2 and on 4 CPUs.
set -euo pipefail
# shellcheck source=../qemu/target.sh
source "$(dirname "$0")/../qemu/target.sh"

usage() {
  cat <<EOF
usage: tests/soak.sh [SEEDS]
Boots two guests for each of SEEDS seeds (200), with 2 and with 4 CPUs, as many at a time as there are cores.
Exit codes: 0 all items came once and in order, 1 some did not, or a guest failed; 2 wrong usage.
EOF
}

[[ ${1:-} != --help ]] || { usage && exit 0; }
seeds=${1-200}
[[ $seeds =~ ^[1-9][0-9]{0,5}$ ]] || die 2 "SEEDS: '$seeds' is not valid: give a whole number from 1 to 999999"
load_target aarch64

make_scratch
work=$scratch
trap 'rm -rf "$work"' EXIT
end_on_signals
mkdir "$work/files" "$work/runs"
cp "$ROOT/tests/soak_guest.sh" "$work/files/"
cp "$INITRD" "$work/initrd.cpio"
touch -d @0 "$work/files/soak_guest.sh" # exact timing needs the same bytes each time
(cd "$work/files" && echo soak_guest.sh | cpio -o -H newc --quiet --reproducible -R 0:0) >>"$work/initrd.cpio"

soak() { # SEED CPUS
  local out=$work/runs/$1-$2
  "$ROOT/qemu/run_vm.sh" --initrd "$work/initrd.cpio" --smp "$2" --seed "$1" --out "$out" -- \
    sh /soak_guest.sh "$1" || { echo "seed $1, $2 CPUs: $(tail -n 1 "$out/out/stdout.txt" "$out/vm.tsv")" && return 1; }
}
export -f soak
export ROOT work

code=0
# shellcheck disable=SC2016  # it is the shell below that expands them
attend xargs -P "$(nproc)" -L 1 bash -c 'soak "$0" "$1"' \
  < <(for seed in $(seq "$seeds"); do echo "$seed 2" && echo "$seed 4"; done) || code=1
cat "$work"/runs/*/out/stdout.txt | awk -v wanted=$((2 * seeds)) '
  NF == 2 { guests++; runs += $1; items += $2 }
  END { printf "%d of %d guests good: %d runs, %d items, each whole, once and in order\n", guests, wanted, runs, items }'
exit $code
