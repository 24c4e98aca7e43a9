#!/usr/bin/env bash
# Runs every test and ends with the ten slowest and one line that counts all. JUnit reports are left in build/test/.
# With --quick those that take seconds are left out: it is for the minutes between two edits. Those that take minutes and
# show on more targets, seeds and programs what others show on one are run with --thorough only.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
quick=${1:-}
tags=!thorough
case $quick in
  '') ;;
  --quick) tags=!slow ;;
  --thorough)
    quick='' tags=
    export PIPELAB_THOROUGH=1
    ;;
  *) echo "run_all.sh: '$quick' is not valid: give --quick, --thorough, or nothing" >&2 && exit 2 ;;
esac

reports=build/test
rm -rf "$reports"
mkdir -p "$reports/bats"

# The C++ unit tests: under the sanitizers, and with --thorough as they are, the bench's, and built for a target of 32
# bits under QEMU's user mode. Nothing is built beside them: two threads that spin need both cores now and then.
parts=() # what has a report
build_unit_tests() { # PRESET [PROGRAM]
  echo "== building C++, $1"
  parts+=("$1")
  scripts/build.sh "$1" "${2:-pipelab_test}" || return
  cp build/host/exchange-go "build/$1/" 2>/dev/null # where tests look for it
}
run_unit_tests() { # PRESET [EMULATOR [PROGRAM [OPTION...]]]
  ${2:-} "build/$1/${3:-pipelab_test}" --gtest_brief=1 --gtest_output="xml:$reports/$1.xml" "${@:4}" >"$reports/$1.txt" 2>&1
}
run_pytest() { # NAME TESTS
  PIPELAB_PROGRAM=$PWD/build/host/pipelab nice /usr/bin/python3 -m pytest -q --junitxml="$reports/$1.xml" -m "$2" \
    >"$reports/$1.txt" 2>&1
}
trap 'kill $(jobs -p) 2>/dev/null; exit 130' INT TERM # what is in the background would not hear of it
echo "== building what is tested from outside"
scripts/build.sh host pipelab exchange-go
if [[ $quick ]]; then
  # Of the 144 combinations of options those whose number ends with 0, and no races of a hundred thousand items.
  build_unit_tests host &&
    run_unit_tests host '' pipelab_test "--gtest_filter=-*BringsEveryItemAcross*$(printf ':*EveryCombination*%s' {1..9})"
  run_pytest python 'not slow' &
else
  # They sleep for half of their time: Python's tests take what is left.
  build_unit_tests tsan
  build_unit_tests asan
  echo "== C++ and Python"
  run_pytest python 'not slow' &
  run_unit_tests tsan &
  PIPELAB_MUTATIONS=$((${#tags} > 0 ? 100000 : 1000000)) run_unit_tests asan & # messages that each parser of rpc, and feed's decoder, reads
  wait
  parts+=(python_slow)
fi
parts+=(python)
if [[ $tags == '' ]]; then
  build_unit_tests host && run_unit_tests host
  build_unit_tests bench pipelab_bench_test && run_unit_tests bench '' pipelab_bench_test
  scripts/setup.sh test armv7 && qemu/get_packages.sh armv7
  # What the attendant needs of a kernel (ptrace, subreapers, openat2), QEMU's user mode has not: tests/own.bats has it in guests.
  build_unit_tests armv7 && run_unit_tests armv7 qemu-arm pipelab_test '--gtest_filter=-Attend.*:Guard.*:Stacks.*'
fi
# A guest in exact timing uses one CPU, so there is room for two files of tests at a time, and for Python.
[[ $quick ]] || run_pytest python_slow slow &
echo "== shell and guests"
bats --jobs 2 --no-parallelize-within-files --report-formatter junit --output "$reports/bats" \
  ${tags:+--filter-tags "$tags"} tests
wait
for each in "${parts[@]}"; do
  echo "== $each"
  cat "$reports/$each.txt"
done
cd "$reports" && /usr/bin/python3 ../../tests/count.py "${parts[@]/%/.xml}" bats/report.xml
