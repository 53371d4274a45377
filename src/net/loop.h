/* loop.h: one event loop a core: sockets, timers, and the work of a pass.
 *
 * A pass waits for events (at most until the next timer; not at all while a hook has work left),
 * runs the callbacks of ready sockets and due timers, then the hooks in the order they were added
 * (the engine's ticks, the log's write and sync), then what was deferred (the answers that this
 * releases), and background work last, when nobody waits for it. No timer polls: an idle loop
 * sleeps in the kernel without a limit.
 *
 * Owns: its poller. Watches and timers are ended by who made them, before loop_destroy.
 * Layer: net.
 * Threads: all calls from the loop's own thread, save loop_post, loop_wake and loop_stop.
 */
#ifndef QW_NET_LOOP_H
#define QW_NET_LOOP_H

#include "base/histogram.h"
#include "os/os.h"

struct loop;
struct loop_timer;

enum status loop_create(struct os *os, struct loop **out) MUST_CHECK;
void loop_destroy(struct loop *loop);

/* Runs passes until loop_stop. loop_pass runs one: for simulations and tests; it waits at most
 * timeout_ns (< 0: no bound), and may return having done nothing. */
void loop_run(struct loop *loop);
void loop_pass(struct loop *loop, int64_t timeout_ns);
void loop_stop(struct loop *loop); /* any thread, and safe in a signal handler */

struct os *loop_os(const struct loop *loop);

/* The clocks as read at the start of this pass: one reading a pass. */
int64_t loop_mono_ns(const struct loop *loop);
int64_t loop_wall_us(const struct loop *loop);

/* ---- sockets ---- */
typedef void loop_ready_fn(void *context, unsigned events);
struct loop_watch;
enum status loop_watch_add(struct loop *loop, struct os_sock *sock, unsigned events,
                           loop_ready_fn *fn, void *context, struct loop_watch **out) MUST_CHECK;
void loop_watch_set(struct loop_watch *watch, unsigned events);
void loop_watch_remove(struct loop_watch *watch); /* before its socket is closed; also inside fn */

/* ---- timers ---- */
typedef void loop_timer_fn(void *context);
struct loop_timer *loop_timer_create(struct loop *loop, loop_timer_fn *fn, void *context);
void loop_timer_set(struct loop_timer *timer, int64_t at_mono_ns); /* replaces; fires once */
void loop_timer_clear(struct loop_timer *timer);
void loop_timer_destroy(struct loop_timer *timer);

/* ---- work of a pass ---- */
/* Returns true while it has more to do: the loop then looks at sockets without waiting and calls
 * it again. Each keeps its own budget (no turn over 200 us). */
typedef bool loop_hook_fn(void *context);
void loop_hook_add(struct loop *loop, loop_hook_fn *fn, void *context);
void loop_hook_remove(struct loop *loop, loop_hook_fn *fn, void *context);
/* The same for work that nobody waits for: at the end of a pass, when the answers are sent. */
void loop_background_add(struct loop *loop, loop_hook_fn *fn, void *context);
void loop_background_remove(struct loop *loop, loop_hook_fn *fn, void *context);

/* The next pass does not wait: work was made for a hook that has had its turn. */
void loop_again(struct loop *loop);

/* Runs fn once on the loop's thread in its next pass. Any thread; wakes the loop. */
typedef void loop_task_fn(void *context);
void loop_post(struct loop *loop, loop_task_fn *fn, void *context);
/* The hooks are to look at what came another way (a ring): in this pass, if they are still to come,
 * else in another one. Costs a call of the system only while the loop sleeps. Any thread. */
void loop_wake(struct loop *loop);

/* Runs fn once at the end of this pass, after the hooks (outside a pass: of the next one, which
 * then does not wait): for what gathers over a pass. The caller keeps the struct, zeroed but for fn
 * and context; queueing what is queued does nothing. */
struct loop_defer {
    loop_task_fn *fn;
    void *context;
    struct loop_defer *next, *prev;
    bool queued;
};
void loop_defer(struct loop *loop, struct loop_defer *defer);
void loop_defer_cancel(struct loop *loop, struct loop_defer *defer);

/* The longest turn (callback or hook) so far and the sum of time not spent waiting, ns; all turns,
 * in microseconds. */
int64_t loop_stall_max_ns(const struct loop *loop);
int64_t loop_busy_ns(const struct loop *loop);
const struct histogram *loop_turns_us(const struct loop *loop);

#endif
