#!/usr/bin/env bats
# Real guests: what exact timing promises, and the whole way to a report.

load fake_guest

setup() {
  ROOT=$BATS_TEST_DIRNAME/..
  OUT=$BATS_TEST_TMPDIR/out
}

measure() { # NAME SEED SECONDS OPTION...
  local name=$1 seed=$2 seconds=$3
  shift 3
  "$ROOT/qemu/run_vm.sh" --timing exact --seed "$seed" --out "$OUT/$name" -- \
    pipelab --duration "$seconds" --emit-latencies latencies.csv --stats stats.csv "$@"
}

@test "exact timing: one seed gives the same bytes twice, another seed gives others" {
  measure first 1 0.5
  measure again 1 0.5
  measure other 2 0.5
  cmp "$OUT"/{first,again}/out/latencies.csv
  cmp "$OUT"/{first,again}/out/stats.csv
  run cmp -s "$OUT"/{first,other}/out/latencies.csv
  exits 1
  (($(wc -l <"$OUT/first/out/latencies.csv") == 501))
}

# bats test_tags=slow
@test "exact timing: the same bytes at full speed, where the threads contend" {
  measure first 1 0.1 --prod-interval-us 0 --queue-cap 8
  measure again 1 0.1 --prod-interval-us 0 --queue-cap 8
  cmp "$OUT"/{first,again}/out/latencies.csv
  cmp "$OUT"/{first,again}/out/stats.csv
}

@test "a workload that refuses its options ends the guest with its own exit code" {
  run measure bad 1 0.5 --pin-consumer 2
  exits 2
  says "--pin-consumer: '2' is not valid: give a CPU that exists here: 0-1"
}

@test "a command of 40 words arrives whole" {
  local words
  mapfile -t words < <(seq 39)
  "$ROOT/qemu/run_vm.sh" --out "$OUT" -- echo "${words[@]}"
  [[ $(<"$OUT/out/stdout.txt") == "${words[*]}" ]]
}

# Round trips a second in a guest of TARGET with two CPUs.
turns() { # NAME TARGET OPTION...
  local compiler
  compiler=$(sed -n 's/^COMPILER_PACKAGE=g++-//p' "$ROOT/qemu/targets/$2.conf" | tr _ -)-g++
  compiler=${compiler/x86-64/x86_64}
  mkdir -p "$OUT/$2/bin"
  [[ -x $OUT/$2/bin/turns ]] || "$compiler" -O2 -std=c++20 -static -pthread "$ROOT/tests/turns.cpp" -o "$OUT/$2/bin/turns"
  { cat "$ROOT/build/image/$2/initrd.cpio" && (cd "$OUT/$2" && printf 'bin/turns\n' | cpio --quiet -o -H newc -R 0:0); } >"$OUT/$2.cpio"
  "$ROOT/qemu/run_vm.sh" --target "$2" --initrd "$OUT/$2.cpio" "${@:3}" --out "$OUT/$1" -- turns
  cat "$OUT/$1/out/stdout.txt"
}

# bats test_tags=slow
@test "exact timing: with a quantum two loops that spin without a hint take turns, the same each time" {
  local target
  for target in aarch64 ${PIPELAB_THOROUGH:+armv7 x86_64}; do
    make --no-print-directory -s -C "$ROOT" image TARGET="$target"
    (($(turns "$target-first" "$target" --quantum 20us) >= 20000))
    turns "$target-again" "$target" --quantum 20us --tb-mb 64
    cmp "$OUT/$target"-{first,again}/out/stdout.txt
    cmp "$OUT/$target"-{first,again}/canary.txt
    [[ ! -e $OUT/$target-first/qemu.log && ! -e $OUT/$target-first/machine.dtb ]]
  done
  (($(turns without aarch64) < 1000))
}

