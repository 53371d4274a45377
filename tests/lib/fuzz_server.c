#include "lib/fuzz_server.h"

#include "base/check.h"
#include "net/conn.h"
#include "os/sim/sim.h"

enum { PASSES = 12, PASS_NS = 1000000, ANSWER_MAX = 64 << 20 };

bool fuzz_server_open(struct fuzz_server *s, struct os *os, const char *dir)
{
    const struct server_options options = {
        .data_dir = dir,
        .listen = {[FACE_KAFKA] = "127.0.0.1:0", [FACE_HTTP] = "127.0.0.1:0"},
        .log = {.wal_bytes_max = 1 << 20, .disk_reserve_bytes = 1, .memory_bytes_max = 8 << 20},
        .kafka = {.rebalance_delay_ms = -1, .frame_bytes_max = 1 << 20},
        .http = {.body_bytes_max = 1 << 16, .answer_bytes_max = 1 << 20},
    };
    struct diag diag = {0};

    *s = (struct fuzz_server){.os = os};
    buf_init(&s->answer, ANSWER_MAX);
    return server_open(os, &options, &s->server, &diag) == ST_OK;
}

void fuzz_server_close(struct fuzz_server *s)
{
    if (s->server)
        server_close(s->server);
    buf_deinit(&s->answer);
}

static size_t on_bytes(void *state, struct conn *conn, struct bytes in)
{
    (void)conn;
    buf_bytes(&((struct fuzz_server *)state)->answer, in);
    return in.len;
}

static void on_close(void *state, struct conn *conn)
{
    (void)conn;
    ((struct fuzz_server *)state)->closed = true;
}

static void run_until_closed(struct fuzz_server *s, int passes)
{
    for (int i = 0; i < passes && !s->closed; i++)
        loop_pass(server_loop(s->server), PASS_NS);
}

void fuzz_server_say(struct fuzz_server *s, enum face face, struct bytes bytes)
{
    static const struct conn_handler handler = {.on_bytes = on_bytes, .on_close = on_close};
    static const struct conn_limits limits = {
        .in_bytes_max = 1 << 20, .out_bytes_pause = ANSWER_MAX, .out_bytes_max = ANSWER_MAX};
    struct conn *conn;

    buf_clear(&s->answer);
    s->closed = false;
    CHECK(conn_connect(server_loop(s->server), server_address(s->server, face), &handler, s, &limits, &conn) == ST_OK);
    conn_send(conn, bytes);
    run_until_closed(s, PASSES);
    if (!s->closed)
        conn_close(conn);
    run_until_closed(s, PASSES);
    CHECK(s->closed);
    for (int i = 0; i < 3; i++) /* the server's end sees it too */
        loop_pass(server_loop(s->server), PASS_NS);
}

void fuzz_server_frame(struct fuzz_server *s, struct bytes request)
{
    struct buf frame;

    buf_init(&frame, 0);
    buf_u32_be(&frame, (uint32_t)request.len);
    buf_bytes(&frame, request);
    fuzz_server_say(s, FACE_KAFKA, buf_view(&frame));
    buf_deinit(&frame);
}
