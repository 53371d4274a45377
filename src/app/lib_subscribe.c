/* Changes of a view, given to the host: a reader of the view's topic of changes, which holds each change
 * as {"op":"+I","row":{…}} (flow/, sink of views). It reads what is durable, a slice a pass. */
#include <stdlib.h>
#include <string.h>

#include "app/lib.h"
#include "app/lib_value.h"
#include "base/check.h"
#include "data/format/format.h"
#include "wire/kafka/batch.h"

enum { SLICE_BYTES = 256 << 10 };

/* A change's row by column: decoded from its text when the first value is asked for. */
struct qw_change_row {
    struct arena arena;         /* of the columns' names and types */
    struct host_columns columns;
    struct format_decoder *decoder;
    struct arena row_arena;     /* of the row, until the callback returns */
    struct bytes text;
    struct chunk chunk;
    bool decoded;
};

struct qw_subscription {
    qw *q;
    struct server *server;
    struct log_partition *partition;
    struct log_watcher watcher;
    int64_t next_offset;
    qw_change_fn *fn;
    void *context;
    bool posted, ended;
    struct qw_change_row row;
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
                        .position = record->offset,
                        .typed = &s->row};
    s->row.text = bytes_of(change.row, change.row_len);
    s->fn(s->context, &change);
    s->row.decoded = false;
    arena_reset(&s->row.row_arena);
}

/* ---- the row by column ---- */

static enum status row_open(struct qw_change_row *row, const struct schema *schema, struct diag *diag)
{
    struct format_spec spec = {.name = BYTES_LITERAL("json")};

    arena_init(&row->arena, ARENA_BUDGET_NONE);
    arena_init(&row->row_arena, ARENA_BUDGET_NONE);
    host_columns_make(&row->columns, &row->arena, schema);
    const struct schema own = {row->columns.count, row->columns.fields};
    spec.schema = &own;
    return format_decoder_open(&spec, &row->decoder, diag);
}

static void subscription_free(qw_subscription *s)
{
    format_decoder_close(s->row.decoder);
    arena_deinit(&s->row.arena);
    arena_deinit(&s->row.row_arena);
    free(s);
}

/* Our own encoder wrote the text, for columns that the view may not have any more. */
static enum status row_decode_text(struct qw_change_row *row, struct diag *diag)
{
    const struct schema schema = {row->columns.count, row->columns.fields};
    struct chunk_builder b;

    if (row->decoded)
        return ST_OK;
    chunk_builder_init_schema(&b, &row->row_arena, &schema, 1);
    if (format_decode(row->decoder, row->text, b.cols, diag) != FORMAT_ROW)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "the row cannot be decoded"), ST_INVALID;
    chunk_builder_row(&b, ROW_INSERT);
    row->chunk = chunk_builder_done(&b);
    row->decoded = true;
    return ST_OK;
}

size_t qw_change_columns(const qw_change *change)
{
    return change->typed->columns.count;
}

const char *qw_change_column(const qw_change *change, size_t column)
{
    return column < change->typed->columns.count ? change->typed->columns.names[column] : NULL;
}

const char *qw_change_type(const qw_change *change, size_t column)
{
    return column < change->typed->columns.count ? change->typed->columns.types[column] : NULL;
}

int qw_change_find(const qw_change *change, const char *name)
{
    return host_columns_find(&change->typed->columns, name);
}

int qw_change_value(const qw_change *change, size_t column, int32_t kind, qw_value *out, qw_error *error)
{
    struct qw_change_row *row = change->typed;
    struct diag diag = {0};
    enum status st = ST_OK;

    if (column >= row->columns.count)
        st = diag_set(&diag, ST_INVALID, DIAG_NAME, "there is no column %zu: the row has %u", column,
                      row->columns.count);
    if (st == ST_OK)
        st = row_decode_text(row, &diag);
    if (st == ST_OK)
        st = value_to_host(row->columns.fields[column].name, row->columns.fields[column].type,
                           &row->chunk.cols[column], 0, kind, out, &diag);
    return lib_error(NULL, st, &diag, error);
}

/* ---- reading ---- */

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
        subscription_free(s);
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
    enum status st = row_open(&s->row, view_schema(view), &c->diag);
    if (st != ST_OK) {
        call_done(call, st);
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
        subscription_free(c.subscription);
    return lib_error(q, st, &c.diag, error);
}

static void unsubscribe(struct call *call, struct server *server)
{
    qw_subscription *s = call->context;

    (void)server;
    log_unwatch(&s->watcher);
    s->ended = true;
    if (!s->posted)
        subscription_free(s);
    call_done(call, ST_OK);
}

void qw_unsubscribe(qw_subscription *subscription)
{
    if (subscription)
        (void)instance_call(subscription->q->instance, unsubscribe, subscription);
}
