/* mqtt.c: MQTT 3.1.1 and 5: options, opening. mqtt_source.c reads, mqtt_sink.c writes, mqtt_link.c has the connection,
 * wire/mqtt/ the packets.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "bridge/mqtt_inner.h"

static const struct bridge_option options[] = {
    [OPT_HOST] = {"mqtt.host", BRIDGE_TEXT, "127.0.0.1", NULL, 0, 0, "name or address of the broker"},
    [OPT_PORT] = {"mqtt.port", BRIDGE_COUNT, "", NULL, 1, 65535, "its port; default: 1883, or 8883 with TLS"},
    [OPT_VERSION] = {"mqtt.version", BRIDGE_WORD, "5", "3.1.1|5", 0, 0, "of the protocol"},
    [OPT_CLIENT_ID] = {"mqtt.client.id", BRIDGE_TEXT, "", NULL, 0, 0,
                       "whose session it is at the broker; default: made of the table's own id"},
    [OPT_USER] = {"mqtt.user", BRIDGE_TEXT, "", NULL, 0, 0, "of CONNECT"},
    [OPT_PASSWORD] = {"mqtt.password", BRIDGE_SECRET, "", NULL, 0, 0, "of CONNECT"},
    [OPT_TLS] = {"mqtt.tls", BRIDGE_WORD, "false", "false|true", 0, 0, "whether the connection is encrypted"},
    [OPT_CA] = {"mqtt.tls.ca", BRIDGE_TEXT, "", NULL, 0, 0,
                "file of the authorities that are trusted; default: the system's"},
    [OPT_CERT] = {"mqtt.tls.cert", BRIDGE_TEXT, "", NULL, 0, 0, "file of our own certificate (PEM)"},
    [OPT_KEY] = {"mqtt.tls.key", BRIDGE_TEXT, "", NULL, 0, 0, "file of its key; default: it stands in mqtt.tls.cert"},
    [OPT_TOPIC] = {"mqtt.topic", BRIDGE_TEXT, NULL, NULL, 0, 0,
                   "read: topic filters, by ';', with + and #; written: the topic, in which {column} is that column's value"},
    [OPT_QOS] = {"mqtt.qos", BRIDGE_WORD, "1", "0|1|2", 0, 0, "of subscription, and of what is published"},
    [OPT_KEEP_ALIVE] = {"mqtt.keepalive", BRIDGE_TIME, "60 s", NULL, 1000, 65535000,
                        "read: how long the connection may be silent"},
    [OPT_SESSION] = {"mqtt.session.expiry", BRIDGE_TIME, "7 d", NULL, 1000, 4294967294000,
                     "read, version 5: how long the broker keeps messages for us while we are away"},
    [OPT_RECEIVE] = {"mqtt.receive.maximum", BRIDGE_COUNT, "1000", NULL, 1, MQTT_HELD_MAX,
                     "read, version 5: at most so many messages are under way"},
    [OPT_RETAIN] = {"mqtt.retain", BRIDGE_WORD, "false", "false|true", 0, 0,
                    "written: whether the broker keeps the last message of a topic"},
    [OPT_CONTENT_TYPE] = {"mqtt.content.type", BRIDGE_TEXT, "", NULL, 0, 0, "written, version 5: content type"},
    [OPT_EXPIRY] = {"mqtt.message.expiry", BRIDGE_TIME, "", NULL, 1000, 4294967294000,
                    "written, version 5: how long a message may wait at the broker; default: for ever"},
};

/* ---- opening ---- */

static bool takes_rows(const struct bridge_spec *spec)
{
    return template_has_columns(spec->values[OPT_TOPIC].text);
}

static bool takes_changes(const struct bridge_spec *spec)
{
    return spec->key_count > 0;
}

static const char *optional(struct bridge_mqtt_state *b, int option)
{
    const struct bridge_value *v = &b->base.spec->values[option];
    return v->given && v->text.len ? arena_str(&b->arena, v->text) : NULL;
}

static enum status check(const struct bridge_spec *spec, struct diag *diag)
{
    static const int of_5[] = {OPT_SESSION, OPT_RECEIVE, OPT_CONTENT_TYPE, OPT_EXPIRY};
    static const int of_tls[] = {OPT_CA, OPT_CERT, OPT_KEY};
    const struct bridge_value *v = spec->values;

