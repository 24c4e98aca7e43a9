#!/usr/bin/env bash
# Makes what a guest of one target boots, under build/image/TARGET/ (with another kernel than the target's
# first: build/image/TARGET.KERNEL/): vmlinuz, initrd.cpio (busybox,
# the virtio modules, pipelab, /init, /trace_guest.sh), with --perf also initrd-perf.cpio (the same and perf),
# with --go initrd-go.cpio (the same and pipelab exchange's responders in Go), and image.tsv, which says what they are. The same inputs give the same bytes.
set -euo pipefail
# shellcheck source=target.sh
source "$(dirname "$0")/target.sh"
# shellcheck source=pack.sh
source "$ROOT/qemu/pack.sh"
end_on_signals

# What the port to the host needs, each after those that it depends on; /init loads them by number.
readonly VIRTIO_MODULES=(virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_console)

usage() {
  cat <<EOF
usage: qemu/make_image.sh [--perf] [--go] [--kernel NAME|FILE] TARGET
Makes the kernel and the initramfs of TARGET ($(target_names)) under build/image/.
  --perf            also an initramfs that holds perf
  --go              also an initramfs that holds the responders in Go of pipelab exchange
  --kernel NAME     one of the kernels in qemu/targets/TARGET.conf (the first)
  --kernel FILE     the file of a kernel; its modules are taken from lib/modules/VERSION beside its folder,
                    if it is called vmlinuz-VERSION; without modules it must have virtio built in
Exit codes: 0 good, 1 failed, 2 wrong usage.
EOF
}

# Copies the tree of the guest's own files to DIR.
stage_base() { # DIR PACKAGES
  mkdir -p "$1/bin" "$1/modules"
  cp "$2/bin/busybox" "$1/bin/"
  cp "$ROOT/qemu/init" "$1/init"
  install -m 644 "$ROOT/qemu/trace_guest.sh" "$1/"
  install -m 755 "$PROGRAM" "$1/bin/pipelab"
  if [[ -d $modules || -z $KERNEL_FILE ]]; then
    stage_modules "$1/modules" "$modules"
  else
    echo "make_image.sh: $KERNEL_FILE: has no $modules, so it must have virtio_pci and virtio_console built in" >&2
  fi
  chmod -R u=rwX,go=rX "$1"
}

# Copies the modules that the kernel does not have built in, numbered, to DIR.
stage_modules() { # DIR MODULES
  local module found number=0
  for module in "${VIRTIO_MODULES[@]}"; do
    found=$(find "$2" -name "$module.ko" -print -quit)
    if [[ -n $found ]]; then
      cp "$found" "$1/$((number += 1))-$module.ko"
    elif ! grep -qs "/$module.ko$" "$2/modules.builtin" && [[ $module != *_dev ]]; then
      # Those that end so are within virtio_pci in some kernels.
      die 1 "${KERNEL_FILE:-$KERNEL_PACKAGE}: lacks $module, which guests need to send their files: give another kernel"
    fi
  done
}

# Copies programs of /usr/bin and every library that they need to DIR.
stage_programs() { # DIR PACKAGES PROGRAM...
  local queue=("${@:3}") file name found
  queue=("${queue[@]/#/$2/usr/bin/}")
  mkdir -p "$1/usr/bin" "$1/lib"
  cp "${queue[@]}" "$1/usr/bin/"
  while ((${#queue[@]})); do
    file=${queue[0]}
    queue=("${queue[@]:1}")
    while read -r name; do
      [[ ! -e $1/lib/$name ]] || continue
      found=$(find "$2/lib" "$2/usr/lib" -name "$name" -print -quit)
      [[ -n $found ]] || die 1 "$file needs $name, which none of its packages holds"
      cp -L "$found" "$1/lib/$name"
      queue+=("$1/lib/$name")
    done < <(readelf -ld "$file" |
      sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p; s/.*program interpreter: .*\/([^/]*)\].*/\1/p')
  done
  # x86_64 looks for its loader in /lib64
  ln -s lib "$1/lib64"
  chmod -R u=rwX,go=rX "$1"
}

# Copies a kernel to FILE: of a bzImage what it would unpack in every guest, if QEMU can boot that, which takes less time.
# The header is that of the x86 boot protocol, version 2.08 or later.
copy_kernel() { # KERNEL FILE
  local begin length packed=$stage/packed
  cp "$1" "$2"
  [[ $(number "$1" 514 4) == $((0x53726448)) ]] || return 0
  begin=$((($(number "$1" 497 1) + 1) * 512 + $(number "$1" 584 4)))
  length=$(($(number "$1" 588 4) - 4)) # behind it is how long it is when it is unpacked
  { tail -c +$((begin + 1)) "$1" || true; } | head -c "$length" >"$packed"
  case $(od -An -tx4 -N4 "$packed" | tr -d ' ') in
    184c2102) set -- "$@" lz4 ;;
    587a37fd) set -- "$@" xz ;;
    fd2fb528) set -- "$@" zstd ;;
    *8b1f) set -- "$@" gzip ;;
    *) return 0 ;;
  esac
  if "$3" -dc <"$packed" >"$packed.elf" 2>/dev/null && readelf -nW "$packed.elf" 2>/dev/null | grep -q '^ *Xen .*0x00000012'; then
    mv "$packed.elf" "$2"
  fi
}

