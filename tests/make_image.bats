#!/usr/bin/env bats
# What goes into an image, with packages that only pretend.

load fake_guest

# A package tool that notes what it is asked for, and unpacks a kernel with virtio as modules, but
# for what BUILT_IN and LACKING name.
pretend_mmdebstrap() {
  mkdir -p "$BATS_TEST_TMPDIR/bin" "$PIPELAB_BUILD/aarch64/CMakeFiles/3"
  cat >"$BATS_TEST_TMPDIR/bin/mmdebstrap" <<'EOF'
#!/bin/bash
[[ ! -e $REFUSE ]] || { echo "E: no network"; exit 1; }
echo "$@" | grep -o 'include=[^-]*.*' >>"$ASKED"
for word; do [[ $word != */packages/* ]] || dir=$word; done
modules=$dir/lib/modules/6.6
mkdir -p "$dir"/{bin,boot} "$modules/kernel"
echo busybox >"$dir/bin/busybox"
echo "kernel of $*" >"$dir/boot/vmlinuz-6.6"
for module in virtio{,_ring,_pci,_pci_modern_dev,_pci_legacy_dev,_console}; do
  case " $LACKING / $BUILT_IN " in
    *" $module "*/*) ;;
    */*" $module "*) echo "kernel/drivers/virtio/$module.ko" >>"$modules/modules.builtin" ;;
    *) touch "$modules/kernel/$module.ko" ;;
  esac
done
EOF
  chmod +x "$BATS_TEST_TMPDIR/bin/mmdebstrap"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH
  export ASKED=$BATS_TEST_TMPDIR/asked REFUSE=$BATS_TEST_TMPDIR/refuse BUILT_IN='' LACKING=''
  touch "$PIPELAB_BUILD/aarch64"/{pipelab,version.hpp,CMakeFiles/3/CMakeCXXCompiler.cmake}
}

# Names the modules in the image, in the order in which they are loaded.
modules() { cpio -t --quiet <"$PIPELAB_BUILD/image/aarch64/initrd.cpio" | sed -n 's|^modules/||p' | paste -sd' '; }

@test "packages are got once, and again when the target names another kernel" {
  pretend_mmdebstrap
  cp -r "$ROOT/qemu" "$BATS_TEST_TMPDIR/qemu"
  run "$BATS_TEST_TMPDIR/qemu/make_image.sh" aarch64
  exits 0
  run "$BATS_TEST_TMPDIR/qemu/make_image.sh" aarch64
  exits 0
  (($(wc -l <"$ASKED") == 1))
  sed -i 's/linux-image-cloud-arm64/linux-image-other-arm64/' "$BATS_TEST_TMPDIR/qemu/targets/aarch64.conf"
  touch "$REFUSE" # a failure leaves what was there, and is not taken for the other kernel
  run "$BATS_TEST_TMPDIR/qemu/make_image.sh" aarch64
  exits 1
  says "cannot get busybox-static libnuma-dev libunwind-dev linux-image-other-arm64 for arm64: E: no network"
  rm "$REFUSE"
  run "$BATS_TEST_TMPDIR/qemu/make_image.sh" aarch64
  exits 0
  (($(wc -l <"$ASKED") == 2))
  grep -q linux-image-other-arm64 "$PIPELAB_BUILD/image/aarch64/vmlinuz"
}

@test "the file of a kernel brings the modules beside it, or is told to have them built in" {
  pretend_mmdebstrap
  local own=$BATS_TEST_TMPDIR/own
  mkdir -p "$own"/{boot,lib/modules/6.9}
  echo own >"$own/boot/vmlinuz-6.9"
  touch "$own/lib/modules/6.9"/virtio{,_ring,_pci,_console}.ko
  run "$ROOT/qemu/make_image.sh" --kernel "$own/boot/vmlinuz-6.9" aarch64
  exits 0
  mv "$PIPELAB_BUILD"/image/aarch64.file-* "$BATS_TEST_TMPDIR/image"
  cmp "$own/boot/vmlinuz-6.9" "$BATS_TEST_TMPDIR/image/vmlinuz"
  (($(cpio -t --quiet <"$BATS_TEST_TMPDIR/image/initrd.cpio" | grep -c '^modules/.*ko') == 4))
  grep -q $'^kernel_version\t6.9$' "$BATS_TEST_TMPDIR/image/image.tsv"
  rm -r "${own:?}/lib"
  run "$ROOT/qemu/make_image.sh" --kernel "$own/boot/vmlinuz-6.9" aarch64
  exits 0
  says "so it must have virtio_pci and virtio_console built in"
}

@test "virtio modules that the kernel has built in are not missed" {
  pretend_mmdebstrap
  BUILT_IN="virtio virtio_ring" LACKING="virtio_pci_legacy_dev" run "$ROOT/qemu/make_image.sh" aarch64
  exits 0
  [[ $(modules) == "1-virtio_pci_modern_dev.ko 2-virtio_pci.ko 3-virtio_console.ko" ]]
}

@test "a kernel without a virtio module that guests need is refused" {
  pretend_mmdebstrap
  LACKING="virtio_console" run "$ROOT/qemu/make_image.sh" aarch64
  exits 1
  says "lacks virtio_console, which guests need to send their files: give another kernel"
}

@test "what a run that was killed has left is removed by the next one, which waits for one that lives" {
  pretend_mmdebstrap
  "$ROOT/qemu/make_image.sh" aarch64
  rm -r "$PIPELAB_BUILD/packages/aarch64"
  sed -i '2i sleep 30' "$BATS_TEST_TMPDIR/bin/mmdebstrap"
  "$ROOT/qemu/make_image.sh" aarch64 3>&- 2>/dev/null &
  local killed=$!
  until pgrep -f "$PIPELAB_BUILD/packages/aarch64.partial" >/dev/null; do sleep 0.1; done
  mkdir "$PIPELAB_BUILD/packages/x86_64.partial"
  run timeout 1 "$ROOT/qemu/make_image.sh" aarch64
  exits 124
  (($(find "$PIPELAB_BUILD" -maxdepth 1 -name 'stage.*' | wc -l) == 1)) # that of the living one
  kill -KILL "$killed"
  wait "$killed" || true
  sed -i '2d' "$BATS_TEST_TMPDIR/bin/mmdebstrap"
  run "$ROOT/qemu/make_image.sh" aarch64
  exits 0
  [[ -z $(find "$PIPELAB_BUILD" -name 'stage.*' -o -name '*.partial') ]]
}

@test "a signal to the making of an image alone ends it and what it has started" {
  pretend_mmdebstrap
  sed -i '2i sleep 30' "$BATS_TEST_TMPDIR/bin/mmdebstrap"
  "$ROOT/qemu/make_image.sh" aarch64 3>&- 2>/dev/null &
  local code=0
  until pgrep -f "$PIPELAB_BUILD/packages/aarch64.partial" >/dev/null; do sleep 0.1; done
  kill -TERM $!
  wait $! || code=$?
  ((code == 143))
  sleep 0.3
  [[ -z $(pgrep -f "$PIPELAB_BUILD/packages/aarch64.partial") ]]
  [[ -z $(find "$PIPELAB_BUILD" -name 'stage.*') ]]
}
