# Sourced by scripts/run_one.sh: counts what a run that is there did, in a guest of its own.
# shellcheck shell=bash
# shellcheck disable=SC2154  # it shares the variables of run_one.sh

# Boots the row once more, with the counters, and leaves what they saw in counters/RUN/: counters.json and
# shared_lines.csv. The latencies must be those of the run. Without counters the reason is said and kept.
count_run() {
  [[ ! -f $RUNS/counters/$run/counters.json ]] || return 0
  [[ -d $RUNS/$run ]] || die 1 "$run: is not there: run it before it is counted"
  [[ $timing == exact ]] || die 2 "$run: live runs are not counted, since it would change their times: give an exact one"
  folder=$RUNS/.partial.counters.$run.$$
  trap 'rm -rf "$folder" "$folder.log"' EXIT
  end_on_signals
  attend "${vm[@]}" --counters caches --out "$folder" -- "${words[@]}" >"$folder.log" 2>&1 ||
    die 1 "$run: cannot be counted: $(<"$folder.log")"
  cmp -s "$folder/out/latencies.csv" "$RUNS/$run/latencies.csv" ||
    die 1 "$run: has other latencies with the counters: remove it ('rm -r $RUNS/$run') and run it again"
  keep_counters
}

keep_counters() {
  local kept=$RUNS/counters/$run
  sed -n 's/^counters\t//p' "$folder/vm.tsv" >"$folder/counters.txt"
  if [[ -s $folder/counters.json ]]; then
    lab counters --symbols "$BUILD/$target/pipelab.symbols" --shared-csv "$folder/shared_lines.csv" \
      "$folder/counters.json" >"$folder.log"
  else
    echo "run_one.sh: $run: $(visible "$(<"$folder/counters.txt")")" >&2
  fi
  find "$folder" -mindepth 1 ! -name 'counters.*' ! -name shared_lines.csv -delete
  mkdir -p "$RUNS/counters"
  rm -rf "$kept"
  mv -T "$folder" "$kept"
}
