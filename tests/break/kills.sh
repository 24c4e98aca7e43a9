#!/usr/bin/env bash
# Kills random processes of sweeps at random moments, and looks whether anything measured was lost.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

usage() {
  cat <<EOF
usage: tests/break/kills.sh [SEED [KILLS]]
Sweeps t000 with a QEMU that only pretends, and kills one process of the sweep (any of its scripts, steps, or QEMU) at
a random moment, KILLS times (60) in all, with SEED (a random one, which is printed). After each kill a run that was
finished must be as it was, and no process may be left; the same command must then finish the sweep, with each run
once. Ends with 1 at the first fault.
EOF
}

[[ ${1:-} != --help ]] || { usage && exit 0; }
seed=${1:-$(od -An -N 3 -tu4 /dev/urandom | tr -d ' ')} kills=${2:-60}
[[ $seed =~ ^[0-9]{1,9}$ && $kills =~ ^[1-9][0-9]{0,4}$ ]] || { usage >&2 && exit 2; }
echo "seed $seed"
RANDOM=$((seed % 32768))

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PIPELAB_BUILD=$work/build PIPELAB_LOCK=$work/host.lock
runs=$work/result_data/runs # not exported: it marks the processes of sweeps
export PIPELAB_PROGRAM=${PIPELAB_PROGRAM:-$ROOT/build/host/pipelab}
export PATH=$ROOT/tests/fake_qemu:$PATH FAKE_SECONDS=0.2
mkdir -p "$PIPELAB_BUILD/image/aarch64"
touch "$PIPELAB_BUILD"/image/aarch64/{vmlinuz,initrd.cpio}
printf '%s\tfake\n' kernel_version kernel_sha256 initrd_sha256 program_sha256 program_version compiler qemu_version \
  >"$PIPELAB_BUILD/image/aarch64/image.tsv"
sweep=(env "PIPELAB_RUNS=$runs" "$ROOT/scripts/run_scenarios.sh" --timing exact --reps 4 --jobs 2 t000)

fault() { # TEXT
  echo "FAULT after kill $done_kills: $1 (seed $seed)"
  tail -n 5 "$work/said"
  exit 1
}

# All processes that were started for the sweep, which its environment tells.
members() {
  { grep -lz "^PIPELAB_RUNS=$runs$" /proc/[0-9]*/environ 2>/dev/null || true; } | cut -d / -f 3 || true
}

finished() {
  { cd "$runs" 2>/dev/null && find . -name run.json -exec sha256sum {} + | sort; } || true
}

done_kills=0
while ((done_kills < kills)); do
  rm -rf "$work/result_data"
  for ((tries = 0; tries < 6 && done_kills < kills; tries++)); do
    "${sweep[@]}" >"$work/said" 2>&1 </dev/null &
    leader=$!
    sleep "$((RANDOM % 4)).$((RANDOM % 10))"
    before=$(finished)
    mapfile -t there < <(members)
    kill -0 "$leader" 2>/dev/null || break # it had ended
    kill -KILL "${there[RANDOM % ${#there[@]}]}" 2>/dev/null || true
    done_kills=$((done_kills + 1))
    wait "$leader" 2>/dev/null || true
    for ((tick = 0; tick < 100; tick++)); do
      [[ -n $(members) ]] || break
      sleep 0.1
    done
    [[ -z $(members) ]] || fault "processes are left: $(members | xargs ps -o pid=,args= -p)"
    [[ -z $(comm -23 <(echo "$before") <(finished)) ]] || fault "a finished run is gone, or another"
  done
  "${sweep[@]}" >"$work/said" 2>&1 </dev/null || fault "the same command did not finish"
  (($(find "$runs" -mindepth 2 -maxdepth 2 -name run.json | wc -l) == 12)) || fault "there are not 12 runs"
  [[ -z $(find "$runs" "$runs/.." -maxdepth 1 -name '.*partial*') ]] || fault "something partial is left"
  (($(find "$runs/failed" -mindepth 1 2>/dev/null | wc -l) == 0)) || fault "a run that is done counts as failed"
done
echo "$done_kills kills, nothing lost"
