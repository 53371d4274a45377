/* http.c: an HTTP server as a sink (a webhook); http_source.c and http_events.c read one.
 *
 *     http.body    a request has                          Content-Type
 *     array        a batch: [row,row,…]                   application/json
 *     lines        a batch: a row a line                  application/x-ndjson
 *     record       one row, in the table's format         application/json, text/csv, application/octet-stream
 *
 * With a PRIMARY KEY rows change, and each is {"op":"put","row":{…}} or {"op":"delete","key":{…}}.
 *
 * The header Idempotency-Key says which records a request has: IDENTITY-PARTITION-FIRST-LAST, offsets. A request
 * that is made again has the same records and so the same key: where it ended is remembered, for more may have come
 * since. After a crash of ours that is not known any more, but with 'record', where FIRST and LAST are one.
 *
 *     answer                                          then
 *     2xx                                             taken
 *     4xx but 'http.retry.statuses'                   halves of the batch, down to the record: that is `never`
 *     all else, no answer, a redirect                 later, and not before Retry-After
 *
 * Library: libcurl.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "bridge/halve.h"
#include "bridge/http_inner.h"

static const struct bridge_option options[] = {
    [OPT_URL] = {"http.url", BRIDGE_TEXT, NULL, NULL, 0, 0,
                 "where rows are sent to, or asked for, https://host:8443/path"},
    [OPT_METHOD] = {"http.method", BRIDGE_WORD, "POST", "POST|PUT|PATCH", 0, 0, "of the request"},
    [OPT_BODY] = {"http.body", BRIDGE_WORD, "array", "array|lines|record", 0, 0,
                  "a JSON array of rows, rows as lines, or a request (an answer) a row"},
    [OPT_TYPE] = {"http.content.type", BRIDGE_TEXT, "", NULL, 0, 0, "Content-Type; default: by what is sent"},
    [OPT_HEADERS] = {"http.headers", BRIDGE_SECRET, "", NULL, 0, 0, "more headers, 'Name: value', one a line"},
    [OPT_AUTHORIZATION] = {"http.authorization", BRIDGE_SECRET, "", NULL, 0, 0,
                           "the header Authorization, such as 'Bearer …'"},
    [OPT_USER] = {"http.user", BRIDGE_TEXT, "", NULL, 0, 0, "of basic authentication"},
    [OPT_PASSWORD] = {"http.password", BRIDGE_SECRET, "", NULL, 0, 0, "its password"},
    [OPT_RETRY] = {"http.retry.statuses", BRIDGE_TEXT, "401,403,404,405,407,408,421,423,425,429", NULL, 0, 0,
                   "of 4xx: they are not the record's fault, and tried again"},
    [OPT_CA] = {"http.cacert", BRIDGE_TEXT, "", NULL, 0, 0,
                "file of the authorities that are trusted; default: the system's"},
    [OPT_CERT] = {"http.cert", BRIDGE_TEXT, "", NULL, 0, 0, "file of our own certificate (PEM)"},
    [OPT_KEY] = {"http.key", BRIDGE_TEXT, "", NULL, 0, 0, "file of its key"},
    [OPT_PROXY] = {"http.proxy", BRIDGE_TEXT, "", NULL, 0, 0, "URL of a proxy; default: none"},
    [OPT_INTERVAL] = {"http.poll.interval", BRIDGE_TIME, "10 s", NULL, 10, 86400000,
                      "of a source: how long after an answer the next is asked for"},
    [OPT_ROWS] =
        {"http.rows", BRIDGE_TEXT, "", NULL, 0, 0,
         "of a source: the member of an answer that is the array of rows, as data.items; default: all of it"},
    [OPT_CURSOR] = {"http.cursor", BRIDGE_TEXT, "", NULL, 0, 0,
                    "of a source: the member of a row that replaces {cursor} in 'http.url' when more is asked for"},
    [OPT_CURSOR_START] = {"http.cursor.start", BRIDGE_TEXT, "", NULL, 0, 0, "what replaces it the first time"},
    [OPT_ANSWER] = {"http.answer.bytes", BRIDGE_BYTES, "16mb", NULL, 1024, 1 << 30,
                    "of a source: a larger answer, or event, is not taken"},
    [OPT_READ] = {"http.read", BRIDGE_WORD, "poll", "poll|events", 0, 0,
                  "of a source: asked again and again, or one answer of server-sent events"},
    [OPT_EVENTS] = {"http.events", BRIDGE_TEXT, "", NULL, 0, 0,
                    "the names of events that are rows, by commas; default: all"},
    [OPT_IDLE] = {"http.events.idle", BRIDGE_TIME, "60 s", NULL, 10, 86400000,
                  "when nothing comes for so long, not even a comment, the connection is made anew"},
};

static bool takes_rows(const struct bridge_spec *spec)
{
    (void)spec;
    return false;
}

static bool takes_changes(const struct bridge_spec *spec)
{
    return spec->key_count > 0;
}

/* ---- opening ---- */

