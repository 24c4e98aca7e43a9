/* The ring and its link: src/queue/spsc_ring.hpp and src/pipeline/link.hpp, between one producer and one
 * consumer. check.sh runs it.
 *
 * CAPACITY slots, ITEMS items. BATCH chooses the ring that publishes its indices every BATCH items;
 * without it each slot holds its turn, the lap of the item in it. The other macros each break one rule;
 * `check.sh --help` lists them. The indices only grow, and never wrap here. */

#include "memory.pml"

/* The lap of an index, from 1: a slot that was never written has turn 0. */
#define LAP(index) ((index) / CAPACITY + 1)

/* SpscRing::full(): asks for the other side's index only when the copy says full. */
inline look_full() {
  if
  :: written - read_seen == CAPACITY -> load(read_seen, READ)
  :: else
  fi;
  is_full = (written - read_seen == CAPACITY)
}

/* SpscRing::empty(). */
inline look_empty() {
#ifdef BATCH
  if
  :: written_seen == read -> load(written_seen, WRITTEN)
  :: else
  fi;
  is_empty = (written_seen == read)
#else
  load(turn, TURN(read % CAPACITY));
  is_empty = (turn != LAP(read));
  turn = 0
#endif
}

/* Batched only: tells the consumer of all items so far. */
inline flush_written() {
  if
  :: announced != written -> store(release, WRITTEN, written); announced = written; wake(CONSUMER)
  :: else
  fi
}

/* Batched only: tells the producer of all slots that are free again. */
inline flush_read() {
  if
  :: announced != read -> store(release, READ, read); announced = read; wake(PRODUCER)
  :: else
  fi
}

/* A push that finds the ring full says all that it has held back: the consumer may wait for it. */
inline hold_nothing_back_on_full() {
#ifdef BATCH
#if defined(NO_WAKE_ON_FULL)
  store(release, WRITTEN, written); announced = written;
#elif !defined(NO_FLUSH_ON_FULL)
  flush_written();
#endif
#endif
  skip
}

/* Likewise a pop that finds it empty. */
inline hold_nothing_back_on_empty() {
#ifdef BATCH
#if defined(NO_WAKE_ON_EMPTY)
  store(release, READ, read); announced = read;
#elif !defined(NO_FLUSH_ON_EMPTY)
  flush_read();
#endif
#endif
  skip
}

inline put_value() {
  store(plain, LOW(written % CAPACITY), written + 1);
  store(plain, HIGH(written % CAPACITY), written + 1)
}

/* RingLink::try_push() into a ring that is not full: the value, what announces it, the wake-up. */
inline push() {
#ifdef TURN_FIRST
  store(release, TURN(written % CAPACITY), LAP(written)); put_value();
#else
  put_value();
#ifndef BATCH
#ifdef TURN_RELAXED
  store(relaxed, TURN(written % CAPACITY), LAP(written));
#else
  store(release, TURN(written % CAPACITY), LAP(written));
#endif
#endif
#endif
  written++;
#ifdef BATCH
  if
  :: written - announced == BATCH -> flush_written()
  :: written - announced < BATCH -> flush_written()  /* the next item is not due yet */
  :: written - announced < BATCH
  fi
#else
  wake(CONSUMER)
#endif
}

inline get_value() {
  load(low, LOW(read % CAPACITY));
  load(high, HIGH(read % CAPACITY))
}

/* RingLink::try_pop() from a ring that is not empty: the value, what frees its slot, the wake-up. */
inline pop() {
#ifdef FREE_FIRST
  store(release, READ, read + 1);
#endif
  get_value();
  assert(low == read + 1 && high == read + 1);  /* in order, once, whole */
  low = 0; high = 0;
progress:
  read++;
#ifdef BATCH
  if
  :: read - announced == BATCH -> flush_read()
  :: else
  fi
#else
#ifndef FREE_FIRST
  store(release, READ, read);
#endif
  wake(PRODUCER)
#endif
}

/* Producer::run() and push(). Where it may park it may also spin or yield instead, so that the hybrid way
 * of waiting is checked too. */
active proctype Producer() {
  byte written, read_seen, announced;
  bit is_parked, is_full;
  do
  :: written < ITEMS ->
    look_full();
    if
    :: !is_full -> push()
    :: is_full ->
      hold_nothing_back_on_full();
      if
#ifndef SPIN_ONLY
      :: park_begin(PRODUCER); look_full(); park_end(PRODUCER, !is_full)
#endif
      :: true  /* a turn of spinning */
      fi
    fi
  :: else -> break
  od;
  /* RingLink::close(). In the program another thread calls it, after it joined this one. */
#if defined(BATCH) && !defined(NO_FLUSH_ON_CLOSE) && !defined(CLOSE_FIRST)
  flush_written();
#endif
  store(release, CLOSED, 1);
#if defined(BATCH) && defined(CLOSE_FIRST)
  flush_written();
#endif
  wake(CONSUMER)
}

/* Consumer::run() and pop(). */
active proctype Consumer() {
  byte read, written_seen, announced, turn, low, high;
  bit is_parked, is_empty, is_closed;
  do
  :: look_empty();
    if
    :: !is_empty -> pop(); is_closed = 0
    :: is_empty && is_closed -> break  /* nothing can have come since it saw the end */
    :: else ->
      hold_nothing_back_on_empty();
      load(is_closed, CLOSED);
      if
#ifdef NO_LAST_LOOK
      :: is_closed -> break
#else
      :: is_closed  /* an item may have come between the two looks: one more */
#endif
#ifndef SPIN_ONLY
      :: !is_closed ->
        park_begin(CONSUMER);
        look_empty(); load(is_closed, CLOSED);
        park_end(CONSUMER, !is_empty || is_closed);
        is_closed = 0
#endif
      :: !is_closed  /* a turn of spinning */
      fi
    fi
  od;
  assert(read == ITEMS)
}