# Boots TARGET twice with so many CPUs and the program of turns(), as compiling pipelab takes minutes.
boots_twice_alike() { # TARGET CPUS COMPILER
  export PIPELAB_BUILD=$OUT/build
  mkdir -p "$PIPELAB_BUILD/$1/CMakeFiles"
  ln -sfn "$ROOT/build/packages" "$PIPELAB_BUILD/packages"
  cp "$ROOT/build/host/version.hpp" "$PIPELAB_BUILD/$1/"
  cp -r "$ROOT"/build/host/CMakeFiles/3* "$PIPELAB_BUILD/$1/CMakeFiles/" # has the compiler's version
  "$ROOT/scripts/setup.sh" test "$1"
  "$ROOT/qemu/get_packages.sh" "$1"
  "$3" -O2 -std=c++20 -static -pthread "$ROOT/tests/turns.cpp" -o "$PIPELAB_BUILD/$1/pipelab"
  "$ROOT/qemu/make_image.sh" "$1"
  local run
  for run in 1 2; do
    "$ROOT/qemu/run_vm.sh" --target "$1" --smp "$2" --quantum 20us --out "$OUT/$1$run" -- pipelab
  done
  cmp "$OUT/$1"{1,2}/out/stdout.txt
  cmp "$OUT/$1"{1,2}/canary.txt
  (($(<"$OUT/${1}1/out/stdout.txt") >= 20000))
  "$ROOT/qemu/run_vm.sh" --target "$1" --smp "$2" --quantum 20us --out "$OUT/$1-cpus" -- nproc
  (($(<"$OUT/$1-cpus/out/stdout.txt") == $2))
  rm -rf "$PIPELAB_BUILD"
}

# bats test_tags=slow
@test "exact timing: guests of other targets have the CPUs that they are to have, and leave the same bytes each time" {
  boots_twice_alike x86_64 4 x86_64-linux-gnu-g++
  boots_twice_alike armv7 2 arm-linux-gnueabihf-g++
}

# bats test_tags=thorough
@test "exact timing: guests of other targets run a pinned pipeline, and leave the same bytes each time" {
  local target run
  for target in x86_64 armv7; do
    make --no-print-directory -s -C "$ROOT" image TARGET="$target"
    for run in 1 2; do
      "$ROOT/qemu/run_vm.sh" --target "$target" --smp 4 --out "$OUT/$target$run" -- \
        pipelab --duration 0.2 --pin-consumer 3 --emit-latencies latencies.csv --threads threads.csv
    done
    grep -q '^consumer,[0-9]*,consumer,3,' "$OUT/${target}1/out/threads.csv"
    cmp "$OUT/$target"{1,2}/out/latencies.csv
    cmp "$OUT/$target"{1,2}/canary.txt
  done
}

@test "a CPU that does not come up is named, and nothing is measured" {
  run "$ROOT/qemu/run_vm.sh" --kernel-args nosmp --out "$OUT" -- pipelab
  exits 122
  says "its kernel cannot bring up CPU 1 of 2: give a smaller --smp, another kernel, or other --kernel-args"
  [[ ! -e $OUT/out ]]
}

# bats test_tags=slow
@test "the RT kernel boots with words of the user's, and is one" {
  make --no-print-directory -s -C "$ROOT" image KERNEL=rt
  "$ROOT/qemu/run_vm.sh" --kernel rt --kernel-args "isolcpus=1" --timing live --out "$OUT" -- \
    cat /sys/kernel/realtime /sys/devices/system/cpu/isolated
  [[ $(<"$OUT/out/stdout.txt") == $'1\n1' ]]
}

