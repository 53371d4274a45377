/* cassandra_lookup.c: a table of Cassandra as what is looked up, by columns that its partition key is among.
 *
 *     SELECT "column", … FROM "keyspace"."table" WHERE "key" = ? AND … LIMIT 10001
 *
 * is prepared once a connection; that other columns cannot be asked by is the server's to say. Questions are under way
 * together, each on a stream of its own; an answer of several pages is read to its end.
 */
#include <stdio.h>

#include "base/check.h"
#include "base/json_writer.h"
#include "bridge/cassandra_inner.h"

enum { ROWS_MAX = 10000, PAGE_ROWS = 1000, FLAG_VALUES = 1, FLAG_PAGE_SIZE = 4, FLAG_PAGING_STATE = 8 };

static bool is_asked_by(const struct bridge_asking *asking, uint16_t column)
{
    for (uint16_t k = 0; k < asking->keys_count; k++)
        if (asking->keys[k] == column)
            return true;
    return false;
}

static bool prepare(struct bridge_cassandra_state *b, char trouble[200])
{
    const struct bridge_spec *spec = b->base.spec;
    bool any = false;

    buf_clear(&b->text);
    buf_str(&b->text, "SELECT ");
    for (uint16_t i = 0; i < spec->asking.columns_count; i++) {
        if (is_asked_by(&spec->asking, spec->asking.columns[i]))
            continue;
        buf_str(&b->text, any ? ", " : "");
        quoted_name(&b->text, spec->schema.fields[spec->asking.columns[i]].name);
        any = true;
    }
    if (!any)
        quoted_name(&b->text, spec->schema.fields[spec->asking.keys[0]].name); /* that there is a row */
    buf_str(&b->text, " FROM ");
    cassandra_target(spec, &b->text);
    for (uint16_t k = 0; k < spec->asking.keys_count; k++) {
        buf_str(&b->text, k ? " AND " : " WHERE ");
        quoted_name(&b->text, spec->schema.fields[spec->asking.keys[k]].name);
        buf_str(&b->text, " = ?");
    }
    buf_printf(&b->text, " LIMIT %d", ROWS_MAX + 1);
    if (!cassandra_prepare(b, buf_view(&b->text), &b->look, trouble))
        return false;
    for (uint16_t k = 0; k < spec->asking.keys_count; k++)
        if (!cassandra_fits(b, &b->look, k, spec->asking.keys[k], trouble))
            return false;
    return true;
}

static bool connected(struct bridge_cassandra_state *b, char trouble[200])
{
    if (b->link && !cassandra_silent(b))
        cassandra_disconnect(b);
    return b->link || (cassandra_dial(b, trouble) && prepare(b, trouble));
}

/* ---- questions ---- */

struct looking {
    struct bridge_cassandra_state *b;
    struct bridge_lookup *lookup;
    uint32_t next, under_way;
    uint32_t asked[CASSANDRA_STREAMS]; /* by stream: number + 1 of the key that is asked; 0: it is free */
};

static int16_t free_stream(const struct looking *l)
{
    int16_t stream = 0;

    while (stream < CASSANDRA_STREAMS && l->asked[stream])
        stream++;
    CHECK(stream < CASSANDRA_STREAMS);
    return stream;
}

/* The next page of a key's rows, or the first (state: ptr NULL). False: its value cannot be one there: nothing is. */
static bool put_question(struct looking *l, uint32_t at, struct bytes state)
{
    struct bridge_cassandra_state *b = l->b;
    const struct bridge_spec *spec = b->base.spec;
    int16_t stream = free_stream(l);
    size_t begun = cql_begin(&b->out, stream, CQL_EXECUTE);
    const char *why = NULL;

    cql_put_short_bytes(&b->out, b->look.id);
    buf_u16_be(&b->out, b->consistency);
    buf_u8(&b->out, FLAG_VALUES | FLAG_PAGE_SIZE | (state.ptr ? FLAG_PAGING_STATE : 0));
    buf_u16_be(&b->out, spec->asking.keys_count);
    for (uint16_t k = 0; k < spec->asking.keys_count && !why; k++)
        why = cassandra_value_put(&b->out, spec->schema.fields[spec->asking.keys[k]].type, b->look.types[k],
                                  &l->lookup->keys.cols[k], l->lookup->asked[at].row);
    buf_u32_be(&b->out, PAGE_ROWS);
    if (state.ptr)
        cql_put_bytes(&b->out, state);
    cql_end(&b->out, begun);
    if (why)
        b->out.len = begun;
    else {
        l->asked[stream] = at + 1;
        l->under_way++;
    }
    return !why;
}

