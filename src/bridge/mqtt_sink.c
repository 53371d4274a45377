/* mqtt_sink.c: MQTT as a sink: a record is a message, its value in the table's format the payload.
 *
 * 'mqtt.topic' may have columns: 'plant/{line}/{machine}'. A table with a PRIMARY KEY has a topic a row, kept by the
 * broker ('mqtt.retain'), and an empty kept message where a row is deleted: that is how MQTT forgets it.
 *
 * As many messages are under way as the broker allows, acknowledged in the order in which they were sent (section
 * 4.6); an acknowledgement out of order means that the connection garbles. With QoS 0 the answer to a ping shows that
 * the broker has read what went before it. No session is kept: what was not acknowledged is sent again, as new.
 *
 * In version 5 a message carries the record's headers as user properties, and quickwater-id, IDENTITY-PARTITION-OFFSET:
 * the same, and of no other record, each time that it is sent.
 */
#include <stdio.h>

#include "base/check.h"
#include "base/reader.h"
#include "bridge/mqtt_inner.h"

enum { WINDOW_MAX = 256, WINDOW_OF_3 = 20 }; /* 3.1.1 has no way to say it; Mosquitto hangs up at more */

/* ---- opening ---- */

static bool in_key(const struct bridge_spec *spec, int column)
{
    for (uint16_t k = 0; k < spec->key_count; k++)
        if (spec->key[k] == column)
            return true;
    return false;
}

/* A row has a topic of its own, and a deleted one, of which there is but the key, has it too. */
static enum status check_key(const struct bridge_mqtt_state *b, struct diag *diag)
{
    const struct bridge_spec *spec = b->base.spec;
    bool good = true;

    if (!spec->values[OPT_RETAIN].number)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "`%.*s` has a PRIMARY KEY, so its rows change: that needs 'mqtt.retain' = 'true', for the broker "
                        "to keep the last", BYTES_FMT(spec->table));
    for (uint16_t k = 0; k < spec->key_count; k++)
        good &= template_has(&b->topic, spec->key[k]);
    for (uint16_t c = 0; c < spec->schema.count; c++)
        good &= !template_has(&b->topic, c) || in_key(spec, c);
    if (good)
        return ST_OK;
    diag_hint(diag, "such as 'devices/{id}' for PRIMARY KEY (id)");
    return diag_set(diag, ST_INVALID, DIAG_VALUE,
                    "'mqtt.topic' of `%.*s` must have all columns of its PRIMARY KEY and no others: a row is a topic",
                    BYTES_FMT(spec->table));
}

enum status mqtt_sink_open(struct bridge_mqtt_state *b, struct diag *diag)
{
    const struct bridge_spec *spec = b->base.spec;
    struct bytes topic = spec->values[OPT_TOPIC].text;

    TRY(template_read(&b->topic, spec, "mqtt.topic", topic, diag));
    if (!mqtt_is_topic(topic)) {
        diag_hint(diag, "wildcards are for tables that are read");
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'mqtt.topic' of `%.*s`, which is written, is no topic: '%.*s'",
                        BYTES_FMT(spec->table), BYTES_FMT(bytes_head(topic, 100)));
    }
    return spec->key_count ? check_key(b, diag) : ST_OK;
}

/* ---- a message ---- */

/* NULL: it is in b->topic_text. */
static const char *write_topic(struct bridge_mqtt_state *b, const struct bridge_record *r, const struct chunk *rows)
{
    buf_clear(&b->topic_text);
    if (!template_write(&b->topic_text, &b->topic, b->base.spec, rows, r->row))
        return "a column of its topic is NULL";
    return mqtt_is_topic(buf_view(&b->topic_text)) ? NULL : "its topic is empty, too long, or has + # or a zero in it";
}

