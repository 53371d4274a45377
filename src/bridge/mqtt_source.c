/* mqtt_source.c: MQTT as a source.
 *
 * The broker keeps a session for our client id, so it sends again what it has no acknowledgement of; and that is sent
 * when the message is durable in our log, by the next poll:
 *
 *     QoS 0   as MQTT has it: what comes while we are away is gone
 *     QoS 1   PUBACK then. A message whose PUBACK was lost comes twice
 *     QoS 2   the ids of what was taken are the position, in the same entry as the records. A message that comes again
 *             has an id that is known, and is not taken; PUBREC then. PUBREL takes the id out, PUBCOMP once that is
 *             durable: before it the broker gives the id to no other message
 *
 *     position   u8 1 | u16 count | u16 id … | what 'mqtt.topic' said when the session was subscribed
 *
 * The ids are of one session. If the broker has lost that, a position without ids is durable before the new one is
 * subscribed. (Should we die in between, ids are left that are of no session: a message that comes for the first time,
 * by its DUP flag, is taken whatever its id.)
 *
 * A message is a record: its payload the value, and headers: what version 5 says of it, user properties by their
 * names, then topic, qos, retain (1: the broker had kept it).
 */
#include <stdio.h>
#include <time.h>

#include "base/check.h"
#include "base/reader.h"
#include "bridge/mqtt_inner.h"

enum { POSITION_VERSION = 1, SUBSCRIBE_ID = 1, UNSUBSCRIBE_ID = 2, RETAINED_IF_NEW = 1 << 4, DEAD_KEPT = 64 << 10 };
static const struct bytes split = {(const uint8_t *)"session", 7};

/* ---- opening ---- */

/* The filters of a list, by ';'; how many, or -1: too many, or one is none. */
static int read_filters(struct bytes list, struct bytes out[MQTT_FILTERS_MAX])
{
    int n = 0;

    while (list.len) {
        size_t end = bytes_find(list, ';', 0);
        if (n == MQTT_FILTERS_MAX || !mqtt_is_filter(bytes_head(list, end)))
            return -1;
        out[n++] = bytes_head(list, end);
        list = bytes_skip(list, end + (end < list.len));
    }
    return n;
}

enum status mqtt_source_open(struct bridge_mqtt_state *b, struct diag *diag)
{
    const struct bridge_spec *spec = b->base.spec;
    static const int of_sinks[] = {OPT_RETAIN, OPT_CONTENT_TYPE, OPT_EXPIRY};
    static const char *const names[] = {"mqtt.retain", "mqtt.content.type", "mqtt.message.expiry"};

    if (spec->key_count)
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                        "`%.*s` cannot be read: messages are rows that are added, leave the PRIMARY KEY out",
                        BYTES_FMT(spec->table));
    for (unsigned i = 0; i < 3; i++)
        if (spec->values[of_sinks[i]].given)
            return diag_set(diag, ST_INVALID, DIAG_VALUE, "`%.*s` is read, and '%s' is of what is written",
                            BYTES_FMT(spec->table), names[i]);
    struct bytes list = spec->values[OPT_TOPIC].text;
    int n = list.len <= MQTT_FILTERS_BYTES ? read_filters(list, b->filters) : -1;
    if (n < 1) {
        diag_hint(diag, "topics such as a/b, with + for a level and # for all below at the end; at most %d, by ';'",
                  MQTT_FILTERS_MAX);
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'mqtt.topic' of `%.*s`, which is read, is no list of filters: '%.*s'",
                        BYTES_FMT(spec->table), BYTES_FMT(bytes_head(list, 100)));
    }
    b->filters_count = (unsigned)n;
    return ST_OK;
}

/* ---- the ids of QoS 2 ---- */

static bool is_held(const struct bridge_mqtt_state *b, uint16_t id)
{
    return b->held[id / 64] >> id % 64 & 1;
}

static void hold(struct bridge_mqtt_state *b, uint16_t id, bool on)
{
    if (is_held(b, id) == on)
        return;
    b->held[id / 64] ^= 1ull << id % 64;
    b->held_count += on ? 1 : UINT32_MAX;
    b->held_moved = true;
}

static void forget_all(struct bridge_mqtt_state *b)
{
    memset(b->held, 0, sizeof(b->held));
    b->held_count = 0;
    b->held_moved = true;
}

enum status mqtt_resume(struct bridge *bridge, struct bytes which, struct bytes position)
{
    struct bridge_mqtt_state *b = (struct bridge_mqtt_state *)bridge;
    struct reader r = reader_of(position);
    bool known = reader_u8(&r) == POSITION_VERSION && bytes_equal(which, split);

    for (uint32_t left = reader_u16_be(&r); left && !r.bad; left--)
        hold(b, reader_u16_be(&r), true);
    b->held_moved = false;
    bytes_keep_over(&b->kept_filters, reader_rest(&r));
    return known && !r.bad && b->held_count <= MQTT_HELD_MAX ? ST_OK : ST_CORRUPT;
}

