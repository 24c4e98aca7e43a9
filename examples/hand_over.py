"""Two threads hand numbers over through a queue, and each hand-over is timed."""

import queue
import sys
import threading
import time

count, size = int(sys.argv[1]), int(sys.argv[2])
between: "queue.Queue[int]" = queue.Queue(maxsize=size)


def produce() -> None:
    for _ in range(count):
        between.put(time.monotonic_ns())
        time.sleep(0.001)


threading.Thread(target=produce).start()
for _ in range(count):
    sent = between.get()
    print("hand-over", time.monotonic_ns() - sent, "ns")