    for (unsigned i = 0; i < 4 && v[OPT_VERSION].number == 0; i++)
        if (v[of_5[i]].given)
            return diag_set(diag, ST_INVALID, DIAG_VALUE, "'%s' needs 'mqtt.version' = '5'", options[of_5[i]].key);
    for (unsigned i = 0; i < 3 && !v[OPT_TLS].number; i++)
        if (v[of_tls[i]].given)
            return diag_set(diag, ST_INVALID, DIAG_VALUE, "'%s' needs 'mqtt.tls' = 'true'", options[of_tls[i]].key);
    if (v[OPT_PASSWORD].given && !v[OPT_USER].given && v[OPT_VERSION].number == 0)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'mqtt.password' needs 'mqtt.user' in version 3.1.1");
    for (int i = 0; i < OPTIONS; i++)
        if (v[i].text.len > MQTT_TEXT_MAX || bytes_find(v[i].text, 0, 0) < v[i].text.len)
            return diag_set(diag, ST_INVALID, DIAG_VALUE, "'%s' is longer than %d bytes, or has a zero in it",
                            options[i].key, MQTT_TEXT_MAX);
    return ST_OK;
}

static void read_options(struct bridge_mqtt_state *b)
{
    const struct bridge_value *v = b->base.spec->values;
    const char *id = optional(b, OPT_CLIENT_ID);

    b->to.host = arena_str(&b->arena, v[OPT_HOST].text);
    b->to.tls = v[OPT_TLS].number;
    b->to.port = v[OPT_PORT].number ? (uint16_t)v[OPT_PORT].number : b->to.tls ? 8883 : 1883;
    b->to.ca_file = optional(b, OPT_CA);
    b->to.cert_file = optional(b, OPT_CERT);
    b->to.key_file = optional(b, OPT_KEY);
    b->version = v[OPT_VERSION].number ? MQTT_5 : MQTT_3_1_1;
    b->qos = (uint8_t)v[OPT_QOS].number;
    /* 23 letters and digits are what every broker of 3.1.1 takes */
    b->client_id = bytes_str(id ? id : arena_printf(&b->arena, "qw%.21s", b->base.spec->identity));
}

static void mqtt_close(struct bridge *bridge)
{
    struct bridge_mqtt_state *b = (struct bridge_mqtt_state *)bridge;

    mqtt_disconnect(b);
    buf_deinit(&b->in);
    buf_deinit(&b->out);
    buf_deinit(&b->properties);
    buf_deinit(&b->owed);
    buf_deinit(&b->topic_text);
    bytes_drop(&b->kept_filters);
    arena_deinit(&b->arena);
    free(b);
}

static enum status mqtt_open(const struct bridge_spec *spec, struct bridge **out, struct diag *diag)
{
    enum status st = ST_OK;

    TRY(check(spec, diag));
    struct bridge_mqtt_state *b = xcalloc(1, sizeof(*b));
    b->base = (struct bridge){&bridge_mqtt, spec};
    arena_init(&b->arena, ARENA_BUDGET_NONE);
    buf_init(&b->in, 0);
    buf_init(&b->out, 0);
    buf_init(&b->properties, 0);
    buf_init(&b->owed, 0);
    buf_init(&b->topic_text, 0);
    read_options(b);
    if (spec->way == BRIDGE_SOURCE)
        st = mqtt_source_open(b, diag);
    if (spec->way == BRIDGE_SINK)
        st = mqtt_sink_open(b, diag);
    if (st == ST_OK)
        *out = &b->base;
    else
        mqtt_close(&b->base);
    return st;
}

const struct bridge_class bridge_mqtt = {
    .name = "mqtt",
    .ways = BRIDGE_SINK | BRIDGE_SOURCE,
    .guarantee = "read, by 'mqtt.qos': 2 exactly once, 1 at least once, 0 at most once, as long as the broker keeps the "
                 "session; written, 1 and 2 at least once, with the record's id as a user property",
    .options = options,
    .options_count = OPTIONS,
    .takes_rows = takes_rows,
    .takes_changes = takes_changes,
    .open = mqtt_open,
    .deliver = mqtt_deliver,
    .resume = mqtt_resume,
    .poll = mqtt_poll,
    .close = mqtt_close,
};
