/* rabbitmq_sink.c: an exchange as a sink: a record is a message, its value in the table's format the body.
 *
 * The channel confirms: each message is answered by its number on the channel, in any order, several at once. A batch is
 * settled up to the first that is not answered. A message that no queue takes comes back before its answer
 * ('rabbitmq.mandatory'): it is `never`. What was not answered is sent again: at least once, and message_id,
 * IDENTITY-PARTITION-OFFSET, is the same each time.
 *
 * A message that RabbitMQ will not take at all (larger than it is told to) closes the channel, and does not say which: then
 * the messages go one by one until that one is met.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/reader.h"
#include "bridge/link.h"
#include "bridge/rabbitmq_inner.h"

enum { WINDOW_RECORDS = 256, WINDOW_BYTES = 256 << 10, HEADERS_MAX = 64, KEY_MAX = 255 };

enum status rabbit_sink_open(struct bridge_rabbit_state *b, struct diag *diag)
{
    const struct bridge_spec *spec = b->base.spec;
    const struct bridge_value *v = spec->values;

    if (v[OPT_QUEUE].given || v[OPT_PREFETCH].given)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "`%.*s` is written, and 'rabbitmq.%s' is of what is read",
                        BYTES_FMT(spec->table), v[OPT_QUEUE].given ? "queue" : "prefetch");
    return template_read(&b->routing, spec, "rabbitmq.routing.key",
                         v[OPT_ROUTING].given ? v[OPT_ROUTING].text : spec->table, diag);
}

/* ---- a message ---- */

static amqp_bytes_t amqp(struct bytes b)
{
    return (amqp_bytes_t){b.len, (void *)(uintptr_t)b.ptr};
}

static const char *content_type(const struct bridge_spec *spec)
{
    return bytes_is(spec->format, "csv")    ? "text/csv; charset=utf-8"
           : bytes_is(spec->format, "json") ? "application/json"
                                            : "application/octet-stream";
}

static int headers_of(const struct bridge_record *r, amqp_table_entry_t *out)
{
    struct reader headers = reader_of(r->headers);
    struct record_header h;
    int n = 0;

    for (uint32_t i = 0; i < r->headers_count && n < HEADERS_MAX && record_headers_next(&headers, &h); i++)
        if (h.key.len <= 128)
            out[n++] = (amqp_table_entry_t){
                amqp(h.key), {.kind = bytes_is_utf8(h.value) ? AMQP_FIELD_KIND_UTF8 : AMQP_FIELD_KIND_BYTES,
                              .value.bytes = amqp(h.value)}};
    return n;
}

/* NULL: its routing key is in b->key. */
static const char *write_key(struct bridge_rabbit_state *b, const struct bridge_record *r, const struct chunk *rows)
{
    buf_clear(&b->key);
    if (!r->value.ptr)
        return "it is a deleted row, and a message cannot be taken back";
    if (!template_write(&b->key, &b->routing, b->base.spec, rows, r->row))
        return "a column of its routing key is NULL";
    return b->key.len <= KEY_MAX ? NULL : "its routing key is longer than 255 bytes";
}

static bool publish(struct bridge_rabbit_state *b, const struct bridge_record *r, char trouble[200])
{
    const struct bridge_spec *spec = b->base.spec;
    const struct bridge_value *v = spec->values;
    amqp_table_entry_t headers[HEADERS_MAX];
    char id[80];

    snprintf(id, sizeof(id), "%.40s-%u-%lld", spec->identity, r->partition, (long long)r->offset);
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
                  AMQP_BASIC_HEADERS_FLAG,
        .content_type = v[OPT_CONTENT_TYPE].given ? amqp(v[OPT_CONTENT_TYPE].text) : amqp(bytes_str(content_type(spec))),
        .delivery_mode = v[OPT_PERSISTENT].number ? 2 : 1, .message_id = amqp(bytes_str(id)),
        .headers = {headers_of(r, headers), headers}};
    if (r->timestamp_ms > 0) {
        properties._flags |= AMQP_BASIC_TIMESTAMP_FLAG;
        properties.timestamp = (uint64_t)r->timestamp_ms / 1000;
    }
    int status = amqp_basic_publish(b->link, RABBIT_CHANNEL, amqp(v[OPT_EXCHANGE].text), amqp(buf_view(&b->key)),
                                    (amqp_boolean_t)v[OPT_MANDATORY].number, 0, &properties, amqp(r->value));
    if (status != AMQP_STATUS_OK)
        return rabbit_trouble(b, trouble, "sending", amqp_error_string2(status));
    b->published++;
    return true;
}

/* ---- what is under way ---- */

/* Records of a batch: [0, done) are settled, [done, sent) were sent or are `never`. */
struct flight {
    struct bridge_rabbit_state *b;
    struct bridge_batch *batch;
    uint32_t sent, done;
    uint64_t *tags; /* of each: its number on the channel; 0: no answer is awaited */
    size_t bytes;   /* under way, about */
};

static void settle(struct flight *f)
{
    while (f->done < f->sent && !f->tags[f->done])
        f->done++;
    if (f->done == f->sent)
        f->bytes = 0;
}

