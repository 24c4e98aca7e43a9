#!/usr/bin/env bats
# That nothing which wakes QEMU's main loop changes what an exact guest does: real guests.

setup() {
  ROOT=$BATS_TEST_DIRNAME/..
}

# Boots a guest in DIR as its command says, with a monitor that is asked something at every moment or, without `asked`, at none.
boot() { # DIR [asked]
  local command monitor=()
  command=$("$ROOT/qemu/run_vm.sh" --dry-run --quantum 20us -- pipelab pipeline --duration 2 --prod-interval-us 1000 --out .)
  mkdir "$1" && cd "$1"
  if [[ ${2:-} == asked ]]; then
    /usr/bin/python3 "$ROOT/tests/ask_monitor.py" monitor >asked 3>&- &
    command+=" -qmp unix:monitor,server=on,wait=off"
  fi
  eval "$command" 2>/dev/null
  wait
  tar -xf out.tar
}

@test "an exact guest leaves the same bytes, and the canary too, while a monitor wakes QEMU all the time" {
  boot "$BATS_TEST_TMPDIR/quiet"
  boot "$BATS_TEST_TMPDIR/asked" asked
  (($(<asked) > 100)) # or nothing was tried
  diff -r ../quiet/out out
  cmp ../quiet/canary canary
  [[ $(cut -f 2 turnstile.txt) == 0 ]] # nothing had to be forced
}

@test "a guest that is busy is ended by a signal at once" {
  local begin
  "$ROOT/qemu/run_vm.sh" --out "$BATS_TEST_TMPDIR/out" -- pipelab pipeline --duration 600 --wait spin --out . 3>&- &
  until [[ -e $BATS_TEST_TMPDIR/out/turnstile.log ]]; do sleep 0.1; done
  sleep 4 # now it has booted
  begin=$SECONDS
  kill $!
  wait $! || true
  ((SECONDS - begin <= 2))
}
