/* rabbitmq_source.c: a queue as a source.
 *
 * A poll's first act acknowledges what the polls before it gave, all at once by the last one's tag: that is durable in
 * our log. What was not acknowledged when the connection breaks is delivered again: at least once. RabbitMQ gives a
 * message no number that outlives that, so it cannot be told whether it was taken.
 *
 * A message is a record: its body the value, its time the timestamp if it has one, and headers: those of the message
 * by their names, what its properties say, exchange, routing-key, redelivered.
 */
#include <stdio.h>
#include <time.h>

#include "bridge/rabbitmq_inner.h"

enum status rabbit_source_check(const struct bridge_spec *spec, struct diag *diag)
{
    static const int of_sinks[] = {OPT_EXCHANGE, OPT_ROUTING, OPT_MANDATORY, OPT_PERSISTENT, OPT_CONTENT_TYPE};
    static const char *const names[] = {"exchange", "routing.key", "mandatory", "persistent", "content.type"};

    for (unsigned i = 0; i < 5; i++)
        if (spec->values[of_sinks[i]].given)
            return diag_set(diag, ST_INVALID, DIAG_VALUE, "`%.*s` is read, and 'rabbitmq.%s' is of what is written",
                            BYTES_FMT(spec->table), names[i]);
    if (spec->values[OPT_QUEUE].text.len)
        return ST_OK;
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "`%.*s` is read: that needs 'rabbitmq.queue'", BYTES_FMT(spec->table));
}

enum status rabbit_resume(struct bridge *bridge, struct bytes split, struct bytes position)
{
    (void)bridge, (void)split, (void)position;
    return ST_CORRUPT; /* there are none */
}

static int64_t wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* False: the poll is full, and the message waits. */
static bool give(struct bridge_rabbit_state *b, struct bridge_poll *poll)
{
    const struct rabbit_message *m = &b->message;
    struct bridge_record *r = bridge_poll_record(poll, b->body.len + m->headers->headers.len);

    if (!r)
        return false;
    r->timestamp_ms = m->timestamp_s ? m->timestamp_s * 1000 : wall_ms();
    r->value = b->body.len ? arena_copy(poll->arena, buf_view(&b->body)) : BYTES_LITERAL("");
    r->headers = arena_copy(poll->arena, m->headers->headers);
    r->headers_count = m->headers->headers_count;
    if (m->size > RABBIT_BODY_MAX)
        r->never = arena_printf(poll->arena, "a message of %llu bytes is not taken: at most %d are",
                                (unsigned long long)m->size, RABBIT_BODY_MAX);
    b->given = m->tag;
    rabbit_done(b);
    return true;
}

static bool consuming(struct bridge_rabbit_state *b, char trouble[200])
{
    const struct bridge_value *v = b->base.spec->values;
    amqp_bytes_t queue = {v[OPT_QUEUE].text.len, (void *)(uintptr_t)v[OPT_QUEUE].text.ptr};

    if (b->link)
        return true;
    if (!rabbit_dial(b, trouble))
        return false;
    amqp_basic_qos(b->link, RABBIT_CHANNEL, 0, (uint16_t)v[OPT_PREFETCH].number, 0);
    if (!rabbit_good(b, trouble, "basic.qos", amqp_get_rpc_reply(b->link)))
        return false;
    amqp_basic_consume(b->link, RABBIT_CHANNEL, queue, amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    return rabbit_good(b, trouble, "basic.consume", amqp_get_rpc_reply(b->link));
}

static bool acknowledge(struct bridge_rabbit_state *b, char trouble[200])
{
    if (b->given == b->acked)
        return true;
    int status = amqp_basic_ack(b->link, RABBIT_CHANNEL, b->given, 1);
    b->acked = b->given;
    return status == AMQP_STATUS_OK || rabbit_trouble(b, trouble, "basic.ack", amqp_error_string2(status));
}

void rabbit_poll(struct bridge *bridge, struct bridge_poll *poll)
{
    struct bridge_rabbit_state *b = (struct bridge_rabbit_state *)bridge;
    amqp_frame_t frame;

    if (!consuming(b, poll->trouble) || !acknowledge(b, poll->trouble))
        return;
    for (;;) {
        if (b->message.whole && !give(b, poll))
            return;
        enum rabbit_got got = rabbit_next(b, poll->count ? 0 : poll->wait_ms, &frame, poll->trouble);
        if (got == RABBIT_METHOD)
            rabbit_closed(b, &frame, poll->trouble);
        if (got != RABBIT_PART)
            return;
    }
}