# bats test_tags=slow
@test "a guest of two NUMA nodes has both, and no third" {
  "$ROOT/qemu/run_vm.sh" --numa 2 --out "$OUT/nodes" -- cat /sys/devices/system/node/node0/cpulist \
    /sys/devices/system/node/node1/cpulist
  [[ $(<"$OUT/nodes/out/stdout.txt") == $'0\n1' ]]
  "$ROOT/qemu/run_vm.sh" --numa 2 --out "$OUT/second" -- pipelab --duration 0.1 --numa-node 1
  run "$ROOT/qemu/run_vm.sh" --numa 2 --out "$OUT/third" -- pipelab --duration 0.1 --numa-node 2
  exits 2
  says "--numa-node: '2' is not valid: give a NUMA node that exists here: 0-1"
}

# bats test_tags=slow
@test "a thread can be pinned to a CPU that isolcpus= took from the scheduler, and huge pages can be had" {
  "$ROOT/qemu/run_vm.sh" --kernel-args "isolcpus=1 hugepages=8" --out "$OUT/pinned" -- pipelab --duration 0.1 --pin-consumer 1
  "$ROOT/qemu/run_vm.sh" --kernel-args "isolcpus=1 hugepages=8" --out "$OUT/pages" -- cat /proc/meminfo
  grep -qE '^HugePages_Total: +8$' "$OUT/pages/out/stdout.txt"
}

# bats test_tags=slow
@test "a live run tells how long each vCPU ran and waited, and where it was pinned" {
  PIPELAB_RUNS=$OUT/result_data/runs "$ROOT/scripts/run_scenarios.sh" --duration 0.2 --reps 1 --timing live --smp 2 t000
  local record
  for record in "$OUT"/result_data/runs/aarch64.live.*/run.json; do
    (($(grep -c '"run_delay_ns": [0-9]' "$record") == 2 && $(grep -c '"run_ns": [1-9]' "$record") == 2))
    grep -qE '"noisy": (true|false)' "$record"
    (($(nproc) < 2)) || grep -q '"pinned": true' "$record"
  done
}

# bats test_tags=slow
@test "the exact results of a guest of four CPUs and two nodes come out the same when they are made again" {
  export PIPELAB_RUNS=$OUT/result_data/runs
  "$ROOT/scripts/run_scenarios.sh" --duration 0.1 --reps 1 --timing exact --smp 4 --numa 2 t000
  run "$ROOT/scripts/verify.sh" t000
  exits 0
  says "t000: 3 exact runs came out the same, byte for byte in all files that the program left, and to the ns"
}

# bats test_tags=slow
@test "the image is the same, byte for byte, when it is made again" {
  local before
  before=$(sha256sum "$ROOT"/build/image/aarch64/{vmlinuz,initrd.cpio})
  "$ROOT/qemu/make_image.sh" aarch64
  [[ $(sha256sum "$ROOT"/build/image/aarch64/{vmlinuz,initrd.cpio}) == "$before" ]]
}

# bats test_tags=slow
@test "a sweep of real guests makes a report, and its exact rows come out the same twice" {
  local sweep
  for sweep in one two; do
    PIPELAB_RUNS=$OUT/$sweep/result_data/runs "$ROOT/scripts/run_scenarios.sh" --duration 0.2 --reps 1 \
      --timing "$([[ $sweep == one ]] && echo exact live || echo exact)" t000
    [[ -s $OUT/$sweep/results.md ]]
  done
  cmp <(grep ,exact, "$OUT/one/result_data/t000_metrics.csv") <(grep ,exact, "$OUT/two/result_data/t000_metrics.csv")
  (($(grep -c ,live, "$OUT/one/result_data/t000_metrics.csv") == 3))
}

# bats test_tags=slow
@test "perf stat counts in the guest" {
  run "$ROOT/scripts/perf_stat.sh" --reps 2 --csv "$BATS_TEST_TMPDIR/perf.csv" -- --duration 0.1
  exits 0
  grep -qE '^instructions,[0-9.]+,,[0-9.]+,plugin$' "$BATS_TEST_TMPDIR/perf.csv"
  grep -qE '^cache-misses,[0-9.]+,,[0-9.]+,simulated$' "$BATS_TEST_TMPDIR/perf.csv"
  says "simulated"
}
