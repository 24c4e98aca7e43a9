#!/usr/bin/env bats
# CMake's folders: made, and made again where they are cut or came from elsewhere; of a project that compiles nothing.

load fake_guest

# A kit in FOLDER whose one preset, host, makes the file build/host/made.
small_kit() { # FOLDER
  mkdir -p "$1"/{src,scripts,qemu/targets}
  cp "$ROOT/scripts/build.sh" "$1/scripts/"
  cp "$ROOT"/qemu/{target,attend}.sh "$1/qemu/"
  cat >"$1/src/CMakeLists.txt" <<'EOF'
cmake_minimum_required(VERSION 3.24)
project(small NONE)
set(REASON "" CACHE STRING "why it cannot be configured")
if(EXISTS ${CMAKE_SOURCE_DIR}/broken)
  message(FATAL_ERROR "no such library")
endif()
add_custom_command(OUTPUT made COMMAND touch made)
add_custom_target(all_of_it ALL DEPENDS made)
EOF
  cat >"$1/src/CMakePresets.json" <<'EOF'
{ "version": 6, "configurePresets": [
  { "name": "host", "generator": "Ninja", "binaryDir": "${sourceDir}/../build/${presetName}" } ] }
EOF
}

built() { # KIT
  run "$1/scripts/build.sh" host
  exits 0
  [[ -e $1/build/host/made ]]
  grep -q "^CMAKE_HOME_DIRECTORY:INTERNAL=$(cd "$1" && pwd)/src$" "$1/build/host/CMakeCache.txt"
}

@test "what is built is not configured from nothing again" {
  local kit=$BATS_TEST_TMPDIR/kit
  small_kit "$kit"
  built "$kit"
  echo "OWN:STRING=kept" >>"$kit/build/host/CMakeCache.txt"
  built "$kit"
  [[ $output == "" ]]
  grep -q OWN:STRING=kept "$kit/build/host/CMakeCache.txt"
}

@test "a cache that is cut anywhere, as on a full disk, is made again" {
  local kit=$BATS_TEST_TMPDIR/kit bytes
  small_kit "$kit"
  built "$kit"
  for bytes in 0 100 700 2000; do
    truncate -s "$bytes" "$kit/build/host/CMakeCache.txt"
    built "$kit"
    says "build/host: its cache is cut, or of another folder: making it again"
  done
  local line
  line=$(grep -n '^CMAKE_HOME_DIRECTORY' "$kit/build/host/CMakeCache.txt" | cut -d: -f1)
  sed -i "$((line + 2))"',$d' "$kit/build/host/CMakeCache.txt" # cut, though what is looked at is still there
  printf 'CMAKE_INSTALL_PREF' >>"$kit/build/host/CMakeCache.txt"
  built "$kit"
  : >"$kit/build/host/build.ninja"
  built "$kit"
}

@test "what CMake found out of the machine is found out again where that is cut" {
  local kit=$BATS_TEST_TMPDIR/kit file
  small_kit "$kit"
  built "$kit"
  file=$(echo "$kit"/build/host/CMakeFiles/*/CMakeSystem.cmake)
  echo 'set(CMAKE_HOST_SYSTEM "Lin' >"$file"
  built "$kit"
}

@test "a tree that was copied or moved is built where it is now" {
  small_kit "$BATS_TEST_TMPDIR/kit"
  built "$BATS_TEST_TMPDIR/kit"
  cp -r "$BATS_TEST_TMPDIR/kit" "$BATS_TEST_TMPDIR/copied"
  rm "$BATS_TEST_TMPDIR/copied/build/host/made"
  built "$BATS_TEST_TMPDIR/copied"
  says "its cache is cut, or of another folder"
  mv "$BATS_TEST_TMPDIR/kit" "$BATS_TEST_TMPDIR/moved"
  rm "$BATS_TEST_TMPDIR/moved/build/host/made"
  built "$BATS_TEST_TMPDIR/moved"
}

@test "what cannot be configured is told, and keeps what is built" {
  local kit=$BATS_TEST_TMPDIR/kit
  small_kit "$kit"
  built "$kit"
  echo "OWN:STRING=kept" >>"$kit/build/host/CMakeCache.txt"
  touch "$kit/src/broken"
  run "$kit/scripts/build.sh" host
  exits 1
  says "no such library"
  says "build.sh: $kit/build/host: cannot be configured for the reason above"
  grep -q OWN:STRING=kept "$kit/build/host/CMakeCache.txt"
  rm "$kit/src/broken"
  built "$kit"
}

@test "a full disk is named, and with room the same command goes on" {
  local kit=$BATS_TEST_TMPDIR/kit
  small_kit "$kit"
  # shellcheck disable=SC2016  # for the inner shell
  on_small_disk 1m "$kit/build" bash -c 'head -c 1m /dev/zero >"$1/build/full" 2>/dev/null
    "$1/scripts/build.sh" host && exit 9
    rm "$1/build/full" && mount -o remount,size=20m "$1/build" && "$1/scripts/build.sh" host' _ "$kit"
  exits 0
  says "as no room is left on its disk: free some space"
}

@test "what is no build is refused" {
  run "$ROOT/scripts/build.sh" dance
  exits 2
  says "'dance' cannot be built: give a preset of src/CMakePresets.json, or counters"
}
