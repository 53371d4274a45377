/* loop.c: a pass is wait, tasks, sockets, timers, hooks, deferred work; each callback is one turn.
 *
 * Timers stand in a binary heap by (time, order of setting), so that equal times fire in the order
 * they were set. Tasks from other threads come over a lock-free stack that is taken whole and
 * turned round; only the push onto an empty stack wakes the loop. Watches removed during a pass
 * are kept until its end, because events already fetched may still point to them.
 */
#include "net/loop.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"

enum {
    READY_MAX = OS_POLL_MAX,
    DEFER_ROUNDS = 4, /* deferred work that defers more: so often a pass, the rest the next */
};

struct loop_watch {
    struct loop *loop;
    struct os_sock *sock;
    loop_ready_fn *fn;
    void *context;
    unsigned events;
    bool removed;
    bool failed; /* the poller refused it: told as OS_HUP in the next pass */
    struct loop_watch *next, *prev;
};

struct loop_timer {
    struct loop *loop;
    loop_timer_fn *fn;
    void *context;
    int64_t at_ns;
    uint64_t order;
    size_t place; /* in the heap, from 1; 0: not set */
};

struct task {
    loop_task_fn *fn;
    void *context;
    struct task *next;
};

struct hook {
    loop_hook_fn *fn; /* NULL: removed, dropped at the end of the pass */
    void *context;
};

struct hooks {
    struct hook *at;
    size_t len, cap;
    bool removed; /* some of them were */
};

struct loop {
    struct os *os;
    struct os_poller *poller;
    int64_t mono_ns, wall_us;

    _Atomic(struct task *) tasks; /* the newest first */
    atomic_bool stop;
    atomic_bool wanted;  /* loop_wake was called, and no hook has looked since */
    atomic_bool waiting; /* in the poller, or about to: only then a wake must go there */

    struct loop_watch *watches; /* live ones */
    struct loop_watch *removed; /* to be freed at the end of the pass */
    size_t failed;              /* how many of watches */

    struct loop_timer **heap; /* from 1 */
    size_t heap_len, heap_cap;
    uint64_t timer_order;
    bool firing;

    struct hooks hooks, background;

    struct loop_defer *defer_first, *defer_last;

    bool again; /* the next pass does not wait */
    bool in_pass;
    int64_t turn_ns; /* when the current turn began */
    int64_t stall_max_ns, busy_ns;
    struct histogram turns_us;
};

/* ---- life ---- */

static void read_clocks(struct loop *loop)
{
    loop->mono_ns = os_mono_ns(loop->os);
    loop->wall_us = os_wall_us(loop->os);
    loop->turn_ns = loop->mono_ns;
}

enum status loop_create(struct os *os, struct loop **out)
{
    struct loop *loop = xcalloc(1, sizeof(*loop));
    enum status st = os_poller_open(os, &loop->poller);

    *out = NULL;
    if (st != ST_OK) {
        free(loop);
        return st;
    }
    loop->os = os;
    read_clocks(loop);
    *out = loop;
    return ST_OK;
}

static void free_removed(struct loop *loop)
{
    while (loop->removed) {
        struct loop_watch *w = loop->removed;
        loop->removed = w->next;
        free(w);
    }
}

static struct task *take_tasks(struct loop *loop)
{
    struct task *newest = atomic_exchange_explicit(&loop->tasks, NULL, memory_order_acquire);
    struct task *oldest = NULL;

