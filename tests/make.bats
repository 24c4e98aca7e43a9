#!/usr/bin/env bats
# The front door: what is given to make is text, reaches the scripts as it is, and is run by nobody.

# shellcheck disable=SC2016,SC1003  # for make, or for a shell that must not see it

load fake_guest

# A tree with our Makefile, whose scripts only write down what they are called with: each argument on a line of its own.
setup_tree() {
  TREE=$BATS_TEST_TMPDIR/tree LOG=$BATS_TEST_TMPDIR/log
  export TREE LOG
  unset PIPELAB_RUNS
  mkdir -p "$TREE"/{src,scripts/lab,qemu/counters,tests,build/tsan,build/asan} "$BATS_TEST_TMPDIR/bin"
  cp "$ROOT/Makefile" "$TREE/"
  local script
  for script in $(cd "$ROOT" && ls scripts/*.sh qemu/*.sh tests/soak.sh) build/{tsan,asan}/pipelab_test; do
    printf '#!/bin/bash\nprintf "%%s\\n" "${0##*/}" "$@" ${PIPELAB_RUNS:+"$PIPELAB_RUNS"} >>"$LOG"\n' >"$TREE/$script"
    chmod +x "$TREE/$script"
  done
  touch "$TREE/scripts/lab/__init__.py"
  cat >"$TREE/scripts/lab/__main__.py" <<'EOF'
import os, sys

open(os.environ["LOG"], "a").write("\n".join(["lab", *sys.argv[1:], ""]))
EOF
  echo '#!/bin/bash' >"$BATS_TEST_TMPDIR/bin/cmake"
  chmod +x "$BATS_TEST_TMPDIR/bin/cmake"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

# Runs the target and prints what SCRIPT was called with, in one line.
called() { # SCRIPT WORD-FOR-MAKE...
  : >"$LOG"
  make -s -C "$TREE" "${@:2}" || return
  awk -v script="$1" '$0 == script { on = 1; line = ""; next } /\.sh$|^lab$/ { on = 0 } on { line = line $0 " " } END { print line }' "$LOG"
}

# What a shell or make would run, were it a part of a recipe.
HOSTILE=('$(touch x)' '$(shell touch x)${shell touch x}$$(shell touch x)$$(touch x)$(error x)' '`touch x`' '"; touch x; "'
  "'; touch x; '" '# * \ $@ % ; touch x')
# By knob: the target that has it.
declare -gA TARGET_OF=([BASE]=gate [BASE_PROGRAM]=ab [ALLOW]=gate [SLO]=capacity [RATES]=capacity [SCENARIO]=capacity [FORMAT]=export
  [FROM]=export [QUICK]=bench [STRESS]=verify [SEEDS]=soak [REPEAT]=sanitize)

# Whether a script was called with the value as one argument; of a list, with each of its words.
arrived() { # KNOB VALUE
  local words=("$2") word
  case $1 in
    COUNTERS | QUICK | STRESS | DRY_RUN) return 0 ;; # are only there or not
    RESULTS) words=("$2/result_data/runs") ;;
    SUITE | ALLOW) read -ra words <<<"$2" ;;
  esac
  for word in "${words[@]}"; do
    grep -qxF -e "$word" -e "--gtest_repeat=$word" "$LOG" || return 1
  done
}

