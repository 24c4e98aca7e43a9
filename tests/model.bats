#!/usr/bin/env bats
# bats file_tags=slow
# The ring's protocol, and how an event loop is woken, checked by Spin; and that the check finds each rule that is broken.

load fake_guest

check() { run "$ROOT/tests/model/check.sh" "$@"; }

holds() { # VARIANT CAPACITY [BATCH [PLACES]]
  check "$@"
  exits 0
  [[ $output == "ok: "* ]]
}

# Each VARIANT at CAPACITY is found to do what TEXT says.
violates() { # TEXT CAPACITY BATCH VARIANT...
  local text=$1 capacity=$2 batch=$3 variant
  shift 3
  for variant; do
    check "$variant" "$capacity" "$batch"
    exits 1
    [[ $output == "violated: $text" ]] || {
      echo "$variant, capacity $capacity: $output"
      return 1
    }
  done
}

@test "counts in each block of 2 slots, capacity 1" { holds eager 1; }
@test "counts in each block of 2 slots, capacity 2" { holds eager 2; }
@test "counts in each block of 2 slots, capacity 3" { holds eager 3; }

@test "counts in each slot, capacity 2" { holds eager 2 2 1; }
@test "counts in each slot, capacity 3" { holds eager 3 2 1; }
@test "counts of all slots, capacity 3" { holds eager 3 2 3; }

@test "published every 2 items, capacity 1" { holds batched 1 2; }
@test "published every 2 items, capacity 2" { holds batched 2 2; }
# bats test_tags=thorough
@test "published every 2 items, capacity 3" { holds batched 3 2; }

@test "published after more items than there are slots, capacity 2" { holds batched 2 3; }
# bats test_tags=thorough
@test "published after more items than there are slots, capacity 3" { holds batched 3 4; }

@test "found: a fence is missing, and a wake-up is lost" {
  for capacity in 1 2 ${PIPELAB_THOROUGH:+3}; do
    violates "somebody sleeps for ever" "$capacity" 2 no-fence batched-no-fence
  done
  violates "somebody sleeps for ever" 2 2 no-park-fence no-wake-fence
}

@test "found: wake() leaves the word at 1, and a wake-up is lost" {
  violates "somebody sleeps for ever" 1 2 no-exchange
}

@test "found: more wake-up calls than sleeps" {
  violates "more than one wake-up call for a sleep" 1 2 always-call
}

@test "found: the count is seen before the value" {
  for capacity in 1 2 ${PIPELAB_THOROUGH:+3}; do
    violates "an item is torn, lost, or out of order" "$capacity" 2 count-first count-relaxed
  done
}

@test "found: the producer believes that too much is free" {
  check ahead-too-far 3 2 1
  exits 1
  [[ $output == "violated: an item is torn, lost, or out of order" ]]
}

@test "found: the slot is freed before its value is read" {
  violates "an item is torn, lost, or out of order" 2 2 free-first
}

@test "found: the last items are lost at the end of the stream" {
  violates "the consumer stops before the last item" 2 2 no-last-look no-flush-on-close close-first
}

@test "found: both sides wait for what the other has not published" {
  violates "somebody sleeps for ever" 1 2 no-flush-on-full no-flush-on-empty
  violates "no more items arrive, though all have their turns" 1 2 spin-no-flush
}

@test "found: a flush without its wake-up" {
  violates "somebody sleeps for ever" 1 2 no-wake-on-full no-wake-on-empty
}

@test "many producers wake one loop, which sleeps in a futex or an eventfd" {
  local producers
  for producers in 1 ${PIPELAB_THOROUGH:+2}; do
    holds waker "$producers"
    holds waker-rings "$producers"
  done
}

@test "found: a wake-up of the loop is lost, whichever rule is broken" {
  local rule
  for rule in no-sleep-fence no-wake-fence relaxed no-recheck flag-late; do
    violates "somebody sleeps for ever" 2 2 "waker-$rule" "waker-rings-$rule"
  done
  violates "somebody sleeps for ever" 1 2 waker-no-exchange
}

@test "the check explains itself, and refuses what it cannot check" {
  check --help
  exits 0
  says "usage: "
  local arguments
  for arguments in "dance 1" "eager" "eager 0" "eager 1 x"; do
    # shellcheck disable=SC2086
    check $arguments
    exits 2
    ((${#lines[@]} == 1))
  done
}
