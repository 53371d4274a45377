/* web.c: one request under way at a time: a post that is not answered yet is sent again, under its
 * Idempotency-Key, before anything else. */
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

#include "app/sim/client.h"
#include "base/buf.h"
#include "base/check.h"
#include "net/conn.h"

enum { RECORDS_MAX = 4, POST_AGAIN_ONE_IN = 5, STATUS_AT = 9 /* "HTTP/1.1 200" */ };

enum asked { ASKED_NOTHING, ASKED_POST, ASKED_VIEW };

struct web {
    struct loop *loop;
    struct ledger *ledger;
    const char *address;
    struct conn *conn; /* NULL: down */
    int64_t retry_ns;
    struct rng rng;
    enum asked asked;
    struct buf request, body; /* body: of the post that is under way */
    uint64_t number;          /* of the post: its key */
    uint64_t ids[RECORDS_MAX];
    uint32_t ids_count;       /* 0: there is none */
    uint32_t partition;
    bool answered;            /* it was, and is sent again all the same */
    bool rest;
};

static const struct conn_limits limits = {
    .in_bytes_max = 8 << 20, .out_bytes_pause = 8 << 20, .out_bytes_max = 8 << 20,
};

/* ---- answers ---- */

/* Each record is where it was said to be, now and whenever it is asked again. */
static void posted(struct web *w, int status, struct bytes body)
{
    int64_t base = ledger_number(body, "offset", -1);

    if (status == 503) {
        return; /* try again: the disk is full, or the log has failed */
    } else if (status != 200 || base < 0 || ledger_number(body, "records", -1) != w->ids_count ||
               ledger_number(body, "partition", -1) != w->partition) {
        ledger_fail(w->ledger, "a post is answered %d %.*s", status, BYTES_FMT(bytes_head(body, 200)));
        w->ids_count = 0;
        return;
    }
    for (uint32_t i = 0; i < w->ids_count; i++) {
        struct event *e = &w->ledger->events[w->ids[i]];
        if (w->answered && e->offset != base + i)
            ledger_fail(w->ledger, "a post sent again is answered offset %" PRId64 ", and was answered %" PRId64,
                        base + i, e->offset);
        w->ledger->acked += !w->answered;
        e->offset = base + i;
    }
    w->answered = true;
    if (rng_below(&w->rng, POST_AGAIN_ONE_IN) != 0)
        w->ids_count = 0;
}

/* What was shown of a view is never taken back: counts and sums of values that are not negative only grow. */
static void view_shown(struct web *w, int status, struct bytes body)
{
    static const char mark[] = "{\"k\":\"k";

    if (status != 200)
        return; /* not made yet, or not readable now */
    for (const uint8_t *at; (at = memmem(body.ptr, body.len, mark, sizeof(mark) - 1));) {
        body = bytes_skip(body, (size_t)(at - body.ptr) + sizeof(mark) - 1);
        uint32_t k = 0;
        while (body.len && body.ptr[0] >= '0' && body.ptr[0] <= '9') {
            k = k * 10 + (uint32_t)(body.ptr[0] - '0');
            body = bytes_skip(body, 1);
        }
        if (k < LEDGER_KEYS)
            ledger_total(w->ledger, k, ledger_number(body, "n", -1), ledger_number(body, "s", -1));
    }
}

static void answered(struct web *w, int status, struct bytes body)
{
    enum asked asked = w->asked;

    w->asked = ASKED_NOTHING;
    if (asked == ASKED_POST)
        posted(w, status, body);
    else if (asked == ASKED_VIEW)
        view_shown(w, status, body);
    else
        ledger_fail(w->ledger, "an answer over HTTP to nothing: %d", status);
}

static void drop(struct web *w)
{
    struct conn *conn = w->conn;

    w->conn = NULL;
    w->asked = ASKED_NOTHING;
    w->retry_ns = loop_mono_ns(w->loop) + rng_between(&w->rng, 100000, 30000000);
    if (conn)
        conn_close(conn);
}

