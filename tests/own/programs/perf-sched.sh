# packages: linux-perf
perf bench sched messaging --group 1 --nr_loops 10
perf bench sched messaging --group 1 --nr_loops 10 --pipe --thread
perf bench sched pipe --loop 2000
