# Sourced by the scripts that run rows of plans: one sweep at a time in a folder, so many runs at a time, and an
# interruption that loses nothing.
# shellcheck shell=bash

running=0 failures=0

# Starts a row in the background ($!). It dies with this script, and so does all that it has started.
start_row() { # PLAN ROW
  setpriv --pdeathsig KILL "$ROOT/scripts/run_one.sh" "$1" "$2" 9>&- </dev/null &
  running=$((running + 1))
}

# Waits until fewer than N rows run, and counts those that failed.
wait_below() { # N
  local pid
  for (( ; running >= $1; running--)); do
    wait -n -p pid || failures=$((failures + 1))
    row_ended "$pid"
  done
}

# A script that shows progress has one of its own.
row_ended() { # PID
  :
}

check_failures() { # WHAT-FAILED
  ((failures == 0)) || die 1 "$failures $1 failed; the same command tries them again"
}

# Takes the folder of runs for this script alone, so that nobody disturbs its live runs, and clears what a run that
# was killed has left in FOLDER.
lock_runs() { # FOLDER
  make_folder "$1"
  { exec 9>"$RUNS/.lock"; } 2>/dev/null || die 1 "$RUNS: cannot be written to: mend its permissions, or free some space"
  flock --nonblock 9 || die 1 "$RUNS: another sweep or search is running there: wait for its end, or stop it"
  rm -rf "$1"/.partial.*
}

# Sets `accelerator` to what live runs are on. Without an image there is no probe guest to find out with.
choose_accelerator() { # WANTED TIMING
  accelerator=tcg
  if [[ $2 == *live* && $1 != tcg && -f $KERNEL && -f $INITRD ]]; then
    # Not $(...), for which bash puts signals off.
    read -r accelerator < <(exec setpriv --pdeathsig KILL "$ROOT/qemu/probe_kvm.sh" "$TARGET" 9>&-) ||
      die 1 "whether KVM works cannot be found out for the reason above: give --accelerator tcg"
  fi
  [[ $1 != kvm || $accelerator == kvm ]] || die 1 "$NO_KVM"
}

interrupted() {
  printf '\n%s: interrupted; finished runs are kept, and the same command goes on\n' "$(basename "$0")" >&2
}
