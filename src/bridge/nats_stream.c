/* nats_stream.c: see nats_inner.h: JetStream's API (docs.nats.io/reference/reference-protocols/nats_api_reference): what is
 * asked of a stream, and consumers of it.
 */
#include <stdio.h>
#include <time.h>

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "bridge/nats_inner.h"

enum { IDLE_MS = 60000 }; /* after which the server drops a consumer that nobody asks */

static struct bytes text_of(struct bytes object, const char *name)
{
    struct bytes value;
    bool good = json_member(object, name, &value) && json_kind_of(value) == JSON_STRING;

    return good ? bytes_head(bytes_skip(value, 1), value.len - 2) : BYTES_NONE;
}

static bool object_of(struct bytes object, const char *name, struct bytes *out)
{
    return json_member(object, name, out) && json_kind_of(*out) == JSON_OBJECT;
}

static bool refused(struct bridge_nats_state *b, struct bytes stream, const struct nats_answer *answer, char trouble[200])
{
    char doing[40];

    snprintf(doing, sizeof(doing), "stream %.*s", BYTES_FMT(bytes_head(stream, 30)));
    return nats_trouble(b, trouble, doing, bytes_str(answer->why));
}

static bool read_stream(struct bytes json, struct nats_stream *out)
{
    struct bytes state, config, created = text_of(json, "created");

    if (!object_of(json, "state", &state) || !object_of(json, "config", &config) || !created.len ||
        created.len >= NATS_CREATED_MAX)
        return false;
    snprintf(out->created, sizeof(out->created), "%.*s", BYTES_FMT(created));
    out->by_limits = bytes_is(text_of(config, "retention"), "limits");
    return nats_number(state, "first_seq", &out->first) && nats_number(state, "last_seq", &out->last) &&
           nats_number(state, "messages", &out->messages);
}

bool nats_ask_stream(struct bridge_nats_state *b, struct arena *arena, struct bytes stream, struct nats_stream *out,
                     char trouble[200])
{
    struct nats_answer answer;

    if (!nats_request(b, arena, arena_printf(arena, "STREAM.INFO.%.*s", BYTES_FMT(stream)), BYTES_NONE, &answer, trouble))
        return false;
    if (answer.error)
        return refused(b, stream, &answer, trouble);
    return read_stream(answer.json, out) ||
           nats_trouble(b, trouble, "", BYTES_LITERAL("what it says of the stream is none of its kind"));
}

bool nats_stream_of(struct bridge_nats_state *b, struct arena *arena, struct bytes subject, struct bytes *out,
                    char trouble[200])
{
    struct nats_answer answer;
    struct json_writer w;
    struct buf body;
    struct bytes streams, name;

    buf_init(&body, 0);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    json_key_text(&w, "subject", subject);
    json_object_end(&w);
    bool good = nats_request(b, arena, "STREAM.NAMES", buf_view(&body), &answer, trouble);
    buf_deinit(&body);
    if (!good)
        return false;
    if (answer.error)
        return nats_trouble(b, trouble, "STREAM.NAMES", bytes_str(answer.why));
    *out = BYTES_NONE;
    if (!json_member(answer.json, "streams", &streams) || json_kind_of(streams) != JSON_ARRAY)
        return true;
    struct json_iter it = json_iter_of(streams);
    if (json_array_next(&it, &name) && json_kind_of(name) == JSON_STRING)
        *out = bytes_head(bytes_skip(name, 1), name.len - 2);
    return true;
}

/* ---- consumers ---- */

const char *nats_consumer_name(const struct bridge_nats_state *b, struct arena *arena, const char *what)
{
    return arena_printf(arena, "quickwater-%s-%s", what, b->inbox + sizeof("_INBOX.") - 1);
}

static void put_time(struct json_writer *w, const char *key, int64_t ms)
{
    char text[48];
    time_t s = (time_t)(ms / 1000);
    struct tm t;

    gmtime_r(&s, &t);
    size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(text + n, sizeof(text) - n, ".%03dZ", (int)(ms % 1000));
    json_key_str(w, key, text);
}

static void put_config(struct buf *buf, const struct nats_consumer *c)
{
    struct json_writer w;

    json_writer_init(&w, buf);
    json_object_begin(&w);
    json_key_text(&w, "stream_name", c->stream);
    json_key(&w, "config");
    json_object_begin(&w);
    json_key_str(&w, "name", c->name);
    json_key_str(&w, "deliver_policy", c->from_ms ? "by_start_time" : "by_start_sequence");
    if (c->from_ms)
        put_time(&w, "opt_start_time", c->from_ms);
    else
        json_key_u64(&w, "opt_start_seq", c->from);
    json_key_str(&w, "ack_policy", "none");
    json_key_str(&w, "replay_policy", "instant");
    if (c->filter.len)
        json_key_text(&w, "filter_subject", c->filter);
    if (c->headers_only)
        json_key_bool(&w, "headers_only", true);
    json_key_bool(&w, "mem_storage", true);
    json_key_i64(&w, "num_replicas", 1);
    json_key_i64(&w, "inactive_threshold", IDLE_MS * 1000000ll);
    json_object_end(&w);
    json_object_end(&w);
}

bool nats_make_consumer(struct bridge_nats_state *b, struct arena *arena, struct nats_consumer *c, char trouble[200])
{
    struct buf body;
    struct nats_answer answer;
    struct bytes delivered;
    const char *what = arena_printf(arena, "CONSUMER.CREATE.%.*s.%s%s%.*s", BYTES_FMT(c->stream), c->name,
                                    c->filter.len ? "." : "", BYTES_FMT(c->filter));

    buf_init(&body, 0);
    put_config(&body, c);
    bool good = nats_request(b, arena, what, buf_view(&body), &answer, trouble);
    buf_deinit(&body);
    if (!good)
        return false;
    if (answer.error)
        return refused(b, c->stream, &answer, trouble);
    if (!object_of(answer.json, "delivered", &delivered) || !nats_number(delivered, "stream_seq", &c->begins) ||
        !nats_number(answer.json, "num_pending", &c->pending))
        return nats_trouble(b, trouble, "", BYTES_LITERAL("what it says of the consumer is none of its kind"));
    c->begins++;
    return true;
}

void nats_put_pull(struct bridge_nats_state *b, struct arena *arena, const struct nats_pull *pull)
{
    struct buf body;
    struct json_writer w;

    buf_init(&body, 0);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    json_key_u64(&w, "batch", pull->batch);
    if (pull->bytes_max)
        json_key_u64(&w, "max_bytes", pull->bytes_max);
    if (pull->expires_ms) {
        json_key_i64(&w, "expires", pull->expires_ms * 1000000);
        json_key_i64(&w, "idle_heartbeat", pull->beat_ms * 1000000);
    } else
        json_key_bool(&w, "no_wait", true);
    json_object_end(&w);
    const char *to = arena_printf(arena, "%s.CONSUMER.MSG.NEXT.%.*s.%s", b->api, BYTES_FMT(pull->stream), pull->consumer);
    const char *reply = arena_printf(arena, "%s.%llu", b->inbox, (unsigned long long)++b->asks);
    nats_put_publish(&b->out, &(struct nats_publish){.subject = bytes_str(to), .reply = bytes_str(reply),
                                                     .payload = buf_view(&body)});
    buf_deinit(&body);
}
