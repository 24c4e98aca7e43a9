#!/usr/bin/env bats
# bats file_tags=slow
# Real guests: a schedule is kept from its first item on, whatever the warm-up left.
# Without timer slack, which lets a wake-up come early or late with another one.

GUESTS=${PIPELAB_THOROUGH:+20}
GUESTS=${GUESTS:-6}
SEED=${SEED:-1}

setup() {
  ROOT=$BATS_TEST_DIRNAME/..
  OUT=$BATS_TEST_TMPDIR
}

# The options of a random schedule, by the state of RANDOM.
random_schedule() {
  local interval_us=$((20000 + RANDOM % 100 * 1000 + RANDOM % 1000)) arrivals pacings warmups
  arrivals=(constant poisson "burst:$((2 + RANDOM % 9)),$((5000 + RANDOM % 150 * 1000))")
  pacings=(deadline deadline sleep)
  warmups=(0 0.1 "0.0$((10 + RANDOM % 80))")
  echo --prod-interval-us "$interval_us" --duration "0.$((500 + RANDOM % 400))" --queue-cap 256 --timer-slack-ns 1 \
    --arrival "${arrivals[RANDOM % 3]}" --pacing "${pacings[RANDOM % 3]}" --warmup "${warmups[RANDOM % 3]}"
}

# Measures in a guest, and keeps latencies.csv.
measure() { # NAME OPTION...
  local folder=$OUT/$1
  "$ROOT/qemu/run_vm.sh" --timing exact --seed "$SEED" --out "$folder" -- \
    pipelab --emit-latencies latencies.csv "${@:2}"
  [[ ! -d $folder/out ]] || folder=$folder/out
  mv "$folder/latencies.csv" "$OUT/$1.csv"
}

# Fails unless item 0 was as late as the items that had 1 ms to themselves: within 10 us of what they span. Where
# lateness adds up (sleep), it need only be no later than these.
check_first_item() { # FILE PACING
  awk -F, -v pacing="$2" '
    NR == 2 { first = $3 }
    NR > 2 && $2 - before >= 1e6 {
      least = !count || $3 < least ? $3 : least
      most = !count++ || $3 > most ? $3 : most
    }
    { before = $2 }
    END {
      if (!count) { print "no item to compare with" }
      exit !(count && first <= most + 10000 && (pacing == "sleep" || first >= least - 10000))
    }' "$1" || {
    head -4 "$1"
    return 1
  }
}

@test "in exact timing the first item is as late as the others, in $GUESTS random schedules" {
  local guest schedules=() failed=0
  echo "SEED=$SEED"
  RANDOM=$SEED
  for ((guest = 0; guest < GUESTS; ++guest)); do
    schedules+=("$(random_schedule)")
  done
  for ((guest = 0; guest < GUESTS; ++guest)); do
    # shellcheck disable=SC2086  # words of options
    measure "$guest" ${schedules[guest]} 3>&- &
    ((guest % 3 != 2)) || wait
  done
  wait
  for ((guest = 0; guest < GUESTS; ++guest)); do
    [[ ${schedules[guest]} =~ --pacing\ ([a-z]+) ]]
    check_first_item "$OUT/$guest.csv" "${BASH_REMATCH[1]}" || {
      echo "pipelab ${schedules[guest]}"
      failed=1
    }
  done
  ((!failed))
}