static bool launch(struct flight *f)
{
    struct bridge_rabbit_state *b = f->b;
    uint32_t window = b->one_by_one ? 1 : WINDOW_RECORDS;

    while (f->sent < f->batch->count && f->sent - f->done < window && f->bytes < WINDOW_BYTES) {
        struct bridge_record *r = &f->batch->records[f->sent];
        if (!r->never)
            r->never = write_key(b, r, &f->batch->rows);
        if (!r->never && !publish(b, r, f->batch->trouble))
            return false;
        f->tags[f->sent++] = r->never ? 0 : b->published;
        f->bytes += r->value.len;
        settle(f);
    }
    return true;
}

static bool answered(struct flight *f, uint64_t tag, bool multiple)
{
    bool known = false;

    for (uint32_t i = f->done; i < f->sent; i++)
        if (f->tags[i] && (f->tags[i] == tag || (multiple && (!tag || f->tags[i] < tag)))) {
            f->tags[i] = 0;
            known = true;
        }
    settle(f);
    return known || rabbit_trouble(f->b, f->batch->trouble, "", "it confirms what was not sent");
}

/* One of ours that no queue takes. */
static bool came_back(struct flight *f)
{
    struct bridge_rabbit_state *b = f->b;
    struct bytes id = b->message.id;
    char want[80];

    for (uint32_t i = f->done; i < f->sent && b->message.returned; i++) {
        struct bridge_record *r = &f->batch->records[i];
        snprintf(want, sizeof(want), "%.40s-%u-%lld", b->base.spec->identity, r->partition, (long long)r->offset);
        if (!f->tags[i] || !bytes_is(id, want))
            continue;
        r->never = arena_printf(f->batch->arena, "no queue takes it: %.*s", BYTES_FMT(bytes_head(b->message.reason, 60)));
        rabbit_done(b);
        return true;
    }
    return rabbit_trouble(b, f->batch->trouble, "", "it gives back what was not sent");
}

/* The channel is closed. */
static bool refused(struct flight *f, const amqp_frame_t *frame)
{
    struct bridge_rabbit_state *b = f->b;
    const amqp_channel_close_t *close = frame->payload.method.decoded;
    bool of_a_message = frame->payload.method.id == AMQP_CHANNEL_CLOSE_METHOD && f->done < f->sent &&
                        (close->reply_code == AMQP_PRECONDITION_FAILED || close->reply_code == AMQP_CONTENT_TOO_LARGE);

    if (of_a_message && b->one_by_one) {
        struct bridge_record *r = &f->batch->records[f->done];
        r->never = arena_printf(f->batch->arena, "RabbitMQ refuses it: %.*s", (int)(close->reply_text.len < 100 ? close->reply_text.len : 100),
                                (const char *)close->reply_text.bytes);
        f->tags[f->done] = 0;
        settle(f);
        b->one_by_one = false;
        rabbit_disconnect(b);
        return false; /* without trouble: the rest comes in another call */
    }
    rabbit_closed(b, frame, f->batch->trouble);
    b->one_by_one = of_a_message;
    return false;
}

static bool hear(struct flight *f, int64_t wait_ms)
{
    struct bridge_rabbit_state *b = f->b;
    amqp_frame_t frame;
    enum rabbit_got got = rabbit_next(b, wait_ms, &frame, f->batch->trouble);

    if (got == RABBIT_GONE)
        return false;
    if (got == RABBIT_NONE)
        return rabbit_trouble(b, f->batch->trouble, "", "no confirmation in time ('bridge.timeout')");
    if (got == RABBIT_PART)
        return !b->message.whole || came_back(f);
    if (frame.payload.method.id == AMQP_BASIC_ACK_METHOD) {
        const amqp_basic_ack_t *ack = frame.payload.method.decoded;
        return answered(f, ack->delivery_tag, ack->multiple);
    }
    if (frame.payload.method.id == AMQP_BASIC_NACK_METHOD)
        return rabbit_trouble(b, f->batch->trouble, "", "it cannot take a message now (basic.nack)");
    return refused(f, &frame);
}

/* ---- a batch ---- */

/* A connection that has gone while there was nothing to send is no failure. */
static bool connected(struct bridge_rabbit_state *b, char trouble[200])
{
    amqp_frame_t frame;

    if (b->link && rabbit_next(b, 0, &frame, trouble) != RABBIT_NONE)
        rabbit_disconnect(b);
    trouble[0] = 0;
    if (b->link)
        return true;
    if (!rabbit_dial(b, trouble))
        return false;
    amqp_confirm_select(b->link, RABBIT_CHANNEL);
    return rabbit_good(b, trouble, "confirm.select", amqp_get_rpc_reply(b->link));
}

void rabbit_deliver(struct bridge *bridge, struct bridge_batch *batch)
{
    struct bridge_rabbit_state *b = (struct bridge_rabbit_state *)bridge;
    struct flight f = {.b = b, .batch = batch, .tags = ARENA_ARRAY(batch->arena, uint64_t, batch->count)};
    int64_t limit = bridge->spec->timeout_ms;

    if (!connected(b, batch->trouble))
        return;
    int64_t until = link_now_ms() + limit;
    bool good, time_left;
    do {
        time_left = link_now_ms() < until;
        good = !time_left || launch(&f);
        if (good && f.done < f.sent)
            good = hear(&f, limit);
    } while (good && (f.done < f.sent || (time_left && f.sent < batch->count)));
    batch->settled = f.done;
}
