#!/bin/sh
# In a guest: runs COMMAND and records the scheduler's events meanwhile, each CPU's into a buffer of BUFFER-KB. Leaves
# beside COMMAND's files, for lab.trace.events: cpuN.raw (pages of the kernel's ring buffer, which have times in nanoseconds, as the
# kernel's text has not), cpuN.stats, and what the pages hold (header_page, *.format). Nothing is read before COMMAND
# has ended. With --futex also COMMAND's futex calls (raw_syscalls), and when its threads are made, where the kernel can.
# usage: trace_guest.sh BUFFER-KB [--futex] COMMAND...
set -e
TRACING=/sys/kernel/tracing
# All switches, since any task may have the CPU that the program waits for.
EVENTS="sched/sched_switch sched/sched_waking sched/sched_wakeup sched/sched_migrate_task"
# Of these, those that are about COMMAND's own threads only.
OF_COMMAND="sched/sched_waking sched/sched_wakeup sched/sched_migrate_task"
buffer_kb=${1:-}
[ $# = 0 ] || shift
futex=""
[ "${1:-}" != --futex ] || { futex=yes && shift; }
[ $# -gt 0 ] || { echo "usage: trace_guest.sh BUFFER-KB [--futex] COMMAND..." >&2 && exit 2; }

fail() {
  echo "$1" >&2
  exit 1
}

# The number in the line of a CPU's statistics that begins with NAME.
statistic() { # FOLDER NAME
  sed -n "s/^$2: *//p" "$1/stats"
}

mount -t tracefs tracefs $TRACING || fail "this kernel has no tracefs: give one with CONFIG_EVENT_TRACING"
for event in $EVENTS; do
  [ -d "$TRACING/events/$event" ] || fail "this kernel has no event $event: give one with CONFIG_EVENT_TRACING"
done
FUTEX=""
if [ -n "$futex" ]; then
  case $(uname -m) in
    aarch64) FUTEX="id == 98" ;;
    x86_64) FUTEX="id == 202" ;;
    armv7l) FUTEX="id == 240 || id == 422" ;; # futex_time64
  esac
  new=sched/sched_wakeup_new
  [ ! -d "$TRACING/events/$new" ] || { EVENTS="$EVENTS $new" && OF_COMMAND="$OF_COMMAND $new"; }
  [ -n "$FUTEX" ] && [ -d $TRACING/events/raw_syscalls/sys_exit ] || FUTEX=""
  [ -z "$FUTEX" ] || EVENTS="$EVENTS raw_syscalls/sys_enter raw_syscalls/sys_exit"
fi
export TRACING EVENTS OF_COMMAND FUTEX
echo 0 >$TRACING/tracing_on
echo "$buffer_kb" >$TRACING/buffer_size_kb || fail "no memory for $buffer_kb KB a CPU: give trace.sh a smaller --buffer-mb"
echo mono >$TRACING/trace_clock # as the program's own
echo 0 >$TRACING/options/overwrite

code=0
# shellcheck disable=SC2016  # for the inner shell, whose number becomes that of the program
sh -c 'for event in $OF_COMMAND; do # of its threads, which come after it
    echo "pid >= $$" >"$TRACING/events/$event/filter"
  done
  for event in ${FUTEX:+sys_enter sys_exit}; do
    echo "common_pid >= $$ && ($FUTEX)" >"$TRACING/events/raw_syscalls/$event/filter"
  done
  for event in $EVENTS; do echo 1 >"$TRACING/events/$event/enable"; done
  echo 1 >"$TRACING/tracing_on"
  exec "$@"' sh "$@" || code=$?
echo 0 >$TRACING/tracing_on
[ $code = 0 ] || exit $code

cp $TRACING/events/header_page .
for event in $EVENTS; do
  cp "$TRACING/events/$event/format" "${event#*/}.format"
done
for folder in "$TRACING"/per_cpu/cpu*; do
  cpu=${folder##*/}
  cp "$folder/stats" "$cpu.stats"
  : >"$cpu.raw"
  while [ "$(statistic "$folder" entries)" -gt 0 ]; do
    # No more pages than there must be, since a read waits for ever where nothing is left. The kernel takes each page
    # that was read for a full one, so that in the end its bytes may be below 0.
    pages=$(($(statistic "$folder" bytes) / 4096 + 1))
    [ $pages -gt 0 ] || pages=1
    dd if="$folder/trace_pipe_raw" bs=4096 count=$pages 2>/dev/null >>"$cpu.raw"
  done
done
