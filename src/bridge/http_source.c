/* http_source.c: an HTTP server as a source: GET, again and again.
 *
 *     http.body    an answer has
 *     array        a JSON array of rows, itself or as the member 'http.rows'
 *     lines        a row a line, in the table's format
 *     record       one row, in the table's format
 *
 * An answer whose rows are, byte for byte, those of the one before is not taken again; with an ETag the server is
 * asked for no such one (If-None-Match). Where 'http.url' has {cursor} in it, that stands for the member
 * 'http.cursor' of the last row: so only what is new is asked for, and as long as rows come, at once.
 *
 * The position is "HASH GIVEN WHOLE ETAG\nCURSOR": of which answer how many rows were given. What an answer has is
 * given in as many polls as it needs; after a crash it is asked for anew, and if it is the same, the rows that were
 * given are passed over. With a cursor it is not the same, for it begins behind them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/hash.h"
#include "bridge/halve.h"
#include "bridge/http_inner.h"

enum { CURSOR_MAX = 4096, RETRY_AFTER_MAX_MS = 3600000, MEMBERS_MAX = 16 };
#define CURSOR_HOLE "{cursor}"

static size_t hole_of(struct bytes url)
{
    const uint8_t *at = url.len ? memmem(url.ptr, url.len, CURSOR_HOLE, sizeof(CURSOR_HOLE) - 1) : NULL;

    return at ? (size_t)(at - url.ptr) : url.len;
}

/* ---- opening ---- */

enum status http_source_check(const struct bridge_spec *spec, struct diag *diag)
{
    const struct bridge_value *v = spec->values;
    bool hole = hole_of(v[OPT_URL].text) < v[OPT_URL].text.len;

    if (v[OPT_READ].number == HTTP_EVENTS && (hole || v[OPT_CURSOR].given || v[OPT_ROWS].given))
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'http.cursor', {cursor} and 'http.rows' are of 'http.read' = 'poll'");
    if (hole != (v[OPT_CURSOR].text.len > 0))
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'http.cursor' and " CURSOR_HOLE " in 'http.url' go together");
    if (hole && !bytes_is(spec->format, "json"))
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'http.cursor' is a member of JSON, and the table's format is '%.*s'",
                        BYTES_FMT(bytes_head(spec->format, 60)));
    if (v[OPT_CURSOR_START].text.len > CURSOR_MAX)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'http.cursor.start' is longer than %d bytes", CURSOR_MAX);
    if (v[OPT_ROWS].text.len && v[OPT_BODY].number != HTTP_ARRAY)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'http.rows' is of 'http.body' = 'array'");
    if (spec->way == BRIDGE_SOURCE && spec->key_count)
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                        "`%.*s` cannot be read: what comes by HTTP is added, so leave its PRIMARY KEY out",
                        BYTES_FMT(spec->table));
    if (spec->way == BRIDGE_SINK && hole)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, CURSOR_HOLE " in 'http.url' is of a table that is read");
    return ST_OK;
}

void http_source_open(struct bridge_http_state *b)
{
    struct http_source *s = &b->source;

    buf_init(&s->answer, (size_t)b->base.spec->values[OPT_ANSWER].number);
    buf_init(&s->cursor, 0);
    buf_bytes(&s->cursor, b->base.spec->values[OPT_CURSOR_START].text);
}

void http_source_close(struct bridge_http_state *b)
{
    buf_deinit(&b->source.answer);
    buf_deinit(&b->source.cursor);
}

/* ---- the position ---- */

static void moved(struct bridge_http_state *b, struct bridge_poll *poll)
{
    struct http_source *s = &b->source;
    struct buf text;

    buf_init(&text, 0);
    buf_printf(&text, "%" PRIx64 " %u %d %s\n", s->hash, s->given, s->whole, s->etag);
    buf_bytes(&text, buf_view(&s->cursor));
    bridge_poll_moved(poll, BYTES_LITERAL("answer"), buf_view(&text));
    buf_deinit(&text);
}

enum status http_resume(struct bridge *bridge, struct bytes split, struct bytes position)
{
    struct http_source *s = &((struct bridge_http_state *)bridge)->source;
    size_t end = bytes_find(position, '\n', 0);
    char head[HTTP_ETAG_MAX + 64] = {0};
    int whole = 0, etag = 0;

