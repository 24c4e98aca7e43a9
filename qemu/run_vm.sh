#!/usr/bin/env bash
# Boots one guest, runs one command in it, and brings out the files that the command left.
set -euo pipefail
# shellcheck source=target.sh
source "$(dirname "$0")/target.sh"
# shellcheck source=guest_shape.sh
source "$ROOT/qemu/guest_shape.sh"
# shellcheck source=parcel.sh
source "$ROOT/qemu/parcel.sh"
# shellcheck source=counters/load.sh
source "$ROOT/qemu/counters/load.sh"
end_on_signals

usage() {
  cat <<EOF
usage: qemu/run_vm.sh [OPTIONS] --out DIR -- COMMAND [ARGUMENT...]
       qemu/run_vm.sh [OPTIONS] --shell
Boots one guest, runs COMMAND in it (in an empty folder), and leaves in DIR, which it makes: console.log (of
the guest's kernel), vm.tsv (how it ended and the exact QEMU command), in live timing also watch.json (what the
host did meanwhile), and in DIR/out/ the regular files that COMMAND wrote, stdout.txt and stderr.txt. COMMAND
may make no folders or links there: then nothing is taken.

  --target NAME        one of: $(target_names) (aarch64)
  --kernel NAME|FILE   a kernel of the target, or the file of one; its image must be made (the target's first)
  --kernel-args "..."  more words for the kernel's command line, as "isolcpus=1 nohz_full=1"
  --timing exact|live  virtual time, the same in every run, or wall time (exact)
  --smp N              CPUs of the guest (2)
  --memory MB          memory of the guest (512)
  --numa N             NUMA nodes that share its CPUs and memory (1)
  --quantum none|Nus   in exact timing, how long a CPU may run before the next one has its turn: until it waits, or
                       at most that long, as 20us, which loops need that spin without a hint (none)
  --accelerator WHICH  of live timing: kvm, tcg, or auto, which is kvm where it works (auto)
  --pin-vcpus yes|no   in live timing pin each CPU of the guest to one of the host, if it has enough (yes)
  --seed N             of all that is random in the guest; another seed is another replicate (1)
  --tb-mb N            QEMU's memory for translated code (256); 64, 256 and 1024 give the same results
  --limit S            wall time after which the guest counts as hung (300)
  --output-mb N        what COMMAND may leave (256)
  --console-mb N       what is kept of the console, of whose middle the rest is cut out (16)
  --perf               boot the image that has perf (make it with qemu/make_image.sh --perf)
  --go                 boot the image that has pipelab exchange's responders in Go (make it with --go)
  --initrd FILE        boot another initramfs than the image's, as one with more files at its end
  --parcel FILE        a user's program, as qemu/pack_program.sh packs it, comes along: COMMAND, which may have any
                       characters, is for the attendant there: [OPTION...] -- PROGRAM [ARGUMENT...]
  --wrap "..."         with --parcel: the words of a command that is to run the attendant, as "perf stat"
  --counters [WHAT]    count what the program does in its marked regions into counters.json: plain
                       (instructions, loads, stores), caches (also simulated caches), profile (also
                       each piece of code) (plain)
  --shell              an interactive console instead of a command
  --dry-run            print the exact QEMU command, which works when pasted, and stop

Exit codes: 0 done; the command's own code when it failed; 1 this script failed; 2 wrong usage; and
120 guest panicked, 121 guest hung, 122 guest cut off (its files did not arrive whole), 123 QEMU failed; 130
and 143 interrupted.
EOF
}

parse_arguments() {
  target=aarch64 kernel='' kernel_args='' timing=exact smp=2 memory_mb=512 seed=1 limit_s=300 output_mb=256 console_mb=16 out='' initrd='' parcel='' wrap=''
  tools='' shell=0 dry_run=0
  numa=1 quantum=none tb_mb=${PIPELAB_TB_MB:-256} accelerator=auto pin_vcpus=yes
  counters=''
  command=()
  while (($#)); do
    case $1 in
      --help) usage && exit 0 ;;
      --perf | --go)
        [[ -z $tools ]] || die 2 "$1: no image has what --$tools brings as well: give one of them"
        tools=${1#--} && shift && continue
        ;;
      --counters)
        counters=plain && shift
        [[ ! ${1:-} =~ ^(plain|caches|profile)$ ]] || { counters=$1 && shift; }
        continue
        ;;
      --shell) shell=1 && shift && continue ;;
      --dry-run) dry_run=1 && shift && continue ;;
      --) shift && command=("$@") && break ;;
      --target | --kernel | --kernel-args | --timing | --smp | --memory | --seed | --limit | --output-mb | --console-mb | \
        --out | --initrd | --parcel | --wrap | --numa | --quantum | --tb-mb | --accelerator | --pin-vcpus)
        (($# > 1)) || die 2 "$1 needs a value"
        ;;
      *) die 2 "unknown option '$1', see --help" ;;
    esac
    case $1 in
      --target) target=$2 ;;
      --kernel) kernel=$2 ;;
      --kernel-args) kernel_args=$2 ;;
      --timing) timing=$2 ;;
      --smp) smp=$2 ;;
      --memory) memory_mb=$2 ;;
      --numa) numa=$2 ;;
      --quantum) quantum=$2 ;;
      --tb-mb) tb_mb=$2 ;;
      --accelerator) accelerator=$2 ;;
      --pin-vcpus) pin_vcpus=$2 ;;
      --seed) seed=$2 ;;
      --limit) limit_s=$2 ;;
      --output-mb) output_mb=$2 ;;
      --console-mb) console_mb=$2 ;;
      --out) out=$2 ;;
      --initrd) initrd=$2 ;;
      --parcel) parcel=$2 ;;
      --wrap) wrap=$2 ;;
    esac
    shift 2
  done
}

