#!/usr/bin/env bash
# Prints the accelerator for runs of a target: for live ones kvm when a probe guest has booted with it on this
# host, else tcg. The verdict is kept under build/ for this host and this QEMU; that a file /dev/kvm
# exists and opens proves nothing.
set -euo pipefail
# shellcheck source=target.sh
source "$(dirname "$0")/target.sh"

readonly PROBE_LIMIT_S=20
readonly KVM_DEVICE=${PIPELAB_KVM_DEVICE:-/dev/kvm}

usage() {
  cat <<EOF
usage: qemu/probe_kvm.sh [--wanted auto|kvm|tcg] [--timing "exact live"] TARGET [KERNEL]
Prints kvm or tcg: what guests of TARGET are on, of those that are wanted (auto) in that timing (live).
Exit codes: 0 good, 1 KVM is wanted and does not work, 2 wrong usage, or KVM cannot be.
EOF
}

# Prints what was found out, or complains where that is not what is wanted.
answer() { # kvm|tcg
  [[ $wanted != kvm || $1 == kvm ]] ||
    die 1 "--accelerator: KVM does not work on this host, where a probe guest did not boot with it: give tcg"
  echo "$1"
  exit
}

wanted=auto timing=live
while [[ ${1:-} == -* ]]; do
  case $1 in
    --help) usage && exit 0 ;;
    --wanted | --timing) (($# > 1)) || die 2 "$1 needs a value" ;;
    *) die 2 "unknown option '$1', see --help" ;;
  esac
  declare "${1#--}=$2"
  shift 2
done
(($#)) || die 2 "one target is needed, see --help"
load_target "$1" "${2:-}"
own=$(dpkg --print-architecture || true)
check_accelerator "$wanted" "$timing"
[[ $wanted != tcg && $timing == *live* && $own == "$DEBIAN_ARCH" && -w $KVM_DEVICE ]] || answer tcg
version=$("$QEMU" --version | head -n 1 | tr -c 'A-Za-z0-9.\n' _)
verdict=$BUILD/kvm_probe/$TARGET.$(uname -n).$version
if [[ ! -f $verdict ]]; then
  mkdir -p "$(dirname "$verdict")"
  console=$(mktemp "$verdict.XXXXXX.log")
  setpriv --pdeathsig KILL timeout --foreground --kill-after=1 "$PROBE_LIMIT_S" setpriv --pdeathsig KILL "$QEMU" -nodefaults -no-user-config -display none -no-reboot \
    -M "$MACHINE" -accel kvm -cpu host -smp 2 -m 512 -serial "file:$console" -kernel "$KERNEL" -initrd "$INITRD" \
    -append "console=$CONSOLE quiet panic=-1 -- run true" </dev/null >/dev/null 2>&1 || true
  if grep -qs 'pipelab: the command ended with code 0' "$console"; then
    echo kvm >"$verdict"
  else
    echo tcg >"$verdict"
    echo "probe_kvm.sh: $KVM_DEVICE is there, but a probe guest did not boot with it in $PROBE_LIMIT_S s: using TCG" >&2
  fi
  rm -f "$console"
fi
answer "$(<"$verdict")"
