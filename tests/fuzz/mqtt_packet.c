/* MQTT packets from a broker: bounded, views within what was given, and read the same however they were cut. */
#include "base/check.h"
#include "lib/fuzz.h"
#include "wire/mqtt/packet.h"

static void within(struct bytes part, struct bytes whole)
{
    CHECK(!part.len || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len));
}

static void properties(struct bytes all, struct bytes in)
{
    struct mqtt_property p;

    within(all, in);
    while (mqtt_property_next(&all, &p)) {
        within(p.text, in);
        within(p.value, in);
    }
    CHECK(!all.len); /* what is read of a packet is whole */
}

static void publish_again(const struct mqtt_packet *p, const struct mqtt_publish *m, enum mqtt_version version)
{
    struct buf buf;
    struct mqtt_packet again;
    struct mqtt_publish n;
    size_t used;

    buf_init(&buf, 0);
    mqtt_put_publish(&buf, version, m);
    CHECK(mqtt_next(buf_view(&buf), MQTT_REMAINING_MAX, &again, &used) == MQTT_PACKET && used == buf.len);
    CHECK(mqtt_read_publish(&again, version, &n));
    CHECK(again.flags == p->flags && n.id == m->id && n.qos == m->qos && bytes_equal(n.topic, m->topic));
    CHECK(bytes_equal(n.payload, m->payload) && bytes_equal(n.properties, m->properties));
    buf_deinit(&buf);
}

static void read_all(const struct mqtt_packet *p, enum mqtt_version version)
{
    struct mqtt_connack connack;
    struct mqtt_publish publish;
    struct mqtt_ack ack;
    struct bytes codes;
    uint16_t id;

    if (mqtt_read_connack(p, version, &connack))
        properties(connack.properties, p->body);
    if (p->type == MQTT_PUBLISH && mqtt_read_publish(p, version, &publish)) {
        properties(publish.properties, p->body);
        within(publish.topic, p->body);
        within(publish.payload, p->body);
        if (p->body.len == p->body_whole)
            publish_again(p, &publish, version);
    }
    if (mqtt_read_ack(p, version, &ack))
        properties(ack.properties, p->body);
    if (mqtt_read_suback(p, version, &id, &codes))
        within(codes, p->body);
    (void)mqtt_code_text(version, mqtt_read_disconnect(p));
}

FUZZ(mqtt_packet, data, size)
{
    struct mqtt_packet p, cut;
    size_t used, at = 0, cut_used;

    if (!size)
        return;
    enum mqtt_version version = data[0] & 1 ? MQTT_5 : MQTT_3_1_1;
    size_t whole_max = data[0] & 2 ? 64 : 4096;
    struct bytes in = bytes_of(data + 1, size - 1);
    (void)mqtt_is_filter(in);
    while (mqtt_next(bytes_skip(in, at), whole_max, &p, &used) == MQTT_PACKET) {
        CHECK(used && used <= in.len - at && p.body.len <= whole_max && p.body.len <= p.body_whole);
        CHECK(p.body.len == p.body_whole || p.body.len == whole_max);
        CHECK(mqtt_next(bytes_head(bytes_skip(in, at), used - 1), whole_max, &cut, &cut_used) == MQTT_MORE);
        read_all(&p, version);
        at += used;
    }
}
