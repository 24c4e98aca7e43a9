#!/usr/bin/env bats
# bats file_tags=slow
# Many producers and one loop, in real guests.

load fake_guest

setup() {
  ROOT=$BATS_TEST_DIRNAME/..
  OUT=$BATS_TEST_TMPDIR/out
}

submit() { # NAME CPUS INTERVAL-US OPTION...
  "$ROOT/qemu/run_vm.sh" --timing exact --seed 1 --smp "$2" --out "$OUT/$1" -- \
    pipelab ingress --duration 0.05 --warmup 0.02 --prod-interval-us "$3" --out . "${@:4}"
}

# The value of KEY in the stats.csv of a run.
value() { # NAME KEY
  sed -n "s/^$2,//p" "$OUT/$1/out/stats.csv"
}

@test "exact timing: tasks for one loop leave the same bytes twice, with 2 and with 4 CPUs" {
  local cpus
  for cpus in 2 4 ${PIPELAB_THOROUGH:+1}; do
    submit "first-$cpus" "$cpus" 0 --producers 8
    submit "again-$cpus" "$cpus" 0 --producers 8
    diff -r "$OUT/first-$cpus/out" "$OUT/again-$cpus/out"
    (($(value "first-$cpus" items) > 100))
  done
}

@test "a queue runs every task of a schedule in a guest, and every wake-up comes" {
  local queue wake
  for queue in list lanes direct ${PIPELAB_THOROUGH:+mutex-swap mutex-chunk mutex-detach ring}; do
    submit "$queue" 2 100 --queue "$queue"
    (($(value "$queue" items) + $(value "$queue" missed) == 500))
  done
  for wake in futex epoll ${PIPELAB_THOROUGH:+eventfd pipe condvar}; do
    submit "$wake" 2 100 --wake "$wake" --consumer park
    (($(value "$wake" items) + $(value "$wake" missed) == 500 && $(value "$wake" sleeps) > 100))
  done
}

@test "a producer that stalls within a push ends the run, with who and the state of the queue" {
  run submit stalled 2 100 --fault stall-producer@0.01 --watchdog-ms 100
  [ "$status" -ne 0 ]
  grep -rq "producer-0 does not come back from a submit: .* submitted and not done, and the loop sleeps" "$OUT/stalled" || [[ $output == *"producer-0 does not come back from a submit"* ]]
}

# In real interleavings, beside the model of tests/model/waker.pml. A fence that is missing cannot show in exact timing.
@test "threads::Waker loses no wake-up, and with a rule of its protocol broken one is soon lost" {
  local variant seeds=${PIPELAB_THOROUGH:+200}
  "$ROOT/tests/wakes.sh" whole "${seeds:-1}"
  for variant in no-recheck ${PIPELAB_THOROUGH:+no-exchange}; do
    run "$ROOT/tests/wakes.sh" $variant "${seeds:-8}"
    exits 1
    says ": lost a wake-up after "
  done
  [[ -z ${PIPELAB_THOROUGH-} ]] || {
    run "$ROOT/tests/wakes.sh" --here no-fences 20 # on this host's own CPUs
    exits 1
  }
}
