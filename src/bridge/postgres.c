/* postgres.c: PostgreSQL as a sink. As what is looked up: postgres_lookup.c.
 *
 *     a table            a row                                                    a deleted row
 *     with PRIMARY KEY   INSERT … ON CONFLICT (key) DO UPDATE SET all others      DELETE … WHERE key
 *     without            INSERT                                                   refused
 *
 * A batch is one transaction:
 *
 *     BEGIN
 *     UPDATE quickwater_position SET position = NEXT WHERE carrier … AND part … AND position = EXPECTED
 *     the rows' statements
 *     COMMIT                                  only if that was one row, and every statement was taken
 *
 * EXPECTED is what was read at the connection's first breath, or what this connection has committed since. The
 * update is a fence: a transaction of a connection that we gave up may still be under way; it holds the row or has
 * moved it, so ours waits or finds nothing and asks anew. So each row is there exactly once, appended ones too.
 *
 * When PostgreSQL refuses a row for what is in it (SQLSTATE classes 22, 23, 44, 54, P0), the batch is made again,
 * each row under a savepoint: those are `never`, the others arrive. All other errors are everybody's: later.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "bridge/postgres_inner.h"

static const struct bridge_option options[] = {
    [OPT_HOST] = {"postgres.host", BRIDGE_TEXT, "127.0.0.1", NULL, 0, 0,
                  "name or address, or the folder of its socket"},
    [OPT_PORT] = {"postgres.port", BRIDGE_COUNT, "5432", NULL, 1, 65535, "its port"},
    [OPT_USER] = {"postgres.user", BRIDGE_TEXT, "postgres", NULL, 0, 0, "a role that may log in"},
    [OPT_PASSWORD] = {"postgres.password", BRIDGE_SECRET, "", NULL, 0, 0, "its password"},
    [OPT_DATABASE] = {"postgres.database", BRIDGE_TEXT, "postgres", NULL, 0, 0, "the database"},
    [OPT_SCHEMA] = {"postgres.schema", BRIDGE_TEXT, "", NULL, 0, 0,
                    "where the tables are; default: the role's search_path"},
    [OPT_TABLE] = {"postgres.table", BRIDGE_TEXT, "", NULL, 0, 0, "the table there; default: this one's name"},
    [OPT_POSITIONS] = {"postgres.position.table", BRIDGE_TEXT, "quickwater_position", NULL, 0, 0,
                       "where the position is kept; made when it is not there"},
    [OPT_SSLMODE] = {"postgres.sslmode", BRIDGE_WORD, "prefer", "disable|allow|prefer|require|verify-ca|verify-full",
                     0, 0, "whether the connection is encrypted, and the server's certificate verified"},
    [OPT_SSLROOT] = {"postgres.sslrootcert", BRIDGE_TEXT, "", NULL, 0, 0,
                     "file of the authorities that are trusted; default: ~/.postgresql/root.crt"},
    [OPT_SSLCERT] = {"postgres.sslcert", BRIDGE_TEXT, "", NULL, 0, 0, "file of our own certificate"},
    [OPT_SSLKEY] = {"postgres.sslkey", BRIDGE_TEXT, "", NULL, 0, 0, "file of its key"},
    [OPT_SSLPASSWORD] = {"postgres.sslpassword", BRIDGE_SECRET, "", NULL, 0, 0, "of the key's file"},
};

enum verdict { DONE, TROUBLE, REFUSED };
enum { UNKNOWN = -2 };

static bool takes_rows(const struct bridge_spec *spec)
{
    (void)spec;
    return true;
}

static bool takes_changes(const struct bridge_spec *spec)
{
    return spec->key_count > 0;
}

/* ---- opening ---- */

static void name_of(const struct bridge_spec *spec, struct bytes table, struct buf *out)
{
    if (spec->values[OPT_SCHEMA].given) {
        quoted_name(out, spec->values[OPT_SCHEMA].text);
        buf_u8(out, '.');
    }
    quoted_name(out, table);
}

void postgres_target(const struct bridge_spec *spec, struct buf *out)
{
    name_of(spec, spec->values[OPT_TABLE].given ? spec->values[OPT_TABLE].text : spec->table, out);
}

static char *text_of(struct buf *buf)
{
    buf_u8(buf, 0);
    char *text = xcalloc(1, buf->len);
    memcpy(text, buf->ptr, buf->len);
    buf_clear(buf);
    return text;
}

