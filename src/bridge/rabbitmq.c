/* rabbitmq.c: RabbitMQ by AMQP 0-9-1: options, opening. rabbitmq_source.c reads a queue, rabbitmq_sink.c publishes,
 * rabbitmq_link.c has the connection.   Library: librabbitmq.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "bridge/rabbitmq_inner.h"

static const struct bridge_option options[] = {
    [OPT_HOST] = {"rabbitmq.host", BRIDGE_TEXT, "127.0.0.1", NULL, 0, 0, "name or address"},
    [OPT_PORT] = {"rabbitmq.port", BRIDGE_COUNT, "", NULL, 1, 65535, "its port; default: 5672, or 5671 with TLS"},
    [OPT_VHOST] = {"rabbitmq.vhost", BRIDGE_TEXT, "/", NULL, 0, 0, "the virtual host"},
    [OPT_USER] = {"rabbitmq.user", BRIDGE_TEXT, "guest", NULL, 0, 0, "of SASL PLAIN"},
    [OPT_PASSWORD] = {"rabbitmq.password", BRIDGE_SECRET, "guest", NULL, 0, 0, "of SASL PLAIN"},
    [OPT_TLS] = {"rabbitmq.tls", BRIDGE_WORD, "false", "false|true", 0, 0, "whether the connection is encrypted"},
    [OPT_CA] = {"rabbitmq.tls.ca", BRIDGE_TEXT, "", NULL, 0, 0, "file of the authorities that are trusted; TLS needs it"},
    [OPT_CERT] = {"rabbitmq.tls.cert", BRIDGE_TEXT, "", NULL, 0, 0, "file of our own certificate (PEM)"},
    [OPT_KEY] = {"rabbitmq.tls.key", BRIDGE_TEXT, "", NULL, 0, 0, "file of its key; default: it stands in rabbitmq.tls.cert"},
    [OPT_HEARTBEAT] = {"rabbitmq.heartbeat", BRIDGE_TIME, "10 s", NULL, 1000, 60000000,
                       "a connection that is silent for twice as long is given up"},
    [OPT_QUEUE] = {"rabbitmq.queue", BRIDGE_TEXT, "", NULL, 0, 0, "read: the queue, which must be there"},
    [OPT_PREFETCH] = {"rabbitmq.prefetch", BRIDGE_COUNT, "1000", NULL, 1, 65535,
                      "read: at most so many messages are on their way and not acknowledged"},
    [OPT_EXCHANGE] = {"rabbitmq.exchange", BRIDGE_TEXT, "", NULL, 0, 0,
                      "written: the exchange, which must be there; default: the one that takes a queue's name as key"},
    [OPT_ROUTING] = {"rabbitmq.routing.key", BRIDGE_TEXT, "", NULL, 0, 0,
                     "written: the routing key, in which {column} is that column's value; default: the table's name"},
    [OPT_MANDATORY] = {"rabbitmq.mandatory", BRIDGE_WORD, "true", "false|true", 0, 0,
                       "written: whether a message that no queue takes is a dead letter, or gone"},
    [OPT_PERSISTENT] = {"rabbitmq.persistent", BRIDGE_WORD, "true", "false|true", 0, 0,
                        "written: whether messages outlive a restart, in durable queues"},
    [OPT_CONTENT_TYPE] = {"rabbitmq.content.type", BRIDGE_TEXT, "", NULL, 0, 0,
                          "written: content_type; default: by the table's format"},
};

static bool takes_rows(const struct bridge_spec *spec)
{
    return template_has_columns(spec->values[OPT_ROUTING].text);
}

static bool takes_changes(const struct bridge_spec *spec)
{
    (void)spec;
    return false;
}

/* ---- opening ---- */

static enum status check(const struct bridge_spec *spec, struct diag *diag)
{
    static const int of_tls[] = {OPT_CA, OPT_CERT, OPT_KEY};
    const struct bridge_value *v = spec->values;

    for (int i = 0; i < OPTIONS; i++)
        if (v[i].text.len > 255 || bytes_find(v[i].text, 0, 0) < v[i].text.len)
            return diag_set(diag, ST_INVALID, DIAG_VALUE, "'%s' is longer than 255 bytes, or has a zero in it",
                            options[i].key);
    for (unsigned i = 0; i < 3 && !v[OPT_TLS].number; i++)
        if (v[of_tls[i]].given)
            return diag_set(diag, ST_INVALID, DIAG_VALUE, "'%s' needs 'rabbitmq.tls' = 'true'", options[of_tls[i]].key);
    if (v[OPT_TLS].number && !v[OPT_CA].given)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'rabbitmq.tls' = 'true' needs 'rabbitmq.tls.ca'");
    if (!spec->key_count)
        return ST_OK;
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "`%.*s` has a PRIMARY KEY, and a queue only grows: leave it out",
                    BYTES_FMT(spec->table));
}

static void rabbit_close(struct bridge *bridge)
{
    struct bridge_rabbit_state *b = (struct bridge_rabbit_state *)bridge;

    rabbit_disconnect(b);
    arena_deinit(&b->message_arena);
    arena_deinit(&b->arena);
    buf_deinit(&b->body);
    buf_deinit(&b->key);
    free(b);
}

static enum status rabbit_open(const struct bridge_spec *spec, struct bridge **out, struct diag *diag)
{
    const struct bridge_value *v = spec->values;
    enum status st = ST_OK;

    TRY(check(spec, diag));
    if (spec->way == BRIDGE_SOURCE)
        TRY(rabbit_source_check(spec, diag));
    struct bridge_rabbit_state *b = xcalloc(1, sizeof(*b));
    b->base = (struct bridge){&bridge_rabbitmq, spec};
    arena_init(&b->arena, ARENA_BUDGET_NONE);
    arena_init(&b->message_arena, ARENA_BUDGET_NONE);
    buf_init(&b->body, 0);
    buf_init(&b->key, 0);
    b->host = arena_str(&b->arena, v[OPT_HOST].text);
    b->port = v[OPT_PORT].number ? (int)v[OPT_PORT].number : v[OPT_TLS].number ? 5671 : 5672;
    if (spec->way == BRIDGE_SINK)
        st = rabbit_sink_open(b, diag);
    if (st == ST_OK)
        *out = &b->base;
    else
        rabbit_close(&b->base);
    return st;
}

const struct bridge_class bridge_rabbitmq = {
    .name = "rabbitmq",
    .ways = BRIDGE_SINK | BRIDGE_SOURCE,
    .guarantee = "at least once: read, messages are acknowledged when they are durable here; written, by publisher confirms, "
                 "with the record's id as message_id",
    .options = options,
    .options_count = OPTIONS,
    .takes_rows = takes_rows,
    .takes_changes = takes_changes,
    .open = rabbit_open,
    .deliver = rabbit_deliver,
    .resume = rabbit_resume,
    .poll = rabbit_poll,
    .close = rabbit_close,
};
