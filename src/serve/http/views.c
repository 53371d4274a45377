/* views.c: reading views: one row by key, all rows page by page, the changes as they happen. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "serve/http/face.h"
#include "wire/http/uri.h"
#include "wire/kafka/batch.h"

enum { CHANGES_AT_ONCE = 500, CHANGES_UNSENT_MAX = 256 << 10 };

void get_views(struct exchange *x)
{
    struct view *view = NULL;
    struct buf body;
    struct json_writer w;

    buf_init(&body, x->face->options.answer_bytes_max);
    json_writer_init(&w, &body);
    json_array_begin(&w);
    while ((view = engine_view_next(x->face->engine, view)))
        write_view_info(&w, view);
    json_array_end(&w);
    reply_json(x, 200, &body);
}

static struct view *find_view(struct exchange *x)
{
    struct view *view = engine_view_find(x->face->engine, x->params[0]);

    if (!view)
        reply_error(x, 404, "name", "there is no view '%.*s': CREATE MATERIALIZED TABLE makes one",
                    BYTES_FMT(bytes_head(x->params[0], 200)));
    return view;
}

/* ---- one row ---- */

enum { KEY_COLUMNS_MAX = 16 };

static void get_row(struct exchange *x, struct view *view)
{
    struct bytes keys[KEY_COLUMNS_MAX], rest = x->request->query;
    const uint16_t *columns;
    uint16_t want = view_key(view, &columns), got = 0;
    struct engine_result result;
    struct diag diag = {0};
    struct buf text;

    buf_init(&text, 0);
    while (got < KEY_COLUMNS_MAX && (buf_clear(&text), query_next(&rest, "key", &text)))
        keys[got++] = arena_copy(&x->arena, buf_view(&text));
    buf_deinit(&text);
    if (want == 0 || got != want) {
        reply_error(x, 400, "value", "the key of view '%.*s' has %u column(s), %u were given (?key=…&key=…)",
                    BYTES_FMT(view_name(view)), want, got);
        return;
    }
    enum status st = view_get(view, keys, got, &result, &diag);
    if (st != ST_OK && st != ST_NOTFOUND) {
        reply_diag(x, st, &diag);
        return;
    }
    if (st == ST_NOTFOUND || result.rows == 0) {
        if (st == ST_OK)
            arena_deinit(&result.arena);
        reply_error(x, 404, "not_found", "view '%.*s' has no row of that key", BYTES_FMT(view_name(view)));
        return;
    }
    struct buf rows, body;
    struct json_writer w;
    buf_init(&rows, 0);
    buf_init(&body, 0);
    json_writer_init(&w, &rows);
    write_rows_objects(&w, &result);
    buf_append(&body, rows.ptr + 1, rows.len - 2); /* the object, without the array around it */
    buf_deinit(&rows);
    uint64_t lsn = result.lsn;
    arena_deinit(&result.arena);
    reply_when_durable(x, lsn, 200, &body);
}

/* ---- a page of rows; the engine's cursor is text already ---- */

static bool page_arguments(struct exchange *x, struct bytes *cursor, int64_t *limit)
{
    struct buf text;

    *limit = VIEW_PAGE_ROWS;
    buf_init(&text, 0);
    bool ok = !query_get(x->request->query, "limit", &text) || bytes_to_i64(buf_view(&text), limit);
    buf_clear(&text);
    (void)query_get(x->request->query, "cursor", &text);
    *cursor = arena_copy(&x->arena, buf_view(&text));
    buf_deinit(&text);
    if (!ok || *limit < 1 || *limit > VIEW_PAGE_ROWS_MAX) {
        reply_error(x, 400, "value", "?limit= is 1 to %d, ?cursor= is the `next` of an earlier answer",
                    VIEW_PAGE_ROWS_MAX);
        return false;
    }
    return true;
}

static void get_rows(struct exchange *x, struct view *view)
{
    struct engine_result result;
    struct bytes cursor, next = BYTES_NONE;
    struct diag diag = {0};
    int64_t limit;

    if (!page_arguments(x, &cursor, &limit))
        return;
    enum status st = view_scan(view, cursor, (uint64_t)limit, &result, &next, &diag);
    if (st != ST_OK) {
        reply_diag(x, st, &diag);
        return;
    }
    struct buf body;
    struct json_writer w;
    buf_init(&body, x->face->options.answer_bytes_max);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    json_key(&w, "rows");
    write_rows_objects(&w, &result);
    json_key(&w, "next");
    if (next.len)
        json_bytes(&w, next);
    else
        json_put_null(&w);
    json_object_end(&w);
    uint64_t lsn = result.lsn;
    arena_deinit(&result.arena);
    reply_when_durable(x, lsn, 200, &body);
}

