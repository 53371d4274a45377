/* packet.c: see packet.h. */
#include "wire/mqtt/packet.h"

#include "base/check.h"
#include "base/reader.h"

enum { LENGTH_BYTES_MAX = 4, FLAGS_OF_REQUESTS = 2 };

/* ---- lengths ---- */

/* How many bytes it has; 0: more are needed; -1: it is none. */
static int read_length(struct bytes in, size_t *out)
{
    *out = 0;
    for (int i = 0; i < LENGTH_BYTES_MAX; i++) {
        if ((size_t)i >= in.len)
            return 0;
        *out |= (size_t)(in.ptr[i] & 0x7f) << (7 * i);
        if (!(in.ptr[i] & 0x80))
            return i && !in.ptr[i] ? -1 : i + 1; /* the shortest form alone */
    }
    return -1;
}

static void put_length(struct buf *buf, size_t len)
{
    CHECK(len <= MQTT_REMAINING_MAX);
    for (; len >= 0x80; len >>= 7)
        buf_u8(buf, (uint8_t)(len | 0x80));
    buf_u8(buf, (uint8_t)len);
}

static size_t length_bytes(size_t len)
{
    return len < 128 ? 1 : len < 16384 ? 2 : len < 2097152 ? 3 : 4;
}

static struct bytes read_text(struct reader *r)
{
    uint16_t len = reader_u16_be(r);
    return reader_bytes(r, len);
}

static void put_text(struct buf *buf, struct bytes text)
{
    CHECK(text.len <= MQTT_TEXT_MAX);
    buf_u16_be(buf, (uint16_t)text.len);
    buf_bytes(buf, text);
}

/* ---- packets ---- */

/* The low four bits are prescribed but for PUBLISH. */
static bool flags_are_good(unsigned type, unsigned flags)
{
    if (type == MQTT_PUBLISH)
        return (flags >> 1 & 3) != 3;
    return flags == (type == MQTT_PUBREL || type == MQTT_SUBSCRIBE || type == MQTT_UNSUBSCRIBE ? FLAGS_OF_REQUESTS : 0);
}

enum mqtt_next mqtt_next(struct bytes in, size_t whole_max, struct mqtt_packet *out, size_t *used)
{
    size_t whole;

    *used = 0;
    if (!in.len)
        return MQTT_MORE;
    unsigned type = in.ptr[0] >> 4, flags = in.ptr[0] & 15;
    if (type < MQTT_CONNECT || type > MQTT_DISCONNECT || !flags_are_good(type, flags))
        return MQTT_BAD;
    int n = read_length(bytes_skip(in, 1), &whole);
    if (n < 0)
        return MQTT_BAD;
    if (!n)
        return MQTT_MORE;
    struct bytes body = bytes_head(bytes_skip(in, 1 + (size_t)n), whole < whole_max ? whole : whole_max);
    if (body.len < whole && body.len < whole_max)
        return MQTT_MORE;
    *out = (struct mqtt_packet){(enum mqtt_type)type, (uint8_t)flags, body, whole};
    *used = 1 + (size_t)n + body.len;
    return MQTT_PACKET;
}

/* ---- properties ---- */

enum property_type { NONE, U8, U16, U32, LENGTH, TEXT, PAIR };

static enum property_type property_type(uint8_t id)
{
    static const uint8_t types[] = {[1] = U8, [2] = U32, [3] = TEXT, [8] = TEXT, [9] = TEXT, [11] = LENGTH, [17] = U32,
                                    [18] = TEXT, [19] = U16, [21] = TEXT, [22] = TEXT, [23] = U8, [24] = U32, [25] = U8,
                                    [26] = TEXT, [28] = TEXT, [31] = TEXT, [33] = U16, [34] = U16, [35] = U16, [36] = U8,
                                    [37] = U8, [38] = PAIR, [39] = U32, [40] = U8, [41] = U8, [42] = U8};