static enum status check_types(const struct bridge_spec *spec, struct diag *diag)
{
    for (uint16_t c = 0; c < spec->schema.count; c++)
        if (!pg_value_can(spec->schema.fields[c].type))
            return diag_set(diag, ST_UNSUPPORTED, DIAG_TYPE,
                            "column `%.*s` is an INTERVAL, which connector 'postgres' does not carry: "
                            "CAST it to STRING, or write a number",
                            BYTES_FMT(spec->schema.fields[c].name));
    return ST_OK;
}

static enum status postgres_open(const struct bridge_spec *spec, struct bridge **out, struct diag *diag)
{
    TRY(check_types(spec, diag));
    struct bridge_postgres_state *b = xcalloc(1, sizeof(*b));
    b->base = (struct bridge){&bridge_postgres, spec};
    arena_init(&b->link_arena, ARENA_BUDGET_NONE);
    buf_init(&b->sql, 0);
    buf_init(&b->text, 0);
    b->starts = xcalloc(spec->schema.count + 1u, sizeof(*b->starts));
    b->values = xcalloc(spec->schema.count + 1u, sizeof(*b->values));
    name_of(spec, spec->values[OPT_POSITIONS].text, &b->sql);
    b->positions = text_of(&b->sql);
    *out = &b->base;
    return ST_OK;
}

static void disconnect(struct bridge_postgres_state *b)
{
    pg_link_close(&b->link);
    b->expected_count = 0;
}

static void postgres_close(struct bridge *bridge)
{
    struct bridge_postgres_state *b = (struct bridge_postgres_state *)bridge;

    disconnect(b);
    arena_deinit(&b->link_arena);
    buf_deinit(&b->sql);
    buf_deinit(&b->text);
    free(b->starts);
    free(b->values);
    free(b->expected);
    free(b->positions);
    free(b);
}

/* ---- the statements of a row ---- */

static void sql_columns(struct bridge_postgres_state *b, const char *before, bool numbers)
{
    const struct bridge_spec *spec = b->base.spec;

    buf_str(&b->sql, before);
    for (uint16_t c = 0; c < spec->schema.count; c++) {
        if (c)
            buf_str(&b->sql, ", ");
        if (numbers)
            buf_printf(&b->sql, "$%u", c + 1u);
        else
            quoted_name(&b->sql, spec->schema.fields[c].name);
    }
}

static bool is_key(const struct bridge_spec *spec, uint16_t column)
{
    for (uint16_t k = 0; k < spec->key_count; k++)
        if (spec->key[k] == column)
            return true;
    return false;
}

static void sql_on_conflict(struct bridge_postgres_state *b)
{
    const struct bridge_spec *spec = b->base.spec;
    bool others = false;

    buf_str(&b->sql, " ON CONFLICT (");
    for (uint16_t k = 0; k < spec->key_count; k++) {
        if (k)
            buf_str(&b->sql, ", ");
        quoted_name(&b->sql, spec->schema.fields[spec->key[k]].name);
    }
    for (uint16_t c = 0; c < spec->schema.count; c++) {
        if (is_key(spec, c))
            continue;
        buf_str(&b->sql, others ? ", " : ") DO UPDATE SET ");
        others = true;
        quoted_name(&b->sql, spec->schema.fields[c].name);
        buf_str(&b->sql, " = EXCLUDED.");
        quoted_name(&b->sql, spec->schema.fields[c].name);
    }
    if (!others)
        buf_str(&b->sql, ") DO NOTHING");
}

static const char *sql_put(struct bridge_postgres_state *b)
{
    buf_clear(&b->sql);
    buf_str(&b->sql, "INSERT INTO ");
    postgres_target(b->base.spec, &b->sql);
    sql_columns(b, " (", false);
    sql_columns(b, ") VALUES (", true);
    buf_str(&b->sql, ")");
    if (b->base.spec->key_count)
        sql_on_conflict(b);
    buf_u8(&b->sql, 0);
    return (const char *)b->sql.ptr;
}

static const char *sql_gone(struct bridge_postgres_state *b)
{
    const struct bridge_spec *spec = b->base.spec;

    buf_clear(&b->sql);
    buf_str(&b->sql, "DELETE FROM ");
    postgres_target(spec, &b->sql);
    for (uint16_t k = 0; k < spec->key_count; k++) {
        buf_str(&b->sql, k ? " AND " : " WHERE ");
        quoted_name(&b->sql, spec->schema.fields[spec->key[k]].name);
        buf_printf(&b->sql, " = $%u", k + 1u);
    }
    buf_u8(&b->sql, 0);
    return (const char *)b->sql.ptr;
}