void get_view(struct exchange *x)
{
    struct view *view = find_view(x);

    if (!view)
        return;
    if (query_has(x->request->query, "key"))
        get_row(x, view);
    else
        get_rows(x, view);
}

/* ---- changes, as server-sent events ----
 * The id of an event is its record's offset in the view's topic of changes. */

struct changes {
    struct bytes name;
    int64_t position;
    uint8_t name_bytes[LOG_NAME_MAX];
    struct buf out;
};

static void free_changes(struct exchange *x)
{
    struct changes *c = x->state;
    buf_deinit(&c->out);
    free(c);
}

static void one_change(void *context, const struct record *record)
{
    struct changes *c = context;
    char id[24];

    if (!record->value.ptr)
        return; /* a tombstone that compaction wants: the change itself said so */
    snprintf(id, sizeof id, "%" PRId64, record->offset);
    sse_event(&c->out, NULL, bytes_str(id), record->value);
}

static void changes_pass(struct exchange *x)
{
    struct changes *c = x->state;
    struct log_partition *partition = view_partition(x->face, c->name);
    struct log_offsets offsets;

    if (conn_closing(x->session->conn))
        return;
    if (!partition) {
        stream_send(x, BYTES_LITERAL("event: gone\ndata: {}\n\n"));
        conn_close_after_send(x->session->conn);
        return;
    }
    log_offsets(partition, &offsets);
    if (c->position == offsets.durable || conn_unsent(x->session->conn) > CHANGES_UNSENT_MAX)
        return;
    buf_clear(&c->out);
    int64_t before = c->position;
    enum status st = tail_read(x->face, partition, &c->position, CHANGES_AT_ONCE, one_change, c);
    if (st == ST_NOTFOUND)
        buf_printf(&c->out, "event: gap\ndata: {\"from\":%" PRId64 ",\"to\":%" PRId64 "}\n\n", before,
                   c->position);
    else if (st != ST_OK)
        conn_close_after_send(x->session->conn);
    stream_send(x, buf_view(&c->out));
    log_offsets(partition, &offsets);
    if (c->position < offsets.durable)
        loop_again(x->face->loop);
}

static void beat(struct exchange *x)
{
    stream_send(x, BYTES_LITERAL(": still here\n\n"));
}

/* Where to begin: behind Last-Event-ID, at ?from=start, or with what comes now. */
static bool first_position(struct exchange *x, struct log_partition *partition, int64_t *position)
{
    struct bytes last = http_header_get(x->request, "last-event-id");
    struct log_offsets offsets;
    struct buf from;

    log_offsets(partition, &offsets);
    *position = offsets.durable;
    if (last.len) {
        if (!bytes_to_i64(last, position) || *position < -1 || *position >= INT64_MAX)
            return false;
        ++*position;
        return true;
    }
    buf_init(&from, 0);
    bool given = query_get(x->request->query, "from", &from), ok = true;
    if (given && bytes_is(buf_view(&from), "start"))
        *position = offsets.start;
    else if (given && !bytes_is(buf_view(&from), "now"))
        ok = bytes_to_i64(buf_view(&from), position) && *position >= 0;
    buf_deinit(&from);
    return ok;
}

void get_changes(struct exchange *x)
{
    struct view *view = find_view(x);
    struct log_partition *partition = view ? view_partition(x->face, x->params[0]) : NULL;
    int64_t position;

    if (!view)
        return;
    if (!partition) {
        reply_error(x, 409, "state", "view '%.*s' keeps no changes", BYTES_FMT(view_name(view)));
        return;
    }
    if (!first_position(x, partition, &position)) {
        reply_error(x, 400, "value", "Last-Event-ID and ?from= are an offset; ?from= may be start or now");
        return;
    }
    if (x->request->method == HTTP_HEAD) {
        reply(x, 200, "text/event-stream", NULL, BYTES_NONE);
        return;
    }
    struct changes *c = xcalloc(1, sizeof *c);
    size_t len = x->params[0].len < sizeof c->name_bytes ? x->params[0].len : sizeof c->name_bytes;
    memcpy(c->name_bytes, x->params[0].ptr, len);
    c->name = bytes_of(c->name_bytes, len);
    c->position = position;
    buf_init(&c->out, 0);
    x->state = c;
    x->abandon = free_changes;
    x->session->on_pass = changes_pass;
    x->session->on_beat = beat;
    stream_begin(x, SESSION_STREAM,
                 BYTES_LITERAL("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                               "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                               "Connection: close\r\n\r\n: changes follow\n\n"));
    loop_again(x->face->loop);
}
