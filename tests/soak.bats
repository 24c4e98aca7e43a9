#!/usr/bin/env bats
# bats file_tags=slow
# The soak of real guests, a short one, and that it would say what is wrong.

load fake_guest

setup() { :; }

@test "every item comes whole, once and in order, in each queue, wait and full policy, on 2 and 4 CPUs" {
  local seeds=${PIPELAB_THOROUGH:+5}
  run "$BATS_TEST_DIRNAME/soak.sh" "${seeds:=1}"
  exits 0
  says "$((2 * seeds)) of $((2 * seeds)) guests good: "
}

@test "the soak ends at the first run that is wrong" {
  local program=$BATS_TEST_TMPDIR/pipelab
  # shellcheck disable=SC2016  # for the program to expand
  printf '%s\n' '#!/bin/sh' 'case "$*" in *zero-copy*) echo 3 items came torn; exit 1 ;; esac' \
    'echo produced,5 >stats.csv' >"$program"
  chmod +x "$program"
  cd "$BATS_TEST_TMPDIR"
  PATH=$BATS_TEST_TMPDIR:$PATH run sh "$BATS_TEST_DIRNAME/soak_guest.sh" 7
  exits 1
  says "seed 7: pipelab --wait spin --on-full drop --queue spsc --prod-interval-us 0 --queue-cap 3 --zero-copy: 3 items came torn"
}

@test "the soak refuses what is no number of seeds" {
  run "$BATS_TEST_DIRNAME/soak.sh" many
  exits 2
  says "SEEDS: 'many' is not valid"
}
