#!/usr/bin/env bats
# bats file_tags=slow
# A signal to a script alone, not to its process group, ends it at once, and its guest; with a QEMU that only pretends.

load fake_guest

# A `make` that makes nothing, as all images are there, and a folder for what scripts leave for a while.
prepare() {
  mkdir -p "$BATS_TEST_TMPDIR"/{bin,tmp}
  printf '#!/bin/sh\n' >"$BATS_TEST_TMPDIR/bin/make"
  chmod +x "$BATS_TEST_TMPDIR/bin/make"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH
  touch "$PIPELAB_BUILD"/image/aarch64/initrd-perf.cpio
  export TMPDIR=$BATS_TEST_TMPDIR/tmp
}

# Names the processes that the script started, by what only they were given.
started() { grep -lsaF "FAKE_LOG=$BATS_TEST_TMPDIR/boots" /proc/[0-9]*/environ | cut -d/ -f3; }

# Starts SCRIPT, and when its guest runs sends each signal to it alone; the guest would run for long.
ends_at_once() { # SCRIPT ARGUMENT...
  local signal code expected script began
  for signal in INT TERM; do
    rm -f "$BATS_TEST_TMPDIR/boots"
    # bats has SIGINT ignored in what it starts in the background.
    FAKE_GUEST=hang FAKE_LOG=$BATS_TEST_TMPDIR/boots env --default-signal=INT "$ROOT/$1" "${@:2}" \
      >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
    script=$!
    until [[ -s $BATS_TEST_TMPDIR/boots ]]; do
      kill -0 "$script" || { cat "$BATS_TEST_TMPDIR/said" && return 1; }
      sleep 0.1
    done
    [[ -n $(started) ]]
    began=${EPOCHREALTIME/./}
    kill -"$signal" "$script"
    code=0 expected=130
    wait "$script" || code=$?
    [[ $signal == INT ]] || expected=143
    echo "$1, SIG$signal: code $code, $(((${EPOCHREALTIME/./} - began) / 1000)) ms, said: $(<"$BATS_TEST_TMPDIR/said")"
    ((code == expected && ${EPOCHREALTIME/./} - began < 4000000))
    sleep 0.3
    echo "still there: $(started)"
    [[ -z $(started) ]]
    [[ -z $(ls -A "$TMPDIR") ]]
    ! grep -q Terminated "$BATS_TEST_TMPDIR/said"
  done
}

@test "run_scenarios.sh, which keeps what is done" {
  prepare
  "$ROOT/scripts/run_scenarios.sh" --reps 1 --timing exact t000
  ends_at_once scripts/run_scenarios.sh --reps 1 --timing "exact live" t000
  grep -q "interrupted; finished runs are kept" "$BATS_TEST_TMPDIR/said"
  (($(find "$PIPELAB_RUNS" -name run.json | wc -l) == 3))
}

@test "capacity.sh" {
  prepare
  ends_at_once scripts/capacity.sh --slo "drop_rate=1" --reps 1 t000/baseline
  grep -q "interrupted; finished runs are kept" "$BATS_TEST_TMPDIR/said"
}

@test "ab.sh" {
  prepare
  PIPELAB_AB_BASE_BUILD=$PIPELAB_BUILD ends_at_once scripts/ab.sh --base HEAD --reps 1 --timing exact t000
  grep -q "interrupted; finished runs are kept" "$BATS_TEST_TMPDIR/said"
}

@test "matrix.sh" {
  prepare
  ends_at_once scripts/matrix.sh --targets aarch64 t000
}

@test "verify.sh" {
  prepare
  "$ROOT/scripts/run_scenarios.sh" --reps 1 --timing exact t000
  ends_at_once scripts/verify.sh t000
}

@test "count_runs.sh" {
  prepare
  "$ROOT/scripts/run_scenarios.sh" --reps 1 --timing exact t000
  ends_at_once scripts/count_runs.sh
  (($(find "$PIPELAB_RUNS" -name run.json | wc -l) == 3))
}

