/* Memory whose stores are weak, and how a thread sleeps on it: src/threads/parking_spot.{hpp,cpp}.
 *
 * A thread's stores wait in a buffer of its own until a process lets them out. A release store leaves
 * after all that were stored before it; a plain or relaxed one may overtake. That allows all that a
 * FIFO buffer (x86) allows, and more of what AArch64 does. A seq_cst fence waits until the thread's own
 * buffer is empty; so do an atomic exchange and a futex call. Loads happen in program order: a missing
 * acquire is not found here. */

/* The threads, and the places where they sleep. Processes 0 and 1 let their stores out. */
#define PRODUCER 0
#define CONSUMER 1
#define ME       (_pid - 2)

/* Addresses: two words a slot, two counts a block of slots (without blocks, the counts of all), then what
 * there is once. An item is two words that must agree, so that a torn one shows. */
#define LOW(slot)      (2 * (slot))
#define HIGH(slot)     (2 * (slot) + 1)
#ifdef BATCH
#define BLOCKS         1
#else
#define BLOCKS         ((CAPACITY + PLACES - 1) / PLACES)
#endif
#define FILLED(block)  (2 * CAPACITY + (block))
#define DRAINED(block) (2 * CAPACITY + BLOCKS + (block))
#define WRITTEN        FILLED(0)
#define READ           DRAINED(0)
#define CLOSED         (2 * CAPACITY + 2 * BLOCKS)
#define PARKED(side)   (CLOSED + 1 + (side))
byte memory[2 * CAPACITY + 2 * BLOCKS + 3];

/* As many stores as one thread can have waiting between two fences. */
#ifdef BATCH
#define DEPTH (2 * BATCH + 2)
#else
#define DEPTH 4
#endif
mtype = { plain, relaxed, release };
chan buffer[2] = [DEPTH] of { mtype, byte, byte };  /* order, address, value */

bool asleep[2];       /* in the kernel, until a FUTEX_WAKE */
bool call_is_due[2];  /* has parked, and nobody has called the kernel about it yet */

inline let_out() {
  memory[address] = value;
  call_is_due[_pid] = call_is_due[_pid] || (address == PARKED(_pid) && value == 1);
  address = 0; value = 0
}

/* Lets the stores of one thread out, whenever it likes. */
active [2] proctype Memory() {
  byte address, value;
end:
  do
  :: atomic { buffer[_pid] ? _, address, value -> let_out() }
  :: atomic { buffer[_pid] ?? plain, address, value -> let_out() }
  :: atomic { buffer[_pid] ?? relaxed, address, value -> let_out() }
  od
}

inline store(order, address, value) { buffer[ME] ! order, address, value }

/* A thread sees its own waiting stores first. None here ever loads what it has stored itself; the
 * assertion makes sure, so that looking into the buffer need not be modelled. */
inline load(into, address) {
  atomic {
    assert(!buffer[ME] ?? [plain, eval(address), _] && !buffer[ME] ?? [relaxed, eval(address), _] &&
           !buffer[ME] ?? [release, eval(address), _]);
    into = memory[address]
  }
}

inline fence() { empty(buffer[ME]) }

/* ParkingSpot::park(), up to ready(): says that it will sleep, before it looks a last time. */
inline park_begin(side) {
  store(relaxed, PARKED(side), 1);
#ifndef NO_PARK_FENCE
  fence();
#endif
}

/* ParkingSpot::park(), from ready() on. */
inline park_end(side, is_ready) {
  if
  :: is_ready
  :: else ->
    atomic {
      fence();
      if  /* FUTEX_WAIT: compares and goes to sleep in one */
      :: memory[PARKED(side)] == 1 -> asleep[side] = true
      :: true  /* a signal: back at once, as from a sleep of no length */
      fi
    }
    !asleep[side]
  fi;
  store(relaxed, PARKED(side), 0)
}

/* ParkingSpot::wake(), after the store that the sleeper waits for. */
inline wake(side) {
#ifndef NO_WAKE_FENCE
  fence();
#endif
  load(is_parked, PARKED(side));
#ifdef ALWAYS_CALL
  is_parked = 1;
#endif
  if
  :: is_parked ->
    atomic {  /* wake_sleeper(): the exchange */
      fence();
#if !defined(NO_EXCHANGE) && !defined(ALWAYS_CALL)
      is_parked = memory[PARKED(side)];
#endif
#ifndef NO_EXCHANGE
      memory[PARKED(side)] = 0;
#endif
      if  /* at most one call each time that somebody parks */
      :: is_parked -> assert(call_is_due[side]); call_is_due[side] = false
      :: else
      fi
    }
    if
    :: is_parked -> asleep[side] = false; is_parked = 0  /* FUTEX_WAKE */
    :: else
    fi
  :: else
  fi
}
