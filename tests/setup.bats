#!/usr/bin/env bats
# Set-up and the front door.

load fake_guest

# Puts a command NAME that does BODY before all others.
pretend() { # NAME BODY
  mkdir -p "$BATS_TEST_TMPDIR/bin"
  printf '#!/bin/bash\n%s\n' "$2" >"$BATS_TEST_TMPDIR/bin/$1"
  chmod +x "$BATS_TEST_TMPDIR/bin/$1"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

@test "set-up does nothing when all is there" {
  pretend dpkg-query "shift 3; printf '%s installed\n' \"\$@\""
  pretend apt-get 'echo called; exit 9'
  run "$ROOT/scripts/setup.sh" lint
  exits 0
  [[ $output == "" ]]
}

@test "set-up installs just what is missing" {
  pretend dpkg-query "shift 3; printf '%s installed\n' \"\$@\" | grep -v -e cmake -e bats; exit 1"
  pretend apt-get "echo \"\$@\" >>$BATS_TEST_TMPDIR/apt"
  pretend sudo 'while [[ $1 == -* ]]; do shift; done; exec "$@"'
  run "$ROOT/scripts/setup.sh" test
  exits 0
  says "installing bats cmake"
  [[ $(grep ^install "$BATS_TEST_TMPDIR/apt") == "install -y --no-install-recommends bats cmake" ]]
}

@test "set-up to run brings the host's compiler, and another one for a foreign target only" {
  pretend dpkg-query "exit 1"
  pretend dpkg "echo amd64"
  pretend apt-get "echo \"\$@\" >>$BATS_TEST_TMPDIR/apt"
  pretend sudo 'while [[ $1 == -* ]]; do shift; done; exec "$@"'
  run "$ROOT/scripts/setup.sh" run aarch64
  run "$ROOT/scripts/setup.sh" run x86_64
  mapfile -t installs < <(grep install "$BATS_TEST_TMPDIR/apt")
  [[ " ${installs[0]} " == *" g++ "* && " ${installs[0]} " == *" g++-aarch64-linux-gnu "* ]]
  [[ " ${installs[1]} " == *" g++ "* && " ${installs[1]} " != *" g++-"* ]]
}

@test "perf_stat ends with 1 when its image cannot be made" {
  pretend make 'echo "make_image.sh: cannot get linux-perf" >&2; exit 2'
  run "$ROOT/scripts/perf_stat.sh" -- --duration 1
  exits 1
  says "make_image.sh: cannot get linux-perf"
  says "the image with perf cannot be made"
}

@test "set-up names apt's error" {
  pretend dpkg-query "exit 1"
  pretend apt-get 'echo "E: Unable to locate package cmake" >&2; exit 100'
  pretend sudo 'while [[ $1 == -* ]]; do shift; done; exec "$@"'
  run "$ROOT/scripts/setup.sh" run
  exits 1
  says "apt failed: E: Unable to locate package cmake"
}

@test "set-up refuses what is no task or no target" {
  run "$ROOT/scripts/setup.sh" dance
  exits 2
  run "$ROOT/scripts/setup.sh" run amiga
  exits 2
}

@test "make alone lists the targets" {
  run make -C "$ROOT" --no-print-directory
  exits 0
  says "run-scenarios"
  says "knobs: SUITE"
}

@test "every script explains itself" {
  local script
  for script in "$ROOT"/qemu/{run_vm,get_packages,make_image,probe_kvm}.sh "$ROOT"/scripts/*.sh; do
    [[ -x $script ]] || continue # it is a part of another
    run "$script" --help
    exits 0
    says "usage: "
  done
}
