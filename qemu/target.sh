# Sourced by the scripts that need to know a target or to complain.
# shellcheck shell=bash
# shellcheck disable=SC2034  # those who source this use the variables

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=attend.sh
source "$ROOT/qemu/attend.sh"
BUILD=${PIPELAB_BUILD:-$ROOT/build}

# Prints TEXT, which may be a guest's, so that a terminal shows it and does nothing else: in one line, with what does not
# print escaped, and without the middle of what is longer than MOST characters. scripts/lab/text/outside.py does the same.
visible() { # TEXT [MOST]
  local LC_ALL=C.UTF-8 text=$1 most=${2:-300} shown='' place char code
  ((${#text} <= most)) || text="${text:0:most * 2 / 3 - 5}[...]${text: -most / 3}"
  for ((place = 0; place < ${#text}; place++)); do
    char=${text:place:1}
    printf -v code %d "'$char"
    case $char in
      $'\t') char='\t' ;;
      $'\n') char='\n' ;;
      $'\r') char='\r' ;;
      [[:print:]]) ! is_hidden "$code" || printf -v char '\\u%04x' "$code" ;;
      *) if ((code < 256)); then printf -v char '\\x%02x' $((code & 255)); else printf -v char '\\u%04x' "$code"; fi ;;
    esac
    shown+=$char
  done
  printf '%s\n' "$shown"
}

# Whether the C library prints CODE, but a reader sees nothing of it, or other text in another order.
is_hidden() { # CODE
  (($1 == 0xa0 || $1 == 0xad || $1 == 0x61c || $1 == 0x180e || $1 == 0xfeff || $1 >= 0xe0000 ||
    ($1 >= 0x200b && $1 <= 0x200f) || ($1 >= 0x2028 && $1 <= 0x202e) || ($1 >= 0x2060 && $1 <= 0x206f)))
}

# Prints one line, "program: message", on stderr and exits with CODE.
die() { # CODE MESSAGE
  visible "$(basename "$0"): $2" 1000 >&2
  exit "$1"
}

make_folder() { # DIR
  mkdir -p "$1" 2>/dev/null || die 1 "$1: cannot be made: mend its permissions, or free some space"
}

# Sets `scratch` to a new folder for what nobody keeps.
make_scratch() {
  scratch=$(mktemp -d 2>/dev/null) || die 1 "${TMPDIR:-/tmp}: no folder can be made there: free some space"
}

# Names all targets that have a file.
target_names() {
  (cd "$ROOT/qemu/targets" && ls -- *.conf) | sed 's/\.conf$//' | paste -sd' '
}

# Names the targets whose fact NAME is at least LEAST: "a", or "a or b".
targets_where() { # NAME LEAST
  local file found=''
  for file in "$ROOT"/qemu/targets/*.conf; do
    (($(sed -n "s/^$1=//p" "$file") < $2)) || found+="${found:+ or }$(basename "$file" .conf)"
  done
  echo "$found"
}

# Refuses an accelerator that the target or the timing cannot have.
check_accelerator() { # auto|kvm|tcg TIMING
  local own able file
  case $1 in
    auto | tcg) return 0 ;;
    kvm) ;;
    *) die 2 "--accelerator: '$1' is not valid: give auto, kvm or tcg" ;;
  esac
  [[ $2 == *live* ]] || die 2 "--accelerator: exact timing works with tcg only: give tcg, or --timing live"
  own=$(dpkg --print-architecture)
  [[ $own != "$DEBIAN_ARCH" ]] || return 0
  file=$(grep -l "^DEBIAN_ARCH=$own$" "$ROOT"/qemu/targets/*.conf || true)
  able=${file:+, or --target $(basename "${file%%$'\n'*}" .conf)}
  die 2 "--accelerator: KVM runs guests of the host's architecture ($own), not of $DEBIAN_ARCH: give tcg$able"
}

# Reads qemu/targets/NAME.conf into shell variables, and sets where its image with KERNEL is.
load_target() { # NAME [KERNEL]
  [[ $1 =~ ^[A-Za-z0-9_-]+$ && -f $ROOT/qemu/targets/$1.conf ]] ||
    die 2 "unknown target '$1': give one of: $(target_names), or add qemu/targets/$1.conf"
  TARGET=$1
  # shellcheck disable=SC1090
  source "$ROOT/qemu/targets/$1.conf"
  choose_kernel "${2:-}"
  PACKAGES=$BUILD/packages/$TARGET             # what all its guests need, and its first kernel
  KERNEL_PACKAGES=$BUILD/packages/${IMAGE##*/} # the same for that kernel, and only the kernel for another
  KERNEL=$IMAGE/vmlinuz
  INITRD=$IMAGE/initrd.cpio
}

# KERNEL is a name in the target's KERNELS, or a file; without it, it is the first of KERNELS.
choose_kernel() { # KERNEL
  local pair names=()
  KERNEL_NAME=${1:-${KERNELS%%:*}} KERNEL_PACKAGE='' KERNEL_FILE=''
  for pair in $KERNELS; do
    names+=("${pair%%:*}")
    [[ ${pair%%:*} != "$KERNEL_NAME" ]] || KERNEL_PACKAGE=${pair#*:}
  done
  if [[ -z $KERNEL_PACKAGE ]]; then
    [[ -f $1 ]] || die 2 "unknown kernel '$1' of $TARGET: give one of: ${names[*]}, or the file of a kernel"
    KERNEL_FILE=$(realpath "$1")
    KERNEL_NAME=file-$(sha256sum "$1" | cut -c 1-8)
    KERNEL_PACKAGE=${KERNELS%% *} KERNEL_PACKAGE=${KERNEL_PACKAGE#*:}
  fi
  IMAGE=$BUILD/image/$TARGET IMAGE_KNOBS="TARGET=$TARGET"
  if [[ $KERNEL_NAME != "${names[0]}" ]]; then
    IMAGE+=.$KERNEL_NAME IMAGE_KNOBS+=" KERNEL=$1"
  fi
}
