/* SQL, views, changes and jobs over HTTP, with the real engine behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/test.h"
#include "net/conn.h"
#include "unit/serve/http_server.h"

static const char script[] =
    "CREATE TABLE clicks (who STRING, n INT, at TIMESTAMP(3), WATERMARK FOR at AS at) WITH ("
    "'connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');\n"
    "CREATE MATERIALIZED TABLE totals AS SELECT who, SUM(n) AS total FROM clicks GROUP BY who;\n"
    "CREATE MATERIALIZED TABLE minutes AS SELECT window_start, window_end, who, SUM(n) AS total FROM "
    "TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(at), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, who;";

/* Asked until the answer contains the text. */
static void until(struct http_server *s, const char *method, const char *path, const char *body,
                  const char *contains)
{
    struct http_client c;

    for (int i = 0; i < 200; i++) {
        http_ask(&c, s, method, path, body ? "Content-Type: text/plain\r\n" : NULL, body);
        bool found = strstr((char *)c.in.ptr, contains) != NULL;
        if (!found && i == 199)
            test_fail(__FILE__, __LINE__, "%s %s: \"%s\" is not in:\n%s", method, path, contains,
                      (char *)c.in.ptr);
        http_client_close(&c);
        if (found)
            return;
    }
}

static void open_with_views(struct http_server *s)
{
    static const struct http_options options = {.partitions_default = 1, .statement_ms_max = 300};

    http_server_open(s, test_dir(), &options);
    until(s, "POST", "/v1/topics/clicks?key=who",
          "{\"who\":\"ann\",\"n\":2,\"at\":\"2026-01-01 00:00:01\"}\n"
          "{\"who\":\"bob\",\"n\":5,\"at\":\"2026-01-01 00:00:02\"}\n",
          "\"records\":2");
    until(s, "POST", "/v1/sql", script, "HTTP/1.1 200 OK");
}

TEST(http_views_by_key_and_as_a_whole)
{
    struct http_server s;

    open_with_views(&s);
    until(&s, "GET", "/v1/views/totals?key=ann", NULL, "{\"who\":\"ann\",\"total\":2}\n");
    until(&s, "GET", "/v1/views/totals?key=zoe", NULL, "HTTP/1.1 404");
    until(&s, "GET", "/v1/views/totals?key=a&key=b", NULL, "the key of view 'totals' has 1 column(s)");
    until(&s, "GET", "/v1/views/totals", NULL,
          "{\"rows\":[{\"who\":\"ann\",\"total\":2},{\"who\":\"bob\",\"total\":5}],\"next\":null}");
    until(&s, "GET", "/v1/views/totals?limit=1", NULL, "{\"rows\":[{\"who\":\"ann\",\"total\":2}],\"next\":\"");
    until(&s, "GET", "/v1/views/totals?limit=0", NULL, "HTTP/1.1 400");
    until(&s, "GET", "/v1/views/totals?cursor=xyz", NULL, "HTTP/1.1 400");
    until(&s, "GET", "/v1/views", NULL, "{\"name\":\"totals\",\"rows\":2,\"key\":[\"who\"],\"columns\":[{");
    http_server_close(&s);
}

TEST(http_views_page_by_cursor)
{
    struct http_server s;
    struct http_client c;
    char path[400];

    open_with_views(&s);
    until(&s, "GET", "/v1/views/totals?key=bob", NULL, "\"total\":5");
    EXPECT_INT(http_ask(&c, &s, "GET", "/v1/views/totals?limit=1", NULL, NULL), 200);
    char *next = strstr((char *)c.in.ptr, "\"next\":\"");
    EXPECT(next != NULL);
    snprintf(path, sizeof path, "/v1/views/totals?limit=1&cursor=%.*s", (int)strcspn(next + 8, "\""), next + 8);
    http_client_close(&c);
    until(&s, "GET", path, NULL, "{\"rows\":[{\"who\":\"bob\",\"total\":5}],\"next\":");
    http_server_close(&s);
}

TEST(http_sql_answers_and_errs)
{
    struct http_server s;

    open_with_views(&s);
    until(&s, "POST", "/v1/sql", "SELECT who, total FROM totals WHERE who = 'bob';", "\"rows\":[[\"bob\",5]]");
    until(&s, "POST", "/v1/sql", "SHOW TABLES; SELEC 1;", "\"line\":1,\"column\":14,\"near\":\"SELEC\"");
    until(&s, "POST", "/v1/sql", "SHOW TABLES; SELEC 1;", "HTTP/1.1 400");
    until(&s, "POST", "/v1/sql", "SELECT nothing FROM totals;", "\"code\":\"name\"");
    until(&s, "POST", "/v1/sql", "SELECT 1;\nSELECT 'a';", "\"rows\":[[\"a\"]]");
    http_server_close(&s);
}