    return id < sizeof(types) ? (enum property_type)types[id] : NONE;
}

static void read_property_length(struct reader *r, uint32_t *number)
{
    size_t value = 0;
    int n = read_length(bytes_of(r->at, reader_left(r)), &value);

    r->bad |= n <= 0;
    (void)reader_bytes(r, n > 0 ? (size_t)n : 0);
    *number = (uint32_t)value;
}

bool mqtt_property_next(struct bytes *rest, struct mqtt_property *out)
{
    struct reader r = reader_of(*rest);

    if (!rest->len)
        return false;
    *out = (struct mqtt_property){.id = reader_u8(&r)};
    switch (property_type(out->id)) {
    case NONE:
        r.bad = true;
        break;
    case U8:
        out->number = reader_u8(&r);
        break;
    case U16:
        out->number = reader_u16_be(&r);
        break;
    case U32:
        out->number = reader_u32_be(&r);
        break;
    case LENGTH:
        read_property_length(&r, &out->number);
        break;
    case PAIR:
        out->text = read_text(&r);
        out->value = read_text(&r);
        break;
    case TEXT:
        out->text = read_text(&r);
        break;
    }
    if (r.bad)
        return false;
    *rest = bytes_of(r.at, reader_left(&r));
    return true;
}

/* Their length and they; each of them is one. */
static struct bytes read_properties(struct reader *r, enum mqtt_version version)
{
    uint32_t len = 0;
    struct mqtt_property p;

    if (version != MQTT_5)
        return BYTES_NONE;
    read_property_length(r, &len);
    struct bytes all = reader_bytes(r, len), rest = all;
    while (mqtt_property_next(&rest, &p))
        ;
    r->bad |= rest.len > 0;
    return all;
}

static void put_properties(struct buf *buf, enum mqtt_version version, struct bytes properties)
{
    if (version != MQTT_5)
        return;
    put_length(buf, properties.len);
    buf_bytes(buf, properties);
}

static size_t properties_bytes(enum mqtt_version version, struct bytes properties)
{
    return version == MQTT_5 ? length_bytes(properties.len) + properties.len : 0;
}

void mqtt_property_u8(struct buf *buf, enum mqtt_property_id id, uint8_t value)
{
    buf_u8(buf, (uint8_t)id);
    buf_u8(buf, value);
}

void mqtt_property_u16(struct buf *buf, enum mqtt_property_id id, uint16_t value)
{
    buf_u8(buf, (uint8_t)id);
    buf_u16_be(buf, value);
}

void mqtt_property_u32(struct buf *buf, enum mqtt_property_id id, uint32_t value)
{
    buf_u8(buf, (uint8_t)id);
    buf_u32_be(buf, value);
}

void mqtt_property_text(struct buf *buf, enum mqtt_property_id id, struct bytes text)
{
    buf_u8(buf, (uint8_t)id);
    put_text(buf, text);
}

void mqtt_property_pair(struct buf *buf, struct bytes name, struct bytes value)
{
    buf_u8(buf, MQTT_USER_PROPERTY);
    put_text(buf, name);
    put_text(buf, value);
}

/* ---- what comes ---- */

bool mqtt_read_connack(const struct mqtt_packet *p, enum mqtt_version version, struct mqtt_connack *out)
{
    struct reader r = reader_of(p->body);
    uint8_t flags = reader_u8(&r);

    *out = (struct mqtt_connack){.session_present = flags & 1, .code = reader_u8(&r)};
    if (reader_left(&r) || version == MQTT_3_1_1) /* a server of 3.1.1 alone says no in its own way */
        out->properties = read_properties(&r, version);
    return !r.bad && flags <= 1 && !reader_left(&r);
}