static size_t web_bytes(void *state, struct conn *conn, struct bytes in)
{
    static const char length[] = "content-length:";
    struct web *w = state;
    const uint8_t *end = memmem(in.ptr, in.len, "\r\n\r\n", 4);
    size_t head = end ? (size_t)(end - in.ptr) + 4 : 0, len = 0, at = 0;

    if (conn != w->conn)
        return in.len;
    if (!end)
        return 0;
    while (at + sizeof(length) < head && strncasecmp((const char *)in.ptr + at, length, sizeof(length) - 1))
        at++;
    if (at + sizeof(length) < head)
        len = strtoul((const char *)in.ptr + at + sizeof(length) - 1, NULL, 10);
    if (in.len < head + len)
        return 0;
    answered(w, atoi((const char *)in.ptr + STATUS_AT), bytes_of(in.ptr + head, len));
    return head + len;
}

static void web_closed(void *state, struct conn *conn)
{
    struct web *w = state;

    if (w->conn != conn)
        return;
    w->conn = NULL;
    drop(w);
}

static const struct conn_handler handler = {.on_bytes = web_bytes, .on_close = web_closed};

/* ---- requests ---- */

static void make_post(struct web *w)
{
    char json[256];

    w->number++;
    w->answered = false;
    w->partition = (uint32_t)rng_below(&w->rng, w->ledger->partitions[LEDGER_EVENTS]);
    w->ids_count = 1 + (uint32_t)rng_below(&w->rng, RECORDS_MAX);
    buf_clear(&w->body);
    for (uint32_t i = 0; i < w->ids_count; i++) {
        w->ids[i] = ledger_make(w->ledger, LEDGER_EVENTS, w->partition, &w->rng);
        size_t len = ledger_json(w->ledger, w->ids[i], json, sizeof(json));
        buf_append(&w->body, json, len);
        buf_append(&w->body, "\n", 1);
    }
}

static void send_post(struct web *w)
{
    char head[300];
    int n = snprintf(head, sizeof(head),
                     "POST /v1/topics/%s?partition=%u HTTP/1.1\r\nHost: %s\r\nIdempotency-Key: post-%" PRIu64
                     "\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                     ledger_topics[LEDGER_EVENTS], w->partition, w->address, w->number, w->body.len);

    buf_clear(&w->request);
    buf_append(&w->request, head, (size_t)n);
    buf_bytes(&w->request, buf_view(&w->body));
    conn_send(w->conn, buf_view(&w->request));
    w->asked = ASKED_POST;
}

static void ask_view(struct web *w)
{
    char head[200];
    int n = snprintf(head, sizeof(head), "GET /v1/views/totals HTTP/1.1\r\nHost: %s\r\n\r\n", w->address);

    conn_send(w->conn, bytes_of(head, (size_t)n));
    w->asked = ASKED_VIEW;
}

static bool is_up(struct web *w)
{
    if (w->conn)
        return true;
    if (loop_mono_ns(w->loop) < w->retry_ns)
        return false;
    if (conn_connect(w->loop, w->address, &handler, w, &limits, &w->conn) == ST_OK)
        return true;
    w->conn = NULL;
    w->retry_ns = loop_mono_ns(w->loop) + 5000000;
    return false;
}

void web_step(struct web *w)
{
    if (!is_up(w) || w->asked != ASKED_NOTHING)
        return;
    if (!w->ids_count && !w->rest && rng_chance(&w->rng, 0.3))
        make_post(w);
    if (w->ids_count)
        send_post(w);
    else if (rng_chance(&w->rng, 0.3))
        ask_view(w);
}

/* ---- life ---- */

struct web *web_create(struct loop *loop, struct ledger *ledger, const char *address, uint64_t seed)
{
    struct web *w = xcalloc(1, sizeof(*w));

    *w = (struct web){.loop = loop, .ledger = ledger, .address = address, .rng = rng_seed(seed)};
    buf_init(&w->request, 0);
    buf_init(&w->body, 0);
    return w;
}

void web_rest(struct web *w, bool rest)
{
    w->rest = rest;
}

bool web_idle(const struct web *w)
{
    return w->ids_count == 0;
}

void web_hang_up(struct web *w)
{
    drop(w);
}

void web_destroy(struct web *w)
{
    CHECK(!w->conn);
    buf_deinit(&w->request);
    buf_deinit(&w->body);
    free(w);
}
