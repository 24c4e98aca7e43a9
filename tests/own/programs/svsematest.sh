# packages: rt-tests
svsematest --quiet --prio=80 --interval=1000 --loops=300
