#!/usr/bin/env bash
# The sweep: plans suites, runs what is not there yet, one fresh guest a run, and reports.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"
# shellcheck source=rows.sh
source "$(dirname "$0")/rows.sh"

readonly PRIOR_MS=20000

usage() {
  cat <<EOF
usage: scripts/run_scenarios.sh [OPTIONS] SUITE...
Runs the suites (scenarios/SUITE.toml) and writes result_data/ and results.md. What is done already is
not run again: after Ctrl-C or a crash the same command goes on.

  --target NAME      one of: $(target_names) (aarch64)
  --timing WHICH     exact, live, or "exact live" (both)
  --duration S       seconds that each run measures (as the suite says, or 2)
  --reps N           runs of each scenario and timing (3)
  --seed N           of the first replicate, and of the order of the runs (1)
  --kernel NAME|FILE, --kernel-args "...", --smp N, --memory MB, --numa N
                     of guests, where scenarios do not say it themselves (as the suite's [guest] says)
  --accelerator WHICH  of live runs: kvm, tcg, or auto, which is kvm where it works (auto)
  --pin-vcpus yes|no in live timing pin each CPU of a guest to one of the host, if it has enough (yes)
  --make-images      first make the images that the runs need (the program must be built)
  --jobs N           exact runs at a time ($(nproc)); live runs are always alone
  --plan-only        write the plan, runs/sweep.tsv, whose rows run_one.sh runs one by one, and stop
  --dry-run          print the QEMU commands of the runs that are not there yet, and write nothing

Exit codes: 0 good, 1 a run or the report failed, 2 wrong usage, 130 or 143 interrupted.
EOF
}

parse_arguments() {
  jobs=$(nproc) dry_run=0 plan_only=0 make_images=0 target=aarch64 timing="exact live" plan_options=() suites=()
  wanted=auto
  while (($#)); do
    case $1 in
      --help) usage && exit 0 ;;
      --dry-run) dry_run=1 ;;
      --plan-only) plan_only=1 ;;
      --make-images) make_images=1 ;;
      --target | --timing | --duration | --reps | --seed | --jobs | --kernel | --kernel-args | --smp | --memory | \
        --numa | --accelerator | --pin-vcpus)
        (($# > 1)) || die 2 "$1 needs a value"
        case $1 in
          --target) target=$2 ;;
          --timing) timing=$2 ;;
          --jobs) jobs=$2 ;;
          --accelerator) wanted=$2 ;;
          *) plan_options+=("$1" "$2") ;;
        esac
        shift
        ;;
      -*) die 2 "unknown option '$1', see --help" ;;
      *) suites+=("$1") ;;
    esac
    shift
  done
  ((${#suites[@]})) || die 2 "no suite is given, see --help"
  check_count --jobs "$jobs"
  load_target "$target"
  check_accelerator "$wanted" "$timing"
}

# Makes the images of all kernels that the plan names.
ensure_images() {
  local guests kernels kernel
  guests=$(plan "$RUNS" --guests)
  kernels=$(kernels_of "$guests")
  while read -r kernel; do
    attend "$ROOT/qemu/make_image.sh" --kernel "$kernel" "$TARGET" 9>&-
  done <<<"$kernels"
}

plan() { # FOLDER OPTION...
  lab plan --runs "$RUNS" --plans "$1" --build "$BUILD" --target "$target" --accelerator "$accelerator" \
    --wanted-accelerator "$wanted" --timing "$timing" "${plan_options[@]}" "${@:2}" "${suites[@]}"
}

# Writes the plans into FOLDER, and the rows of all, as they are run, to SWEEP there.
make_plan() { # FOLDER
  SWEEP=$1/sweep.tsv accelerator=tcg # until there is an image to probe with
  ((!make_images)) || ensure_images
  choose_accelerator "$wanted" "$timing"
  plan "$1"
}

# Prints the commands of the missing runs, from a plan that the report never sees.
show_commands() {
  local row
  make_scratch
  trap 'rm -rf "$scratch"' EXIT
  make_plan "$scratch"
  find_missing
  for row in "${todo_exact[@]}" "${todo_live[@]}"; do
    "$ROOT/scripts/run_one.sh" --dry-run "$SWEEP" "${row% *}"
  done
}

# Reads the rows that have no folder yet into todo_exact and todo_live, as "row-number expected-ms".
find_missing() {
  local number=0 run timing expected_ms
  todo_exact=() todo_live=()
  while IFS=$'\t' read -r run _ _ _ timing _ _ _ _ _ _ _ expected_ms _; do
    number=$((number + 1))
    [[ -d $RUNS/$run ]] && continue
    if [[ $timing == exact ]]; then
      todo_exact+=("$number $expected_ms")
    else
      todo_live+=("$number $expected_ms")
    fi
  done < <(tail -n +2 "$SWEEP")
}

# Runs rows ("number expected-ms"), at most JOBS at a time.
run_rows() { # JOBS ROW...
  local row
  for row in "${@:2}"; do
    wait_below "$1"
    start_row "$SWEEP" "${row% *}"
    expected[$!]=$((${row#* } / $1))
  done
  wait_below 1
}

# Shows how far the sweep is.
row_ended() { # PID
  local elapsed_ms
  done_runs=$((done_runs + 1))
  done_ms=$((done_ms + ${expected[$1]}))
  elapsed_ms=$(((${EPOCHREALTIME/[.,]/} - begin_us) / 1000))
  # The expectation, corrected by what was seen; PRIOR_MS keeps the first runs from swaying it.
  show_progress $(((total_ms - done_ms) * (elapsed_ms + PRIOR_MS) / (done_ms + PRIOR_MS) / 1000))
}

show_progress() { # SECONDS-LEFT
  local line end='\n'
  line=$(printf '[%*d/%d] %d min %02d s left' ${#total_runs} "$done_runs" "$total_runs" $(($1 / 60)) $(($1 % 60)))
  ((failures == 0)) || line+=", $failures failed"
  if [[ -t 2 ]]; then
    ((done_runs == total_runs)) || end='\r'
    line+='\e[K'
  fi
  printf '%b' "$line$end" >&2
}

sum_expected() { # DIVISOR ROW...
  local divisor=$1 row
  shift
  for row; do total_ms=$((total_ms + ${row#* } / divisor)); done
}

end_on_signals
parse_arguments "$@"
if ((dry_run)); then
  show_commands
  exit
fi
lock_runs "$RUNS"

make_plan "$RUNS"
((!plan_only)) || exit 0
find_missing
declare -A expected=()
reported=1 live_on='' done_runs=0 done_ms=0 total_ms=0 begin_us=${EPOCHREALTIME/[.,]/}
total_runs=$((${#todo_exact[@]} + ${#todo_live[@]}))
sum_expected "$jobs" "${todo_exact[@]}"
sum_expected 1 "${todo_live[@]}"
if ((total_runs)); then
  ((EUID)) || echo "run_scenarios.sh: runs as root, which only installing packages needs: better use an account of your own" >&2
  ((${#todo_live[@]} == 0)) || live_on="; live runs on $accelerator"
  echo "$total_runs runs to do: ${#todo_exact[@]} exact, ${#todo_live[@]} live$live_on; about" \
    "$((total_ms / 60000)) min $((total_ms / 1000 % 60)) s" >&2
else
  echo "all runs are there already" >&2
fi
run_rows "$jobs" "${todo_exact[@]}"
run_rows 1 "${todo_live[@]}"

lab report --runs "$RUNS" --result-data "$RESULTS" --page "$RESULTS/../results.md" "${suites[@]}" || reported=0
check_failures "of $total_runs runs"
((reported)) || exit 1
echo "see results.md" >&2
