/* helper.c: a thread that does pieces of work in order.
 *
 * It starts with the first piece, so that who never needs it has no thread. `pending` of a piece is
 * cleared under the mutex and may be looked at without it: what the helper wrote is seen then.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "os/posix/posix.h"

struct posix_helper {
    struct os_helper helper;
    struct os *os;
    os_wake_fn *wake;
    void *context;
    struct os_thread *thread; /* NULL: not started */
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* something was submitted, done, or is to end */
    struct os_work *first, *last;
    bool ending;
    char name[];
};

static struct posix_helper *of(struct os_helper *helper)
{
    return (struct posix_helper *)helper;
}

static struct os_work *take(struct posix_helper *h)
{
    struct os_work *work;

    pthread_mutex_lock(&h->mutex);
    while (!h->first && !h->ending)
        pthread_cond_wait(&h->changed, &h->mutex);
    work = h->first;
    if (work)
        h->first = work->next;
    if (!h->first)
        h->last = NULL;
    pthread_mutex_unlock(&h->mutex);
    return work;
}

static void run(struct posix_helper *h, struct os_work *work)
{
    while (work->step(work))
        ;
    pthread_mutex_lock(&h->mutex);
    atomic_store(&work->pending, false);
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->mutex);
    if (h->wake)
        h->wake(h->context);
}

static void helper_main(void *context)
{
    struct posix_helper *h = context;

    for (struct os_work *work; (work = take(h));)
        run(h, work);
}

static void helper_submit(struct os_helper *helper, struct os_work *work)
{
    struct posix_helper *h = of(helper);

    CHECK(!atomic_load(&work->pending));
    atomic_store(&work->pending, true);
    if (!h->thread && posix_thread_start(h->os, h->name, helper_main, h, &h->thread) != ST_OK) {
        run(h, work);
        return;
    }
    pthread_mutex_lock(&h->mutex);
    work->next = NULL;
    if (h->last)
        h->last->next = work;
    else
        h->first = work;
    h->last = work;
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->mutex);
}

static bool helper_done(struct os_helper *helper, struct os_work *work)
{
    (void)helper;
    return !atomic_load(&work->pending);
}

static void helper_wait(struct os_helper *helper, struct os_work *work)
{
    struct posix_helper *h = of(helper);

    pthread_mutex_lock(&h->mutex);
    while (atomic_load(&work->pending))
        pthread_cond_wait(&h->changed, &h->mutex);
    pthread_mutex_unlock(&h->mutex);
}

static void helper_close(struct os_helper *helper)
{
    struct posix_helper *h = of(helper);

    pthread_mutex_lock(&h->mutex);
    h->ending = true;
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->mutex);
    if (h->thread)
        posix_thread_join(h->os, h->thread);
    pthread_cond_destroy(&h->changed);
    pthread_mutex_destroy(&h->mutex);
    free(h);
}

static const struct os_helper_class helper_class = {
    .submit = helper_submit,
    .done = helper_done,
    .wait = helper_wait,
    .close = helper_close,
};

void posix_helper_open(struct os *os, const char *name, os_wake_fn *wake, void *context,
                       struct os_helper **out)
{
    size_t len = strlen(name) + 1;
    struct posix_helper *h = xcalloc(1, sizeof(*h) + len);

    h->helper.class = &helper_class;
    h->os = os;
    h->wake = wake;
    h->context = context;
    pthread_mutex_init(&h->mutex, NULL);
    pthread_cond_init(&h->changed, NULL);
    memcpy(h->name, name, len);
    *out = &h->helper;
}
