/*
 * bell.pml: how one loop wakes another (publish / park / wake), checked exhaustively with SPIN.
 *
 *   Run      bash test/model/run.sh           from anywhere; FULL=1 adds the large searches (15 minutes)
 *   Needs    apt-get install spin             and a C compiler
 *   A trail  in a scratch directory, -DBFS for the shortest:
 *            f="-DWAIT -DNO_RECHECK"; spin -a $f bell.pml && cc -O2 -DSAFETY -DBFS -o pan pan.c && ./pan; spin -t -p -g $f bell.pml
 *
 * WHAT IT MODELS
 *   Every Atomics call is one indivisible step and all of them are in one total order (ECMA-262: sequentially
 *   consistent). Anything may be delayed between two steps, for any length of time: a poll, a doorbell, a notify.
 *
 *     ring  r    tail[r] (its producer stores), head[r] (its consumer stores), want[r] (its producer wants space), goal[r]
 *                (and enough of it when the head is there: every other frame needs more room than one slot)
 *     loop  i    bell[i] = AWAKE | PARKED (sleeps until a doorbell message) | WAITING (sleeps in Atomics.wait on the bell)
 *     shared     awake, the number of loops that are not parked (the poll governor reads it)
 *
 *   publish      write the payload; store tail; ring(consumer)
 *   release      store head; load want; if set: load goal; if head is there: store want = 0, ring(producer)
 *   ring(x)      seen = load bell[x]; if it is not AWAKE: awake += 1; compareExchange(bell[x], seen, AWAKE).
 *                Won: post one doorbell (seen PARKED) or notify (seen WAITING). Lost: awake -= 1.
 *   park         awake -= 1; store bell = PARKED or WAITING; then look again, all loads fresh: tail of every inbound
 *                ring; for every stalled outbound ring store goal and want = 1 and THEN load head; control messages posted.
 *                Work: take the bell back. None: sleep, and after every wake-up, whatever woke it, take the bell back.
 *   take back    compareExchange(bell, what it was armed as, AWAKE). Won: nobody rang, awake += 1. Lost: a ringer added it.
 *   owed         lost when armed as PARKED, and not woken by a doorbell: exactly one doorbell is still on its way. The
 *                loop does not arm again before it has taken it (it polls on, or sleeps unarmed: the doorbell will come).
 *   control      post a message on the control port; add to a shared count of messages posted; ring
 *   after a kill the coordinator, at the thread's `exit`, to each survivor: load bell; AWAKE: post a doorbell and notify
 *                all the same (the dead may have won the bell and not rung); otherwise ring(x)
 *
 *   Shapes: STAR, the default (two producers, one consumer), and -DDUPLEX (two loops that send to each other, each with
 *   one bell for frames and for space). Ways to sleep: PARKED, the default; -DWAIT; -DMIXED (either, chosen each time).
 *   -DCONTROL adds one control message, or one timer, from a thread that is not counted in awake: so is the host when
 *   its timer calls send() while its bell is armed. -DCRASH (STAR only) kills one producer between any two steps.
 *   -DFRAMES=n per ring, -DCAP=n per ring.
 *
 * PROPERTIES
 *   1 no lost wake-up: when nothing can move any more every frame and control message has been handled, in order, and
 *     every loop sleeps armed (process Quiet). CRASH: the same for the survivors and for what the dead had published.
 *   2 awake is exact in every state, save for additions and subtractions under way; never negative; 0 when all sleep
 *   3 never more than one doorbell outstanding per loop (CRASH: two, the exit's own being one)
 *   4 a payload is read only after it was written and not overwritten before it was released
 *   5 -DLIVE (weak fairness, pan -a -f): quiet is always reached; no endless round of spurious wake-ups or polls
 *
 * DELIBERATE BUGS: each must be FOUND, or run.sh fails
 *   NO_RECHECK         sleeps without looking again after arming
 *   ARM_AFTER_CHECK    looks, then arms
 *   BELL_BEFORE_TAIL   reads the bell before tail is visible (what a plain store of tail would allow)
 *   TAIL_BEFORE_DATA   publishes before the payload is written
 *   PLAIN_RING         the ringer stores AWAKE instead of compareExchange
 *   PLAIN_TAKE         the sleeper stores AWAKE instead of compareExchange
 *   NO_TAKE            does not take the bell back after a wake-up: awake is subtracted twice
 *   NO_OWED            arms again while a doorbell is on its way: they pile up, one per frame
 *   ADD_LATE           adds to awake after winning the bell: -1, when the ringer itself is not counted
 *   WANT_BEFORE_ARM    sets want when it finds the ring full, and not again after arming
 *   NO_SPACE_LOOK      sets want before arming, and the second look is at inbound rings only
 *   WANT_BEFORE_HEAD   the consumer reads want before it stores head
 *   GOAL_TOO_FAR       the producer asks for more room than it needs, which may be more than there can be
 *   CTL_UNSEEN         WAIT: the second look leaves out control messages, which Atomics.wait cannot hear
 *   CTL_MISCOUNT       LIVE: a message heard before it was counted is not counted as heard, and the loop polls for ever
 *   NO_EXIT_RING       CRASH: nobody rings when a thread has died between compareExchange and doorbell
 *   EXIT_NOTIFY_ONLY   CRASH, WAIT: the exit posts and notifies but leaves an armed bell armed
 *   COUNT              CRASH: property 2 after a kill. This one is no bug of the code but a limit of any counter: the
 *                      dead may have been between its step on awake and its step on a bell. The sum of the bells has no such gap.
 */

