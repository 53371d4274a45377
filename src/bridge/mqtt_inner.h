/* mqtt_inner.h: what mqtt.c (options, the class), mqtt_link.c (the connection), mqtt_source.c and mqtt_sink.c share.
 * Nobody else includes it.   Layer: bridge.
 */
#ifndef QW_BRIDGE_MQTT_INNER_H
#define QW_BRIDGE_MQTT_INNER_H

#include "bridge/link.h"
#include "bridge/systems.h"
#include "bridge/template.h"
#include "wire/mqtt/packet.h"

enum { OPT_HOST, OPT_PORT, OPT_VERSION, OPT_CLIENT_ID, OPT_USER, OPT_PASSWORD, OPT_TLS, OPT_CA, OPT_CERT, OPT_KEY,
       OPT_TOPIC, OPT_QOS, OPT_KEEP_ALIVE, OPT_SESSION, OPT_RECEIVE, OPT_RETAIN, OPT_CONTENT_TYPE, OPT_EXPIRY, OPTIONS };

enum {
    MQTT_PACKET_WHOLE = 17 << 20, /* a larger one is skipped but for its beginning */
    MQTT_IDS = 1 << 16,
    MQTT_HELD_MAX = 16000,
    MQTT_FILTERS_MAX = 16, MQTT_FILTERS_BYTES = 16 << 10,
};

struct bridge_mqtt_state {
    struct bridge base;
    struct arena arena; /* as long as the bridge */
    struct link_options to;
    enum mqtt_version version;
    uint8_t qos;
    struct bytes client_id;

    /* the connection */
    struct link *link;      /* NULL: none */
    struct buf in;          /* received; before in_at: done with */
    size_t in_at, in_packet; /* of the packet that was peeked */
    size_t skipped;         /* of one that is too large */
    struct buf out, properties;
    int64_t sent_ms, heard_ms, ping_ms; /* ping_ms 0: none is under way */
    int64_t keep_alive_ms;  /* 0: none */
    bool session_present;
    uint32_t server_receive, server_packet; /* its Receive Maximum and Maximum Packet Size */

    /* of a source */
    struct bytes filters[MQTT_FILTERS_MAX];
    unsigned filters_count;
    struct bytes kept_filters;      /* what the session was subscribed to, as 'mqtt.topic' said it */
    uint64_t held[MQTT_IDS / 64];   /* packet ids of QoS 2 that are taken and not released yet */
    uint32_t held_count;
    bool held_moved;                /* since the last position */
    struct buf owed;                /* acknowledgements of what becomes durable */
    bool to_subscribe, subscribed;  /* it has to be asked; it has been, in this session */
    int64_t suback_ms;              /* until when it is to be answered; 0: it is not asked */

    /* of a sink */
    struct template topic;
    uint16_t next_id;
    struct buf topic_text;
};

/* ---- mqtt_link.c: false, and LINK_GONE, with trouble: then there is no connection any more ---- */
bool mqtt_dial(struct bridge_mqtt_state *b, bool clean, uint16_t keep_alive_s, char trouble[200]);
void mqtt_disconnect(struct bridge_mqtt_state *b);
bool mqtt_trouble(struct bridge_mqtt_state *b, char trouble[200], const char *doing, const char *why);
/* What stands in b->out. */
bool mqtt_send(struct bridge_mqtt_state *b, char trouble[200]);
/* The next packet, a view until it is dropped. */
enum link_got mqtt_peek(struct bridge_mqtt_state *b, struct mqtt_packet *out, int64_t until_ms, char trouble[200]);
void mqtt_drop(struct bridge_mqtt_state *b);
/* A DISCONNECT, or a packet that a server does not send. */
bool mqtt_unexpected(struct bridge_mqtt_state *b, const struct mqtt_packet *p, char trouble[200]);

/* ---- mqtt_source.c ---- */
enum status mqtt_source_open(struct bridge_mqtt_state *b, struct diag *diag) MUST_CHECK;
enum status mqtt_resume(struct bridge *bridge, struct bytes split, struct bytes position);
void mqtt_poll(struct bridge *bridge, struct bridge_poll *poll);

/* ---- mqtt_sink.c ---- */
enum status mqtt_sink_open(struct bridge_mqtt_state *b, struct diag *diag) MUST_CHECK;
void mqtt_deliver(struct bridge *bridge, struct bridge_batch *batch);

#endif
