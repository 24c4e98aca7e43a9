#!/usr/bin/env bash
# Runs every test and ends with one line that counts them. JUnit reports are left in build/test/.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

reports=build/test
rm -rf "$reports"
mkdir -p "$reports/bats"

# The C++ unit tests: here, under the sanitizers, and built for other targets under QEMU's user mode.
unit_tests=()
run_unit_tests() { # PRESET [EMULATOR [PROGRAM]]
  local program=${3:-pipelab_test}
  echo "== C++, $1"
  unit_tests+=("$reports/$1.xml")
  scripts/build.sh "$1" pipelab "$program" &&
    ${2:-} "build/$1/$program" --gtest_brief=1 --gtest_output="xml:$reports/$1.xml"
}
run_unit_tests host
run_unit_tests bench '' pipelab_bench_test
run_unit_tests tsan
run_unit_tests asan
scripts/setup.sh test armv7 && qemu/get_packages.sh armv7
run_unit_tests armv7-test qemu-arm
run_unit_tests aarch64-test qemu-aarch64
# A guest in exact timing uses one CPU, so there is room for two files of tests at a time, and for Python.
trap 'kill %1 2>/dev/null; exit 130' INT TERM # in the background it would not hear of it
PIPELAB_PROGRAM=$PWD/build/host/pipelab /usr/bin/python3 -m pytest -q --junitxml="$reports/python.xml" \
  >"$reports/python.txt" 2>&1 &
echo "== shell and guests"
bats --jobs 2 --no-parallelize-within-files --report-formatter junit --output "$reports/bats" tests
echo "== Python"
wait
cat "$reports/python.txt"
/usr/bin/python3 tests/count.py "${unit_tests[@]}" "$reports/python.xml" "$reports/bats/report.xml"
