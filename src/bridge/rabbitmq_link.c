/* rabbitmq_link.c: see rabbitmq_inner.h.
 *
 * Messages are put together here and not by amqp_read_message: that waits without a limit for the rest of one, and
 * allots what its header says.
 */
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/check.h"
#include "bridge/rabbitmq_inner.h"

enum { FRAME_MAX = 128 << 10 };

void rabbit_disconnect(struct bridge_rabbit_state *b)
{
    if (b->link)
        amqp_destroy_connection(b->link); /* and its socket */
    b->link = NULL;
    b->message = (struct rabbit_message){0};
    b->given = b->acked = b->published = 0;
}

/* ---- trouble ---- */

bool rabbit_trouble(struct bridge_rabbit_state *b, char trouble[200], const char *doing, const char *why)
{
    snprintf(trouble, 200, "RabbitMQ at %.50s:%d: %.30s%s%.95s", b->host, b->port, doing, doing[0] ? ": " : "", why);
    rabbit_disconnect(b);
    return false;
}

static struct bytes bytes_in(amqp_bytes_t b)
{
    return bytes_of(b.bytes, b.len);
}

static bool says(struct bridge_rabbit_state *b, char trouble[200], const char *doing, amqp_bytes_t text)
{
    char why[120];

    snprintf(why, sizeof(why), "%.*s", BYTES_FMT(bytes_head(bytes_in(text), 110)));
    return rabbit_trouble(b, trouble, doing, why);
}

static bool said_by(struct bridge_rabbit_state *b, char trouble[200], const char *doing, const amqp_method_t *method)
{
    if (method->id == AMQP_CHANNEL_CLOSE_METHOD)
        return says(b, trouble, doing, ((amqp_channel_close_t *)method->decoded)->reply_text);
    if (method->id == AMQP_CONNECTION_CLOSE_METHOD)
        return says(b, trouble, doing, ((amqp_connection_close_t *)method->decoded)->reply_text);
    if (method->id == AMQP_BASIC_CANCEL_METHOD)
        return rabbit_trouble(b, trouble, doing, "the queue has been deleted");
    return rabbit_trouble(b, trouble, doing, "it sends what was not asked for");
}

bool rabbit_closed(struct bridge_rabbit_state *b, const amqp_frame_t *frame, char trouble[200])
{
    return said_by(b, trouble, "", &frame->payload.method);
}

bool rabbit_good(struct bridge_rabbit_state *b, char trouble[200], const char *doing, amqp_rpc_reply_t reply)
{
    switch (reply.reply_type) {
    case AMQP_RESPONSE_NORMAL:
        return true;
    case AMQP_RESPONSE_SERVER_EXCEPTION:
        return said_by(b, trouble, doing, &reply.reply);
    case AMQP_RESPONSE_LIBRARY_EXCEPTION:
        return rabbit_trouble(b, trouble, doing, amqp_error_string2(reply.library_error));
    case AMQP_RESPONSE_NONE:
        break;
    }
    return rabbit_trouble(b, trouble, doing, "no answer");
}

/* ---- the connection ---- */

static struct timeval limit_of(const struct bridge_rabbit_state *b)
{
    int64_t ms = b->base.spec->timeout_ms;
    return (struct timeval){ms / 1000, ms % 1000 * 1000};
}

static const char *text_of(struct bridge_rabbit_state *b, int option)
{
    return arena_str(&b->message_arena, b->base.spec->values[option].text);
}

/* NULL: the files are not good. */
static amqp_socket_t *new_socket(struct bridge_rabbit_state *b)
{
    const struct bridge_value *v = b->base.spec->values;

    if (!v[OPT_TLS].number)
        return amqp_tcp_socket_new(b->link);
    amqp_socket_t *socket = amqp_ssl_socket_new(b->link);
    CHECK(socket && amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST) == AMQP_STATUS_OK);
    if (amqp_ssl_socket_set_cacert(socket, text_of(b, OPT_CA)) != AMQP_STATUS_OK)
        return NULL;
    if (v[OPT_CERT].given && amqp_ssl_socket_set_key(socket, text_of(b, OPT_CERT),
                                                     text_of(b, v[OPT_KEY].given ? OPT_KEY : OPT_CERT)) != AMQP_STATUS_OK)
        return NULL;
    return socket;
}

/* The library writes without a limit of time: a server that reads nothing (it has no memory) is given up by the
 * kernel. */
