# packages: stress-ng
stress-ng --vm 1 --vm-bytes 8M --malloc 1 --malloc-bytes 4M --fork 1 --timeout 1s --metrics
