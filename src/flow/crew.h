/* crew.h: the threads that host shards, beside the loop's own thread, which is host 0.
 *
 * A tick's part on one host is a *work*: posted by the loop, turned by its host until it says that it
 * is done. A host with nothing to do looks around for a moment, then sleeps; whoever has something
 * for it rings. The loop does not sleep here: it goes back to its sockets (crew_home_sleeps) and is
 * called by on_wake, or, where it must see a tick's end first, waits (crew_home_wait).
 *
 * Threads are started with the first work. Where the system gives none, or in simulation, crew_start
 * says so and the loop hosts all.
 *
 * A CHECK that fails on a host's thread is kept, and fails again on the loop's: so there is one
 * handler, on one thread. Without a handler the process ends where it failed.
 *
 * Owns:    its threads.   Threads: crew_ring any; crew_post, crew_home_… and the rest the loop's.
 * Layer:   flow.
 */
#ifndef QW_FLOW_CREW_H
#define QW_FLOW_CREW_H

#include "os/os.h"

struct crew;

enum crew_turn { CREW_MOVED, CREW_WAITS, CREW_DONE };

/* The owner's memory from crew_post until `left`, which is the host's last touch of it. */
struct crew_work {
    enum crew_turn (*turn)(struct crew_work *work);
    void (*left)(struct crew_work *work);
    struct crew_work *next;
};

/* hosts: the loop's thread included. on_wake: from any thread, when the loop should look. */
struct crew *crew_create(struct os *os, uint32_t hosts, void (*on_wake)(void *context),
                         void *context);
/* Ends the threads, after the step that each is in, and joins them; their works stay as they are. */
void crew_stop(struct crew *crew);
void crew_destroy(struct crew *crew); /* no work is left */

uint32_t crew_hosts(const struct crew *crew);
/* The threads are there. */
bool crew_start(struct crew *crew);
/* host > 0 */
void crew_post(struct crew *crew, uint32_t host, struct crew_work *work);
/* Something has come for a host: it looks again, or wakes. */
void crew_ring(struct crew *crew, uint32_t host);

/* ---- the loop's thread ---- */

/* How often host 0 has been rung. Read before looking for something to do. */
unsigned crew_home_seen(struct crew *crew);
/* Nothing was found: looks around until the next ring, for a moment. False: nobody rang, and the next
 * ring will call on_wake. */
bool crew_home_rest(struct crew *crew, unsigned seen);
void crew_home_wait(struct crew *crew, unsigned seen); /* until the next ring */
/* Fails the check that failed on another thread, if one did. */
void crew_check(struct crew *crew);

#endif