/* ---- the connection ---- */

bool postgres_wrong(struct bridge_postgres_state *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(b->link.trouble, sizeof(b->link.trouble), format, args);
    va_end(args);
    return false;
}

static bool dial(struct bridge_postgres_state *b)
{
    static const struct {
        const char *keyword;
        int option;
    } given[] = {{"host", OPT_HOST}, {"port", OPT_PORT}, {"user", OPT_USER}, {"password", OPT_PASSWORD},
                 {"dbname", OPT_DATABASE}, {"sslmode", OPT_SSLMODE}, {"sslrootcert", OPT_SSLROOT},
                 {"sslcert", OPT_SSLCERT}, {"sslkey", OPT_SSLKEY}, {"sslpassword", OPT_SSLPASSWORD}};
    static const char *const always[][2] = {{"client_encoding", "UTF8"}, {"application_name", "quickwater"},
                                            {"gssencmode", "disable"}};
    enum { GIVEN = sizeof(given) / sizeof(*given), ALWAYS = sizeof(always) / sizeof(*always) };
    const char *keywords[GIVEN + ALWAYS + 2] = {NULL}, *values[GIVEN + ALWAYS + 2] = {NULL};
    unsigned n = 0;

    arena_reset(&b->link_arena);
    for (unsigned i = 0; i < GIVEN; i++) {
        const struct bridge_value *v = &b->base.spec->values[given[i].option];
        if (!v->text.len)
            continue;
        keywords[n] = given[i].keyword;
        values[n++] = arena_str(&b->link_arena, v->text);
    }
    for (unsigned i = 0; i < ALWAYS; i++, n++) {
        keywords[n] = always[i][0];
        values[n] = always[i][1];
    }
    if (b->base.spec->way != BRIDGE_LOOKUP) { /* a standby can be asked, not written to */
        keywords[n] = "target_session_attrs";
        values[n] = "read-write";
    }
    return pg_link_open(&b->link, keywords, values);
}

/* What the values' text means, and that a transaction that we gave up does not stay for ever. */
static bool set_session(struct bridge_postgres_state *b)
{
    const char *ms = arena_printf(&b->link_arena, "%lld", (long long)b->base.spec->timeout_ms);

    return pg_do(&b->link,
                 "SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO', false), "
                 "set_config('standard_conforming_strings', 'on', false), "
                 "set_config('statement_timeout', $1, false), "
                 "set_config('idle_in_transaction_session_timeout', $1, false)",
                 &ms, 1, NULL);
}

bool postgres_dial(struct bridge_postgres_state *b)
{
    return dial(b) && set_session(b);
}

/* It is asked first, for a role that may not make tables may still write to one that is there. */
static bool make_positions(struct bridge_postgres_state *b)
{
    const char *name = b->positions;
    PGresult *found;

    if (!pg_do(&b->link, "SELECT to_regclass($1) IS NOT NULL", &name, 1, &found))
        return false;
    bool there = PQntuples(found) == 1 && strcmp(PQgetvalue(found, 0, 0), "t") == 0;
    PQclear(found);
    if (there)
        return true;
    buf_clear(&b->sql);
    buf_printf(&b->sql,
               "CREATE TABLE IF NOT EXISTS %s (carrier text, part integer, position bigint NOT NULL, "
               "PRIMARY KEY (carrier, part))",
               b->positions);
    buf_u8(&b->sql, 0);
    return pg_do(&b->link, (const char *)b->sql.ptr, NULL, 0, NULL);
}

static bool column_fits(struct bridge_postgres_state *b, uint16_t column, const PGresult *columns)
{
    const struct type_field *field = &b->base.spec->schema.fields[column];
    struct pg_type *type = &b->types[column];

    for (int i = 0; i < PQntuples(columns); i++) {
        if (!bytes_is(field->name, PQgetvalue(columns, i, 0)))
            continue;
        *type = (struct pg_type){arena_str(&b->link_arena, bytes_str(PQgetvalue(columns, i, 1))),
                                 PQgetvalue(columns, i, 2)[0]};
        if (pg_value_fits(field->type, type))
            return true;
        return postgres_wrong(b, "column `%.*s` is %s, and PostgreSQL has it as %.40s",
                     BYTES_FMT(bytes_head(field->name, 60)), type_text(&b->link_arena, field->type), type->name);
    }
    return postgres_wrong(b, "PostgreSQL's table has no column \"%.*s\" that can be written",
                 BYTES_FMT(bytes_head(field->name, 60)));
}