    if (bytes_is(split, "events"))
        return http_events_resume((struct bridge_http_state *)bridge, position);
    if (!bytes_is(split, "answer") || end == position.len || end >= sizeof(head))
        return ST_CORRUPT;
    memcpy(head, position.ptr, end);
    if (sscanf(head, "%" SCNx64 " %u %d %n", &s->hash, &s->given, &whole, &etag) != 3 || !etag ||
        strlen(head + etag) > HTTP_ETAG_MAX)
        return ST_CORRUPT;
    s->whole = whole;
    snprintf(s->etag, sizeof(s->etag), "%s", head + etag);
    buf_clear(&s->cursor);
    buf_bytes(&s->cursor, bytes_skip(position, end + 1));
    return ST_OK;
}

/* ---- rows of an answer ---- */

/* The next one; false: there are no more. */
static bool next_row(struct bridge_http_state *b, struct bytes *row)
{
    struct http_source *s = &b->source;

    if (b->body == HTTP_ARRAY)
        return json_array_next(&s->items, row);
    while (s->rest.len) {
        size_t end = b->body == HTTP_LINES ? bytes_find(s->rest, '\n', 0) : s->rest.len;
        *row = bytes_head(s->rest, end);
        s->rest = bytes_skip(s->rest, end + (end < s->rest.len));
        if (b->body == HTTP_LINES && row->len && row->ptr[row->len - 1] == '\r')
            row->len--;
        if (row->len)
            return true;
    }
    return false;
}

static bool find_array(struct bytes value, struct bytes path, struct bytes *out)
{
    char name[256];

    for (int i = 0; path.len && i < MEMBERS_MAX; i++) {
        size_t end = bytes_find(path, '.', 0);
        if (end >= sizeof(name) || json_kind_of(value) != JSON_OBJECT)
            return false;
        memcpy(name, path.ptr, end);
        name[end] = 0;
        if (!json_member(value, name, &value))
            return false;
        path = bytes_skip(path, end + (end < path.len));
    }
    *out = value;
    return !path.len && json_kind_of(value) == JSON_ARRAY;
}

/* Where its rows begin, and their text; false: trouble. */
static bool open_rows(struct bridge_http_state *b, struct bridge_poll *poll, struct bytes *rows)
{
    struct http_source *s = &b->source;
    struct bytes text = buf_view(&s->answer), path = b->base.spec->values[OPT_ROWS].text, value;
    struct json_cursor error = {.error = NULL}, all = json_cursor_of(text);

    s->rest = *rows = text;
    if (b->body != HTTP_ARRAY)
        return true;
    if (!json_is_one(text, &error) || !json_next(&all, &value)) {
        snprintf(poll->trouble, sizeof(poll->trouble), "its answer is not JSON: %s at byte %zu",
                 error.error ? error.error : "it is empty", error.pos);
        return false;
    }
    if (find_array(value, path, rows)) {
        s->items = json_iter_of(*rows);
        return true;
    }
    snprintf(poll->trouble, sizeof(poll->trouble), "its answer has no array %s%.*s", path.len ? "at " : "of rows",
             BYTES_FMT(bytes_head(path, 100)));
    return false;
}

/* ---- asking ---- */

/* With the cursor in it; NULL: as it stands in the options. */
static const char *url_of(struct bridge_http_state *b, struct arena *arena)
{
    struct bytes url = b->base.spec->values[OPT_URL].text;
    size_t hole = hole_of(url);
    struct buf text;

    if (hole == url.len)
        return NULL;
    buf_init(&text, 0);
    buf_bytes(&text, bytes_head(url, hole));
    http_percent(&text, buf_view(&b->source.cursor));
    buf_bytes(&text, bytes_skip(url, hole + sizeof(CURSOR_HOLE) - 1));
    const char *out = arena_str(arena, buf_view(&text));
    buf_deinit(&text);
    return out;
}

/* The time has come; false: not within wait_ms. */
static bool wait_for(int64_t until_ms, int64_t wait_ms)
{
    int64_t left = until_ms - halve_now_ms(), rest = left < wait_ms ? left : wait_ms;

    if (rest > 0)
        nanosleep(&(struct timespec){rest / 1000, rest % 1000 * 1000000}, NULL);
    return left <= wait_ms;
}

static void ask(struct bridge_http_state *b, struct bridge_poll *poll, struct http_reply *reply)
{
    struct http_source *s = &b->source;
    const char *url = url_of(b, poll->arena);

    if (!url && s->whole && s->etag[0])
        b->headers[b->headers_count] = arena_printf(poll->arena, "If-None-Match: %s", s->etag);
    buf_deinit(&s->answer);
    buf_init(&s->answer, (size_t)b->base.spec->values[OPT_ANSWER].number);
    http_call_make(
        b->call,
        &(struct http_request){
            .method = "GET", .headers = b->headers + 1 /* but Content-Type */, .url = url, .answer = &s->answer},
        reply);
    b->headers[b->headers_count] = NULL;
}

