/* nats_link.c: see nats_inner.h: a connection to a server, what comes over it, and requests to JetStream's API.
 *
 * What is asked is asked with a reply subject of its own, INBOX.NUMBER, under one subscription. A connection has an inbox of
 * its own: what answers an earlier one is never met.
 */
#include <openssl/rand.h>
#include <stdio.h>

#include "base/check.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "bridge/nats_inner.h"

enum { SID = 1 };

void nats_disconnect(struct bridge_nats_state *b)
{
    link_close(b->link);
    b->link = NULL;
    buf_clear(&b->in);
    buf_clear(&b->out);
    b->in_at = b->in_op = b->skipped = 0;
    b->consumes = false;
    b->asked_left = 0;
    b->silent_ms = 0;
}

bool nats_trouble(struct bridge_nats_state *b, char trouble[200], const char *doing, struct bytes why)
{
    snprintf(trouble, 200, "NATS at %.50s:%u: %.40s%s%.*s", b->to.host, b->to.port, doing, doing[0] ? ": " : "",
             BYTES_FMT(bytes_head(why, 90)));
    nats_disconnect(b);
    return false;
}

bool nats_send(struct bridge_nats_state *b, char trouble[200])
{
    char why[LINK_WHY] = "";
    bool good = link_send(b->link, buf_view(&b->out), link_now_ms() + b->base.spec->timeout_ms, why);

    buf_clear(&b->out);
    return good || nats_trouble(b, trouble, "sending", bytes_str(why));
}

/* ---- what comes ---- */

/* A message that is cut: what has come of its rest is taken out; true: that was all of it. */
static bool skip_rest(struct bridge_nats_state *b, const struct nats_op *op)
{
    size_t from = b->in_at + b->in_op, there = b->in.len - from, left = op->cut - b->skipped;
    size_t n = there < left ? there : left;

    if (n) {
        memmove(b->in.ptr + from, b->in.ptr + from + n, there - n);
        b->in.len -= n;
        b->skipped += n;
    }
    return n == left;
}

static bool read_object(struct bytes text, struct bytes *out)
{
    struct json_cursor c = json_cursor_of(text);
    struct bytes more;

    return json_next(&c, out) && json_kind_of(*out) == JSON_OBJECT && !json_next(&c, &more) && !c.error;
}

static void read_info(struct bridge_nats_state *b, struct bytes text)
{
    struct bytes info;
    uint64_t most;

    if (read_object(text, &info) && nats_number(info, "max_payload", &most))
        b->payload_max = most;
}

/* What concerns nobody but the connection is done with. */
static bool is_ours(struct bridge_nats_state *b, const struct nats_op *op, char trouble[200], bool *good)
{
    if (op->kind == NATS_PING) {
        buf_str(&b->out, "PONG\r\n");
        *good = nats_send(b, trouble);
    } else if (op->kind == NATS_INFO)
        read_info(b, op->text);
    else
        return op->kind == NATS_OK;
    return true;
}

enum link_got nats_peek(struct bridge_nats_state *b, struct nats_op *out, int64_t until_ms, char trouble[200])
{
    char why[LINK_WHY] = "";
    bool good = true;

    for (;;) {
        enum nats_next next = nats_next(bytes_skip(buf_view(&b->in), b->in_at), NATS_MESSAGE_WHOLE, out, &b->in_op);
        if (next == NATS_OP && skip_rest(b, out)) {
            if (!is_ours(b, out, trouble, &good))
                return LINK_SOME;
            if (!good)
                return LINK_GONE;
            nats_drop(b);
            continue;
        }
        if (next == NATS_BAD) {
            nats_trouble(b, trouble, "", BYTES_LITERAL("what comes is not NATS' protocol"));
            return LINK_GONE;
        }
        buf_consume(&b->in, b->in_at);
        b->in_at = 0;
        int64_t begun_ms = link_now_ms();
        enum link_got got = link_receive(b->link, &b->in, until_ms, why);
        b->silent_ms = got == LINK_NONE ? b->silent_ms + link_now_ms() - begun_ms : 0;
        if (got == LINK_GONE)
            nats_trouble(b, trouble, "", bytes_str(why));
        if (got != LINK_SOME)
            return got;
    }
}

void nats_drop(struct bridge_nats_state *b)
{
    b->in_at += b->in_op;
    b->in_op = b->skipped = 0;
}