/* Domains are taken for what they are made of. */
static bool read_columns(struct bridge_postgres_state *b)
{
    PGresult *columns;

    buf_clear(&b->sql);
    postgres_target(b->base.spec, &b->sql);
    const char *name = arena_str(&b->link_arena, buf_view(&b->sql));
    if (!pg_do(&b->link,
               "SELECT a.attname, format_type(CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END, NULL), "
               "t.typcategory FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
               "WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''",
               &name, 1, &columns))
        return false;
    b->types = ARENA_ARRAY(&b->link_arena, struct pg_type, b->base.spec->schema.count + 1u);
    bool good = true;
    for (uint16_t c = 0; good && c < b->base.spec->schema.count; c++)
        good = column_fits(b, c, columns);
    PQclear(columns);
    return good;
}

bool postgres_prepare(struct bridge_postgres_state *b, const char *name, const char *sql)
{
    PGresult *result;
    char text[160];

    if (!pg_queue_prepare(&b->link, name, sql) || !pg_sync(&b->link) || !pg_answer(&b->link, &result))
        return false;
    bool good = !pg_failed(result);
    pg_error_text(result, text, sizeof(text));
    PQclear(result);
    return pg_synced(&b->link) && (good || postgres_wrong(b, "%s", text));
}

static bool connected(struct bridge_postgres_state *b)
{
    b->link.trouble[0] = 0;
    pg_link_limit(&b->link, b->base.spec->timeout_ms);
    if (b->link.conn)
        return true;
    return postgres_dial(b) && make_positions(b) && read_columns(b) && postgres_prepare(b, "put", sql_put(b)) &&
           (!b->base.spec->key_count || postgres_prepare(b, "gone", sql_gone(b)));
}

bool postgres_give_up(struct bridge_postgres_state *b, char to[200])
{
    snprintf(to, 200, "%s", b->link.trouble);
    disconnect(b);
    return false;
}

/* ---- the position ---- */

static const char *with_positions(struct bridge_postgres_state *b, const char *format)
{
    buf_clear(&b->sql);
    for (; *format; format++)
        if (*format == '@')
            buf_str(&b->sql, b->positions);
        else
            buf_u8(&b->sql, (uint8_t)*format);
    buf_u8(&b->sql, 0);
    return (const char *)b->sql.ptr;
}

/* Room for it; what is not known yet is UNKNOWN. */
static int64_t *expected_of(struct bridge_postgres_state *b, uint32_t partition)
{
    if (partition >= b->expected_count) {
        b->expected = xrealloc(b->expected, (partition + 1) * sizeof(*b->expected));
        while (b->expected_count <= partition)
            b->expected[b->expected_count++] = UNKNOWN;
    }
    return &b->expected[partition];
}

static bool read_position(struct bridge_postgres_state *b, uint32_t partition)
{
    char part[16];
    const char *of[2] = {b->base.spec->identity, part};
    int64_t *expected = expected_of(b, partition);
    PGresult *result;

    snprintf(part, sizeof(part), "%u", partition);
    if (!pg_do(&b->link, with_positions(b, "INSERT INTO @ VALUES ($1, $2, -1) ON CONFLICT DO NOTHING"), of, 2,
               NULL) ||
        !pg_do(&b->link, with_positions(b, "SELECT position FROM @ WHERE carrier = $1 AND part = $2"), of, 2,
               &result))
        return false;
    bool good = PQntuples(result) == 1 && bytes_to_i64(bytes_str(PQgetvalue(result, 0, 0)), expected);
    PQclear(result);
    return good || postgres_wrong(b, "the position in %s is no number", b->positions);
}

static enum status postgres_position(struct bridge *bridge, uint32_t partition, int64_t *out, char to[200])
{
    struct bridge_postgres_state *b = (struct bridge_postgres_state *)bridge;

    if (!connected(b) || !read_position(b, partition)) {
        postgres_give_up(b, to);
        return ST_AGAIN;
    }
    *out = *expected_of(b, partition);
    return ST_OK;
}

/* The connection is new where another partition's batch had trouble: then what is there is asked. */
static bool ready(struct bridge_postgres_state *b, const struct bridge_batch *batch)
{
    if (!connected(b))
        return false;
    if (*expected_of(b, batch->partition) == UNKNOWN && !read_position(b, batch->partition))
        return false;
    return *expected_of(b, batch->partition) <= batch->records[0].offset ||
           postgres_wrong(b, "the position in %s is past this batch", b->positions);
}

