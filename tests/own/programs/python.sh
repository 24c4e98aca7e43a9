# packages: python3
python3 -c 'import collections, hashlib, random, threading, time
found = collections.Counter()
def draw(name):
    for _ in range(200):
        found[name] += 1
        time.sleep(random.random() / 1e4)
threads = [threading.Thread(target=draw, args=(name,)) for name in range(3)]
begin = time.monotonic_ns()
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(time.monotonic_ns() - begin, hashlib.sha256(str(found).encode()).hexdigest())'
