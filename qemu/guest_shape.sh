# Sourced by run_vm.sh: what a guest can be, and what QEMU is told of it.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # run_vm.sh sets and uses the variables

# Refuses what this target cannot be, with what would work.
check_shape() {
  local able
  if [[ $timing == exact ]] && ((smp > EXACT_MAX_SMP)); then
    able=$(targets_where EXACT_MAX_SMP "$smp")
    die 2 "exact timing of $TARGET works with at most $EXACT_MAX_SMP CPU(s) (QEMU hangs at bring-up of the next one), \
not $smp: give --smp $EXACT_MAX_SMP, --timing live${able:+, or --target $able}"
  fi
  if ((numa > MAX_NUMA_NODES)); then
    able=$(targets_where MAX_NUMA_NODES "$numa")
    die 2 "$TARGET has at most $MAX_NUMA_NODES NUMA node(s), not $numa: give --numa $MAX_NUMA_NODES${able:+, or --target $able}"
  fi
  ((numa <= smp)) || die 2 "$numa NUMA nodes need a CPU each, and the guest has $smp: give --numa $smp, or --smp $numa"
  check_accelerator "$accelerator" "$timing"
}

# Prints QEMU's arguments, one a line, that split the CPUs and the memory among the nodes: as evenly as they
# can be, with what is left over in the first ones.
numa_options() {
  local node first=0 cpus memory
  ((numa > 1)) || return 0
  for ((node = 0; node < numa; node++)); do
    cpus=$((smp / numa + (node < smp % numa)))
    memory=$((memory_mb / numa + (node < memory_mb % numa)))
    printf '%s\n' -object "memory-backend-ram,id=node$node,size=${memory}M" \
      -numa "node,nodeid=$node,cpus=$first-$((first + cpus - 1)),memdev=node$node"
    first=$((first + cpus))
  done
}
