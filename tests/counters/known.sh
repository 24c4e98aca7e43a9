#!/bin/busybox sh
# shellcheck shell=dash
# In the guest: the programs with known counts, one after the other, or with "perf" the long walks
# under perf stat.
set -e
sleep 2 # until the kernel is done with what it put off while it booted: in exact timing that costs nothing
if [ "$1" = perf ]; then
  for program in walk short long; do # the first one warms up
    perf stat -x, -e instructions,instructions:u -o "$program.csv" known "$program"
  done
else
  for program in walk matrix sharing rings; do
    known "$program"
  done
fi
