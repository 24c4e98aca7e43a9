#!/bin/sh
# In a guest: what a program may try that wants to harm the host. Its argument says what.
case $1 in
  names) # no harm, only names that scripts get wrong
    for name in 'a b.csv' .hidden -dash --checkpoint=1 'c"d'; do echo "$name" >"./$name"; done
    ;;
  forged) # host's records
    for name in vm.tsv console.log watch.json run.json .run.json.partial; do echo forged >$name; done
    ;;
  links) ln -s /etc/passwd stderr.csv && ln -s ../../../canary vm.tsv ;;
  devices) mknod latencies.csv c 1 5 && mknod vm.tsv b 8 0 && mkfifo stats.csv ;;
  folders) mkdir -m 0 locked ;;
  sparse) truncate -s 2G large.csv ;; # no less than the guest's memory
  panic) echo "Kernel panic - not syncing: only printed" >&2 ;;
  crash) echo c >/proc/sysrq-trigger ;;
  chatter) head -c 1500000 /dev/zero | tr '\0' x >/dev/console ;;
  stream | flood) # instead of /init
    for module in /modules/*.ko; do insmod "$module"; done
    until [ -c /dev/vport0p1 ]; do sleep 0.05; done
    mkdir -p /forged/out
    # shellcheck disable=SC2016  # for the host, if it were so careless
    echo 'smp[$(touch /tmp/pipelab-was-here)0]*0' >/forged/exit_code
    if [ "$1" = flood ]; then
      cat /dev/zero >/dev/vport0p1
    else
      tar -cf /dev/vport0p1 -C /forged out exit_code
    fi
    poweroff -f
    ;;
esac
