/* MQTT packets, byte for byte as the specifications have them; ./dev interop bridge_mqtt gives them to a real broker. */
#include "wire/mqtt/packet.h"

#include "base/reader.h"
#include "lib/test.h"

static struct mqtt_packet packet(struct bytes in)
{
    struct mqtt_packet p;
    size_t used;

    EXPECT_INT(mqtt_next(in, MQTT_REMAINING_MAX, &p, &used), MQTT_PACKET);
    EXPECT_INT(used, in.len);
    return p;
}

static void expect_put(struct buf *buf, struct bytes want)
{
    EXPECT_BYTES(buf_view(buf), want);
    buf_clear(buf);
}

TEST(mqtt_connect_is_as_specified)
{
    struct buf buf, properties;

    buf_init(&buf, 0);
    buf_init(&properties, 0);
    mqtt_put_connect(&buf, &(struct mqtt_connect){.version = MQTT_3_1_1, .clean = true, .keep_alive_s = 60,
                                                  .client_id = BYTES_LITERAL("c")});
    expect_put(&buf, BYTES_LITERAL("\x10\x0d\0\4MQTT\4\2\0\x3c\0\1c"));
    mqtt_property_u32(&properties, MQTT_SESSION_EXPIRY, 10);
    mqtt_put_connect(&buf, &(struct mqtt_connect){.version = MQTT_5, .client_id = BYTES_LITERAL("c"),
                                                  .user = BYTES_LITERAL("u"), .password = BYTES_LITERAL(""),
                                                  .properties = buf_view(&properties)});
    expect_put(&buf, BYTES_LITERAL("\x10\x18\0\4MQTT\5\xc0\0\0\5\x11\0\0\0\x0a\0\1c\0\1u\0\0"));
    buf_deinit(&buf);
    buf_deinit(&properties);
}

TEST(mqtt_messages_and_what_answers_them)
{
    struct buf buf;
    struct mqtt_publish m;
    struct mqtt_ack ack;
    struct bytes filters[] = {BYTES_LITERAL("a/+"), BYTES_LITERAL("#")}, codes;
    uint16_t id;

    buf_init(&buf, 0);
    mqtt_put_publish(&buf, MQTT_3_1_1, &(struct mqtt_publish){.qos = 1, .id = 10, .retain = true, .topic = BYTES_LITERAL("a/b"),
                                                              .payload = BYTES_LITERAL("hi")});
    expect_put(&buf, BYTES_LITERAL("\x33\x09\0\3a/b\0\x0ahi"));
    struct mqtt_packet p = packet(BYTES_LITERAL("\x3c\x0e\0\1t\0\7\6\x26\0\1k\0\0hi")); /* 5.0, DUP, QoS 2, k = "" */
    EXPECT(mqtt_read_publish(&p, MQTT_5, &m));
    EXPECT(m.dup && !m.retain && m.qos == 2 && m.id == 7);
    EXPECT_BYTES(m.payload, BYTES_LITERAL("hi"));
    struct mqtt_property property;
    EXPECT(mqtt_property_next(&m.properties, &property));
    EXPECT_BYTES(property.text, BYTES_LITERAL("k"));
    EXPECT(!mqtt_property_next(&m.properties, &property) && !m.properties.len);
    mqtt_put_ack(&buf, MQTT_PUBREL, 7);
    expect_put(&buf, BYTES_LITERAL("\x62\2\0\7"));
    p = packet(BYTES_LITERAL("\x40\4\0\7\x97\0"));
    EXPECT(mqtt_read_ack(&p, MQTT_5, &ack) && ack.id == 7 && ack.code == 0x97);
    EXPECT(!mqtt_read_ack(&p, MQTT_3_1_1, &ack));
    mqtt_put_subscribe(&buf, MQTT_5, 1, filters, 2, 0x12);
    expect_put(&buf, BYTES_LITERAL("\x82\x0d\0\1\0\0\3a/+\x12\0\1#\x12"));
    mqtt_put_subscribe(&buf, MQTT_3_1_1, 1, filters, 2, 0x12);
    expect_put(&buf, BYTES_LITERAL("\x82\x0c\0\1\0\3a/+\2\0\1#\2"));
    p = packet(BYTES_LITERAL("\x90\4\0\1\2\x80"));
    EXPECT(mqtt_read_suback(&p, MQTT_3_1_1, &id, &codes) && id == 1);
    EXPECT_BYTES(codes, BYTES_LITERAL("\2\x80"));
    buf_deinit(&buf);
}

