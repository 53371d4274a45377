/* packet.h: MQTT 3.1.1 and 5.0 (OASIS), a client's side: packets both ways.
 *
 *     u8 type << 4 | flags | remaining length (base 128, low first, 1 to 4 bytes) | body
 *     text, data            u16 length, bytes
 *     properties (5.0)      length as above, then u8 identifier and a value, each
 *
 * (Debian's libmosquitto acknowledges a message before it hands it over, and so does Paho's C library: with them a
 * crash loses what was under way. What they would spare is the page below.)
 *
 * Owns:    nothing; what is decoded are views of what was given.
 * Errors:  MQTT_BAD, or false: it is none of its kind.
 * Limits:  the caller's, of a packet; of text 65,535 bytes by the protocol.
 * Threads: pure functions.   Layer: wire.
 */
#ifndef QW_WIRE_MQTT_PACKET_H
#define QW_WIRE_MQTT_PACKET_H

#include "base/buf.h"

enum mqtt_version { MQTT_3_1_1 = 4, MQTT_5 = 5 };
enum mqtt_type {
    MQTT_CONNECT = 1, MQTT_CONNACK, MQTT_PUBLISH, MQTT_PUBACK, MQTT_PUBREC, MQTT_PUBREL, MQTT_PUBCOMP, MQTT_SUBSCRIBE,
    MQTT_SUBACK, MQTT_UNSUBSCRIBE, MQTT_UNSUBACK, MQTT_PINGREQ, MQTT_PINGRESP, MQTT_DISCONNECT
};
enum { MQTT_TEXT_MAX = 65535, MQTT_REMAINING_MAX = 268435455 };

enum mqtt_property_id {
    MQTT_PAYLOAD_IS_TEXT = 1, MQTT_MESSAGE_EXPIRY = 2, MQTT_CONTENT_TYPE = 3, MQTT_RESPONSE_TOPIC = 8,
    MQTT_CORRELATION = 9, MQTT_SESSION_EXPIRY = 17, MQTT_SERVER_KEEP_ALIVE = 19, MQTT_REASON = 31,
    MQTT_RECEIVE_MAXIMUM = 33, MQTT_MAXIMUM_QOS = 36, MQTT_RETAIN_AVAILABLE = 37, MQTT_USER_PROPERTY = 38,
    MQTT_MAXIMUM_PACKET = 39
};

/* ---- what comes ---- */

struct mqtt_packet {
    enum mqtt_type type;
    uint8_t flags;
    struct bytes body;  /* where it is cut: its beginning */
    size_t body_whole;  /* how long it is */
};

enum mqtt_next { MQTT_MORE, MQTT_PACKET, MQTT_BAD };

/* The packet that `in` begins with, *used bytes of it. One with more than `whole_max` bytes is given once whole_max
 * of it are there: the rest of it is yet to come, body_whole - body.len, and to be skipped. */
enum mqtt_next mqtt_next(struct bytes in, size_t whole_max, struct mqtt_packet *out, size_t *used);

struct mqtt_property {
    uint8_t id;
    uint32_t number;
    struct bytes text, value; /* value: of a user property, whose name text is */
};
/* False: there are no more; *rest is empty then, else what comes next is none. */
bool mqtt_property_next(struct bytes *rest, struct mqtt_property *out);

struct mqtt_connack {
    bool session_present;
    uint8_t code;
    struct bytes properties;
};
bool mqtt_read_connack(const struct mqtt_packet *p, enum mqtt_version version, struct mqtt_connack *out);

struct mqtt_publish {
    bool dup, retain;
    uint8_t qos;
    uint16_t id;         /* of QoS 1 and 2: never 0 */
    struct bytes topic, payload;
    struct bytes properties; /* encoded, without their length; none with 3.1.1 */
};
bool mqtt_read_publish(const struct mqtt_packet *p, enum mqtt_version version, struct mqtt_publish *out);

struct mqtt_ack {
    uint16_t id;
    uint8_t code; /* 0x80 and more: refused */
    struct bytes properties;
};
/* PUBACK, PUBREC, PUBREL, PUBCOMP. */
bool mqtt_read_ack(const struct mqtt_packet *p, enum mqtt_version version, struct mqtt_ack *out);
/* SUBACK, UNSUBACK: a code for each of what was asked; none of UNSUBACK with 3.1.1. */
bool mqtt_read_suback(const struct mqtt_packet *p, enum mqtt_version version, uint16_t *id, struct bytes *codes);
uint8_t mqtt_read_disconnect(const struct mqtt_packet *p); /* 5.0: why the server closes */

/* What a code of CONNACK, SUBACK, an acknowledgement or DISCONNECT means. */
const char *mqtt_code_text(enum mqtt_version version, uint8_t code);
const char *mqtt_connack_text(enum mqtt_version version, uint8_t code);

/* ---- what goes ---- */

struct mqtt_connect {
    enum mqtt_version version;
    bool clean;
    uint16_t keep_alive_s;
    struct bytes client_id, user, password; /* ptr NULL: none */
    struct bytes properties;
};
void mqtt_put_connect(struct buf *buf, const struct mqtt_connect *c);
void mqtt_put_publish(struct buf *buf, enum mqtt_version version, const struct mqtt_publish *p);
void mqtt_put_ack(struct buf *buf, enum mqtt_type type, uint16_t id);
/* options: the byte of 5.0's subscription options; with 3.1.1 its QoS alone is sent. */
void mqtt_put_subscribe(struct buf *buf, enum mqtt_version version, uint16_t id, const struct bytes *filters,
                        unsigned count, uint8_t options);
void mqtt_put_unsubscribe(struct buf *buf, enum mqtt_version version, uint16_t id, struct bytes filter);
void mqtt_put_empty(struct buf *buf, enum mqtt_type type); /* PINGREQ, DISCONNECT */

/* Properties, one after the other, for the structs above. */
void mqtt_property_u8(struct buf *buf, enum mqtt_property_id id, uint8_t value);
void mqtt_property_u16(struct buf *buf, enum mqtt_property_id id, uint16_t value);
void mqtt_property_u32(struct buf *buf, enum mqtt_property_id id, uint32_t value);
void mqtt_property_text(struct buf *buf, enum mqtt_property_id id, struct bytes text);
void mqtt_property_pair(struct buf *buf, struct bytes name, struct bytes value);

/* Whether a filter, or a topic (which has no wildcards), is one. */
bool mqtt_is_filter(struct bytes filter);
bool mqtt_is_topic(struct bytes topic);

#endif
