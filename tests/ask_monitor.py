#!/usr/bin/env python3
"""Asks the monitor of QEMU at the socket MONITOR its name, again and again until it ends, and prints how often it did."""

import random
import socket
import sys
import time
from pathlib import Path

asked = 0
monitor = socket.socket(socket.AF_UNIX)
for _ in range(1000):
    if Path(sys.argv[1]).exists():
        break
    time.sleep(0.01)
try:
    monitor.connect(sys.argv[1])
    monitor.recv(4096)
    monitor.send(b'{"execute":"qmp_capabilities"}')
    while monitor.recv(4096):
        time.sleep(random.random() / 2000)
        monitor.send(b'{"execute":"query-name"}')
        asked += 1
except OSError:  # QEMU has ended
    pass
print(asked)