bool nats_unexpected(struct bridge_nats_state *b, const struct nats_op *op, char trouble[200])
{
    char text[100];

    if (op->kind == NATS_ERR) {
        snprintf(text, sizeof(text), "%.*s", BYTES_FMT(bytes_head(op->text, 95)));
        return nats_trouble(b, trouble, "it says", bytes_str(text));
    }
    return nats_trouble(b, trouble, "", BYTES_LITERAL("it sends what was not asked for"));
}

/* ---- CONNECT ---- */

static void put_connect(struct bridge_nats_state *b)
{
    const struct bridge_value *v = b->base.spec->values;
    struct json_writer w;

    buf_str(&b->out, "CONNECT ");
    json_writer_init(&w, &b->out);
    json_object_begin(&w);
    json_key_bool(&w, "verbose", false);
    json_key_bool(&w, "pedantic", false);
    json_key_bool(&w, "tls_required", b->to.tls);
    json_key_str(&w, "lang", "c");
    json_key_str(&w, "name", "quickwater");
    json_key_str(&w, "version", "1");
    json_key_i64(&w, "protocol", 1);
    json_key_bool(&w, "headers", true);
    json_key_bool(&w, "no_responders", true);
    if (v[OPT_USER].given)
        json_key_text(&w, "user", v[OPT_USER].text);
    if (v[OPT_PASSWORD].given)
        json_key_text(&w, "pass", v[OPT_PASSWORD].text);
    if (v[OPT_TOKEN].given)
        json_key_text(&w, "auth_token", v[OPT_TOKEN].text);
    json_object_end(&w);
    buf_str(&b->out, "\r\nPING\r\n");
}

static bool json_is_true(struct bytes object, const char *name)
{
    struct bytes value;
    return json_member(object, name, &value) && json_kind_of(value) == JSON_TRUE;
}

/* NULL: the server can do what we need. */
static const char *lacks(struct bridge_nats_state *b, struct bytes text)
{
    struct bytes info;

    if (!read_object(text, &info))
        return "its INFO is no JSON";
    if (!json_is_true(info, "headers"))
        return "it has no headers (NATS 2.2), so no JetStream";
    if (!b->to.tls && json_is_true(info, "tls_required"))
        return "it wants TLS: 'nats.tls' = 'true'";
    if (b->to.tls && !json_is_true(info, "tls_required") && !json_is_true(info, "tls_available"))
        return "it has no TLS, which 'nats.tls' wants";
    return NULL;
}

/* The greeting, which is never encrypted: it is believed in nothing but that the server can go on. */
static bool greeted(struct bridge_nats_state *b, int64_t until_ms, char trouble[200])
{
    struct nats_op op;
    size_t used;
    char why[LINK_WHY] = "";
    enum nats_next next;

    while ((next = nats_next(buf_view(&b->in), NATS_LINE_MAX, &op, &used)) == NATS_MORE) {
        enum link_got got = link_receive(b->link, &b->in, until_ms, why);
        if (got != LINK_SOME)
            return nats_trouble(b, trouble, "", got == LINK_GONE ? bytes_str(why) : BYTES_LITERAL("no greeting in time ('bridge.timeout')"));
    }
    if (next == NATS_BAD || op.kind != NATS_INFO)
        return nats_trouble(b, trouble, "", BYTES_LITERAL("it does not greet as a NATS server"));
    const char *no = lacks(b, op.text);
    if (no)
        return nats_trouble(b, trouble, "", bytes_str(no));
    read_info(b, op.text);
    buf_consume(&b->in, used);
    if (!b->to.tls)
        return true;
    if (b->in.len)
        return nats_trouble(b, trouble, "", BYTES_LITERAL("it goes on in clear behind its greeting"));
    return link_encrypt(b->link, &b->to, until_ms, why) || nats_trouble(b, trouble, "", bytes_str(why));
}

static void new_inbox(struct bridge_nats_state *b)
{
    uint8_t random[8];

    CHECK(RAND_bytes(random, sizeof(random)) == 1);
    size_t n = (size_t)snprintf(b->inbox, sizeof(b->inbox), "_INBOX.");
    for (unsigned i = 0; i < sizeof(random); i++)
        n += (size_t)snprintf(b->inbox + n, sizeof(b->inbox) - n, "%02x", random[i]);
}

