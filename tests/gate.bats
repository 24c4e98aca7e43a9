#!/usr/bin/env bats
# bats file_tags=slow
# Gates on the command line: their exit codes, and what they say about wrong usage.

load fake_guest

gate() { run "$ROOT/scripts/gate.sh" "$@"; }
ab() { run "$ROOT/scripts/ab.sh" "$@"; }

# A folder of results, which a guest that only pretends has left.
results() { # NAME
  PIPELAB_RUNS=$BATS_TEST_TMPDIR/$1/runs "$ROOT/scripts/run_scenarios.sh" --timing exact --reps 4 t000
  echo "$BATS_TEST_TMPDIR/$1"
}

@test "--help of the gates" {
  gate --help
  exits 0
  says "5 inconclusive"
  ab --help
  exits 0
  says "usage: scripts/ab.sh"
  says "--base GIT-REV"
}

@test "a gate needs a base that is there" {
  local before
  before=$(results before)
  gate --new "$before"
  exits 2
  says "--base"
  gate --new "$before" --base ""
  exits 2
  says "is neither a folder nor a git revision"
  gate --new "$before" --base "$BATS_TEST_TMPDIR/nowhere"
  exits 2
  ((${#lines[@]} == 1))
  gate --new "$BATS_TEST_TMPDIR/nowhere" --base "$before"
  exits 2
  says "has no <suite>_raw.csv"
  gate --new "$before" --base "$before" --allow everything
  exits 2
  says "'everything' is not valid: give one of kernel"
}

@test "the same results are good, and slower ones are not" {
  local before
  before=$(results before)
  gate --base "$before" --new "$before" --junit "$BATS_TEST_TMPDIR/gate.xml" --markdown "$BATS_TEST_TMPDIR/gate.md"
  exits 0
  says "good: nothing is worse"
  [[ $(<"$BATS_TEST_TMPDIR/gate.md") == "$output" ]]
  grep -q '<testsuite name="t000.aarch64.exact.tcg"' "$BATS_TEST_TMPDIR/gate.xml"
  cp -r "$before" "$BATS_TEST_TMPDIR/after"
  # Ten times the median latency in each run of one scenario.
  awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "latency_p50_ns") p50 = i }
    NR > 1 && $3 == "affinity" { $p50 = 10 * $p50 + 10 } 1' "$before/t000_raw.csv" >"$BATS_TEST_TMPDIR/after/t000_raw.csv"
  gate --base "$before" --new "$BATS_TEST_TMPDIR/after"
  exits 3
  says "| affinity | latency p50 |"
}

@test "A against B: wrong usage" {
  ab t000
  exits 2
  says "pipelab: --base: is not given for t000: give a git revision such as main or HEAD~1, or builds in the suite"
  ab --base HEAD
  exits 2
  says "arguments are required: SUITE: see --help"
  ab --base nowhere t000
  exits 2
  says "'nowhere' is no git revision"
  ab --base HEAD --jobs 0 t000
  exits 2
  ab --base HEAD --target pdp11 t000
  exits 2
  says "unknown target 'pdp11'"
  ab --base HEAD --reps
  exits 2
  says "--reps: needs a value"
  [[ ! -e $PIPELAB_BUILD/ab ]]
}

@test "A against B runs both builds in turns, and goes on where it was" {
  export PIPELAB_AB_BASE_BUILD="$BATS_TEST_TMPDIR/other build" FAKE_LOG=$BATS_TEST_TMPDIR/boots
  cp -r "$PIPELAB_BUILD" "$PIPELAB_AB_BASE_BUILD"
  sed -i 's/\(initrd_sha256\t\).*/\1other/' "$PIPELAB_AB_BASE_BUILD/image/aarch64/image.tsv"
  ab --base HEAD --timing exact --reps 2 --dry-run t000
  exits 0
  ((${#lines[@]} == 14))
  [[ ! -e $FAKE_LOG && ! -e $PIPELAB_BUILD/ab ]]
  ab --base HEAD --timing exact --reps 2 --jobs 1 t000
  exits 0
  says "good: nothing is worse"
  (($(wc -l <"$FAKE_LOG") == 12))
  # Neither build is run as a block.
  (($(grep -o -e "-initrd [^ ]*" "$FAKE_LOG" | uniq | wc -l) > 3))
  rm "$FAKE_LOG"
  ab --base HEAD --timing exact --reps 2 t000
  exits 0
  [[ ! -e $FAKE_LOG ]]
}
