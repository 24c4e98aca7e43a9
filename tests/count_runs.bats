#!/usr/bin/env bats
# bats file_tags=slow
# Counting the runs of a sweep: what is booted, what is kept, what is said; with a QEMU that only pretends.

load fake_guest

# Runs t000 with two replicates, and makes believe that the plugin and the program's symbols are built.
swept() {
  run "$ROOT/scripts/run_scenarios.sh" --reps 2 --duration 0.15 --timing exact t000
  exits 0
  export FAKE_LOG=$BATS_TEST_TMPDIR/boots
  mkdir -p "$PIPELAB_BUILD/counters" "$PIPELAB_BUILD/aarch64"
  touch "$PIPELAB_BUILD/counters/counters.so"
  echo "0000000000500000 0000000000000040 B the_ring" >"$PIPELAB_BUILD/aarch64/pipelab.symbols"
}

counts() { # EVENT, which prints the counts of all runs, and what is noted
  /usr/bin/python3 -c 'import csv, sys
for row in csv.DictReader(open(sys.argv[1])):
  if row["event"] == sys.argv[2]: print(row["count"], row["note"])' "$PIPELAB_RUNS/../t000_counters.csv" "$1"
}

@test "each scenario is counted once, and the report has its counts" {
  swept
  run "$ROOT/scripts/count_runs.sh"
  exits 0
  says "counting 3 exact runs"
  (($(grep -c -- '-plugin .*count=caches' "$FAKE_LOG") == 3))
  # in the first replicate of each scenario
  [[ $(counts instructions | uniq -c | tr -s ' ') == " 3 30000 " ]]
  [[ $(counts false_sharing | sort -u | paste -sd,) == "300 ,300 the_ring+0 and the_ring+8" ]]
  grep -qF '| counters | baseline | 200 | 160 | 40 | 20 | 2.2 | 0.1 | 2 | 2 |' "$PIPELAB_RUNS/../t000.md"
  [[ -z $(find "$PIPELAB_RUNS" -name '.partial*') ]]
}

@test "what is counted is not counted again" {
  swept
  run "$ROOT/scripts/count_runs.sh"
  rm "$FAKE_LOG"
  run "$ROOT/scripts/count_runs.sh"
  exits 0
  [[ ! -e $FAKE_LOG ]]
}

@test "a plugin that does not load: said, nothing is lost, the runs are marked, and it is tried again" {
  swept
  FAKE_PLUGIN_ERROR="plugin requires API version 99" run "$ROOT/scripts/count_runs.sh"
  exits 0
  says "none: plugin requires API version 99"
  [[ $(counts "" | sort -u) == " plugin requires API version 99" ]]
  grep -q "| baseline |" "$PIPELAB_RUNS/../t000.md"
  grep -qF 'Not counted: baseline, affinity, queue-cap-8 (plugin requires API version 99).' "$PIPELAB_RUNS/../t000.md"
  run "$ROOT/scripts/count_runs.sh"
  exits 0
  [[ -z $(counts "") && $(counts loads | wc -l) == 3 ]]
}

@test "times that are others with the counters are an error" {
  swept
  local run
  run=$(basename "$(dirname "$(grep -l '"t000/baseline"' "$PIPELAB_RUNS"/aarch64.exact.s1.*/run.json)")")
  echo changed >>"$PIPELAB_RUNS/$run/histogram.csv"
  run "$ROOT/scripts/run_one.sh" --counters "$PIPELAB_RUNS/sweep.jsonl" "$(grep -n "$run" "$PIPELAB_RUNS/sweep.jsonl" | cut -d: -f1)"
  exits 1
  says "has other times with the counters: remove it"
  [[ ! -e $PIPELAB_RUNS/counters/$run ]]
}

@test "live runs and runs that are not there are not counted" {
  run "$ROOT/scripts/count_runs.sh"
  exits 1
  says "sweep.jsonl: is not there: run 'make run-scenarios' first"
  run "$ROOT/scripts/run_scenarios.sh" --reps 1 --timing live t000
  run "$ROOT/scripts/count_runs.sh"
  exits 1
  says "has no exact runs to count"
  run "$ROOT/scripts/run_one.sh" --counters "$PIPELAB_RUNS/sweep.jsonl" 1
  exits 2
  says "live runs are not counted"
}
