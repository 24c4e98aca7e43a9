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

@test "exact timing: calls between two processes leave the same bytes twice, with 1, 2, 4 and 8 CPUs" {
  local cpus
  for cpus in 1 2 4 8; do
    call "first-$cpus" "$cpus" 0 --pairs 4
    call "again-$cpus" "$cpus" 0 --pairs 4
    diff -r "$OUT/first-$cpus/out" "$OUT/again-$cpus/out"
    (($(value "first-$cpus" items) > 1000 && $(value "first-$cpus" late_finds) == 0))
  done
}

@test "every transport works in a guest, where no network has been started" {
  local transport
  for transport in slot queues futex eventfd pipe unix tcp; do
    call "$transport" 2 0 --transport "$transport" --callback reentrant --depth 2
    (($(value "$transport" items) > 50 && $(value "$transport" all_calls) >= 3 * $(value "$transport" items)))
  done
}

@test "a responder that is killed costs its caller one call" {
  call killed 2 100 --fault kill-responder@0.02
  (($(value killed failed_died) <= 1 && $(value killed items) + $(value killed missed) + $(value killed failed) == 500))
  (($(cut -d, -f3 "$OUT/killed/out/threads.csv" | grep -c responder) == 1))
}
