# Sourced by the scripts that need to know a target or to complain.
# shellcheck shell=bash
# shellcheck disable=SC2034  # those who source this use the variables

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=${PIPELAB_BUILD:-$ROOT/build}

# Prints one line, "program: message", on stderr and exits with CODE.
die() { # CODE MESSAGE
  echo "$(basename "$0"): $2" >&2
  exit "$1"
}

# Names all targets that have a file.
target_names() {
  (cd "$ROOT/qemu/targets" && ls -- *.conf) | sed 's/\.conf$//' | paste -sd' '
}

# Reads qemu/targets/NAME.conf into shell variables.
load_target() { # NAME
  [[ $1 =~ ^[A-Za-z0-9_-]+$ && -f $ROOT/qemu/targets/$1.conf ]] ||
    die 2 "unknown target '$1': give one of: $(target_names), or add qemu/targets/$1.conf"
  TARGET=$1
  # shellcheck disable=SC1090
  source "$ROOT/qemu/targets/$1.conf"
  PACKAGES=$BUILD/packages/$TARGET
  IMAGE=$BUILD/image/$TARGET
  KERNEL=$IMAGE/vmlinuz
  INITRD=$IMAGE/initrd.cpio
  PERF_INITRD=$IMAGE/initrd-perf.cpio
}
