#!/usr/bin/env bash
# Prints the accelerator for live runs of a target: kvm when a probe guest has booted with it on this
# host, else tcg. The verdict is kept under build/ for this host and this QEMU; that a file /dev/kvm
# exists and opens proves nothing.
set -euo pipefail
# shellcheck source=target.sh
source "$(dirname "$0")/target.sh"

readonly PROBE_LIMIT_S=20
readonly KVM_DEVICE=${PIPELAB_KVM_DEVICE:-/dev/kvm}

[[ ${1:-} != --help ]] || { echo "usage: qemu/probe_kvm.sh TARGET [KERNEL]" && exit 0; }
(($#)) || die 2 "one target is needed, see --help"
load_target "$1" "${2:-}"
if [[ $(dpkg --print-architecture || true) != "$DEBIAN_ARCH" || ! -w $KVM_DEVICE ]]; then
  echo tcg
  exit
fi
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
cat "$verdict"
