/* The HTTP face over real sockets: order, refusals, posts and their memory, the page's files. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/test.h"
#include "net/conn.h"
#include "serve/http/http.h"
#include "unit/serve/http_server.h"

static void expect_in(struct http_client *c, const char *text)
{
    if (!strstr((char *)c->in.ptr, text))
        test_fail(__FILE__, __LINE__, "\"%s\" is not in:\n%s", text, (char *)c->in.ptr);
}

/* One request: its status, and a text that the answer must contain. */
static void ask(struct http_server *s, const char *method, const char *path, const char *headers,
                const char *body, int status, const char *contains)
{
    struct http_client c;
    int got = http_ask(&c, s, method, path, headers, body);

    if (got != status)
        test_fail(__FILE__, __LINE__, "%s %s gave %d, expected %d:\n%s", method, path, got, status,
                  (char *)c.in.ptr);
    if (contains)
        expect_in(&c, contains);
    http_client_close(&c);
}

TEST(http_face_answers_pipelined_requests_in_order)
{
    struct http_server s;
    struct http_client c;

    http_server_open(&s, NULL, NULL);
    http_client_open(&c, &s);
    http_client_send(&c, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
                         "POST /v1/topics/t HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n7"
                         "GET /nothing HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n"
                         "HEAD /health HTTP/1.1\r\nHost: [::1]:1\r\n\r\n"
                         "GET /v1/topics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    http_client_expect(&c, "HTTP/1.1 200 OK\r\n");
    http_client_expect(&c, "{\"status\":\"ok\"}");
    http_client_expect(&c, "HTTP/1.1 200 OK\r\n");
    http_client_expect(&c, "\"records\":1");
    http_client_expect(&c, "HTTP/1.1 404 Not Found\r\n");
    http_client_expect(&c, "not_found");
    http_client_expect(&c, "HTTP/1.1 200 OK\r\n");
    http_client_expect(&c, "\r\n\r\nHTTP/1.1 200 OK\r\n"); /* HEAD has no body */
    http_client_expect(&c, "[{\"name\":\"t\"");
    http_client_close(&c);
    http_server_close(&s);
}

TEST(http_face_refuses_foreign_hosts_and_origins)
{
    struct http_options options = {.hosts = "stream.example"};
    struct http_server s;
    struct http_client c;

    http_server_open(&s, NULL, &options);
    http_client_open(&c, &s);
    http_client_send(&c, "GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n"
                         "GET /health HTTP/1.1\r\nHost: stream.example:8088\r\n\r\n"
                         "GET /health HTTP/1.1\r\nHost: 1.2.3.4.evil.example\r\n\r\n");
    http_client_expect(&c, "HTTP/1.1 421 ");
    http_client_expect(&c, "HTTP/1.1 200 ");
    http_client_expect(&c, "HTTP/1.1 421 ");
    http_client_close(&c);
    ask(&s, "POST", "/v1/topics/t", "Origin: http://evil.example\r\n", "1", 403, "\"origin\"");
    ask(&s, "POST", "/v1/topics/t", "Origin: null\r\n", "1", 403, NULL);
    ask(&s, "POST", "/v1/topics/t", "Origin: http://localhost\r\n", "1", 200, NULL);
    ask(&s, "GET", "/v1/topics", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n", NULL, 403, NULL);
    ask(&s, "GET", "/", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n", NULL, 200, NULL);
    http_server_close(&s);
}

TEST(http_face_says_what_is_wrong)
{
    struct http_options options = {.body_bytes_max = 100};
    struct http_server s;

    http_server_open(&s, NULL, &options);
    ask(&s, "GET", "/v1/sql", NULL, NULL, 405, "Allow: OPTIONS, POST\r\n");
    ask(&s, "BREW", "/health", NULL, NULL, 405, "BREW is not a method");
    ask(&s, "OPTIONS", "/v1/topics/t", NULL, NULL, 204, "Allow: OPTIONS, GET, HEAD, POST, DELETE\r\n");
    ask(&s, "POST", "/v1/topics/t", NULL,
        "123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
        "12345678901", 413, "\"message\"");
    ask(&s, "GET", "/v1/views/none", NULL, NULL, 404, "there is no view 'none'");
    ask(&s, "GET", "/v1/views/none/changes", NULL, NULL, 404, NULL);
    ask(&s, "GET", "/v1/jobs/none", NULL, NULL, 404, "there is no job 'none'");
    ask(&s, "GET", "/v1/jobs", NULL, NULL, 200, "[]");
    ask(&s, "GET", "/v1/bridges", NULL, NULL, 200, "[]");
    ask(&s, "GET", "/v1/bridges/none", NULL, NULL, 404, "no table 'none' is carried");
    ask(&s, "POST", "/v1/bridges/none/state", NULL, "{\"state\":\"CLOSED\"}", 404, "no table 'none' is carried");
    ask(&s, "GET", "/v1/bridges/none/state", NULL, NULL, 405, "Allow: OPTIONS, POST\r\n");
    ask(&s, "GET", "/v1/%zz", NULL, NULL, 404, NULL);
    ask(&s, "GET", "/v1/views/%zz", NULL, NULL, 400, NULL);
    ask(&s, "POST", "/v1/sql", "Content-Type: application/json\r\n", "{\"sql\":1}", 400, "\\\"sql\\\"");
    ask(&s, "POST", "/v1/sql", "Content-Type: application/json; charset=utf-8\r\n", "{", 400, "not JSON");
    http_server_close(&s);
}

TEST(http_face_posts_values_arrays_and_lines)
{
    struct http_server s;

    http_server_open(&s, test_dir(), &(struct http_options){.partitions_default = 1});
    ask(&s, "POST", "/v1/topics/t", NULL, "{\"a\": 1}", 200,
        "{\"topic\":\"t\",\"records\":1,\"partition\":0,\"offset\":0,"
        "\"offsets\":[{\"partition\":0,\"offset\":0,\"count\":1}]}");
    ask(&s, "POST", "/v1/topics/t", NULL, "[1, \"x\", null]", 200, "\"records\":3,\"partition\":0,\"offset\":1");
    ask(&s, "POST", "/v1/topics/t", NULL, "{\"a\":1}\n{\"a\":2}\r\n\n3\n", 200,
        "\"records\":3,\"partition\":0,\"offset\":4");
    ask(&s, "POST", "/v1/topics/t", NULL, "[1]\n[2]\n", 200, "\"records\":2,\"partition\":0,\"offset\":7");
    ask(&s, "POST", "/v1/topics/t", NULL, "[]", 200, "\"records\":0,\"offsets\":[]");
    ask(&s, "POST", "/v1/topics/t", NULL, "{\"a\":1}\n{\"a\":}\n", 400, "line 2, column 6");
    ask(&s, "POST", "/v1/topics/t", NULL, " ", 400, "it is empty");
    ask(&s, "POST", "/v1/topics/t%20x", NULL, "1", 400, "letters, digits");
    ask(&s, "POST", "/v1/topics/t?partition=1", NULL, "1", 400, "0 to 0");
    ask(&s, "POST", "/v1/topics/never", NULL, "{", 400, NULL);
    EXPECT(log_topic_find(s.log, BYTES_LITERAL("never")) == NULL);
    struct log_offsets o;
    log_offsets(log_partition_of(log_topic_find(s.log, BYTES_LITERAL("t")), 0), &o);
    EXPECT_INT(o.end, 9);
    EXPECT_INT(o.durable, 9);
    http_server_close(&s);
}

TEST(http_face_posts_by_key)
{
    struct http_server s;
    struct http_client one, two;

    http_server_open(&s, NULL, &(struct http_options){.partitions_default = 8});
    EXPECT_INT(http_ask(&one, &s, "POST", "/v1/topics/t?key=id", NULL, "{\"id\":\"a\\u0062c\"}"), 200);
    EXPECT_INT(http_ask(&two, &s, "POST", "/v1/topics/t?key=id", NULL, "{\"id\":\"abc\",\"x\":[]}"), 200);
    char *p1 = strstr((char *)one.in.ptr, "\"partition\":"), *p2 = strstr((char *)two.in.ptr, "\"partition\":");
    EXPECT(p1 && p2);
    EXPECT_INT(atoi(p1 + 12), atoi(p2 + 12));
    http_client_close(&one);
    http_client_close(&two);
    /* keys of all kinds, and none */
    ask(&s, "POST", "/v1/topics/t?key=id", NULL, "[{\"id\":1},{\"id\":null},{},5,{\"id\":\"\"},{\"id\":{\"a\":1}}]",
        200, "\"records\":6");
    http_server_close(&s);
}

TEST(http_face_remembers_idempotency_keys)
{
    struct http_server s;
    const char *dir = test_dir();

    http_server_open(&s, dir, &(struct http_options){.partitions_default = 1});
    ask(&s, "POST", "/v1/topics/t", "Idempotency-Key: k1\r\n", "1", 200, "\"offset\":0");
    ask(&s, "POST", "/v1/topics/t", "Idempotency-Key: k1\r\n", "1", 200, "\"offset\":0");
    ask(&s, "POST", "/v1/topics/t", "Idempotency-Key: k1\r\n", "2", 422, "another body");
    ask(&s, "POST", "/v1/topics/t", "Idempotency-Key: k2\r\n", "2", 200, "\"offset\":1");
    ask(&s, "POST", "/v1/topics/t", "Idempotency-Key: \r\n", "2", 400, NULL);
    http_server_close(&s);
    /* and after a restart */
    http_server_open(&s, dir, &(struct http_options){.partitions_default = 1});
    ask(&s, "POST", "/v1/topics/t", "Idempotency-Key: k1\r\n", "1", 200, "\"offset\":0");
    ask(&s, "POST", "/v1/topics/t", NULL, "3", 200, "\"offset\":2");
    http_server_close(&s);
}

TEST(http_face_serves_the_page)
{
    struct http_server s;
    struct http_client c;
    char headers[200];

    http_server_open(&s, NULL, NULL);
    EXPECT_INT(http_ask(&c, &s, "GET", "/", NULL, NULL), 200);
    expect_in(&c, "Content-Type: text/html; charset=utf-8\r\n");
    expect_in(&c, "Content-Security-Policy: default-src 'none'; script-src 'self'");
    expect_in(&c, "<title>Quickwater</title>");
    char *etag = strstr((char *)c.in.ptr, "ETag: ");
    EXPECT(etag != NULL);
    snprintf(headers, sizeof headers, "If-None-Match: %.*s\r\n", (int)strcspn(etag + 6, "\r"), etag + 6);
    http_client_close(&c);
    ask(&s, "GET", "/", headers, NULL, 304, NULL);
    ask(&s, "GET", "/ui/main.js", "Accept-Encoding: br, gzip\r\n", NULL, 200, "Content-Encoding: gzip\r\n");
    ask(&s, "GET", "/ui/main.css", NULL, NULL, 200, "text/css");
    ask(&s, "GET", "/ui/../main.js", NULL, NULL, 404, NULL);
    ask(&s, "GET", "/ui/none.js", NULL, NULL, 404, NULL);
    ask(&s, "POST", "/", NULL, "x", 405, "Allow: OPTIONS, GET, HEAD");
    http_server_close(&s);
}

TEST(http_face_writes_metrics)
{
    struct http_server s;

    http_server_open(&s, NULL, &(struct http_options){.version = "1.2.3"});
    ask(&s, "POST", "/v1/topics/t", NULL, "1", 200, NULL);
    ask(&s, "GET", "/metrics", NULL, NULL, 200, "# TYPE quickwater_http_posted_records_total counter\n"
                                                "quickwater_http_posted_records_total 1\n");
    ask(&s, "GET", "/metrics", NULL, NULL, 200, "quickwater_build_info{version=\"1.2.3\"} 1\n");
    http_server_close(&s);
}

TEST(http_face_streams_the_overview)
{
    struct http_server s;
    struct http_client sse, ws;

    http_server_open(&s, NULL, NULL);
    http_client_open(&sse, &s);
    http_client_send(&sse, "GET /v1/stream?overview=1&alerts=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    http_client_expect(&sse, "Content-Type: text/event-stream\r\n");
    http_client_expect(&sse, "data: {\"type\":\"hello\"");
    http_client_expect(&sse, "data: {\"type\":\"views\",\"views\":[]}\n\n");
    http_client_expect(&sse, "data: {\"type\":\"overview\"");
    http_client_expect(&sse, "data: {\"type\":\"alerts\",\"reset\":true,\"alerts\":[]}\n\n");
    http_client_expect(&sse, "data: {\"type\":\"overview\"");

    http_client_open(&ws, &s);
    http_client_send(&ws, "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                          "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    http_client_expect(&ws, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    http_client_expect(&ws, "{\"type\":\"hello\"");
    /* {"subscribe":"overview"}, masked with zeros */
    conn_send(ws.conn, BYTES_LITERAL("\x81\x98\0\0\0\0{\"subscribe\":\"overview\"}"));
    http_client_expect(&ws, "{\"type\":\"overview\"");
    conn_send(ws.conn, BYTES_LITERAL("\x81\x82\0\0\0\0{}"));
    http_client_expect(&ws, "{\"type\":\"error\"");
    conn_send(ws.conn, BYTES_LITERAL("\x88\x80\0\0\0\0"));
    http_client_expect_closed(&ws);
    http_client_close(&ws);
    http_client_close(&sse);
    http_server_close(&s);
}

TEST(http_face_closes_with_streams_and_waits_open)
{
    struct http_server s;
    struct http_client c;

    http_server_open(&s, test_dir(), NULL);
    http_client_open(&c, &s);
    http_client_send(&c, "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    http_client_expect(&c, "hello");
    http_face_close(s.face);
    http_client_expect_closed(&c);
    buf_deinit(&c.in);
    s.face = NULL;
    http_server_close(&s);
}