number() { # FILE OFFSET BYTES
  od -An -tu"$3" -j "$2" -N "$3" "$1" | tr -d ' '
}

write_facts() {
  {
    printf 'kernel\t%s\n' "$KERNEL_NAME"
    printf 'kernel_version\t%s\n' "$kernel_version"
    printf 'kernel_sha256\t%s\n' "$(sha256 "$KERNEL")"
    printf 'initrd_sha256\t%s\n' "$(sha256 "$INITRD")"
    printf 'program_sha256\t%s\n' "$(sha256 "$PROGRAM")"
    [[ ! -f $IMAGE/go.cpio ]] || printf 'go_sha256\t%s\n' "$(sha256 "$IMAGE/go.cpio")"
    printf 'program_version\t%s\n' "$(sed -nE 's/.*kVersion = "(.*)";/\1/p' "$BUILD/$TARGET/version.hpp")"
    printf 'compiler\t%s\n' "$(sed -nE 's/set\(CMAKE_CXX_COMPILER_VERSION "(.*)"\)/g++ \1/p' \
      "$BUILD/$TARGET"/CMakeFiles/*/CMakeCXXCompiler.cmake)"
    printf 'qemu_version\t%s\n' "$("$QEMU" --version | sed -nE '1s/QEMU emulator version //p')"
  } >"$IMAGE/image.tsv.partial"
  mv "$IMAGE/image.tsv.partial" "$IMAGE/image.tsv"
}

sha256() { sha256sum "$1" | cut -d' ' -f1; }

with_perf=0 with_go=0 kernel=''
while [[ ${1:-} == -* ]]; do
  case $1 in
    --help) usage && exit 0 ;;
    --perf) with_perf=1 ;;
    --go) with_go=1 ;;
    --kernel) (($# > 1)) || die 2 "$1 needs a value" && kernel=$2 && shift ;;
    *) die 2 "unknown option '$1', see --help" ;;
  esac
  shift
done
(($# == 1)) || die 2 "one target is needed, see --help"
load_target "$1" "$kernel"

PROGRAM=$BUILD/$TARGET/pipelab GO_PROGRAM=$BUILD/$TARGET/exchange-go
[[ -f $PROGRAM ]] || die 1 "$PROGRAM: the program is not built: run 'make image TARGET=$TARGET'"
make_folder "$IMAGE"
exec 8<"$BUILD" # one image at a time: they share files
attend flock 8
rm -rf "$BUILD"/stage.* # of one that was killed
stage=$(mktemp -d "$BUILD/stage.XXXXXX" 2>/dev/null) || die 1 "$BUILD: cannot be written to: mend its permissions, or free some space"
trap 'rm -rf "$stage"' EXIT

attend "$ROOT/qemu/get_packages.sh" ${kernel:+--kernel "$kernel"} "$TARGET"
kernel_source=${KERNEL_FILE:-$(echo "$KERNEL_PACKAGES"/boot/vmlinuz-*)}
kernel_version=${kernel_source##*/} kernel_version=${kernel_version#vmlinuz-}
modules=$(dirname "$(dirname "$kernel_source")")/lib/modules/$kernel_version
copy_kernel "$kernel_source" "$KERNEL.partial"
mv "$KERNEL.partial" "$KERNEL"
stage_base "$stage/base" "$PACKAGES"
pack "$stage/base" "$INITRD"
if ((with_perf)) && [[ ! -f $IMAGE/perf.cpio ]]; then
  attend "$ROOT/qemu/get_packages.sh" --perf "$TARGET"
  stage_programs "$stage/perf" "$PACKAGES-perf" perf
  pack "$stage/perf" "$IMAGE/perf.cpio"
fi
if ((with_go)); then
  [[ -f $GO_PROGRAM ]] || die 1 "$GO_PROGRAM: is not built: run 'make image-go TARGET=$TARGET'"
  mkdir -p "$stage/go/bin"
  install -m 755 "$GO_PROGRAM" "$stage/go/bin/"
  chmod -R u=rwX,go=rX "$stage/go"
  pack "$stage/go" "$IMAGE/go.cpio"
fi
for more in perf go; do
  [[ -f $IMAGE/$more.cpio ]] || continue # also when it was not asked for: it must not hold an older pipelab
  cat "$INITRD" "$IMAGE/$more.cpio" >"$IMAGE/initrd-$more.cpio.partial"
  mv "$IMAGE/initrd-$more.cpio.partial" "$IMAGE/initrd-$more.cpio"
done
write_facts