static bool queue_position(struct bridge_postgres_state *b, const struct bridge_batch *batch)
{
    char part[16], from[24], to[24];
    const char *values[] = {to, b->base.spec->identity, part, from};

    snprintf(part, sizeof(part), "%u", batch->partition);
    snprintf(from, sizeof(from), "%lld", (long long)*expected_of(b, batch->partition));
    snprintf(to, sizeof(to), "%lld", (long long)batch->next_offset);
    return pg_queue(&b->link,
                    with_positions(b, "UPDATE @ SET position = $1 WHERE carrier = $2 AND part = $3 AND position = $4"),
                    values, 4);
}

/* ---- a row ---- */

/* The parameters of a record's statement, in b->values; how many. 0: it cannot be one, and is `never`. */
static int parameters(struct bridge_postgres_state *b, struct bridge_record *r, const struct bridge_batch *batch)
{
    const struct bridge_spec *spec = b->base.spec;
    int count = r->value.ptr ? spec->schema.count : spec->key_count;

    buf_clear(&b->text);
    for (int i = 0; i < count; i++) {
        uint16_t c = r->value.ptr ? (uint16_t)i : spec->key[i];
        const struct column *col = &batch->rows.cols[c];
        b->starts[i] = b->text.len;
        if (!column_valid(col, r->row)) {
            b->starts[i] = SIZE_MAX;
        } else if (!pg_value(&b->text, spec->schema.fields[c].type, &b->types[c], col, r->row)) {
            r->never = arena_printf(batch->arena, "PostgreSQL's text has no zero byte, and column `%.*s` has one",
                                    BYTES_FMT(spec->schema.fields[c].name));
            return 0;
        }
    }
    for (int i = 0; i < count; i++)
        b->values[i] = b->starts[i] == SIZE_MAX ? NULL : (const char *)b->text.ptr + b->starts[i];
    return count;
}

static bool queue_row(struct bridge_postgres_state *b, struct bridge_record *r, const struct bridge_batch *batch,
                      bool *queued)
{
    int count = r->never ? 0 : parameters(b, r, batch);

    *queued = count > 0;
    return !count || pg_queue_prepared(&b->link, r->value.ptr ? "put" : "gone", b->values, count);
}

/* Whether an error is for what is in the row, and not for the state of the server or of the table. */
static bool is_the_rows(const PGresult *result)
{
    static const char *const classes[] = {"22", "23", "44", "54", "P0"};
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    for (unsigned i = 0; state && i < sizeof(classes) / sizeof(*classes); i++)
        if (strncmp(state, classes[i], 2) == 0)
            return true;
    return false;
}

/* ---- a batch ---- */

/* Of a command that is to succeed; *rows: how many it touched. An error that is a row's gives REFUSED. */
static enum verdict judged(struct bridge_postgres_state *b, long *rows)
{
    PGresult *result;
    enum verdict verdict = DONE;
    char text[160];

    if (!pg_answer(&b->link, &result))
        return TROUBLE;
    *rows = atol(PQcmdTuples(result));
    if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED) {
        verdict = REFUSED; /* for what was before it; whose error that was is known */
    } else if (pg_failed(result)) {
        verdict = is_the_rows(result) ? REFUSED : TROUBLE;
        pg_error_text(result, text, sizeof(text));
        postgres_wrong(b, "%s", text);
    }
    PQclear(result);
    return verdict;
}

/* BEGIN and the fence, answered. */
static enum verdict fenced(struct bridge_postgres_state *b)
{
    long rows;
    enum verdict begun = judged(b, &rows), moved = begun == DONE ? judged(b, &rows) : begun;

    if (moved == DONE && rows != 1)
        postgres_wrong(b, "the position in %s is not where it was: a transaction that had been given up was made after all",
              b->positions);
    return moved == DONE && rows == 1 ? DONE : TROUBLE;
}

static bool queue_begin(struct bridge_postgres_state *b, const struct bridge_batch *batch)
{
    return pg_queue(&b->link, "BEGIN", NULL, 0) && queue_position(b, batch);
}

/* `end`: COMMIT or ROLLBACK. */
static enum verdict finish(struct bridge_postgres_state *b, const char *end)
{
    long rows;

