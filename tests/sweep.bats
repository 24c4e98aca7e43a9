#!/usr/bin/env bats
# The sweep: resuming, failing, being killed; with a QEMU that only pretends.

load fake_guest

sweep() { run "$ROOT/scripts/run_scenarios.sh" "$@"; }

# How many runs are there, whole.
finished() { find "$PIPELAB_RUNS" -mindepth 2 -maxdepth 2 -name run.json -not -path '*/.*' -not -path '*/failed/*' | wc -l; }

# bats test_tags=slow
@test "a sweep runs everything once and reports" {
  export FAKE_LOG=$BATS_TEST_TMPDIR/boots
  sweep --reps 2 t000
  exits 0
  (($(finished) == 12 && $(wc -l <"$FAKE_LOG") == 12))
  [[ -s $BATS_TEST_TMPDIR/results.md && -s $PIPELAB_RUNS/../t000_metrics.csv ]]
  says "12 runs to do: 6 exact, 6 live; live runs on tcg; about"
  says "[12/12] 0 min 00 s left"
}

# bats test_tags=slow
@test "the same command again boots nothing" {
  sweep --reps 1 t000
  export FAKE_LOG=$BATS_TEST_TMPDIR/boots
  sweep --reps 1 t000
  exits 0
  says "all runs are there already"
  sweep --reps 1 --dry-run t000
  exits 0
  says "6 of 6 runs are there and would be kept"
  [[ ! -e $FAKE_LOG ]]
}

# bats test_tags=slow
@test "more replicates add to those that are there" {
  sweep --reps 1 t000
  export FAKE_LOG=$BATS_TEST_TMPDIR/boots
  sweep --reps 2 t000
  (($(finished) == 12 && $(wc -l <"$FAKE_LOG") == 6))
}

# bats test_tags=slow
@test "a narrower sweep leaves the other timing's tables" {
  sweep --reps 1 t000
  sweep --reps 2 --timing live t000
  exits 0
  says "3 runs to do: 0 exact, 3 live"
  (($(grep -c ,exact,tcg,1, "$PIPELAB_RUNS/../t000_metrics.csv") == 3))
  (($(grep -c ,live,tcg,2, "$PIPELAB_RUNS/../t000_metrics.csv") == 3))
}

