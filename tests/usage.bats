#!/usr/bin/env bats
# What every script says when it is given nothing, or an empty word.

load fake_guest

# The scripts that do something without an argument: they say so in their usage.
readonly WITHOUT=" bench.sh count_runs.sh lint.sh "

scripts() { grep -lE '^#!' "$ROOT"/scripts/*.sh "$ROOT"/qemu/*.sh; }

refuses() { # SCRIPT ARGUMENT...
  run timeout 20 "$([[ $(head -n 1 "$1") == */sh ]] && echo sh || echo bash)" "$@"
  echo "$*: code $status, said: $output"
  ((status == 2 && ${#lines[@]} == 1))
}

@test "an empty word is refused in one line, with 2" {
  local script
  for script in $(scripts) "$ROOT/tests/soak.sh"; do
    refuses "$script" ""
  done
}

@test "nothing at all is refused so as well" {
  local script
  (($(scripts | wc -l) > 15))
  for script in $(scripts); do
    [[ $WITHOUT != *" ${script##*/} "* ]] || continue
    refuses "$script"
  done
}

@test "--help is told on stdout, with 0" {
  local script
  for script in $(scripts); do
    [[ $script != */trace_guest.sh ]] || continue # it runs in guests only
    run timeout 20 "$script" --help
    exits 0
    says "usage: "
  done
}

# bats test_tags=slow
@test "--dry-run of all that boots guests prints the commands, boots none and writes nothing" {
  local script before
  "$ROOT/scripts/run_scenarios.sh" --reps 1 --timing exact t000
  touch "$PIPELAB_BUILD"/image/aarch64/initrd-perf.cpio
  export FAKE_LOG=$BATS_TEST_TMPDIR/boots
  before=$(find "$BATS_TEST_TMPDIR" -type f | sort)
  for script in "run_scenarios.sh --seed 5 --timing exact t000" "matrix.sh --targets aarch64 t000" "verify.sh t000" \
    count_runs.sh "trace.sh --scenario t000/baseline" "profile.sh t000/baseline" \
    "perf_stat.sh --scenario t000/baseline"; do
    # shellcheck disable=SC2086  # several words
    run "$ROOT/scripts/"${script/.sh/.sh --dry-run}
    echo "$script: $status: $output"
    exits 0
    says "'-M' 'virt'"
    [[ ! -e $FAKE_LOG ]]
    diff <(echo "$before") <(find "$BATS_TEST_TMPDIR" -type f | sort)
  done
}

@test "a file that cannot be written is named, with what to do" {
  "$ROOT/scripts/build.sh" host pipelab
  local stats=$BATS_TEST_TMPDIR/stats.csv
  run "$ROOT/build/host/pipelab" --duration 0.05 --stats "$BATS_TEST_TMPDIR/nowhere/stats.csv"
  ((status == 1))
  [[ $output == *"nowhere/stats.csv: No such file or directory: make its folder first" ]]
  exec 9>"$stats.partial"
  flock 9
  run "$ROOT/build/host/pipelab" --duration 0.05 --stats "$stats" 9>&-
  ((status == 1))
  [[ $output == *"$stats: Device or resource busy: another run writes it: wait for its end, or name another" ]]
  flock -u 9
  "$ROOT/build/host/pipelab" --duration 0.05 --stats "$stats" 9>&-
  [[ -s $stats && ! -e $stats.partial ]]
}
