#!/usr/bin/env bash
# Runs one row of a plan in a fresh guest and leaves its folder, whole or not at all.
set -euo pipefail
# shellcheck source=lab.sh
source "$(dirname "$0")/lab.sh"
# shellcheck source=count.sh
source "$(dirname "$0")/count.sh"

# The samples of a run, as a tar file and unpacked, with room to spare.
readonly NEEDED_MB=64

case ${1:-} in
  --help)
    cat <<EOF
usage: scripts/run_one.sh [--dry-run|--counters] PLAN N
Runs row N (from 1) of PLAN (a .tsv file that 'lab plan' wrote) and leaves its folder beside the plan. A
row whose folder exists is not run again. A run that fails leaves failed/RUN/ with its reason and console
log instead. --dry-run prints the exact QEMU command. --counters boots an exact run that is there once more,
with the counters, and leaves what they saw in counters/RUN/.
Exit codes: 0 good, 1 the run failed, 2 wrong usage.
EOF
    exit 0
    ;;
esac
dry_run=0 counting=0
[[ ${1:-} != --dry-run ]] || { dry_run=1 && shift; }
[[ ${1:-} != --counters ]] || { counting=1 && shift; }
(($# == 2)) || die 2 "a plan and a row number are needed, see --help"

# What the host is doing: time of its CPUs so far, and its load. `lab seal` takes the difference.
snapshot_host() {
  head -n 1 /proc/stat
  cat /proc/loadavg
}

# Leaves in failed/RUN/ the reason, the console log and what the command printed, if that is short, and nothing else.
# The reason may name files in the folder, which is called otherwise then.
keep_failure() { # REASON
  local failed=$RUNS/failed/$run
  local reason=${1//"$folder"/"$failed"}
  find "$folder" -mindepth 1 \( ! -name console.log ! -path "$folder/out" ! -name 'std???.txt' -o -size +1M \) -delete
  rmdir --ignore-fail-on-non-empty "$folder/out" 2>/dev/null || true
  echo "$reason" >"$folder/reason.txt" || true # a full disk must not hide the reason
  { make_folder "$RUNS/failed" && rm -rf "$failed" && mv -T "$folder" "$failed"; } ||
    die 1 "$run: $reason (nothing is kept: $failed cannot be made)"
  die 1 "$run: $reason (kept in $failed)"
}

# Says why WHAT ended with CODE, which itself said nothing.
silent_end() { # CODE WHAT
  if (($(df --output=avail -k "$RUNS" | tail -n 1) < 1024)); then
    echo "no room on the disk of $RUNS: free some space"
  elif (($1 > 128)); then
    echo "$2 was ended from outside (SIG$(kill -l "$1")): run it again"
  else
    echo "$2 ended with code $1 and said nothing: run it again"
  fi
}

check_room() {
  local free_mb
  free_mb=$(df --output=avail -m "$RUNS" | tail -n 1)
  ((free_mb >= NEEDED_MB)) ||
    die 1 "$RUNS: no room for $run: $((free_mb)) MB are free, and a run needs $NEEDED_MB MB: free some space"
}

PLAN=$1
[[ -f $PLAN ]] || die 2 "$PLAN: there is no such plan"
RUNS=$(cd "$(dirname "$PLAN")" && pwd)
[[ $2 =~ ^[1-9][0-9]*$ ]] || die 2 "'$2' is not a row number"
line=$(sed -n "$(($2 + 1))p" "$PLAN")
[[ -n $line ]] || die 2 "$PLAN: there is no row $2"
# Not split at tabs, of which `read` takes several for one: a field may be empty.
IFS=$'\037' read -r run _ _ target timing _ seed _ smp memory_mb _ limit_s _ command \
  kernel kernel_args numa_nodes pin_vcpus accelerator _ <<<"${line//$'\t'/$'\037'}"
[[ $run =~ ^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9][A-Za-z0-9_-]*)*$ ]] || die 1 "$PLAN: row $2 is damaged: plan again"
((counting || dry_run)) || [[ ! -d $RUNS/$run ]] || exit 0
vm=("$ROOT/qemu/run_vm.sh" --target "$target" --timing "$timing" --smp "$smp" --memory "$memory_mb" --seed "$seed"
  --limit "$limit_s" --kernel "${kernel:-}" --kernel-args "${kernel_args:-}" --numa "${numa_nodes:-1}"
  --pin-vcpus "${pin_vcpus:-no}" --accelerator "${accelerator:-auto}")
read -ra words <<<"$command"
if ((dry_run)); then
  exec "${vm[@]}" --dry-run -- "${words[@]}"
fi
if ((counting)); then
  count_run
  exit
fi

folder=$RUNS/.partial.$run.$$
rm -rf "$RUNS/.partial.$run".*
check_room
mkdir "$folder" || die 1 "$folder: cannot be made: free some space, or mend its permissions"
trap 'rm -rf "$folder" "$folder.log"' EXIT
end_on_signals

code=0
before=$(snapshot_host)
attend "${vm[@]}" --out "$folder" -- "${words[@]}" >"$folder.log" 2>&1 || code=$?
if ((code)); then
  errors=$(<"$folder.log")
  keep_failure "${errors:-$(silent_end "$code" "its guest")}"
fi
{ echo "$before" >"$folder/host_before.txt" && snapshot_host >"$folder/host_after.txt"; } 2>/dev/null ||
  keep_failure "what its host did cannot be written beside it: free some space, or mend its permissions"
lab seal --build "$BUILD" "$PLAN" "$run" "$folder" >"$folder.log" 2>&1 || code=$?
if ((code)); then
  errors=$(<"$folder.log")
  keep_failure "${errors:-$(silent_end "$code" "what seals it")}"
fi
mv -T "$folder" "$RUNS/$run"
rm -rf "$RUNS/failed/$run"
