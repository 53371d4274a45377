/* postgres_lookup.c: PostgreSQL as what is looked up: a table or a view, by any of its columns.
 *
 *     SELECT columns FROM table WHERE key = $1 AND … LIMIT 10001
 *
 * is prepared once a connection, and sent for all keys of a call before the first answer is read; each is a
 * transaction of its own, so an error of one (SQLSTATE class 22: 'x' is no uuid) is that key's. All other errors are
 * everybody's: later.
 *
 * Values come as text that our JSON reads, so PostgreSQL writes some of them in another form than its own.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json_writer.h"
#include "bridge/postgres_inner.h"

enum { ROWS_MAX = 10000 };

/* ---- the statement ---- */

static bool is_asked_by(const struct bridge_asking *asking, uint16_t column)
{
    for (uint16_t k = 0; k < asking->keys_count; k++)
        if (asking->keys[k] == column)
            return true;
    return false;
}

/* What stands before and behind the column's name, so that its text is a value of our JSON. */
static void value_form(enum type_kind kind, const char **before, const char **behind)
{
    *before = *behind = "";
    if (kind == TYPE_BINARY || kind == TYPE_VARBINARY) {
        *before = "translate(encode(";
        *behind = ", 'base64'), E'\\n', '')";
    } else if (kind == TYPE_TIMESTAMP_LTZ) {
        *before = "to_char(";
        *behind = "::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US\"Z\"')";
    } else if (kind >= TYPE_ROW) {
        *before = "to_jsonb(";
        *behind = ")";
    }
}

static const char *sql_select(struct bridge_postgres_state *b)
{
    const struct bridge_spec *spec = b->base.spec;
    const char *before, *behind;
    bool any = false;

    buf_clear(&b->sql);
    buf_str(&b->sql, "SELECT ");
    for (uint16_t i = 0; i < spec->asking.columns_count; i++) {
        const struct type_field *field = &spec->schema.fields[spec->asking.columns[i]];
        if (is_asked_by(&spec->asking, spec->asking.columns[i]))
            continue;
        value_form(field->type->kind, &before, &behind);
        buf_printf(&b->sql, "%s%s", any ? ", " : "", before);
        quoted_name(&b->sql, field->name);
        buf_str(&b->sql, behind);
        any = true;
    }
    buf_str(&b->sql, any ? " FROM " : "1 FROM ");
    postgres_target(spec, &b->sql);
    for (uint16_t k = 0; k < spec->asking.keys_count; k++) {
        buf_str(&b->sql, k ? " AND " : " WHERE ");
        quoted_name(&b->sql, spec->schema.fields[spec->asking.keys[k]].name);
        buf_printf(&b->sql, " = $%u", k + 1u);
    }
    buf_printf(&b->sql, " LIMIT %d", ROWS_MAX + 1);
    buf_u8(&b->sql, 0);
    return (const char *)b->sql.ptr;
}

static bool connected(struct bridge_postgres_state *b)
{
    b->link.trouble[0] = 0;
    pg_link_limit(&b->link, b->base.spec->timeout_ms);
    return b->link.conn || (postgres_dial(b) && postgres_prepare(b, "look", sql_select(b)));
}

/* ---- the questions ---- */

/* A text with a zero byte within is nowhere there. */
static bool parameters(struct bridge_postgres_state *b, const struct bridge_lookup *lookup, uint16_t row)
{
    static const struct pg_type text = {"text", 'S'};
    const struct bridge_spec *spec = b->base.spec;
    bool good = true;

    buf_clear(&b->text);
    for (uint16_t k = 0; k < spec->asking.keys_count && good; k++) {
        b->starts[k] = b->text.len;
        good = pg_value(&b->text, spec->schema.fields[spec->asking.keys[k]].type, &text, &lookup->keys.cols[k], row);
    }
    for (uint16_t k = 0; k < spec->asking.keys_count; k++)
        b->values[k] = (const char *)b->text.ptr + b->starts[k];
    return good;
}

static bool queue_all(struct bridge_postgres_state *b, struct bridge_lookup *lookup, bool *queued)
{
    for (uint32_t i = 0; i < lookup->count; i++) {
        queued[i] = parameters(b, lookup, lookup->asked[i].row);
        if (queued[i] && (!pg_queue_prepared(&b->link, "look", b->values, b->base.spec->asking.keys_count) ||
                          !pg_sync(&b->link)))
            return false;
    }
    return true;
}

/* ---- the answers ---- */

static void write_value(struct json_writer *w, const struct type_field *field, const PGresult *result, int row, int column)
{
    struct bytes text = bytes_of(PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column));

    if (PQgetisnull(result, row, column))
        return;
    json_key_bytes(w, field->name);
    if (field->type->kind == TYPE_BOOLEAN && text.len == 1)
        json_bool(w, text.ptr[0] == 't');
    else if (field->type->kind >= TYPE_ROW)
        json_raw(w, text);
    else
        json_bytes(w, text);
}

static void take_row(const struct bridge_spec *spec, struct bridge_lookup *lookup, struct bridge_asked *asked,
                     const PGresult *result, int row)
{
    struct json_writer w;
    struct buf text;
    int column = 0;

    buf_init(&text, 0);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    for (uint16_t i = 0; i < spec->asking.columns_count; i++)
        if (!is_asked_by(&spec->asking, spec->asking.columns[i]))
            write_value(&w, &spec->schema.fields[spec->asking.columns[i]], result, row, column++);
    json_object_end(&w);
    bridge_answer(lookup, asked, buf_view(&text));
    buf_deinit(&text);
}

static bool is_the_key(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return state && memcmp(state, "22", 2) == 0;
}

/* False: it is everybody's trouble. */
static bool take(struct bridge_postgres_state *b, struct bridge_lookup *lookup, struct bridge_asked *asked,
                 const PGresult *result)
{
    char text[200];

    if (pg_failed(result)) {
        pg_error_text(result, text, sizeof(text));
        if (!is_the_key(result))
            return postgres_wrong(b, "%s", text);
        asked->never = arena_printf(lookup->arena, "%s", text);
        return true;
    }
    int rows = PQntuples(result);
    if (rows > ROWS_MAX)
        asked->never = arena_printf(lookup->arena, "PostgreSQL has more than %d rows of this key", ROWS_MAX);
    for (int row = 0; row < rows && rows <= ROWS_MAX; row++)
        take_row(b->base.spec, lookup, asked, result, row);
    return true;
}

static bool take_all(struct bridge_postgres_state *b, struct bridge_lookup *lookup, const bool *queued)
{
    PGresult *result;

    for (uint32_t i = 0; i < lookup->count; i++) {
        if (!queued[i])
            continue;
        if (!pg_answer(&b->link, &result))
            return false;
        bool good = take(b, lookup, &lookup->asked[i], result);
        PQclear(result);
        if (!good || !pg_synced(&b->link))
            return false;
    }
    return true;
}

void postgres_lookup(struct bridge *bridge, struct bridge_lookup *lookup)
{
    struct bridge_postgres_state *b = (struct bridge_postgres_state *)bridge;
    bool *queued = ARENA_ARRAY(lookup->arena, bool, lookup->count + 1);

    if (!connected(b) || !queue_all(b, lookup, queued) || !take_all(b, lookup, queued))
        postgres_give_up(b, lookup->trouble);
}