bool mqtt_read_publish(const struct mqtt_packet *p, enum mqtt_version version, struct mqtt_publish *out)
{
    struct reader r = reader_of(p->body);

    *out = (struct mqtt_publish){.dup = p->flags & 8, .retain = p->flags & 1, .qos = p->flags >> 1 & 3};
    out->topic = read_text(&r);
    if (out->qos)
        out->id = reader_u16_be(&r);
    out->properties = read_properties(&r, version);
    out->payload = reader_bytes(&r, reader_left(&r));
    return !r.bad && (!out->qos || out->id) && mqtt_is_topic(out->topic);
}

bool mqtt_read_ack(const struct mqtt_packet *p, enum mqtt_version version, struct mqtt_ack *out)
{
    struct reader r = reader_of(p->body);

    *out = (struct mqtt_ack){.id = reader_u16_be(&r)};
    if (version == MQTT_5 && reader_left(&r))
        out->code = reader_u8(&r);
    if (version == MQTT_5 && reader_left(&r))
        out->properties = read_properties(&r, version);
    return !r.bad && out->id && !reader_left(&r);
}

bool mqtt_read_suback(const struct mqtt_packet *p, enum mqtt_version version, uint16_t *id, struct bytes *codes)
{
    struct reader r = reader_of(p->body);

    *id = reader_u16_be(&r);
    (void)read_properties(&r, version);
    *codes = reader_bytes(&r, reader_left(&r));
    return !r.bad && *id;
}

uint8_t mqtt_read_disconnect(const struct mqtt_packet *p)
{
    return p->body.len ? p->body.ptr[0] : 0;
}

const char *mqtt_code_text(enum mqtt_version version, uint8_t code)
{
    static const struct {
        uint8_t code;
        const char *text;
    } texts[] = {{0x80, "it says no more than that it fails"}, {0x81, "malformed packet"}, {0x82, "protocol error"},
                 {0x83, "it refuses for a reason of its own"}, {0x84, "it does not speak this version of MQTT"},
                 {0x85, "the client id is not valid"}, {0x86, "bad user name or password"}, {0x87, "not authorized"},
                 {0x88, "the server is unavailable"}, {0x89, "the server is busy"}, {0x8a, "banned"},
                 {0x8b, "the server shuts down"}, {0x8d, "keep alive timeout"},
                 {0x8e, "another client has taken the session over"}, {0x8f, "the topic filter is not valid"},
                 {0x90, "the topic name is not valid"}, {0x91, "the packet id is in use"},
                 {0x92, "the packet id is not known"}, {0x93, "receive maximum exceeded"}, {0x95, "the packet is too large"},
                 {0x96, "the message rate is too high"}, {0x97, "a quota is exceeded"},
                 {0x99, "the payload's format is not valid"}, {0x9a, "it keeps no retained messages"},
                 {0x9b, "it does not have this QoS"}, {0x9c, "use another server"}, {0x9d, "the server has moved"},
                 {0x9f, "the connection rate is exceeded"}};

    if (version == MQTT_3_1_1)
        return "it is refused";
    for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (texts[i].code == code)
            return texts[i].text;
    return "for a reason that is not known";
}

const char *mqtt_connack_text(enum mqtt_version version, uint8_t code)
{
    static const char *const texts[] = {"it is taken", "it does not speak this version of MQTT",
                                        "the client id is refused", "the server is unavailable",
                                        "bad user name or password", "not authorized"};

    return code < sizeof(texts) / sizeof(*texts) ? texts[code] : mqtt_code_text(version, code);
}

/* ---- what goes ---- */

static void put_header(struct buf *buf, enum mqtt_type type, unsigned flags, size_t remaining)
{
    buf_u8(buf, (uint8_t)((unsigned)type << 4 | flags));
    put_length(buf, remaining);
}

