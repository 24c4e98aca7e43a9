#!/usr/bin/env bats
# How a guest's end is told apart, with a QEMU that only pretends.

load fake_guest

run_vm() { run "$ROOT/qemu/run_vm.sh" "$@"; }

fact() { sed -n "s/^$1\t//p" "$OUT/vm.tsv"; }

@test "done: the files and the console are there, and how it ended" {
  run_vm --out "$OUT" -- pipelab --duration 1
  exits 0
  [[ $output == "" ]]
  [[ $(fact outcome) == "done" && $(fact exit_code) == 0 && $(fact accelerator) == tcg ]]
  [[ -s $OUT/out/samples.csv && -s $OUT/out/stats.csv && -s $OUT/console.log ]]
  [[ ! -e $OUT/out.tar && ! -e $OUT/out/exit_code ]]
}

@test "workload failed: its exit code and its last words come through" {
  FAKE_GUEST=bad-option run_vm --out "$OUT" -- pipelab --queue-cap 0
  exits 2
  says "workload-failed: the command ended with code 2: pipelab: --queue-cap: '0' is not valid"
  [[ $(fact outcome) == workload-failed && $(fact exit_code) == 2 ]]
}

@test "guest panicked" {
  FAKE_GUEST=panic run_vm --out "$OUT" -- pipelab
  exits 120
  says "guest-panicked: Kernel panic - not syncing: Attempted to kill init!"
  [[ -s $OUT/console.log && $(fact outcome) == guest-panicked ]]
}

@test "guest hung: it is stopped at the limit" {
  FAKE_GUEST=hang run_vm --limit 1 --out "$OUT" -- pipelab
  exits 121
  says "guest-hung: no end within 1 s"
  [[ -s $OUT/console.log ]]
}

@test "guest cut off: in the middle, before the end, or before the start" {
  for guest in cut no-end silent; do
    rm -rf "$OUT"
    FAKE_GUEST=$guest run_vm --out "$OUT" -- pipelab
    exits 122
    says "guest-cut-off: the guest's files did not arrive whole"
    [[ -s $OUT/console.log ]]
  done
}

@test "QEMU failed: its own message comes through" {
  FAKE_GUEST=refuse run_vm --out "$OUT" -- pipelab
  exits 123
  says "qemu-failed: QEMU ended with code 1: qemu-system-aarch64: cannot set up guest memory"
}

@test "a disk without room is named as such, however the guest ended" {
  local guest
  for guest in good:122 silent:122 refuse:123 hang:121; do
    FAKE_GUEST=${guest%:*} on_small_disk 16k "$BATS_TEST_TMPDIR/small" \
      "$ROOT/qemu/run_vm.sh" --limit 1 --out "$BATS_TEST_TMPDIR/small/out" -- pipelab
    exits "${guest#*:}"
    says "no room on the disk of $BATS_TEST_TMPDIR/small/out: free some space"
  done
}

@test "facts that cannot be written make a good run fail, and leave a failed one its exit code" {
  export FAKE_UNWRITABLE=vm.tsv
  run_vm --out "$OUT" -- pipelab
  exits 1
  says "$OUT/vm.tsv: cannot be written: "
  FAKE_GUEST=bad-option run_vm --out "$OUT.2" -- pipelab
  exits 2
  FAKE_GUEST=panic run_vm --out "$OUT.3" -- pipelab
  exits 120
}

