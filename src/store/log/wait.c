/* Waiters (once, by LSN) and watchers (each time, by partition). Both call back into code that may
 * wait, watch and unwatch again, so lists are walked with a cursor that unwatching keeps right. */
#include "base/check.h"
#include "store/log/state.h"

/* ---- waiters ---- */

static void insert_after(struct log *log, struct log_waiter *at, struct log_waiter *w)
{
    w->prev = at;
    w->next = at ? at->next : log->waiters_first;
    if (w->next)
        w->next->prev = w;
    else
        log->waiters_last = w;
    if (at)
        at->next = w;
    else
        log->waiters_first = w;
}

static void take_out(struct log *log, struct log_waiter *w)
{
    if (w->prev)
        w->prev->next = w->next;
    else
        log->waiters_first = w->next;
    if (w->next)
        w->next->prev = w->prev;
    else
        log->waiters_last = w->prev;
    w->next = w->prev = NULL;
}

void log_wait(struct log *log, struct log_waiter *waiter, uint64_t lsn)
{
    waiter->lsn = lsn;
    waiter->next = waiter->prev = NULL;
    if (lsn <= log->durable_lsn || log->failure[0]) {
        waiter->fn(waiter, lsn > log->durable_lsn);
        return;
    }
    struct log_waiter *at = log->waiters_last;
    while (at && at->lsn > lsn)
        at = at->prev;
    insert_after(log, at, waiter);
    log_want(log, lsn);
}

void log_wait_cancel(struct log *log, struct log_waiter *waiter)
{
    if (waiter->prev || waiter->next || log->waiters_first == waiter)
        take_out(log, waiter);
}

void log_release_waiters(struct log *log)
{
    bool failed = log->failure[0] != 0;

    while (log->waiters_first && (failed || log->waiters_first->lsn <= log->durable_lsn)) {
        struct log_waiter *w = log->waiters_first;
        take_out(log, w);
        w->fn(w, w->lsn > log->durable_lsn);
    }
}

/* ---- watchers ---- */

void log_watch(struct log_partition *partition, enum log_event event, struct log_watcher *watcher)
{
    watcher->partition = partition;
    watcher->prev = NULL;
    watcher->next = partition->watchers[event];
    if (watcher->next)
        watcher->next->prev = watcher;
    partition->watchers[event] = watcher;
}

void log_unwatch(struct log_watcher *watcher)
{
    struct log_partition *p = watcher->partition;

    if (!p)
        return;
    if (p->log->watch_cursor == watcher)
        p->log->watch_cursor = watcher->next;
    for (int event = 0; event < LOG_EVENTS; event++)
        if (p->watchers[event] == watcher)
            p->watchers[event] = watcher->next;
    if (watcher->prev)
        watcher->prev->next = watcher->next;
    if (watcher->next)
        watcher->next->prev = watcher->prev;
    watcher->next = watcher->prev = NULL;
    watcher->partition = NULL;
}

void log_fire(struct log_partition *p, enum log_event event)
{
    struct log *log = p->log;
    struct log_watcher *outer = log->watch_cursor;

    log->watch_cursor = p->watchers[event];
    while (log->watch_cursor) {
        struct log_watcher *w = log->watch_cursor;
        log->watch_cursor = w->next;
        w->fn(w, p);
    }
    log->watch_cursor = outer;
}