void mqtt_put_connect(struct buf *buf, const struct mqtt_connect *c)
{
    size_t remaining = 10 + properties_bytes(c->version, c->properties) + 2 + c->client_id.len;

    remaining += c->user.ptr ? 2 + c->user.len : 0;
    remaining += c->password.ptr ? 2 + c->password.len : 0;
    put_header(buf, MQTT_CONNECT, 0, remaining);
    put_text(buf, BYTES_LITERAL("MQTT"));
    buf_u8(buf, (uint8_t)c->version);
    buf_u8(buf, (uint8_t)((c->user.ptr ? 0x80 : 0) | (c->password.ptr ? 0x40 : 0) | (c->clean ? 2 : 0)));
    buf_u16_be(buf, c->keep_alive_s);
    put_properties(buf, c->version, c->properties);
    put_text(buf, c->client_id);
    if (c->user.ptr)
        put_text(buf, c->user);
    if (c->password.ptr)
        put_text(buf, c->password);
}

void mqtt_put_publish(struct buf *buf, enum mqtt_version version, const struct mqtt_publish *p)
{
    size_t remaining = 2 + p->topic.len + (p->qos ? 2 : 0) + properties_bytes(version, p->properties) + p->payload.len;

    put_header(buf, MQTT_PUBLISH, (p->dup ? 8u : 0) | (unsigned)p->qos << 1 | (p->retain ? 1u : 0), remaining);
    put_text(buf, p->topic);
    if (p->qos)
        buf_u16_be(buf, p->id);
    put_properties(buf, version, p->properties);
    buf_bytes(buf, p->payload);
}

void mqtt_put_ack(struct buf *buf, enum mqtt_type type, uint16_t id)
{
    put_header(buf, type, type == MQTT_PUBREL ? FLAGS_OF_REQUESTS : 0, 2); /* success, the same in both versions */
    buf_u16_be(buf, id);
}

void mqtt_put_subscribe(struct buf *buf, enum mqtt_version version, uint16_t id, const struct bytes *filters,
                        unsigned count, uint8_t options)
{
    size_t remaining = 2 + properties_bytes(version, BYTES_NONE);

    for (unsigned i = 0; i < count; i++)
        remaining += 2 + filters[i].len + 1;
    put_header(buf, MQTT_SUBSCRIBE, FLAGS_OF_REQUESTS, remaining);
    buf_u16_be(buf, id);
    put_properties(buf, version, BYTES_NONE);
    for (unsigned i = 0; i < count; i++) {
        put_text(buf, filters[i]);
        buf_u8(buf, version == MQTT_5 ? options : options & 3);
    }
}

void mqtt_put_unsubscribe(struct buf *buf, enum mqtt_version version, uint16_t id, struct bytes filter)
{
    put_header(buf, MQTT_UNSUBSCRIBE, FLAGS_OF_REQUESTS, 4 + filter.len + properties_bytes(version, BYTES_NONE));
    buf_u16_be(buf, id);
    put_properties(buf, version, BYTES_NONE);
    put_text(buf, filter);
}

void mqtt_put_empty(struct buf *buf, enum mqtt_type type)
{
    put_header(buf, type, 0, 0);
}

/* ---- topics ---- */

static bool is_name(struct bytes name)
{
    return name.len && name.len <= MQTT_TEXT_MAX && bytes_find(name, 0, 0) == name.len && bytes_is_utf8(name);
}

bool mqtt_is_topic(struct bytes topic)
{
    return is_name(topic) && bytes_find(topic, '+', 0) == topic.len && bytes_find(topic, '#', 0) == topic.len;
}

/* '+' is a whole level, '#' a whole one and the last. */
bool mqtt_is_filter(struct bytes filter)
{
    if (!is_name(filter))
        return false;
    for (size_t i = 0; i < filter.len; i++) {
        uint8_t c = filter.ptr[i];
        bool begins = !i || filter.ptr[i - 1] == '/', ends = i + 1 == filter.len || filter.ptr[i + 1] == '/';
        if ((c == '+' && !(begins && ends)) || (c == '#' && !(begins && i + 1 == filter.len)))
            return false;
    }
    return true;
}
