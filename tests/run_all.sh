#!/usr/bin/env bash
# Runs every test and ends with one line that counts them. JUnit reports are left in build/test/.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

reports=build/test
rm -rf "$reports"
mkdir -p "$reports/bats"

echo "== C++"
{ cmake -S src --preset host-test >/dev/null && cmake --build build/host-test | sed '/no work to do/d'; } &&
  build/host-test/pipelab_test --gtest_brief=1 --gtest_output="xml:$reports/cpp.xml"
echo "== Python"
PIPELAB_PROGRAM=$PWD/build/host-test/pipelab /usr/bin/python3 -m pytest -q --junitxml="$reports/python.xml"
echo "== shell and guests"
bats --report-formatter junit --output "$reports/bats" tests
/usr/bin/python3 tests/count.py "$reports/cpp.xml" "$reports/python.xml" "$reports/bats/report.xml"
