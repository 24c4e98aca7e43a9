#!/usr/bin/env bats
# bats file_tags=slow
# Real guests that try to harm the host, or only do what scripts get wrong.

bats_require_minimum_version 1.5.0

setup() {
  ROOT=$BATS_TEST_DIRNAME/..
  OUT=$BATS_TEST_TMPDIR/runs/run/out
  mkdir -p "$BATS_TEST_TMPDIR/runs/run"
  echo sings >"$BATS_TEST_TMPDIR/canary"
  install "$ROOT/tests/hostile_guest.sh" -t "$BATS_TEST_TMPDIR"
  cp "$ROOT/build/image/aarch64/initrd.cpio" "$BATS_TEST_TMPDIR/initrd.cpio"
  (cd "$BATS_TEST_TMPDIR" && echo hostile_guest.sh | cpio -o -H newc --quiet) >>"$BATS_TEST_TMPDIR/initrd.cpio"
}

teardown() {
  [[ $(<"$BATS_TEST_TMPDIR/canary") == sings && ! -e /tmp/pipelab-was-here ]]
}

guest() { # WHAT OPTION...
  run "$ROOT/qemu/run_vm.sh" --initrd "$BATS_TEST_TMPDIR/initrd.cpio" --limit 120 --out "$OUT" "${@:2}" -- \
    sh /hostile_guest.sh "$1"
  output=$(grep -v '^run_vm.sh: waiting for the end of other guests' <<<"$output" || true) # of tests beside this one
  [[ $output != *$'\n'* ]]
  [[ ! $output =~ [[:cntrl:]] ]]
}

refused() { # WHAT TEXT [OPTION...]
  guest "$1" "${@:3}"
  ((status == 122))
  [[ $output == *"guest-cut-off: "*"$2"* ]]
  [[ ! -e $OUT/out ]]
}

@test "regular files come under their names, whatever these are" {
  guest names
  ((status == 0))
  [[ $(cd "$OUT/out" && find . -type f | LC_ALL=C sort) == \
    $'./--checkpoint=1\n./-dash\n./.hidden\n./a b.csv\n./c"d\n./stderr.txt\n./stdout.txt' ]]
  [[ $(<"$OUT/out/a b.csv") == "a b.csv" ]]
}

@test "files that are called as the host's records stay apart from them" {
  guest forged
  ((status == 0))
  ! grep -rqx forged "$OUT"/*.* || false
  [[ $(sed -n 's/^outcome\t//p' "$OUT/vm.tsv") == "done" ]]
}

@test "links, devices and folders are refused" {
  refused links "is a link"
  rm -rf "$OUT"
  refused devices "is no regular file"
  rm -rf "$OUT"
  refused folders "is a folder"
}

@test "a stream that the program wrote itself is not believed" {
  refused stream "its exit code is b'smp["
}

@test "no more is taken than was allowed" {
  refused flood "it sent more than 8 MB" --output-mb 8
  (($(du -sm "$OUT" | cut -f 1) <= 1))
}

@test "a file of more than the bound is refused before it fills the disk" {
  refused sparse "" --output-mb 8
  (($(du -sm "$OUT" | cut -f 1) <= 1))
}

@test "a panic that a program prints is none, and one of the kernel is" {
  guest panic
  ((status == 0))
  rm -rf "$OUT"
  guest crash
  ((status == 120))
  [[ $output == *"guest-panicked: Kernel panic - not syncing: sysrq triggered crash"* ]]
}

@test "a console that chatters is cut, and the run is good" {
  guest chatter --console-mb 1
  ((status == 0))
  (($(stat -c %s "$OUT/console.log") < 1100000))
  grep -a -q '^\[pipelab: [0-9]* bytes are cut out here\]' "$OUT/console.log"
}

@test "a guest whose kernel cannot even begin says why" {
  guest names --kernel-args "$(printf 'unknown%s=1 ' {1..32})"
  ((status == 120))
  [[ $output == *"guest-panicked: Kernel panic - not syncing: Too many boot env vars"* ]]
}
