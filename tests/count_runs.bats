#!/usr/bin/env bats
# Counting the runs of a sweep: what is booted, what is kept, what is said; with a QEMU that only pretends.

load fake_guest

# Runs t000 with two replicates, and makes believe that the plugin and the program's symbols are built.
swept() {
  run "$ROOT/scripts/run_scenarios.sh" --reps 2 --timing exact t000
  exits 0
  export FAKE_LOG=$BATS_TEST_TMPDIR/boots
  mkdir -p "$PIPELAB_BUILD/counters" "$PIPELAB_BUILD/aarch64"
  touch "$PIPELAB_BUILD/counters/counters.so"
  echo "0000000000500000 0000000000000040 B the_ring" >"$PIPELAB_BUILD/aarch64/pipelab.symbols"
}

raw() { # COLUMN, which prints those of all runs
  /usr/bin/python3 -c 'import csv, sys
for row in csv.DictReader(open(sys.argv[1])): print(row.get(sys.argv[2], "no column"))' "$PIPELAB_RUNS/../t000_raw.csv" "$1"
}

@test "each scenario is counted once, and the report has its counts" {
  swept
  run "$ROOT/scripts/count_runs.sh"
  exits 0
  says "counting 3 exact runs"
  (($(grep -c -- '-plugin .*count=caches' "$FAKE_LOG") == 3))
  # 30,000 instructions for 150 items, in the first replicate of each scenario
  [[ $(raw instructions_per_item | sort | uniq -c | tr -s ' ' | paste -sd,) == " 3 , 3 200.0" ]]
  [[ $(raw false_sharing | sort -u | paste -sd,) == ",the_ring+0 and the_ring+8 (2.00 misses an item)" ]]
  grep -qF '| baseline | 200 | 160 | 40.00 | 20.00 | 2.20 | 0.10 | 2.00 | 2.00 |' "$BATS_TEST_TMPDIR/results.md"
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
  [[ $(raw counters | sort -u | paste -sd,) == ",none: plugin requires API version 99" ]]
  grep -q "| baseline |" "$BATS_TEST_TMPDIR/results.md"
  grep -qF 'Not counted: baseline, affinity, queue-cap-8 (plugin requires API version 99).' "$BATS_TEST_TMPDIR/results.md"
  run "$ROOT/scripts/count_runs.sh"
  exits 0
  [[ $(raw counters | sort -u | paste -sd,) == ",caches" ]]
}

@test "latencies that are others with the counters are an error" {
  swept
  echo changed >>"$(ls -d "$PIPELAB_RUNS"/t000.baseline.*.r1.*)/latencies.csv"
  run "$ROOT/scripts/run_one.sh" --counters "$PIPELAB_RUNS/sweep.tsv" \
    "$(($(grep -n 't000.baseline.*\.r1\.' "$PIPELAB_RUNS/sweep.tsv" | cut -d: -f1) - 1))"
  exits 1
  says "has other latencies with the counters: remove it"
  [[ ! -e $PIPELAB_RUNS/counters ]]
}

@test "live runs and runs that are not there are not counted" {
  run "$ROOT/scripts/count_runs.sh"
  exits 1
  says "sweep.tsv: is not there: run 'make run-scenarios' first"
  run "$ROOT/scripts/run_scenarios.sh" --reps 1 --timing live t000
  run "$ROOT/scripts/count_runs.sh"
  exits 1
  says "has no exact runs to count"
  run "$ROOT/scripts/run_one.sh" --counters "$PIPELAB_RUNS/sweep.tsv" 1
  exits 2
  says "live runs are not counted"
}
