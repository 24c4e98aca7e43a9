#!/usr/bin/env bats
# bats file_tags=slow
# Requests to a server, in real guests.

load fake_guest

setup() {
  ROOT=$BATS_TEST_DIRNAME/..
  OUT=$BATS_TEST_TMPDIR/out
}

ask() { # NAME OPTION...
  "$ROOT/qemu/run_vm.sh" --timing exact --seed 1 --smp 2 --out "$OUT/$1" -- \
    pipelab rpc --duration 0.05 --warmup 0.02 --out . "${@:2}"
}

# The value of KEY in the stats.csv of a run.
value() { # NAME KEY
  sed -n "s/^$2,//p" "$OUT/$1/out/stats.csv"
}

@test "exact timing: requests over rings leave the same bytes twice, in a closed loop and on a pattern" {
  local load name
  for load in "--prod-interval-us 0" "--pattern spike:5k,20k@10ms --arrival poisson"; do
    rm -rf "$OUT"
    for name in first again; do
      # shellcheck disable=SC2086  # words of options
      ask "$name" $load --peer process
    done
    diff -r "$OUT/first/out" "$OUT/again/out"
    (($(value first items) > 100 && $(value first failed) == 0))
  done
}

@test "every transport and parser works in a guest, where no network has been started" {
  local transport parser
  for transport in rings pipe unix tcp; do
    ask "$transport" --prod-interval-us 0 --transport "$transport" --peer process
    (($(value "$transport" items) > 50 && $(value "$transport" failed) == 0))
  done
  for parser in simdjson rapidjson none; do
    ask "$parser" --prod-interval-us 0 --parser "$parser" --batch 4
    (($(value "$parser" items) > 50 && $(value "$parser" failed) == 0))
  done
}

@test "exact timing: a thousand connections over TCP, and a server that dies, leave the same bytes twice" {
  local options name
  for options in "--transport tcp --connections 1000 --window 2000 --pattern constant:10k" \
    "--transport unix --connections 20 --fault kill-server@0.02 --pattern constant:10k"; do
    rm -rf "$OUT"
    for name in first again; do
      # shellcheck disable=SC2086  # words of options
      ask "$name" $options --peer process
    done
    diff -r "$OUT/first/out" "$OUT/again/out"
    (($(value first items) + $(value first lost) + $(value first missed) == 500))
  done
  (($(value first lost) > 0))
}

@test "every pool and every correlation works in a guest" {
  local pool correlate
  for pool in return-ring shared-stack malloc mimalloc; do
    ask "$pool" --prod-interval-us 0 --pool "$pool"
    (($(value "$pool" items) > 50 && $(value "$pool" failed) == 0))
  done
  for correlate in slots map sharded tbb; do
    ask "$correlate" --prod-interval-us 0 --correlate "$correlate"
    (($(value "$correlate" items) > 50 && $(value "$correlate" failed) == 0))
  done
}
