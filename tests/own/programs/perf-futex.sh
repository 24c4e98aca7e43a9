# packages: linux-perf
perf bench futex wake --threads 16
perf bench futex requeue --threads 16
perf bench futex hash --threads 2 --runtime 1 --futexes 64