# bats test_tags=slow
@test "--dry-run writes nothing" {
  sweep --reps 1 t000
  local before
  before=$(cd "$BATS_TEST_TMPDIR" && find . -type f -exec sha256sum {} + | sort)
  export TMPDIR=$BATS_TEST_TMPDIR/tmp
  mkdir "$TMPDIR"
  sweep --reps 2 --duration 7 --dry-run t000
  exits 0
  ((${#lines[@]} == 13))
  says "12 runs to do: 6 exact, 6 live"
  [[ -z $(ls -A "$TMPDIR") ]]
  [[ $(cd "$BATS_TEST_TMPDIR" && find . -type f -exec sha256sum {} + | sort) == "$before" ]]
  PIPELAB_RUNS=$BATS_TEST_TMPDIR/new/runs sweep --dry-run t000
  [[ ! -e $BATS_TEST_TMPDIR/new ]]
}

# bats test_tags=slow
@test "kvm and tcg are different runs" {
  # A host on which the probe guest boots with KVM, and one where it does not.
  mkdir -p "$BATS_TEST_TMPDIR"/{kvm/src,tcg}
  cp -r "$ROOT"/{qemu,scripts,scenarios} "$BATS_TEST_TMPDIR/kvm"
  cp -r "$ROOT/src/workloads" "$BATS_TEST_TMPDIR/kvm/src/"
  mkdir -p "$BATS_TEST_TMPDIR/kvm/build/host" && ln -s "$ROOT/build/host/turnstile.so" "$BATS_TEST_TMPDIR/kvm/build/host/"
  printf '#!/bin/sh\necho kvm\n' >"$BATS_TEST_TMPDIR/kvm/qemu/probe_kvm.sh"
  cp -r "$BATS_TEST_TMPDIR/kvm"/* "$BATS_TEST_TMPDIR/tcg"
  printf '#!/bin/sh\necho tcg\n' >"$BATS_TEST_TMPDIR/tcg/qemu/probe_kvm.sh"
  local host
  for host in tcg kvm; do
    run "$BATS_TEST_TMPDIR/$host/scripts/run_scenarios.sh" --reps 1 t000
    exits 0
    says "live runs on $host"
    (($(grep -c ",live,$host,1," "$PIPELAB_RUNS/../t000_metrics.csv") == 3))
    (($(grep -c ,live, "$PIPELAB_RUNS/../t000_metrics.csv") == 3))
  done
  (($(finished) == 9)) # the exact runs are the same
}

# bats test_tags=slow
@test "live runs are alone, exact runs are not" {
  sweep --reps 1 --jobs 2 --dry-run t000
  exits 0
  ((${#lines[@]} == 7))
  [[ ${lines[0]} == *icount* && ${lines[3]} == *thread=multi* ]]
  (($(finished) == 0))
}

@test "a failing run leaves its reason and console log, and the others go on" {
  FAKE_GUEST=panic sweep --reps 1 --timing exact t000
  exits 1
  says "guest-panicked"
  (($(finished) == 0))
  local failed
  failed=$(echo "$PIPELAB_RUNS"/failed/t000.baseline.aarch64.exact.s1.*)
  grep -q "Kernel panic" "$failed/console.log"
  grep -q "guest-panicked: Kernel panic" "$failed/reason.txt"
  sweep --reps 1 --timing exact t000
  exits 0
  (($(finished) == 3))
}

# bats test_tags=slow
@test "killed at any moment, the same command finishes and counts nothing twice" {
  export FAKE_LOG=$BATS_TEST_TMPDIR/boots FAKE_SECONDS=0.3
  local moment
  for moment in 0.5 0.9 1.4 2.0; do
    "$ROOT/scripts/run_scenarios.sh" --reps 2 t000 3>&- &
    sleep "$moment"
    kill -KILL $!
    wait $! || true
  done
  FAKE_SECONDS=30 "$ROOT/scripts/run_scenarios.sh" --reps 4 t000 3>&- &
  sleep 1.5
  kill -KILL $!
  wait $! || true
  sleep 0.5 # nothing that it started may go on after it
  [[ -z $(pgrep -f "$BATS_TEST_TMPDIR" || true) ]]
  sweep --reps 2 t000
  exits 0
  (($(finished) == 12))
  [[ -z $(find "$PIPELAB_RUNS" -name '.partial*') ]]
  (($(tail -n +2 "$PIPELAB_RUNS/../t000_raw.csv" | cut -d, -f1 | sort -u | wc -l) == 12))
  (($(wc -l <"$PIPELAB_RUNS/../t000_raw.csv") == 13))
}

@test "Ctrl-C keeps what is done and says how to go on" {
  FAKE_SECONDS=0.3 "$ROOT/scripts/run_scenarios.sh" --reps 2 t000 2>"$BATS_TEST_TMPDIR/log" 3>&- &
  until (($(finished) > 0)); do sleep 0.1; done
  kill -TERM $!
  local code=0
  wait $! || code=$?
  ((code == 143))
  grep -q "interrupted; finished runs are kept" "$BATS_TEST_TMPDIR/log"
  (($(finished) > 0))
}

# bats test_tags=slow
@test "a second sweep in a folder waits for the first, and Ctrl-C ends it" {
  mkdir -p "$PIPELAB_RUNS"
  flock "$PIPELAB_RUNS/.lock" sleep 2 8>&- 3>&- &
  sleep 0.5
  sweep --reps 1 --timing exact t000
  exits 0
  says "pipelab: waiting for the end of another process, which has $PIPELAB_RUNS"
  says "3 runs to do"
  flock "$PIPELAB_RUNS/.lock" sleep 5 8>&- 3>&- &
  sleep 0.5
  run timeout --foreground --preserve-status --signal=INT 2 env --default-signal=INT "$ROOT/scripts/run_scenarios.sh" --reps 1 --timing exact t000
  wait
  says "waiting for the end of run_scenarios.sh (process "
  says "interrupted; finished runs are kept"
  exits 130
}

# bats test_tags=slow
@test "runs that cannot be written to are told in one line, with the remedy" {
  mkdir -p "$PIPELAB_RUNS/.lock" # a file is wanted there: root may write to whatever is only read-only
  sweep t000
  exits 1
  says "pipelab: $PIPELAB_RUNS: cannot be written to: mend its permissions, or free some space"
  ((${#lines[@]} == 1))
  rm -r "$PIPELAB_RUNS" && touch "$PIPELAB_RUNS"
  sweep t000
  exits 1
  says "pipelab: $PIPELAB_RUNS: cannot be made: mend its permissions, or free some space"
  ((${#lines[@]} == 1))
}

# bats test_tags=slow
@test "a damaged run stops the sweep with its remedy, before anything else is touched" {
  sweep --reps 1 t000
  local results folder
  results=$(sha256sum "$PIPELAB_RUNS"/../t000_*)
  folder=$(dirname "$(grep -l '"t000/baseline"' "$PIPELAB_RUNS"/aarch64.exact.s1.*/run.json)")
  truncate -s 100 "$folder/samples.csv"
  sweep --reps 2 t000
  exits 1
  says "$folder/samples.csv: is cut or grown"
  says "rm -r $folder"
  ((${#lines[@]} == 1))
  [[ $(sha256sum "$PIPELAB_RUNS"/../t000_*) == "$results" ]]
}

@test "bad arguments get one line and exit code 2" {
  local arguments
  for arguments in "" "--target amiga t000" "--timing slow t000" "--reps 0 t000" "--reps x t000" "--seed -1 t000" \
    "--duration 0 t000" "--duration inf t000" "--duration 7200 t000" "--seed 4294967296 t000" \
    "--seed 4294967295 t000" "--jobs 0 t000" "--bogus t000" "nosuch" "../t000" "--smp 0 t000" "--smp 1 t000" \
    "--numa 4 t000" "--memory x t000" "--kernel-args -- t000" "--accelerator hvf t000" "--pin-vcpus 1 t000"; do
    # shellcheck disable=SC2086
    sweep $arguments
    exits 2
    ((${#lines[@]} == 1))
  done
  sweep --reps 0 t000
  [[ $output == "pipelab: --reps: '0' is not valid: give an integer from 1 to 1000" ]]
  sweep --seed 4294967295 t000
  says "pipelab: --seed: the last of 6 replicates would have seed 4294967300, and 4294967295 is the largest"
  sweep --duration 7200 t000
  says "pipelab: --duration: 7200 s is too long"
  sweep nosuch
  says "nosuch.toml: there is no such suite: give one of"
}

# bats test_tags=slow
@test "the guest that was asked for is booted, kept, told, and another run than the usual one" {
  export FAKE_LOG=$BATS_TEST_TMPDIR/boots
  sweep --reps 1 --timing exact t000
  sweep --reps 1 --timing exact --kernel-args "isolcpus=1 nohz_full=1" --smp 4 --memory 1024 --numa 2 t000
  exits 0
  (($(finished) == 6 && $(wc -l <"$FAKE_LOG") == 6))
  (($(grep -c -e "-m 1024 .*-numa node,nodeid=1,.*-smp 4 .*nokaslr earlycon cryptomgr.notests isolcpus=1 nohz_full=1 -- cpus=4 run" "$FAKE_LOG") == 3))
  (($(grep -l '"kernel_args": "isolcpus=1 nohz_full=1"' "$PIPELAB_RUNS"/*/run.json | wc -l) == 3))
  (($(grep -c ,exact, "$PIPELAB_RUNS/../t000_metrics.csv") == 3))
  grep -q '4 CPUs, 1024 MB, 2 NUMA nodes, Linux fake `isolcpus=1 nohz_full=1`' "$PIPELAB_RUNS/../t000.md"
  grep -q 'KERNEL_ARGS="isolcpus=1 nohz_full=1" SMP=4 MEMORY=1024 NUMA=2 RESULTS=' "$PIPELAB_RUNS/../t000.md"
}

# bats test_tags=slow
@test "runs that two suites of a sweep ask for are made once and belong to both, whatever comes between" {
  printf '[scenario.a]\n[scenario.again]\n' >"$BATS_TEST_TMPDIR/one.toml"
  printf '[scenario.c]\n' >"$BATS_TEST_TMPDIR/two.toml"
  local suites=("$BATS_TEST_TMPDIR/one.toml" "$BATS_TEST_TMPDIR/two.toml")
  sweep --reps 2 --timing live --dry-run "${suites[@]}"
  says "4 runs to do: 0 exact, 4 live"
  FAKE_SECONDS=0.5 "$ROOT/scripts/run_scenarios.sh" --reps 2 --timing live "${suites[@]}" 3>&- &
  until (($(finished) > 1)); do sleep 0.1; done
  kill -KILL $!
  wait $! || true
  [[ -z $(grep -lzE '"asked_for_by": \[\s*"(one/a|two/c)"\s*\]' "$PIPELAB_RUNS"/*/run.json) ]]
  grep -l '"two/c"' "$PIPELAB_RUNS"/*/run.json | head -n 1 | xargs -r dirname | xargs -r rm -r
  FAKE_GUEST=panic sweep --reps 2 --timing live "${suites[@]}"
  exits 1
  says "; two/c asked for this run too"
  grep -q "guest-panicked: Kernel panic" "$PIPELAB_RUNS"/failed/one.a.aarch64.live.r*/reason.txt
  grep -q "It shares this run with one/a: see " "$PIPELAB_RUNS"/failed/two.c.aarch64.live.r*/reason.txt
  sweep --reps 2 --timing live "${suites[@]}"
  exits 0
  (($(finished) == 4))
  [[ -z $(ls -A "$PIPELAB_RUNS/failed") ]]
  (($(grep -lzE '"asked_for_by": \[\s*"one/a",\s*"two/c"\s*\]' "$PIPELAB_RUNS"/aarch64.live.r[12].*/run.json | wc -l) == 2))
  (($(grep -lzE '"asked_for_by": \[\s*"one/again"\s*\]' "$PIPELAB_RUNS"/aarch64.live.r[12].twin2.*/run.json | wc -l) == 2))
  [[ $(grep -o '^aarch64.live[^,]*,two,c,' "$PIPELAB_RUNS/../two_raw.csv" | cut -d, -f1) == \
    $(grep -o '^aarch64.live[^,]*,one,a,' "$PIPELAB_RUNS/../one_raw.csv" | cut -d, -f1) ]]
  sweep --reps 2 --timing live "${suites[@]}"
  says "all runs are there already"
}

@test "an exact run that two suites ask for is made once and belongs to both" {
  export FAKE_LOG=$BATS_TEST_TMPDIR/boots
  sweep --reps 1 --timing exact t000
  sweep --reps 1 --timing exact t000/baseline t001/baseline-1000us
  exits 0
  says "all runs are there already"
  (($(finished) == 3 && $(wc -l <"$FAKE_LOG") == 3))
  grep -zqE '"asked_for_by": \[\s*"t000/baseline",\s*"t001/baseline-1000us"\s*\]' "$PIPELAB_RUNS"/aarch64.exact.s1.*/run.json
  grep -q '^aarch64.exact.s1.[0-9a-f]*,t001,baseline-1000us,' "$PIPELAB_RUNS/../t001_raw.csv"
  [[ $(cut -d, -f1 "$PIPELAB_RUNS/../t000_raw.csv") == *"$(sed -n 2p "$PIPELAB_RUNS/../t001_raw.csv" | cut -d, -f1)"* ]]
}

# bats test_tags=slow
@test "a kernel that has no image is named with its remedy, and an unknown one beside those that are" {
  sweep --kernel rt t000
  exits 1
  says "image.tsv: is not there: run 'make image TARGET=aarch64 KERNEL=rt'"
  sweep --kernel amiga t000
  exits 2
  says "kernel: 'amiga' is not one of aarch64: give one of cloud standard rt, or the file of a kernel"
}

# bats test_tags=slow
@test "a suite may be given as its file, and twice" {
  sweep --reps 1 --timing exact scenarios/t000.toml t000 "$ROOT/scenarios/t000.toml"
  exits 0
  (($(finished) == 3))
  says "3 runs to do"
}

# bats test_tags=slow
@test "a missing image is named with its remedy" {
  rm -r "$PIPELAB_BUILD"
  sweep t000
  exits 1
  says "run 'make image TARGET=aarch64'"
}

# bats test_tags=slow
@test "a row can be run alone, as a job array does" {
  sweep --reps 1 --plan-only t000
  exits 0
  (($(finished) == 0))
  run "$ROOT/scripts/run_one.sh" "$PIPELAB_RUNS/sweep.jsonl" 2
  exits 0
  (($(finished) == 1))
  run "$ROOT/scripts/run_one.sh" "$PIPELAB_RUNS/sweep.jsonl" 99
  exits 2
  says "there is no row 99"
}

# bats test_tags=slow
@test "a suite of anywhere is judged by its own file, also when the report is made again" {
  mkdir "$BATS_TEST_TMPDIR/mine"
  printf '%s\n' 'title = "Mine"' 'margin = 0.5' 'baseline = "b"' '[scenario.a]' 'duration = 0.1' '[scenario.b]' 'duration = 0.2' \
    >"$BATS_TEST_TMPDIR/mine/own.toml"
  run "$ROOT/scripts/run_scenarios.sh" --timing exact --reps 1 "$BATS_TEST_TMPDIR/mine/own.toml"
  exits 0
  local again
  for again in 1 2; do
    grep -q '"baselines": {' "$PIPELAB_RUNS/../own_environment.json"
    grep -q '"margin": 0.5' "$PIPELAB_RUNS/../own_environment.json"
    grep -q "make run-scenarios SUITE=$BATS_TEST_TMPDIR/mine/own.toml TARGET=aarch64" "$PIPELAB_RUNS/../own.md"
    PYTHONPATH=$ROOT/scripts /usr/bin/python3 -m lab report --runs "$PIPELAB_RUNS" --result-data "$PIPELAB_RUNS/.." \
      --page "$BATS_TEST_TMPDIR/results.md"
  done
}

@test "two rows that share a run do not disturb each other where each is a job of its own" {
  printf '[scenario.one]\nprod-interval-us = 1000\n[scenario.two]\nprod-interval-us = 1000\n' >"$BATS_TEST_TMPDIR/twins.toml"
  sweep --reps 1 --timing exact --plan-only "$BATS_TEST_TMPDIR/twins.toml"
  FAKE_SECONDS=1 "$ROOT/scripts/run_one.sh" "$PIPELAB_RUNS/sweep.jsonl" 1 3>&- &
  FAKE_SECONDS=1 "$ROOT/scripts/run_one.sh" "$PIPELAB_RUNS/sweep.jsonl" 2
  wait $!
  (($(finished) == 1))
  "$ROOT/scripts/run_one.sh" "$PIPELAB_RUNS/sweep.jsonl" 1
  "$ROOT/scripts/run_one.sh" "$PIPELAB_RUNS/sweep.jsonl" 2
  grep -q '"twins/one"' "$PIPELAB_RUNS"/aarch64.*/run.json
  grep -q '"twins/two"' "$PIPELAB_RUNS"/aarch64.*/run.json
  [[ ! -e $PIPELAB_RUNS/failed || -z $(ls -A "$PIPELAB_RUNS/failed") ]]
}
