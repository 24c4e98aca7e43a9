#!/usr/bin/env bash
# A against B: builds another revision, runs it and this tree alternately on this machine, and compares.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"
# shellcheck source=rows.sh
source "$(dirname "$0")/rows.sh"

usage() {
  cat <<EOF
usage: scripts/ab.sh --base GIT-REV [OPTIONS] SUITE...
Builds the program of GIT-REV in build/ab/tree/, runs SUITE with it and with the program of this tree, in one
shuffled order, and compares the two. All else (kernel, /init, scripts, scenarios) is of this tree. What is
done already is not run again. Runs and reports are in build/ab/PAIR/base/ and build/ab/PAIR/new/.

  --target NAME      one of: $(target_names) (aarch64)
  --timing WHICH     exact, live, or "exact live" (both)
  --duration S       seconds that each run measures (as the suite says, or 2)
  --reps N           runs of each build, scenario and timing (10)
  --seed N           of the first replicate, and of the order of the runs (1)
  --jobs N           exact runs at a time ($(nproc)); live runs are always alone
  --junit FILE, --markdown FILE
                     also write the outcome as JUnit XML, and as Markdown

Exit codes: 0 good, 1 a build, a run or the report failed, 2 wrong usage, 3 this tree is worse, 4 it misses
an objective, 5 inconclusive, 130 or 143 interrupted.
EOF
}

parse_arguments() {
  base='' target=aarch64 jobs=$(nproc) seed=1 options=(--reps 10) reports=() suites=()
  while (($#)); do
    case $1 in
      --help) usage && exit 0 ;;
      --base | --target | --timing | --duration | --reps | --seed | --jobs | --junit | --markdown)
        (($# > 1)) || die 2 "$1 needs a value"
        case $1 in
          --base) base=$2 ;;
          --jobs) jobs=$2 ;;
          --junit | --markdown) reports+=("$1" "$2") ;;
          *) options+=("$1" "$2") ;;
        esac
        [[ $1 != --target ]] || target=$2
        [[ $1 != --seed ]] || seed=$2
        shift
        ;;
      -*) die 2 "unknown option '$1', see --help" ;;
      *) suites+=("$1") ;;
    esac
    shift
  done
  [[ -n $base ]] || die 2 "--base: no revision is given: give one such as main or HEAD~1"
  ((${#suites[@]})) || die 2 "no suite is given, see --help"
  check_count --jobs "$jobs"
  commit=$(git -C "$ROOT" rev-parse --verify --quiet --end-of-options "$base^{commit}") ||
    die 2 "--base: '$base' is no git revision: give one such as main or HEAD~1"
  load_target "$target"
}

# Leaves an image with the program of `commit` in TREE/build/. All but the program is this tree's, with the
# packages that it has fetched already: so nothing else differs, and these scripts and that /init fit each other.
build_base() {
  git -C "$ROOT" worktree prune
  if [[ -d $TREE ]]; then
    git -C "$TREE" checkout --quiet --detach "$commit"
  else
    git -C "$ROOT" worktree add --quiet --detach "$TREE" "$commit"
  fi
  [[ -d $TREE/build/packages || ! -d $BUILD/packages ]] ||
    { mkdir -p "$TREE/build" && cp -al "$BUILD/packages" "$TREE/build/packages"; }
  echo "building ${commit:0:12}" >&2
  { attend make -C "$TREE" --no-print-directory program TARGET="$TARGET" &&
    PIPELAB_BUILD=$TREE/build attend "$ROOT/qemu/make_image.sh" "$TARGET"; } >"$TREE/build.log" 2>&1 ||
    die 1 "$base: cannot be built: see $TREE/build.log"
}

# Runs the rows of both sweeps alternately: all exact ones, then the live ones, one at a time.
run_both() {
  local timing side row
  while IFS=$'\t' read -r timing side row; do
    if [[ $timing == live ]]; then wait_below 1; else wait_below "$jobs"; fi
    PIPELAB_BUILD=${builds[side]} start_row "${PAIR}/${SIDES[side]}/result_data/runs/sweep.tsv" "$row"
  done <"$PAIR/order.tsv"
  wait_below 1
  check_failures runs
}

end_on_signals
parse_arguments "$@"
readonly TREE=$BUILD/ab/tree SIDES=(base new)
[[ -n ${PIPELAB_AB_BASE_BUILD:-} ]] || build_base
builds=("${PIPELAB_AB_BASE_BUILD:-$TREE/build}" "$BUILD")
image=image/$TARGET/image.tsv
for build in "${builds[@]}"; do
  [[ -f $build/$image ]] || die 1 "$build/$image is missing: run 'make image TARGET=$TARGET' there"
done
PAIR=$BUILD/ab/$(cat "${builds[@]/%//$image}" | sha256sum | cut -c 1-12)
for side in 0 1; do
  PIPELAB_PROGRAM=${PIPELAB_PROGRAM:-$BUILD/host/pipelab} PIPELAB_BUILD=${builds[side]} \
    PIPELAB_RUNS=$PAIR/${SIDES[side]}/result_data/runs \
    attend "$ROOT/scripts/run_scenarios.sh" --plan-only "${options[@]}" "${suites[@]}"
done
lab interleave --seed "$seed" "$PAIR"/{base,new}/result_data/runs/sweep.tsv >"$PAIR/order.tsv"
echo "$(wc -l <"$PAIR/order.tsv") runs, those that are there included, in ${PAIR#"$ROOT/"}" >&2
run_both
for side in "${SIDES[@]}"; do
  lab report --runs "$PAIR/$side/result_data/runs" --result-data "$PAIR/$side/result_data" \
    --page "$PAIR/$side/results.md" "${suites[@]}"
done
lab gate --base "$PAIR/base/result_data" --new "$PAIR/new/result_data" "${reports[@]}"
