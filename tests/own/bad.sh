#!/bin/sh
# Goes wrong in the way that is asked for.
case $1 in
  good) ;;
  code) echo "assertion failed: x > 0" >&2 && exit 3 ;;
  signal) kill -SEGV $$ ;;
  nothing) exit 0 ;;
  twice) echo "time 1" ;;
  leaves) sleep 100 & ;;
  never) sleep 100 ;;
  stops) kill -STOP $PPID && sleep 100 ;;
  parent) kill -9 $PPID && sleep 100 ;;
  everybody) kill -9 -1; sleep 100 ;;
  asks) kill -TERM -1; sleep 100 ;;
  forks) "$0" forks & "$0" forks & wait ;;
  init) kill -9 1; echo "time x" ;;
  writes) dd if=/dev/zero of=big bs=1M count=300 && exit 0 ;;
  folder) mkdir -p here/there && ln -s /etc/passwd link && echo "time 7" >other ;;
  word) printf '\033[31mtime 2\n' && exit 1 ;;
  fills) head -c 300000000 /dev/zero ;;
esac
echo "time 1"
