/* Changes of a view, given to the host: a reader of the view's topic of changes, which holds each change
 * as {"op":"+I","row":{…}} (flow/, sink of views). It reads what is durable, a slice a pass. */
#include <stdlib.h>
#include <string.h>

#include "app/lib.h"
#include "base/check.h"
#include "wire/kafka/batch.h"

enum { SLICE_BYTES = 256 << 10 };

struct qw_subscription {
    qw *q;
    struct server *server;
    struct log_partition *partition;
    struct log_watcher watcher;
    int64_t next_offset;
    qw_change_fn *fn;
    void *context;
    bool posted, ended;
};

struct subscribe_call {
    struct bytes view;
    int64_t from;
    qw_subscription *subscription;
    struct diag diag;
};

/* The two parts of a change's record; our own encoder wrote it. */
static void give(qw_subscription *s, const struct record *record)
{
    static const char head[] = "{\"op\":\"+I\",\"row\":";
    size_t head_len = sizeof(head) - 1;
    char op[3] = "";

    CHECK(record->value.len > head_len);
    memcpy(op, record->value.ptr + 7, 2);
    qw_change change = {.op = op,
                        .row = (const char *)record->value.ptr + head_len,
                        .row_len = record->value.len - head_len - 1,
                        .position = record->offset};
    s->fn(s->context, &change);
}

static enum status give_batch(qw_subscription *s, struct bytes batch, struct buf *scratch)
{
    struct batch_records records;
    struct record record;
    enum status st;

    TRY(batch_records_open_buf(&records, batch, scratch));
    while ((st = batch_records_next(&records, &record)) == ST_OK)
        if (record.offset >= s->next_offset)
            give(s, &record);
    return st == ST_END ? ST_OK : st;
}

static enum status give_slice(qw_subscription *s, bool *more)
{
    struct log_view view;
    struct batch_header header;
    struct bytes batch;
    struct buf scratch;
    enum status st;

    TRY(log_read(server_log(s->server), s->partition, s->next_offset, SLICE_BYTES, LOG_TO_DURABLE,
                 &view, NULL));
    struct bytes run = view.bytes;
    buf_init(&scratch, 0);
    while ((st = batch_next(&run, &header, &batch)) == ST_OK)
        if ((st = give_batch(s, batch, &scratch)) != ST_OK)
            break;
    buf_deinit(&scratch);
    if (view.bytes.len)
        s->next_offset = view.next_offset;
    *more = view.bytes.len > 0;
    log_view_release(&view);
    return st == ST_END ? ST_OK : st;
}

static void post(qw_subscription *s);

static void on_turn(void *context)
{
    qw_subscription *s = context;
    bool more = false;

    s->posted = false;
    if (s->ended) {
        free(s);
        return;
    }
    if (give_slice(s, &more) == ST_OK && more)
        post(s);
}

static void post(qw_subscription *s)
{
    if (s->posted)
        return;
    s->posted = true;
    loop_post(server_loop(s->server), on_turn, s);
}

static void on_durable(struct log_watcher *watcher, struct log_partition *partition)
{
    (void)partition;
    post(watcher->context);
}

static void subscribe(struct call *call, struct server *server)
{
    struct subscribe_call *c = call->context;
    qw_subscription *s = c->subscription;
    struct view *view = engine_view_find(server_engine(server), c->view);
    struct log_offsets offsets;

    if (!view) {
        call_done(call, diag_set(&c->diag, ST_NOTFOUND, DIAG_NAME, "there is no view '%.*s'",
                                 BYTES_FMT(c->view)));
        return;
    }
    s->server = server;
    s->partition = log_partition_of(view_changes(view), 0);
    log_offsets(s->partition, &offsets);
    s->next_offset = c->from < 0 ? offsets.end : c->from > offsets.start ? c->from : offsets.start;
    s->watcher = (struct log_watcher){.fn = on_durable, .context = s};
    log_watch(s->partition, LOG_ON_DURABLE, &s->watcher);
    post(s);
    call_done(call, ST_OK);
}

int qw_subscribe(qw *q, const char *view, int64_t from, qw_change_fn *fn, void *context,
                 qw_subscription **out, qw_error *error)
{
    struct subscribe_call c = {.view = bytes_str(view), .from = from};

    c.subscription = xcalloc(1, sizeof(*c.subscription));
    c.subscription->q = q;
    c.subscription->fn = fn;
    c.subscription->context = context;
    enum status st = instance_call(q->instance, subscribe, &c);
    if (st == ST_OK)
        *out = c.subscription;
    else
        free(c.subscription);
    return lib_error(q, st, &c.diag, error);
}

static void unsubscribe(struct call *call, struct server *server)
{
    qw_subscription *s = call->context;

    (void)server;
    log_unwatch(&s->watcher);
    s->ended = true;
    if (!s->posted)
        free(s);
    call_done(call, ST_OK);
}

void qw_unsubscribe(qw_subscription *subscription)
{
    if (subscription)
        (void)instance_call(subscription->q->instance, unsubscribe, subscription);
}
