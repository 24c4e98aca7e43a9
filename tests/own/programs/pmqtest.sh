# packages: rt-tests
pmqtest --quiet --prio=80 --interval=1000 --loops=300