@test "what a guest says of its end is never evaluated" {
  local code made=$BATS_TEST_TMPDIR/evaluated
  for code in "smp[\$(touch $made)0]*0" 256 -1 '' '0 0' 'exit_code=0'; do
    rm -rf "$OUT"
    mkdir -p "$BATS_TEST_TMPDIR/sent/out"
    printf '%s\n' "$code" >"$BATS_TEST_TMPDIR/sent/exit_code"
    tar -cf "$BATS_TEST_TMPDIR/stream" -C "$BATS_TEST_TMPDIR/sent" out exit_code
    FAKE_GUEST=stream FAKE_STREAM=$BATS_TEST_TMPDIR/stream run_vm --out "$OUT" -- pipelab
    exits 122
    ((${#lines[@]} == 1))
    says "its exit code is "
    [[ ! -e $made && ! -e $OUT/out ]]
  done
}

@test "a guest's files never stand beside, or for, the host's" {
  local canary=$BATS_TEST_TMPDIR/canary sent=$BATS_TEST_TMPDIR/sent/out name
  echo sings >"$canary"
  mkdir -p "$sent"
  echo 0 >"$BATS_TEST_TMPDIR/sent/exit_code"
  for name in vm.tsv console.log watch.json run.json 'a b' .hidden -dash; do echo forged >"$sent/$name"; done
  tar -cf "$BATS_TEST_TMPDIR/stream" -C "$BATS_TEST_TMPDIR/sent" out exit_code
  export FAKE_GUEST=stream FAKE_STREAM=$BATS_TEST_TMPDIR/stream
  run_vm --out "$OUT" -- pipelab
  exits 0
  [[ $(ls "$OUT") == $'console.log\nout\nvm.tsv' && $(fact outcome) == "done" && $(<"$OUT/console.log") == *booting ]]
  [[ $(<"$OUT/out/a b") == forged && $(<"$OUT/out/.hidden") == forged && $(<"$OUT/out/-dash") == forged ]]
  for name in vm.tsv .run.json.partial; do
    rm -rf "$OUT" "${sent:?}"/* "$sent"/.hidden
    ln -s "$canary" "$sent/$name"
    tar -cf "$BATS_TEST_TMPDIR/stream" -C "$BATS_TEST_TMPDIR/sent" out exit_code
    run_vm --out "$OUT" -- pipelab
    exits 122
    says "'out/$name' is a link: a command may leave regular files only"
    rm "$sent/$name"
  done
  [[ $(<"$canary") == sings ]]
}

@test "a guest that delivered did not panic, whatever it printed" {
  FAKE_GUEST=good-panic run_vm --out "$OUT" -- pipelab
  exits 0
  FAKE_GUEST=bad-option FAKE_STDERR="Kernel panic - not syncing: says the program" run_vm --out "$OUT.2" -- pipelab
  exits 2
  says "workload-failed: the command ended with code 2: Kernel panic - not syncing: says the program"
}

@test "a guest that ended before it could print is told so, with what is unusual" {
  FAKE_GUEST=early-end run_vm --out "$OUT" -- pipelab
  exits 122
  says "nothing was sent: it ended before it had printed anything: look for words in --kernel-args"
}

@test "what a guest sends and prints has bounds" {
  FAKE_GUEST=flood run_vm --output-mb 8 --out "$OUT" -- pipelab
  exits 122
  says "it sent more than 8 MB, or printed as much: let it write less, or give a larger --output-mb"
  [[ $(ls "$OUT") == $'console.log\nvm.tsv' ]]
  FAKE_GUEST=chatter run_vm --console-mb 1 --out "$OUT.2" -- pipelab
  exits 0
  (($(stat -c %s "$OUT.2/console.log") < 1100000))
  grep -a -q '^\[pipelab: [0-9]* bytes are cut out here\]$' "$OUT.2/console.log"
  [[ $(head -n 1 "$OUT.2/console.log") == *booting && $(tail -n 1 "$OUT.2/console.log") == chatter* ]]
}

@test "text of a guest is shown as one line without control characters" {
  FAKE_GUEST=bad-option FAKE_STDERR=$'\e[2J\e]0;owned\a\tred\x9b31m' run_vm --out "$OUT" -- pipelab
  exits 2
  ((${#lines[@]} == 1))
  [[ ! $output =~ [[:cntrl:]] && $output == *owned* ]]
  FAKE_GUEST=bad-option FAKE_STDERR=$(printf 'x%.0s' {1..100000}) run_vm --out "$OUT.2" -- pipelab
  ((${#output} < 1000))
}

@test "a signal to the script alone ends it at once, with its guest" {
  local signal code pid
  for signal in INT:130 TERM:143; do
    # In the background a shell has SIGINT ignored, and what it starts cannot undo that.
    FAKE_GUEST=hang /usr/bin/python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$ROOT/qemu/run_vm.sh" --out "$OUT.$signal" -- pipelab 3>&- &
    pid=$!
    until [[ -s $OUT.$signal/console.log ]]; do sleep 0.05; done
    [[ -n $(pgrep -P "$pid") ]]
    kill -"${signal%:*}" "$pid"
    code=0
    wait "$pid" || code=$?
    ((code == ${signal#*:}))
    sleep 0.2
    ! pgrep -f "$OUT.$signal" || false
    [[ ! -e $OUT.$signal/out.tar ]]
    ! readlink /proc/[0-9]*/cwd | grep -q "$OUT.$signal" || false # where QEMU runs
  done
}

@test "--dry-run prints a command that works when it is pasted, and writes nothing" {
  run_vm --dry-run --out "$OUT" -- pipelab --duration 1
  exits 0
  [[ ! -e $OUT ]]
  mkdir "$BATS_TEST_TMPDIR/pasted"
  (cd "$BATS_TEST_TMPDIR/pasted" && eval "$output")
  [[ -s $BATS_TEST_TMPDIR/pasted/out.tar ]]
}

@test "the guest's command is one word to the kernel, which passes 32" {
  run_vm --dry-run -- pipelab --duration 1
  says "-- cpus=2 run pipelab;--duration;1'"
}

@test "exact and live timing are different machines" {
  run_vm --dry-run --timing exact --seed 7 -- pipelab
  says "'-icount' 'shift=1,sleep=off'"
  says "'-seed' '7'"
  run_vm --dry-run --timing live -- pipelab
  says "thread=multi"
  [[ $output != *icount* ]]
}

@test "each target is whole: its file has every fact, and the program a preset of its name" {
  local file fact
  for file in "$ROOT"/qemu/targets/*.conf; do
    for fact in QEMU QEMU_PACKAGE COMPILER_PACKAGE DEBIAN_ARCH KERNELS MACHINE CPU CONSOLE KERNEL_ARGS \
      COMMAND_LINE_SIZE EXACT_SMP_KERNEL_ARGS HIDDEN_CPUS MAX_NUMA_NODES; do
      grep -q "^$fact=" "$file" || { echo "$file lacks $fact" && false; }
    done
    grep -q "\"name\": \"$(basename "$file" .conf)\"" "$ROOT/src/CMakePresets.json"
  done
}

@test "KVM is probed for what the target is, not for what it is called" {
  mkdir "$BATS_TEST_TMPDIR/kit"
  cp -r "$ROOT/qemu" "$BATS_TEST_TMPDIR/kit/"
  sed "s/^DEBIAN_ARCH=.*/DEBIAN_ARCH=$(dpkg --print-architecture)/; s/^QEMU=.*/QEMU=qemu-system-aarch64/" \
    "$ROOT/qemu/targets/x86_64.conf" >"$BATS_TEST_TMPDIR/kit/qemu/targets/own-rt.conf"
  sed "s/^DEBIAN_ARCH=.*/DEBIAN_ARCH=riscv64/" "$BATS_TEST_TMPDIR/kit/qemu/targets/own-rt.conf" \
    >"$BATS_TEST_TMPDIR/kit/qemu/targets/$(uname -m).conf"
  export PIPELAB_KVM_DEVICE=$BATS_TEST_TMPDIR/kvm FAKE_GUEST=kvm
  touch "$PIPELAB_KVM_DEVICE"
  cd "$BATS_TEST_TMPDIR" # where the fake leaves its files
  run "$BATS_TEST_TMPDIR/kit/qemu/probe_kvm.sh" own-rt
  [[ $output == kvm ]]
  run "$BATS_TEST_TMPDIR/kit/qemu/probe_kvm.sh" "$(uname -m)"
  [[ $output == tcg ]]
  rm -r "$PIPELAB_BUILD/kvm_probe"
  FAKE_GUEST=good run "$BATS_TEST_TMPDIR/kit/qemu/probe_kvm.sh" own-rt
  says "a probe guest did not boot with it in 20 s: using TCG"
}

@test "exact timing is refused with more CPUs than were tried, and maxcpus is the kit's own" {
  run_vm --timing exact --smp 9 --dry-run -- pipelab
  exits 2
  says "exact timing works with at most 8 CPUs, not 9: give --smp 8, or --timing live"
  run_vm --kernel-args "quiet maxcpus=1" --dry-run -- pipelab
  exits 2
  says "--kernel-args: maxcpus is the kit's own: give --smp"
}

@test "with a quantum every second CPU is hidden, as the target does that" {
  run_vm --smp 3 --quantum 20us --dry-run -- pipelab
  says "fdtput -t s machine.dtb /cpus/cpu@1 status fail && fdtput -t s machine.dtb /cpus/cpu@3 status fail && "
  says "'-smp' '5' '-dtb' 'machine.dtb' '-netdev' 'hubport,id=quantum,hubid=0'"
  says "interval=20'"
  says "-- cpus=3 run"
  mkdir "$PIPELAB_BUILD/image/x86_64"
  cp "$PIPELAB_BUILD/image/aarch64"/* "$PIPELAB_BUILD/image/x86_64/"
  run_vm --target x86_64 --quantum 20us --dry-run -- pipelab
  says "'-smp' '1,maxcpus=3,sockets=1,cores=3,threads=1' '-device' 'max-x86_64-cpu,socket-id=0,core-id=2,thread-id=0' '-device'"
  says "maxcpus=1 -- cpus=2 run"
  run_vm --smp 1 --quantum 20us --dry-run -- pipelab
  [[ $output != *quantum* && $output == *"'-smp' '1'"* ]]
  run_vm --dry-run -- pipelab
  [[ $output != *quantum* && $output == *"tb-size=256"* ]]
}

@test "a quantum that cannot be had is refused, with what would work" {
  local quantum
  for quantum in 4us 10001us 20 20ms us "" none,; do
    run_vm --quantum "$quantum" --dry-run -- pipelab
    exits 2
    says "--quantum: '$quantum' is not valid: give none, or whole us from 5us to 10000us"
  done
  run_vm --timing live --quantum 20us --dry-run -- pipelab
  says "--quantum: live timing has none"
  run_vm --smp 5 --quantum 20us --dry-run -- pipelab
  exits 2
  says "--quantum works with at most 4 CPUs, not 5: give --smp 4, or --quantum none"
  run_vm --numa 2 --quantum 20us --dry-run -- pipelab
  exits 2
  says "--quantum works with 1 NUMA node, not 2: give --numa 1, or --quantum none"
  run_vm --shell --quantum 20us
  exits 2
  # A machine whose device tree cannot be made, and one of which nobody knows how it could hide CPUs.
  mkdir "$BATS_TEST_TMPDIR/kit"
  cp -r "$ROOT/qemu" "$ROOT/scripts" "$BATS_TEST_TMPDIR/kit/"
  sed -i '/^HIDDEN_CPUS/d' "$BATS_TEST_TMPDIR/kit/qemu/targets/aarch64.conf"
  run "$BATS_TEST_TMPDIR/kit/qemu/run_vm.sh" --quantum 20us --dry-run -- pipelab
  exits 2
  says "--quantum: nobody has tried how aarch64 could hide CPUs: give none, or add HIDDEN_CPUS to qemu/targets/aarch64.conf"
  printf '#!/bin/sh\necho "no such node" >&2\nexit 1\n' >"$BATS_TEST_TMPDIR/fdtput"
  chmod +x "$BATS_TEST_TMPDIR/fdtput"
  PATH=$BATS_TEST_TMPDIR:$PATH run_vm --quantum 20us --out "$OUT" -- pipelab
  exits 123
  says "QEMU ended with code 1: what it boots cannot be made: "
}

@test "NUMA nodes share CPUs and memory, where the target has them" {
  run_vm --numa 2 --smp 3 --memory 513 --dry-run -- pipelab
  says "'memory-backend-ram,id=node0,size=257M' '-numa' 'node,nodeid=0,cpus=0-1,memdev=node0'"
  says "'memory-backend-ram,id=node1,size=256M' '-numa' 'node,nodeid=1,cpus=2-2,memdev=node1'"
  run_vm --dry-run -- pipelab
  [[ $output != *numa* ]]
  run_vm --numa 3 --dry-run -- pipelab
  exits 2
  says "3 NUMA nodes need a CPU each, and the guest has 2: give --numa 2, or --smp 3"
  run_vm --target armv7 --timing live --numa 2 --dry-run -- pipelab
  exits 2
  says "armv7 has at most 1 NUMA node(s), not 2: give --numa 1, or --target aarch64 or x86_64"
}

@test "KVM is refused for another architecture, for exact timing, and where it does not work" {
  local own foreign
  own=$(basename "$(grep -l "^DEBIAN_ARCH=$(dpkg --print-architecture)$" "$ROOT"/qemu/targets/*.conf)" .conf)
  foreign=aarch64 && [[ $own != aarch64 ]] || foreign=x86_64
  run_vm --target "$foreign" --timing live --accelerator kvm --dry-run -- pipelab
  exits 2
  says "give tcg, or --target $own"
  run_vm --target "$own" --smp 1 --accelerator kvm --dry-run -- pipelab
  exits 2
  says "exact timing works with tcg only"
  mkdir -p "$PIPELAB_BUILD/image/$own" && touch "$PIPELAB_BUILD/image/$own"/{vmlinuz,initrd.cpio}
  PIPELAB_KVM_DEVICE=/nowhere run_vm --target "$own" --timing live --accelerator kvm --dry-run -- pipelab
  exits 1
  says "KVM does not work on this host"
}

@test "bad arguments get one line and exit code 2" {
  local arguments
  for arguments in "--target amiga" "--target ../x" "--timing slow" "--smp 0" "--smp two" "--memory -1" "--limit" \
    "--seed x" "--kernel amiga" "--kernel-args" "--numa 0" "--accelerator hvf" "--pin-vcpus 1" "--bogus"; do
    # shellcheck disable=SC2086
    run_vm $arguments --out "$OUT" -- pipelab
    exits 2
    ((${#lines[@]} == 1))
  done
  run_vm --out "$OUT"
  says "no command is given"
  run_vm --out "$OUT" -- pipelab -- --duration 1
  says "cannot hold '--'"
  run_vm --out "$OUT" -- sh -c 'rm -rf /'
  exits 2
  run_vm --out "$OUT" -- echo 'a;b' # what stands between words on the kernel's command line
  exits 2
  # shellcheck disable=SC2046  # 1000 words
  run_vm --out "$OUT" -- echo $(seq 1000 2000)
  exits 2
  says "the kernel's command line on aarch64 takes 2048 characters"
  run_vm -- pipelab
  says "--out DIR is needed"
}

@test "each kernel of a target has an image of its own, and so has the file of a kernel" {
  run_vm --kernel cloud --dry-run -- pipelab
  says "/image/aarch64/vmlinuz'" # the first kernel of the target
  run_vm --kernel rt --out "$OUT" -- pipelab
  exits 1
  says "/image/aarch64.rt/vmlinuz: there is no kernel: run 'make image TARGET=aarch64 KERNEL=rt'"
  echo a kernel >"$BATS_TEST_TMPDIR/own"
  run_vm --kernel "$BATS_TEST_TMPDIR/own" --out "$OUT" -- pipelab
  exits 1
  says "/image/aarch64.file-$(sha256sum "$BATS_TEST_TMPDIR/own" | cut -c 1-8)/vmlinuz: there is no kernel"
}

@test "an unknown kernel is named beside those of the target" {
  run_vm --target armv7 --kernel cloud --out "$OUT" -- pipelab
  exits 2
  says "unknown kernel 'cloud' of armv7: give one of: standard rt, or the file of a kernel"
}

@test "words for the kernel stand before the guest's command, and cannot pass for it" {
  run_vm --kernel-args "isolcpus=1 nohz_full=1" --dry-run -- pipelab
  says "nokaslr earlycon cryptomgr.notests isolcpus=1 nohz_full=1 -- cpus=2 run pipelab'"
  local words
  for words in "a -- b" "run" 'a="b c"'; do
    run_vm --kernel-args "$words" --dry-run -- pipelab
    exits 2
    says "--kernel-args: '"
  done
}

@test "an unknown target is named beside those that exist" {
  run_vm --target amiga --out "$OUT" -- pipelab
  local target
  for target in "$ROOT"/qemu/targets/*.conf; do
    target=$(basename "$target" .conf)
    [[ $output =~ "unknown target 'amiga': give one of: ".*$target ]]
  done
}

@test "a missing kernel is named with its remedy" {
  rm "$PIPELAB_BUILD/image/aarch64/vmlinuz"
  run_vm --out "$OUT" -- pipelab
  exits 1
  says "vmlinuz: there is no kernel: run 'make image TARGET=aarch64'"
}

@test "a folder that is in use is left alone" {
  mkdir "$OUT"
  echo precious >"$OUT/file"
  run_vm --out "$OUT" -- pipelab
  exits 2
  says "is not empty"
  [[ $(cat "$OUT/file") == precious ]]
}
