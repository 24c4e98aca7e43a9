#!/usr/bin/env bats
# What every script says when it is given nothing, or an empty word.

load fake_guest

# The scripts that do something without an argument: they say so in their usage.
readonly WITHOUT=" bench.sh count_runs.sh lint.sh "

scripts() { grep -lE '^#!' "$ROOT"/scripts/*.sh "$ROOT"/qemu/*.sh; }

refuses() { # SCRIPT ARGUMENT...
  run timeout 20 "$([[ $(head -n 1 "$1") == */sh ]] && echo sh || echo bash)" "$@"
  echo "$*: code $status, said: $output"
  ((status == 2 && ${#lines[@]} == 1))
}

@test "an empty word is refused in one line, with 2" {
  local script
  for script in $(scripts) "$ROOT/tests/soak.sh"; do
    refuses "$script" ""
  done
}

@test "nothing at all is refused so as well" {
  local script
  (($(scripts | wc -l) > 15))
  for script in $(scripts); do
    [[ $WITHOUT != *" ${script##*/} "* ]] || continue
    refuses "$script"
  done
}

@test "--help is told on stdout, with 0" {
  local script
  for script in $(scripts); do
    [[ $script != */trace_guest.sh ]] || continue # it runs in guests only
    run timeout 20 "$script" --help
    exits 0
    says "usage: "
  done
}
