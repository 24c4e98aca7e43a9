#!/usr/bin/env bash
# Checks the style of everything; prints what is wrong, and fails if anything is.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
[[ ${1:-} != --help ]] || { echo "usage: scripts/lint.sh" && sed -n '2s/^# //p' "$0" && exit 0; }
(($# == 0)) || { echo "lint.sh: '$1' is not valid: it takes nothing" >&2 && exit 2; }

failures=0
check() { # NAME COMMAND...
  local name=$1
  shift
  if "$@"; then
    echo "ok      $name"
  else
    echo "FAILED  $name"
    failures=$((failures + 1))
  fi
}

mapfile -t cpp < <(git ls-files '*.cpp' '*.hpp' '*.h')
mapfile -t shell < <(git ls-files | xargs grep -lE '^#!.*(ba)?sh$')

# What CMake would compile: several sources in one, whose headers are then read once. Without what is not ours.
units_of() { # BUILD
  sed -nE '/mimalloc\.dir/!s/^ *"file": "(.*)",?$/\1/p' "build/$1/compile_commands.json"
}

# Prints the sources that are in none of these, which nothing would look at.
left_out() { # BUILD FOLDER
  local units
  mapfile -t units < <(units_of "$1")
  ! comm -23 <(git ls-files "$2/*.cpp" | sort) \
    <({ printf '%s\n' "${units[@]}" && sed -nE 's/^#include "(.*\.cpp)"$/\1/p' "${units[@]}"; } | sed "s|^$PWD/||" | sort) | grep .
}

# Prints where a source includes another. clang-tidy's own check of that is left out, as CMake's units are nothing else.
included() {
  ! git grep -nE '^#include .*\.(cpp|cc|cxx)[">]' -- 'src/*.cpp' 'src/*.hpp' 'qemu/counters/*.cpp' 'qemu/counters/*.hpp'
}

tidy() { # BUILD
  # It does not know all of GCC's flags, and counts on stderr the warnings of system headers that it did not show.
  units_of "$1" | xargs -P "$(nproc)" -n 1 clang-tidy -p "build/$1" --quiet \
    --checks=-bugprone-suspicious-include --extra-arg=-Wno-ignored-optimization-argument 2> >(grep -v 'warnings' >&2)
}

check clang-format clang-format --dry-run --Werror "${cpp[@]}"
for build in lint counters; do
  scripts/build.sh --configure "$build" || exit 1
done
check 'all sources are checked' left_out lint src
check 'no source is included' included
check clang-tidy tidy lint
check 'clang-tidy (counters)' tidy counters
check shellcheck shellcheck -x -P SCRIPTDIR -e SC2153,SC2317 "${shell[@]}"
check black black --quiet --check scripts tests
check mypy mypy scripts/lab
check 'rooms and words of the lab' tests/house.py
exit $((failures > 0))