# bats test_tags=slow
@test "nothing in the value of a knob is run, and it reaches the script as it is" {
  setup_tree
  local knob value knobs
  read -ra knobs <<<"$(make -s -C "$TREE" --eval 'knobs:;@echo $(KNOBS)' knobs)"
  ((${#knobs[@]} > 20))
  for knob in "${knobs[@]}"; do
    for value in "${HOSTILE[@]}"; do
      : >"$LOG"
      make -s -C "$TREE" "${TARGET_OF[$knob]:-run-scenarios}" "$knob=$value" >/dev/null
      [[ ! -e $TREE/x ]] || { echo "$knob=$value was run" && return 1; }
      arrived "$knob" "$value" || { echo "$knob=$value was lost" && cat "$LOG" && return 1; }
    done
  done
}

# bats test_tags=slow
@test "the same holds for knobs in the environment, and for a make within make" {
  setup_tree
  local value
  echo 'make -s -C "$TREE" image; make -s -C "$TREE" counters KERNEL_ARGS="$KERNEL_ARGS"' >>"$TREE/scripts/run_scenarios.sh"
  for value in "${HOSTILE[@]}"; do
    : >"$LOG"
    KERNEL_ARGS=$value SUITE=$value make -s -C "$TREE" run-scenarios "KERNEL=$value" >/dev/null
    [[ ! -e $TREE/x ]]
    [[ $(grep -cxF -- "$value" "$LOG") -ge 3 ]] # KERNEL twice, KERNEL_ARGS
  done
}

@test "what is not given is not said, and what is given is" {
  setup_tree
  [[ $(called run_scenarios.sh run-scenarios) == "--make-images t000 t001 " ]]
  [[ $(called run_scenarios.sh run-scenarios RESULTS="../my results") == "--make-images t000 t001 ../my results/result_data/runs " ]]
  [[ $(called run_scenarios.sh run-scenarios SUITE="a b" REPS=5 TIMING=live KERNEL_ARGS="a=1 b=2" TARGET=armv7) == \
    "--make-images --target armv7 --kernel-args a=1 b=2 --timing live --reps 5 a b " ]]
  [[ $(called run_scenarios.sh run-scenarios RESULTS=) == "--make-images t000 t001 " ]]
  [[ $(called run_scenarios.sh run-scenarios DRY_RUN=1 SEED=2) == "--make-images --seed 2 --dry-run t000 t001 " ]]
  [[ $(called count_runs.sh run-scenarios COUNTERS=1 DRY_RUN=1) == "--dry-run " ]]
  [[ $(called matrix.sh matrix DRY_RUN=1) == "--dry-run t000 " ]]
  [[ $(called verify.sh verify DRY_RUN=1) == "--dry-run t000 t001 " ]]
  [[ $(called profile.sh profile DRY_RUN=1) == "--dry-run t000/baseline " ]]
  [[ $(called trace.sh trace DRY_RUN=1) == "--scenario t000/baseline --dry-run " ]]
  [[ $(called run_vm.sh shell DRY_RUN=1) == "--shell --timing live --dry-run " ]]
  [[ $(called lab noise-floor DRY_RUN=1) == "" ]]
  [[ $(called run_scenarios.sh run-scenarios DRY_RUN=0) == "--make-images t000 t001 " ]]
  [[ $(called count_runs.sh run-scenarios COUNTERS=1 JOBS=4) == "--jobs 4 " ]]
  [[ $(called matrix.sh matrix) == "t000 " ]]
  [[ $(REPS=2 called matrix.sh matrix SUITE=t001) == "--reps 2 t001 " ]]
  [[ $(called ab.sh ab BASE=main) == "--make-images --base main --reps 6 t000 t001 " ]]
  [[ $(called run_scenarios.sh noise-floor) == "--timing live --reps 10 t000 t001 $TREE/build/noise_floor/result_data/runs " ]]
  [[ $(called trace.sh trace SCENARIO="a/b c/d") == "--scenario a/b --scenario c/d " ]]
  [[ $(called gate.sh gate BASE=x ALLOW="kernel host") == "--base x --allow kernel --allow host " ]]
  [[ $(called capacity.sh capacity SLO="a=1 b=2") == "--make-images --slo a=1 b=2 t000/baseline " ]]
  [[ $(called lab export FORMAT=go) == "export --format go " ]]
  [[ $(called bench.sh bench QUICK=0) == "" ]]
  [[ $(called bench.sh bench QUICK=1) == "--quick " ]]
  [[ $(called soak.sh soak) == "200 " ]]
}

@test "what is no knob is refused, since a misspelt one would change nothing" {
  setup_tree
  run make -s -C "$TREE" run-scenarios SUITES=t001
  exits 2
  [[ $output == *"SUITES: is no knob"* && ! -s $LOG ]]
  make -s -C "$TREE" run-scenarios PIPELAB_LOCK="$BATS_TEST_TMPDIR/lock" # what README has variables of the environment for
}

@test "scripts refuse what is no knob's value in one line, and make ends with 2" {
  setup_tree
  rm -r "$TREE/scripts" "$TREE/qemu"
  cp -r "$ROOT"/{scripts,qemu,scenarios} "$TREE/"
  cp -r "$ROOT/src/workloads" "$TREE/src/"
  local script
  for script in scripts/setup.sh scripts/build.sh qemu/get_packages.sh; do
    printf '#!/bin/bash\n' >"$TREE/$script"
  done
  for knob in SUITE TARGET KERNEL KERNEL_ARGS SMP MEMORY NUMA ACCELERATOR PIN_VCPUS TIMING DURATION REPS SEED JOBS; do
    run make -s -C "$TREE" run-scenarios "$knob="'$(touch x)'
    exits 2
    [[ ${#lines[@]} == 2 && ${lines[1]} == *"Error 2" ]] || { echo "$knob: $output" && return 1; }
    [[ ! -e $TREE/x ]]
  done
}
