# Sourced by qemu/run_vm.sh: loads the counters into a guest.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # it shares the variables of run_vm.sh

# Adds the plugin to the command `qemu`, and says in `counters` what will be counted. A plugin that
# cannot be used is no reason to lose the run: it is said, and `counters` says "none" and why.
add_counters() { # plain|caches|profile
  local plugin=$BUILD/counters/counters.so vcpus=at-once problem
  [[ $timing == exact ]] && vcpus=in-turn
  local arguments="out=counters.json,count=$1,vcpus=$vcpus"
  arguments+=",l1=${CACHE_L1:-32768/2},l2=${CACHE_L2:-1048576/16},line=${CACHE_LINE:-64}"
  if [[ $accelerator != tcg ]]; then
    problem="$accelerator lets no plugin see the guest's code: run with --timing exact"
  elif [[ ! -f $plugin ]]; then
    problem="$plugin is not built: run 'make counters'"
  elif problem=$(try_plugin "$plugin,$arguments"); then
    qemu+=(-plugin "$plugin,$arguments")
    counters=$1
    return
  fi
  counters="none: $problem"
  echo "run_vm.sh: counting nothing: $problem" >&2
}

# Loads the plugin into a machine that has nothing, and prints why it did not work, if it did not.
try_plugin() { # PLUGIN,ARGUMENTS
  local said
  said=$("$QEMU" -M none -nodefaults -display none -monitor stdio \
    -plugin "$1,out=/dev/null" <<<quit 2>&1 >/dev/null) && return
  head -n 1 <<<"${said:-$QEMU ends with it, and says nothing}"
  return 1
}
