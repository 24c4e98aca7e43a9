#!/usr/bin/env bash
# Configures and builds a part of the kit with CMake, also where that last ended badly, or in another folder.
set -euo pipefail
# shellcheck source=../qemu/target.sh
source "$(dirname "$0")/../qemu/target.sh"

readonly LEAST_MB=16 # that CMake needs to configure

usage() {
  cat <<EOF
usage: scripts/build.sh [--configure] BUILD [TARGET...]
Builds TARGETs (all) in build/BUILD/. BUILD is a preset of src/CMakePresets.json, or counters, which is QEMU's plugin.
A cache of CMake that is cut, or that came along when the tree was copied or moved, is made again.
  --configure   only configure
Exit codes: 0 good, 1 failed, 2 wrong usage.
EOF
}

# Whether the cache is whole and of this folder. What is read stands at its end.
made_here() {
  [[ $(cached CMAKE_HOME_DIRECTORY) -ef $source && $(cached CMAKE_CACHEFILE_DIR) -ef $folder ]]
}

cached() { sed -n "s/^$1:INTERNAL=//p" "$folder/CMakeCache.txt" 2>/dev/null || true; } # NAME

# Prints what CMake complains of. On a full disk it complains of nothing, and leaves a cut cache.
configure() { # OPTION...
  { cmake "$@" -S "$source" "${how[@]}" >/dev/null; } 2>&1 && made_here
}

fail() {
  echo "${errors:-its CMakeCache.txt is not whole}" >&2
  (($(df --output=avail -m "$ROOT/build" | tail -n 1) >= LEAST_MB)) ||
    die 1 "$folder: cannot be configured, as no room is left on its disk: free some space"
  die 1 "$folder: cannot be configured for the reason above: mend that, and try again"
}

only_configure=0
case ${1:-} in
  --help) usage && exit 0 ;;
  --configure) only_configure=1 && shift ;;
esac
[[ -n ${1:-} && ${1:-} != -* ]] || die 2 "what to build is not given, see --help"
folder=$ROOT/build/$1
source=$ROOT/src how=(--preset "$1")
[[ $1 != counters ]] || source=$ROOT/qemu/counters how=(-B "$folder" -G Ninja)
[[ $1 == counters ]] || grep -q "\"name\": \"$1\"" "$source/CMakePresets.json" ||
  die 2 "'$1' cannot be built: give a preset of src/CMakePresets.json, or counters"
cd "$source" # where presets are looked for
make_folder "$ROOT/build"
exec 6<"$ROOT/src" # so that two builds do not meet in build/
flock 6
if ! made_here; then
  [[ ! -e $folder/CMakeCache.txt ]] ||
    echo "build.sh: build/$1: its cache is cut, or of another folder: making it again" >&2
  errors=$(configure --fresh) || fail
elif ! errors=$(configure); then
  # What CMake left in its own folder is damaged.
  [[ $errors == *CMakeCache* || $errors == */CMakeFiles/* ]] || fail
  errors=$(configure --fresh) || fail
fi
((!only_configure)) || exit 0
shift
cmake --build "$folder" ${1:+--target "$@"} 6<&- | sed '/no work to do/d; /Re-checking globbed/d'
