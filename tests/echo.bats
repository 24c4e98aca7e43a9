#!/usr/bin/env bats
# bats file_tags=slow
# What README says of a new workload: a folder, a suite and a line of workloads/all.hpp are all that it takes. Real guests run one of
# this folder, echo, and everything that the lab makes of them must have its words, units and numbers.

load fake_guest

# A copy of the tree has the workload. It is built where the tree itself is, in a mount namespace, so that all that was
# built there serves, and two files are compiled.
setup_file() {
  unshare -rm true 2>/dev/null || skip "user namespaces are not allowed here"
  ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
  export ECHO=$BATS_FILE_TMPDIR/tree
  mkdir -p "$ECHO/build/image/aarch64" "$ECHO/build/packages" "$ECHO/build/host"
  cp "$ROOT/build/host/turnstile.so" "$ECHO/build/host/"
  git -C "$ROOT" ls-files -z | tar -C "$ROOT" --null -T - -c | tar -C "$ECHO" -x
  cp -a "$ROOT/build/aarch64" "$ECHO/build/"
  [[ ! -d $ROOT/build/counters ]] || cp -a "$ROOT/build/counters" "$ECHO/build/"
  cp "$ROOT/build/image/aarch64/vmlinuz" "$ECHO/build/image/aarch64/"
  cp -r "$ROOT/tests/echo/echo" "$ECHO/src/workloads/"
  cp "$ROOT/tests/echo/echo.toml" "$ECHO/scenarios/"
  sed -i 's|^ *Entry{"pipeline", .*|&\n    Entry{"echo", echo::make},|; s|^#include "workloads/pipeline/.*|#include "workloads/echo/echo.hpp"\n&|' \
    "$ECHO/src/workloads/all.hpp"
  # shellcheck disable=SC2016  # for the inner shell
  unshare -rm bash -euc 'mount --bind "$1/build/packages" "$2/build/packages"
    mount --rbind "$2" "$1"
    cd "$1"
    scripts/build.sh aarch64 pipelab
    scripts/build.sh counters
    qemu/make_image.sh aarch64' _ "$ROOT" "$ECHO" >&2

  printf '#!/bin/sh\nexec qemu-aarch64 "%s/build/aarch64/pipelab" "$@"\n' "$ECHO" >"$BATS_FILE_TMPDIR/program"
  chmod +x "$BATS_FILE_TMPDIR/program"
  as_echo
  "$ECHO/scripts/run_scenarios.sh" --duration 0.2 echo >&2
}

# Where the programs and the results are; each test has shells of its own.
as_echo() {
  export PIPELAB_PROGRAM=$BATS_FILE_TMPDIR/program PIPELAB_BUILD=$ECHO/build
  export PIPELAB_RUNS=$BATS_FILE_TMPDIR/result_data/runs PIPELAB_LOCK=$BATS_FILE_TMPDIR/host.lock
}

setup() {
  as_echo
  OUT=$BATS_FILE_TMPDIR/result_data
}

lab() { PYTHONPATH=$ECHO/scripts /usr/bin/python3 -m lab "$@"; }

has() { # FILE TEXT...
  local text
  for text in "${@:2}"; do
    grep -qF -- "$text" "$1" || {
      echo "$1 lacks: $text"
      return 1
    }
  done
}

# Nothing of what FILE says is the pipeline's.
is_echo_alone() { # FILE
  ! grep -nwiE 'producers?|consumers?|latency|latencies|drop_rate|drop rate|drops|throughput|pushed|popped' "$1"
}

# The folder of a scenario's first run.
run_of() { # SCENARIO
  dirname "$(grep -l "\"echo/$1\"" "$OUT"/runs/aarch64.exact.s1.*/run.json)"
}

@test "its options are those of its contract, and all that it leaves adds up" {
  diff <("$PIPELAB_PROGRAM" echo --contract) <(sed -n '/^\[options\./,$p' "$BATS_TEST_DIRNAME/echo/echo/workload.toml")
  (($(find "$OUT/runs" -maxdepth 1 -name 'aarch64.exact.s[12].*' -type d | wc -l) == 6))
  local threads
  threads=$(cut -d, -f1,3 "$(run_of two-callers)/threads.csv" | paste -sd' ')
  [[ $threads == "thread,role caller-1,caller caller-0,caller answerer,answerer" ]]
}

