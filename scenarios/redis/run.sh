# usage: run.sh IO-THREADS PIPELINE REQUESTS
redis-server --save '' --appendonly no --io-threads "$1" --io-threads-do-reads yes >server.log 2>&1 &
until redis-cli ping >/dev/null 2>&1; do sleep 0.01; done
redis-benchmark -t get -n "$3" -c 50 -P "$2" --csv
code=$?
redis-cli shutdown nosave
wait
exit $code
