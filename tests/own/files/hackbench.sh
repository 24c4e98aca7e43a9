hackbench --groups 1 --loops 20 && hackbench --groups 1 --loops 20 --pipe --threads && echo number 1
