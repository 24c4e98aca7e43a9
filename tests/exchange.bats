#!/usr/bin/env bats
# bats file_tags=slow
# Calls between two processes, in real guests.

load fake_guest

setup() {
  ROOT=$BATS_TEST_DIRNAME/..
  OUT=$BATS_TEST_TMPDIR/out
}

call() { # NAME CPUS INTERVAL-US OPTION...
  "$ROOT/qemu/run_vm.sh" --timing exact --seed 1 --smp "$2" --out "$OUT/$1" -- \
    pipelab exchange --duration 0.05 --warmup 0.02 --prod-interval-us "$3" --out . "${@:4}"
}

# The value of KEY in the stats.csv of a run.
value() { # NAME KEY
  sed -n "s/^$2,//p" "$OUT/$1/out/stats.csv"
}

@test "exact timing: calls between two processes leave the same bytes twice, with 2 and with 8 CPUs" {
  local cpus
  for cpus in 2 8 ${PIPELAB_THOROUGH:+1 4}; do
    call "first-$cpus" "$cpus" 0 --pairs 4
    call "again-$cpus" "$cpus" 0 --pairs 4
    diff -r "$OUT/first-$cpus/out" "$OUT/again-$cpus/out"
    (($(value "first-$cpus" items) > 100 && $(value "first-$cpus" late_finds) == 0))
  done
}

@test "a transport works in a guest, where no network has been started" {
  local transport
  for transport in eventfd unix tcp ${PIPELAB_THOROUGH:+slot queues futex pipe}; do # what asks the kernel for most
    call "$transport" 2 0 --transport "$transport" --callback reentrant --depth 2
    (($(value "$transport" items) > 50 && $(value "$transport" all_calls) >= 3 * $(value "$transport" items)))
  done
}

@test "responders in Go answer as those in C++ do, in memory and in their own words" {
  make --no-print-directory -s -C "$ROOT" image-go
  local name
  for name in first again; do
    "$ROOT/qemu/run_vm.sh" --timing exact --seed 1 --go --out "$OUT/$name" -- pipelab exchange --responder go --pairs 2 \
      --duration 0.05 --warmup 0.02 --prod-interval-us 0 --callback reentrant --depth 2 --out .
  done
  diff -r "$OUT/first/out" "$OUT/again/out"
  (($(value first items) > 100 && $(value first all_calls) >= 3 * $(value first items) && $(value first late_finds) == 0))
  [[ $(grep -cE '^responder-[01],[0-9]+,responder,[01],' "$OUT/first/out/threads.csv") == 2 ]]
}

@test "responders in Go refuse a segment that is cut short, of another version, or of another size" {
  local go=$ROOT/build/host/exchange-go said
  said() { # HEADER-FIELD...: magic, version, shape, size
    /usr/bin/python3 -c 'import struct, sys; a = [int(each, 0) for each in sys.argv[1:]]
sys.stdout.buffer.write(struct.pack("<QIIQ", *a).ljust(4096, b"\0"))' "$@" >"$BATS_TEST_TMPDIR/segment"
    ! "$go" 4096 7 64 3<>"$BATS_TEST_TMPDIR/segment" 4>"$BATS_TEST_TMPDIR/link"
    cat "$BATS_TEST_TMPDIR/link"
  }
  "$ROOT/scripts/build.sh" host exchange-go
  [[ $(said 1 2 7 4096) == "failed: the shared segment begins with {1 2 7 4096}, not {7741240723775711600 2 7 4096}: both sides must be of one build" ]]
  [[ $(said 0x6b6e696c65706970 1 7 4096) == "failed: the shared segment begins with {7741240723775711600 1 7 4096}, not "* ]]
  [[ $(said 0x6b6e696c65706970 2 8 4096) == "failed: the shared segment begins with "* ]]
  truncate -s 100 "$BATS_TEST_TMPDIR/segment"
  ! "$go" 4096 7 64 3<>"$BATS_TEST_TMPDIR/segment" 4>"$BATS_TEST_TMPDIR/link"
  [[ $(<"$BATS_TEST_TMPDIR/link") == "failed: the shared segment has a file of size 100, not 4096" ]]
}

@test "a responder that is killed costs its caller one call" {
  call killed 2 100 --fault kill-responder@0.02
  (($(value killed failed_died) <= 1 && $(value killed items) + $(value killed missed) + $(value killed failed) == 500))
  (($(cut -d, -f3 "$OUT/killed/out/threads.csv" | grep -c responder) == 1))
}
