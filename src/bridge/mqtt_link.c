/* mqtt_link.c: see mqtt_inner.h: a connection to a broker, and packets over it. */
#include <stdio.h>

#include "base/check.h"
#include "bridge/mqtt_inner.h"

void mqtt_disconnect(struct bridge_mqtt_state *b)
{
    link_close(b->link);
    b->link = NULL;
    buf_clear(&b->in);
    buf_clear(&b->out);
    buf_clear(&b->owed); /* the broker asks again for what it has no acknowledgement of */
    b->in_at = b->in_packet = b->skipped = 0;
    b->ping_ms = b->suback_ms = 0;
}

bool mqtt_trouble(struct bridge_mqtt_state *b, char trouble[200], const char *doing, const char *why)
{
    snprintf(trouble, 200, "MQTT at %.60s:%u: %.40s%s%.75s", b->to.host, b->to.port, doing, doing[0] ? ": " : "", why);
    mqtt_disconnect(b);
    return false;
}

bool mqtt_send(struct bridge_mqtt_state *b, char trouble[200])
{
    char why[LINK_WHY] = "";
    int64_t now = link_now_ms();

    bool good = link_send(b->link, buf_view(&b->out), now + b->base.spec->timeout_ms, why);
    buf_clear(&b->out);
    b->sent_ms = now;
    return good || mqtt_trouble(b, trouble, "sending", why);
}

/* ---- packets ---- */

/* A packet that is too large: what has come of its rest is taken out; true: that was all of it. */
static bool skip_rest(struct bridge_mqtt_state *b, const struct mqtt_packet *p)
{
    size_t from = b->in_at + b->in_packet, there = b->in.len - from;
    size_t left = p->body_whole - p->body.len - b->skipped, n = there < left ? there : left;

    if (n) {
        memmove(b->in.ptr + from, b->in.ptr + from + n, there - n);
        b->in.len -= n;
        b->skipped += n;
    }
    return n == left;
}

enum link_got mqtt_peek(struct bridge_mqtt_state *b, struct mqtt_packet *out, int64_t until_ms, char trouble[200])
{
    char why[LINK_WHY] = "";

    for (;;) {
        enum mqtt_next next = mqtt_next(bytes_skip(buf_view(&b->in), b->in_at), MQTT_PACKET_WHOLE, out, &b->in_packet);
        if (next == MQTT_PACKET && skip_rest(b, out))
            return LINK_SOME;
        if (next == MQTT_BAD) {
            mqtt_trouble(b, trouble, "", "what comes is no packet of MQTT");
            return LINK_GONE;
        }
        buf_consume(&b->in, b->in_at);
        b->in_at = 0;
        enum link_got got = link_receive(b->link, &b->in, until_ms, why);
        if (got == LINK_GONE)
            mqtt_trouble(b, trouble, "", why);
        if (got != LINK_SOME)
            return got;
        b->heard_ms = link_now_ms();
    }
}

void mqtt_drop(struct bridge_mqtt_state *b)
{
    b->in_at += b->in_packet;
    b->in_packet = b->skipped = 0;
}

bool mqtt_unexpected(struct bridge_mqtt_state *b, const struct mqtt_packet *p, char trouble[200])
{
    char why[80];

    if (p->type == MQTT_DISCONNECT)
        return mqtt_trouble(b, trouble, "it disconnects", mqtt_code_text(b->version, mqtt_read_disconnect(p)));
    snprintf(why, sizeof(why), "a packet of type %d that was not asked for, or is not well formed", (int)p->type);
    return mqtt_trouble(b, trouble, "", why);
}

/* ---- CONNECT ---- */

static void put_connect(struct bridge_mqtt_state *b, bool clean, uint16_t keep_alive_s)
{
    const struct bridge_value *v = b->base.spec->values;

    buf_clear(&b->properties);
    if (b->version == MQTT_5 && !clean) {
        mqtt_property_u32(&b->properties, MQTT_SESSION_EXPIRY, (uint32_t)(v[OPT_SESSION].number / 1000));
        mqtt_property_u16(&b->properties, MQTT_RECEIVE_MAXIMUM, (uint16_t)v[OPT_RECEIVE].number);
    }
    mqtt_put_connect(&b->out, &(struct mqtt_connect){
        .version = b->version, .clean = clean, .keep_alive_s = keep_alive_s, .client_id = b->client_id,
        .user = v[OPT_USER].given ? v[OPT_USER].text : BYTES_NONE,
        .password = v[OPT_PASSWORD].given ? v[OPT_PASSWORD].text : BYTES_NONE,
        .properties = buf_view(&b->properties)});
}

/* What the broker says that it can; NULL: that is enough. */
static const char *limits_of(struct bridge_mqtt_state *b, struct bytes properties)
{
    struct mqtt_property p;
    const char *lacks = NULL;

    b->server_receive = 65535;
    b->server_packet = UINT32_MAX;
    while (mqtt_property_next(&properties, &p))
        switch (p.id) {
        case MQTT_RECEIVE_MAXIMUM:
            b->server_receive = p.number ? p.number : 1;
            break;
        case MQTT_MAXIMUM_PACKET:
            b->server_packet = p.number;
            break;
        case MQTT_SERVER_KEEP_ALIVE:
            b->keep_alive_ms = p.number * 1000ll;
            break;
        case MQTT_MAXIMUM_QOS:
            if (p.number < b->qos)
                lacks = "the broker does not have the QoS of 'mqtt.qos'";
            break;
        case MQTT_RETAIN_AVAILABLE:
            if (!p.number && b->base.spec->values[OPT_RETAIN].number)
                lacks = "the broker keeps no messages, as 'mqtt.retain' wants";
            break;
        default:
            break;
        }
    return lacks;
}

static bool greeted(struct bridge_mqtt_state *b, char trouble[200])
{
    struct mqtt_packet p;
    struct mqtt_connack answer;
    enum link_got got = mqtt_peek(b, &p, link_now_ms() + b->base.spec->timeout_ms, trouble);

    if (got == LINK_GONE)
        return false;
    if (got == LINK_NONE)
        return mqtt_trouble(b, trouble, "", "no answer to CONNECT in time ('bridge.timeout')");
    if (p.type != MQTT_CONNACK || !mqtt_read_connack(&p, b->version, &answer))
        return mqtt_trouble(b, trouble, "", "the answer to CONNECT is none of its kind");
    if (answer.code)
        return mqtt_trouble(b, trouble, "it refuses", mqtt_connack_text(b->version, answer.code));
    const char *lacks = limits_of(b, answer.properties);
    if (lacks)
        return mqtt_trouble(b, trouble, "", lacks);
    b->session_present = answer.session_present;
    mqtt_drop(b);
    return true;
}

bool mqtt_dial(struct bridge_mqtt_state *b, bool clean, uint16_t keep_alive_s, char trouble[200])
{
    char why[LINK_WHY] = "";

    b->link = link_connect(&b->to, link_now_ms() + b->base.spec->timeout_ms, why);
    if (!b->link)
        return mqtt_trouble(b, trouble, "", why);
    b->keep_alive_ms = keep_alive_s * 1000ll;
    put_connect(b, clean, keep_alive_s);
    return mqtt_send(b, trouble) && greeted(b, trouble);
}
