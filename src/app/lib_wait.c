/* Waiting for bounded jobs: looked at after each pass that may have ended one. */
#include <stdlib.h>

#include "app/lib.h"
#include "base/check.h"

struct wait_call {
    struct call *call;
    struct server *server;
    struct loop_timer *timer;
    int64_t deadline_ns;
    struct diag diag;
    struct log_waiter waiter;
};

static enum status outcome(struct wait_call *w)
{
    struct engine *engine = server_engine(w->server);

    for (struct job *job = engine_job_next(engine, NULL); job; job = engine_job_next(engine, job)) {
        struct job_info info;
        job_info(job, &info);
        if (info.state == JOB_FAILED || info.state == JOB_DIVERGED)
            return diag_set(&w->diag, ST_INVALID, DIAG_STATE, "job '%.*s' has failed: %s",
                            BYTES_FMT(info.name), info.error ? info.error : "no reason given");
        if (info.memory_waits)
            return diag_set(&w->diag, ST_NOSPACE, DIAG_LIMIT, "job '%.*s' waits: %s", BYTES_FMT(info.name), info.error);
    }
    if (!engine_job_next(engine, NULL) || server_finished(w->server))
        return ST_OK; /* without a job there is nothing to wait for */
    if (loop_mono_ns(server_loop(w->server)) >= w->deadline_ns)
        return diag_set(&w->diag, ST_NOSPACE, DIAG_LIMIT, "the jobs are not at their end in time");
    return ST_AGAIN;
}

static void release(struct log_waiter *waiter, bool failed)
{
    struct wait_call *w =
        (struct wait_call *)((char *)waiter - offsetof(struct wait_call, waiter));
    call_done(w->call, failed ? ST_IO : w->call->status);
}

/* A hook of the loop rather than a timer: a job ends in a pass, never between two. */
static bool look(void *context)
{
    struct wait_call *w = context;
    enum status st = outcome(w);

    if (st == ST_AGAIN)
        return false;
    loop_hook_remove(server_loop(w->server), look, w);
    loop_timer_destroy(w->timer);
    w->call->status = st;
    w->waiter.fn = release;
    log_wait(server_log(w->server), &w->waiter, log_end_lsn(server_log(w->server)));
    return false;
}

static void nothing(void *context)
{
    (void)context; /* the pass that the timer causes looks */
}

static void start(struct call *call, struct server *server)
{
    struct wait_call *w = call->context;
    struct loop *loop = server_loop(server);

    w->call = call;
    w->server = server;
    w->timer = loop_timer_create(loop, nothing, w);
    if (w->deadline_ns < 0) {
        w->deadline_ns = INT64_MAX;
    } else {
        w->deadline_ns = loop_mono_ns(loop) + w->deadline_ns;
        loop_timer_set(w->timer, w->deadline_ns);
    }
    loop_hook_add(loop, look, w);
}

int qw_wait_finished(qw *q, int64_t timeout_ms, qw_error *error)
{
    struct wait_call w = {.deadline_ns = timeout_ms < 0 ? -1 : timeout_ms * 1000000};
    enum status st = instance_call(q->instance, start, &w);

    return lib_error(q, st, &w.diag, error);
}
