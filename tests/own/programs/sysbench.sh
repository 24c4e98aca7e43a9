# packages: sysbench
sysbench cpu --threads=2 --time=0 --events=40 run
sysbench memory --threads=2 --memory-total-size=32M run
