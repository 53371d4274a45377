/* Typed rows through the library's header: pushed, refused, and read in a subscriber's callback. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/test.h"
#include "quickwater.h"

#define ALL_COLUMNS                                                                                \
    "(b BOOLEAN, t TINYINT, i INT, n BIGINT, f FLOAT, d DOUBLE, m DECIMAL(30, 2), c CHAR(2), s "   \
    "VARCHAR(4), "                                                                                 \
    "x BINARY(2), y BYTES, dy DATE, tm TIME(3), ts TIMESTAMP(3), tz TIMESTAMP_LTZ(6), k INT NOT "  \
    "NULL)"
enum { ALL = 16, K = 15 };

static void sql(qw *q, const char *text)
{
    qw_error error;

    if (qw_sql(q, text, NULL, &error))
        test_fail(__FILE__, __LINE__, "%s: %s", text, error.message);
}

static qw *open_with(const char *format)
{
    qw_error error;
    qw *q;
    char text[900];

    if (qw_open(NULL, &q, &error))
        test_fail(__FILE__, __LINE__, "%s", error.message);
    snprintf(text, sizeof text,
             "CREATE TABLE a " ALL_COLUMNS
             " WITH ('connector' = 'kafka', 'topic' = 'a', 'format' = '%s');"
             "CREATE MATERIALIZED TABLE v AS SELECT * FROM a;",
             format);
    sql(q, text);
    return q;
}

static void all_values(qw_value *v)
{
    v[0] = qw_bool(1);
    v[1] = qw_int64(-128);
    v[2] = qw_int64(2147483647);
    v[3] = qw_int64(INT64_MIN);
    v[4] = qw_double(0.5);
    v[5] = qw_double(1e300);
    v[6] = qw_decimal(-1250, 2);
    v[7] = qw_text("\xc3\xa4z", 3);
    v[8] = qw_text("", 0);
    v[9] = qw_bytes_of(QW_BYTES, "\0\xff", 2);
    v[10] = qw_bytes_of(QW_BYTES, NULL, 0);
    v[11] = qw_int_of(QW_DATE, -1);
    v[12] = qw_int_of(QW_TIME, 86399999000);
    v[13] = qw_timestamp(-1500); /* cut to a millisecond, downwards */
    v[14] = qw_timestamp(1700000000123456);
    v[15] = qw_int64(7);
}

struct seen {
    pthread_mutex_t mutex;
    qw_value first[ALL];
    char text[4];
    int rows, errors;
};

static void on_change(void *context, const qw_change *change)
{
    struct seen *seen = context;
    qw_error error;
    qw_value v;

    pthread_mutex_lock(&seen->mutex);
    if (seen->rows++ == 0) {
        for (size_t c = 0; c < ALL; c++)
            seen->errors += qw_change_value(change, c, QW_ANY, &seen->first[c], &error) != 0;
        memcpy(seen->text, seen->first[7].as.bytes.ptr, 3);
        seen->errors += qw_change_columns(change) != ALL;
        seen->errors += qw_change_find(change, "k") != K;
        seen->errors += qw_change_find(change, "nope") != QW_E_NOT_FOUND;
        seen->errors += strcmp(qw_change_type(change, K), "INT NOT NULL") != 0;
        seen->errors += qw_change_type(change, ALL) != NULL;
        seen->errors += qw_change_value(change, ALL, QW_ANY, &v, &error) != QW_E_INVALID;
        seen->errors += qw_change_value(change, K, QW_DOUBLE, &v, &error) != QW_E_INVALID;
        seen->errors += strstr(error.message,
                               "column 'k' is an integer, and was asked for as a double") == NULL;
        seen->errors += qw_change_value(change, K, QW_INT64, &v, &error) != 0 || v.as.i != 7;
    }
    pthread_mutex_unlock(&seen->mutex);
}

