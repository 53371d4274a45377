/* poller.c: what is ready in the simulated network, and how its time moves.
 *
 * A wait with nothing ready makes its poller idle. When all are (or when one is asked twice running
 * and no other in between: the rest are not taking part), the clock goes to the next deadline or
 * arrival, and all must wait anew before it moves again. Besides, each wait takes a microsecond: or
 * a program that leaves a ready socket alone, or always has work, would stop the world. Time does not
 * jump while a helper of the machine has work.
 */
#include <stddef.h>
#include <stdlib.h>

#include "base/check.h"
#include "os/sim/internal.h"

enum { WAIT_NS = 1000 };

struct sim_poller {
    struct os_poller poller;
    struct sim_handle handle;
    struct sim_poller *next, *prev;
    bool woken, idle;
    int64_t deadline_ns; /* while idle; INT64_MAX: none */
};

static struct sim_poller *of(struct os_poller *poller)
{
    return (struct sim_poller *)poller;
}

bool sim_poller_dead(const struct sim_poller *p)
{
    return sim_handle_dead(&p->handle);
}

/* The events to report of this socket to this poller, now. */
static unsigned ready_events(const struct sim_poller *p, const struct sim_sock *s, void **tag)
{
    unsigned watched;

    if (sim_sock_poller(s, &watched, tag) != p || watched == 0)
        return 0;
    return sim_sock_events(s) & (watched | OS_HUP);
}

/* All that is ready, beginning anywhere, so that no socket is always served first. */
static int collect(struct sim_poller *p, struct os_ready *out, int out_max)
{
    struct sim *sim = p->handle.sim;
    int ready = 0, count = 0, skip;
    void *tag;

    if (p->woken) {
        p->woken = false;
        out[count++] = (struct os_ready){.tag = NULL};
    }
    for (struct sim_sock *s = sim->world->net.socks; s; s = sim_sock_next(s))
        ready += ready_events(p, s, &tag) != 0;
    skip = ready > 1 ? (int)rng_below(&sim->world->net_rng, (uint64_t)ready) : 0;
    for (int at = 0, round = 0; round < 2 && ready > 0; round++)
        for (struct sim_sock *s = sim->world->net.socks; s; s = sim_sock_next(s)) {
            unsigned events = ready_events(p, s, &tag);
            if (events == 0)
                continue;
            if (at >= skip && at < skip + ready && count < out_max)
                out[count++] = (struct os_ready){tag, events};
            at++;
        }
    return count;
}

static bool all_idle(const struct sim *sim)
{
    for (struct sim_poller *p = sim->world->net.pollers; p; p = p->next)
        if (!p->idle && !sim_poller_dead(p))
            return false;
    return true;
}

/* Moves the clock to the next moment at which anything may change. */
static void move_time(struct sim *sim)
{
    int64_t next = INT64_MAX;

    for (struct sim_poller *p = sim->world->net.pollers; p; p = p->next)
        if (p->idle && !sim_poller_dead(p) && p->deadline_ns < next)
            next = p->deadline_ns;
    for (struct sim_sock *s = sim->world->net.socks; s; s = sim_sock_next(s)) {
        int64_t at = sim_sock_changes_at(s);
        next = at < next ? at : next;
    }
    sim->world->stuck = next == INT64_MAX;
    if (!sim->world->stuck && next > sim->world->mono_ns)
        sim->world->mono_ns = next;
    for (struct sim_poller *p = sim->world->net.pollers; p; p = p->next)
        p->idle = false;
    sim->world->net.last_idle = NULL;
}

static int poller_wait(struct os_poller *poller, struct os_ready *out, int out_max,
                       int64_t timeout_ns)
{
    struct sim_poller *p = of(poller);
    struct sim *sim = p->handle.sim;
    int count;
    bool alone;

    if (sim_poller_dead(p))
        return 0;
    sim->world->mono_ns += WAIT_NS;
    bool helped = sim_helpers_run(sim); /* may wake this poller */
    count = collect(p, out, out_max);
    p->idle = count == 0 && timeout_ns != 0 && !helped;
    if (!p->idle) {
        sim->world->net.last_idle = NULL;
        return count;
    }
    p->deadline_ns = timeout_ns < 0 || timeout_ns > INT64_MAX - sim->world->mono_ns
                         ? INT64_MAX
                         : sim->world->mono_ns + timeout_ns;
    alone = sim->world->net.last_idle == p;
    sim->world->net.last_idle = p;
    if (!alone && !all_idle(sim))
        return 0;
    move_time(sim);
    return collect(p, out, out_max);
}

static void poller_wake(struct os_poller *poller)
{
    of(poller)->woken = true;
}

static void poller_free(struct sim_handle *handle)
{
    struct sim_poller *p =
        (struct sim_poller *)((char *)handle - offsetof(struct sim_poller, handle));
    struct sim *sim = handle->sim;
    unsigned events;
    void *tag;

    for (struct sim_sock *s = sim->world->net.socks; s; s = sim_sock_next(s))
        if (sim_sock_poller(s, &events, &tag) == p)
            sim_sock_unwatch(s);
    if (p->prev)
        p->prev->next = p->next;
    else
        sim->world->net.pollers = p->next;
    if (p->next)
        p->next->prev = p->prev;
    if (sim->world->net.last_idle == p)
        sim->world->net.last_idle = NULL;
    sim_handle_close(handle);
    free(p);
}

static void poller_close(struct os_poller *poller)
{
    poller_free(&of(poller)->handle);
}

static const struct os_poller_class poller_class = {
    .wait = poller_wait,
    .wake = poller_wake,
    .close = poller_close,
};

enum status sim_poller_open(struct os *os, struct os_poller **out)
{
    struct sim *sim = sim_of(os);
    struct sim_poller *p;

    *out = NULL;
    TRY(sim_handle_check(sim, "open poller"));
    p = xcalloc(1, sizeof(*p));
    p->poller.class = &poller_class;
    p->next = sim->world->net.pollers;
    if (p->next)
        p->next->prev = p;
    sim->world->net.pollers = p;
    sim_handle_open(sim, &p->handle, poller_free);
    *out = &p->poller;
    return ST_OK;
}
