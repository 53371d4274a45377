/* Line protocol over HTTP: what lines become, where they go, what is refused, and who may. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/test.h"
#include "net/conn.h"
#include "unit/serve/http_server.h"
#include "wire/kafka/compress.h"

static void expect_answer(struct http_client *c, int got, const char *what, int status, const char *contains)
{
    buf_u8(&c->in, 0);
    if (got != status || (contains && !strstr((char *)c->in.ptr, contains)))
        test_fail(__FILE__, __LINE__, "%s gave %d, expected %d and '%s':\n%s", what, got, status,
                  contains ? contains : "", (char *)c->in.ptr);
    http_client_close(c);
}

static void ask(struct http_server *s, const char *method, const char *path, const char *body, int status,
                const char *contains)
{
    struct http_client c;
    int got = http_ask(&c, s, method, path, NULL, body);

    expect_answer(&c, got, path, status, contains);
}

static void write_lines(struct http_server *s, const char *lines)
{
    ask(s, "POST", "/write?db=x", lines, 204, NULL);
}

TEST(influx_a_line_is_a_record_of_its_measurements_topic)
{
    struct http_server s;

    http_server_open(&s, NULL, NULL);
    write_lines(
        &s, "cpu,host=a\\ b,t\\=1=\\\"x idle=97.5,n=-3i,big=18446744073709551615u,up=t,why=\"q \\\"x\\\"\\\\\nz\" "
            "1700000000123456789");
    ask(&s, "GET", "/v1/topics/cpu/records", NULL, 200,
        "\"key\":\"cpu,host=a\\\\ b,t\\\\=1=\\\\\\\"x\",\"value\":\"{\\\"time\\\":\\\"2023-11-14 "
        "22:13:20.123456789\\\","
        "\\\"host\\\":\\\"a b\\\",\\\"t=1\\\":\\\"\\\\\\\\\\\\\\\"x\\\",\\\"idle\\\":97.5,\\\"n\\\":-3,"
        "\\\"big\\\":18446744073709551615,\\\"up\\\":true,\\\"why\\\":\\\"q "
        "\\\\\\\"x\\\\\\\"\\\\\\\\\\\\nz\\\"}\"");
    write_lines(&s, "odd a=1.,b=.5,c=00.5,d=-.5e1,e=1e5,f=-0,g=007u,h=-007i -1");
    ask(&s, "GET", "/v1/topics/odd/records", NULL, 200,
        "{\\\"time\\\":\\\"1969-12-31 23:59:59.999999999\\\",\\\"a\\\":1,\\\"b\\\":0.5,\\\"c\\\":0.5,\\\"d\\\":-5,"
        "\\\"e\\\":1e5,\\\"f\\\":-0,\\\"g\\\":7,\\\"h\\\":-7}");
    http_server_close(&s);
}

TEST(influx_times_are_of_the_precision_that_is_said)
{
    static const struct {
        const char *query, *want;
    } cases[] = {{"", "1970-01-01 00:00:00.000000007"},
                 {"&precision=", "1970-01-01 00:00:00.000000007"},
                 {"&precision=n", "1970-01-01 00:00:00.000000007"},
                 {"&precision=u", "1970-01-01 00:00:00.000007000"},
                 {"&precision=%C2%B5", "1970-01-01 00:00:00.000007000"},
                 {"&precision=ms", "1970-01-01 00:00:00.007000000"},
                 {"&precision=s", "1970-01-01 00:00:07.000000000"},
                 {"&precision=m", "1970-01-01 00:07:00.000000000"},
                 {"&precision=h", "1970-01-01 07:00:00.000000000"}};
    struct http_server s;
    char path[100];

    http_server_open(&s, NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(path, sizeof path, "/write?db=x%s", cases[i].query);
        ask(&s, "POST", path, "m v=1i 7", 204, NULL);
        ask(&s, "GET", "/v1/topics/m/records?limit=1", NULL, 200, cases[i].want);
    }
    ask(&s, "POST", "/write?db=x&precision=fortnight", "m v=1i 7", 400, "{\"error\":\"invalid precision");
    ask(&s, "POST", "/api/v2/write?bucket=b&org=o&precision=h", "m v=1i 7", 400,
        "{\"code\":\"invalid\",\"message\":\"invalid precision");
    ask(&s, "POST", "/api/v2/write?bucket=b&org=o&precision=us", "m v=1i 9", 204, NULL);
    ask(&s, "GET", "/v1/topics/m/records?limit=1", NULL, 200, "00.000009000");
    ask(&s, "POST", "/write?db=x&precision=h", "m v=1i 9999999999", 400, "time outside range");
    http_server_close(&s);
}

TEST(influx_the_bad_lines_are_named_and_the_others_taken)
{
    struct http_server s;
    struct log_topic *topic;
    struct diag diag = {0};
    struct buf lines;

    http_server_open(&s, NULL, NULL);
    ask(&s, "POST", "/write?db=x", "m v=1i 1\nbad\nm v=2i 2\nno!topic v=1", 400,
        "{\"error\":\"partial write: unable to parse 'bad': missing fields\\nunable to parse 'no!topic v=1': the "
        "measurement's name is no topic's: 1 to 249 letters, digits, '.', '_' or '-' dropped=2\"}");
    ask(&s, "GET", "/v1/topics/m", NULL, 200, "\"records\":2");
    ask(&s, "POST", "/api/v2/write?bucket=b", "bad", 400,
        "{\"code\":\"invalid\",\"message\":\"unable to parse 'bad': missing fields\"}");
    EXPECT_OK(log_topic_create(s.log, BYTES_LITERAL("own"), 1, &(struct log_topic_options){.internal = true},
                               &topic, NULL, &diag));
    ask(&s, "POST", "/write?db=x", "own v=1", 400, "the server's own");
    buf_init(&lines, 0);
    for (int i = 0; i < 50; i++)
        buf_printf(&lines, "bad%d\n", i);
    buf_str(&lines, "m v=3i 3\nm v=\"");
    buf_fill(&lines, 'x', 2 << 20);
    buf_str(&lines, "\" 4");
    buf_u8(&lines, 0);
    ask(&s, "POST", "/write?db=x", (char *)lines.ptr, 400, "'bad19': missing fields\\nand 31 more dropped=51");
    ask(&s, "GET", "/v1/topics/m", NULL, 200, "\"records\":3");
    buf_clear(&lines);
    for (int i = 0; i < 300; i++)
        buf_printf(&lines, "many%d v=1\n", i);
    buf_u8(&lines, 0);
    ask(&s, "POST", "/write?db=x", (char *)lines.ptr, 400, "one request makes 256 topics at most");
    ask(&s, "POST", "/write?db=x", (char *)lines.ptr, 204, NULL);
    buf_deinit(&lines);
    http_server_close(&s);
}

TEST(influx_a_measurement_may_be_a_tables_and_no_topic_is_made_unasked)
{
    struct http_server s;

    http_server_open(&s, NULL, &(struct http_options){.no_auto_create = true});
    ask(&s, "POST", "/v1/topics", "{\"name\":\"readings\"}", 201, NULL);
    ask(&s, "POST", "/v1/sql",
        "CREATE TABLE cpu (`time` TIMESTAMP(6), host STRING, idle DOUBLE) WITH ('connector' = 'kafka', 'topic' = "
        "'readings', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset'); CREATE MATERIALIZED TABLE v AS "
        "SELECT "
        "host, MAX(`time`) AS t, SUM(idle) AS i FROM cpu GROUP BY host;",
        200, NULL);
    write_lines(&s, "cpu,host=a idle=1i 1\ncpu,host=a idle=2.5 1700000000123456789");
    for (int i = 0; i < 50; i++)
        loop_pass(s.loop, 1000000);
    ask(&s, "GET", "/v1/views/v?key=a", NULL, 200,
        "{\"host\":\"a\",\"t\":\"2023-11-14 22:13:20.123456\",\"i\":3.5}");
    ask(&s, "POST", "/write?db=x", "mem v=1\nmem v=2", 404,
        "{\"error\":\"database not found: unable to parse 'mem v=1': "
        "there is no topic 'mem', and none is made unasked");
    ask(&s, "POST", "/api/v2/write?bucket=x", "mem v=1", 404, "{\"code\":\"not found\"");
    ask(&s, "POST", "/write?db=x", "mem v=1\ncpu,host=b idle=1 1", 400, "partial write");
    ask(&s, "GET", "/v1/topics/mem", NULL, 404, NULL);
    http_server_close(&s);
}

static void post_coded(struct http_server *s, const char *coding, struct bytes body, int status,
                       const char *contains)
{
    char head[300];
    struct http_client c;

    http_client_open(&c, s);
    snprintf(head, sizeof head,
             "POST /write?db=x HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: %s\r\nConnection: close\r\n"
             "Content-Length: %zu\r\n\r\n",
             coding, body.len);
    http_client_send(&c, head);
    conn_send(c.conn, body);
    http_client_expect_closed(&c);
    buf_u8(&c.in, 0);
    expect_answer(&c, atoi((char *)c.in.ptr + 9), coding, status, contains);
}

TEST(influx_bodies_may_be_gzip_within_the_bound_of_a_body)
{
    struct http_server s;
    struct buf plain, coded;

    http_server_open(&s, NULL, &(struct http_options){.body_bytes_max = 100000});
    buf_init(&plain, 0);
    buf_init(&coded, 0);
    EXPECT_OK(kafka_compress(KAFKA_CODEC_GZIP, BYTES_LITERAL("m v=1i 1\nm v=2i 2"), &coded));
    post_coded(&s, "gzip", buf_view(&coded), 204, NULL);
    ask(&s, "GET", "/v1/topics/m", NULL, 200, "\"records\":2");
    post_coded(&s, "gzip", bytes_head(buf_view(&coded), coded.len - 4), 400, "not gzip");
    post_coded(&s, "gzip", BYTES_LITERAL("m v=1i 1"), 400, "not gzip");
    post_coded(&s, "identity", BYTES_LITERAL("m v=3i 1"), 204, NULL);
    post_coded(&s, "br", BYTES_LITERAL("m v=1i 1"), 400, "Content-Encoding is gzip");
    buf_fill(&plain, '\n', 100001);
    buf_clear(&coded);
    EXPECT_OK(kafka_compress(KAFKA_CODEC_GZIP, buf_view(&plain), &coded));
    post_coded(&s, "gzip", buf_view(&coded), 413, "larger than this server takes");
    buf_deinit(&plain);
    buf_deinit(&coded);
    http_server_close(&s);
}

TEST(influx_what_clients_ask_besides)
{
    struct http_server s;

    http_server_open(&s, NULL, NULL);
    ask(&s, "GET", "/ping", NULL, 204, "X-Influxdb-Version: 1.8");
    ask(&s, "HEAD", "/ping", NULL, 204, "X-Influxdb-Version: 1.8");
    ask(&s, "POST", "/query?q=CREATE+DATABASE+%22telegraf%22", "", 200, "{\"results\":[{\"statement_id\":0}]}");
    ask(&s, "POST", "/query", "q=create%20database%20x&db=y", 200, "{\"results\":[{\"statement_id\":0}]}");
    ask(&s, "GET", "/query?q=SHOW+DATABASES", NULL, 200, "\"values\":[[\"quickwater\"]]");
    ask(&s, "GET", "/query?q=SELECT+1", NULL, 400, "SQL is at /v1/sql");
    ask(&s, "GET", "/query", NULL, 400, "missing required parameter");
    ask(&s, "POST", "/write", "m v=1", 400, "{\"error\":\"database is required\"}");
    ask(&s, "POST", "/api/v2/write?org=o", "m v=1", 400, "bucket is required");
    ask(&s, "POST", "/write?db=x", "", 204, NULL);
    ask(&s, "POST", "/write?db=x", "# nothing\n\n", 204, NULL);
    ask(&s, "GET", "/write?db=x", NULL, 405, NULL);
    http_server_close(&s);
}
