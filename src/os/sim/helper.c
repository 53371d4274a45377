/* helper.c: what real helpers do on threads of their own, in the one thread there is.
 *
 * Steps are made while a poller of the machine waits, and each time somebody asks whether a piece is
 * done, some of them at once or none: so the owner's own writes, a crash, or nothing at all come
 * between two steps of a piece of work.
 */
#include <stdlib.h>

#include "base/check.h"
#include "os/sim/internal.h"

enum { STEPS_MAX = 4 }; /* at a time */

struct sim_helper {
    struct os_helper helper;
    struct sim *sim;
    struct sim_helper *next, *prev; /* of the machine */
    os_wake_fn *wake;
    void *context;
    struct os_work *first, *last;
};

static struct sim_helper *of(struct os_helper *helper)
{
    return (struct sim_helper *)helper;
}

static void step(struct sim_helper *h)
{
    struct os_work *work = h->first;

    if (work->step(work))
        return;
    h->first = work->next;
    if (!h->first)
        h->last = NULL;
    work->pending = false;
    if (h->wake)
        h->wake(h->context);
}

static void some_steps(struct sim_helper *h)
{
    for (uint64_t n = rng_below(&h->sim->helper_rng, STEPS_MAX); n > 0 && h->first; n--)
        step(h);
}

bool sim_helpers_run(struct sim *sim)
{
    bool more = false;

    for (struct sim_helper *h = sim->helpers; h; h = h->next) {
        if (h->first)
            some_steps(h);
        more |= h->first != NULL;
    }
    return more;
}

static void helper_submit(struct os_helper *helper, struct os_work *work)
{
    struct sim_helper *h = of(helper);

    CHECK(!work->pending);
    work->pending = true;
    work->next = NULL;
    if (h->last)
        h->last->next = work;
    else
        h->first = work;
    h->last = work;
}

static bool helper_done(struct os_helper *helper, struct os_work *work)
{
    if (work->pending)
        some_steps(of(helper));
    return !work->pending;
}

static void helper_wait(struct os_helper *helper, struct os_work *work)
{
    while (work->pending)
        step(of(helper));
}

static void helper_close(struct os_helper *helper)
{
    struct sim_helper *h = of(helper);

    while (h->first)
        step(h);
    if (h->prev)
        h->prev->next = h->next;
    else
        h->sim->helpers = h->next;
    if (h->next)
        h->next->prev = h->prev;
    free(h);
}

static const struct os_helper_class helper_class = {
    .submit = helper_submit,
    .done = helper_done,
    .wait = helper_wait,
    .close = helper_close,
};

void sim_helper_open(struct os *os, const char *name, os_wake_fn *wake, void *context,
                     struct os_helper **out)
{
    struct sim_helper *h = xcalloc(1, sizeof(*h));

    (void)name;
    h->helper.class = &helper_class;
    h->sim = sim_of(os);
    h->wake = wake;
    h->context = context;
    h->next = h->sim->helpers;
    if (h->next)
        h->next->prev = h;
    h->sim->helpers = h;
    *out = &h->helper;
}
