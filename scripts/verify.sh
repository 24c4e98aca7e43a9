#!/usr/bin/env bash
# Makes the exact results in result_data/ again, in a folder of their own, and compares them byte for byte.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"
end_on_signals

readonly DIFFERENT=3 NOT_TESTED=5

if [[ ${1:-} == --help ]]; then
  cat <<EOT
usage: scripts/verify.sh SUITE...
Makes the exact results of the suites again (with their seeds, in build/verify/) and compares the exact lines of
result_data/SUITE_raw.csv and SUITE_metrics.csv, byte for byte. A suite whose results were made with another kernel,
QEMU, compiler or program is not made again, since that would test another claim; what differs is said.
Exit codes: 0 the same, 1 a run failed, 2 wrong usage, 3 not the same, 5 not tested, since something else differs.
EOT
  exit 0
fi
for suite; do
  [[ -n $suite ]] || die 2 "a suite has no name: give one, such as t000"
done
(($#)) || die 2 "no suite is given, see --help"

# Runs run_scenarios.sh, with OPTION... for each recipe of SUITE, in the folder of its own.
sweep() { # SUITE OPTION...
  local options
  while IFS=$'\037' read -ra options; do
    PIPELAB_RUNS=$AGAIN/runs attend "$ROOT/scripts/run_scenarios.sh" --timing exact "${options[@]}" "${@:2}" "$1" </dev/null
  done < <(lab recipes --results "$RESULTS" "$1")
}

AGAIN=$BUILD/verify/result_data
rm -rf "$BUILD/verify"
make_folder "$AGAIN"
verdict=0
for suite; do
  lab recipes --results "$RESULTS" "$suite" >/dev/null # complains here, since a loop's input cannot fail
  sweep "$suite" --make-images --plan-only
  code=0
  lab inputs --results "$RESULTS" --again "$AGAIN" --build "$BUILD" "$suite" || code=$?
  if ((code == 0)); then
    sweep "$suite" --jobs "$(nproc)"
    lab same --results "$RESULTS" --again "$AGAIN" "$suite" || code=$?
  fi
  case $code in
    0) ;;
    "$NOT_TESTED") ((verdict)) || verdict=$NOT_TESTED ;;
    "$DIFFERENT") verdict=$DIFFERENT ;;
    *) exit "$code" ;;
  esac
done
exit "$verdict"