check_arguments() {
  local word
  load_target "$target" "$kernel"
  whole_number --smp "$smp" 64
  whole_number --memory "$memory_mb" 65536
  whole_number --numa "$numa" 64
  whole_number --tb-mb "$tb_mb" 4096
  whole_number --seed "$seed" 4294967295
  whole_number --limit "$limit_s" 864000
  whole_number --output-mb "$output_mb" 65536
  whole_number --console-mb "$console_mb" 4096
  [[ $timing =~ ^(exact|live)$ ]] || die 2 "--timing: '$timing' is not valid: give exact or live"
  [[ $pin_vcpus =~ ^(yes|no)$ ]] || die 2 "--pin-vcpus: '$pin_vcpus' is not valid: give yes or no"
  check_shape
  if ((shell)); then
    command=(shell)
    ((!quantum_us)) || die 2 "--quantum: a console has no folder for its device tree: give none"
    [[ -z $counters ]] || die 2 "--counters: a console has no folder for what is counted: give --out and a command"
  else
    ((${#command[@]})) || die 2 "no command is given after --, see --help"
    [[ -n $out ]] || ((dry_run)) || die 2 "--out DIR is needed"
  fi
  [[ " $kernel_args" != *" maxcpus="* ]] || die 2 "--kernel-args: maxcpus is the kit's own: give --smp"
  ((smp == 1)) || [[ $timing != exact ]] || kernel_args="$EXACT_SMP_KERNEL_ARGS $kernel_args"
  read -ra kernel_args <<<"$KERNEL_ARGS $kernel_args"
  for word in "${kernel_args[@]}"; do
    [[ $word =~ ^[A-Za-z0-9_./:,=@%+-]+$ && $word != -- && $word != run ]] ||
      die 2 "--kernel-args: '$word' is not valid: give words such as isolcpus=1, with a space between them"
  done
  check_parcel
  for word in "${run[@]}"; do
    [[ $word != -- ]] || die 2 "a guest command cannot hold '--': the kernel drops all that follows it"
    # They travel on the kernel's command line, which knows no way to quote these.
    [[ $word =~ ^[A-Za-z0-9_./:,=@%+-]+$ ]] || die 2 "'$word': a guest command may have letters, digits and _./:,=@%+- only"
  done
  [[ -z $tools ]] || INITRD=$IMAGE/initrd-$tools.cpio
  [[ -z $initrd ]] || INITRD=$(realpath -- "$initrd")
  [[ -f $KERNEL ]] || die 1 "$KERNEL: there is no kernel: run 'make image $IMAGE_KNOBS'"
  [[ -f $INITRD ]] || die 1 "$INITRD: there is no initramfs: run 'make image${tools:+-$tools} $IMAGE_KNOBS'"
}

whole_number() { # OPTION VALUE MAXIMUM
  local least=1
  [[ $1 != --seed ]] || least=0
  if [[ ! $2 =~ ^(0|[1-9][0-9]{0,9})$ ]] || (($2 < least || $2 > $3)); then
    die 2 "$1: '$2' is not valid: give a whole number from $least to $3"
  fi
}

# Sets `qemu` to the exact command. The files that QEMU writes are named relative to its folder, so
# that the command is the same for every run and works wherever it is pasted.
build_qemu_command() {
  local numa_arguments
  if [[ $timing == live || $accelerator != auto ]]; then
    accelerator=$("$ROOT/qemu/probe_kvm.sh" --wanted "$accelerator" --timing "$timing" "$TARGET" "$kernel")
  fi
  [[ $accelerator == kvm ]] || accelerator=tcg
  local append words
  words=$(IFS=';' && echo "${run[*]}") # one word, which /init splits: the kernel passes it no more than 32
  append="console=$CONSOLE quiet panic=-1 nokaslr ${kernel_args[*]}${kernel_args[0]:+ }-- cpus=$smp run $words"
  ((${#append} < COMMAND_LINE_SIZE)) ||
    die 2 "the guest command is too long: the kernel's command line on $TARGET takes $COMMAND_LINE_SIZE characters"
  set_cpus
  [[ -z $parcel ]] || add_parcel
  qemu=("$QEMU" -nodefaults -no-user-config -display none -no-reboot -M "$MACHINE" -m "$memory_mb" -seed "$seed")
  mapfile -t numa_arguments < <(numa_options)
  qemu+=("${numa_arguments[@]}")
  case $timing-$accelerator in
    exact-tcg)
      qemu+=(-accel "tcg,thread=single,tb-size=$tb_mb" -cpu "$CPU" -icount "shift=1,sleep=off" -rtc "base=2020-01-01,clock=vm")
      ((shell)) || add_turnstile
      ;;
    live-tcg) qemu+=(-name "$TARGET,debug-threads=on" -accel "tcg,thread=multi" -cpu "$CPU") ;;
    live-kvm) qemu+=(-name "$TARGET,debug-threads=on" -accel kvm -cpu host) ;;
  esac
  qemu+=("${cpus[@]}")
  [[ -z $counters ]] || add_counters "$counters"
  if ((shell)); then
    qemu+=(-serial mon:stdio)
  else
    # Without ioeventfd a CPU sends by itself, and does not wait for the main loop, which would wait for it.
    qemu+=(-serial file:console.log -device "virtio-serial-pci,ioeventfd=off"
      -chardev "file,id=out,path=out.tar" -device "virtserialport,chardev=out")
  fi
  qemu+=(-kernel "$KERNEL" -initrd "$INITRD" -append "$append")
}

# Makes QEMU's two threads take turns, so that the same guest gives the same bytes on any host. For the same reason nothing
# may run beside an exact guest that wakes QEMU at any instruction: no monitor traffic, and no timer of the host's clock.
# It is this tree's own, whichever build is booted. The folder gets a link, as a path with a blank cannot be loaded.
add_turnstile() {
  local turnstile=$ROOT/build/host/turnstile.so
  [[ -f $turnstile ]] || die 1 "$turnstile: is not built: run 'make image $IMAGE_KNOBS'"
  before+="ln -sf ${turnstile@Q} turnstile.so && "
  qemu=(env LD_PRELOAD=./turnstile.so "${qemu[@]}" -D turnstile.log -trace qemu_system_shutdown_request)
}

# A function of its own process, which QEMU takes over.
run_qemu() {
  local said
  cd "$out" && ulimit -c 0
  said=$(eval "${before}true" 2>&1) || { echo "what it boots cannot be made: $said" && return 1; }
  ulimit -f $(((output_mb + 1) * 1024))
  exec setpriv --pdeathsig KILL timeout --foreground --kill-after=5 "$limit_s" setpriv --pdeathsig KILL "${qemu[@]}"
}

# Waits until no other guest of this host disturbs this one, and keeps others waiting: a live guest is alone, the others
# are with each other, whoever boots them. lab.runs.one holds the lock for this script while its own notes go on.
lock_host() {
  local lock=${PIPELAB_LOCK:-/tmp/pipelab.lock} how=--shared
  [[ $lock != held ]] || return 0
  [[ $timing != live ]] || how=--exclusive
  { { [[ -e $lock ]] || : >"$lock"; } && exec 4<"$lock"; } 2>/dev/null ||
    die 1 "$lock: cannot be opened: give another file as PIPELAB_LOCK"
  flock "$how" --nonblock 4 || { echo "run_vm.sh: waiting for the end of other guests on this host ($lock)" >&2 && attend flock "$how" 4; }
}

# Runs QEMU in DIR under the time limit, and lets no file grow beyond what the guest may send; it dies with this
# script. Sets `code` and `wall_ms`.
boot() {
  local begin=$EPOCHREALTIME end watcher=''
  if [[ $timing == live ]]; then
    PYTHONPATH=$ROOT/scripts setpriv --pdeathsig KILL /usr/bin/python3 -m lab.runs.watch --shell $$ --smp "$smp" \
      --pin "$pin_vcpus" --out "$out/watch.json" >/dev/null 2>&1 </dev/null &
    watcher=$!
  fi
  code=0
  attend run_qemu </dev/null >"$out/qemu.log" 2>&1 || code=$?
  end=$EPOCHREALTIME
  wall_ms=$(((${end/[.,]/} - ${begin/[.,]/}) / 1000))
  if [[ -n $watcher ]]; then
    kill "$watcher" 2>/dev/null || true
    wait "$watcher" 2>/dev/null || true
  fi
}

interrupted() { [[ -z ${out:-} ]] || rm -f "$out/out.tar"; }

parse_arguments "$@"
check_arguments
build_qemu_command
if ((dry_run)); then
  echo "$before${qemu[*]@Q}"
elif ((shell)); then
  exec "${qemu[@]}"
else
  mkdir -p "$out"
  out=$(cd "$out" && pwd)
  [[ -z $(ls -A "$out") ]] || die 2 "$out: is not empty: give a new folder to --out"
  lock_host
  boot
  # From here on what the guest wrote is read, which this shell never does.
  PYTHONPATH=$ROOT/scripts exec /usr/bin/python3 -S -m lab.runs.ending --code "$code" --limit "$limit_s" --wall-ms "$wall_ms" \
    --output-mb "$output_mb" --console-mb "$console_mb" ${parcel:+--attended} --fact accelerator "$accelerator" \
    --fact counters "$counters" --fact qemu_command "$before${qemu[*]@Q}" "$out"
fi
