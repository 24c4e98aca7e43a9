#!/usr/bin/env bash
# Gets the Debian packages of a target's architecture that its guests and its program are made of, and
# unpacks them under build/packages/: TARGET/ (busybox, libnuma, the first kernel), TARGET.KERNEL/ (another
# kernel), TARGET-perf/.
set -euo pipefail
# shellcheck source=target.sh
source "$(dirname "$0")/target.sh"
trap 'exit 130' INT TERM

usage() {
  cat <<EOF
usage: qemu/get_packages.sh [--perf] [--kernel NAME] TARGET
Gets the packages of TARGET ($(target_names)) that are not there yet.
  --perf          perf and what it needs as well
  --kernel NAME   another kernel of qemu/targets/TARGET.conf as well
Exit codes: 0 good, 1 failed, 2 wrong usage.
EOF
}

# Unpacks Debian packages of the target's architecture, with all that they need, into DIR; once, unless
# the packages become others.
unpack_packages() { # DIR PACKAGE...
  local dir=$1 sources
  shift
  [[ ! -f $dir/.complete || $(<"$dir/.complete") != "$*" ]] || return 0
  sources=$(apt_sources)
  echo "getting $* ($DEBIAN_ARCH)" >&2
  rm -rf "$dir.partial"
  mkdir -p "$(dirname "$dir")"
  local log=$dir.log
  # chrootless: it only unpacks, so it needs neither root nor user namespaces.
  # shellcheck disable=SC2086  # several source files are several arguments
  mmdebstrap --mode=chrootless --variant=extract --architectures="$DEBIAN_ARCH" --include="$*" \
    "$CODENAME" "$dir.partial" $sources >"$log" 2>&1 ||
    die 1 "cannot get $* for $DEBIAN_ARCH: $(grep -E '^E:' "$log" | head -1) (see $log)"
  echo "$*" >"$dir.partial/.complete"
  rm -rf "$dir"
  mv "$dir.partial" "$dir"
}

# The machine's own apt sources that serve this Debian release: the project names no mirror.
apt_sources() {
  local file found=()
  for file in /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list /etc/apt/sources.list; do
    if [[ -f $file ]] && grep -qE "^[^#]*[ :]$CODENAME( |$)" "$file" && grep -qw main "$file"; then
      found+=("$file")
    fi
  done
  ((${#found[@]})) || die 1 "/etc/apt: no sources of Debian $CODENAME found: add a debian.sources file"
  echo "${found[@]}"
}

with_perf=0 kernel=''
while [[ ${1:-} == -* ]]; do
  case $1 in
    --help) usage && exit 0 ;;
    --perf) with_perf=1 ;;
    --kernel) (($# > 1)) || die 2 "$1 needs a value" && kernel=$2 && shift ;;
    *) die 2 "unknown option '$1', see --help" ;;
  esac
  shift
done
(($# == 1)) || die 2 "one target is needed, see --help"
load_target "$1" "$kernel"
CODENAME=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)

first_kernel=${KERNELS%% *}
unpack_packages "$PACKAGES" busybox-static libnuma-dev "${first_kernel#*:}"
[[ $KERNEL_PACKAGES == "$PACKAGES" || -n $KERNEL_FILE ]] || unpack_packages "$KERNEL_PACKAGES" "$KERNEL_PACKAGE"
((with_perf == 0)) || unpack_packages "$PACKAGES-perf" linux-perf
