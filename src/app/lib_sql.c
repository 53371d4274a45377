/* SQL through the library: a script runs on the instance's thread; its answers are handed over one by one
 * and released to the caller when what they tell is durable. */
#include <stdlib.h>
#include <string.h>

#include "app/lib.h"
#include "app/lib_value.h"
#include "base/check.h"
#include "data/text.h"

struct qw_result {
    struct engine_result *result;
    struct arena texts;
};

/* A script under way; on the caller's stack. */
struct sql_call {
    struct bytes text;
    struct engine_result **results; /* in order; taken over */
    size_t results_count, results_cap;
    uint64_t lsn; /* the greatest of the answers */
    struct diag diag;
    enum status st;
    struct session *session;
    struct call *call;
    struct server *server;
    struct log_waiter waiter;
};

static void on_durable(struct log_waiter *waiter, bool failed)
{
    struct sql_call *c = (struct sql_call *)((char *)waiter - offsetof(struct sql_call, waiter));

    if (failed && c->st == ST_OK)
        c->st = diag_set(&c->diag, ST_IO, DIAG_STATE, "the log has failed: %s",
                         log_failure(server_log(c->server)));
    call_done(c->call, c->st);
}

static void on_result(void *context, struct engine_result *result)
{
    struct sql_call *c = context;

    if (c->results_count == c->results_cap) {
        c->results_cap = c->results_cap ? c->results_cap * 2 : 4;
        c->results = xrealloc(c->results, c->results_cap * sizeof(struct engine_result *));
    }
    c->results[c->results_count++] = result;
    if (result->lsn > c->lsn)
        c->lsn = result->lsn;
}

static void close_session(void *context)
{
    engine_session_close(context);
}

static void on_done(void *context, enum status st, const struct diag *diag)
{
    struct sql_call *c = context;

    c->st = st;
    if (diag)
        c->diag = *diag;
    loop_post(server_loop(c->server), close_session, c->session); /* not from a callback of its own */
    log_wait(server_log(c->server), &c->waiter, c->lsn);
}

static void start(struct call *call, struct server *server)
{
    struct sql_call *c = call->context;

    c->call = call;
    c->server = server;
    c->waiter.fn = on_durable;
    c->session = engine_session_open(server_engine(server));
    /* a program runs its script at each start; over a kept data directory its jobs then go on */
    engine_session_resumes(c->session, true);
    engine_run(c->session, c->text, on_result, on_done, c);
}

static qw_result *result_of(struct engine_result *take_result)
{
    qw_result *r = xcalloc(1, sizeof(*r));

    r->result = take_result;
    arena_init(&r->texts, ARENA_BUDGET_NONE);
    return r;
}

int qw_sql_each(qw *q, const char *sql, size_t sql_len, qw_result_fn *fn, void *context,
                qw_error *error)
{
    struct sql_call c = {.text = bytes_of(sql, sql_len)};
    enum status st = instance_call(q->instance, start, &c);
    bool stop = fn == NULL;

    for (size_t i = 0; i < c.results_count; i++) {
        qw_result *r = result_of(c.results[i]);
        if (!stop)
            stop = fn(context, r) != 0;
        qw_result_free(r);
    }
    free(c.results);
    return lib_error(q, st, &c.diag, error);
}

static int keep_last(void *context, qw_result *r)
{
    qw_result **last = context;

    qw_result_free(*last);
    *last = result_of(r->result);
    r->result = NULL;
    return 0;
}

int qw_sql(qw *q, const char *sql, qw_result **out, qw_error *error)
{
    qw_result *last = NULL;
    int code = qw_sql_each(q, sql, strlen(sql), keep_last, &last, error);

    if (out && code == QW_OK)
        *out = last;
    else
        qw_result_free(last);
    return code;
}

size_t qw_result_columns(const qw_result *r)
{
    return r->result->schema.count;
}

size_t qw_result_rows(const qw_result *r)
{
    return r->result->rows;
}

/* A copy with a terminating zero. */
static const char *as_text(const qw_result *r, struct bytes b)
{
    return arena_str(&((qw_result *)r)->texts, b);
}

const char *qw_result_column(const qw_result *r, size_t column)
{
    return column < r->result->schema.count ? as_text(r, r->result->schema.fields[column].name)
                                            : NULL;
}

const char *qw_result_type(const qw_result *r, size_t column)
{
    return column < r->result->schema.count
               ? type_text(&((qw_result *)r)->texts, r->result->schema.fields[column].type)
               : NULL;
}

static const char *cell_text(qw_result *r, const struct type *type, const struct column *col,
                             uint16_t row)
{
    struct buf buf;

    if (!column_valid(col, row))
        return NULL;
    buf_init(&buf, 0);
    value_text(&buf, type, col, row, NULL);
    const char *text = arena_str(&r->texts, buf_view(&buf));
    buf_deinit(&buf);
    return text;
}

/* The chunk that a row is in, and its physical row there; NULL past the last. */
static const struct chunk *find_row(const struct engine_result *e, size_t row, uint16_t *physical)
{
    for (uint32_t i = 0; i < e->chunks_count; i++) {
        const struct chunk *chunk = &e->chunks[i];
        if (row < chunk->count) {
            *physical = chunk_row(chunk, (uint16_t)row);
            return chunk;
        }
        row -= chunk->count;
    }
    return NULL;
}

const char *qw_result_text(qw_result *r, size_t row, size_t column)
{
    const struct engine_result *e = r->result;
    uint16_t physical;
    const struct chunk *chunk = column < e->schema.count ? find_row(e, row, &physical) : NULL;

    return chunk ? cell_text(r, e->schema.fields[column].type, &chunk->cols[column], physical) : NULL;
}

int qw_result_value(const qw_result *r, size_t row, size_t column, int32_t kind, qw_value *out,
                    qw_error *error)
{
    const struct engine_result *e = r->result;
    uint16_t physical;
    struct diag diag = {0};
    const struct chunk *chunk = column < e->schema.count ? find_row(e, row, &physical) : NULL;

    enum status st = !chunk ? diag_set(&diag, ST_INVALID, DIAG_NAME, "there is no row %zu with a column %zu",
                                       row, column)
                            : value_to_host(e->schema.fields[column].name, e->schema.fields[column].type,
                                            &chunk->cols[column], physical, kind, out, &diag);
    return lib_error(NULL, st, &diag, error);
}

const char *qw_result_message(const qw_result *r)
{
    return r->result->message ? r->result->message : "OK";
}

void qw_result_free(qw_result *r)
{
    if (!r)
        return;
    if (r->result)
        engine_result_free(r->result);
    arena_deinit(&r->texts);
    free(r);
}
