#!/usr/bin/env bats
# bats file_tags=slow
# A user's own program in real guests: what comes along, what it may do, and what is said where it does not work.

load fake_guest

# Unlike there: the guests are real.
setup() {
  ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
  export PIPELAB_RUNS=$BATS_TEST_TMPDIR/result_data/runs PIPELAB_LOCK=$BATS_TEST_TMPDIR/host.lock
  MY=$BATS_TEST_TMPDIR/my
  mkdir -p "$MY"
}

sweep() { "$ROOT/scripts/run_scenarios.sh" --timing exact "$@"; }

pack() { # OPTION...
  "$ROOT/qemu/pack_program.sh" "$@" aarch64 "$MY/parcel.cpio"
}

# Compiles a C++ program for guests, of aarch64 unless `target` says otherwise.
compile() { # FILE NAME [OPTION...]
  local machine=${target:-aarch64}
  [ "$machine" != armv7 ] || machine=arm
  "$machine-linux-gnu$([ "$machine" != arm ] || echo eabihf)-g++" -std=c++20 -O2 -pthread -o "$MY/$2" "$1" "${@:3}"
}

suite() { # NAME LINE...: for a program that prints "time S s"
  printf '%s\n' "${@:2}" 'timing = "exact"' 'reps = 1' '[scenario.a]' '[metrics.time_s]' "stdout = 'time ([0-9.]+) s'" \
    'unit = "s"' 'better = "lower"' >"$MY/$1.toml"
}

@test "own programs: the example, dynamic and unchanged, is measured, and its threads are told" {
  compile "$ROOT/examples/counter_lock.cpp" counter_lock
  suite mine 'program = "counter_lock"' 'command = "counter_lock 3 20000"'
  sweep "$MY/mine.toml"
  results=$BATS_TEST_TMPDIR/result_data
  grep -q '^a,0\.[0-9]*,aarch64,exact,tcg,1,0' "$results/mine_metrics.csv"
  grep -q '^a,aarch64,exact,tcg,counter_lock,1,4,' "$results/mine_threads.csv"
  grep -q "make run-scenarios SUITE=$MY/mine.toml TARGET=aarch64 TIMING=exact REPS=1 SEED=1 RESULTS=$BATS_TEST_TMPDIR" "$results/mine.md"
  [ "$(cat "$PIPELAB_RUNS"/aarch64.exact.*/stdout.txt | head -n 1)" = "sum 199990000" ]
  PYTHONPATH=$ROOT/scripts /usr/bin/python3 -m lab html
  grep -q counter_lock "$BATS_TEST_TMPDIR/results.html"
}

@test "own programs: each way to fail is one line, and the sweep goes on" {
  cp "$BATS_TEST_DIRNAME"/own/bad.* "$MY/"
  run sweep "$MY/bad.toml"
  exits 1
  says "bad.code.aarch64.exact.r1: run_vm.sh: workload-failed: the command ended with code 3: assertion failed: x > 0"
  says "attendant: ended by signal 11 (Segmentation fault)"
  says "stdout.txt: '^time ([0-9.]+)\$' matches nothing: mend [metrics.time_s] of $MY/bad.toml, or what the program prints"
  says "matches 2 times, and one number is wanted"
  grep -q '^time ' "$PIPELAB_RUNS"/failed/bad.twice.*/stdout.txt # what is complained of is kept
  says "attendant: left 1 process (sleep) behind, which ended with the guest: let the command stay in the foreground"
  says "attendant: did not end within 2 s of the guest's time: 2 threads wait, 0 run (wait4: bad.sh; clock_nanosleep: sleep)"
  says "(wait4: bad.sh; clock_nanosleep: sleep); it had stopped its parent (\$PPID)"
  says "attendant: was ended by signal 9 (Killed) before the program's end: let the program signal no process but its own"
  for how in "everybody.*9 (Killed)" "asks.*15 (Terminated)"; do
    grep -q "bad.$how, as 'kill -9 -1' does: let the program signal no process but its own" <<<"$output"
  done
  says "workload-failed: the command ended with code 1: \\x1b[31mtime 2"
  says "bad.forks.aarch64.exact.r1: "
  says "bad.writes.aarch64.exact.r1: "
  says "bad.fills.aarch64.exact.r1: "
  # Neither what else a program leaves in its folder nor a signal to the first process is its failure.
  [[ $output != *bad.good.* && $output != *bad.folder.* ]]
  [ "$(tail -n +2 "$BATS_TEST_TMPDIR/result_data/bad_metrics.csv" | cut -d, -f1 | sort | paste -sd' ')" = "folder good init" ]
  grep -q ' sleep state S .* in clock_nanosleep' "$PIPELAB_RUNS"/failed/bad.never.*/out/hang.txt
}

