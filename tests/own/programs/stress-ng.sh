# packages: stress-ng
stress-ng --switch 1 --pipe 1 --futex 1 --sem 1 --timeout 1s --metrics