static const char *content_type(struct bridge_http_state *b)
{
    const struct bridge_spec *spec = b->base.spec;

    if (spec->values[OPT_TYPE].given)
        return arena_str(&b->arena, spec->values[OPT_TYPE].text);
    if (b->body == HTTP_LINES)
        return "application/x-ndjson";
    return bytes_is(spec->format, "csv")    ? "text/csv; charset=utf-8"
           : bytes_is(spec->format, "json") ? "application/json"
                                            : "application/octet-stream";
}

static enum status header(struct bridge_http_state *b, struct bytes line, struct diag *diag)
{
    if (b->headers_count == HEADERS_MAX - 1)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'http.headers' has more than %d headers", HEADERS_MAX - 4);
    b->headers[b->headers_count++] = arena_str(&b->arena, line);
    return ST_OK;
}

static enum status read_headers(struct bridge_http_state *b, struct diag *diag)
{
    const struct bridge_value *v = b->base.spec->values;
    struct bytes rest = v[OPT_HEADERS].text, bad;
    char *line = arena_printf(&b->arena, "Content-Type: %s", content_type(b));

    TRY(header(b, bytes_str(line), diag));
    TRY(header(b, BYTES_LITERAL("User-Agent: quickwater"), diag));
    if (v[OPT_AUTHORIZATION].given) {
        line = arena_printf(&b->arena, "Authorization: %.*s", BYTES_FMT(v[OPT_AUTHORIZATION].text));
        TRY(header(b, bytes_str(line), diag));
    }
    for (unsigned i = 0; i < b->headers_count; i++)
        if (!http_headers_check(bytes_str(b->headers[i]), &bad) || strchr(b->headers[i], '\n'))
            return diag_set(diag, ST_INVALID, DIAG_VALUE,
                            "'http.content.type' and 'http.authorization' are one line each");
    if (!http_headers_check(rest, &bad)) {
        diag_hint(diag, "'Name: value', one a line");
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "a line of 'http.headers' is no header");
    }
    while (rest.len) {
        size_t end = bytes_find(rest, '\n', 0);
        if (end)
            TRY(header(b, bytes_head(rest, end), diag));
        rest = bytes_skip(rest, end + (end < rest.len));
    }
    return ST_OK;
}

static enum status read_statuses(struct bridge_http_state *b, struct diag *diag)
{
    struct bytes rest = b->base.spec->values[OPT_RETRY].text;

    while (rest.len) {
        size_t end = bytes_find(rest, ',', 0);
        int64_t status;
        struct bytes word = bytes_head(rest, end);
        while (word.len && word.ptr[0] == ' ')
            word = bytes_skip(word, 1);
        if (!bytes_to_i64(word, &status) || status < 400 || status > 499 || b->retried_count == STATUSES_MAX)
            return diag_set(diag, ST_INVALID, DIAG_VALUE,
                            "'http.retry.statuses' is a list such as 404,429, at most %d of 400 to 499",
                            STATUSES_MAX);
        b->retried[b->retried_count++] = (long)status;
        rest = bytes_skip(rest, end + (end < rest.len));
    }
    return ST_OK;
}

static const char *optional(struct bridge_http_state *b, int option)
{
    const struct bridge_value *v = &b->base.spec->values[option];
    return v->given ? arena_str(&b->arena, v->text) : NULL;
}

static enum status check(const struct bridge_spec *spec, struct diag *diag)
{
    bool events = spec->values[OPT_READ].number == HTTP_EVENTS;
    bool rows = (spec->values[OPT_BODY].number == HTTP_ARRAY && !events) || spec->key_count > 0;

    TRY(http_url_check(spec->values[OPT_URL].text, "http", diag));
    TRY(http_source_check(spec, diag));
    if (!rows || bytes_is(spec->format, "json"))
        return ST_OK;
    diag_hint(diag, "leave 'format' out, or send 'http.body' = 'record' of a table without a PRIMARY KEY");
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "%s is JSON, and the table's format is '%.*s'",
                    spec->key_count ? "what changes" : "'http.body' = 'array'",
                    BYTES_FMT(bytes_head(spec->format, 60)));
}

static void http_close(struct bridge *bridge)
{
    struct bridge_http_state *b = (struct bridge_http_state *)bridge;

    http_call_close(b->call);
    arena_deinit(&b->arena);
    buf_deinit(&b->text);
    http_source_close(b);
    http_events_close(b);
    free(b->tried);
    free(b);
}

