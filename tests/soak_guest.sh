#!/bin/sh
# In a guest: every queue, wait and full policy, at full speed and with idle times. Each item's payload shows
# whether it came whole, once and in order, and the program counts that none is lost. Its argument is the seed.
# Ends with 1 at the first run that is wrong, else says how many runs there were, and how many items.
seed=$1 runs=0 items=0

measure() { # OPTION...
  if ! pipelab --duration 0.003 --warmup 0 --seed "$seed" --item-bytes 64 --stats stats.csv "$@" >run.txt 2>&1; then
    echo "seed $seed: pipelab $*: $(cat run.txt)"
    exit 1
  fi
  runs=$((runs + 1))
  items=$((items + $(sed -n 's/^produced,//p' stats.csv)))
}

for wait in spin yield futex hybrid; do
  for full in drop block overwrite; do
    set -- --wait $wait --on-full $full
    measure "$@" --queue mutex --prod-interval-us 0 --queue-cap 2
    measure "$@" --queue mutex --prod-interval-us 20 --arrival poisson --queue-cap 1
    measure "$@" --queue spsc --prod-interval-us 0 --queue-cap 1
    measure "$@" --queue spsc --prod-interval-us 0 --queue-cap 3 --zero-copy
    measure "$@" --queue spsc --prod-interval-us 20 --arrival poisson --queue-cap 2
    if [ $full != overwrite ]; then
      measure "$@" --queue spsc --prod-interval-us 0 --queue-cap 5 --batch 3
      measure "$@" --queue spsc --prod-interval-us 20 --arrival burst:4,50 --queue-cap 4 --batch 4 --zero-copy
    fi
  done
done
echo "$runs $items"