    while (newest) {
        struct task *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

void loop_destroy(struct loop *loop)
{
    if (!loop)
        return;
    CHECK(!loop->in_pass);
    CHECK(!loop->watches);
    CHECK(loop->heap_len == 0);
    free_removed(loop);
    for (struct task *t = take_tasks(loop), *next; t; t = next) {
        next = t->next;
        free(t);
    }
    os_poller_close(loop->poller);
    free(loop->heap);
    free(loop->hooks.at);
    free(loop->background.at);
    free(loop);
}

struct os *loop_os(const struct loop *loop)
{
    return loop->os;
}

int64_t loop_mono_ns(const struct loop *loop)
{
    return loop->mono_ns;
}

int64_t loop_wall_us(const struct loop *loop)
{
    return loop->wall_us;
}

int64_t loop_stall_max_ns(const struct loop *loop)
{
    return loop->stall_max_ns;
}

int64_t loop_busy_ns(const struct loop *loop)
{
    return loop->busy_ns;
}

const struct histogram *loop_turns_us(const struct loop *loop)
{
    return &loop->turns_us;
}

void loop_again(struct loop *loop)
{
    loop->again = true;
}

static void turn_ended(struct loop *loop)
{
    int64_t now = os_mono_ns(loop->os);
    int64_t took = now - loop->turn_ns;

    if (took > loop->stall_max_ns)
        loop->stall_max_ns = took;
    loop->busy_ns += took;
    histogram_add(&loop->turns_us, (uint64_t)took / 1000);
    loop->turn_ns = now;
}

/* ---- sockets ---- */

static void watch_apply(struct loop_watch *w, unsigned events)
{
    bool failed = os_sock_watch(w->sock, w->loop->poller, events, w) != ST_OK;

    w->loop->failed += (size_t)failed - (size_t)w->failed;
    w->failed = failed;
    w->events = failed ? 0 : events;
}

enum status loop_watch_add(struct loop *loop, struct os_sock *sock, unsigned events,
                           loop_ready_fn *fn, void *context, struct loop_watch **out)
{
    struct loop_watch *w = xcalloc(1, sizeof(*w));
    enum status st;

    *out = NULL;
    *w = (struct loop_watch){.loop = loop, .sock = sock, .fn = fn, .context = context};
    st = os_sock_watch(sock, loop->poller, events, w);
    if (st != ST_OK) {
        free(w);
        return st;
    }
    w->events = events;
    w->next = loop->watches;
    if (w->next)
        w->next->prev = w;
    loop->watches = w;
    *out = w;
    return ST_OK;
}

void loop_watch_set(struct loop_watch *w, unsigned events)
{
    CHECK(!w->removed);
    if (events != w->events || w->failed)
        watch_apply(w, events);
}

void loop_watch_remove(struct loop_watch *w)
{
    struct loop *loop = w->loop;

    CHECK(!w->removed);
    watch_apply(w, 0);
    loop->failed -= (size_t)w->failed;
    if (w->prev)
        w->prev->next = w->next;
    else
        loop->watches = w->next;
    if (w->next)
        w->next->prev = w->prev;
    w->removed = true;
    w->prev = NULL;
    w->next = loop->removed;
    loop->removed = w;
}

static void run_ready(struct loop *loop, const struct os_ready *ready, int count)
{
    for (int i = 0; i < count; i++) {
        struct loop_watch *w = ready[i].tag;
        if (!w || w->removed)
            continue;
        unsigned events = ready[i].events & (w->events | OS_HUP);
        if (events == 0)
            continue;
        w->fn(w->context, events);
        turn_ended(loop);
    }
}

static void run_failed(struct loop *loop)
{
    for (size_t left = loop->failed; left > 0 && loop->failed > 0; left--) {
        struct loop_watch *w = loop->watches;
        while (!w->failed)
            w = w->next;
        w->failed = false;
        loop->failed--;
        w->fn(w->context, OS_HUP);
        turn_ended(loop);
    }
}

/* ---- timers ---- */

static bool before(const struct loop_timer *a, const struct loop_timer *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void heap_put(struct loop *loop, size_t place, struct loop_timer *t)
{
    loop->heap[place] = t;
    t->place = place;
}

static void heap_up(struct loop *loop, size_t place, struct loop_timer *t)
{
    for (; place > 1 && before(t, loop->heap[place / 2]); place /= 2)
        heap_put(loop, place, loop->heap[place / 2]);
    heap_put(loop, place, t);
}

static void heap_down(struct loop *loop, size_t place, struct loop_timer *t)
{
    for (;;) {
        size_t child = place * 2;
        if (child > loop->heap_len)
            break;
        if (child < loop->heap_len && before(loop->heap[child + 1], loop->heap[child]))
            child++;
        if (!before(loop->heap[child], t))
            break;
        heap_put(loop, place, loop->heap[child]);
        place = child;
    }
    heap_put(loop, place, t);
}

struct loop_timer *loop_timer_create(struct loop *loop, loop_timer_fn *fn, void *context)
{
    struct loop_timer *t = xcalloc(1, sizeof(*t));

    *t = (struct loop_timer){.loop = loop, .fn = fn, .context = context};
    return t;
}

void loop_timer_set(struct loop_timer *t, int64_t at_mono_ns)
{
    struct loop *loop = t->loop;

    loop_timer_clear(t);
    /* Set by a timer's turn for now or earlier, it is the next pass's: or a pass might not end. */
    if (loop->firing && at_mono_ns <= loop->mono_ns)
        at_mono_ns = loop->mono_ns + 1;
    t->at_ns = at_mono_ns;
    t->order = loop->timer_order++;
    if (loop->heap_len + 2 > loop->heap_cap) {
        loop->heap_cap = loop->heap_cap ? loop->heap_cap * 2 : 64;
        loop->heap = xrealloc(loop->heap, loop->heap_cap * sizeof(struct loop_timer *));
    }
    heap_up(loop, ++loop->heap_len, t);
}

void loop_timer_clear(struct loop_timer *t)
{
    struct loop *loop = t->loop;
    size_t place = t->place;

    if (place == 0)
        return;
    struct loop_timer *last = loop->heap[loop->heap_len--];
    t->place = 0;
    if (last == t)
        return;
    if (place > 1 && before(last, loop->heap[place / 2]))
        heap_up(loop, place, last);
    else
        heap_down(loop, place, last);
}

void loop_timer_destroy(struct loop_timer *t)
{
    if (!t)
        return;
    loop_timer_clear(t);
    free(t);
}

static void run_timers(struct loop *loop)
{
    loop->firing = true;
    while (loop->heap_len && loop->heap[1]->at_ns <= loop->mono_ns) {
        struct loop_timer *t = loop->heap[1];
        loop_timer_clear(t);
        t->fn(t->context); /* may destroy t */
        turn_ended(loop);
    }
    loop->firing = false;
}

/* ---- work of a pass ---- */

static void hooks_add(struct loop *loop, struct hooks *hooks, loop_hook_fn *fn, void *context)
{
    if (hooks->len == hooks->cap) {
        hooks->cap = hooks->cap ? hooks->cap * 2 : 8;
        hooks->at = xrealloc(hooks->at, hooks->cap * sizeof(struct hook));
    }
    hooks->at[hooks->len++] = (struct hook){fn, context};
    loop->again = true; /* it may have work already */
}

static void hooks_remove(struct hooks *hooks, loop_hook_fn *fn, void *context)
{
    for (size_t i = 0; i < hooks->len; i++)
        if (hooks->at[i].fn == fn && hooks->at[i].context == context) {
            hooks->at[i].fn = NULL;
            hooks->removed = true;
            return;
        }
}

void loop_hook_add(struct loop *loop, loop_hook_fn *fn, void *context)
{
    hooks_add(loop, &loop->hooks, fn, context);
}

void loop_hook_remove(struct loop *loop, loop_hook_fn *fn, void *context)
{
    hooks_remove(&loop->hooks, fn, context);
}

void loop_background_add(struct loop *loop, loop_hook_fn *fn, void *context)
{
    hooks_add(loop, &loop->background, fn, context);
}

void loop_background_remove(struct loop *loop, loop_hook_fn *fn, void *context)
{
    hooks_remove(&loop->background, fn, context);
}

static void run_hooks(struct loop *loop, struct hooks *hooks)
{
    size_t kept = 0;

    for (size_t i = 0; i < hooks->len; i++) { /* the array may grow and move meanwhile */
        struct hook hook = hooks->at[i];
        if (!hook.fn)
            continue;
        if (hook.fn(hook.context))
            loop->again = true;
        turn_ended(loop);
    }
    if (!hooks->removed)
        return;
    for (size_t i = 0; i < hooks->len; i++)
        if (hooks->at[i].fn)
            hooks->at[kept++] = hooks->at[i];
    hooks->len = kept;
    hooks->removed = false;
}

void loop_defer(struct loop *loop, struct loop_defer *defer)
{
    if (defer->queued)
        return;
    defer->queued = true;
    defer->next = NULL;
    defer->prev = loop->defer_last;
    if (loop->defer_last)
        loop->defer_last->next = defer;
    else
        loop->defer_first = defer;
    loop->defer_last = defer;
}

void loop_defer_cancel(struct loop *loop, struct loop_defer *defer)
{
    if (!defer->queued)
        return;
    if (defer->prev)
        defer->prev->next = defer->next;
    else
        loop->defer_first = defer->next;
    if (defer->next)
        defer->next->prev = defer->prev;
    else
        loop->defer_last = defer->prev;
    defer->queued = false;
    defer->next = defer->prev = NULL;
}

/* A round takes what is queued when it begins, up to an end mark of its own, because what it runs
 * may cancel any other entry. */
static void run_deferred(struct loop *loop)
{
    for (int round = 0; round < DEFER_ROUNDS && loop->defer_first; round++) {
        struct loop_defer end = {.fn = NULL};
        loop_defer(loop, &end);
        while (loop->defer_first != &end) {
            struct loop_defer *d = loop->defer_first;
            loop_defer_cancel(loop, d);
            d->fn(d->context);
            turn_ended(loop);
        }
        loop_defer_cancel(loop, &end);
    }
}

void loop_post(struct loop *loop, loop_task_fn *fn, void *context)
{
    struct task *t = xmalloc(sizeof(*t));
    struct task *head = atomic_load_explicit(&loop->tasks, memory_order_relaxed);

    t->fn = fn;
    t->context = context;
    do
        t->next = head;
    while (!atomic_compare_exchange_weak_explicit(&loop->tasks, &head, t, memory_order_release,
                                                  memory_order_relaxed));
    if (!head) /* whoever pushed onto nothing wakes; the others ride along */
        loop_wake(loop);
}

/* The loop says that it will wait and then looks whether it is wanted; this says that it is wanted
 * and then looks whether it waits: whatever comes first, one of the two sees the other. */
void loop_wake(struct loop *loop)
{
    atomic_store(&loop->wanted, true);
    if (atomic_load(&loop->waiting))
        os_poller_wake(loop->poller);
}

static void run_tasks(struct loop *loop)
{
    struct task *next;

    for (struct task *t = take_tasks(loop); t; t = next) {
        next = t->next;
        t->fn(t->context);
        free(t);
        turn_ended(loop);
    }
}

/* ---- passes ---- */

static int64_t wait_bound(struct loop *loop, int64_t timeout_ns)
{
    int64_t until_timer;

    if (loop->again || loop->failed || loop->defer_first || atomic_load(&loop->wanted) ||
        atomic_load(&loop->tasks) || atomic_load_explicit(&loop->stop, memory_order_relaxed))
        return 0;
    if (loop->heap_len == 0)
        return timeout_ns;
    until_timer = loop->heap[1]->at_ns - os_mono_ns(loop->os);
    if (until_timer < 0)
        until_timer = 0;
    return timeout_ns < 0 || until_timer < timeout_ns ? until_timer : timeout_ns;
}

void loop_pass(struct loop *loop, int64_t timeout_ns)
{
    struct os_ready ready[READY_MAX];
    int count;

    CHECK(!loop->in_pass);
    loop->in_pass = true;
    atomic_store(&loop->waiting, true);
    count = os_poller_wait(loop->poller, ready, READY_MAX, wait_bound(loop, timeout_ns));
    atomic_store(&loop->waiting, false);
    read_clocks(loop);
    loop->again = false;
    run_tasks(loop);
    run_ready(loop, ready, count);
    run_failed(loop);
    run_timers(loop);
    atomic_store(&loop->wanted, false); /* the hooks look now */
    run_hooks(loop, &loop->hooks);
    run_deferred(loop);
    run_hooks(loop, &loop->background);
    free_removed(loop);
    loop->in_pass = false;
}

void loop_run(struct loop *loop)
{
    while (!atomic_load_explicit(&loop->stop, memory_order_acquire))
        loop_pass(loop, -1);
    atomic_store(&loop->stop, false); /* it may be run again */
}

void loop_stop(struct loop *loop)
{
    atomic_store_explicit(&loop->stop, true, memory_order_release);
    os_poller_wake(loop->poller);
}