static void await_rows(struct seen *seen, int rows)
{
    for (int i = 0; i < 20000; i++) {
        pthread_mutex_lock(&seen->mutex);
        bool there = seen->rows >= rows;
        pthread_mutex_unlock(&seen->mutex);
        if (there)
            return;
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    test_fail(__FILE__, __LINE__, "no %d changes came", rows);
}

static void expect_all(const struct seen *seen)
{
    const qw_value *v = seen->first;

    EXPECT_INT(seen->errors, 0);
    EXPECT_INT(v[0].kind, QW_BOOL);
    EXPECT_INT(v[0].as.i, 1);
    EXPECT_INT(v[1].as.i, -128);
    EXPECT_INT(v[2].as.i, 2147483647);
    EXPECT(v[3].as.i == INT64_MIN);
    EXPECT(v[4].as.d == 0.5 && v[4].kind == QW_DOUBLE);
    EXPECT(v[5].as.d == 1e300);
    EXPECT_INT(v[6].kind, QW_DECIMAL);
    EXPECT_INT(v[6].scale, 2);
    EXPECT(v[6].as.decimal.high == -1 && (int64_t)v[6].as.decimal.low == -1250);
    EXPECT(memcmp(seen->text, "\xc3\xa4z", 3) == 0);
    EXPECT(v[8].kind == QW_TEXT && v[8].as.bytes.len == 0);
    EXPECT(v[9].kind == QW_BYTES && v[9].as.bytes.len == 2);
    EXPECT(v[10].kind == QW_BYTES && v[10].as.bytes.len == 0);
    EXPECT(v[11].kind == QW_DATE && v[11].as.i == -1);
    EXPECT(v[12].kind == QW_TIME && v[12].as.i == 86399999000);
    EXPECT(v[13].kind == QW_TIMESTAMP && v[13].as.i == -2000);
    EXPECT(v[14].as.i == 1700000000123456);
}

static void round_trip(const char *format)
{
    struct seen seen = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    qw *q = open_with(format);
    qw_subscription *subscription;
    qw_writer *writer;
    qw_value v[ALL], cell;
    qw_result *r;
    qw_error error;

    EXPECT_INT(qw_subscribe(q, "v", 0, on_change, &seen, &subscription, &error), 0);
    EXPECT_INT(qw_writer_open(q, "a", &writer, &error), 0);
    EXPECT_INT(qw_writer_columns(writer), ALL);
    EXPECT_STR(qw_writer_column(writer, 6), "m");
    EXPECT_STR(qw_writer_type(writer, 6), "DECIMAL(30, 2)");
    EXPECT(qw_writer_type(writer, ALL) == NULL);
    EXPECT_INT(qw_writer_find(writer, "ts"), 13);
    EXPECT_INT(qw_writer_find(writer, "TS"), QW_E_NOT_FOUND);
    all_values(v);
    EXPECT_INT(qw_push_row(writer, v, ALL, NULL, NULL, &error), 0);
    for (int i = 0; i < K; i++)
        v[i] = qw_null();
    EXPECT_INT(qw_push_row(writer, v, ALL, NULL, NULL, &error), 0);
    EXPECT_INT(qw_push_wait(q, &error), 0);
    await_rows(&seen, 2);
    expect_all(&seen);
    EXPECT_INT(qw_sql(q, "SELECT * FROM a WHERE n IS NOT NULL", &r, &error), 0);
    EXPECT_INT(qw_result_value(r, 0, 6, QW_DECIMAL, &cell, &error), 0);
    EXPECT_INT(cell.as.decimal.low, -1250);
    EXPECT_INT(qw_result_value(r, 1, 0, QW_ANY, &cell, &error), QW_E_INVALID);
    qw_result_free(r);
    EXPECT_INT(qw_sql(q, "SELECT reason FROM `a$errors`", &r, &error), 0);
    EXPECT_INT(qw_result_rows(r), 0);
    qw_result_free(r);
    qw_unsubscribe(subscription);
    qw_writer_close(writer);
    qw_close(q);
}

TEST(typed_rows_are_what_was_pushed_as_row)
{
    round_trip("row");
}

TEST(typed_rows_are_what_was_pushed_as_json)
{
    round_trip("json");
}

TEST(typed_rows_that_do_not_fit_are_refused_and_push_nothing)
{
    static const struct {
        int column;
        qw_value value;
        const char *message;
    } bad[] = {
        {1, {QW_INT64, 0, {.i = 128}}, "column 't' is TINYINT: 128 is out of its range"},
        {2,
         {QW_INT64, 0, {.i = -2147483649}},
         "column 'i' is INT: -2147483649 is out of its range"},
        {3, {QW_DOUBLE, 0, {.d = 1}}, "column 'n' is BIGINT: it takes an integer, not a double"},
        {4, {QW_DOUBLE, 0, {.d = 1e300}}, "column 'f' is FLOAT: the double is out of its range"},
        {5, {QW_INT64, 0, {.i = 1}}, "column 'd' is DOUBLE: it takes a double, not an integer"},
        {6, {QW_DECIMAL, 0, {.decimal = {0, INT64_MAX / 4}}}, "too many digits before its point"},
        {6, {QW_DECIMAL, 39, {.decimal = {1, 0}}}, "the scale 39 is none of 0 to 38"},
        {7,
         {QW_TEXT, 0, {.bytes = {"a", 1}}},
         "column 'c' is CHAR(2): a value of length 1 does not fit"},
        {8,
         {QW_TEXT, 0, {.bytes = {"abcde", 5}}},
         "column 's' is VARCHAR(4): a value of length 5 does not fit"},
        {8,
         {QW_TEXT, 0, {.bytes = {"\xff", 1}}},
         "column 's' is VARCHAR(4): the text is not UTF-8"},
        {8, {QW_BYTES, 0, {.bytes = {"a", 1}}}, "it takes a text, not bytes"},
        {8, {QW_TEXT, 0, {.bytes = {NULL, 3}}}, "the value has a length and no bytes"},
        {9,
         {QW_BYTES, 0, {.bytes = {"abc", 3}}},
         "column 'x' is BINARY(2): a value of length 3 does not fit"},
        {11, {QW_DATE, 0, {.i = 4000000}}, "the day is not in the years 0001 to 9999"},
        {12, {QW_TIME, 0, {.i = -1}}, "a time has 0 to 86399999999 microseconds"},
        {13, {QW_TIMESTAMP, 0, {.i = INT64_MAX}}, "the time is not in the years 0001 to 9999"},
        {13, {QW_INT64, 0, {.i = 1}}, "it takes a timestamp, not an integer"},
        {15, {QW_NULL, 0, {.i = 0}}, "column 'k' is INT NOT NULL: it takes no NULL"},
        {0, {77, 0, {.i = 0}}, "it takes a boolean, not a value of no known kind"},
        {0, {QW_ANY, 0, {.i = 0}}, "a value of no known kind"},
    };
    qw *q = open_with("row");
    qw_writer *writer;
    qw_value v[ALL];
    qw_result *r;
    qw_error error;

    EXPECT_INT(qw_writer_open(q, "a", &writer, &error), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        all_values(v);
        v[bad[i].column] = bad[i].value;
        EXPECT_INT(qw_push_row(writer, v, ALL, NULL, NULL, &error), QW_E_INVALID);
        if (!strstr(error.message, bad[i].message))
            test_fail(__FILE__, __LINE__, "%zu: %s", i, error.message);
    }
    all_values(v);
    EXPECT_INT(qw_push_row(writer, v, ALL - 1, NULL, NULL, &error), QW_E_INVALID);
    EXPECT(strstr(error.message, "table 'a' takes 16 values a row, not 15"));
    EXPECT_INT(qw_push_row(writer, v, ALL + 1, NULL, NULL, &error), QW_E_INVALID);
    EXPECT_INT(qw_push_row(writer, v, 0, NULL, NULL, NULL), QW_E_INVALID);
    EXPECT_INT(qw_push_wait(q, &error), 0);
    EXPECT_INT(qw_sql(q, "SELECT k FROM a", &r, &error), 0);
    EXPECT_INT(qw_result_rows(r), 0);
    qw_result_free(r);
    qw_writer_close(writer);
    qw_close(q);
}

TEST(typed_writer_is_refused_what_is_no_topic)
{
    qw *q = open_with("row");
    qw_writer *writer;
    qw_error error;

    sql(q, "CREATE TABLE p (a INT) WITH ('connector' = 'print');"
           "CREATE TABLE l (a INT, l ARRAY<INT> NOT NULL) WITH ('connector' = 'kafka', 'topic' = "
           "'l', 'format' = 'json');"
           "CREATE TABLE w (a INT, l ARRAY<INT>) WITH ('connector' = 'kafka', 'topic' = 'w', "
           "'format' = 'row');"
           "CREATE TABLE nosuch (a INT) WITH ('connector' = 'kafka', 'topic' = 'x', 'format' = "
           "'orc');");
    EXPECT_INT(qw_writer_open(q, "none", &writer, &error), QW_E_NOT_FOUND);
    EXPECT(strstr(error.message, "there is no table 'none'"));
    EXPECT_INT(qw_writer_open(q, "p", &writer, &error), QW_E_INVALID);
    EXPECT(strstr(error.message, "'p' is no table over a topic"));
    EXPECT_INT(qw_writer_open(q, "v", &writer, &error), QW_E_INVALID);
    EXPECT_INT(qw_writer_open(q, "l", &writer, &error), QW_E_UNSUPPORTED);
    EXPECT(strstr(error.message, "column 'l' is ARRAY<INT> NOT NULL, which has no typed form"));
    EXPECT_INT(qw_writer_open(q, "w", &writer, &error), QW_E_UNSUPPORTED);
    EXPECT_INT(qw_writer_open(q, "nosuch", &writer, &error), QW_E_INVALID);
    EXPECT(strstr(error.message, "no format 'orc'"));
    qw_close(q);
}

static void on_pushed(void *context, int code, int32_t partition, int64_t offset)
{
    int64_t *told = context;

    told[0] = code;
    told[1] = partition;
    told[2] = offset;
}

/* Keys, the record's own time, NULL where a value has no typed form; and a table that is gone. */
TEST(typed_rows_have_the_keys_and_times_of_their_table)
{
    qw *q = open_with("row");
    int64_t told[3] = {1, 1, 1};
    qw_writer *writer;
    qw_result *r;
    qw_error error;

    sql(q, "CREATE TABLE u (k STRING, n BIGINT, at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', o "
           "BIGINT METADATA FROM "
           "'offset' VIRTUAL, twice AS n * 2, l ARRAY<INT>, PRIMARY KEY (k) NOT ENFORCED) WITH "
           "('connector' = "
           "'upsert-kafka', 'topic' = 'u', 'key.format' = 'raw', 'value.format' = 'json');");
    EXPECT_INT(qw_writer_open(q, "u", &writer, &error), 0);
    EXPECT_INT(qw_writer_columns(writer), 4);
    qw_value v[] = {qw_text("x", 1), qw_int64(1), qw_timestamp(1000000000000), qw_null()};
    EXPECT_INT(qw_push_row(writer, v, 4, NULL, NULL, &error), 0);
    v[1] = qw_int64(21);
    EXPECT_INT(qw_push_row(writer, v, 4, on_pushed, told, &error), 0);
    EXPECT_INT(qw_push_wait(q, &error), 0);
    EXPECT(told[0] == 0 && told[1] == 0 && told[2] == 1);
    EXPECT_INT(qw_sql(q, "SELECT k, twice, at FROM u", &r, &error), 0);
    EXPECT_INT(qw_result_rows(r), 1);
    EXPECT_STR(qw_result_text(r, 0, 1), "42");
    EXPECT_STR(qw_result_text(r, 0, 2), "1970-01-12 13:46:40.000");
    qw_result_free(r);
    v[3] = qw_int64(1);
    EXPECT_INT(qw_push_row(writer, v, 4, NULL, NULL, &error), QW_E_INVALID);
    EXPECT(strstr(error.message, "a value that only a record's text can have"));
    qw_writer_close(writer);
    qw_close(q);
}

/* A record that was not made for the table's columns is told, not misread. */
TEST(typed_records_of_other_columns_are_errors)
{
    qw *q = open_with("row");
    qw_result *r;
    qw_error error;
    static const struct {
        const char *record;
        size_t len;
        const char *reason;
    } bad[] = {
        {"{\"n\":1}", 7, "does not begin with 'R'"},
        {"R\x02\0\0", 4, "the record has 2 fields, the table's records have 1"},
        {"R\x01", 2, "cut off"},
        {"R\x01\x09", 3, "cut off"},
        {"R\x01\x0a\x02", 4, "cut off, or of no known kind"},
        {"R\x01\x04\x01"
         "a",
         5, "column 'n' is BIGINT: it takes an integer, not a text"},
        {"R\x01\x02\x02x", 5, "bytes behind its last field"},
    };

    sql(q, "CREATE TABLE one (n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'one', 'format' = "
           "'row');"
           "CREATE MATERIALIZED TABLE ones AS SELECT n FROM one;");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_INT(qw_push(q, "one", bad[i].record, bad[i].len, &error), 0);
    EXPECT_INT(qw_push(q, "one", "R\x01\x02\x0e", 4, &error), 0);
    EXPECT_INT(qw_push_wait(q, &error), 0);
    for (int tries = 0; tries < 20000; tries++) {
        EXPECT_INT(qw_sql(q, "SELECT n FROM ones", &r, &error), 0);
        bool there = qw_result_rows(r) == 1;
        if (there)
            EXPECT_STR(qw_result_text(r, 0, 0), "7");
        qw_result_free(r);
        if (there)
            break;
    }
    EXPECT_INT(qw_sql(q, "SELECT reason, `offset` FROM `one$errors` ORDER BY `offset`", &r, &error),
               0);
    EXPECT_INT(qw_result_rows(r), sizeof bad / sizeof *bad);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!strstr(qw_result_text(r, i, 0), bad[i].reason))
            test_fail(__FILE__, __LINE__, "%zu: %s", i, qw_result_text(r, i, 0));
    qw_result_free(r);
    qw_close(q);
}
