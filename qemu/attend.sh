# Sourced by target.sh: commands that a script waits for, and signals that end both at once.
# shellcheck shell=bash

attended='' # the process group that this script waits for

# Runs COMMAND, or a function, in a process group of its own and waits for it as for what is in the background: bash
# puts a signal to a script alone off until a foreground command ends, which may be a guest's whole life.
attend() { # COMMAND...
  local code=0
  [[ $(type -t "$1") == function ]] || set -- setpriv --pdeathsig KILL "$@"
  set -m
  "$@" &
  attended=$!
  set +m
  wait "$attended" 2>/dev/null || code=$? # what bash says of one that was killed is for no log
  attended=''
  return "$code"
}

# Lets SIGINT and SIGTERM end this script at once with 130 or 143, and whatever it attends.
end_on_signals() {
  trap 'end_by 130' INT
  trap 'end_by 143' TERM
}

# What a script says or removes when a signal ends it: some have one of their own.
interrupted() {
  :
}

end_by() { # CODE
  local tick
  trap '' INT TERM
  if [[ -n $attended ]]; then
    kill -INT -- "-$attended" || true # bash says nothing of what SIGINT ended
    for ((tick = 0; tick < 20; tick++)); do
      kill -0 "$attended" || break
      sleep 0.1
    done
    kill -KILL -- "-$attended" || true
  fi 2>/dev/null
  interrupted
  exit "$1"
}
