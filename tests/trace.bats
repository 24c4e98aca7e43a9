#!/usr/bin/env bats
# bats file_tags=slow
# Sched events of real guests: what items waited for adds up, is the same again, and nothing is lost unseen.

load fake_guest

setup() {
  ROOT=$BATS_TEST_DIRNAME/..
  export PIPELAB_RUNS=$BATS_TEST_TMPDIR/result_data/runs TMPDIR=$BATS_TEST_TMPDIR
  CSV=$BATS_TEST_TMPDIR/result_data/t001_trace.csv
}

# Fails unless the parts of each item's stages, in every run that was kept, add up to the nanosecond, and each
# stage's part of the items' mean is in the table.
adds_up() {
  PYTHONPATH=$ROOT/scripts /usr/bin/python3 - "$CSV" "$PIPELAB_RUNS"/traces/*/ <<'END'
import json
import sys
from pathlib import Path
from lab.plan import contract
from lab.trace import runs as trace_runs, split as sched_trace

workload = contract.load("pipeline")
table = trace_runs.KEPT.read(Path(sys.argv[1]))
for run in map(Path, sys.argv[2:]):
    known = sched_trace.split(run, workload)
    assert len(known.bounds_ns) == 200, len(known.bounds_ns)
    for place, stage in enumerate(workload.stages):
        length = known.bounds_ns[:, place + 1] - known.bounds_ns[:, place]
        assert (known.parts_ns[stage].sum(axis=1) == length).all(), stage
    seed = json.loads((run / "row.json").read_text())["seed"]
    rows = table[(table["population"] == "all") & (table["seed"] == seed)]
    assert abs(rows["mean_ns"].sum() - known.response_ns.mean()) < 1e-3, (rows, known.response_ns.mean())
END
}

@test "exact timing: the parts add up, and the same command gives the same bytes" {
  run "$ROOT/scripts/trace.sh" --duration 0.2 --reps 2 --scenario t001/affinity-1000us
  exits 0
  says "t001/affinity-1000us on aarch64, exact timing"
  grep -qE "wake_up   run delay  1   (idle|producer) " <<<"$output"
  adds_up
  cp "$CSV" "$BATS_TEST_TMPDIR/first.csv"
  "$ROOT/scripts/trace.sh" --duration 0.2 --reps 2 --scenario t001/affinity-1000us
  cmp "$CSV" "$BATS_TEST_TMPDIR/first.csv"
}

@test "both threads on one CPU: each has it while the other waits" {
  run "$ROOT/scripts/trace.sh" --duration 0.2 --scenario affinity/same-cpu-1000us
  exits 0
  grep -qE "^wake_up +run delay +0 +producer " <<<"$output"
}

@test "live timing: the parts add up" {
  "$ROOT/scripts/trace.sh" --timing live --duration 0.2 --scenario t001/affinity-1000us
  adds_up
  grep -q "^affinity-1000us,aarch64,live," "$CSV"
}

@test "events that did not fit into the buffer are told, with what to do" {
  run "$ROOT/scripts/trace.sh" --buffer-mb 1 --duration 1 --scenario t001/baseline-0us
  exits 1
  says "events are lost: give trace.sh a larger --buffer-mb or a shorter --duration"
  [[ ! -e $CSV ]]
}

@test "trace refuses what it cannot do" {
  run "$ROOT/scripts/trace.sh" --scenario t001/dance
  exits 2
  says "t001.toml: there is no such scenario: give one of baseline-1000us"
  run "$ROOT/scripts/trace.sh" --buffer-mb 100 --scenario t001/baseline-1000us
  exits 2
  says "--buffer-mb: the 2 CPUs of t001/baseline-1000us have 512 MB: give at most 64"
  local words
  for words in "" "--scenario t001" "--reps 0 --scenario t001/baseline-0us" "--timing never --scenario t001/baseline-0us"; do
    # shellcheck disable=SC2086  # several words
    run "$ROOT/scripts/trace.sh" $words
    exits 2
  done
}