static void limit_writes(struct bridge_rabbit_state *b)
{
    unsigned ms = (unsigned)b->base.spec->timeout_ms;
    (void)setsockopt(amqp_get_sockfd(b->link), IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

/* That we are to be told when the queue goes away. */
static amqp_rpc_reply_t login(struct bridge_rabbit_state *b)
{
    const struct bridge_value *v = b->base.spec->values;
    amqp_table_entry_t can[] = {
        {amqp_cstring_bytes("consumer_cancel_notify"), {.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1}},
        {amqp_cstring_bytes("authentication_failure_close"), {.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1}},
        {amqp_cstring_bytes("publisher_confirms"), {.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1}},
        {amqp_cstring_bytes("basic.nack"), {.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1}}};
    amqp_table_entry_t we[] = {
        {amqp_cstring_bytes("product"), {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes("quickwater")}},
        {amqp_cstring_bytes("capabilities"), {.kind = AMQP_FIELD_KIND_TABLE, .value.table = {4, can}}}};
    amqp_table_t properties = {2, we};

    return amqp_login_with_properties(b->link, text_of(b, OPT_VHOST), 0, FRAME_MAX, (int)(v[OPT_HEARTBEAT].number / 1000),
                                      &properties, AMQP_SASL_METHOD_PLAIN, text_of(b, OPT_USER), text_of(b, OPT_PASSWORD));
}

bool rabbit_dial(struct bridge_rabbit_state *b, char trouble[200])
{
    struct timeval limit = limit_of(b);

    arena_reset(&b->message_arena);
    b->message = (struct rabbit_message){0};
    b->link = amqp_new_connection();
    CHECK(b->link);
    amqp_set_handshake_timeout(b->link, &limit);
    amqp_set_rpc_timeout(b->link, &limit);
    amqp_socket_t *socket = new_socket(b);
    if (!socket)
        return rabbit_trouble(b, trouble, "TLS", "the files of certificates cannot be used");
    int status = amqp_socket_open_noblock(socket, b->host, b->port, &limit);
    if (status != AMQP_STATUS_OK)
        return rabbit_trouble(b, trouble, "", amqp_error_string2(status));
    limit_writes(b);
    if (!rabbit_good(b, trouble, "login", login(b)))
        return false;
    amqp_channel_open(b->link, RABBIT_CHANNEL);
    return rabbit_good(b, trouble, "opening a channel", amqp_get_rpc_reply(b->link));
}

/* ---- messages ---- */

void rabbit_done(struct bridge_rabbit_state *b)
{
    b->message = (struct rabbit_message){0};
    buf_clear(&b->body);
}

static void begin(struct bridge_rabbit_state *b, bool returned)
{
    arena_reset(&b->message_arena);
    buf_clear(&b->body);
    b->scratch = (struct bridge_poll){.arena = &b->message_arena, .records_max = 1};
    b->message = (struct rabbit_message){.begun = true, .returned = returned, .headers = bridge_poll_record(&b->scratch, 0)};
}

static void header(struct bridge_rabbit_state *b, struct bytes name, struct bytes value)
{
    bridge_poll_header(&b->scratch, b->message.headers, name, value.ptr ? value : BYTES_LITERAL(""));
}

static void text_header(struct bridge_rabbit_state *b, const char *name, amqp_bytes_t value)
{
    header(b, bytes_str(name), bytes_in(value));
}

static void method(struct bridge_rabbit_state *b, const amqp_method_t *m)
{
    if (m->id == AMQP_BASIC_DELIVER_METHOD) {
        const amqp_basic_deliver_t *d = m->decoded;
        begin(b, false);
        b->message.tag = d->delivery_tag;
        text_header(b, "exchange", d->exchange);
        text_header(b, "routing-key", d->routing_key);
        header(b, BYTES_LITERAL("redelivered"), d->redelivered ? BYTES_LITERAL("1") : BYTES_LITERAL("0"));
    } else {
        const amqp_basic_return_t *r = m->decoded;
        begin(b, true);
        b->message.reason = arena_copy(&b->message_arena, bytes_in(r->reply_text));
    }
}

/* What people put there; tables, arrays and decimals are left out. */
static void add_header(struct bridge_rabbit_state *b, const amqp_table_entry_t *e)
{
    struct bytes name = bytes_in(e->key);
    const amqp_field_value_t *v = &e->value;
    char text[40] = "";

    switch (v->kind) {
    case AMQP_FIELD_KIND_UTF8:
    case AMQP_FIELD_KIND_BYTES:
        header(b, name, bytes_in(v->value.bytes));
        return;
    case AMQP_FIELD_KIND_BOOLEAN:
        snprintf(text, sizeof(text), "%s", v->value.boolean ? "true" : "false");
        break;
    case AMQP_FIELD_KIND_I8:
        snprintf(text, sizeof(text), "%d", v->value.i8);
        break;
    case AMQP_FIELD_KIND_U8:
        snprintf(text, sizeof(text), "%u", v->value.u8);
        break;
    case AMQP_FIELD_KIND_I16:
        snprintf(text, sizeof(text), "%d", v->value.i16);
        break;
    case AMQP_FIELD_KIND_U16:
        snprintf(text, sizeof(text), "%u", v->value.u16);
        break;
    case AMQP_FIELD_KIND_I32:
        snprintf(text, sizeof(text), "%d", v->value.i32);
        break;
    case AMQP_FIELD_KIND_U32:
        snprintf(text, sizeof(text), "%u", v->value.u32);
        break;
    case AMQP_FIELD_KIND_I64:
        snprintf(text, sizeof(text), "%lld", (long long)v->value.i64);
        break;
    case AMQP_FIELD_KIND_U64:
    case AMQP_FIELD_KIND_TIMESTAMP:
        snprintf(text, sizeof(text), "%llu", (unsigned long long)v->value.u64);
        break;
    case AMQP_FIELD_KIND_F32:
        snprintf(text, sizeof(text), "%.9g", (double)v->value.f32);
        break;
    case AMQP_FIELD_KIND_F64:
        snprintf(text, sizeof(text), "%.17g", v->value.f64);
        break;
    default:
        return;
    }
    header(b, name, bytes_str(text));
}

static void head(struct bridge_rabbit_state *b, uint64_t size, const amqp_basic_properties_t *p)
{
    static const struct {
        amqp_flags_t flag;
        const char *name;
        size_t at;
    } texts[] = {{AMQP_BASIC_CONTENT_TYPE_FLAG, "content-type", offsetof(amqp_basic_properties_t, content_type)},
                 {AMQP_BASIC_CORRELATION_ID_FLAG, "correlation-id", offsetof(amqp_basic_properties_t, correlation_id)},
                 {AMQP_BASIC_REPLY_TO_FLAG, "reply-to", offsetof(amqp_basic_properties_t, reply_to)},
                 {AMQP_BASIC_MESSAGE_ID_FLAG, "message-id", offsetof(amqp_basic_properties_t, message_id)},
                 {AMQP_BASIC_TYPE_FLAG, "type", offsetof(amqp_basic_properties_t, type)}};
    struct rabbit_message *m = &b->message;

    for (int i = 0; (p->_flags & AMQP_BASIC_HEADERS_FLAG) && i < p->headers.num_entries; i++)
        add_header(b, &p->headers.entries[i]);
    for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (p->_flags & texts[i].flag)
            text_header(b, texts[i].name, *(const amqp_bytes_t *)((const char *)p + texts[i].at));
    if (p->_flags & AMQP_BASIC_MESSAGE_ID_FLAG)
        m->id = arena_copy(&b->message_arena, bytes_in(p->message_id));
    if (p->_flags & AMQP_BASIC_TIMESTAMP_FLAG && p->timestamp < 1ull << 40)
        m->timestamp_s = (int64_t)p->timestamp;
    m->size = size;
    m->has_head = true;
    m->whole = !size;
}

static void body(struct bridge_rabbit_state *b, struct bytes part)
{
    struct rabbit_message *m = &b->message;
    size_t most = m->size > RABBIT_BODY_MAX ? RABBIT_DEAD_KEPT : RABBIT_BODY_MAX;

    if (b->body.len < most)
        buf_bytes(&b->body, bytes_head(part, most - b->body.len));
    m->got += part.len;
    m->whole = m->got >= m->size;
}

/* False: it is none that can come now. */
static bool take(struct bridge_rabbit_state *b, const amqp_frame_t *f)
{
    struct rabbit_message *m = &b->message;

    if (f->channel != RABBIT_CHANNEL)
        return false;
    if (f->frame_type == AMQP_FRAME_METHOD && !m->begun)
        method(b, &f->payload.method);
    else if (f->frame_type == AMQP_FRAME_HEADER && m->begun && !m->has_head &&
             f->payload.properties.class_id == AMQP_BASIC_CLASS)
        head(b, f->payload.properties.body_size, f->payload.properties.decoded);
    else if (f->frame_type == AMQP_FRAME_BODY && m->has_head && !m->whole)
        body(b, bytes_in(f->payload.body_fragment));
    else
        return false;
    return true;
}

static bool is_message(const amqp_frame_t *f)
{
    return f->frame_type != AMQP_FRAME_METHOD || f->payload.method.id == AMQP_BASIC_DELIVER_METHOD ||
           f->payload.method.id == AMQP_BASIC_RETURN_METHOD;
}

enum rabbit_got rabbit_next(struct bridge_rabbit_state *b, int64_t wait_ms, amqp_frame_t *frame, char trouble[200])
{
    struct timeval wait = {wait_ms / 1000, wait_ms % 1000 * 1000};

    amqp_maybe_release_buffers(b->link); /* what the frame before was in */
    int status = amqp_simple_wait_frame_noblock(b->link, frame, &wait);
    if (status == AMQP_STATUS_TIMEOUT)
        return RABBIT_NONE;
    if (status != AMQP_STATUS_OK) {
        rabbit_trouble(b, trouble, "", amqp_error_string2(status));
        return RABBIT_GONE;
    }
    if (!is_message(frame))
        return RABBIT_METHOD;
    if (take(b, frame))
        return RABBIT_PART;
    rabbit_trouble(b, trouble, "", "what comes is no message");
    return RABBIT_GONE;
}
