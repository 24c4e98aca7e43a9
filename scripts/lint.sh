#!/usr/bin/env bash
# Checks the style of everything; prints what is wrong, and fails if anything is.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

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

mapfile -t cpp < <(git ls-files 'src/*.cpp' 'src/*.hpp')
mapfile -t units < <(git ls-files 'src/*.cpp')
mapfile -t shell < <(git ls-files | xargs grep -lE '^#!.*(ba)?sh$')

tidy() {
  # clang-tidy counts on stderr the warnings of system headers that it did not show.
  printf '%s\n' "${units[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy -p build/host-test --quiet 2> >(grep -v 'warnings' >&2)
}

check clang-format clang-format --dry-run --Werror "${cpp[@]}"
cmake -S src --preset host-test >/dev/null || exit 1
check clang-tidy tidy
check shellcheck shellcheck -x -P SCRIPTDIR -e SC2153,SC2317 "${shell[@]}"
check black black --quiet --check scripts tests
check mypy mypy scripts/lab
exit $((failures > 0))