#ifndef FRAMES
#define FRAMES 3
#endif
#ifndef CAP
#define CAP 2
#endif
#ifdef DMAX
#elif defined(CRASH)
#define DMAX 2
#else
#define DMAX 1
#endif
#ifdef DUPLEX
#define LOOPS 2
#define SRC(r) (r)
#define DST(r) (1 - (r))
#else
#define LOOPS 3
#define SRC(r) ((r) + 1)
#define DST(r) 0
#endif
#define AWAKE 0
#undef PARKED                 /* -DPARKED only says: neither WAIT nor MIXED */
#define PARKED 1
#define WAITING 2
#define MESSAGE 1             /* on a port: a control message */
#define TIMER 2               /* or a timer, a socket: only a loop that never WAITs may have one */

byte tail[2], head[2];        /* frames ever published and released; the slot is the count modulo CAP */
bit want[2];
byte goal[2];                 /* the head that is wanted, plus CAP */
byte slot[2 * CAP];           /* payload: the frame's number, from 1 */
byte bell[LOOPS];
byte door[LOOPS];             /* doorbells posted and not yet taken */
byte port[LOOPS];             /* another event of the loop's own: wakes a PARKED loop, is not a doorbell */
bit asleep[LOOPS];            /* in the waiter list of Atomics.wait */
short awake = LOOPS;
bit posted, heard;            /* control message: shared count of those posted; those handled */
bit dead;
short due;                    /* ghost: additions to and subtractions from awake that are still to come */

#ifdef DUPLEX
#define AWAKE_BELLS ((bell[0] == AWAKE) + (bell[1] == AWAKE))
#else
#define AWAKE_BELLS ((bell[0] == AWAKE) + (bell[1] == AWAKE) + (bell[2] == AWAKE))
#endif
#if defined(CRASH) && !defined(COUNT)
#define ADD(k) skip
#define DUE(k) skip
#define EXACT true
#else
#define ADD(k) awake = awake + (k); due = due - (k)
#define DUE(k) due = due + (k)
#endif
#ifdef COUNT
#define EXACT true
#endif
#ifndef EXACT
#define EXACT (awake >= 0 && awake + due == AWAKE_BELLS)
#endif

/* ---- ring ---- */

inline load_bell(x) { seen = bell[x] }

#ifdef ADD_LATE
#define ADD_FIRST skip
#define ADD_AFTER d_step { ADD(1); assert(EXACT) }
#define UNDO_ADD skip
#else
#define ADD_FIRST d_step { ADD(1); assert(EXACT) }
#define ADD_AFTER skip
#define UNDO_ADD d_step { ADD(-1); assert(EXACT) }
#endif

inline ring_seen(x) {
  if
  :: seen == AWAKE
  :: else ->
     ADD_FIRST;
#ifdef PLAIN_RING
     d_step { bell[x] = AWAKE; DUE(1); won = 1 };
#else
     d_step { if :: bell[x] == seen -> bell[x] = AWAKE; DUE(1); won = 1 :: else fi };
#endif
     if
     :: won ->
        ADD_AFTER;
        if
        :: seen == PARKED -> d_step { door[x]++; assert(door[x] <= DMAX) }
        :: else -> asleep[x] = 0
        fi
     :: else -> UNDO_ADD
     fi
  fi;
  d_step { seen = 0; won = 0 }
}

inline ring(x) { load_bell(x); ring_seen(x) }

/* ---- frames ---- */