TEST(http_changes_stream_and_resume)
{
    struct http_server s;
    struct http_client c, again;

    open_with_views(&s);
    http_client_open(&c, &s);
    http_client_send(&c, "GET /v1/views/totals/changes?from=start HTTP/1.1\r\nHost: localhost\r\n\r\n");
    http_client_expect(&c, "id: 0\ndata: {\"op\":\"+I\",\"row\":{\"who\":\"ann\",\"total\":2}}\n\n");
    http_client_expect(&c, "id: 1\ndata: {\"op\":\"+I\",\"row\":{\"who\":\"bob\",\"total\":5}}\n\n");
    until(&s, "POST", "/v1/topics/clicks", "{\"who\":\"ann\",\"n\":40,\"at\":\"2026-01-01 00:00:03\"}", "200 OK");
    http_client_expect(&c, "{\"op\":\"+U\",\"row\":{\"who\":\"ann\",\"total\":42}}\n\n");
    http_client_open(&again, &s);
    http_client_send(&again, "GET /v1/views/totals/changes HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 0\r\n\r\n");
    http_client_expect(&again, "id: 1\ndata: ");
    http_client_expect(&again, "\"total\":42}}\n\n");
    until(&s, "GET", "/v1/views/totals/changes?from=x", NULL, "HTTP/1.1 400");
    http_client_close(&again);
    http_client_close(&c);
    http_server_close(&s);
}

TEST(http_changes_end_with_their_view)
{
    struct http_server s;
    struct http_client c;

    open_with_views(&s);
    until(&s, "POST", "/v1/sql", "CREATE MATERIALIZED TABLE gone AS SELECT who, n FROM clicks;", "200 OK");
    http_client_open(&c, &s);
    http_client_send(&c, "GET /v1/views/gone/changes HTTP/1.1\r\nHost: localhost\r\n\r\n");
    http_client_expect(&c, ": changes follow\n\n");
    until(&s, "POST", "/v1/sql", "DROP MATERIALIZED TABLE gone;", "200 OK");
    http_client_expect(&c, "event: gone\n");
    http_client_expect_closed(&c);
    http_client_close(&c);
    http_server_close(&s);
}

TEST(http_jobs_show_their_graph_and_obey)
{
    struct http_server s;
    struct http_client c;
    char path[300], name[200];

    open_with_views(&s);
    until(&s, "GET", "/v1/views/totals?key=bob", NULL, "\"total\":5");
    EXPECT_INT(http_ask(&c, &s, "GET", "/v1/jobs", NULL, NULL), 200);
    char *found = strstr((char *)c.in.ptr, "[{\"name\":\"");
    EXPECT(found != NULL);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(found + 10, "\""), found + 10);
    http_client_close(&c);
    snprintf(path, sizeof path, "/v1/jobs/%s", name);
    until(&s, "GET", path, NULL, "\"ops\":[{\"id\":0,");
    until(&s, "GET", path, NULL, "\"rows_in\":2");
    until(&s, "GET", "/metrics", NULL, "quickwater_job_rows_in_total{job=\"");
    snprintf(path, sizeof path, "/v1/jobs/%s/pause", name);
    until(&s, "POST", path, "", "\"done\":\"pause\"");
    snprintf(path, sizeof path, "/v1/jobs/%s/resume", name);
    until(&s, "POST", path, "", "\"done\":\"resume\"");
    snprintf(path, sizeof path, "/v1/jobs/%s/jump", name);
    until(&s, "POST", path, "", "a job can be told");
    snprintf(path, sizeof path, "/v1/jobs/%s", name);
    until(&s, "DELETE", path, NULL, "\"done\":\"drop\"");
    until(&s, "GET", path, NULL, "HTTP/1.1 404");
    http_server_close(&s);
}

