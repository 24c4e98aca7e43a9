#!/usr/bin/env bash
# Gets the Debian packages of a target's architecture that its guests and its program are made of, and
# unpacks them under build/packages/: TARGET/ (busybox, libnuma, libunwind, the first kernel), TARGET.KERNEL/ (another
# kernel), TARGET-perf/, TARGET+PACKAGE/ (what users' programs are of); and the sources simdjson/ and mimalloc/, which are
# of all targets.
set -euo pipefail
# shellcheck source=target.sh
source "$(dirname "$0")/target.sh"
end_on_signals

usage() {
  cat <<EOF
usage: qemu/get_packages.sh [--perf] [--kernel NAME] [--also PACKAGE]... TARGET
       qemu/get_packages.sh --sources
Gets the packages of TARGET ($(target_names)) that are not there yet.
  --perf          perf and what it needs as well
  --kernel NAME   another kernel of qemu/targets/TARGET.conf as well
  --also PACKAGE  only these packages and what they need, into build/packages/TARGET+PACKAGE...; for users' programs
  --sources       only what the program is built with of the source, for this machine as well
Exit codes: 0 good, 1 failed, 2 wrong usage.
EOF
}

# Unpacks Debian packages of the target's architecture, with all that they need, into DIR; once, unless
# the packages become others.
unpack_packages() { # DIR PACKAGE...
  local dir=$1 sources log=$1.log
  shift
  make_folder "$BUILD/packages"
  exec 7<"$BUILD/packages" # whoever else gets the same waits, and finds it there
  attend flock 7
  rm -rf "$BUILD"/packages/*.partial # of one that was killed
  [[ ! -f $dir/.complete || $(<"$dir/.complete") != "$*" ]] || return 0
  sources=$(apt_sources)
  echo "getting $* ($DEBIAN_ARCH)" >&2
  # shellcheck disable=SC2086,SC2046  # several source files are several arguments
  if ! mmdebstrap_into "$dir.partial" "$log" "$*" $sources; then
    grep -q '^E: Failed to fetch .*-security' "$log" || cannot_get "$log" "$*"
    # Guests have no network, so packages without the last security updates serve as well.
    visible "get_packages.sh: going without security updates for $DEBIAN_ARCH, which cannot be had now: $(error_of "$log")" >&2
    mmdebstrap_into "$dir.partial" "$log" "$*" $(without_security "$dir" $sources) || cannot_get "$log" "$*"
  fi
  echo "$*" >"$dir.partial/.complete"
  rm -rf "$dir"
  mv "$dir.partial" "$dir"
}

# chrootless: it only unpacks, so it needs neither root nor user namespaces.
mmdebstrap_into() { # DIR LOG PACKAGES SOURCE...
  local dir=$1 log=$2 packages=$3
  shift 3
  rm -rf "$dir"
  attend unpack --include="$packages" "$CODENAME" "$dir" "$@" >"$log" 2>&1
}

# In a process of its own.
unpack() { # ARGUMENT... of mmdebstrap
  close_inherited
  exec setpriv --pdeathsig KILL mmdebstrap --mode=chrootless --variant=extract --architectures="$DEBIAN_ARCH" "$@"
}

# mmdebstrap has sh write to a descriptor of its own, whose number is above 9 when many are inherited (as from a test
# runner): dash knows numbers of one digit only.
close_inherited() {
  local fd
  for fd in /proc/"$BASHPID"/fd/*; do
    fd=${fd##*/}
    ((fd <= 2 || fd == 255)) || eval "exec $fd>&-"
  done
}

error_of() { grep -m1 '^E:' "$1"; } # LOG

cannot_get() { die 1 "cannot get $2 for $DEBIAN_ARCH: $(error_of "$1") (see $1)"; } # LOG PACKAGES

# Copies apt's sources to DIR.NAME without the stanzas (.sources) and lines (.list) of security updates, and says
# what the copies are called.
without_security() { # DIR SOURCE...
  local dir=$1 name=${1##*/} source copy
  shift
  for source in "$@"; do
    copy=${dir%/*}/${name//+/.}.${source##*/} # apt reads no file whose name has a plus
    case $source in
      *.sources) awk 'BEGIN { RS = ""; ORS = "\n\n" } !/-security/' "$source" >"$copy" ;;
      *) sed '/-security/d' "$source" >"$copy" ;;
    esac
    [[ ! -s $copy ]] || echo "$copy"
  done
}

