# packages: rt-tests
cyclictest --quiet --mlockall --threads=2 --affinity --priority=80 --interval=1000 --duration=1 --histogram=200
