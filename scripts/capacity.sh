#!/usr/bin/env bash
# Finds the highest rate at which a scenario holds its objectives, by bisection, one fresh guest a run.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"
# shellcheck source=rows.sh
source "$(dirname "$0")/rows.sh"

usage() {
  cat <<EOF
usage: scripts/capacity.sh [OPTIONS] SUITE/SCENARIO
Runs the scenario at one rate after another (the interval between items is what changes) and prints the highest
at which it holds its objectives, and the lowest at which it misses one. Writes result_data/
capacity_SUITE_SCENARIO.csv and .png, and puts them into results.md if that is there. Runs are kept in
result_data/runs/capacity/: after Ctrl-C or a crash the same command goes on.

  --slo "LIMIT..."   objectives, such as "response_p99_us=200 drop_rate=0 throughput_ops_s>=900" (the suite's [slo])
  --rates "LOW HIGH" the lowest and the highest rate that are tried, in items/s ("100 10000000")
  --precision SHARE  how far apart the two rates of the answer may be (0.05)
  --target NAME      one of: $(target_names) (aarch64)
  --timing WHICH     exact or live (exact)
  --duration S       seconds that each run measures (as the suite says, or 2)
  --reps N           runs at each rate (3)
  --max-reps N       live runs at a rate while they disagree or the host disturbs them; beyond, it is undecided (12)
  --seed N           of the first run at each rate (1)
  --kernel NAME|FILE, --kernel-args "...", --smp N, --memory MB, --numa N
                     of guests, where the scenario does not say it itself (as the suite's [guest] says)
  --accelerator WHICH  of live runs: kvm, tcg, or auto, which is kvm where it works (auto)
  --pin-vcpus yes|no in live timing pin each CPU of a guest to one of the host, if it has enough (yes)
  --make-images      first make the image that the runs need (the program must be built)
  --jobs N           exact runs at a time ($(nproc)); live runs are always alone
  --dry-run          print the QEMU commands of the next runs, and write nothing

Exit codes: 0 good, 1 a run or the report failed, 2 wrong usage, 4 an objective is missed even at the lowest rate,
5 undecided even there, 130 or 143 interrupted.
EOF
}

parse_arguments() {
  jobs=$(nproc) dry_run=0 make_images=0 target=aarch64 timing=exact wanted=auto options=() subject=''
  while (($#)); do
    case $1 in
      --help) usage && exit 0 ;;
      --dry-run) dry_run=1 ;;
      --make-images) make_images=1 ;;
      --slo | --rates | --precision | --target | --timing | --duration | --reps | --max-reps | --seed | --kernel | \
        --kernel-args | --smp | --memory | --numa | --accelerator | --pin-vcpus | --jobs)
        (($# > 1)) || die 2 "$1 needs a value"
        case $1 in
          --target) target=$2 ;;
          --timing) timing=$2 ;;
          --jobs) jobs=$2 ;;
          --accelerator) wanted=$2 ;;
          *) options+=("$1" "$2") ;;
        esac
        shift
        ;;
      -*) die 2 "unknown option '$1', see --help" ;;
      *)
        [[ -z $subject ]] || die 2 "one SUITE/SCENARIO is enough, see --help"
        subject=$1
        ;;
    esac
    shift
  done
  [[ -n $subject ]] || die 2 "no SUITE/SCENARIO is given, see --help"
  check_count --jobs "$jobs"
  [[ $timing =~ ^(exact|live)$ ]] || die 2 "--timing: '$timing' is not valid: give exact or live"
  [[ $timing == exact ]] || jobs=1
  load_target "$target"
  check_accelerator "$wanted" "$timing"
}

# A step of the search, with all that it goes by.
step() { # STEP OPTION...
  lab "$1" --runs "$RUNS/capacity" --plan "$PLAN" --build "$BUILD" --result-data "$RESULTS" \
    --target "$target" --timing "$timing" --accelerator "$accelerator" \
    --wanted-accelerator "$wanted" "${options[@]}" "${@:2}" "$subject"
}

ensure_image() {
  local guest
  accelerator=tcg
  guest=$(step capacity --guests)
  attend "$ROOT/qemu/make_image.sh" --kernel "${guest%%$'\037'*}" "$TARGET" 9>&-
}

# Runs the rows of the plan, at most $jobs at a time.
run_rows() { # NUMBER-OF-ROWS
  local row
  for ((row = 1; row <= $1; row++)); do
    wait_below "$jobs"
    start_row "$PLAN" "$row"
  done
  wait_below 1
  check_failures runs
}

show_commands() {
  local todo row
  make_scratch
  trap 'rm -rf "$scratch"' EXIT
  PLAN=$scratch/next.tsv
  todo=$(step capacity)
  for ((row = 1; row <= todo; row++)); do
    "$ROOT/scripts/run_one.sh" --dry-run "$PLAN" "$row"
  done
}

printf -v command ' %q' "$@"
end_on_signals
parse_arguments "$@"
PLAN=$RUNS/capacity/next.tsv
if ((dry_run)); then
  choose_accelerator "$wanted" "$timing"
  show_commands
  exit
fi
lock_runs "$RUNS/capacity"
((!make_images)) || ensure_image
choose_accelerator "$wanted" "$timing"
while true; do
  todo=$(step capacity)
  ((todo)) || break
  run_rows "$todo"
done
code=0
step capacity-report --command "scripts/capacity.sh$command" || code=$?
lab page --result-data "$RESULTS" --page "$RESULTS/../results.md"
exit "$code"
