/* cassandra_link.c: see cassandra_inner.h: a connection to a node, frames over it, statements.
 *
 * What is asked alone is asked on stream 0, and answered before anything else is asked.
 */
#include <stdio.h>

#include "base/check.h"
#include "bridge/cassandra_inner.h"

void cassandra_disconnect(struct bridge_cassandra_state *b)
{
    link_close(b->link);
    b->link = NULL;
    buf_clear(&b->in);
    buf_clear(&b->out);
    b->in_at = b->in_frame = 0;
    b->insert = b->erase = b->look = (struct cassandra_statement){0};
    arena_reset(&b->link_arena);
}

bool cassandra_trouble(struct bridge_cassandra_state *b, char trouble[200], const char *doing, struct bytes why)
{
    snprintf(trouble, 200, "Cassandra at %.40s:%u: %.40s%s%.*s", b->to.host, b->to.port, doing, doing[0] ? ": " : "",
             BYTES_FMT(bytes_head(why, 100)));
    cassandra_disconnect(b);
    return false;
}

bool cassandra_send(struct bridge_cassandra_state *b, char trouble[200])
{
    char why[LINK_WHY] = "";
    bool good = link_send(b->link, buf_view(&b->out), link_now_ms() + b->base.spec->timeout_ms, why);

    buf_clear(&b->out);
    return good || cassandra_trouble(b, trouble, "sending", bytes_str(why));
}

bool cassandra_peek(struct bridge_cassandra_state *b, struct cql_frame *out, char trouble[200])
{
    int64_t until_ms = link_now_ms() + b->base.spec->timeout_ms;
    char why[LINK_WHY] = "";

    for (;;) {
        enum cql_next next = cql_next(bytes_skip(buf_view(&b->in), b->in_at), CASSANDRA_FRAME_MAX, out, &b->in_frame);
        if (next == CQL_FRAME)
            return true;
        if (next == CQL_BAD)
            return cassandra_trouble(b, trouble, "", BYTES_LITERAL("what comes is no frame of version 4, or larger than is taken"));
        buf_consume(&b->in, b->in_at);
        b->in_at = 0;
        enum link_got got = link_receive(b->link, &b->in, until_ms, why);
        if (got == LINK_NONE)
            return cassandra_trouble(b, trouble, "", BYTES_LITERAL("no answer in time ('bridge.timeout')"));
        if (got == LINK_GONE)
            return cassandra_trouble(b, trouble, "", bytes_str(why));
    }
}

void cassandra_drop(struct bridge_cassandra_state *b)
{
    b->in_at += b->in_frame;
    b->in_frame = 0;
}

bool cassandra_silent(struct bridge_cassandra_state *b)
{
    char why[LINK_WHY];

    return b->in.len == b->in_at && link_receive(b->link, &b->in, 0, why) == LINK_NONE;
}

bool cassandra_unexpected(struct bridge_cassandra_state *b, const struct cql_frame *f, const char *doing, char trouble[200])
{
    struct cql_error error;
    char why[130];

    if (!cql_read_error(f, &error))
        return cassandra_trouble(b, trouble, doing, BYTES_LITERAL("it answers what was not asked for"));
    snprintf(why, sizeof(why), "%.*s (0x%04x)", BYTES_FMT(bytes_head(error.message, 90)), (unsigned)error.code);
    return cassandra_trouble(b, trouble, doing, bytes_str(why));
}

/* ---- statements ---- */

void cassandra_target(const struct bridge_spec *spec, struct buf *out)
{
    const struct bridge_value *v = spec->values;

    quoted_name(out, v[OPT_KEYSPACE].text);
    buf_u8(out, '.');
    quoted_name(out, v[OPT_TABLE].text.len ? v[OPT_TABLE].text : spec->table);
}

bool cassandra_query(struct bridge_cassandra_state *b, struct bytes text, struct cql_frame *out, char trouble[200])
{
    size_t begun = cql_begin(&b->out, 0, CQL_QUERY);

    cql_put_long_string(&b->out, text);
    buf_u16_be(&b->out, 1); /* ONE: what every node knows */
    buf_u8(&b->out, 0);
    cql_end(&b->out, begun);
    if (!cassandra_send(b, trouble) || !cassandra_peek(b, out, trouble))
        return false;
    return out->opcode == CQL_RESULT || cassandra_unexpected(b, out, "asking", trouble);
}

