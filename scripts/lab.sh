# Sourced by the scripts around the Python steps: where runs and results are, and how a step is called.
# shellcheck shell=bash
# shellcheck disable=SC2034  # those who source this use the variables

# shellcheck source=../qemu/target.sh
source "$(dirname "${BASH_SOURCE[0]}")/../qemu/target.sh"

RUNS=${PIPELAB_RUNS:-$ROOT/result_data/runs}
RESULTS=$(dirname "$RUNS")

# Runs a step, which never holds the lock of a sweep (see rows.sh).
lab() { # STEP OPTION...
  PYTHONPATH=$ROOT/scripts attend /usr/bin/python3 -m lab "$@" 9>&-
}

# Refuses an option's value that is not a number from 1 to 999.
check_count() { # OPTION VALUE
  [[ $2 =~ ^[1-9][0-9]{0,2}$ ]] || die 2 "$1: '$2' is not valid: give a number from 1 to 999"
}

# Refuses what is not SUITE/SCENARIO by its look.
check_scenario() { # VALUE
  [[ $1 =~ ^[A-Za-z0-9_-]+/[A-Za-z0-9_.-]+$ ]] || die 2 "'$1' is not SUITE/SCENARIO, such as t001/baseline-0us"
}

# Makes an image as `make` does: image, image-perf or image-rt-tools.
make_image() { # IMAGE TARGET KERNEL
  attend make --no-print-directory -s -C "$ROOT" "$1" TARGET="$2" KERNEL="$3" </dev/null >&2
}

# The kernels of guests, as `lab plan --guests` prints them.
kernels_of() { # GUESTS
  cut -d $'\037' -f 1 <<<"$1" | sort -u
}

# Makes the images of all kernels that the guests of a suite have, and prints the names of these.
make_images() { # FOLDER SUITE TARGET TIMING OPTION...
  local guests kernel
  guests=$(lab plan --guests --runs "$1" --build "$BUILD" --target "$3" --timing "$4" "${@:5}" "$2")
  while read -r kernel; do
    make_image image "$3" "$kernel" ||
      die 1 "the image cannot be made for the reason above: mend that, and try again"
    echo "$kernel"
  done < <(kernels_of "$guests")
}

# Writes the rows of one scenario, one a run, to FOLDER/plan.tsv. Needs its image.
plan_scenario() { # FOLDER SUITE/SCENARIO TARGET TIMING OPTION...
  local suite=${2%%/*} scenario=${2#*/}
  lab plan --runs "$1" --build "$BUILD" --target "$3" --timing "$4" "${@:5}" "$suite"
  awk -F '\t' -v scenario="$scenario" 'NR == 1 || $3 == scenario' "$1/$suite.$3.$4.plan.tsv" >"$1/plan.tsv"
  (($(wc -l <"$1/plan.tsv") > 1)) || die 2 "$suite has no scenario '$scenario': see scenarios/$suite.toml"
}

# Becomes a step of the lab, which takes this script's options and explains them.
step() { # STEP OPTION...
  PIPELAB_SCRIPT=$(basename "$0") PYTHONPATH=$ROOT/scripts exec /usr/bin/python3 -m lab "$@"
}
