"""A traced run whose truth is known, written as a guest's kernel would write it."""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

MAIN, CONSUMER, PRODUCER = 10, 11, 12
BEGIN_NS = 5_000_000_000  # of the first measured item
DATA_BYTES = 256  # of a page: short, so that few events fill several
SLEEPING, PREEMPTED = 1, 0x100
# Number of an event, and its fields: struct's letter of each.
EVENTS = {
    "sched_switch": (1, {"prev_comm": "16s", "prev_pid": "i", "prev_state": "q", "next_comm": "16s", "next_pid": "i"}),
    "sched_waking": (2, {"pid": "i"}),
    "sched_wakeup": (3, {"pid": "i", "target_cpu": "i"}),
    "sched_migrate_task": (4, {"pid": "i", "dest_cpu": "i"}),
}
CALLS = {"sys_enter": (5, {"id": "q", "args": "6Q"}), "sys_exit": (6, {"id": "q", "ret": "q"})}
CALLS_32 = {"sys_enter": (5, {"id": "i", "args": "6I"}), "sys_exit": (6, {"id": "i", "ret": "i"})}
SAMPLES = """item,intended_ns,lateness_ns,enqueue_ns,behind_ns,wake_up_ns,service_ns,latency_ns,response_ns
0,0,6000,500,0,3500,400,4000,10400
1,1000000,1000,0,0,4000,1000,4000,6000
2,1004500,100,0,1400,300,200,1700,2000
"""
STATS = f"key,value\nbegin_ns,{BEGIN_NS}\nduration_s,0.002\nitems,3\nsamples,3\n"
THREADS = f"thread,tid,role,cpu\nproducer,{PRODUCER},producer,0\nconsumer,{CONSUMER},consumer,1\n"
HISTOGRAM = "metric,lowest_ns,highest_ns,count\nlatency,1700,1700,1\nlatency,4000,4000,2\n"
Event = tuple[int, int, str, Sequence[object]]  # nanoseconds from the first item on, CPU, name, fields
IDLE_0, IDLE_1, KWORKER, RCU, DOG = (
    ("swapper/0", 0),
    ("swapper/1", 0),
    ("kworker/1:2", 40),
    ("rcu_sched", 14),
    ("dog", 50),
)
MADE_BY, USED_BY = ("producer", PRODUCER), ("consumer", CONSUMER)


def switch(time_ns: int, cpu: int, before: tuple[str, int], after: tuple[str, int], state: int = SLEEPING) -> Event:
    return (time_ns, cpu, "sched_switch", (before[0], before[1], state, after[0], after[1]))


# The first item: the timer is 2,000 ns late, its CPU idle for 3,000 more; the consumer waits for two tasks.
# The second: the consumer is woken to the producer's CPU, moves to an idle one, and is preempted at its work,
# behind which the third one waits.
TRUTH: list[Event] = [
    switch(-150_000_000, 0, IDLE_0, DOG, 0),
    switch(-149_000_000, 0, DOG, IDLE_0),
    switch(1000, 1, IDLE_1, KWORKER, 0),
    (2000, 0, "sched_waking", (PRODUCER,)),
    (2500, 0, "sched_wakeup", (PRODUCER, 0)),
    switch(5000, 0, IDLE_0, MADE_BY, 0),
    (7000, 0, "sched_waking", (CONSUMER,)),
    (7200, 1, "sched_wakeup", (CONSUMER, 1)),
    switch(8000, 0, MADE_BY, IDLE_0),
    switch(9000, 1, KWORKER, RCU),
    switch(9500, 1, RCU, USED_BY),
    switch(11_000, 1, USED_BY, IDLE_1),
    (1_000_100, 0, "sched_waking", (PRODUCER,)),
    (1_000_100, 0, "sched_wakeup", (PRODUCER, 0)),
    switch(1_000_500, 0, IDLE_0, MADE_BY, 0),
    (1_001_500, 0, "sched_waking", (CONSUMER,)),
    (1_001_600, 0, "sched_wakeup", (CONSUMER, 0)),
    (1_003_000, 1, "sched_migrate_task", (CONSUMER, 1)),
    switch(1_004_000, 1, IDLE_1, USED_BY, 0),
    switch(1_005_200, 1, USED_BY, DOG, PREEMPTED),
    switch(1_005_700, 1, DOG, USED_BY),
    switch(1_008_000, 0, MADE_BY, IDLE_0),
    switch(1_009_000, 1, USED_BY, IDLE_1),
]
# By item, stage and (state, CPU, who had it): nanoseconds.
PARTS = {
    (0, "lateness", ("asleep", -1, "")): 2000,
    (0, "lateness", ("run delay", 0, "idle")): 3000,
    (0, "lateness", ("running", -1, "")): 1000,
    (0, "enqueue", ("running", -1, "")): 500,
    (0, "wake_up", ("asleep", -1, "")): 500,
    (0, "wake_up", ("run delay", 1, "kworker")): 2000,
    (0, "wake_up", ("run delay", 1, "rcu_sched")): 500,
    (0, "wake_up", ("running", -1, "")): 500,
    (0, "service", ("running", -1, "")): 400,
    (1, "lateness", ("asleep", -1, "")): 100,
    (1, "lateness", ("run delay", 0, "idle")): 400,
    (1, "lateness", ("running", -1, "")): 500,
    (1, "wake_up", ("asleep", -1, "")): 500,
    (1, "wake_up", ("run delay", 0, "producer")): 1500,
    (1, "wake_up", ("run delay", 1, "idle")): 1000,
    (1, "wake_up", ("running", -1, "")): 1000,
    (1, "service", ("running", -1, "")): 500,
    (1, "service", ("run delay", 1, "dog")): 500,
    (2, "lateness", ("running", -1, "")): 100,
    (2, "behind", ("running", -1, "")): 900,
    (2, "behind", ("run delay", 1, "dog")): 500,
    (2, "wake_up", ("running", -1, "")): 300,
    (2, "service", ("running", -1, "")): 200,
}