static void write_properties(struct bridge_mqtt_state *b, const struct bridge_record *r)
{
    const struct bridge_spec *spec = b->base.spec;
    const struct bridge_value *v = spec->values;
    struct reader headers = reader_of(r->headers);
    struct record_header header;
    char id[80];

    buf_clear(&b->properties);
    if (!bytes_is(spec->format, "raw"))
        mqtt_property_u8(&b->properties, MQTT_PAYLOAD_IS_TEXT, 1);
    if (v[OPT_EXPIRY].number)
        mqtt_property_u32(&b->properties, MQTT_MESSAGE_EXPIRY, (uint32_t)(v[OPT_EXPIRY].number / 1000));
    if (v[OPT_CONTENT_TYPE].given)
        mqtt_property_text(&b->properties, MQTT_CONTENT_TYPE, v[OPT_CONTENT_TYPE].text);
    for (uint32_t i = 0; i < r->headers_count && record_headers_next(&headers, &header); i++)
        if (header.key.len <= MQTT_TEXT_MAX && header.value.len <= MQTT_TEXT_MAX && bytes_is_utf8(header.value))
            mqtt_property_pair(&b->properties, header.key, header.value);
    snprintf(id, sizeof(id), "%.40s-%u-%lld", spec->identity, r->partition, (long long)r->offset);
    mqtt_property_pair(&b->properties, BYTES_LITERAL("quickwater-id"), bytes_str(id));
}

/* Into b->out. NULL: it is there. */
static const char *write_message(struct bridge_mqtt_state *b, const struct bridge_record *r, const struct chunk *rows,
                                 uint16_t id)
{
    const char *why = write_topic(b, r, rows);

    if (why)
        return why;
    if (b->version == MQTT_5)
        write_properties(b, r);
    else
        buf_clear(&b->properties);
    size_t bytes = r->value.len + b->topic_text.len + b->properties.len + 16;
    if (bytes > b->server_packet || bytes > MQTT_REMAINING_MAX)
        return "it is larger than the broker takes";
    mqtt_put_publish(&b->out, b->version, &(struct mqtt_publish){
        .retain = b->base.spec->values[OPT_RETAIN].number, .qos = b->qos, .id = id, .topic = buf_view(&b->topic_text),
        .payload = r->value, .properties = buf_view(&b->properties)});
    return NULL;
}

/* ---- what is under way ---- */

/* Records of a batch, in order: [0, done) are settled, [done, released) were received (QoS 2: PUBREL was sent), [released,
 * sent) are on their way. */
struct flight {
    struct bridge_mqtt_state *b;
    struct bridge_batch *batch;
    uint32_t sent, released, done;
    uint16_t *ids; /* of each record's packet; 0: no answer is awaited */
};

static uint16_t next_id(struct bridge_mqtt_state *b)
{
    if (!++b->next_id)
        b->next_id = 1;
    return b->next_id;
}

/* The first from *at on that is awaited still. */
static bool awaited(const struct flight *f, uint32_t *at, uint32_t end)
{
    while (*at < end && !f->ids[*at])
        ++*at;
    return *at < end;
}

static bool launch(struct flight *f, char trouble[200])
{
    struct bridge_mqtt_state *b = f->b;
    uint32_t most = b->version == MQTT_5 ? WINDOW_MAX : WINDOW_OF_3;
    uint32_t window = b->server_receive < most ? b->server_receive : most;

    while (f->sent < f->batch->count && (!b->qos || f->sent - f->done < window)) {
        struct bridge_record *r = &f->batch->records[f->sent];
        uint16_t id = b->qos ? next_id(b) : 0;
        if (!r->never)
            r->never = write_message(b, r, &f->batch->rows, id);
        f->ids[f->sent++] = r->never ? 0 : id;
    }
    return !b->out.len || mqtt_send(b, trouble);
}

/* Of what is refused: whether it is the record's fault. */
static bool is_the_records(const struct flight *f, uint8_t code)
{
    return code == 0x90 || code == 0x95 || code == 0x99 || (code == 0x87 && template_has_columns(f->b->base.spec->values[OPT_TOPIC].text));
}

static bool refused(struct flight *f, uint32_t at, uint8_t code)
{
    const char *why = mqtt_code_text(f->b->version, code);

    if (!is_the_records(f, code))
        return mqtt_trouble(f->b, f->batch->trouble, "a message is refused", why);
    f->batch->records[at].never = arena_printf(f->batch->arena, "the broker refuses it: %s (0x%02x)", why, code);
    f->ids[at] = 0;
    return true;
}

