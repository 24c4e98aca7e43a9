#!/usr/bin/env bash
# Packs a user's program, and what it needs to run, into an archive that is appended to the initramfs of a guest: /attendant,
# and /root/, which is all that the program sees: what its packages have, the program and its libraries, its files in /work,
# busybox where they bring no shell, and users and hosts. The same inputs give the same bytes.
set -euo pipefail
# shellcheck source=target.sh
source "$(dirname "$0")/target.sh"
# shellcheck source=pack.sh
source "$ROOT/qemu/pack.sh"
end_on_signals

readonly MOST_MB=8192 # of files

usage() {
  cat <<EOF
usage: qemu/pack_program.sh [OPTIONS] TARGET FILE
Packs what the options name into FILE (cpio), for guests of TARGET ($(target_names)).
  --program FILE    comes along, and the libraries that it needs, in /usr/local/bin; may be given again
  --as NAME         what the program before is called there (as its file)
  --package NAME    of Debian, with all that it depends on, without its documents; may be given again
  --files DIR       what is in it is the folder in which the program is started
  --sysroot DIR     where libraries are looked for first
  --rootfs FILE     a cpio archive (.gz too) of a whole userland, as Buildroot makes it
Exit codes: 0 good, 1 failed, 2 wrong usage.
EOF
}

# Lays the tree of Debian packages into the root, without what nobody reads there.
add_packages() { # PACKAGE...
  local tree package also=()
  for package in "$@"; do also+=(--also "$package"); done
  tree=$PACKAGES$(printf '+%s' "$@")
  attend "$ROOT/qemu/get_packages.sh" "${also[@]}" "$TARGET" || exit
  (cd "$tree" && tar -cf - --exclude=./usr/share/{doc,man,info,locale,lintian,bug,i18n,zoneinfo} \
    --exclude=./{dev,proc,sys,boot,.complete} --exclude=./var/{lib,cache} --exclude='*.pyc' .) | tar -xf - -C "$root"
}

# Lays a userland of the user's own into the root, but for devices, which only root could make; the guest has them.
add_rootfs() { # FILE
  local said folder
  [[ -f $1 ]] || die 2 "rootfs: $1 is not there: give a cpio archive"
  # bsdtar writes through no link that the archive itself has made, as cpio does.
  said=$(bsdtar -xf "$1" -C "$root" --no-same-owner --exclude 'dev/*' --exclude './dev/*' 2>&1) ||
    die 2 "rootfs: $1 cannot be unpacked (${said%%$'\n'*}): give a cpio archive, as Buildroot's BR2_TARGET_ROOTFS_CPIO makes it"
  # All folders that something is put into from here on.
  for folder in /{bin,dev,proc,sys,tmp,run,etc,work,lib,lib64,usr,var} /usr/{bin,lib,local,local/bin} /var/tmp; do
    within "$folder" >/dev/null
  done
}

# Prints where FOLDER of the root is, whatever links are in its path.
within() { # FOLDER
  local folder
  folder=$(realpath -m "$root$1")
  [[ $folder/ == "$root"/* ]] || die 2 "rootfs: its $1 is a link to elsewhere ($folder): make it a relative one"
  echo "$folder"
}

# Whether the root has nothing of that name, not even a link to nowhere.
lacks() { # PATH
  [[ ! -e $root$1 && ! -L $root$1 ]]
}

put() { # FILE PATH
  local folder
  folder=$(within "${2%/*}")
  mkdir -p "$folder" && install -m 755 "$1" "$folder/${2##*/}"
}

# Lays what is in FOLDER where the program is started.
add_files() { # FOLDER
  local mb
  case $(stat -f -c %T "$1") in
    proc | sysfs | devtmpfs | cgroup*) die 2 "files: $1 is of the kernel, not of a disk: give a folder of files" ;;
  esac
  mb=$({ timeout 60 du -sm --apparent-size "$1" 2>/dev/null || echo "$((MOST_MB + 1))"; } | tail -n 1 | cut -f 1)
  ((mb <= MOST_MB)) || die 2 "files: $1 has more than the $MOST_MB MB that a guest's memory has room for: give a smaller folder"
  mkdir -p "$root/work" && cp -a "$1/." "$root/work/"
}

# Refuses a program that is for another machine.
add_program() { # FILE NAME
  local is
  [[ -e $1 ]] || die 2 "program: $1 is not there: build it, or mend its path"
  [[ -f $1 && -r $1 ]] || die 2 "program: $1 is no file that can be read: give the program itself"
  [[ -s $1 ]] || die 2 "program: $1 is empty: build it again"
  [[ $1 =~ ^[^[:cntrl:]]+$ ]] || die 2 "program: $1 has characters in its path that cannot be shown: rename it"
  put "$1" "/usr/local/bin/$2"
  is=$(machine_of "$1")
  [[ -z $is || $is == "$machine" ]] ||
    die 2 "program: $1 is for $is, and guests of $TARGET need $machine: build it with ${COMPILER_PACKAGE#g++-}-g++, or give another TARGET"
}

machine_of() { # FILE: nothing, where it is no ELF file
  { readelf -h "$1" 2>/dev/null || true; } | sed -nE 's/^ *Machine: +(.*)/\1/p'
}

