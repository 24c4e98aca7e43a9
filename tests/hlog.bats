#!/usr/bin/env bats
# bats file_tags=slow
# The log of a run (make export FORMAT=hlog), as HdrHistogram's own Java library reads it.

load fake_guest

JAR=/usr/share/java/hdrhistogram.jar

setup() {
  ROOT=$BATS_TEST_DIRNAME/..
  OUT=$BATS_TEST_TMPDIR
  command -v javac >/dev/null || skip "there is no JDK: install default-jdk-headless"
  [[ -e $JAR ]] || skip "there is no HdrHistogram: install libhdrhistogram-java"
  [[ -x $ROOT/build/host/pipelab ]] ||
    "$ROOT/scripts/build.sh" host pipelab >/dev/null
}

measure() { # OPTION...
  run "$ROOT/build/host/pipelab" --duration 0.2 \
    --emit-histogram "$OUT/histogram.csv" --stats "$OUT/stats.csv" "$@"
}

stat() { sed -n "s/^$1,//p" "$OUT/stats.csv"; }

read_hlog() {
  PYTHONPATH=$ROOT/scripts /usr/bin/python3 -m lab export --format hlog "$OUT" >"$OUT/run.hlog"
  run java -cp "$JAR" "$ROOT/tests/hlog/ReadHlog.java" "$OUT"/{run.hlog,intervals.csv,buckets.csv}
}

@test "HdrHistogram finds the same count in every bucket, and the same totals" {
  local load
  for load in 1000 0; do
    measure --prod-interval-us "$load"
    exits 0
    read_hlog
    exits 0
    [[ $output == "" ]]
    diff "$OUT"/{histogram,buckets}.csv
    diff <(printf '%s,%s\n' latency "$(stat items)" response "$(stat items)") \
      <(sed 1d "$OUT/intervals.csv" | cut -d , -f 1,4)
    (($(stat items) > 0))
  done
}

@test "the interval begins at 0 and is as long as the measurement" {
  local length
  measure
  read_hlog
  length=$(sed -n 's/^latency,0,\([0-9]*\),.*/\1/p' "$OUT/intervals.csv")
  ((length >= 200 && length < 10000))
}
