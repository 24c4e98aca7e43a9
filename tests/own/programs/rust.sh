# packages: ripgrep
# Written in Rust, with threads that steal each other's work.
for folder in $(seq 20); do
  mkdir -p /tmp/text/$folder
  for file in $(seq 20); do seq $folder $((folder * file * 5)) >/tmp/text/$folder/$file; done
done
rg --threads 4 --stats '7.*3' /tmp/text | tail -n 30