static void say_position(struct bridge_mqtt_state *b, struct bridge_poll *poll)
{
    struct buf text;

    buf_init(&text, 0);
    buf_u8(&text, POSITION_VERSION);
    buf_u16_be(&text, (uint16_t)b->held_count);
    for (uint32_t id = 0; id < MQTT_IDS; id++)
        if (is_held(b, (uint16_t)id))
            buf_u16_be(&text, (uint16_t)id);
    buf_bytes(&text, b->kept_filters);
    bridge_poll_moved(poll, split, buf_view(&text));
    buf_deinit(&text);
    b->held_moved = false;
}

/* ---- a message ---- */

static int64_t wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct bytes kept(struct bridge_poll *poll, struct bytes text)
{
    return text.len ? arena_copy(poll->arena, text) : BYTES_LITERAL("");
}

static void add_property(struct bridge_poll *poll, struct bridge_record *r, const struct mqtt_property *p)
{
    switch (p->id) {
    case MQTT_USER_PROPERTY:
        bridge_poll_header(poll, r, p->text, kept(poll, p->value));
        break;
    case MQTT_CONTENT_TYPE:
        bridge_poll_header(poll, r, BYTES_LITERAL("content-type"), kept(poll, p->text));
        break;
    case MQTT_RESPONSE_TOPIC:
        bridge_poll_header(poll, r, BYTES_LITERAL("response-topic"), kept(poll, p->text));
        break;
    case MQTT_CORRELATION:
        bridge_poll_header(poll, r, BYTES_LITERAL("correlation-data"), kept(poll, p->text));
        break;
    default:
        break;
    }
}

/* False: the poll is full. */
static bool give(struct bridge_mqtt_state *b, struct bridge_poll *poll, const struct mqtt_packet *p,
                 const struct mqtt_publish *m)
{
    static const char digits[] = "012";
    bool whole = p->body.len == p->body_whole;
    struct bytes payload = whole ? m->payload : bytes_head(m->payload, DEAD_KEPT), rest = m->properties;
    struct bridge_record *r = bridge_poll_record(poll, m->topic.len + payload.len + m->properties.len);
    struct mqtt_property property;

    if (!r)
        return false;
    r->timestamp_ms = wall_ms();
    r->value = kept(poll, payload);
    if (!whole)
        r->never = arena_printf(poll->arena, "a message of %zu bytes is not taken: at most %d are", p->body_whole,
                                MQTT_PACKET_WHOLE);
    while (b->version == MQTT_5 && mqtt_property_next(&rest, &property))
        add_property(poll, r, &property);
    bridge_poll_header(poll, r, BYTES_LITERAL("topic"), kept(poll, m->topic));
    bridge_poll_header(poll, r, BYTES_LITERAL("qos"), bytes_of(&digits[m->qos], 1));
    bridge_poll_header(poll, r, BYTES_LITERAL("retain"), bytes_of(&digits[m->retain], 1));
    return true;
}

enum taken { TAKEN, FULL, LOST };

static enum taken take_message(struct bridge_mqtt_state *b, struct bridge_poll *poll, const struct mqtt_packet *p)
{
    struct mqtt_publish m;

    if (!mqtt_read_publish(p, b->version, &m)) {
        mqtt_trouble(b, poll->trouble, "", "a message that is not well formed");
        return LOST;
    }
    bool again = m.qos == 2 && m.dup && is_held(b, m.id);
    if (!again && !give(b, poll, p, &m))
        return FULL;
    if (m.qos == 1)
        mqtt_put_ack(&b->owed, MQTT_PUBACK, m.id);
    if (m.qos == 2) {
        hold(b, m.id, true);
        mqtt_put_ack(&b->owed, MQTT_PUBREC, m.id);
    }
    if (b->held_count <= MQTT_HELD_MAX)
        return TAKEN;
    mqtt_trouble(b, poll->trouble, "", "it releases none of its messages");
    return LOST;
}

/* ---- subscription ---- */

static void put_unsubscribes(struct bridge_mqtt_state *b)
{
    struct bytes old[MQTT_FILTERS_MAX];
    int n = read_filters(b->kept_filters, old);

    for (int i = 0; i < n; i++) {
        bool wanted = false;
        for (unsigned k = 0; k < b->filters_count; k++)
            wanted |= bytes_equal(old[i], b->filters[k]);
        if (!wanted)
            mqtt_put_unsubscribe(&b->out, b->version, UNSUBSCRIBE_ID, old[i]);
    }
}

static bool subscribe(struct bridge_mqtt_state *b, char trouble[200])
{
    b->to_subscribe = false;
    b->suback_ms = link_now_ms() + b->base.spec->timeout_ms;
    if (b->session_present)
        put_unsubscribes(b);
    mqtt_put_subscribe(&b->out, b->version, SUBSCRIBE_ID, b->filters, b->filters_count, b->qos | RETAINED_IF_NEW);
    return mqtt_send(b, trouble);
}

static enum taken take_suback(struct bridge_mqtt_state *b, struct bridge_poll *poll, const struct mqtt_packet *p)
{
    struct bytes codes;
    uint16_t id;
    char why[120];