/* ---- answers ---- */

static bool take_row(struct looking *l, struct bridge_asked *asked, const struct cql_rows *rows, struct reader *values)
{
    const struct bridge_spec *spec = l->b->base.spec;
    struct cql_columns columns = rows->columns;
    struct cql_column column = {0};
    struct json_writer w;
    struct buf text;
    bool good = true;

    buf_init(&text, 0);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    for (uint16_t i = 0; i < spec->asking.columns_count && good; i++) {
        const struct type_field *field = &spec->schema.fields[spec->asking.columns[i]];
        if (is_asked_by(&spec->asking, spec->asking.columns[i]))
            continue;
        good = cql_column_next(&columns, &column);
        struct bytes value = cql_value(values);
        bool is_text = column.type == CQL_VARCHAR || column.type == CQL_ASCII || column.type == CQL_BLOB;
        if (!good || !value.ptr || (!value.len && !is_text)) /* null; or "empty", which old tables have */
            continue;
        json_key_bytes(&w, field->name);
        good = cassandra_value_json(&w, field->type, column.type, value);
        if (!good)
            json_put_null(&w);
    }
    json_object_end(&w);
    if (good)
        bridge_answer(l->lookup, asked, buf_view(&text));
    else
        asked->never = arena_printf(l->lookup->arena, "column %.*s there is %s with a value that cannot be read",
                                    BYTES_FMT(bytes_head(column.name, 60)), cql_type_name(column.type));
    buf_deinit(&text);
    return good;
}

/* False: trouble. */
static bool take_rows(struct looking *l, uint32_t at, const struct cql_frame *f)
{
    struct bridge_asked *asked = &l->lookup->asked[at];
    struct cql_rows rows;

    if (!cql_read_rows(f, &rows))
        return cassandra_unexpected(l->b, f, "asking", l->lookup->trouble);
    struct reader values = rows.values;
    uint16_t own = 0;
    for (uint16_t i = 0; i < l->b->base.spec->asking.columns_count; i++)
        own = (uint16_t)(own + !is_asked_by(&l->b->base.spec->asking, l->b->base.spec->asking.columns[i]));
    if (rows.columns_count != (own ? own : 1u))
        return cassandra_unexpected(l->b, f, "asking", l->lookup->trouble);
    if (asked->count + rows.rows_count > ROWS_MAX)
        asked->never = arena_printf(l->lookup->arena, "Cassandra has more than %d rows of this key", ROWS_MAX);
    for (uint32_t i = 0; i < rows.rows_count && !asked->never; i++) {
        (void)take_row(l, asked, &rows, &values);
        if (!own)
            cql_value(&values);
    }
    if (values.bad)
        return cassandra_unexpected(l->b, f, "asking", l->lookup->trouble);
    if (rows.paging_state.ptr && !asked->never)
        CHECK(put_question(l, at, arena_copy(l->lookup->arena, rows.paging_state)));
    return true;
}

static bool take(struct looking *l)
{
    struct bridge_cassandra_state *b = l->b;
    struct cql_frame f;
    struct cql_error error;

    if (!cassandra_peek(b, &f, l->lookup->trouble))
        return false;
    if (f.stream < 0 || f.stream >= CASSANDRA_STREAMS || !l->asked[f.stream])
        return cassandra_unexpected(b, &f, "asking", l->lookup->trouble);
    uint32_t at = l->asked[f.stream] - 1;
    l->asked[f.stream] = 0;
    l->under_way--;
    bool refused = cql_read_error(&f, &error) && error.code == CQL_INVALID;
    if (!refused && !take_rows(l, at, &f))
        return false;
    if (refused)
        l->lookup->asked[at].never = arena_printf(l->lookup->arena, "Cassandra: %.*s",
                                                        BYTES_FMT(bytes_head(error.message, 200)));
    cassandra_drop(b);
    return true;
}

void cassandra_lookup(struct bridge *bridge, struct bridge_lookup *lookup)
{
    struct bridge_cassandra_state *b = (struct bridge_cassandra_state *)bridge;
    struct looking l = {.b = b, .lookup = lookup};

    if (!connected(b, lookup->trouble))
        return;
    while (l.next < lookup->count || l.under_way) {
        while (l.next < lookup->count && l.under_way < CASSANDRA_STREAMS)
            (void)put_question(&l, l.next++, BYTES_NONE);
        if (b->out.len && !cassandra_send(b, lookup->trouble))
            return;
        if (l.under_way && !take(&l))
            return;
    }
}
