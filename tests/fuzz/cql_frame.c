/* What a Cassandra server sends: frames bounded, views within what was given, read the same however they were cut; results
 * whose counts are true; and values of any type and any bytes as JSON, or refused. */
#include "base/check.h"
#include "base/json_reader.h"
#include "bridge/cassandra_value.h"
#include "lib/fuzz.h"

static void within(struct bytes part, struct bytes whole)
{
    CHECK(!part.len || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len));
}

static void value(uint16_t type, struct bytes bytes)
{
    static const enum type_kind kinds[] = {TYPE_VARCHAR, TYPE_TIMESTAMP_LTZ, TYPE_ROW};
    struct json_writer w;
    struct buf text;

    buf_init(&text, 0);
    for (unsigned i = 0; i < 3; i++) {
        struct type of = {.kind = kinds[i]};
        buf_clear(&text);
        json_writer_init(&w, &text);
        if (cassandra_value_json(&w, &of, type, bytes))
            CHECK(json_is_one(buf_view(&text), NULL));
    }
    buf_deinit(&text);
}

static void rows(const struct cql_frame *f)
{
    struct cql_rows r;
    struct cql_column c = {0};

    if (!cql_read_rows(f, &r))
        return;
    within(r.paging_state, f->body);
    for (uint32_t i = 0; i < r.rows_count && !r.values.bad; i++) {
        struct cql_columns columns = r.columns;
        for (uint32_t k = 0; k < r.columns_count; k++) {
            (void)cql_column_next(&columns, &c);
            within(c.name, f->body);
            struct bytes v = cql_value(&r.values);
            if (v.len)
                within(v, f->body);
            if (v.ptr)
                value(c.type, v);
        }
    }
}

static void read_all(const struct cql_frame *f)
{
    struct cql_error error;
    struct cql_prepared p;
    struct cql_column c;

    if (cql_read_error(f, &error))
        within(error.message, f->body);
    if (cql_read_prepared(f, &p)) {
        within(p.id, f->body);
        within(p.partition_key, f->body);
        CHECK(p.partition_key.len % 2 == 0);
        while (cql_column_next(&p.values, &c))
            within(c.name, f->body);
        CHECK(!p.values.left && !p.values.at.bad);
    }
    rows(f);
}

FUZZ(cql_frame, data, size)
{
    struct cql_frame f, cut;
    size_t used, at = 0, cut_used;
    struct bytes in = bytes_of(data, size);

    if (size > 2)
        value((uint16_t)(data[0] % 24), bytes_of(data + 1, size - 1));
    while (cql_next(bytes_skip(in, at), 4096, &f, &used) == CQL_FRAME) {
        CHECK(used >= 9 && used <= in.len - at && f.body.len <= 4096);
        CHECK(cql_next(bytes_head(bytes_skip(in, at), used - 1), 4096, &cut, &cut_used) == CQL_MORE);
        within(f.body, in);
        read_all(&f);
        at += used;
    }
}
