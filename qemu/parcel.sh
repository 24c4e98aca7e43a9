# Sourced by run_vm.sh: a user's program that comes along.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # run_vm.sh sets and uses the variables

readonly WORDS=words COMPLETE=complete WITH_PARCEL=initrd.cpio

# Sets `run` to what /init runs: COMMAND, or the attendant, which reads COMMAND from a file.
check_parcel() {
  run=("${command[@]}")
  [[ -n $parcel ]] || return 0
  [[ -f $parcel ]] || die 1 "$parcel: there is no such parcel: run 'make run-scenarios' again, or qemu/pack_program.sh"
  ((!shell)) || die 2 "--parcel: a console has no folder to make its initramfs in: give --out and a command"
  parcel=$(realpath -- "$parcel")
  read -ra run <<<"$wrap /attendant /$WORDS"
}

# Adds to `before` what makes the guest's initramfs: the image's, the parcel, COMMAND and, as the last file, a mark by which
# the attendant knows that all came. They stand one after the other, each padded to 512 bytes, as cpio does.
add_parcel() {
  local part words=(--complete "/$COMPLETE" --root /root --folder /work "${command[@]}")
  before+="printf '%s\\0' ${words[*]@Q} >$WORDS && : >$COMPLETE && touch -d @0 $WORDS $COMPLETE && "
  before+="printf '%s\\n' $WORDS $COMPLETE | cpio --quiet --reproducible -o -H newc -R 0:0 >$WITH_PARCEL.end && "
  before+="cat"
  for part in "$INITRD" "$parcel"; do before+=" ${part@Q}"; done
  before+=" $WITH_PARCEL.end >$WITH_PARCEL && rm $WORDS $COMPLETE $WITH_PARCEL.end && "
  INITRD=$WITH_PARCEL
}
