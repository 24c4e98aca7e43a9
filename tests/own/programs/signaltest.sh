# packages: rt-tests
signaltest --quiet --prio=80 --threads=4 --loops=300
