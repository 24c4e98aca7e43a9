#!/usr/bin/env bash
# Are exact results of programs that know nothing of pipelab the same again, and others with another seed? Each file of
# programs/ is one, of Debian packages: it runs with each number of CPUs under two seeds, and all of that twice.
set -euo pipefail
# shellcheck source=../../qemu/target.sh
source "$(dirname "$0")/../../qemu/target.sh"
end_on_signals

readonly PROGRAMS=$ROOT/tests/own/programs

usage() {
  cat <<EOF
usage: tests/own/all_programs.sh [--cpus "1 2 4"] [PROGRAM...]
Boots four guests of aarch64 in exact timing for each program ($(names)) and number of CPUs, and prints a line for each program.
Exit codes: 0 all came out the same again, and otherwise with another seed; 1 one did not, or did not run; 2 wrong usage.
EOF
}

names() { (cd "$PROGRAMS" && printf '%s\n' *.sh) | sed 's/\.sh$//' | paste -sd' '; }

# Writes the suite of a program.
suite() { # PROGRAM
  cat <<EOF
package = [$(sed -n '1s/^# packages: //p' "$PROGRAMS/$1.sh" | sed 's/[^ ]*/"&"/g; s/ /, /g')]
files = "$PROGRAMS"
command = "sh -ec '. ./$1.sh; echo number 1'"
timing = "exact"
reps = 2
scenario.a = {}
[metrics.number]
stdout = '^number (1)$'
unit = "count"
better = "lower"
EOF
}

# Prints a line for each run: its seed, and the hashes of what the program left and of what the kernel counted.
hashes() { # PROGRAM CPUS
  rm -rf "$scratch/result_data"
  PIPELAB_RUNS=$scratch/result_data/runs attend "$ROOT/scripts/run_scenarios.sh" --jobs 1 --smp "$2" "$scratch/$1.toml" \
    >"$scratch/said" 2>&1 || { cat "$scratch/said" >&2 && return 1; }
  cut -d, -f8,10,11 "$scratch/result_data/$1_raw.csv" | tail -n +2 | sort
}

# Prints what became of a program with each number of CPUs; 1 where it is not what it should be.
try() { # PROGRAM
  local count first second line="$1:" code=0
  suite "$1" >"$scratch/$1.toml"
  for count in $cpus; do
    if first=$(hashes "$1" "$count") && second=$(hashes "$1" "$count"); then
      if [[ $first != "$second" ]]; then
        line+=" $count CPUs DIFFER,"
      elif [[ $(tr , '\n' <<<"$first" | sort -u | wc -l) != 6 ]]; then # two seeds, and two hashes of each
        line+=" $count CPUs the same with another seed,"
      else
        line+=" $count CPUs same," && continue
      fi
    else
      line+=" $count CPUs FAILED,"
    fi
    code=1
  done
  echo "${line%,}"
  return $code
}

cpus='1 2 4'
while [[ ${1:-} == -* ]]; do
  case $1 in
    --help) usage && exit 0 ;;
    --cpus) (($# > 1)) || die 2 "$1 needs a value" && cpus=$2 && shift ;;
    *) die 2 "unknown option '$1', see --help" ;;
  esac
  shift
done
[[ $cpus =~ ^[1-9]( [1-9])*$ ]] || die 2 "--cpus: '$cpus' is not valid: give numbers such as '1 2 4'"
(($#)) || read -ra programs <<<"$(names)"
(($# == 0)) || programs=("$@")
for program in "${programs[@]}"; do
  [[ -f $PROGRAMS/$program.sh ]] || die 2 "'$program' is no program: give some of $(names)"
done

make_scratch
trap 'rm -rf "$scratch"' EXIT
end=0
for program in "${programs[@]}"; do try "$program" || end=1; done
exit $end