/* PUBACK and PUBCOMP of the first that is awaited; PUBREC of the first that is on its way. */
static bool acknowledged(struct flight *f, const struct mqtt_packet *p)
{
    struct bridge_mqtt_state *b = f->b;
    struct mqtt_ack ack;
    bool received = b->qos == 2 && p->type == MQTT_PUBREC, complete = p->type == (b->qos == 2 ? MQTT_PUBCOMP : MQTT_PUBACK);
    uint32_t *at = received ? &f->released : &f->done, end = b->qos == 2 && complete ? f->released : f->sent;

    if ((!received && !complete) || !mqtt_read_ack(p, b->version, &ack) || !awaited(f, at, end) || f->ids[*at] != ack.id)
        return mqtt_unexpected(b, p, f->batch->trouble);
    if (ack.code >= 0x80)
        return refused(f, (*at)++, ack.code);
    if (received)
        mqtt_put_ack(&b->out, MQTT_PUBREL, ack.id);
    else
        f->ids[*at] = 0;
    ++*at;
    return true;
}

/* One packet, and those behind it that are there; then what they ask for is sent. */
static bool hear(struct flight *f)
{
    struct bridge_mqtt_state *b = f->b;
    struct mqtt_packet p;
    int64_t until = link_now_ms() + b->base.spec->timeout_ms;

    for (;; until = 0) {
        enum link_got got = mqtt_peek(b, &p, until, f->batch->trouble);
        if (got == LINK_GONE)
            return false;
        if (got == LINK_NONE && until)
            return mqtt_trouble(b, f->batch->trouble, "", "no acknowledgement in time ('bridge.timeout')");
        if (got == LINK_NONE)
            return !b->out.len || mqtt_send(b, f->batch->trouble);
        if (!acknowledged(f, &p))
            return false;
        mqtt_drop(b);
    }
}

/* ---- QoS 0 ---- */

static bool read_by_broker(struct flight *f)
{
    struct bridge_mqtt_state *b = f->b;
    struct mqtt_packet p;

    mqtt_put_empty(&b->out, MQTT_PINGREQ);
    if (!mqtt_send(b, f->batch->trouble))
        return false;
    enum link_got got = mqtt_peek(b, &p, link_now_ms() + b->base.spec->timeout_ms, f->batch->trouble);
    if (got == LINK_GONE)
        return false;
    if (got == LINK_NONE)
        return mqtt_trouble(b, f->batch->trouble, "", "no answer to a ping in time ('bridge.timeout')");
    if (p.type != MQTT_PINGRESP)
        return mqtt_unexpected(b, &p, f->batch->trouble);
    mqtt_drop(b);
    return true;
}

/* ---- a batch ---- */

/* A connection that the broker has closed while there was nothing to send is no failure. */
static bool connected(struct bridge_mqtt_state *b, char trouble[200])
{
    struct mqtt_packet p;

    if (b->link && mqtt_peek(b, &p, 0, trouble) != LINK_NONE)
        mqtt_disconnect(b);
    trouble[0] = 0;
    return b->link || mqtt_dial(b, true, 0, trouble);
}

void mqtt_deliver(struct bridge *bridge, struct bridge_batch *batch)
{
    struct bridge_mqtt_state *b = (struct bridge_mqtt_state *)bridge;
    struct flight f = {.b = b, .batch = batch, .ids = ARENA_ARRAY(batch->arena, uint16_t, batch->count)};

    if (!connected(b, batch->trouble))
        return;
    int64_t until = link_now_ms() + bridge->spec->timeout_ms;
    bool good, time_left;
    do {
        time_left = link_now_ms() < until;
        good = !time_left || launch(&f, batch->trouble);
        if (good && awaited(&f, &f.done, f.sent))
            good = hear(&f);
    } while (good && (awaited(&f, &f.done, f.sent) || (time_left && f.sent < batch->count)));
    if (good && !b->qos)
        good = read_by_broker(&f);
    (void)awaited(&f, &f.done, f.sent);
    batch->settled = good || b->qos ? f.done : 0;
}