inline drain(r) {             /* consumer: takes one frame or all there are, releases them in one store */
  if
  :: atomic { tail[r] != head[r] -> upto = tail[r] } ;
     if :: skip :: atomic { upto > head[r] + 1 -> upto = head[r] + 1 } fi;
     d_step {
       n = head[r];
       do :: n < upto -> assert(slot[(r) * CAP + n % CAP] == n + 1); n++ :: else -> break od;
       n = 0; did = 1
     };
#ifdef WANT_BEFORE_HEAD
     seen = want[r];
     head[r] = upto;
     if :: seen -> seen = 0; want[r] = 0; ring(SRC(r)) :: else fi;
#else
     d_step { head[r] = upto; upto = 0 };
     if :: want[r] -> if :: head[r] + CAP >= goal[r] -> want[r] = 0; ring(SRC(r)) :: else fi :: else fi;
#endif
     upto = 0
  :: else
  fi
}

#if CAP > 1
#define NEED(r) (1 + tail[r] % 2)
#else
#define NEED(r) 1
#endif
#define ROOM(r) (tail[r] - head[r] + NEED(r) <= CAP)
#define STALLED(r) (tail[r] < FRAMES && !ROOM(r))

inline offer(r) {             /* producer: publishes one frame if there is space */
  if
  :: tail[r] < FRAMES && ROOM(r) ->
     did = 1;
#ifdef TAIL_BEFORE_DATA
     tail[r]++;
     slot[(r) * CAP + (tail[r] - 1) % CAP] = tail[r];
     ring(DST(r))
#else
     slot[(r) * CAP + tail[r] % CAP] = tail[r] + 1;
#ifdef BELL_BEFORE_TAIL
     load_bell(DST(r)); tail[r]++; ring_seen(DST(r))
#else
     tail[r]++; ring(DST(r))
#endif
#endif
  :: else
  fi
#if defined(WANT_BEFORE_ARM) || defined(NO_SPACE_LOOK)
  ; if :: STALLED(r) -> goal[r] = tail[r] + NEED(r); want[r] = 1; if :: STALLED(r) :: else -> did = 1 fi :: else fi
#endif
}

inline look_in(r) { if :: tail[r] != head[r] -> work = 1 :: else fi }

#ifdef NO_SPACE_LOOK
inline look_out(r) { skip }
#else
inline look_out(r) {
  if
  :: tail[r] == FRAMES          /* own word: nothing more to send */
  :: else ->
#ifndef WANT_BEFORE_ARM
#ifdef GOAL_TOO_FAR
     goal[r] = tail[r] + NEED(r) + 1;
#else
     goal[r] = tail[r] + NEED(r);
#endif
     want[r] = 1;
#endif
     if :: STALLED(r) :: else -> work = 1 fi
  fi
}
#endif

#if defined(CONTROL) && !defined(CTL_UNSEEN)
inline look_control(i) { if :: i == 0 && posted != heard -> work = 1 :: else fi }
#else
inline look_control(i) { skip }
#endif

/* ---- park ---- */

#ifdef CTL_MISCOUNT
#define HEARD(i) (port[i] == MESSAGE && posted)
#else
#define HEARD(i) (port[i] == MESSAGE)
#endif

inline hear(i) {              /* a turn of the event loop: messages that have arrived by now, or not yet */
  if
  :: d_step { door[i] > 0 -> door[i]--; owed = 0 }
  :: d_step { port[i] > 0 -> heard = HEARD(i); port[i] = 0 }
#ifdef LIVE
  :: else
#else
  :: skip
#endif
  fi;
  did = 0
}

inline arm(i) {
#ifdef MIXED
  if :: mode = PARKED :: mode = WAITING fi;
#else
#ifdef WAIT
  mode = WAITING;
#else
  mode = PARKED;
#endif
#endif
  d_step { ADD(-1); assert(EXACT) };
  d_step { bell[i] = mode; DUE(-1); assert(EXACT) }
}

inline take_bell(i, rung) {   /* rung: this very wake-up was the doorbell */
#ifdef PLAIN_TAKE
  d_step { bell[i] = AWAKE; DUE(1) };
  d_step { ADD(1); assert(EXACT) };
#else
  d_step { if :: bell[i] == mode -> bell[i] = AWAKE; DUE(1); won = 1 :: else fi };
  if
  :: won -> d_step { ADD(1); won = 0; assert(EXACT) }
  :: else ->
#ifndef NO_OWED
     owed = owed || (mode == PARKED && !(rung))
#else
     skip
#endif
  fi;
#endif
  d_step { mode = 0; work = 0; got = 0 }
}