@test "perf_stat.sh" {
  prepare
  ends_at_once scripts/perf_stat.sh --scenario t000/baseline
  ends_at_once scripts/perf_stat.sh -- --duration 1
}

@test "profile.sh" {
  prepare
  ends_at_once scripts/profile.sh t000/baseline
}

@test "trace.sh" {
  prepare
  ends_at_once scripts/trace.sh --scenario t000/baseline
}

@test "the soak" {
  prepare
  ends_at_once tests/soak.sh 3
}

# Interrupts what is measured on this host after some time, having stopped its other process if that is wanted.
interrupt() { # SIGNAL STOPS OPTION...
  local program began code=0
  mkdir -p "$BATS_TEST_TMPDIR/out"
  env --default-signal=INT "$ROOT/build/host/pipelab" "${@:3}" --out "$BATS_TEST_TMPDIR/out" >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
  program=$!
  sleep 0.5
  [[ $2 == no ]] || pkill -STOP -P "$program"
  sleep 0.3
  began=${EPOCHREALTIME/./}
  kill -"$1" "$program"
  wait "$program" || code=$?
  echo "${*:3}: code $code, $(((${EPOCHREALTIME/./} - began) / 1000)) ms, said: $(<"$BATS_TEST_TMPDIR/said")"
  ((code == 130 && ${EPOCHREALTIME/./} - began < 4000000))
  [[ $(find "$BATS_TEST_TMPDIR/out" -type f -printf '%f\n' | sort | paste -sd' ') == "histogram.csv samples.csv series.csv stats.csv threads.csv" ]]
  ! grep -E ',-[0-9]' "$BATS_TEST_TMPDIR/out/threads.csv"
}

@test "an interrupt ends what is measured, in each part of a run, and keeps it" {
  "$ROOT/scripts/build.sh" host pipelab exchange-go
  local options
  for options in "pipeline --warmup 60" "ingress --warmup 60" "exchange --warmup 60" "exchange --warmup 60 --responder go" \
    "exchange --duration 60 --prod-interval-us 60000000 --pairs 2" "ingress --prod-interval-us 0 --bound 100000 --task-ns 1000000" \
    "exchange --warmup 0 --fault stop-responder@0.3 --lease-ms 5000" "exchange --warmup 0 --fault slow@0.3 --lease-ms 5000" \
    "ingress --warmup 0 --fault stall-loop@0.3 --watchdog-ms 20000" "rpc --warmup 60" "rpc --prod-interval-us 0" \
    "rpc --peer process --fault late:5 --timeout-ms 20000" "rpc --prod-interval-us 60000000 --transport tcp" \
    "feed --warmup 60" "feed --clients 50 --prod-interval-us 0" "feed --clients 5 --prod-interval-us 60000000 --transport shm" \
    "feed --clients 5 --duration 60 --warmup 0 --pattern constant:100k --fault stuck@0.1" \
    "feed --clients 5 --duration 60 --fault kill-server@0.2" "feed --clients 5 --duration 60 --fault kill-server@50"; do
    # shellcheck disable=SC2086  # words of options
    interrupt INT no $options
    # shellcheck disable=SC2086
    interrupt TERM no $options
  done
  for options in "" "--transport unix" "--transport pipe" "--wait spin" "--responder go" "--callback listener"; do
    # shellcheck disable=SC2086
    interrupt INT yes exchange --warmup 0 --duration 60 $options
  done
  for options in "--peer process" "--peer process --transport pipe --prod-interval-us 0" "--peer process --transport tcp"; do
    # shellcheck disable=SC2086
    interrupt INT yes rpc --warmup 0 --duration 60 $options
  done
  for options in "" "--transport tcp --prod-interval-us 0" "--transport shm" "--fault kill-server@50"; do
    # shellcheck disable=SC2086
    interrupt INT yes feed --warmup 0 --duration 60 --clients 5 $options
  done
}