bool nats_dial(struct bridge_nats_state *b, char trouble[200])
{
    struct link_options plain = {.host = b->to.host, .port = b->to.port};
    int64_t until_ms = link_now_ms() + b->base.spec->timeout_ms;
    char why[LINK_WHY] = "", subject[48];
    struct nats_op op;

    b->payload_max = 1 << 20;
    b->dials++;
    b->link = link_connect(&plain, until_ms, why);
    if (!b->link)
        return nats_trouble(b, trouble, "", bytes_str(why));
    if (!greeted(b, until_ms, trouble))
        return false;
    new_inbox(b);
    put_connect(b);
    snprintf(subject, sizeof(subject), "%s.*", b->inbox);
    nats_put_subscribe(&b->out, bytes_str(subject), SID);
    if (!nats_send(b, trouble))
        return false;
    enum link_got got = nats_peek(b, &op, until_ms, trouble);
    if (got == LINK_NONE)
        return nats_trouble(b, trouble, "", BYTES_LITERAL("no answer to CONNECT in time ('bridge.timeout')"));
    if (got == LINK_GONE)
        return false;
    if (op.kind != NATS_PONG)
        return nats_unexpected(b, &op, trouble);
    nats_drop(b);
    return true;
}

/* ---- requests ---- */

uint64_t nats_ask_of(const struct bridge_nats_state *b, const struct nats_op *op)
{
    size_t len = strlen(b->inbox);
    int64_t n;

    if (op->kind != NATS_MESSAGE || op->subject.len < len + 2 || memcmp(op->subject.ptr, b->inbox, len) != 0 ||
        op->subject.ptr[len] != '.' || !bytes_to_i64(bytes_skip(op->subject, len + 1), &n) || n < 0)
        return 0;
    return (uint64_t)n;
}

bool nats_is_end(const struct bridge_nats_state *b, const struct nats_op *op)
{
    return nats_ask_of(b, op) && op->status && op->status != 503;
}

bool nats_number(struct bytes object, const char *name, uint64_t *out)
{
    struct bytes value;
    int64_t n;

    if (!json_member(object, name, &value) || !bytes_to_i64(value, &n) || n < 0)
        return false;
    *out = (uint64_t)n;
    return true;
}

static void read_error(struct bytes error, struct nats_answer *out)
{
    struct bytes words;
    struct buf text;
    uint64_t code = 1;

    (void)(nats_number(error, "err_code", &code) || nats_number(error, "code", &code));
    out->error = (int64_t)code;
    buf_init(&text, 0);
    if (json_member(error, "description", &words) && json_kind_of(words) == JSON_STRING)
        json_string_decode(words, &text);
    snprintf(out->why, sizeof(out->why), "%.*s (%llu)", BYTES_FMT(bytes_head(buf_view(&text), 90)),
             (unsigned long long)code);
    buf_deinit(&text);
}

bool nats_read_answer(const struct nats_op *op, struct nats_answer *out)
{
    struct bytes error;

    *out = (struct nats_answer){0};
    if (op->status == 503) {
        out->error = 503;
        snprintf(out->why, sizeof(out->why), "nobody answers: no stream has that subject, or JetStream is not there");
        return true;
    }
    if (op->cut || !read_object(op->payload, &out->json))
        return false;
    if (json_member(out->json, "error", &error) && json_kind_of(error) == JSON_OBJECT)
        read_error(error, out);
    return true;
}

bool nats_request(struct bridge_nats_state *b, struct arena *arena, const char *what, struct bytes body,
                  struct nats_answer *out, char trouble[200])
{
    char subject[NATS_SUBJECT_MAX], reply[64];
    struct nats_op op;

    snprintf(subject, sizeof(subject), "%s.%s", b->api, what);
    snprintf(reply, sizeof(reply), "%s.%llu", b->inbox, (unsigned long long)++b->asks);
    nats_put_publish(&b->out, &(struct nats_publish){.subject = bytes_str(subject), .reply = bytes_str(reply),
                                                     .payload = body});
    if (!nats_send(b, trouble))
        return false;
    int64_t until_ms = link_now_ms() + b->base.spec->timeout_ms;
    while (true) {
        enum link_got got = nats_peek(b, &op, until_ms, trouble);
        if (got == LINK_NONE)
            return nats_trouble(b, trouble, "", BYTES_LITERAL("JetStream does not answer in time ('bridge.timeout')"));
        if (got == LINK_GONE)
            return false;
        if (nats_ask_of(b, &op) == b->asks)
            break;
        if (!nats_is_end(b, &op))
            return nats_unexpected(b, &op, trouble);
        nats_drop(b);
    }
    op.payload = arena_copy(arena, op.payload);
    if (!nats_read_answer(&op, out))
        return nats_trouble(b, trouble, "", BYTES_LITERAL("an answer of JetStream's is no JSON"));
    nats_drop(b);
    return true;
}
