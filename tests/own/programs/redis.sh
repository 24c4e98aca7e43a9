# packages: redis-server redis-tools
redis-server --port 6379 --save '' --daemonize no >server.log &
until redis-cli ping >/dev/null 2>&1; do sleep 0.01; done
redis-benchmark -n 2000 -c 10 -P 4 -t get,set --csv && redis-cli shutdown nosave
wait
