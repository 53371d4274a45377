/* Frames of Cassandra's protocol, byte for byte as its specification has them; ./dev interop bridge_cassandra talks to a
 * real server. */
#include "wire/cql/frame.h"

#include "lib/test.h"

static struct cql_frame frame(struct bytes in)
{
    struct cql_frame f;
    size_t used;

    EXPECT_INT(cql_next(in, 1000, &f, &used), CQL_FRAME);
    EXPECT_INT(used, in.len);
    return f;
}

TEST(cql_what_goes)
{
    struct buf buf;

    buf_init(&buf, 0);
    size_t begun = cql_begin(&buf, 3, CQL_STARTUP);
    buf_u16_be(&buf, 1);
    cql_put_string(&buf, BYTES_LITERAL("CQL_VERSION"));
    cql_put_string(&buf, BYTES_LITERAL("3.0.0"));
    cql_end(&buf, begun);
    EXPECT_BYTES(buf_view(&buf), BYTES_LITERAL("\x04\0\0\3\1\0\0\0\x16\0\1\0\x0b" "CQL_VERSION\0\5" "3.0.0"));
    buf_clear(&buf);
    cql_put_bytes(&buf, BYTES_NONE);
    cql_put_bytes(&buf, BYTES_LITERAL(""));
    cql_put_short_bytes(&buf, BYTES_LITERAL("a"));
    EXPECT_BYTES(buf_view(&buf), BYTES_LITERAL("\xff\xff\xff\xff\0\0\0\0\0\1a"));
    buf_deinit(&buf);
}

TEST(cql_errors_and_what_flags_put_before_a_body)
{
    struct cql_frame f = frame(BYTES_LITERAL("\x84\0\0\5\0\0\0\0\x09\0\0\x22\0\0\3bad"));
    struct cql_error e;

    EXPECT(f.stream == 5 && cql_read_error(&f, &e) && e.code == CQL_INVALID);
    EXPECT_BYTES(e.message, BYTES_LITERAL("bad"));
    f = frame(BYTES_LITERAL("\x85\0\0\0\0\0\0\0\x09\0\0\0\x0a\0\3old")); /* of a server without version 4 */
    EXPECT(cql_read_error(&f, &e) && e.code == CQL_PROTOCOL_ERROR);
    f = frame(BYTES_LITERAL("\x84\x08\0\0\x08\0\0\0\x0a\0\1\0\2hm\0\0\0\1")); /* a warning */
    EXPECT(cql_result_is(&f, CQL_VOID));
}

TEST(cql_prepared_and_rows)
{
    static const struct bytes prepared = BYTES_LITERAL(
        "\x84\0\0\0\x08\0\0\0\x3c\0\0\0\4\0\2id\0\0\0\1\0\0\0\2\0\0\0\1\0\1\0\1k\0\1t\0\1a\0\x0d\0\1b\0\x21\0\x09\0\x22\0\x02"
        "\0\0\0\4\0\0\0\0ignored!");
    static const struct bytes rows = BYTES_LITERAL(
        "\x84\0\0\0\x08\0\0\0\x2d\0\0\0\2\0\0\0\3\0\0\0\1\0\0\0\1s\0\1k\0\1t\0\1a\0\x0d\0\0\0\3\0\0\0\1x\xff\xff\xff\xff\0\0\0\0");
    struct cql_frame f = frame(prepared);
    struct cql_prepared p;
    struct cql_column c;

    EXPECT(cql_read_prepared(&f, &p));
    EXPECT_BYTES(p.id, BYTES_LITERAL("id"));
    EXPECT_BYTES(p.partition_key, BYTES_LITERAL("\0\1"));
    EXPECT(cql_column_next(&p.values, &c) && c.type == CQL_VARCHAR);
    EXPECT(cql_column_next(&p.values, &c) && c.type == CQL_MAP); /* of int to set of bigint */
    EXPECT_BYTES(c.name, BYTES_LITERAL("b"));
    EXPECT(!cql_column_next(&p.values, &c) && !p.values.at.bad);
    struct cql_rows r;
    f = frame(rows);
    EXPECT(cql_read_rows(&f, &r) && r.rows_count == 3 && r.columns_count == 1);
    EXPECT_BYTES(r.paging_state, BYTES_LITERAL("s"));
    EXPECT_BYTES(cql_value(&r.values), BYTES_LITERAL("x"));
    EXPECT(!cql_value(&r.values).ptr && !r.values.bad);
    EXPECT(cql_value(&r.values).ptr && !r.values.bad && !reader_left(&r.values));
}

TEST(cql_what_is_no_frame)
{
    static const struct bytes bad[] = {
        BYTES_LITERAL("HTTP/1.1 400"), BYTES_LITERAL("\x83\0\0\0\x08\0\0\0\0"), BYTES_LITERAL("\x84\1\0\0\x08\0\0\0\0"), /* compressed */
        BYTES_LITERAL("\x84\0\0\0\x08\0\0\x10\0"), BYTES_LITERAL("\x84\0\0\0\x08\xff\xff\xff\xff"), /* too long */
        BYTES_LITERAL("\x84\2\0\0\x08\0\0\0\2ab")}; /* a trace that is none */
    struct cql_frame f;
    size_t used;

    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        EXPECT_INT(cql_next(bad[i], 1000, &f, &used), CQL_BAD);
    EXPECT_INT(cql_next(BYTES_LITERAL("\x84\0\0\0\x08\0\0\0\2a"), 1000, &f, &used), CQL_MORE);
    f = frame(BYTES_LITERAL("\x84\0\0\0\x08\0\0\0\x14\0\0\0\2\0\0\0\4\0\0\0\1\x7f\0\0\0\0\0\0\0")); /* rows that are not there */
    struct cql_rows r;
    EXPECT(!cql_read_rows(&f, &r));
}
