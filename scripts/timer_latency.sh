#!/usr/bin/env bash
# Measures the noise floor of a suite's guests: how late a timer and a thread are there, with nothing else to do.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"

# What the histograms reach to; what was later is counted at the latest that was seen.
readonly LONGEST_US=20000

usage() {
  cat <<EOF
usage: scripts/timer_latency.sh [OPTIONS] SUITE
Boots each guest that a scenario of SUITE has and runs cyclictest in it, and 'rtla timerlat', in live timing also
'rtla osnoise', where its kernel has their tracers (Debian's rt kernels), each for itself. Writes
result_data/SUITE_timer_latency.csv; 'make report' shows it beside the suite's tables.

  --target NAME        one of: $(target_names) (aarch64)
  --timing exact|live  (exact)
  --duration S         seconds that each tool measures, a whole number (2)

Exit codes: 0 good, 1 failed, 2 wrong usage, 130 or 143 interrupted.
EOF
}

# Runs a tool in the guest that the variables of main describe, and keeps what it left, in a folder of its own whose
# facts are told in guest.tsv.
measure() { # TOOL COMMAND...
  local out
  out=$folder/$((number += 1))
  attend "$ROOT/qemu/run_vm.sh" --rt-tools --target "$target" --timing "$timing" --kernel "$kernel" --kernel-args "$kernel_args" \
    --smp "$smp" --memory "$memory_mb" --numa "$numa_nodes" --limit $((120 + duration * 120)) --out "$out" -- "${@:2}"
  printf '%s\t%s\n' target "$target" timing "$timing" kernel "$kernel" kernel_args "$kernel_args" smp "$smp" \
    memory_mb "$memory_mb" numa_nodes "$numa_nodes" tool "$1" >"$out/guest.tsv"
}

has_tracers() { # CONFIG of a kernel, which need not be there
  grep -qs '^CONFIG_TIMERLAT_TRACER=y' "$1" && grep -qs '^CONFIG_OSNOISE_TRACER=y' "$1"
}

target=aarch64 timing=exact duration=2
while [[ ${1:-} == -* ]]; do
  case $1 in
    --help) usage && exit 0 ;;
    --target | --timing | --duration)
      (($# > 1)) || die 2 "$1 needs a value"
      declare "${1#--}=$2"
      ;;
    *) die 2 "unknown option '$1', see --help" ;;
  esac
  shift 2
done
(($# == 1)) || die 2 "one suite is needed, see --help"
[[ $timing =~ ^(exact|live)$ ]] || die 2 "--timing: '$timing' is not valid: give exact or live"
[[ $duration =~ ^[1-9][0-9]{0,3}$ ]] || die 2 "--duration: '$duration' is not valid: give a whole number from 1 to 9999"
suite=$1 number=0
load_target "$target"
end_on_signals
interrupted() { rm -rf "$folder"; }
make_scratch
folder=$scratch
lab guests --image image-rt-tools --target "$target" --timing "$timing" "$suite" >"$folder/guests"
while IFS=$'\037' read -r kernel kernel_args smp memory_mb numa_nodes; do
  load_target "$target" "$kernel"
  echo "cyclictest: kernel $kernel${kernel_args:+, $kernel_args}, $smp CPUs" >&2
  # With all CPUs, since a process begins without those that isolcpus= took from the scheduler.
  measure cyclictest taskset "$(printf '%x' $(((1 << smp) - 1)))" cyclictest -q -m -p 80 -t "$smp" -a -i 1000 \
    -D "$duration" -h "$LONGEST_US" --histfile=histogram.txt </dev/null
  if has_tracers "$KERNEL_PACKAGES"/boot/config-*; then
    tools=(timerlat)
    # It spins on every CPU: in exact timing, where CPUs run in turn, it would see the others' turns.
    [[ $timing == exact ]] || tools+=(osnoise)
    for tool in "${tools[@]}"; do
      echo "rtla $tool" >&2
      measure "rtla $tool" rtla "$tool" hist -d "${duration}s" -c "0-$((smp - 1))" -E "$LONGEST_US" </dev/null
    done
  fi
done <"$folder/guests"
lab timers --csv "$RESULTS/$(basename "$suite" .toml)_timer_latency.csv" "$folder"/[0-9]*
rm -rf "$folder" # after a failure it stays: the message names files in it
