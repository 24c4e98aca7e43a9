#!/usr/bin/env bats
# bats file_tags=slow
# A market-data feed, in real guests.

load fake_guest

setup() {
  ROOT=$BATS_TEST_DIRNAME/..
  OUT=$BATS_TEST_TMPDIR/out
}

feed() { # NAME OPTION...
  "$ROOT/qemu/run_vm.sh" --timing exact --seed 1 --smp 2 --out "$OUT/$1" -- \
    pipelab feed --warmup 0.02 --out . "${@:2}"
}

# The value of KEY in the stats.csv of a run.
value() { # NAME KEY
  sed -n "s/^$2,//p" "$OUT/$1/out/stats.csv"
}

@test "exact timing: a feed leaves the same bytes twice, over sockets and over shared memory" {
  local options name
  for options in "--transport unix --clients 20 --client-loops 2 --pattern constant:10k" \
    "--transport tcp --clients 20 --pattern constant:10k" "--transport shm --prod-interval-us 0" \
    "--transport shm --clients 20 --batch 200us --pattern constant:10k" \
    "--transport unix --clients 5 --fault kill-server@0.02 --pattern constant:10k"; do
    rm -rf "$OUT"
    for name in first again; do
      # shellcheck disable=SC2086  # words of options
      feed "$name" --duration 0.05 --display-ms 5 $options
    done
    diff -r "$OUT/first/out" "$OUT/again/out"
    (($(value first items) > 400))
  done
  (($(value first reconnects) == 5 && $(value first snapshot_messages) > 0))
}

@test "500 clients have their messages in a guest" {
  feed many --duration 0.05 --pattern constant:1k --clients 500 --transport tcp
  (($(value many items) == 500 * 50 && $(value many missing) == 0))
}

@test "what a slow client does not get is counted, and the others have all" {
  local policy
  for policy in drop conflate disconnect; do
    feed "$policy" --duration 0.4 --pattern constant:4k --clients 5 --fault stuck@0.1 --slow-policy "$policy" --out-limit 4096
    (($(value "$policy" items) == 4 * 1600))
  done
  (($(value drop dropped) > 0 && $(value drop missing) == $(value drop dropped)))
  (($(value conflate conflated) > 0 && $(value conflate missing) == $(value conflate conflated)))
  (($(value disconnect disconnects) > 0 && $(value disconnect reconnects) == 1))
}