    pg_link_limit(&b->link, b->base.spec->timeout_ms);
    if (!pg_queue(&b->link, end, NULL, 0) || !pg_sync(&b->link))
        return TROUBLE;
    enum verdict verdict = judged(b, &rows);
    return pg_synced(&b->link) ? verdict : TROUBLE;
}

/* All rows at once. REFUSED: one was, and nothing is there. */
static enum verdict deliver_together(struct bridge_postgres_state *b, struct bridge_batch *batch)
{
    uint32_t queued = 0;
    bool one;
    long rows;

    if (!queue_begin(b, batch))
        return TROUBLE;
    for (uint32_t i = 0; i < batch->count; i++) {
        if (!queue_row(b, &batch->records[i], batch, &one))
            return TROUBLE;
        queued += one;
    }
    if (!pg_sync(&b->link))
        return TROUBLE;
    enum verdict verdict = fenced(b);
    for (uint32_t i = 0; i < queued && verdict != TROUBLE; i++) {
        enum verdict row = judged(b, &rows);
        verdict = row == DONE ? verdict : row;
    }
    if (verdict == TROUBLE || !pg_synced(&b->link))
        return TROUBLE;
    if (verdict == REFUSED)
        return finish(b, "ROLLBACK") == DONE ? REFUSED : TROUBLE;
    return finish(b, "COMMIT"); /* which a deferred constraint may refuse */
}

/* One row under a savepoint: it is there, or it is `never`, or there is trouble. */
static bool deliver_one(struct bridge_postgres_state *b, struct bridge_record *r, const struct bridge_batch *batch)
{
    bool queued;
    long rows;
    char text[300];
    PGresult *result;

    pg_link_limit(&b->link, b->base.spec->timeout_ms);
    if (r->never)
        return true;
    if (!pg_queue(&b->link, "SAVEPOINT a_row", NULL, 0) || !queue_row(b, r, batch, &queued))
        return false;
    if (!pg_sync(&b->link) || judged(b, &rows) != DONE)
        return false;
    if (queued) {
        if (!pg_answer(&b->link, &result))
            return false;
        bool failed = pg_failed(result), the_rows = failed && is_the_rows(result);
        if (failed)
            pg_error_text(result, text, sizeof(text));
        PQclear(result);
        if (failed && !the_rows)
            return postgres_wrong(b, "%s", text);
        if (failed)
            r->never = arena_printf(batch->arena, "%s", text);
    }
    if (!pg_synced(&b->link))
        return false;
    if (r->never && finish(b, "ROLLBACK TO SAVEPOINT a_row") != DONE)
        return false;
    return finish(b, "RELEASE SAVEPOINT a_row") == DONE;
}

/* Row by row. Constraints that wait for the end are asked at once: else nobody knew whose fault it is. */
static enum verdict deliver_singly(struct bridge_postgres_state *b, struct bridge_batch *batch)
{
    long rows;

    if (!queue_begin(b, batch) || !pg_queue(&b->link, "SET CONSTRAINTS ALL IMMEDIATE", NULL, 0) ||
        !pg_sync(&b->link))
        return TROUBLE;
    if (fenced(b) != DONE || judged(b, &rows) != DONE || !pg_synced(&b->link))
        return TROUBLE;
    for (uint32_t i = 0; i < batch->count; i++)
        if (!deliver_one(b, &batch->records[i], batch))
            return TROUBLE;
    return finish(b, "COMMIT") == DONE ? DONE : TROUBLE;
}

static void postgres_deliver(struct bridge *bridge, struct bridge_batch *batch)
{
    struct bridge_postgres_state *b = (struct bridge_postgres_state *)bridge;
    enum verdict verdict = ready(b, batch) ? deliver_together(b, batch) : TROUBLE;

    if (verdict == REFUSED)
        verdict = deliver_singly(b, batch);
    if (verdict != DONE) {
        postgres_give_up(b, batch->trouble);
        return;
    }
    *expected_of(b, batch->partition) = batch->next_offset;
    batch->settled = batch->count;
}

const struct bridge_class bridge_postgres = {
    .name = "postgres",
    .ways = BRIDGE_SINK | BRIDGE_LOOKUP,
    .guarantee = "exactly once: the rows of a batch and its position are one transaction",
    .options = options,
    .options_count = OPTIONS,
    .takes_rows = takes_rows,
    .takes_changes = takes_changes,
    .open = postgres_open,
    .position = postgres_position,
    .deliver = postgres_deliver,
    .lookup = postgres_lookup,
    .close = postgres_close,
};