TEST(http_failed_job_begins_again_with_another_setting)
{
    struct http_server s;

    open_with_views(&s);
    until(&s, "POST", "/v1/sql",
          "CREATE TABLE named (who STRING NOT NULL, n INT) WITH ('connector' = 'kafka', "
          "'topic' = 'named', 'format' = 'json'); INSERT INTO named SELECT who, n FROM clicks;",
          "HTTP/1.1 200 OK");
    until(&s, "GET", "/v1/jobs/insert-into_named", NULL, "\"rows_out\":2");
    until(&s, "POST", "/v1/jobs/insert-into_named/resume", "{\"settings\":{}}",
          "settings are changed of a job that has failed");
    until(&s, "POST", "/v1/topics/clicks", "{\"n\":7}\n{\"who\":\"zoe\",\"n\":1}\n",
          "\"records\":2");
    until(&s, "GET", "/v1/jobs/insert-into_named", NULL,
          "column 'who' of the sink table 'named' is NOT NULL");
    static const char *const bad[][2] = {
        {"nonsense", "the body is not JSON"},
        {"[1]", "the body must be"},
        {"{\"settings\":{\"table.exec.sink.not-null-enforcer\":1}}", "must be a text"},
        {"{\"settings\":{\"table.exec.sink.not-null-enforcer\":\"MAYBE\"}}", "ERROR DROP"},
        {"{\"settings\":{\"table.exec.sink.not-nul-enforcer\":\"DROP\"}}", "there is no setting"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        until(&s, "POST", "/v1/jobs/insert-into_named/resume", bad[i][0], bad[i][1]);
    until(&s, "POST", "/v1/jobs/insert-into_named/resume",
          "{\"settings\":{\"table.exec.sink.not-null-enforcer\":\"DROP\"}}", "\"done\":\"resume\"");
    until(&s, "GET", "/v1/jobs/insert-into_named", NULL, "\"dropped\":1");
    until(&s, "GET", "/metrics", NULL,
          "quickwater_job_dropped_rows_total{job=\"insert-into_named\"} 1");
    http_server_close(&s);
}

TEST(http_stream_gives_views_and_alerts)
{
    struct http_server s;
    struct http_client c;

    open_with_views(&s);
    until(&s, "POST", "/v1/topics/alerts", "{\"alert\":\"many\",\"row\":{\"who\":\"bob\",\"n\":5}}", "200 OK");
    until(&s, "GET", "/v1/views/totals?key=bob", NULL, "\"total\":5");
    http_client_open(&c, &s);
    http_client_send(&c, "GET /v1/stream?overview=1&alerts=1&view=totals&view=minutes HTTP/1.1\r\n"
                         "Host: localhost\r\n\r\n");
    http_client_expect(&c, "{\"type\":\"views\",\"views\":[{");
    http_client_expect(&c, "\"events\":");
    http_client_expect(&c, "{\"type\":\"view\",\"view\":\"totals\",\"rows\":[{\"who\":\"ann\",\"total\":2}");
    http_client_expect(&c, "{\"type\":\"view\",\"view\":\"minutes\",\"rows\":[],\"more\":false}");
    http_client_expect(&c, "\"value\":{\"alert\":\"many\"");
    until(&s, "POST", "/v1/topics/clicks", "{\"who\":\"cid\",\"n\":1,\"at\":\"2026-01-01 00:02:00\"}", "200 OK");
    http_client_expect(&c, "{\"type\":\"changes\",\"view\":\"totals\",\"changes\":[{\"op\":\"+I\"");
    http_client_expect(&c, "{\"type\":\"changes\",\"view\":\"minutes\",\"changes\":[{\"op\":\"+I\"");
    http_client_close(&c);
    http_server_close(&s);
}

/* A reader that takes nothing for a while is not closed, and goes on with what comes then. (Whether it is
 * given the view anew depends on how much the sockets between hold.) */
TEST(http_stream_spares_a_slow_reader)
{
    struct http_server s;
    struct http_client c;
    struct buf lines;

    open_with_views(&s);
    http_client_open(&c, &s);
    http_client_send(&c, "GET /v1/stream?view=totals HTTP/1.1\r\nHost: localhost\r\n\r\n");
    http_client_expect(&c, "\"type\":\"view\"");
    conn_pause(c.conn);
    buf_init(&lines, 0);
    for (int round = 0; round < 8; round++) {
        buf_clear(&lines);
        for (int i = 0; i < 1500; i++)
            buf_printf(&lines, "{\"who\":\"%dabcdefghijklmnopqrstuvwxyz\",\"n\":1,\"at\":\"2026-01-01 00:00:05\"}\n",
                       round * 1500 + i);
        buf_u8(&lines, 0);
        until(&s, "POST", "/v1/topics/clicks", (char *)lines.ptr, "200 OK");
    }
    buf_deinit(&lines);
    until(&s, "GET", "/v1/views/totals?key=11999abcdefghijklmnopqrstuvwxyz", NULL, "\"total\":1");
    conn_resume(c.conn);
    for (int i = 0; i < 1200; i++)
        loop_pass(s.loop, 1000000);
    until(&s, "POST", "/v1/topics/clicks", "{\"who\":\"last\",\"n\":7,\"at\":\"2026-01-01 00:00:06\"}", "200 OK");
    http_client_expect(&c, "{\"who\":\"last\",\"total\":7}");
    http_client_close(&c);
    http_server_close(&s);
}
