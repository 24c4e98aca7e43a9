/* How an event loop sleeps, and how many threads wake it: src/threads/waker.{hpp,cpp}. check.sh runs it.
 *
 * PRODUCERS hand over TASKS tasks each: a count of each one's own, as in a queue that holds all there are. A thread's
 * stores wait in a buffer of its own until a process lets them out, in order; a seq_cst fence waits until it is empty,
 * and so do an atomic exchange and a system call (memory.pml has more of what memory can do; here nothing hangs on it).
 * RINGS is what an eventfd or a pipe keeps; without it the loop sleeps at the word itself, as in futex(2). The other
 * macros each break one rule; `check.sh --help` lists them. */

#define TASKS   2
#define THREADS (PRODUCERS + 1)
#define LOOP    PRODUCERS
#define ME      (_pid - THREADS)

/* Addresses. */
#define HANDED_OVER(producer) (producer)
#define ASLEEP                PRODUCERS
byte memory[PRODUCERS + 1];

chan buffer[THREADS] = [4] of { byte, byte };  /* address, value */

bool sleeping;  /* in the kernel, at the word */
bool rung;      /* and what an eventfd keeps */

/* Lets the stores of one thread out, whenever it likes. */
active [THREADS] proctype Memory() {
  byte address, value;
end:
  do
  :: atomic { buffer[_pid] ? address, value -> memory[address] = value; address = 0; value = 0 }
  od
}

inline fence() { empty(buffer[ME]) }

active [PRODUCERS] proctype Producer() {
  byte handed_over, asleep;
  do
  :: handed_over < TASKS ->
    handed_over++;
    buffer[ME] ! HANDED_OVER(ME), handed_over;
    /* Waker::wake() */
#ifndef NO_WAKE_FENCE
    fence();
#endif
    asleep = memory[ASLEEP];
    if
    :: asleep ->
      atomic {
        fence();
        asleep = memory[ASLEEP];
#ifndef NO_EXCHANGE
        memory[ASLEEP] = 0
#endif
      }
      if
      :: asleep ->
#ifdef RINGS
        rung = true
#else
        sleeping = false
#endif
      :: else
      fi
    :: else
    fi;
    asleep = 0
  :: else -> break
  od
}

/* Looks at all producers, one after the other. */
inline look() {
  found = 0; which = 0;
  do
  :: which < PRODUCERS -> found = found + memory[HANDED_OVER(which)]; which++
  :: else -> break
  od;
  which = 0
}

active proctype Loop() {
  byte taken, found, which;
  do
  :: taken == PRODUCERS * TASKS -> break
  :: else ->
    look();
    if
    :: found > taken ->
progress:
      taken = found
    :: else ->  /* Waker::sleep() */
#ifdef FLAG_LATE
      look();
#endif
      buffer[ME] ! ASLEEP, 1;
#ifndef NO_SLEEP_FENCE
      fence();
#endif
#if !defined(NO_RECHECK) && !defined(FLAG_LATE)
      look();
#endif
      if
      :: found > taken
      :: else ->
#ifdef RINGS
        fence();
        atomic { rung -> rung = false }
#else
        atomic {
          fence();
          if  /* FUTEX_WAIT: compares and goes to sleep in one */
          :: memory[ASLEEP] == 1 -> sleeping = true
          :: else
          fi
        }
        !sleeping
#endif
      fi;
      buffer[ME] ! ASLEEP, 0
    fi;
    found = 0
  od
}
