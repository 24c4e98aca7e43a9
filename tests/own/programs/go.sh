# packages: fzf
# Written in Go: it looks for lines with as many threads as there are CPUs, beside those of its runtime.
seq 20000 | fzf --filter '7 !3 9' --algo v2 | head -n 20
