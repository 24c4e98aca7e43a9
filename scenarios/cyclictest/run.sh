# Runs a command beside nothing, or beside a process that works on each CPU.
load=$1
shift
if [ "$load" = busy ]; then
  sh -c 'while :; do :; done' &
  sh -c 'while :; do :; done' &
fi
"$@"
code=$?
kill $(jobs -p) 2>/dev/null
wait
exit $code
