# Loaded by the tests that need no real guest: a build folder with empty images, a folder for results,
# and a QEMU that only pretends.
# shellcheck shell=bash

setup() {
  ROOT=$BATS_TEST_DIRNAME/..
  export PIPELAB_PROGRAM=$ROOT/build/host/pipelab # which tests/run_all.sh builds first
  export PIPELAB_BUILD=$BATS_TEST_TMPDIR/build PIPELAB_RUNS=$BATS_TEST_TMPDIR/result_data/runs
  export PIPELAB_LOCK=$BATS_TEST_TMPDIR/host.lock # these guests disturb nobody
  local image=$PIPELAB_BUILD/image/aarch64
  mkdir -p "$image"
  touch "$image"/{vmlinuz,initrd.cpio}
  printf '%s\tfake\n' kernel_version kernel_sha256 initrd_sha256 program_sha256 program_version compiler \
    qemu_version >"$image/image.tsv"
  PATH=$ROOT/tests/fake_qemu:$PATH
  OUT=$BATS_TEST_TMPDIR/out
}

# Fails unless the last `run` printed a line that contains TEXT.
says() { # TEXT
  [[ $output == *"$1"* ]] || {
    echo "expected: $1"
    echo "output: $output"
    return 1
  }
}

exits() { # CODE
  ((status == $1)) || {
    echo "expected exit code $1, not $status; output: $output"
    return 1
  }
}

# Runs COMMAND, as `run` does, with a disk of SIZE that is empty and mounted at DIR.
on_small_disk() { # SIZE DIR COMMAND...
  unshare -rm true || skip "user namespaces are not allowed here"
  mkdir -p "$2"
  # shellcheck disable=SC2016  # for the inner shell
  run unshare -rm bash -c 'mount -t tmpfs -o size="$1" none "$2" && shift 2 && "$@"' _ "$@"
}