@test "its tables, verdicts, stages, objectives, findings and question are on its page" {
  has "$OUT/echo.md" \
    "**Calls to a thread that answers**: *round trip*, from asking to having the answer; *call time*" \
    "| scenario | round trip p50 (µs) | round trip p99 (µs) | call rate (/s) | answer bytes (bytes/s) | idle looks |" \
    "| scenario | options besides \`--duration 0.2 --prod-interval-us 1000\` |" "| one-caller | \`--callers 1\` |" \
    "**The question.** Is one caller answered sooner" "\`callers\`: 2 → 1" \
    "% waiting for the answerer" \
    "**Objectives: 3 of 6 held** (round_trip_p99_us <= 1000, answered_ops_s >= 500)." "would rest on 4 of 400 calls of all runs" \
    "![Round trip of echo](echo_round_trip.png)" \
    "make run-scenarios SUITE=echo TARGET=aarch64 TIMING=exact REPS=2"
  has "$OUT/../results.md" "[echo](result_data/echo.md): Is one caller answered sooner"
  is_echo_alone "$OUT/../results.md"
  is_echo_alone "$OUT/echo.md"
  [[ $(head -n 1 "$OUT/echo_metrics.csv") == scenario,round_trip_p50_ms,round_trip_p99_ms,answered_ops_s,answered_bytes_s,idle_looks,* ]]
  [[ $(head -n 1 "$OUT/echo_raw.csv") == *,caller_run_delay_ns,*,answerer_run_delay_ns,* ]]
  [[ $(cut -d, -f8 "$OUT/echo_stages.csv" | sort -u | paste -sd,) == answering,asking,late,returning,stage ]]
  [[ -s $OUT/echo_round_trip.png && -s $OUT/echo_stages_aarch64_exact_tcg.png ]]
}

@test "what its calls take is counted" {
  "$ECHO/scripts/count_runs.sh"
  grep -qE '^\| counters \| one-caller \| [0-9,]+ \|' "$OUT/echo.md"
  is_echo_alone "$OUT/echo.md"
}

@test "the highest rate at which it holds its objectives is found, and shown with its own metrics" {
  run "$ECHO/scripts/capacity.sh" --rates "2000 20000" --precision 1 --reps 1 --duration 0.1 echo/two-callers
  exits 0
  says "echo/two-callers, exact timing on aarch64: holds"
  has "$OUT/capacity.md" "# Capacity" "| exact timing on aarch64 | round trip p50 (µs) | round trip p99 (µs) | call rate (/s) |"
  is_echo_alone "$OUT/capacity.md"
}

@test "results.html has its plots" {
  lab html --runs "$OUT/runs" --result-data "$OUT" --page "$OUT/../results.html"
  has "$OUT/../results.html" '"items":"calls"' '"round_trip":"round trip"' '"waiting for the answerer"' 'bytes of answers, a second'
  sed '/<script>/,/<\/script>/d; /<style>/,/<\/style>/d' "$OUT/../results.html" >"$BATS_TEST_TMPDIR/text"
  is_echo_alone "$BATS_TEST_TMPDIR/text"
}

@test "other tools get its metrics, and its runs" {
  local run form
  for form in google-benchmark go prometheus; do
    lab export --format "$form" "$OUT" >"$BATS_TEST_TMPDIR/$form"
    is_echo_alone "$BATS_TEST_TMPDIR/$form"
  done
  has "$BATS_TEST_TMPDIR/google-benchmark" '"name": "echo/two-callers/aarch64/exact/tcg"' '"answered_bytes_s": 64000'
  has "$BATS_TEST_TMPDIR/go" "Unit calls/s better=higher" " round-trip-p99-ns/op 1000 calls/s 64000 answered-bytes-s"
  has "$BATS_TEST_TMPDIR/prometheus" "pipelab_round_trip_seconds{" "pipelab_answered_calls_per_second{" "pipelab_answered_bytes_per_second{"
  run=$(run_of two-callers)
  lab export --format chrome-trace "$run" >"$BATS_TEST_TMPDIR/trace"
  has "$BATS_TEST_TMPDIR/trace" '"name": "returning"' '"calls in the queue"' '"args": {"name": "answerer"}'
  is_echo_alone "$BATS_TEST_TMPDIR/trace"
  [[ $(lab export --format hlog "$run" | grep -o '^Tag=[a-z_]*' | paste -sd,) == Tag=round_trip,Tag=response ]]
}

@test "a gate finds it worse, and names what is" {
  mkdir "$BATS_TEST_TMPDIR/base"
  cp "$OUT"/echo_{raw.csv,environment.json} "$BATS_TEST_TMPDIR/base/"
  run "$ECHO/scripts/gate.sh" --base "$BATS_TEST_TMPDIR/base" --new "$OUT"
  exits 0
  says "equal: 9 comparisons"
  cp -r "$BATS_TEST_TMPDIR/base" "$BATS_TEST_TMPDIR/new"
  /usr/bin/python3 - "$BATS_TEST_TMPDIR"/{base,new}/echo_raw.csv <<'PYTHON'
import sys, pandas as pd
for side, file in enumerate(sys.argv[1:]):
    raw = pd.read_csv(file)
    raw = pd.concat([raw.assign(seed=raw["seed"] + 2 * more, run=raw["run"] + str(more)) for more in range(3)])  # six seeds
    raw.loc[raw["scenario"] == "pinned", "round_trip_p50_ns"] *= 1 + side
    raw.to_csv(file, index=False)
PYTHON
  run "$ECHO/scripts/gate.sh" --base "$BATS_TEST_TMPDIR/base" --new "$BATS_TEST_TMPDIR/new"
  exits 3
  says "| exact timing on aarch64 | pinned | round trip p50 | "
}