# Adds every library, and the loader, that programs in the root need and that is not there.
add_libraries() { # FILE...
  local queue=("$@") file name found interpreter
  while ((${#queue[@]})); do
    file=${queue[0]} queue=("${queue[@]:1}")
    interpreter=$({ readelf -l "$file" 2>/dev/null || true; } | sed -nE 's/.*program interpreter: (.*)\].*/\1/p')
    if [[ -n $interpreter && ! -e $root$interpreter ]]; then
      found=$(library "${interpreter##*/}") || die 2 "program: ${file##*/} needs $interpreter, which is nowhere: give the sysroot that it was built with"
      put "$found" "$interpreter"
    fi
    while read -r name; do
      [[ -z $(find "$root" -name "$name" -print -quit) ]] || continue
      found=$(library "$name") || die 2 "program: ${file##*/} needs $name, which is nowhere: give its Debian package as package, or a sysroot that has it"
      put "$found" "/lib/$name"
      queue+=("$root/lib/$name")
    done < <(readelf -d "$file" 2>/dev/null | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p')
  done
}

# Prints where the library NAME of the target's machine is.
library() { # NAME
  local folder found
  for folder in ${sysroot:+"$sysroot"} "$PACKAGES"/{lib,usr/lib} "/usr/$TRIPLET/lib" "/usr/lib/gcc-cross/$TRIPLET" {,/usr}"/lib/$TRIPLET"; do
    [[ -d $folder ]] || continue
    while read -r found; do
      [[ $(machine_of "$found") != "$machine" ]] || { echo "$found" && return; }
    done < <(find -L "$folder" -name "$1" -type f 2>/dev/null)
  done
  return 1
}

# Refuses a script whose interpreter does not come along.
check_first_line() { # NAME
  local line program command
  line=$({ LC_ALL=C head -c 256 "$root/usr/local/bin/$1" | head -n 1 | tr -d '\0\r'; } 2>/dev/null)
  [[ $line == '#!'* ]] || return 0
  read -r program command _ <<<"${line#'#!'}"
  ! lacks "$program" || die 2 "program: $1 begins with '$line', and nothing brings $program along: give its Debian package as package"
  [[ $program != */env || $command != [a-z]* ]] || [[ -n $(find "$root"/{bin,usr/bin,usr/local/bin} -name "$command" -print -quit 2>/dev/null) ]] ||
    die 2 "program: $1 begins with '$line', and nothing brings $command along: give its Debian package as package"
}

# What any program takes for granted.
add_surroundings() {
  local file
  mkdir -p "$root"/{bin,dev,proc,sys,tmp,run,etc,work,usr/local/bin,var/tmp}
  if lacks /bin/sh; then
    ! lacks /bin/busybox || cp "$PACKAGES/bin/busybox" "$root/bin/busybox"
    for file in sh cat echo sleep env kill sed grep awk cut tr head tail seq sort expr date mkdir rm cp mv ls ps taskset; do
      ! lacks "/bin/$file" || ! lacks "/usr/bin/$file" || ln -s busybox "$root/bin/$file"
    done
  fi
  ! lacks /usr/bin/env || lacks /bin/env || { mkdir -p "$root/usr/bin" && ln -s /bin/env "$root/usr/bin/env"; } # as scripts name it
  ! lacks /etc/passwd || echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
  ! lacks /etc/group || echo 'root:x:0:' >"$root/etc/group"
  ! lacks /etc/hosts || printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
  ! lacks /etc/nsswitch.conf || printf 'passwd: files\ngroup: files\nhosts: files\n' >"$root/etc/nsswitch.conf"
}

programs=() names=() packages=() files='' sysroot='' rootfs=''
while [[ ${1:-} == -* ]]; do
  [[ $1 != --help ]] || { usage && exit 0; }
  (($# > 1)) || die 2 "$1 needs a value"
  case $1 in
    --program) programs+=("$2") && names+=("${2##*/}") ;;
    --as) ((${#names[@]})) || die 2 "--as: is of no program: give --program before it" && names[-1]=$2 ;;
    --package) packages+=("$2") ;;
    --files) files=$2 ;;
    --sysroot) sysroot=$2 ;;
    --rootfs) rootfs=$2 ;;
    *) die 2 "unknown option '$1', see --help" ;;
  esac
  shift 2
done
(($# == 2)) || die 2 "a target and a file are needed, see --help"
load_target "$1"
ATTENDANT=$BUILD/$TARGET/attendant
[[ -x $ATTENDANT ]] || die 1 "$ATTENDANT: is not built: run 'make image $IMAGE_KNOBS'"
TRIPLET=${COMPILER_PACKAGE#g++-} TRIPLET=${TRIPLET/x86-64/x86_64}
machine=$(machine_of "$ATTENDANT")
make_scratch
trap 'chmod -R u+rwX "$scratch"; rm -rf "$scratch"' EXIT
root=$scratch/parcel/root
mkdir -p "$root"
install -m 755 "$ATTENDANT" "$scratch/parcel/attendant"

[[ -z $rootfs ]] || add_rootfs "$rootfs"
((${#packages[@]} == 0)) || add_packages "${packages[@]}"
[[ -z $files || -d $files ]] || die 2 "files: $files is no folder: mend its path"
[[ -z $files ]] || add_files "$files"
for number in "${!programs[@]}"; do add_program "${programs[number]}" "${names[number]}"; done
mapfile -d '' elves < <(find "$root/usr/local/bin" "$root/work" -type f -print0 2>/dev/null)
((${#elves[@]} == 0)) || add_libraries "${elves[@]}"
add_surroundings
for name in "${names[@]}"; do check_first_line "$name"; done
chmod -R u+rwX,go+rX "$root"
pack "$scratch/parcel" "$2"
