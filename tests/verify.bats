#!/usr/bin/env bats
# bats file_tags=slow
# Exact results made again: the same, not the same, or not tested; with a QEMU that only pretends.

load fake_guest

# Makes results, and a `make` that makes no images.
prepare() {
  "$ROOT/scripts/run_scenarios.sh" --reps 2 t000
  mkdir "$BATS_TEST_TMPDIR/bin"
  printf '#!/bin/sh\necho "$@" >>"%s"\n' "$BATS_TEST_TMPDIR/made" >"$BATS_TEST_TMPDIR/bin/make"
  chmod +x "$BATS_TEST_TMPDIR/bin/make"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH
  RESULTS=$PIPELAB_RUNS/..
}

verify() { run "$ROOT/scripts/verify.sh" "$@"; }

@test "the exact runs are made again, in a folder of their own, and are the same" {
  prepare
  export FAKE_LOG=$BATS_TEST_TMPDIR/boots
  local before
  before=$(cd "$RESULTS" && find . -type f -exec sha256sum {} + | sort)
  verify t000
  exits 0
  says "t000: 6 exact runs came out the same, byte for byte"
  (($(wc -l <"$FAKE_LOG") == 6 && $(grep -c icount "$FAKE_LOG") == 6))
  grep -q "image TARGET=aarch64" "$BATS_TEST_TMPDIR/made"
  [[ $(cd "$RESULTS" && find . -type f -exec sha256sum {} + | sort) == "$before" ]]
  verify t000 # again, and not what is left of the first time
  (($(wc -l <"$FAKE_LOG") == 12))
}

@test "a figure that came out otherwise ends with 3 and is named" {
  prepare
  sed -i '/,exact,/s/,2000,/,2001,/' "$RESULTS/t000_raw.csv"
  sed -i '/,exact,.*r1/!s/^\(baseline,\)[0-9.]*/\19.999999/' "$RESULTS/t000_metrics.csv"
  verify t000
  exits 3
  says "t000_metrics.csv: baseline on aarch64: latency_p50_ms was 9.999999, is "
}

@test "another QEMU means that nothing was tested, which is said and ends with 5" {
  prepare
  sed -i 's/^qemu_version\tfake/qemu_version\tnewer/' "$PIPELAB_BUILD/image/aarch64/image.tsv"
  export FAKE_LOG=$BATS_TEST_TMPDIR/boots
  verify t000
  exits 5
  says "t000: not tested, since it was made with something else: QEMU: fake then, newer now"
  [[ ! -e $FAKE_LOG ]]
}

@test "results that are not there are named, and a run that fails is no verdict" {
  prepare
  verify nosuch
  exits 2
  says "has no results of nosuch: give one of t000"
  FAKE_GUEST=panic verify t000
  exits 1
  says "guest-panicked"
}

@test "verify keeps out of the folder of another, takes whole suites, and can put the host under load" {
  prepare
  # PIPELAB_BUILD has what is made again.
  mkdir -p "$PIPELAB_BUILD/verify/result_data/runs"
  touch "$PIPELAB_BUILD/verify/result_data/runs/kept"
  (flock 8 && sleep 2 && [[ -e $PIPELAB_BUILD/verify/result_data/runs/kept ]] && touch "$BATS_TEST_TMPDIR/it_was_kept") \
    8>"$PIPELAB_BUILD/verify/result_data/runs/.lock" 3>&- &
  sleep 0.5
  verify t000
  exits 0
  says "waiting for the end of another process, which has $PIPELAB_BUILD/verify/result_data/runs"
  [[ -e $BATS_TEST_TMPDIR/it_was_kept && ! -e $PIPELAB_BUILD/verify/result_data/runs/kept ]]
  verify t000/baseline
  exits 2
  says "t000/baseline: only whole suites are verified: give t000"
  export FAKE_LOG=$BATS_TEST_TMPDIR/boots
  verify --stress t000
  exits 0
  says "t000: 6 exact runs came out the same, byte for byte in all files that the program left"
  says ", beside 8 busy processes"
  says ", with tb-size=1024"
  (($(wc -l <"$FAKE_LOG") == 18 && $(grep -c tb-size=64 "$FAKE_LOG") == 6 && $(grep -c tb-size=1024 "$FAKE_LOG") == 6))
}
