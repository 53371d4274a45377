/* breaker.h: a circuit breaker: when an outside system fails or drags, it is left alone for a while.
 *
 *            failures or slow calls past their share
 *   CLOSED ------------------------------------------> OPEN ---- open_ms, doubled each time ----> HALF_OPEN
 *      ^                                                 ^                                            |
 *      |                                                 +------------- a call fails ------------------+
 *      +---------------------------------- half_open_calls have succeeded --------------------------+
 *
 * States, window and shares are resilience4j's (CircuitBreaker.State, CircuitBreakerConfig); the defaults are a
 * stream's: see carrier.c. While it is open nothing is dropped: who asks waits, and the log is the buffer.
 *
 * Owns: its window.   Threads: one.   Clock: the caller's, monotonic.   Layer: bridge.
 */
#ifndef QW_BRIDGE_BREAKER_H
#define QW_BRIDGE_BREAKER_H

#include "base/bytes.h"

enum breaker_state {
    BREAKER_CLOSED,
    BREAKER_OPEN,
    BREAKER_HALF_OPEN,
    /* By hand alone, until told otherwise by hand: */
    BREAKER_FORCED_OPEN,  /* no call may be made */
    BREAKER_DISABLED,     /* every call may be made, and none is judged */
    BREAKER_METRICS_ONLY, /* every call may be made, and all are judged, without effect */
    BREAKER_STATES
};

enum { BREAKER_WINDOW_MAX = 1000 };

struct breaker_options {
    uint32_t window;         /* calls, or with window_ms what happened in it; 1 … BREAKER_WINDOW_MAX */
    int64_t window_ms;       /* 0: the window is of calls alone; else older ones do not count */
    uint32_t calls_min;      /* with fewer in the window nothing is judged */
    uint32_t failure_percent, slow_percent;
    int64_t slow_ms;
    int64_t open_ms, open_ms_max;
    uint32_t half_open_calls;
};

struct breaker_call {
    int64_t at_ns;
    bool failed, slow;
};

struct breaker {
    struct breaker_options options;
    enum breaker_state state;
    struct breaker_call *calls; /* a ring of options.window */
    uint32_t first, count, failed, slow;
    int64_t until_ns, open_ms;  /* of OPEN: its end; how long it is the next time */
    uint32_t trials;            /* of HALF_OPEN: that have succeeded */
    uint64_t opened, held_back; /* how often it opened; how often it said no */
};

void breaker_init(struct breaker *b, const struct breaker_options *options);
void breaker_deinit(struct breaker *b);

/* Whether a call may be made now; else *at_ns is when to ask again (INT64_MAX: when it is told otherwise by
 * hand). Ends OPEN when its time has come. */
bool breaker_may(struct breaker *b, int64_t now_ns, int64_t *at_ns);
/* How a call that was allowed went. */
void breaker_note(struct breaker *b, int64_t now_ns, int64_t took_ns, bool failed);
/* By hand, into any state; all begins anew, and of CLOSED, OPEN and HALF_OPEN the breaker goes on by itself. */
void breaker_force(struct breaker *b, enum breaker_state state, int64_t now_ns);
/* Whether it leaves that state by itself. */
bool breaker_is_automatic(enum breaker_state state);

uint32_t breaker_failure_percent(const struct breaker *b);
uint32_t breaker_slow_percent(const struct breaker *b);
/* "CLOSED", "HALF_OPEN", …; and back, in any case of letters: false when it is none. */
const char *breaker_state_text(enum breaker_state state);
bool breaker_state_of(struct bytes text, enum breaker_state *out);

#endif
