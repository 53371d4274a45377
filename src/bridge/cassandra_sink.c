/* cassandra_sink.c: a table of Cassandra as a sink: a row is written by its key, a deleted one is deleted.
 *
 *     INSERT INTO "keyspace"."table" ("column", …) VALUES (?, …) USING [TTL n AND] TIMESTAMP ?
 *     DELETE FROM "keyspace"."table" USING TIMESTAMP ? WHERE "key" = ? AND …
 *
 * Both are prepared once a connection. Rows of one partition (by the values that the server says make its key) go as one
 * unlogged BATCH, up to 'cassandra.batch.bytes': such a batch is one write of its replicas. Many are under way, each on a
 * stream of its own.
 *
 * Cassandra keeps of each cell the value with the latest time. Each row has one of ours, and they rise in the records'
 * order, so batches may arrive in any: written again a row is itself, with a later time, and a write that was given up and
 * arrives after all is older than what followed it. (So the clock of this machine must not lag behind that of others who
 * write the same rows.)
 *
 * A batch that is refused as invalid goes again row by row, and the one that is refused alone is `never`.
 */
#include <stdio.h>
#include <time.h>

#include "base/check.h"
#include "base/map.h"
#include "bridge/cassandra_inner.h"

enum { GROUP_ROWS = 100, BATCH_UNLOGGED = 1, KIND_PREPARED = 1 };

/* ---- statements ---- */

static bool in_key(const struct bridge_spec *spec, uint16_t column)
{
    for (uint16_t k = 0; k < spec->key_count; k++)
        if (spec->key[k] == column)
            return true;
    return false;
}

static bool prepare_insert(struct bridge_cassandra_state *b, char trouble[200])
{
    const struct bridge_spec *spec = b->base.spec;
    int64_t ttl_s = spec->values[OPT_TTL].number / 1000;

    buf_clear(&b->text);
    buf_str(&b->text, "INSERT INTO ");
    cassandra_target(spec, &b->text);
    for (uint16_t c = 0; c < spec->schema.count; c++) {
        buf_str(&b->text, c ? ", " : " (");
        quoted_name(&b->text, spec->schema.fields[c].name);
    }
    for (uint16_t c = 0; c < spec->schema.count; c++)
        buf_str(&b->text, c ? ", ?" : ") VALUES (?");
    buf_str(&b->text, ") USING ");
    if (ttl_s)
        buf_printf(&b->text, "TTL %lld AND ", (long long)ttl_s);
    buf_str(&b->text, "TIMESTAMP ?");
    if (!cassandra_prepare(b, buf_view(&b->text), &b->insert, trouble))
        return false;
    for (uint16_t c = 0; c < spec->schema.count; c++)
        if (!cassandra_fits(b, &b->insert, c, c, trouble))
            return false;
    return true;
}

static bool prepare_erase(struct bridge_cassandra_state *b, char trouble[200])
{
    const struct bridge_spec *spec = b->base.spec;

    buf_clear(&b->text);
    buf_str(&b->text, "DELETE FROM ");
    cassandra_target(spec, &b->text);
    buf_str(&b->text, " USING TIMESTAMP ?");
    for (uint16_t k = 0; k < spec->key_count; k++) {
        buf_str(&b->text, k ? " AND " : " WHERE ");
        quoted_name(&b->text, spec->schema.fields[spec->key[k]].name);
        buf_str(&b->text, " = ?");
    }
    return cassandra_prepare(b, buf_view(&b->text), &b->erase, trouble);
}

/* A column of the primary key there: it has to be in ours. */
static bool check_column(struct bridge_cassandra_state *b, struct bytes name, uint16_t *keys, char trouble[200])
{
    const struct bridge_spec *spec = b->base.spec;
    char why[150];

    for (uint16_t c = 0; c < spec->schema.count; c++)
        if (bytes_equal(spec->schema.fields[c].name, name) && in_key(spec, c)) {
            ++*keys;
            return true;
        }
    snprintf(why, sizeof(why), "column %.*s is in the primary key there, and not in the PRIMARY KEY here",
             BYTES_FMT(bytes_head(name, 40)));
    return cassandra_trouble(b, trouble, "", bytes_str(why));
}

/* Deleting by less than the whole key would delete more than the row. */
static bool check_key(struct bridge_cassandra_state *b, char trouble[200])
{
    const struct bridge_spec *spec = b->base.spec;
    const struct bridge_value *v = spec->values;
    struct cql_frame f;
    struct cql_rows rows;
    uint16_t keys = 0;

    buf_clear(&b->text);
    buf_str(&b->text, "SELECT column_name, kind FROM system_schema.columns WHERE keyspace_name = ");
    quoted_text(&b->text, v[OPT_KEYSPACE].text);
    buf_str(&b->text, " AND table_name = ");
    quoted_text(&b->text, v[OPT_TABLE].text.len ? v[OPT_TABLE].text : spec->table);
    if (!cassandra_query(b, buf_view(&b->text), &f, trouble))
        return false;
    if (!cql_read_rows(&f, &rows) || rows.columns_count != 2)
        return cassandra_unexpected(b, &f, "asking for the key", trouble);
    for (uint32_t i = 0; i < rows.rows_count; i++) {
        struct bytes name = cql_value(&rows.values), kind = cql_value(&rows.values);
        bool of_key = bytes_is(kind, "partition_key") || bytes_is(kind, "clustering");
        if (of_key && !check_column(b, name, &keys, trouble))
            return false;
    }
    cassandra_drop(b);
    return keys == spec->key_count ||
           cassandra_trouble(b, trouble, "", BYTES_LITERAL("the PRIMARY KEY here has columns that are not in the primary key there"));
}

