#!/usr/bin/env bats
# One row of a plan: what it needs before, and what it leaves when it fails.

load fake_guest

# Plans t000 and runs its first row.
plan() {
  "$ROOT/scripts/run_scenarios.sh" --reps 1 --timing exact --plan-only t000 >/dev/null
  SWEEP=$PIPELAB_RUNS/sweep.jsonl
  RUN=$(sed -nE '1s/^\{"run": "([^"]+)".*/\1/p' "$SWEEP")
  PLACE=$(sed -nE '1s/.*"scenario": "([^"]+)".*/t000.\1.aarch64.exact.r1/p' "$SWEEP")
  FAILED=$PIPELAB_RUNS/failed/${PLACE%%.aarch64.*}.$RUN
}

@test "a failed run leaves its reason, console log and words, nothing else, and the reason names files that are there" {
  plan
  local guest path
  for guest in panic bad-option cut refuse; do
    FAKE_GUEST=$guest run "$ROOT/scripts/run_one.sh" "$SWEEP" 1
    exits 1
    says "$PLACE: run_vm.sh: "
    [[ $(cd "$FAILED" && find . -type f | sort | grep -v '^./out/std') == $'./console.log\n./reason.txt' ]]
    [[ $guest != bad-option || -s $FAILED/out/stderr.txt ]]
    path=$(sed -n 's/.*(console: \(.*\)).*/\1/p' "$FAILED/reason.txt")
    [[ $path == "$FAILED/console.log" && -s $path ]]
    [[ $output == *"$path"* && $output != *.partial* ]]
    [[ -z $(find "$PIPELAB_RUNS" -name '.partial*') ]]
  done
}

@test "a guest, or what seals a run, that is killed is told as such, and the run is tried again" {
  plan
  FAKE_GUEST=hang "$ROOT/scripts/run_one.sh" "$SWEEP" 1 >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
  local pid=$!
  until pkill -KILL -f "run_vm.sh .*partial.$RUN"; do sleep 0.05; done
  wait "$pid" || true
  output=$(<"$BATS_TEST_TMPDIR/said")
  says "$PLACE: its guest was ended from outside (SIGKILL): run it again"
  [[ $output != *disk* && $(<"$FAILED/reason.txt") == *SIGKILL* ]]
  run "$ROOT/scripts/run_one.sh" "$SWEEP" 1
  exits 0
  [[ -s $PIPELAB_RUNS/$RUN/run.json && ! -e $FAILED ]]
}

@test "--dry-run prints the command of a run that is there, too, and a plan that is not there is told" {
  plan
  "$ROOT/scripts/run_one.sh" "$SWEEP" 1
  run "$ROOT/scripts/run_one.sh" --dry-run "$SWEEP" 1
  exits 0
  says "'qemu-system-aarch64'"
  run "$ROOT/scripts/run_one.sh" "$BATS_TEST_TMPDIR/nowhere/x" 1
  exits 2
  says "$BATS_TEST_TMPDIR/nowhere/x: there is no such plan"
}

@test "a plan whose run is a path is refused" {
  plan
  sed -i '1s,^{"run": "[^"]*",{"run": "../../elsewhere",' "$SWEEP"
  run "$ROOT/scripts/run_one.sh" "$SWEEP" 1
  exits 1
  says "$SWEEP: is damaged: row 1 (run = '../../elsewhere')"
}

@test "a disk that is nearly full stops a run before it boots, with the remedy" {
  plan
  export FAKE_LOG=$BATS_TEST_TMPDIR/boots
  local disk=$BATS_TEST_TMPDIR/small
  # shellcheck disable=SC2016  # for the inner shell
  on_small_disk 32m "$disk" bash -c 'cp "$1" "$2/" && "$3" "$2/sweep.jsonl" 1' _ "$SWEEP" "$disk" "$ROOT/scripts/run_one.sh"
  exits 1
  says "$disk: no room for $PLACE: 32 MB are free, and a run needs 64 MB: free some space"
  [[ ! -e $FAKE_LOG ]]
}
