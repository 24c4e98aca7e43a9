/* The ring and its link: src/queue/spsc_ring.hpp, with the slots in eager_slots.hpp and batched_slots.hpp, and
 * src/channel/link.hpp, between one producer and one consumer. check.sh runs it.
 *
 * CAPACITY slots, ITEMS items. BATCH chooses the ring that publishes its indices every BATCH items;
 * without it the slots lie in blocks of PLACES, the last of which may be shorter, and each block counts
 * what was ever put into it and taken from it. The other macros each break one rule; `check.sh --help`
 * lists them. Indices and counts only grow, and never wrap here. */

#include "memory.pml"

#ifndef BATCH
/* Where an index is: its block, how many slots that has, and in which lap. */
#define BLOCK(index)  ((index) % CAPACITY / PLACES)
#define SLOTS(block)  (((block) + 1) * PLACES <= CAPACITY -> PLACES : CAPACITY % PLACES)
#define LAP(index)    ((index) / CAPACITY)
/* A block's count when all before the index are done. */
#define DONE(index)   (LAP(index) * SLOTS(BLOCK(index)) + (index) % CAPACITY % PLACES)

/* EagerSlots::Cursor::look_ahead() of the producer: when the first slot of a block further on in this lap is
 * free, so is all before it. In the first lap all is free. The ring looks only at the beginning of a block,
 * and always as far, into the next lap too. */
inline look_ahead() {
  ahead = BLOCK(written) + 1;
  if
  :: ahead + 1 < BLOCKS -> ahead++
  :: true
  fi;
  if
  :: ahead < BLOCKS ->
    load(drained, DRAINED(ahead));
    if
    :: drained + SLOTS(ahead) > LAP(written) * SLOTS(ahead) ->
#ifdef AHEAD_TOO_FAR
      room = CAPACITY - written % CAPACITY
#else
      room = ahead * PLACES - written % CAPACITY
#endif
    :: else
    fi
  :: else
  fi;
  drained = 0; ahead = 0
}

/* EagerSlots::Cursor::look() of the producer: what is free of the rest of this block. */
inline look_here() {
  load(drained, DRAINED(BLOCK(written)));
  room = drained + SLOTS(BLOCK(written)) - DONE(written);
  room = (room < SLOTS(BLOCK(written)) - written % CAPACITY % PLACES -> room :
          SLOTS(BLOCK(written)) - written % CAPACITY % PLACES);
  drained = 0
}
#endif

/* SpscRing::full(): asks for the other side's index or count only when what is known says full. */
inline look_full() {
#ifndef BATCH
  if
  :: room == 0 ->
    if
    :: look_ahead()
    :: true
    fi;
    if
    :: room == 0 -> look_here()
    :: else
    fi
  :: else
  fi;
  is_full = (room == 0)
#else
  if
  :: written - read_seen == CAPACITY -> load(read_seen, READ)
  :: else
  fi;
  is_full = (written - read_seen == CAPACITY)
#endif
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
  if
  :: ready == 0 ->
    load(filled, FILLED(BLOCK(read)));
    ready = (filled > DONE(read) -> filled - DONE(read) : 0);
    filled = 0
  :: else
  fi;
  is_empty = (ready == 0)
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
#ifdef COUNT_FIRST
  store(release, FILLED(BLOCK(written)), DONE(written) + 1); put_value();
#else
  put_value();
#ifndef BATCH
#ifdef COUNT_RELAXED
  store(relaxed, FILLED(BLOCK(written)), DONE(written) + 1);
#else
  store(release, FILLED(BLOCK(written)), DONE(written) + 1);
#endif
#endif
#endif
#ifndef BATCH
  room--;
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
  store(release, DRAINED(BLOCK(read)), DONE(read) + 1);
#endif
  get_value();
  assert(low == read + 1 && high == read + 1);  /* in order, once, whole */
  low = 0; high = 0;
progress:
#ifndef BATCH
#ifndef FREE_FIRST
  store(release, DRAINED(BLOCK(read)), DONE(read) + 1);
#endif
  ready--;
#endif
  read++;
#ifdef BATCH
  if
  :: read - announced == BATCH -> flush_read()
  :: else
  fi
#else
  wake(PRODUCER)
#endif
}

/* Producer::run() and push(). Where it may park it may also spin or yield instead, so that the hybrid way
 * of waiting is checked too. */
active proctype Producer() {
  byte written, announced;
#ifdef BATCH
  byte read_seen;
#else
  byte room, drained, ahead;
#endif
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
  byte read, announced, low, high;
#ifdef BATCH
  byte written_seen;
#else
  byte ready, filled;
#endif
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
