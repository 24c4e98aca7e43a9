# packages: linux-perf
perf bench epoll wait --threads 2 --runtime 1
perf bench epoll ctl --threads 2 --runtime 1