def write(
    run: Path,
    events: Sequence[Event] = TRUTH,
    samples: str = SAMPLES,
    others: Mapping[str, tuple[int, dict[str, str]]] = {},
) -> Path:
    """Makes the folder `run`: what the program left, and the events, in out/; and vm.tsv. `others` are kinds of events
    beside EVENTS."""
    kinds = EVENTS | dict(others)
    trace = run / "out"
    trace.mkdir(parents=True)
    for name, text in (("samples", samples), ("histogram", HISTOGRAM), ("stats", STATS), ("threads", THREADS)):
        (trace / f"{name}.csv").write_text(text)
    (run / "vm.tsv").write_text("accelerator\ttcg\n")
    (trace / "header_page").write_text(
        "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
        "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
        f"\tfield: char data;\toffset:16;\tsize:{DATA_BYTES};\tsigned:0;\n"
    )
    for name, (number, fields) in kinds.items():
        (trace / f"{name}.format").write_text(f"name: {name}\nID: {number}\nformat:\n{_format(fields)}")
    for cpu in sorted({event[1] for event in events} | {0, 1}):
        here = [event for event in events if event[1] == cpu]
        (trace / f"cpu{cpu}.raw").write_bytes(_pages(here, kinds))
        losses = "".join(f"{name}: 0\n" for name in ("overrun", "commit overrun", "dropped events"))
        (trace / f"cpu{cpu}.stats").write_text(f"entries: {len(here)}\n{losses}now ts: 7.123456\n")
    return run


def _format(fields: dict[str, str]) -> str:
    """As in events/*/format: after the number of the event and the process."""
    lines, offset = ["\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;"], 8
    lines.append("\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;")
    lines.append("\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n")
    for name, letter in fields.items():
        size = struct.calcsize("<" + letter)
        shown = f"char {name}[16]" if letter == "16s" else f"long {name}" + f"[{letter[:-1]}]" * (len(letter) > 1)
        lines.append(
            f"\tfield:{shown};\toffset:{offset};\tsize:{size};\tsigned:{int(letter.islower() and letter != '16s')};"
        )
        offset += size
    return "\n".join(lines) + "\n"


def _pages(events: Sequence[Event], kinds: Mapping[str, tuple[int, dict[str, str]]]) -> bytes:
    pages, page, begin, last = b"", b"", 0, 0
    for time_ns, _, name, values in events:
        number, fields = kinds[name]
        packed = [value.encode() if isinstance(value, str) else value for value in values]
        body = struct.pack("<HBBi" + "".join(fields.values()), number, 0, 0, MAIN, *packed)
        body += bytes(-len(body) % 4)
        now = BEGIN_NS + time_ns
        extend = (
            b"" if now - last < 1 << 27 else struct.pack("<II", (now - last) % (1 << 27) << 5 | 30, now - last >> 27)
        )
        if not page or len(page) + 8 + 4 + len(body) > DATA_BYTES:
            pages += _page(begin, page)
            page, begin, last, extend = b"", now, now, b""
        # A length of its own is for long events; one kind has it here.
        kind, length = (0, struct.pack("<I", len(body) + 4)) if name == "sched_migrate_task" else (len(body) // 4, b"")
        page += extend + struct.pack("<I", (0 if extend else now - last) << 5 | kind) + length + body
        last = now
    return pages + _page(begin, page)


def _page(begin_ns: int, data: bytes) -> bytes:
    return struct.pack("<QQ", begin_ns, len(data)) + data.ljust(DATA_BYTES, b"\0") if data else b""