# The machine's own apt sources that serve this Debian release: the project names no mirror.
apt_sources() {
  local file found=()
  for file in /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list /etc/apt/sources.list; do
    if [[ -f $file ]] && grep -qE "^[^#]*[ :]$CODENAME( |$)" "$file" && grep -qw main "$file"; then
      found+=("$file")
    fi
  done
  ((${#found[@]})) || die 1 "/etc/apt: no sources of Debian $CODENAME found: add a debian.sources file"
  echo "${found[@]}"
}

# Gets what the program has built in of Debian's source packages. The library of simdjson is a shared one, and the guests'
# program is static; that of mimalloc takes the place of malloc wherever it is linked. Without them the program is built
# without them, and says so where it is asked for them.
get_sources() {
  get_source simdjson '*/singleheader/simdjson.cpp' '*/singleheader/simdjson.h'
  get_source mimalloc '*/src/*.c' '*/src/*.h' '*/include/*.h'
}

# Unpacks the FILEs of a source package side by side.
get_source() { # PACKAGE FILE...
  local dir=$BUILD/packages/$1 log=$BUILD/packages/$1.log
  make_folder "$BUILD/packages"
  [[ ! -d $dir ]] || return 0
  exec 7<"$BUILD/packages"
  attend flock 7
  [[ ! -d $dir ]] || return 0
  echo "getting the source of $1" >&2
  rm -rf "$dir.partial"
  mkdir -p "$dir.partial/apt/lists/partial"
  if (cd "$dir.partial" && download_source "$@") >"$log" 2>&1; then
    rm -rf "$dir.partial/apt"
    mv "$dir.partial" "$dir"
  else
    rm -rf "$dir.partial"
    visible "get_packages.sh: going without $1: its source cannot be had (see $log)" >&2
  fi
}

download_source() { # PACKAGE FILE...
  local source package=$1 options=(-o "Dir::State::lists=$PWD/apt/lists" -o "Dir::Etc::sourcelist=/dev/null"
    -o "Dir::Etc::sourceparts=$PWD/apt/sources" -o APT::Sandbox::User=root)
  shift
  mkdir -p apt/sources
  for source in $(apt_sources); do
    sed 's/^Types:.*/Types: deb-src/; s/^deb /deb-src /' "$source" >"apt/sources/${source##*/}"
  done
  attend apt-get "${options[@]}" update || true # security updates may not be there
  attend apt-get "${options[@]}" source --download-only "$package" &&
    tar --extract --file "$package"_*.orig.tar.* --transform 's,.*/,,' --wildcards "$@" && rm -f "$package"_*
}

CODENAME=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
with_perf=0 kernel='' also=()
while [[ ${1:-} == -* ]]; do
  case $1 in
    --help) usage && exit 0 ;;
    --perf) with_perf=1 ;;
    --sources) get_sources && exit ;;
    --also) (($# > 1)) || die 2 "$1 needs a value" && also+=("$2") && shift ;;
    --kernel) (($# > 1)) || die 2 "$1 needs a value" && kernel=$2 && shift ;;
    *) die 2 "unknown option '$1', see --help" ;;
  esac
  shift
done
(($# == 1)) || die 2 "one target is needed, see --help"
load_target "$1" "$kernel"

if ((${#also[@]})); then
  unpack_packages "$PACKAGES$(printf '+%s' "${also[@]}")" "${also[@]}"
  exit
fi
first_kernel=${KERNELS%% *}
unpack_packages "$PACKAGES" busybox-static libnuma-dev libunwind-dev "${first_kernel#*:}"
[[ $KERNEL_PACKAGES == "$PACKAGES" || -n $KERNEL_FILE ]] || unpack_packages "$KERNEL_PACKAGES" "$KERNEL_PACKAGE"
get_sources
((with_perf == 0)) || unpack_packages "$PACKAGES-perf" linux-perf
