# packages: sysbench
sysbench threads --threads=4 --time=0 --events=100 run
sysbench mutex --threads=4 --mutex-num=8 --mutex-locks=200 run