/* A connection that the server has closed while there was nothing to send is no failure. */
static bool connected(struct bridge_cassandra_state *b, char trouble[200])
{
    bool by_key = b->base.spec->key_count > 0;

    if (b->link && !cassandra_silent(b))
        cassandra_disconnect(b);
    return b->link || (cassandra_dial(b, trouble) && prepare_insert(b, trouble) &&
                       (!by_key || (check_key(b, trouble) && prepare_erase(b, trouble))));
}

/* ---- rows ---- */

/* Rows of one partition, as the batch has them. */
struct group {
    uint32_t *rows; /* which of the batch's records, in order */
    uint32_t count;
    struct buf text;
    bool under_way, done;
};

struct writing {
    struct bridge_cassandra_state *b;
    struct bridge_batch *batch;
    struct group *groups;
    uint32_t groups_count, groups_cap, next; /* next: the first that was not sent */
    struct map open; /* by the partition's key: the group (number + 1) that takes more */
    bool *written;   /* of each record */
    int64_t *stamps; /* of each: its time */
};

static int64_t next_stamp(struct bridge_cassandra_state *b)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    int64_t now_us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
    b->stamp_us = now_us > b->stamp_us ? now_us : b->stamp_us + 1;
    return b->stamp_us;
}

static void put_stamp(struct buf *out, int64_t stamp_us)
{
    buf_u32_be(out, 8);
    buf_u64_be(out, (uint64_t)stamp_us);
}

/* A statement of the batch, for record i. NULL: it is there. */
static const char *put_row(struct writing *w, struct buf *out, uint32_t record)
{
    struct bridge_cassandra_state *b = w->b;
    const struct bridge_record *r = &w->batch->records[record];
    const struct bridge_spec *spec = b->base.spec;
    const struct cassandra_statement *s = r->value.ptr ? &b->insert : &b->erase;
    uint16_t columns = r->value.ptr ? spec->schema.count : spec->key_count;

    buf_u8(out, KIND_PREPARED);
    cql_put_short_bytes(out, s->id);
    buf_u16_be(out, (uint16_t)(columns + 1));
    if (!r->value.ptr)
        put_stamp(out, w->stamps[record]);
    for (uint16_t i = 0; i < columns; i++) {
        uint16_t c = r->value.ptr ? i : spec->key[i];
        const char *why = cassandra_value_put(out, spec->schema.fields[c].type, b->insert.types[c], &w->batch->rows.cols[c],
                                              r->row);
        if (why)
            return arena_printf(w->batch->arena, "column %.*s: %s", BYTES_FMT(bytes_head(spec->schema.fields[c].name, 60)), why);
    }
    if (r->value.ptr)
        put_stamp(out, w->stamps[record]);
    return NULL;
}

/* The partition's key, into b->text. NULL: it is there. */
static const char *put_partition(struct writing *w, const struct bridge_record *r)
{
    struct bridge_cassandra_state *b = w->b;
    const struct bridge_spec *spec = b->base.spec;
    const char *why = NULL;

    buf_clear(&b->text);
    for (uint16_t k = 0; k < b->insert.keys_count && !why; k++) {
        uint16_t c = b->insert.keys[k];
        if (c >= spec->schema.count || !column_valid(&w->batch->rows.cols[c], r->row))
            return "a column of its partition key is NULL";
        why = cassandra_value_put(&b->text, spec->schema.fields[c].type, b->insert.types[c], &w->batch->rows.cols[c], r->row);
    }
    return why;
}

static struct group *new_group(struct writing *w)
{
    if (w->groups_count == w->groups_cap) {
        uint32_t cap = w->groups_cap ? w->groups_cap * 2 : 64;
        struct group *groups = ARENA_ARRAY(w->batch->arena, struct group, cap);
        if (w->groups_count)
            memcpy(groups, w->groups, w->groups_count * sizeof(*groups));
        w->groups = groups;
        w->groups_cap = cap;
    }
    struct group *g = &w->groups[w->groups_count++];
    *g = (struct group){.rows = ARENA_ARRAY(w->batch->arena, uint32_t, GROUP_ROWS)};
    buf_init(&g->text, 0);
    return g;
}

/* The one that the partition of b->text has, if it takes a row of so many bytes more. */
static struct group *group_for(struct writing *w, size_t bytes)
{
    struct bytes key = buf_view(&w->b->text);
    size_t most = (size_t)w->b->base.spec->values[OPT_BATCH].number;
    uintptr_t at = (uintptr_t)map_get(&w->open, key);

