# Sourced by run_vm.sh: what a guest can be, and what QEMU is told of it.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # run_vm.sh sets and uses the variables

# What was tried.
readonly EXACT_MAX_SMP=8 QUANTUM_MAX_SMP=4 QUANTUM_MIN_US=5 QUANTUM_MAX_US=10000
readonly TREE=machine.dtb

# Refuses what this target cannot be, with what would work.
check_shape() {
  local able
  if [[ $timing == exact ]] && ((smp > EXACT_MAX_SMP)); then
    die 2 "exact timing works with at most $EXACT_MAX_SMP CPUs, not $smp: give --smp $EXACT_MAX_SMP, or --timing live"
  fi
  check_quantum
  if ((numa > MAX_NUMA_NODES)); then
    able=$(targets_where MAX_NUMA_NODES "$numa")
    die 2 "$TARGET has at most $MAX_NUMA_NODES NUMA node(s), not $numa: give --numa $MAX_NUMA_NODES${able:+, or --target $able}"
  fi
  ((numa <= smp)) || die 2 "$numa NUMA nodes need a CPU each, and the guest has $smp: give --numa $smp, or --smp $numa"
  check_accelerator "$accelerator" "$timing"
}

# Sets quantum_us, 0 where none is wanted, or one CPU has nobody to give its turn to.
check_quantum() {
  quantum_us=${quantum%us}
  [[ $quantum != none ]] || quantum_us=0
  if [[ $quantum != none && ! $quantum =~ ^[1-9][0-9]{0,4}us$ ]] ||
    ((quantum_us && (quantum_us < QUANTUM_MIN_US || quantum_us > QUANTUM_MAX_US))); then
    die 2 "--quantum: '$quantum' is not valid: give none, or whole us from ${QUANTUM_MIN_US}us to ${QUANTUM_MAX_US}us"
  fi
  ((quantum_us)) || return 0
  [[ $timing == exact ]] || die 2 "--quantum: live timing has none, as its CPUs run at the same time: give none"
  ((smp > 1)) || quantum_us=0
  ((smp <= QUANTUM_MAX_SMP)) || die 2 "--quantum works with at most $QUANTUM_MAX_SMP CPUs, not $smp: give --smp $QUANTUM_MAX_SMP, or --quantum none"
  ((numa == 1)) || die 2 "--quantum works with 1 NUMA node, not $numa: give --numa 1, or --quantum none"
  [[ -n ${HIDDEN_CPUS:-} ]] ||
    die 2 "--quantum: nobody has tried how $TARGET could hide CPUs: give none, or add HIDDEN_CPUS to qemu/targets/$TARGET.conf"
  [[ $HIDDEN_CPUS != device-tree ]] || command -v fdtput >/dev/null ||
    die 1 "fdtput is not there, which hides CPUs: run 'scripts/setup.sh run'"
}

# Sets `cpus` to QEMU's arguments for the guest's CPUs, and `before` to the shell's commands that are to run in its folder
# before it, with " && " behind each.
#
# In exact timing the CPUs run in turn, each until it halts, hints that it spins, or a timer of the guest is due. With a
# quantum a timer of QEMU's own ends each turn. The CPU after the one whose turn a timer ended gets none, so between
# any two there is one more, which halts for ever, as the guest is not told of it.
set_cpus() {
  local all=$((2 * smp - 1)) cpu
  cpus=(-smp "$smp") before=''
  ((quantum_us)) || return 0
  case $HIDDEN_CPUS in
    device-tree)
      cpus=("$QEMU" -nodefaults -no-user-config -display none -M "$MACHINE,dumpdtb=$TREE" -m "$memory_mb" -seed "$seed"
        -accel tcg -cpu "$CPU" -smp "$all")
      before="${cpus[*]@Q} && "
      for ((cpu = 1; cpu < all; cpu += 2)); do
        before+="fdtput -t s $TREE /cpus/cpu@$cpu status fail && "
      done
      cpus=(-smp "$all" -dtb "$TREE")
      ;;
    devices) # the guest counts them by core-id, QEMU in this order
      cpus=(-smp "1,maxcpus=$all,sockets=1,cores=$all,threads=1")
      for ((cpu = 1; cpu < smp; cpu++)); do
        cpus+=(-device "$CPU-$TARGET-cpu,socket-id=0,core-id=$((smp - 1 + cpu)),thread-id=0"
          -device "$CPU-$TARGET-cpu,socket-id=0,core-id=$cpu,thread-id=0")
      done
      ;;
  esac
  cpus+=(-netdev "hubport,id=quantum,hubid=0" -object "filter-buffer,id=turns,netdev=quantum,interval=$quantum_us")
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
