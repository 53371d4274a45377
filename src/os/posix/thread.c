/* thread.c: real threads, and their sleep on a word (a futex). Signals are left to the thread that
 * the process began with. */
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "os/posix/posix.h"

struct os_thread {
    pthread_t id;
    char name[16]; /* Linux keeps no more, the zero included */
    os_thread_fn *fn;
    void *context;
};

static void *thread_main(void *arg)
{
    struct os_thread *t = arg;

    pthread_setname_np(pthread_self(), t->name);
    t->fn(t->context);
    return NULL;
}

enum status posix_thread_start(struct os *os, const char *name, os_thread_fn *fn, void *context,
                               struct os_thread **out)
{
    struct os_thread *t = xcalloc(1, sizeof(*t));
    sigset_t all, before;
    int error;

    (void)os;
    *out = NULL;
    snprintf(t->name, sizeof(t->name), "%s", name);
    t->fn = fn;
    t->context = context;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&t->id, NULL, thread_main, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        free(t);
        posix_failed("start thread", name, error);
        return ST_NOSPACE; /* the one cause is a limit, whatever its number */
    }
    *out = t;
    return ST_OK;
}

void posix_thread_join(struct os *os, struct os_thread *thread)
{
    (void)os;
    CHECK(pthread_join(thread->id, NULL) == 0);
    free(thread);
}

void posix_thread_end(struct os *os)
{
    (void)os;
    pthread_exit(NULL);
}

void posix_word_wait(struct os *os, const atomic_uint *word, unsigned seen, int64_t timeout_ns)
{
    struct timespec most = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};

    (void)os;
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, timeout_ns < 0 ? NULL : &most, NULL, 0);
}

void posix_word_wake(struct os *os, const atomic_uint *word)
{
    (void)os;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
