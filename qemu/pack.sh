# Sourced by what makes initramfs.
# shellcheck shell=bash

# Packs DIR into FILE: folders before what is in them, no times, owner root, inode numbers from 1.
pack() { # DIR FILE
  find "$1" -exec touch -h -d @0 {} +
  (cd "$1" && find . -mindepth 1 | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc -R 0:0) >"$2.partial"
  mv "$2.partial" "$2"
}
