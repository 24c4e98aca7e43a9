#!/usr/bin/env bats
# bats file_tags=slow
# The counters, with real guests: programs whose counts are known, and that nothing is disturbed.

load fake_guest

# Boots one guest with all programs, and keeps what was counted for the tests below.
setup_file() {
  ROOT=$BATS_TEST_DIRNAME/..
  export KNOWN=$BATS_FILE_TMPDIR/known KNOWN_BUILD=$BATS_FILE_TMPDIR/build
  local stage=$BATS_FILE_TMPDIR/stage image=$KNOWN_BUILD/image/aarch64
  make --no-print-directory -s -C "$ROOT" image-perf counters
  mkdir -p "$stage/bin" "$image"
  aarch64-linux-gnu-g++ -std=c++20 -O2 -fno-tree-vectorize -Wall -Wextra -Werror -DFMT_HEADER_ONLY -static \
    -I"$ROOT/src" -o "$stage/known" "$ROOT"/tests/counters/*.cpp "$ROOT/src/platform/cpu.cpp"
  aarch64-linux-gnu-strip -o "$stage/bin/known" "$stage/known"
  cp "$ROOT/tests/counters/known.sh" "$stage/bin/"
  (cd "$stage" && find bin | cpio --quiet -o -H newc) >"$stage/known.cpio"
  cat "$ROOT/build/image/aarch64/initrd-perf.cpio" "$stage/known.cpio" >"$image/initrd-perf.cpio"
  ln -s "$ROOT/build/image/aarch64"/{vmlinuz,initrd.cpio} "$image"
  ln -s "$ROOT/build/counters" "$KNOWN_BUILD/counters"
  PIPELAB_BUILD=$KNOWN_BUILD "$ROOT/qemu/run_vm.sh" --perf --counters caches --out "$KNOWN" -- known.sh
  aarch64-linux-gnu-nm --demangle --defined-only --print-size "$stage/known" >"$KNOWN/known.symbols"
}

setup() {
  ROOT=$BATS_TEST_DIRNAME/..
  OUT=$BATS_TEST_TMPDIR
}

check() { # CHECK [FOLDER]
  PYTHONPATH=$ROOT/scripts /usr/bin/python3 "$ROOT/tests/counters/check.py" "${2:-$KNOWN}" "$1"
}

@test "a strided walk: its closed form" { check strided_walk; }
@test "a matrix product: its closed form" { check matrix_product; }
@test "a line passed to and fro" { check ping_pong; }
@test "two counters on one line: false sharing, named by symbol and offset" { check unpadded_pair; }
@test "two counters on two lines: none" { check padded_pair; }
@test "a ring without padding: false sharing, named by symbol and offset" { check unpadded_ring; }
@test "the real ring: none" { check padded_ring; }
@test "instructions: as many as perf stat counts, to 0.1 %" {
  # One CPU: in exact timing QEMU's PMU counts the instructions of all CPUs on each.
  PIPELAB_BUILD=$KNOWN_BUILD "$ROOT/qemu/run_vm.sh" --perf --smp 1 --counters --out "$OUT/perf" -- known.sh perf
  check perf_stat "$OUT/perf"
}

# Boots a guest with pipelab, in its timing, seed and CPUs always the same.
measure() { # NAME RUN_VM-OPTION...
  local name=$1
  shift
  "$ROOT/qemu/run_vm.sh" "$@" --out "$OUT/$name" -- \
    pipelab --duration 0.1 --prod-interval-us 0 --pin-producer 0 --pin-consumer 1 --emit-latencies latencies.csv
}

@test "exact timing: every latency is the same with and without counters" {
  measure none
  local what
  for what in plain caches profile; do
    measure "$what" --counters "$what"
    cmp "$OUT"/{none,"$what"}/out/latencies.csv
    [[ -s $OUT/$what/counters.json ]]
  done
}

same_on() { # TARGET, which can do exact timing with one CPU only
  make --no-print-directory -s -C "$ROOT" image TARGET="$1"
  local what run
  for what in "" plain caches; do
    run=$OUT/$1-${what:-none}
    "$ROOT/qemu/run_vm.sh" --target "$1" --smp 1 ${what:+--counters $what} --out "$run" -- \
      pipelab --duration 0.1 --emit-latencies latencies.csv
    cmp "$OUT/$1-none/out/latencies.csv" "$run/out/latencies.csv"
  done
  # loads and stores are not decoded there, but each access is seen; the caches see the same ones
  /usr/bin/python3 - "$OUT/$1-caches/counters.json" <<'END'
import json, sys
user = next(row for row in json.load(open(sys.argv[1]))["regions"] if row["space"] == "user")
assert user["loads"] > 1000 and user["loads"] + user["stores"] <= user["cache_accesses"] <= 1.01 * (user["loads"] + user["stores"]), user
END
}

# bats test_tags=thorough
@test "exact timing: the same on x86_64, with one CPU" { same_on x86_64; }
# bats test_tags=thorough
@test "exact timing: the same on armv7, with one CPU" { same_on armv7; }

@test "the program's threads share no line without need" {
  measure caches --counters caches
  PYTHONPATH=$ROOT/scripts /usr/bin/python3 -m lab counters --symbols "$ROOT/build/aarch64/pipelab.symbols" \
    --shared-csv "$OUT/shared.csv" "$OUT/caches/counters.json"
  run grep ,user, "$OUT/shared.csv"
  exits 1
}

@test "a profile: what the functions ran adds up to what was counted, and is the same again" {
  local run
  for run in first again; do
    mkdir "$OUT/$run"
    PIPELAB_RUNS=$OUT/$run/runs "$ROOT/scripts/profile.sh" --duration 0.1 t001/baseline-0us >"$OUT/$run/stdout"
  done
  cmp "$OUT"/{first,again}/profile_t001_baseline-0us.csv
  cmp "$OUT"/{first,again}/profile_t001_baseline-0us.svg
  grep -q "user   pipelab::" "$OUT/first/stdout" # record() itself is always inlined
  grep -qE "kernel (__schedule|psi_group_change)" "$OUT/first/stdout"
  measure profile --counters profile
  /usr/bin/python3 - "$OUT/profile/counters.json" <<'END'
import json, sys
report = json.load(open(sys.argv[1]))
assert sum(row["instructions"] for row in report["profile"]) == sum(row["instructions"] for row in report["regions"])
END
}

@test "profile refuses what is no scenario" {
  run "$ROOT/scripts/profile.sh" t001/dance
  exits 2
  says "t001.toml: there is no such scenario: give one of baseline-1000us"
  run "$ROOT/scripts/profile.sh" t001
  exits 2
}

@test "a plugin that cannot be loaded loses no run, and is said" {
  local build=$OUT/build
  mkdir -p "$build/counters"
  ln -s "$ROOT/build/image" "$build/image"
  PIPELAB_BUILD=$build run "$ROOT/qemu/run_vm.sh" --counters --out "$OUT/unbuilt" -- echo works
  exits 0
  says "counting nothing: $build/counters/counters.so is not built: run 'make counters'"
  echo 'int qemu_plugin_version = 99; int qemu_plugin_install(void) { return 0; }' |
    gcc -shared -fPIC -x c -o "$build/counters/counters.so" -
  PIPELAB_BUILD=$build run "$ROOT/qemu/run_vm.sh" --counters caches --out "$OUT/other" -- echo works
  exits 0
  says "requires API version 99"
  grep -q works "$OUT/other/out/stdout.txt"
  grep -q "^counters"$'\t'"none: .*API version 99" "$OUT/other/vm.tsv"
}
