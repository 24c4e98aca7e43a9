# packages: rt-tests
hackbench --groups 1 --loops 20 && hackbench --groups 1 --loops 20 --pipe --threads
