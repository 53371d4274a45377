#include "unit/serve/http_server.h"

#include <stdlib.h>

#include "lib/test.h"
#include "net/conn.h"
#include "serve/kafka/kafka.h"
#include "serve/security/security.h"

enum { PASSES_MAX = 4000, SHOWN_MAX = 2000 };

static bool run_engine(void *context)
{
    return engine_pass(((struct http_server *)context)->engine);
}

static bool flush_log(void *context)
{
    EXPECT_OK(log_flush(((struct http_server *)context)->log));
    return false;
}

void http_server_open(struct http_server *s, const char *dir, const struct http_options *options)
{
    struct log_options log_options = {.wal_bytes_max = 32 << 20, .in_memory = dir == NULL};
    struct engine_options engine_options = {.shards = 1};
    struct diag diag = {0};

    EXPECT_OK(loop_create(os_posix(), &s->loop));
    EXPECT_OK(log_open(os_posix(), dir, &log_options, &s->log, &diag));
    EXPECT_OK(engine_open(os_posix(), s->log, dir, &engine_options, &s->engine, &diag));
    loop_hook_add(s->loop, run_engine, s);
    loop_hook_add(s->loop, flush_log, s);
    struct http_options with_kafka = options ? *options : (struct http_options){0};
    s->security = NULL;
    if (!with_kafka.security)
        EXPECT_OK(security_open(os_posix(), s->log, &(struct security_options){0}, &s->security, &diag));
    const struct kafka_options kafka = {.security = s->security ? s->security : with_kafka.security};
    EXPECT_OK(kafka_face_open(s->loop, s->log, NULL, &kafka, &s->kafka));
    with_kafka.kafka = s->kafka;
    EXPECT_OK(http_face_open(s->loop, s->log, s->engine, "127.0.0.1:0", &with_kafka, &s->face));
}

void http_server_close(struct http_server *s)
{
    http_face_close(s->face);
    kafka_face_close(s->kafka);
    security_close(s->security);
    loop_hook_remove(s->loop, run_engine, s);
    loop_hook_remove(s->loop, flush_log, s);
    engine_close(s->engine, false);
    log_close(s->log);
    loop_destroy(s->loop);
}

static size_t on_bytes(void *state, struct conn *conn, struct bytes in)
{
    (void)conn;
    buf_bytes(&((struct http_client *)state)->in, in);
    return in.len;
}

static void on_close(void *state, struct conn *conn)
{
    (void)conn;
    ((struct http_client *)state)->closed = true;
}

static const struct conn_handler handler = {.on_bytes = on_bytes, .on_close = on_close};

void http_client_open(struct http_client *c, struct http_server *s)
{
    static const struct conn_limits limits = {.in_bytes_max = 1 << 20,
                                              .out_bytes_pause = 64 << 20,
                                              .out_bytes_max = 64 << 20};
    *c = (struct http_client){.server = s};
    buf_init(&c->in, 0);
    EXPECT_OK(conn_connect(s->loop, http_face_address(s->face), &handler, c, &limits, &c->conn));
}

void http_client_close(struct http_client *c)
{
    if (!c->closed)
        conn_close(c->conn);
    for (int i = 0; i < PASSES_MAX && !c->closed; i++)
        loop_pass(c->server->loop, 1000000);
    EXPECT(c->closed);
    for (int i = 0; i < 4; i++) /* the server's end sees it too */
        loop_pass(c->server->loop, 1000000);
    buf_deinit(&c->in);
}

void http_client_send(struct http_client *c, const char *text)
{
    conn_send(c->conn, bytes_str(text));
}

void http_client_expect(struct http_client *c, const char *text)
{
    for (int i = 0; i < PASSES_MAX; i++) {
        uint8_t *found = c->in.len ? memmem(c->in.ptr, c->in.len, text, strlen(text)) : NULL;
        if (found) {
            buf_consume(&c->in, (size_t)(found - c->in.ptr) + strlen(text));
            return;
        }
        if (c->closed)
            break;
        loop_pass(c->server->loop, 1000000);
    }
    struct bytes tail = bytes_skip(buf_view(&c->in), c->in.len > SHOWN_MAX ? c->in.len - SHOWN_MAX : 0);
    test_fail(__FILE__, __LINE__, "\"%s\" did not come, but:\n%.*s", text, BYTES_FMT(tail));
}

void http_client_expect_closed(struct http_client *c)
{
    for (int i = 0; i < PASSES_MAX && !c->closed; i++)
        loop_pass(c->server->loop, 1000000);
    if (!c->closed)
        test_fail(__FILE__, __LINE__, "the connection is still open, after:\n%.*s",
                  BYTES_FMT(buf_view(&c->in)));
}

int http_ask(struct http_client *c, struct http_server *s, const char *method, const char *path,
             const char *headers, const char *body)
{
    struct buf request;

    http_client_open(c, s);
    buf_init(&request, 0);
    buf_printf(&request, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method, path,
               headers ? headers : "");
    if (body)
        buf_printf(&request, "Content-Length: %zu\r\n", strlen(body));
    buf_str(&request, "\r\n");
    if (body)
        buf_str(&request, body);
    conn_send(c->conn, buf_view(&request));
    buf_deinit(&request);
    http_client_expect_closed(c);
    if (c->in.len < 12 || memcmp(c->in.ptr, "HTTP/1.1 ", 9))
        test_fail(__FILE__, __LINE__, "no answer but:\n%.*s", BYTES_FMT(buf_view(&c->in)));
    buf_u8(&c->in, 0);
    return atoi((char *)c->in.ptr + 9);
}