/* Whether there are rows to give: of an answer that is new, or of one that was given in part. */
static bool take(struct bridge_http_state *b, struct bridge_poll *poll, const struct http_reply *reply)
{
    struct http_source *s = &b->source;
    struct bytes row, rows;

    if (!open_rows(b, poll, &rows))
        return false;
    uint64_t hash = hash_bytes(rows) | 1; /* 0 is none */
    bool same = hash == s->hash;
    if (same && s->whole)
        return false;
    for (uint32_t i = 0; same && i < s->given && next_row(b, &row); i++)
        ;
    if (!same)
        s->given = 0;
    s->hash = hash;
    s->whole = false;
    snprintf(s->etag, sizeof(s->etag), "%s", reply->etag);
    return true;
}

static bool fetch(struct bridge_http_state *b, struct bridge_poll *poll)
{
    struct http_source *s = &b->source;
    struct http_reply reply;

    if (!wait_for(s->next_ms, poll->wait_ms)) {
        snprintf(poll->trouble, sizeof(poll->trouble), "%s", s->refusal);
        return false;
    }
    s->refusal[0] = 0;
    s->next_ms = 0; /* after trouble the frame says how long to wait */
    ask(b, poll, &reply);
    if (reply.status / 100 == 2 || reply.status == 304) {
        bool rows = s->answer.len > 0 && take(b, poll, &reply);
        if (!poll->trouble[0])
            s->next_ms = halve_now_ms() + b->base.spec->values[OPT_INTERVAL].number;
        return rows;
    }
    http_reply_text(&reply, poll->trouble, sizeof(poll->trouble));
    if (reply.retry_after_ms) {
        snprintf(s->refusal, sizeof(s->refusal), "%s", poll->trouble);
        s->next_ms = halve_now_ms() +
                     (reply.retry_after_ms < RETRY_AFTER_MAX_MS ? reply.retry_after_ms : RETRY_AFTER_MAX_MS);
    }
    return false;
}

/* ---- giving ---- */

/* What the row says of where to go on; one that moves it means that there may be more at once. */
static void take_cursor(struct bridge_http_state *b, struct bridge_poll *poll, struct bridge_record *r)
{
    struct http_source *s = &b->source;
    char *name = arena_str(poll->arena, b->base.spec->values[OPT_CURSOR].text);
    struct json_cursor all = json_cursor_of(r->value);
    struct bytes row, member;
    struct buf text;

    if (!json_is_one(r->value, NULL) || !json_next(&all, &row) || json_kind_of(row) != JSON_OBJECT ||
        !json_member(row, name, &member) ||
        (json_kind_of(member) != JSON_STRING && json_kind_of(member) != JSON_NUMBER)) {
        r->never =
            arena_printf(poll->arena, "it has no text or number '%s', from which on more is asked for", name);
        return;
    }
    buf_init(&text, 0);
    if (json_kind_of(member) == JSON_STRING)
        json_string_decode(member, &text);
    else
        buf_bytes(&text, member);
    if (text.len > CURSOR_MAX)
        r->never = arena_printf(poll->arena, "its '%s' is longer than %d bytes", name, CURSOR_MAX);
    else if (!bytes_equal(buf_view(&text), buf_view(&s->cursor))) {
        buf_clear(&s->cursor);
        buf_bytes(&s->cursor, buf_view(&text));
        s->next_ms = 0;
    }
    buf_deinit(&text);
}

/* False: the poll is full, and the row comes in the next. */
static bool give(struct bridge_http_state *b, struct bridge_poll *poll, struct bytes row)
{
    struct bridge_record *r = bridge_poll_record(poll, row.len);

    if (!r)
        return false;
    r->timestamp_ms = (int64_t)time(NULL) * 1000;
    r->value = arena_copy(poll->arena, row);
    if (b->base.spec->values[OPT_CURSOR].text.len)
        take_cursor(b, poll, r);
    b->source.given++;
    return true;
}

void http_poll(struct bridge *bridge, struct bridge_poll *poll)
{
    struct bridge_http_state *b = (struct bridge_http_state *)bridge;
    struct http_source *s = &b->source;
    struct bytes row;

    if (b->base.spec->values[OPT_READ].number == HTTP_EVENTS) {
        http_events_poll(b, poll);
        return;
    }
    if (!s->pending && !fetch(b, poll))
        return;
    for (;;) {
        struct json_iter items = s->items;
        struct bytes rest = s->rest;
        s->pending = next_row(b, &row);
        if (!s->pending)
            break;
        if (!give(b, poll, row)) {
            s->items = items;
            s->rest = rest;
            break;
        }
    }
    s->whole = !s->pending;
    moved(b, poll);
}