#ifdef NO_TAKE
#define TAKE_AFTER_WAKE(i) d_step { mode = 0; work = 0; got = 0 }
#else
#define TAKE_AFTER_WAKE(i) take_bell(i, got)
#endif

inline settle(i) {
#ifdef NO_RECHECK
  work = 0;
#endif
  if
  :: work -> take_bell(i, 0)
  :: else ->
     if
     :: mode == PARKED ->
end_parked:
        if
        :: d_step { door[i] > 0 -> door[i]--; owed = 0; got = 1 }
        :: d_step { port[i] > 0 -> heard = HEARD(i); port[i] = 0 }
        fi
     :: else ->
        d_step { if :: bell[i] == WAITING -> asleep[i] = 1 :: else fi };
end_waiting:
        !asleep[i]
     fi;
     TAKE_AFTER_WAKE(i)
  fi
}

#define LOCALS byte seen, upto, n, mode; bit won, did, work, owed, got

/* the bell is armed before the second look, save in the variant that has it the wrong way round */
#ifdef ARM_AFTER_CHECK
#define SLEEP(i, look) look; arm(i); settle(i)
#else
#define SLEEP(i, look) arm(i); look; settle(i)
#endif

#ifdef LIVE
#define POLL_ON false
#else
#define POLL_ON true
#endif
#define IDLE(i, look)                                                                    \
  if                                                                                     \
  :: did                                                                                 \
  :: !did && POLL_ON          /* within the poll budget */                               \
  :: !did && owed -> d_step { door[i] > 0 -> door[i]--; owed = 0 }  /* it will come */   \
  :: !did && !owed -> SLEEP(i, look)                                                     \
  fi

#ifdef CONTROL
proctype Control() {
  byte seen; bit won;
  if
  :: skip
  :: port[0] = MESSAGE; posted = 1; ring(0)
#if !defined(WAIT) && !defined(MIXED)
  :: port[0] = TIMER
#endif
  fi
}
#endif

#ifdef DUPLEX

proctype Peer(byte i) {
  LOCALS;
  do :: hear(i); drain(1 - i); offer(i); IDLE(i, look_in(1 - i); look_out(i); look_control(i)) od
}

#else

proctype Consumer() {
  LOCALS;
  do :: hear(0); drain(0); drain(1); IDLE(0, look_in(0); look_in(1); look_control(0)) od
}

proctype Producer(byte i) {
  LOCALS;
  {
    do :: hear(i); offer(i - 1); IDLE(i, look_out(i - 1)) od
  }
#ifdef CRASH
  unless { dead && i == 1 }
#endif
}

#ifdef EXIT_NOTIFY_ONLY
#define exit_ring(x) d_step { door[x]++; assert(door[x] <= DMAX) }; asleep[x] = 0
#else
inline exit_ring(x) {
  load_bell(x);
  if
  :: seen == AWAKE -> d_step { door[x]++; assert(door[x] <= DMAX) }; asleep[x] = 0
  :: else -> ring_seen(x)
  fi;
  seen = 0
}
#endif

proctype Exit() {             /* a kill at any moment, then the coordinator's answer to the `exit` event */
  byte seen; bit won;
  if
  :: skip
  :: dead = 1;
#ifndef NO_EXIT_RING
     exit_ring(0);
     exit_ring(2);
#endif
     d_step { if :: bell[1] == AWAKE -> bell[1] = PARKED; awake-- :: else fi }   /* the dead loop's own share */
  fi
}

#endif

#define HANDLED(r) (head[r] == FRAMES && tail[r] == FRAMES)
#define ALL_HANDLED (HANDLED(0) && HANDLED(1))

bit quiet;
active proctype Quiet() {     /* nothing in the whole system can move */
  timeout -> quiet = 1;
#ifdef CRASH
  assert(HANDLED(1) && head[0] == tail[0] && bell[0] != AWAKE && bell[2] != AWAKE);
#ifdef COUNT
  assert(awake == 0)
#endif
#else
  assert(ALL_HANDLED);
  assert(heard == posted);
  assert(AWAKE_BELLS == 0 && awake == 0 && due == 0)
#endif
}

init {
  atomic {
#ifdef DUPLEX
    run Peer(0); run Peer(1);
#else
    run Consumer(); run Producer(1); run Producer(2);
#endif
#ifdef CRASH
    run Exit();
#endif
#ifdef CONTROL
    run Control();
#endif
    skip
  }
}

#ifdef LIVE
ltl settles { <> quiet }
#endif
