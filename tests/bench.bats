#!/usr/bin/env bats
# bats file_tags=slow,thorough
# The bench of the queues: its files and its complaints. What it measures is not looked at.

load fake_guest

BENCH=$BATS_TEST_DIRNAME/../build/bench/pipelab_bench
HEADER=seed,round,work,contender,mode,batch,item_bytes,capacity,true_capacity,hint,placement,raw_before_ns,raw_after_ns,run_delay_ns,items,duration_ns,round_trip_p50_ns,round_trip_p99_ns,clock_read_ns

setup_file() {
  "$BATS_TEST_DIRNAME/../scripts/build.sh" bench pipelab_bench >/dev/null
}

# Samples in the file: all its whole lines but the header.
samples() { # FILE
  tail -n +2 "$1" | grep -cE "^([^,]*,){18}[^,]*$"
}

@test "the bench measures for as long as it is told, and its tables follow" {
  local results=$BATS_TEST_TMPDIR/result_data
  PIPELAB_RUNS=$results/runs run "$ROOT/scripts/bench.sh" --quick --seconds 2 --seed 7
  exits 0
  says "claims hold"
  says "on $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1): "
  grep -q '^atomic_queue,MINIMIZE_CONTENTION=false$' "$results/bench_environment.csv"
  [[ $(head -n 1 "$results/bench_samples.csv") == "$HEADER" ]]
  (($(samples "$results/bench_samples.csv") == $(wc -l <"$results/bench_samples.csv") - 1))
  (($(samples "$results/bench_samples.csv") >= 1))
  [[ -s $results/bench.png && -s $results/bench_claims.csv ]]
  [[ $(grep -c '^seed,7$' "$results/bench_environment.csv") == 1 ]]
  grep -qF "[The queues against their peers](result_data/bench.md)" "$BATS_TEST_TMPDIR/results.md"
}

@test "interrupting the bench keeps what is done" {
  local file=$BATS_TEST_TMPDIR/samples.csv code=0
  "$BENCH" --quick --seconds 60 --samples "$file" 3>&- &
  local bench=$!
  while [[ ! -s $file.partial ]] || (($(wc -l <"$file.partial") < 4)); do sleep 0.1; done
  kill -INT "$bench"
  wait "$bench" || code=$?
  ((code == 130))
  (($(samples "$file") == $(wc -l <"$file") - 1))
}

@test "a signal to the script alone ends the bench as well, and its tables are made" {
  local results=$BATS_TEST_TMPDIR/result_data signal code expected
  for signal in INT TERM; do
    rm -rf "$results"
    PIPELAB_RUNS=$results/runs env --default-signal=INT "$ROOT/scripts/bench.sh" --quick --seconds 60 \
      >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
    local script=$!
    until [[ -s $results/bench_samples.csv.partial ]] && (($(wc -l <"$results/bench_samples.csv.partial") >= 4)); do
      sleep 0.1
    done
    kill -"$signal" "$script"
    code=0 expected=130
    wait "$script" || code=$?
    [[ $signal == INT ]] || expected=143
    cat "$BATS_TEST_TMPDIR/said"
    ((code == expected))
    [[ -s $results/bench_claims.csv && -z $(pgrep -f "$results") ]]
  done
}

@test "the bench says what it needs" {
  run taskset -c 0 "$BENCH" --seconds 1 --samples "$BATS_TEST_TMPDIR/none.csv"
  exits 1
  says "only CPU 0 is allowed"
  [[ ! -e $BATS_TEST_TMPDIR/none.csv ]]
  run "$BENCH" --cpus 0,0
  exits 2
  says "give two CPUs"
  run "$BENCH" --seconds soon
  exits 2
  run "$BENCH" --seconds 1 --samples /nowhere/samples.csv
  exits 1
  says "/nowhere/samples.csv"
}