@test "own programs: what hangs is told with the functions that its threads are in" {
  suite hang 'program = "hang"' 'command = "hang"' 'limit = "1s"'
  sed "s/hang/static/" "$MY/hang.toml" >"$MY/static.toml"
  for target in aarch64 ${PIPELAB_THOROUGH:+armv7 x86_64}; do
    make -s -C "$ROOT" image TARGET="$target"
    compile "$BATS_TEST_DIRNAME/own/deadlock.cpp" hang
    compile "$BATS_TEST_DIRNAME/own/deadlock.cpp" static -static
    run sweep --target "$target" "$MY/hang.toml" "$MY/static.toml"
    exits 1
    for name in hang static; do
      grep -q " 2 threads wait, 0 run (futex(uaddr=0x[0-9a-f]*): $name in .*take_both < right_then_left.*: $name in .*take_both < left_then_right" <<<"$output"
      [ "$(grep -c ' (anonymous namespace)::take_both(std::mutex&, std::mutex&) ' "$PIPELAB_RUNS/failed/$name.a.$target."*/out/hang.txt)" = 2 ]
    done
  done
}

@test "own programs: one of other people comes out the same, and otherwise with another seed" {
  run "$BATS_TEST_DIRNAME/own/all_programs.sh" --cpus 2 hackbench
  exits 0
  [ "$output" = "hackbench: 2 CPUs same" ]
}

# bats test_tags=thorough
@test "own programs: all of other people's on 1, 2 and 4 CPUs" {
  run "$BATS_TEST_DIRNAME/own/all_programs.sh"
  exits 0
}

