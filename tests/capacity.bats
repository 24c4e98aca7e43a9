#!/usr/bin/env bats
# The search for a scenario's highest rate; with a QEMU that only pretends.

load fake_guest

search() { run "$ROOT/scripts/capacity.sh" "$@" t000/baseline; }

@test "a search runs what it needs, and answers" {
  export FAKE_LOG=$BATS_TEST_TMPDIR/boots
  search --slo "response_p99_us=1000000" --rates "100 1000" --reps 2
  exits 0
  says "t000/baseline, exact timing on aarch64: holds even at 1,000/s, the highest rate that was tried"
  (($(wc -l <"$FAKE_LOG") == 4))
  [[ -s $PIPELAB_RUNS/../capacity_t000_baseline.csv && -s $PIPELAB_RUNS/../capacity_t000_baseline.png ]]
  grep -q -- "--prod-interval-us;10000;" "$FAKE_LOG"
}

# bats test_tags=slow
@test "what is done already is not run again" {
  search --slo "response_p99_us=1000000" --rates "100 1000" --reps 2
  export FAKE_LOG=$BATS_TEST_TMPDIR/boots
  search --slo "response_p99_us=1000000" --rates "100 1000" --reps 3
  exits 0
  (($(wc -l <"$FAKE_LOG") == 2))
}

# bats test_tags=slow
@test "an objective that is missed even at the lowest rate is told" {
  search --slo "response_p99_us=0.001"
  exits 4
  says "misses even at 100/s, the lowest rate: response_p99_us"
}

@test "interrupted, it keeps what is done and goes on" {
  export FAKE_LOG=$BATS_TEST_TMPDIR/boots FAKE_SECONDS=1
  "$ROOT/scripts/capacity.sh" --slo "drop_rate=1" --rates "100 200" --reps 1 t000/baseline 2>"$BATS_TEST_TMPDIR/said" 3>&- &
  local search=$!
  until (($(find "$PIPELAB_RUNS/capacity" -name run.json 2>/dev/null | wc -l) == 1)); do sleep 0.1; done
  kill -TERM "$search"
  local code=0
  wait "$search" || code=$?
  ((code == 143))
  grep -q "finished runs are kept, and the same command goes on" "$BATS_TEST_TMPDIR/said"
  FAKE_SECONDS=0 search --slo "drop_rate=1" --rates "100 200" --reps 1
  exits 0
  (($(find "$PIPELAB_RUNS/capacity" -name run.json | wc -l) == 2 && $(wc -l <"$FAKE_LOG") <= 3))
}

# bats test_tags=slow
@test "a run that fails ends the search with its reason" {
  FAKE_GUEST=panic search --slo "drop_rate=1" --reps 1
  exits 1
  says "guest-panicked"
  says "1 run failed: the same command tries them again"
}

# bats test_tags=slow
@test "--dry-run prints the next commands and writes nothing" {
  search --slo "drop_rate=1" --reps 2 --dry-run
  exits 0
  [[ $output == *"'-seed' '2'"*"--prod-interval-us;10000;"* && ! -e $PIPELAB_RUNS ]]
}

# bats test_tags=slow
@test "bad usage is told in one line" {
  search --reps 2
  exits 2
  says "t000: has no objectives: give SLO="
  search --slo "response_p99=5"
  exits 2
  says "did you mean response_p99_us?"
  run "$ROOT/scripts/capacity.sh" --slo "drop_rate=0" t000/nope
  exits 2
  says "t000.toml: there is no such scenario: give one of baseline, affinity, queue-cap-8"
  run "$ROOT/scripts/capacity.sh" --slo "drop_rate=0" nope/baseline
  exits 2
  says "is no suite, nor a scenario of one"
  run "$ROOT/scripts/capacity.sh" --help
  exits 0
}
