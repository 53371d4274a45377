/* Values as Cassandra has them, and back; ./dev interop bridge_cassandra gives them to a real server. */
#include "bridge/cassandra_value.h"

#include "lib/test.h"

#define STR(text) {text, sizeof(text) - 1, 0}

static const char *put(struct buf *buf, const struct type *type, uint16_t to, const void *data)
{
    struct column col = {.data = data};

    buf_clear(buf);
    return cassandra_value_put(buf, type, to, &col, 0);
}

static void expect_json(const struct type *type, uint16_t from, struct bytes value, const char *want)
{
    struct json_writer w;
    struct buf text;

    buf_init(&text, 0);
    json_writer_init(&w, &text);
    EXPECT_INT(cassandra_value_json(&w, type, from, value), want != NULL);
    if (want)
        EXPECT_BYTES(buf_view(&text), bytes_str(want));
    buf_deinit(&text);
}

TEST(cassandra_whole_numbers_are_as_long_as_their_type)
{
    static const int64_t minus = -129, large = 1ll << 40;
    static const struct {
        uint16_t to;
        struct bytes want;
    } cases[] = {{CQL_SMALLINT, BYTES_LITERAL("\0\0\0\2\xff\x7f")},
                 {CQL_INT, BYTES_LITERAL("\0\0\0\4\xff\xff\xff\x7f")},
                 {CQL_BIGINT, BYTES_LITERAL("\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\x7f")},
                 {CQL_VARINT, BYTES_LITERAL("\0\0\0\2\xff\x7f")},
                 {CQL_DECIMAL, BYTES_LITERAL("\0\0\0\6\0\0\0\0\xff\x7f")}};
    const struct type *bigint = type_simple(TYPE_BIGINT);
    struct buf buf;

    buf_init(&buf, 0);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        EXPECT(cassandra_value_fits(bigint, cases[i].to) && !put(&buf, bigint, cases[i].to, &minus));
        EXPECT_BYTES(buf_view(&buf), cases[i].want);
        expect_json(bigint, cases[i].to, bytes_skip(cases[i].want, 4), "\"-129\"");
    }
    EXPECT(put(&buf, bigint, CQL_TINYINT, &minus) && put(&buf, bigint, CQL_INT, &large));
    buf_deinit(&buf);
}

TEST(cassandra_decimals_dates_and_times)
{
    static const __int128 money = -128, huge = (__int128)1 << 120;
    static const int32_t day = -1;
    static const int64_t us = -1, noon = 12 * 3600000000ll;
    struct type decimal = {.kind = TYPE_DECIMAL, .precision = 10, .scale = 2};
    struct buf buf;

    buf_init(&buf, 0);
    EXPECT(!put(&buf, &decimal, CQL_DECIMAL, &money));
    EXPECT_BYTES(buf_view(&buf), BYTES_LITERAL("\0\0\0\5\0\0\0\2\x80"));
    expect_json(&decimal, CQL_DECIMAL, bytes_skip(buf_view(&buf), 4), "\"-1.28\"");
    EXPECT(!put(&buf, &decimal, CQL_DECIMAL, &huge));
    EXPECT_INT(buf.len, 4 + 4 + 16);
    expect_json(&decimal, CQL_DECIMAL, BYTES_LITERAL("\0\0\0\2" "12345678901234567"), NULL); /* 17 bytes */
    expect_json(&decimal, CQL_DECIMAL, BYTES_LITERAL("\x7f\0\0\0\1"), NULL);
    expect_json(&decimal, CQL_DECIMAL, BYTES_LITERAL("\0\0"), NULL);
    EXPECT(!put(&buf, type_simple(TYPE_DATE), CQL_DATE, &day));
    EXPECT_BYTES(buf_view(&buf), BYTES_LITERAL("\0\0\0\4\x7f\xff\xff\xff"));
    expect_json(type_simple(TYPE_DATE), CQL_DATE, bytes_skip(buf_view(&buf), 4), "\"1969-12-31\"");
    EXPECT(!put(&buf, type_simple(TYPE_TIMESTAMP_LTZ), CQL_TIMESTAMP, &us)); /* to the millisecond before */
    EXPECT_BYTES(buf_view(&buf), BYTES_LITERAL("\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xff"));
    expect_json(type_simple(TYPE_TIMESTAMP_LTZ), CQL_TIMESTAMP, bytes_skip(buf_view(&buf), 4), "\"1969-12-31 23:59:59.999Z\"");
    EXPECT(!put(&buf, type_simple(TYPE_TIME), CQL_TIME, &noon));
    expect_json(type_simple(TYPE_TIME), CQL_TIME, bytes_skip(buf_view(&buf), 4), "\"12:00:00.000000\"");
    expect_json(type_simple(TYPE_TIMESTAMP), CQL_TIMESTAMP, BYTES_LITERAL("\x7f\0\0\0\0\0\0\0"), NULL);
    buf_deinit(&buf);
}

TEST(cassandra_texts_uuids_and_addresses)
{
    static const struct str uuid = STR("00112233-4455-1677-8899-AABBCCDDEEFF"), four = STR("10.0.0.1"), six = STR("::1"),
                            text = STR("h\xc3\xa9"), bad = STR("\xff"), none = STR("");
    const struct type *string = type_simple(TYPE_VARCHAR);
    struct buf buf;

    buf_init(&buf, 0);
    EXPECT(!put(&buf, string, CQL_TIMEUUID, &uuid));
    EXPECT_BYTES(buf_view(&buf), BYTES_LITERAL("\0\0\0\x10\0\x11\x22\x33\x44\x55\x16\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"));
    expect_json(string, CQL_UUID, bytes_skip(buf_view(&buf), 4), "\"00112233-4455-1677-8899-aabbccddeeff\"");
    EXPECT(put(&buf, string, CQL_UUID, &text) && put(&buf, string, CQL_INET, &text) && put(&buf, string, CQL_ASCII, &text));
    EXPECT(put(&buf, string, CQL_VARCHAR, &bad) && !put(&buf, string, CQL_VARCHAR, &text) && !put(&buf, string, CQL_VARCHAR, &none));
    EXPECT(!put(&buf, string, CQL_INET, &four) && buf.len == 8);
    EXPECT(!put(&buf, string, CQL_INET, &six) && buf.len == 20);
    expect_json(string, CQL_INET, bytes_skip(buf_view(&buf), 4), "\"::1\"");
    expect_json(string, CQL_UUID, BYTES_LITERAL("short"), NULL);
    buf_deinit(&buf);
}

TEST(cassandra_what_fits_what)
{
    EXPECT(cassandra_value_fits(type_simple(TYPE_FLOAT), CQL_DOUBLE) && !cassandra_value_fits(type_simple(TYPE_DOUBLE), CQL_FLOAT));
    EXPECT(!cassandra_value_fits(type_simple(TYPE_BIGINT), CQL_COUNTER) && !cassandra_value_fits(type_simple(TYPE_BIGINT), CQL_VARCHAR));
    EXPECT(!cassandra_value_fits(type_simple(TYPE_VARCHAR), CQL_BLOB) && cassandra_value_fits(type_simple(TYPE_VARBINARY), CQL_BLOB));
    EXPECT(cassandra_value_fits(type_simple(TYPE_ARRAY), CQL_VARCHAR) && !cassandra_value_fits(type_simple(TYPE_ARRAY), CQL_LIST));
    EXPECT(!cassandra_value_fits(type_simple(TYPE_INTERVAL_SECOND), CQL_BIGINT));
}