@test "own programs: a command has any characters and any length" {
  long=$(printf 'x%.0s' {1..5000})
  suite quoted 'program = "say.sh"' "command = '''say.sh \"a  b\" '\$HOME; {{}} \\' $long'''"
  printf '#!/bin/sh\nprintf "%%s\\n" "$@"\necho time 1 s\n' >"$MY/say.sh"
  chmod +x "$MY/say.sh"
  sweep "$MY/quoted.toml"
  # shellcheck disable=SC1003,SC2016  # it is a literal
  [ "$(sed -n 1,3p "$PIPELAB_RUNS"/aarch64.exact.*/stdout.txt)" = 'a  b'$'\n''$HOME; {} \'$'\n'"$long" ]
}

@test "own programs: ab tells two versions apart in exact timing" {
  for version in counter counter_lock; do compile "$ROOT/examples/$version.cpp" "$version"; done
  sed 's|build/aarch64/||; s/^default = 2000000/default = 100000/; s/threads = \[.*/threads = [4]/' "$ROOT/examples/counter.toml" >"$MY/counter.toml"
  run "$ROOT/scripts/ab.sh" --reps 4 --base-program "$MY/counter_lock" "$MY/counter.toml"
  exits 0
  says "threads-4, exact timing on aarch64, what else changed: threads went to sleep"
  says "better: -"
  run "$ROOT/scripts/ab.sh" --reps 2 --base-program "$MY/counter" "$MY/counter.toml"
  says "equal: 1 comparisons"
}

@test "own programs: capacity finds the rate at which a server of 40 us a request is full, verify and live runs end" {
  compile "$BATS_TEST_DIRNAME/own/server.cpp" server
  cp "$BATS_TEST_DIRNAME/own/server.toml" "$MY/"
  run "$ROOT/scripts/capacity.sh" --rates "10000 40000" --precision 0.6 --reps 1 "$MY/server.toml"
  exits 0
  says "server.toml, exact timing on aarch64: holds at 20,000/s, misses at 28,300/s: response_p99_us "
  grep -q '^server,a,aarch64,exact,tcg,"{""seconds"": 0.1}",.*,20000,50,1,0,held,' "$BATS_TEST_TMPDIR/result_data/capacity_server_a.csv"
  "$ROOT/scripts/run_scenarios.sh" --reps 1 "$MY/server.toml"
  grep -q '^a,.*,aarch64,live,' "$BATS_TEST_TMPDIR/result_data/server_metrics.csv"
  run "$ROOT/scripts/verify.sh" "$MY/server.toml"
  exits 0
  says "server: 1 exact runs came out the same, byte for byte in all files that the program left"
  aarch64-linux-gnu-strip "$MY/server"
  run "$ROOT/scripts/verify.sh" "$MY/server.toml"
  exits 5
  says "not tested, since it was made with something else: program and what comes along with it: "
}

@test "packing: the same inputs give the same bytes, folders before their files" {
  compile "$ROOT/examples/counter.cpp" counter
  pack --program "$MY/counter" --files "$BATS_TEST_DIRNAME/own/programs"
  cp "$MY/parcel.cpio" "$MY/first.cpio"
  pack --program "$MY/counter" --files "$BATS_TEST_DIRNAME/own/programs"
  cmp "$MY/parcel.cpio" "$MY/first.cpio"
  cpio --quiet -t <"$MY/parcel.cpio" >"$MY/list"
  for file in attendant root/usr/local/bin/counter root/lib/libstdc++.so.6 root/lib/ld-linux-aarch64.so.1 root/work/redis.sh root/bin/sh; do
    grep -qx "$file" "$MY/list"
  done
  LC_ALL=C sort -c "$MY/list"
}

@test "packing: what cannot come along is said with its remedy" {
  echo 'int main() {}' >"$MY/empty.cpp"
  g++ -o "$MY/native" "$MY/empty.cpp"
  run pack --program "$MY/native"
  exits 2
  says "native is for Advanced Micro Devices X86-64, and guests of aarch64 need AArch64: build it with aarch64-linux-gnu-g++"
  echo 'int own() { return 0; }' >"$MY/own.cpp"
  compile "$MY/own.cpp" libmine.so -shared -fPIC
  echo 'int own(); int main() { return own(); }' >"$MY/user.cpp"
  compile "$MY/user.cpp" user -L"$MY" -lmine
  run pack --program "$MY/user"
  exits 2
  says "program: user needs libmine.so, which is nowhere: give its Debian package as package, or a sysroot that has it"
  pack --program "$MY/user" --sysroot "$MY"
  run pack --program "$MY/nothing"
  says "program: $MY/nothing is not there: build it, or mend its path"
  run pack --program "$MY"
  says "program: $MY is no file that can be read: give the program itself"
  : >"$MY/empty"
  run pack --program "$MY/empty"
  says "program: $MY/empty is empty: build it again"
  local line
  for line in '#!/bin/bash -e' '#!/usr/bin/env python3'; do
    printf '%s\n' "$line" >"$MY/script"
    run pack --program "$MY/script"
    exits 2
    says "program: script begins with '$line', and nothing brings "
  done
  echo '#!/usr/bin/env sh' >"$MY/script"
  pack --program "$MY/script"
  cpio --quiet -t <"$MY/parcel.cpio" | grep -qx root/usr/bin/env
  run pack --files /proc
  says "files: /proc is of the kernel, not of a disk: give a folder of files"
  run pack --files "$MY/nothing"
  says "files: $MY/nothing is no folder: mend its path"
  run pack --rootfs "$MY/empty.cpp"
  says "cannot be unpacked (bsdtar: Error opening archive: Unrecognized archive format): give a cpio archive"
  run pack --package no-such-package
  exits 1
  says "cannot get no-such-package for arm64: E: Unable to locate package no-such-package"
}

@test "packing: a userland of the user's own, whose links lead nowhere else" {
  mkdir -p "$MY/rootfs/usr/bin" "$MY/rootfs/etc"
  ln -s usr/bin "$MY/rootfs/bin"
  cp "$ROOT/build/packages/aarch64/bin/busybox" "$MY/rootfs/usr/bin/sh"
  echo 'me:x:0:0::/:/bin/sh' >"$MY/rootfs/etc/passwd"
  (cd "$MY/rootfs" && find . | cpio --quiet -o -H newc | gzip) >"$MY/rootfs.cpio.gz"
  suite mine 'guest.rootfs = "rootfs.cpio.gz"' "command = \"sh -c 'id; echo time 1 s'\""
  sweep "$MY/mine.toml"
  grep -q '^uid=0(me)' "$PIPELAB_RUNS"/aarch64.exact.*/stdout.txt
  rm "$MY/rootfs/bin"
  ln -s "$MY/elsewhere" "$MY/rootfs/usr/local"
  (cd "$MY/rootfs" && find . | cpio --quiet -o -H newc) >"$MY/rootfs.cpio"
  run pack --rootfs "$MY/rootfs.cpio" --program "$BATS_TEST_DIRNAME/own/bad.sh"
  exits 2
  says "rootfs: its /usr/local is a link to elsewhere"
  [ ! -e "$MY/elsewhere" ]
  # Nor may a file come through a link that the archive has before it, or replace what a link to nowhere names.
  mkdir "$MY/victim" "$MY/first" "$MY/second" "$MY/second/a"
  ln -s "$MY/victim" "$MY/first/a"
  touch "$MY/second/a/file"
  (cd "$MY/first" && echo a | cpio --quiet -o -H newc) >"$MY/first.cpio"
  (cd "$MY/second" && echo a/file | cpio --quiet -o -H newc) >"$MY/second.cpio"
  head -c "$(($(grep -abo 'TRAILER!!!' "$MY/first.cpio" | cut -d: -f1) - 110))" "$MY/first.cpio" | cat - "$MY/second.cpio" >"$MY/rootfs.cpio"
  run pack --rootfs "$MY/rootfs.cpio"
  exits 2
  says "cannot be unpacked (a/file: "
  [ -z "$(ls "$MY/victim")" ]
  rm -r "$MY/rootfs" && mkdir -p "$MY/rootfs/etc"
  ln -s "$MY/elsewhere" "$MY/rootfs/etc/passwd"
  (cd "$MY/rootfs" && find . | cpio --quiet -o -H newc) >"$MY/rootfs.cpio"
  pack --rootfs "$MY/rootfs.cpio"
  [ ! -e "$MY/elsewhere" ]
}

# bats test_tags=thorough
@test "own programs: the same on other targets" {
  cp "$BATS_TEST_DIRNAME/own/bad.sh" "$MY/"
  suite mine 'program = "bad.sh"' 'command = "bad.sh good"'
  sed -i "s/time (/time (/; s/ s'/'/" "$MY/mine.toml"
  for target in armv7 x86_64; do
    make -s -C "$ROOT" image TARGET="$target"
    sweep --target "$target" "$MY/mine.toml"
    grep -q "^a,.*,$target,exact,tcg,1,0" "$BATS_TEST_TMPDIR/result_data/mine_metrics.csv"
  done
}