static enum status http_open(const struct bridge_spec *spec, struct bridge **out, struct diag *diag)
{
    TRY(check(spec, diag));
    struct bridge_http_state *b = xcalloc(1, sizeof(*b));
    b->base = (struct bridge){&bridge_http, spec};
    b->body = (enum http_body)spec->values[OPT_BODY].number;
    arena_init(&b->arena, ARENA_BUDGET_NONE);
    buf_init(&b->text, 0);
    b->method = arena_str(&b->arena, spec->values[OPT_METHOD].text);
    enum status st = read_headers(b, diag);
    if (st == ST_OK)
        st = read_statuses(b, diag);
    if (st != ST_OK) {
        http_close(&b->base);
        return st;
    }
    http_source_open(b);
    b->call_options = (struct http_call_options){
        .url = optional(b, OPT_URL), .user = optional(b, OPT_USER), .password = optional(b, OPT_PASSWORD),
        .proxy = optional(b, OPT_PROXY), .ca_file = optional(b, OPT_CA), .cert_file = optional(b, OPT_CERT),
        .key_file = optional(b, OPT_KEY), .timeout_ms = spec->timeout_ms};
    b->call = http_call_open(&b->call_options);
    *out = &b->base;
    return ST_OK;
}

/* ---- a request ---- */

static void write_record(struct bridge_http_state *b, const struct bridge_record *r)
{
    if (!b->base.spec->key_count) {
        buf_bytes(&b->text, r->value);
        return;
    }
    buf_str(&b->text, r->value.ptr ? "{\"op\":\"put\",\"row\":" : "{\"op\":\"delete\",\"key\":");
    buf_bytes(&b->text, r->value.ptr ? r->value : r->key);
    buf_u8(&b->text, '}');
}

static void write_body(struct bridge_http_state *b, const struct bridge_record *records, uint32_t count)
{
    buf_clear(&b->text);
    if (b->body == HTTP_ARRAY)
        buf_u8(&b->text, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i && b->body == HTTP_ARRAY)
            buf_u8(&b->text, ',');
        write_record(b, &records[i]);
        if (b->body == HTTP_LINES)
            buf_u8(&b->text, '\n');
    }
    if (b->body == HTTP_ARRAY)
        buf_u8(&b->text, ']');
}

static bool is_the_records(const struct bridge_http_state *b, long status)
{
    for (unsigned i = 0; i < b->retried_count; i++)
        if (b->retried[i] == status)
            return false;
    return status >= 400 && status <= 499;
}

static enum halve_said send_records(struct bridge *bridge, struct bridge_batch *batch, uint32_t count,
                                    const char **why)
{
    struct bridge_http_state *b = (struct bridge_http_state *)bridge;
    const struct bridge_record *records = &batch->records[batch->settled];
    struct http_reply reply;
    char key[160];

    snprintf(key, sizeof(key), "Idempotency-Key: %.40s-%u-%lld-%lld", b->base.spec->identity, records[0].partition,
             (long long)records[0].offset, (long long)records[count - 1].offset);
    b->headers[b->headers_count] = key;
    write_body(b, records, count);
    http_call_make(b->call,
                   &(struct http_request){.method = b->method, .headers = b->headers, .body = buf_view(&b->text)},
                   &reply);
    b->headers[b->headers_count] = NULL;
    if (reply.status / 100 == 2)
        return HALVE_TAKEN;
    if (is_the_records(b, reply.status)) {
        *why = arena_printf(batch->arena, "the server answers %ld: %s", reply.status, reply.text);
        return HALVE_REFUSED;
    }
    http_reply_text(&reply, batch->trouble, sizeof(batch->trouble));
    batch->retry_after_ms = reply.retry_after_ms;
    return HALVE_LATER;
}

/* How many records the next request has: as many as the one before that failed. */
static uint32_t next_count(const struct bridge_http_state *b, const struct bridge_batch *batch, int64_t tried)
{
    uint32_t left = batch->count - batch->settled, n = 0;

    if (b->body == HTTP_RECORD)
        return 1;
    while (n < left && batch->records[batch->settled + n].offset < tried)
        n++;
    return n ? n : left;
}

static int64_t *tried_of(struct bridge_http_state *b, uint32_t partition)
{
    if (partition >= b->tried_count) {
        b->tried = xrealloc(b->tried, (partition + 1) * sizeof(*b->tried));
        while (b->tried_count <= partition)
            b->tried[b->tried_count++] = 0;
    }
    return &b->tried[partition];
}

static void http_deliver(struct bridge *bridge, struct bridge_batch *batch)
{
    struct bridge_http_state *b = (struct bridge_http_state *)bridge;
    int64_t *tried = tried_of(b, batch->partition);

    int64_t until_ms = halve_now_ms() + bridge->spec->timeout_ms;
    while (batch->settled < batch->count) {
        if (batch->settled && halve_now_ms() >= until_ms)
            return;
        uint32_t count = next_count(b, batch, *tried);
        *tried = batch->records[batch->settled + count - 1].offset + 1;
        if (!halve_deliver(bridge, batch, count, until_ms, send_records))
            return;
    }
}

const struct bridge_class bridge_http = {
    .name = "http",
    .ways = BRIDGE_SINK | BRIDGE_SOURCE,
    .guarantee = "written: at least once, with an Idempotency-Key made of the position; read: each answer once, "
                 "each event by its id",
    .options = options,
    .options_count = OPTIONS,
    .takes_rows = takes_rows,
    .takes_changes = takes_changes,
    .open = http_open,
    .deliver = http_deliver,
    .resume = http_resume,
    .poll = http_poll,
    .close = http_close,
};