    if (at && w->groups[at - 1].count < GROUP_ROWS && w->groups[at - 1].text.len + bytes <= most)
        return &w->groups[at - 1];
    struct group *g = new_group(w);
    map_put(&w->open, key, (void *)(uintptr_t)w->groups_count);
    return g;
}

static void add_row(struct writing *w, uint32_t i)
{
    struct bridge_record *r = &w->batch->records[i];
    struct buf row;

    if (!r->never)
        r->never = put_partition(w, r);
    if (r->never)
        return;
    buf_init(&row, 0);
    w->stamps[i] = next_stamp(w->b);
    r->never = put_row(w, &row, i);
    if (!r->never) {
        struct group *g = group_for(w, row.len);
        g->rows[g->count++] = i;
        buf_bytes(&g->text, buf_view(&row));
    }
    buf_deinit(&row);
}

/* ---- what is under way ---- */

static void put_group(struct writing *w, uint32_t at)
{
    struct bridge_cassandra_state *b = w->b;
    struct group *g = &w->groups[at];
    size_t begun = cql_begin(&b->out, (int16_t)(at % INT16_MAX), CQL_BATCH);

    buf_u8(&b->out, BATCH_UNLOGGED);
    buf_u16_be(&b->out, (uint16_t)g->count);
    buf_bytes(&b->out, buf_view(&g->text));
    buf_u16_be(&b->out, b->consistency);
    buf_u8(&b->out, 0);
    cql_end(&b->out, begun);
    g->under_way = true;
}

/* Each of its rows alone, with the time that it has. */
static void split(struct writing *w, uint32_t at)
{
    struct group g = w->groups[at];

    map_deinit(&w->open);
    map_init(&w->open);
    for (uint32_t i = 0; i < g.count; i++) {
        struct group *one = new_group(w);
        one->rows[one->count++] = g.rows[i];
        CHECK(!put_row(w, &one->text, g.rows[i]));
    }
}

/* False: trouble. */
static bool take(struct writing *w, uint32_t at, const struct cql_frame *f)
{
    struct group *g = &w->groups[at];
    struct cql_error error;

    g->under_way = false;
    if (f->opcode == CQL_RESULT) {
        for (uint32_t i = 0; i < g->count; i++)
            w->written[g->rows[i]] = true;
        return true;
    }
    if (!cql_read_error(f, &error) || (error.code != CQL_INVALID && error.code != CQL_SYNTAX_ERROR))
        return cassandra_unexpected(w->b, f, "writing", w->batch->trouble);
    if (g->count > 1)
        split(w, at);
    else
        w->batch->records[g->rows[0]].never = arena_printf(w->batch->arena, "Cassandra refuses it: %.*s",
                                                           BYTES_FMT(bytes_head(error.message, 200)));
    return true;
}

/* The answer to one of those under way: [first, w->next). */
static bool hear(struct writing *w, uint32_t first)
{
    struct cql_frame f;

    if (!cassandra_peek(w->b, &f, w->batch->trouble))
        return false;
    for (uint32_t at = first; at < w->next; at++)
        if (w->groups[at].under_way && (int16_t)(at % INT16_MAX) == f.stream) {
            bool good = take(w, at, &f);
            if (good)
                cassandra_drop(w->b);
            return good;
        }
    return cassandra_unexpected(w->b, &f, "writing", w->batch->trouble);
}

/* All groups, as long as there is time. */
static bool write_groups(struct writing *w, int64_t until_ms)
{
    for (uint32_t first = 0;;) {
        bool time_left = link_now_ms() < until_ms;
        while (time_left && w->next < w->groups_count && w->next - first < CASSANDRA_STREAMS)
            put_group(w, w->next++);
        if (w->b->out.len && !cassandra_send(w->b, w->batch->trouble))
            return false;
        while (first < w->next && !w->groups[first].under_way)
            first++;
        if (first < w->next) {
            if (!hear(w, first))
                return false;
        } else if (!time_left || w->next == w->groups_count)
            return true;
    }
}

void cassandra_deliver(struct bridge *bridge, struct bridge_batch *batch)
{
    struct bridge_cassandra_state *b = (struct bridge_cassandra_state *)bridge;
    struct writing w = {.b = b, .batch = batch, .written = ARENA_ARRAY(batch->arena, bool, batch->count),
                        .stamps = ARENA_ARRAY(batch->arena, int64_t, batch->count)};

    if (!connected(b, batch->trouble))
        return;
    map_init(&w.open);
    for (uint32_t i = 0; i < batch->count; i++)
        add_row(&w, i);
    (void)write_groups(&w, link_now_ms() + bridge->spec->timeout_ms);
    while (batch->settled < batch->count && (w.written[batch->settled] || batch->records[batch->settled].never))
        batch->settled++;
    for (uint32_t i = 0; i < w.groups_count; i++)
        buf_deinit(&w.groups[i].text);
    map_deinit(&w.open);
}
