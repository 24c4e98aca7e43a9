#!/usr/bin/env bash
# Installs the Debian packages that a task needs and that are missing.
set -euo pipefail
# shellcheck source=../qemu/target.sh
source "$(dirname "$0")/../qemu/target.sh"

usage() {
  cat <<EOF
usage: scripts/setup.sh run|go|bench|test|lint [TARGET]
Installs what is missing of the Debian packages that are needed to run scenarios on TARGET (aarch64), to
build responders in Go, to measure the queues against their peers, to run the tests of all, or to check the
style as well. Does nothing when all is there. Uses apt as root or through sudo; without either it prints the
line to run.
Exit codes: 0 all is there, 1 something is missing and could not be installed, 2 wrong usage.
EOF
}

packages_for() { # TASK
  [[ $1 != go ]] || { echo golang-go && return; }
  [[ $1 == run ]] || bench_packages
  [[ $1 == bench ]] || run_packages
  [[ $1 == run || $1 == bench ]] ||
    echo bats chromium default-jdk-headless golang-go libbenchmark-tools libgtest-dev libhdrhistogram-java parallel \
      python3-pytest qemu-user spin strace
  [[ $1 != lint ]] || echo black clang-format clang-tidy mypy shellcheck
}

run_packages() {
  echo ca-certificates cmake cpio device-tree-compiler git libcli11-dev libfmt-dev libarchive-tools libjs-chart.js libnuma-dev libsimdjson-dev libtbb-dev libunwind-dev libxxhash-dev lz4 mmdebstrap ninja-build rapidjson-dev \
    python3 python3-jinja2 python3-markdown python3-matplotlib python3-numpy python3-pandas python3-scipy python3-seccomp \
    binutils g++ "$QEMU_PACKAGE"
  # The machine's own architecture has its compiler in g++, and no cross package.
  [[ $(dpkg --print-architecture) == "$DEBIAN_ARCH" ]] || echo "$COMPILER_PACKAGE"
}

# The queues' peers, and what builds and reports.
bench_packages() {
  echo cmake g++ libcli11-dev libfmt-dev libnuma-dev libsimdjson-dev libtbb-dev libxxhash-dev ninja-build pkg-config rapidjson-dev \
    python3 python3-jinja2 python3-matplotlib python3-numpy python3-pandas python3-scipy \
    libatomic-queue-dev libboost-dev libck-dev libconcurrentqueue-dev libdpdk-dev libreaderwriterqueue-dev
}

# Unpacks promtool for tests, which go without it if it cannot be had: its package would start a server.
get_promtool() { # TASK
  local folder=$ROOT/build/promtool
  [[ $1 == test || $1 == lint ]] || return 0
  ! command -v promtool >/dev/null && [[ ! -x $folder/usr/bin/promtool ]] || return 0
  {
    mkdir -p "$folder" && (cd "$folder" && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb .) &&
      find "$folder" -type f ! -name promtool -delete
  } >/dev/null 2>&1 || true
}

missing_of() { # PACKAGE...
  local have
  # dpkg-query fails when it does not know one of them, which only means that this one is missing.
  have=$({ dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true; } |
    sed -n 's/ installed$//p' | sort -u)
  printf '%s\n' "$@" | sort -u | comm -23 - <(echo "$have")
}

case ${1:-} in
  --help) usage && exit 0 ;;
  run | go | bench | test | lint) ;;
  *) die 2 "'${1:-}' is not a task: give run, go, bench, test or lint" ;;
esac
command -v dpkg-query >/dev/null || die 1 "this is not Debian: install the equivalents of the packages in scripts/setup.sh"
load_target "${2:-aarch64}"
# shellcheck disable=SC2046  # names of packages, one word each
missing=$(missing_of $(packages_for "$1"))
[[ -n $missing ]] || { get_promtool "$1" && exit 0; }
mapfile -t missing <<<"$missing"

install=(apt-get install -y --no-install-recommends "${missing[@]}")
echo "setup: installing ${missing[*]} (a minute or two)" >&2
if ((EUID == 0)); then
  as_root=()
elif sudo -n true 2>/dev/null || { [[ -t 0 ]] && command -v sudo >/dev/null; }; then
  as_root=(sudo)
else
  die 1 "packages are missing, and installing them needs root: run 'apt-get update && ${install[*]}' as root"
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp 2>/dev/null) || die 1 "${TMPDIR:-/tmp}: no file can be made there: free some space"
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update && "${as_root[@]}" "${install[@]}"; } >"$log" 2>&1; then
  die 1 "apt failed: $(grep -m1 '^E:' "$log" || tail -n 1 "$log"): mend that, or run '${install[*]}' by hand"
fi
get_promtool "$1"