TEST(mqtt_what_is_no_packet)
{
    static const struct bytes bad[] = {
        BYTES_LITERAL("\x00\x00"), BYTES_LITERAL("\xf0\x00"),         /* types that there are not */
        BYTES_LITERAL("\x60\x02\0\1"), BYTES_LITERAL("\x36\x03\0\1t"), /* flags that must be others; QoS 3 */
        BYTES_LITERAL("\x30\xff\xff\xff\xff\x01"), BYTES_LITERAL("\x30\x80\x00")}; /* lengths of 5 bytes; not the shortest */
    struct mqtt_packet p;
    struct mqtt_publish m;
    size_t used;

    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        EXPECT_INT(mqtt_next(bad[i], 100, &p, &used), MQTT_BAD);
    EXPECT_INT(mqtt_next(BYTES_LITERAL("\x30\x80"), 100, &p, &used), MQTT_MORE);
    EXPECT_INT(mqtt_next(BYTES_LITERAL("\x30\x05\0\1t"), 100, &p, &used), MQTT_MORE);
    p = packet(BYTES_LITERAL("\x30\x04\0\2a+"));
    EXPECT(!mqtt_read_publish(&p, MQTT_3_1_1, &m));
    p = packet(BYTES_LITERAL("\x32\x05\0\1t\0\0"));
    EXPECT(!mqtt_read_publish(&p, MQTT_3_1_1, &m)); /* id 0 */
    p = packet(BYTES_LITERAL("\x30\x06\0\1t\2\x26\0"));
    EXPECT(!mqtt_read_publish(&p, MQTT_5, &m)); /* a property that ends in its middle */
}

TEST(mqtt_a_packet_that_is_too_large_is_given_by_its_beginning)
{
    uint8_t in[200] = "\x30\xc4\x01\0\1tabc";
    struct mqtt_packet p;
    size_t used;

    EXPECT_INT(mqtt_next(bytes_of(in, 12), 10, &p, &used), MQTT_MORE);
    EXPECT_INT(mqtt_next(bytes_of(in, 13), 10, &p, &used), MQTT_PACKET);
    EXPECT_INT(used, 13);
    EXPECT(p.body.len == 10 && p.body_whole == 196);
}

TEST(mqtt_topics_and_filters)
{
    EXPECT(mqtt_is_filter(BYTES_LITERAL("a/+/b")) && mqtt_is_filter(BYTES_LITERAL("#")) && mqtt_is_filter(BYTES_LITERAL("+/#")));
    EXPECT(mqtt_is_filter(BYTES_LITERAL("/")) && mqtt_is_filter(BYTES_LITERAL("$share/g/a/#")));
    EXPECT(!mqtt_is_filter(BYTES_LITERAL("a+")) && !mqtt_is_filter(BYTES_LITERAL("#/a")) && !mqtt_is_filter(BYTES_LITERAL("a#")));
    EXPECT(!mqtt_is_filter(BYTES_LITERAL("")) && !mqtt_is_filter(BYTES_LITERAL("a\0b")) && !mqtt_is_filter(BYTES_LITERAL("\xff")));
    EXPECT(mqtt_is_topic(BYTES_LITERAL("a/b")) && !mqtt_is_topic(BYTES_LITERAL("a/+")));
}