    bool good = mqtt_read_suback(p, b->version, &id, &codes) && id == SUBSCRIBE_ID && codes.len == b->filters_count;
    if (!good)
        mqtt_trouble(b, poll->trouble, "", "the answer to SUBSCRIBE is none of its kind");
    for (unsigned i = 0; good && i < codes.len; i++) {
        if (codes.ptr[i] == b->qos)
            continue;
        good = false;
        if (codes.ptr[i] > 2)
            snprintf(why, sizeof(why), "'%.*s': %s", BYTES_FMT(bytes_head(b->filters[i], 40)),
                     mqtt_code_text(b->version, codes.ptr[i]));
        else
            snprintf(why, sizeof(why), "'%.*s' is granted with QoS %d, not %d", BYTES_FMT(bytes_head(b->filters[i], 40)),
                     codes.ptr[i], b->qos);
        mqtt_trouble(b, poll->trouble, "SUBSCRIBE", why);
    }
    if (!good)
        return LOST;
    b->suback_ms = 0;
    b->subscribed = true;
    struct bytes said = b->base.spec->values[OPT_TOPIC].text;
    if (b->qos && !bytes_equal(b->kept_filters, said)) {
        bytes_keep_over(&b->kept_filters, said);
        b->held_moved = true;
    }
    return TAKEN;
}

/* ---- a poll ---- */

static enum taken take_packet(struct bridge_mqtt_state *b, struct bridge_poll *poll, const struct mqtt_packet *p)
{
    struct mqtt_ack ack;

    if (p->type == MQTT_PUBLISH)
        return take_message(b, poll, p);
    if (p->type == MQTT_SUBACK && b->suback_ms)
        return take_suback(b, poll, p);
    if (p->type == MQTT_UNSUBACK)
        return TAKEN;
    if (p->type == MQTT_PINGRESP) {
        b->ping_ms = 0;
        return TAKEN;
    }
    if (p->type != MQTT_PUBREL || !mqtt_read_ack(p, b->version, &ack)) {
        mqtt_unexpected(b, p, poll->trouble);
        return LOST;
    }
    hold(b, ack.id, false);
    mqtt_put_ack(&b->owed, MQTT_PUBCOMP, ack.id);
    return TAKEN;
}

/* False: there is no connection any more, or (nothing said) what is known of the old session is to go first. */
static bool connected(struct bridge_mqtt_state *b, struct bridge_poll *poll)
{
    uint16_t keep_alive_s = (uint16_t)(b->base.spec->values[OPT_KEEP_ALIVE].number / 1000);

    if (b->link)
        return true;
    if (!mqtt_dial(b, b->qos == 0, keep_alive_s, poll->trouble))
        return false;
    if (!b->session_present) {
        b->subscribed = false;
        if (b->held_count)
            forget_all(b);
    }
    /* asked again, 3.1.1 sends the retained messages again: only where the session may not have it */
    b->to_subscribe = !b->subscribed || b->version == MQTT_5;
    return !b->held_moved;
}

static bool pay(struct bridge_mqtt_state *b, char trouble[200])
{
    if (!b->owed.len)
        return true;
    buf_bytes(&b->out, buf_view(&b->owed));
    buf_clear(&b->owed);
    return mqtt_send(b, trouble);
}

/* Nothing has come for a while. */
static void keep_alive(struct bridge_mqtt_state *b, char trouble[200])
{
    int64_t now = link_now_ms();

    if (b->suback_ms && now > b->suback_ms)
        mqtt_trouble(b, trouble, "", "no answer to SUBSCRIBE in time ('bridge.timeout')");
    else if (b->ping_ms && now - (b->heard_ms > b->ping_ms ? b->heard_ms : b->ping_ms) > b->base.spec->timeout_ms)
        mqtt_trouble(b, trouble, "", "no answer to a ping in time ('bridge.timeout')");
    else if (!b->ping_ms && b->keep_alive_ms && now - b->sent_ms > b->keep_alive_ms / 2) {
        b->ping_ms = now;
        mqtt_put_empty(&b->out, MQTT_PINGREQ);
        (void)mqtt_send(b, trouble);
    }
}

/* What comes until the poll is full, or nothing is there and something was taken, or the time is over. */
static void take_all(struct bridge_mqtt_state *b, struct bridge_poll *poll)
{
    int64_t until = link_now_ms() + poll->wait_ms;
    struct mqtt_packet p;

    while (poll->count < poll->records_max) {
        bool some = poll->count || b->owed.len;
        enum link_got got = mqtt_peek(b, &p, some ? 0 : until, poll->trouble);
        if (got == LINK_NONE && !some)
            keep_alive(b, poll->trouble);
        if (got != LINK_SOME || take_packet(b, poll, &p) != TAKEN)
            return;
        mqtt_drop(b);
    }
}

void mqtt_poll(struct bridge *bridge, struct bridge_poll *poll)
{
    struct bridge_mqtt_state *b = (struct bridge_mqtt_state *)bridge;

    if (connected(b, poll) && pay(b, poll->trouble) && (!b->to_subscribe || subscribe(b, poll->trouble)))
        take_all(b, poll);
    if (b->held_moved)
        say_position(b, poll);
}