static void keep_statement(struct bridge_cassandra_state *b, struct cql_prepared *p, struct cassandra_statement *out)
{
    struct reader keys = reader_of(p->partition_key);
    struct cql_column c;

    *out = (struct cassandra_statement){.id = arena_copy(&b->link_arena, p->id),
                                        .types = ARENA_ARRAY(&b->link_arena, uint16_t, p->values.left + 1u),
                                        .keys = ARENA_ARRAY(&b->link_arena, uint16_t, p->partition_key.len / 2 + 1)};
    while (cql_column_next(&p->values, &c))
        out->types[out->count++] = c.type;
    while (reader_left(&keys))
        out->keys[out->keys_count++] = reader_u16_be(&keys);
}

bool cassandra_prepare(struct bridge_cassandra_state *b, struct bytes text, struct cassandra_statement *out, char trouble[200])
{
    size_t begun = cql_begin(&b->out, 0, CQL_PREPARE);
    struct cql_prepared p;
    struct cql_frame f;

    cql_put_long_string(&b->out, text);
    cql_end(&b->out, begun);
    if (!cassandra_send(b, trouble) || !cassandra_peek(b, &f, trouble))
        return false;
    if (!cql_result_is(&f, CQL_PREPARED) || !cql_read_prepared(&f, &p))
        return cassandra_unexpected(b, &f, "", trouble);
    keep_statement(b, &p, out);
    cassandra_drop(b);
    for (uint16_t k = 0; k < out->keys_count; k++)
        if (out->keys[k] >= out->count)
            return cassandra_trouble(b, trouble, "", BYTES_LITERAL("a prepared statement has a key that is none of its values"));
    return true;
}

bool cassandra_fits(struct bridge_cassandra_state *b, const struct cassandra_statement *s, uint16_t at, uint16_t column, char trouble[200])
{
    const struct type_field *field = &b->base.spec->schema.fields[column];
    char why[150];

    if (at >= s->count)
        return cassandra_trouble(b, trouble, "", BYTES_LITERAL("a prepared statement has fewer values than were asked for"));
    if (cassandra_value_fits(field->type, s->types[at]))
        return true;
    snprintf(why, sizeof(why), "column %.*s is %.40s here, and %s there", BYTES_FMT(bytes_head(field->name, 40)),
             type_text(&b->link_arena, field->type), cql_type_name(s->types[at]));
    return cassandra_trouble(b, trouble, "", bytes_str(why));
}

/* ---- the beginning ---- */

static bool authenticate(struct bridge_cassandra_state *b, char trouble[200])
{
    const struct bridge_value *v = b->base.spec->values;
    struct cql_frame f;

    cassandra_drop(b);
    if (!v[OPT_USER].given)
        return cassandra_trouble(b, trouble, "", BYTES_LITERAL("it wants 'cassandra.user' and 'cassandra.password'"));
    size_t begun = cql_begin(&b->out, 0, CQL_AUTH_RESPONSE);
    buf_u32_be(&b->out, (uint32_t)(v[OPT_USER].text.len + v[OPT_PASSWORD].text.len + 2));
    buf_u8(&b->out, 0);
    buf_bytes(&b->out, v[OPT_USER].text);
    buf_u8(&b->out, 0);
    buf_bytes(&b->out, v[OPT_PASSWORD].text);
    cql_end(&b->out, begun);
    if (!cassandra_send(b, trouble) || !cassandra_peek(b, &f, trouble))
        return false;
    if (f.opcode != CQL_AUTH_SUCCESS)
        return cassandra_unexpected(b, &f, "logging in", trouble);
    cassandra_drop(b);
    return true;
}

bool cassandra_dial(struct bridge_cassandra_state *b, char trouble[200])
{
    char why[LINK_WHY] = "";
    struct cql_frame f;

    b->link = link_connect(&b->to, link_now_ms() + b->base.spec->timeout_ms, why);
    if (!b->link)
        return cassandra_trouble(b, trouble, "", bytes_str(why));
    size_t begun = cql_begin(&b->out, 0, CQL_STARTUP);
    buf_u16_be(&b->out, 1);
    cql_put_string(&b->out, BYTES_LITERAL("CQL_VERSION"));
    cql_put_string(&b->out, BYTES_LITERAL("3.0.0"));
    cql_end(&b->out, begun);
    if (!cassandra_send(b, trouble) || !cassandra_peek(b, &f, trouble))
        return false;
    if (f.opcode == CQL_AUTHENTICATE)
        return authenticate(b, trouble);
    if (f.opcode != CQL_READY)
        return cassandra_unexpected(b, &f, "beginning", trouble);
    cassandra_drop(b);
    return true;
}
