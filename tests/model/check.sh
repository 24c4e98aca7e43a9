#!/usr/bin/env bash
# Checks one variant of the ring's protocol, or of how an event loop is woken, with Spin.
set -euo pipefail

usage() {
  cat <<END
usage: tests/model/check.sh [--trace] VARIANT CAPACITY [BATCH [PLACES]]
       tests/model/check.sh [--trace] waker... PRODUCERS
Checks ring.pml for CAPACITY slots (1 to 3) and CAPACITY + 3 items, in all interleavings and with weak
stores: every item arrives once, in order and whole; nobody sleeps for ever; at most one wake-up call a
sleep; and, where each thread gets its turns, items keep arriving. Prints one line: 'ok: ...' or
'violated: ...'. --trace adds the steps that lead to the violation. BATCH (1 to 4, default 2) is after how
many items the batched ring publishes; PLACES (1 to 3, default 2) how many slots share a block of the eager one.
Variants that hold:
  eager                 counts in each block of slots
  batched               indices that are published every BATCH items
Variants that break one rule, and must be found:
  no-park-fence         park() without its fence
  no-wake-fence         wake() without its fence
  no-fence              both
  no-exchange           wake() leaves the word at 1
  always-call           wake() does not look whether anybody is parked
  no-last-look          the consumer stops at the end of the stream without one more pop
  count-first           the count of what was put in is published before the value
  count-relaxed         it is stored relaxed
  free-first            the slot is freed before its value is read
  ahead-too-far         a free slot ahead is taken to mean that those after it are free, too (found where
                        PLACES is 1)
  batched-no-fence      as no-fence
  no-flush-on-full      a push that finds the ring full holds items back (found where BATCH > CAPACITY)
  no-flush-on-empty     a pop that finds the ring empty holds free slots back (found where BATCH > CAPACITY)
  spin-no-flush         the first, with threads that never sleep (found where BATCH > CAPACITY)
  no-wake-on-full       a push that finds the ring full publishes, but does not wake the consumer
  no-wake-on-empty      a pop that finds the ring empty publishes, but does not wake the producer
  no-flush-on-close     the last items are not published
  close-first           they are, but after the end of the stream
Checks waker.pml for as many PRODUCERS (1 to 3), which hand tasks to one event loop: it does not sleep for ever.
Variants that hold:
  waker                 the loop sleeps in futex(2)
  waker-rings           in what keeps that it was rung: an eventfd, a pipe
Variants that break one rule, and must be found; of waker-rings, too, as waker-rings-...:
  waker-no-sleep-fence  sleep() without its fence
  waker-no-wake-fence   wake() without its fence
  waker-relaxed         both: the word is nothing but relaxed
  waker-no-recheck      sleep() does not look again after it has said that it will
  waker-flag-late       it looks first, and says so after that
  waker-no-exchange     wake() leaves the word at 1 (found where the loop sleeps in futex(2))
Exit codes: 0 it holds, 1 it is violated, 2 wrong usage or it could not be checked.
END
}

die() { # MESSAGE
  echo "check.sh: $1" >&2
  exit 2
}

# The macros of ring.pml that make VARIANT.
macros_of() { # VARIANT BATCH
  case $1 in
    eager) ;;
    batched) echo "-DBATCH=$2" ;;
    no-fence) echo -DNO_PARK_FENCE -DNO_WAKE_FENCE ;;
    batched-no-fence) echo "-DBATCH=$2" -DNO_PARK_FENCE -DNO_WAKE_FENCE ;;
    no-park-fence | no-wake-fence | no-exchange | always-call | no-last-look | count-first | count-relaxed | free-first | ahead-too-far)
      echo "-D$(macro_name "$1")"
      ;;
    spin-no-flush) echo "-DBATCH=$2" -DSPIN_ONLY -DNO_FLUSH_ON_FULL ;;
    no-flush-on-full | no-flush-on-empty | no-wake-on-full | no-wake-on-empty | no-flush-on-close | close-first)
      echo "-DBATCH=$2" "-D$(macro_name "$1")"
      ;;
    waker-rings*) echo -DRINGS "$(macros_of "waker${1#waker-rings}" "$2")" ;;
    waker) ;;
    waker-relaxed) echo -DNO_SLEEP_FENCE -DNO_WAKE_FENCE ;;
    waker-no-sleep-fence | waker-no-wake-fence | waker-no-recheck | waker-flag-late | waker-no-exchange)
      echo "-D$(macro_name "${1#waker-}")"
      ;;
    *) die "'$1' is not a variant, see --help" ;;
  esac
}

macro_name() { # VARIANT
  tr 'a-z-' 'A-Z_' <<<"$1"
}

# Compiles the verifier with FLAGS and runs it with ARGUMENTS; its report is left in the file `report`.
verify() { # FLAGS ARGUMENTS
  # shellcheck disable=SC2086  # many words
  gcc -w -DMEMLIM=1024 $1 -o pan pan.c || die "the verifier does not compile"
  # shellcheck disable=SC2086  # many words
  ./pan -m100000 $2 >report 2>&1 || true # it says in words how it ended
  ! grep -qE 'pan:1:|errors: [1-9]' report || violated
  # A search that was cut short has shown nothing.
  ! grep -m1 -iE 'max search depth|reached .*MEMLIM|out of memory|not completed' report >short ||
    die "the search was cut short: $(<short)"
  grep -q 'errors: 0' report || die "the verifier failed: $(tail -n 1 report)"
}

violated() {
  local said
  said=$(grep -m1 'pan:1:' report)
  case $said in
    *"invalid end state"*) echo "violated: somebody sleeps for ever" ;;
    *"non-progress cycle"*) echo "violated: no more items arrive, though all have their turns" ;;
    *"low=="*) echo "violated: an item is torn, lost, or out of order" ;;
    *"violated (read=="*) echo "violated: the consumer stops before the last item" ;;
    *"call_is_due"*) echo "violated: more than one wake-up call for a sleep" ;;
    *) echo "violated: ${said#pan:1: }" ;;
  esac
  if ((trace)); then
    # shellcheck disable=SC2086  # many words
    spin -t -p -g $macros "$model"
  fi
  exit 1
}

states() { sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' report; }

trace=0
case ${1:---help} in
  --help) usage && exit 0 ;;
  --trace) trace=1 && shift ;;
esac
(($# >= 2 && $# <= 4)) || die "a variant and a capacity are needed, see --help"
[[ $2 =~ ^[1-3]$ ]] || die "'$2' is not a capacity from 1 to 3"
[[ ${3:-2} =~ ^[1-4]$ ]] || die "'$3' is not a batch from 1 to 4"
[[ ${4:-2} =~ ^[1-3]$ ]] || die "'$4' is not a number of places from 1 to 3"
model=ring.pml size="-DCAPACITY=$2 -DITEMS=$(($2 + 3)) -DPLACES=${4:-2}"
[[ $1 != waker* ]] || model=waker.pml size=-DPRODUCERS=$2
macros="$size $(macros_of "$1" "${3:-2}")"
command -v spin >/dev/null || die "spin is missing: install the Debian package of that name"

models=$(realpath "$(dirname "$0")")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cp "$models"/*.pml .
# shellcheck disable=SC2086  # many words
spin -a $macros "$model" >spin.log || die "the model is not valid: $(head -n 1 spin.log)"
# Without -O: compiling would cost more than it saves.
verify -DSAFETY ""
safety=$(states)
# Weak fairness (-f): what could always go on does so at last.
verify "-O1 -DNP -DNFAIR=4" "-l -f"
echo "ok: $safety states, $(states) with progress"
