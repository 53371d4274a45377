/* Connections over a loop: echo, back-pressure, limits, half-close, resets. Each case runs on any
 * os; tests/unit/net/simulated.c runs them on the simulated network. */
#include "net/conn.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "lib/test.h"
#include "unit/net/conn.h"

/* ---- the two sides ---- */

static const struct conn_limits limits = {
    .in_bytes_max = 1 << 20,
    .out_bytes_pause = 256 * 1024,
    .out_bytes_max = 4 << 20,
    .conns_max = 100,
};

/* A client that sends more than the buffers hold must go on reading: or both sides wait for ever.
 */
static const struct conn_limits client_limits = {
    .in_bytes_max = 1 << 20,
    .out_bytes_pause = 64 << 20,
    .out_bytes_max = 64 << 20,
};

/* One end of a connection, for either side; counts what it sees. */
struct end {
    struct conn *conn;
    struct buf got;
    int closed, drained;
    bool echo, hold; /* hold: use nothing */
};

static size_t end_bytes(void *state, struct conn *conn, struct bytes in)
{
    struct end *e = state;

    if (e->hold)
        return 0;
    buf_bytes(&e->got, in);
    if (e->echo)
        conn_send(conn, in);
    return in.len;
}

static void end_close(void *state, struct conn *conn)
{
    struct end *e = state;

    EXPECT(e->conn == conn);
    e->conn = NULL;
    e->closed++;
}

static void end_drain(void *state, struct conn *conn)
{
    (void)conn;
    ((struct end *)state)->drained++;
}

/* The server's ends, in the order they came. */
struct server {
    struct end end[8];
    int count;
    bool echo, hold, refuse;
    void (*on_open)(struct server *, struct end *);
};

static void *server_open(void *context, struct conn *conn)
{
    struct server *s = context;

    if (s->refuse)
        return NULL;
    CHECK(s->count < 8);
    struct end *e = &s->end[s->count++];
    *e = (struct end){.conn = conn, .echo = s->echo, .hold = s->hold};
    if (s->on_open)
        s->on_open(s, e);
    return e;
}

static const struct conn_handler server_handler = {server_open, end_bytes, end_close, end_drain};
static const struct conn_handler client_handler = {NULL, end_bytes, end_close, end_drain};

struct net {
    struct loop *loop;
    struct listener *listener;
    struct server server;
    struct end client;
};

static struct net *net_start(struct os *os, const struct server *server,
                             const struct conn_limits *server_limits)
{
    struct net *n = xcalloc(1, sizeof(*n));

    n->server = *server;
    EXPECT_OK(loop_create(os, &n->loop));
    EXPECT_OK(listener_open(n->loop, "127.0.0.1:0", &server_handler, &n->server, server_limits,
                            &n->listener));
    return n;
}

static void client_open(struct net *n, struct end *e)
{
    EXPECT_OK(conn_connect(n->loop, listener_address(n->listener), &client_handler, e,
                           &client_limits, &e->conn));
}

static void net_stop(struct net *n)
{
    if (n->client.conn)
        conn_close(n->client.conn);
    for (int i = 0; i < 4; i++)
        loop_pass(n->loop, 0);
    listener_close(n->listener);
    for (int i = 0; i < n->server.count; i++) {
        EXPECT(!n->server.end[i].conn);
        EXPECT_INT(n->server.end[i].closed, 1);
        buf_deinit(&n->server.end[i].got);
    }
    buf_deinit(&n->client.got);
    loop_destroy(n->loop);
    free(n);
}

#define UNTIL(n, condition)                                                                        \
    for (int passes_ = 0; !(condition); passes_++) {                                               \
        EXPECT(passes_ < 200000);                                                                  \
        loop_pass((n)->loop, INT64_C(20000000));                                                   \
    }

static void fill(uint8_t *to, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)(i * 31 + i / 251);
}

/* ---- cases ---- */

enum { BIG = 1500 * 1000 };

void net_case_echo(struct os *os)
{
    struct net *n = net_start(os, &(struct server){.echo = true}, &limits);
    uint8_t *data = xmalloc(BIG);

    fill(data, BIG);
    client_open(n, &n->client);
    conn_send(n->client.conn, BYTES_LITERAL("hello")); /* before it is connected */
    UNTIL(n, n->client.got.len == 5);
    EXPECT_BYTES(buf_view(&n->client.got), BYTES_LITERAL("hello"));
    buf_clear(&n->client.got);
    conn_send(n->client.conn, bytes_of(data, BIG));
    UNTIL(n, n->client.got.len == BIG);
    EXPECT(memcmp(n->client.got.ptr, data, BIG) == 0);
    EXPECT_INT(conn_unsent(n->client.conn), 0);
    EXPECT(n->client.drained > 0);
    free(data);
    net_stop(n);
}

static int released;

static void release(void *context)
{
    released++;
    (void)context;
}

void net_case_views_are_released(struct os *os)
{
    struct net *n = net_start(os, &(struct server){.echo = false}, &limits);
    static uint8_t data[300000];

    released = 0;
    fill(data, sizeof(data));
    client_open(n, &n->client);
    conn_send(n->client.conn, BYTES_LITERAL("a"));
    conn_send_view(n->client.conn, bytes_of(data, sizeof(data)), release, NULL);
    conn_send(n->client.conn, BYTES_LITERAL("z"));
    UNTIL(n, n->server.count == 1 && n->server.end[0].got.len == sizeof(data) + 2);
    UNTIL(n, released == 1);
    EXPECT(memcmp(n->server.end[0].got.ptr + 1, data, sizeof(data)) == 0);
    n->server.end[0].hold = true;
    conn_send_view(n->client.conn, BYTES_LITERAL("x"), release, NULL);
    conn_close(n->client.conn); /* dropped: released too */
    EXPECT_INT(released, 2);
    conn_send_view(n->client.conn, BYTES_LITERAL("x"), release, NULL);
    EXPECT_INT(released, 3);
    EXPECT_INT(n->client.closed, 0); /* never inside the call */
    UNTIL(n, n->client.closed == 1);
    net_stop(n);
}

static char sent_path[64];

/* A file between bytes, in pieces, and one that is shorter than was said. */
void net_case_files_are_sent(struct os *os)
{
    struct net *n = net_start(os, &(struct server){.echo = false}, &limits);
    static uint8_t data[1500000];
    struct os_file *file;

    snprintf(sent_path, sizeof(sent_path), "%s", os == os_posix() ? "build/net_case_file" : "net_case_file");
    EXPECT_OK(os_file_open(os, sent_path, OS_WRITE | OS_CREATE | OS_TRUNCATE, &file));
    fill(data, sizeof(data));
    EXPECT_OK(os_file_write(file, 0, data, sizeof(data)));
    released = 0;
    client_open(n, &n->client);
    conn_send(n->client.conn, BYTES_LITERAL("a"));
    conn_send_file(n->client.conn, (struct conn_file){file, 7, 1400000}, release, NULL);
    conn_send(n->client.conn, BYTES_LITERAL("z"));
    conn_send_file(n->client.conn, (struct conn_file){file, 1000, 1}, release, NULL);
    UNTIL(n, n->server.count == 1 && n->server.end[0].got.len == 1400003);
    UNTIL(n, released == 2);
    EXPECT_INT(n->server.end[0].got.ptr[0], 'a');
    EXPECT(memcmp(n->server.end[0].got.ptr + 1, data + 7, 1400000) == 0);
    EXPECT_INT(n->server.end[0].got.ptr[1400001], 'z');
    EXPECT_INT(n->server.end[0].got.ptr[1400002], data[1000]);
    conn_send_file(n->client.conn, (struct conn_file){file, sizeof(data) - 10, 20}, release, NULL);
    UNTIL(n, n->client.closed == 1); /* the answer cannot be made whole any more */
    EXPECT_INT(released, 3);
    net_stop(n);
    os_file_close(file);
    EXPECT_OK(os_remove(os, sent_path));
}

/* A client that does not read stops the server's reading, and loses nothing when it goes on. */
void net_case_slow_reader(struct os *os)
{
    struct net *n = net_start(os, &(struct server){.echo = true}, &limits);
    uint8_t *data = xmalloc(BIG);
    size_t sent = 0;
    int quiet = 0;

    fill(data, BIG);
    client_open(n, &n->client);
    conn_pause(n->client.conn);
    while (quiet < 50 && sent < ((size_t)48 << 20)) {
        size_t before = conn_unsent(n->client.conn);
        if (before < BIG) {
            conn_send(n->client.conn, bytes_of(data, BIG));
            sent += BIG;
            before += BIG;
        }
        loop_pass(n->loop, 1000000);
        quiet = conn_unsent(n->client.conn) == before ? quiet + 1 : 0;
        if (n->server.count)
            EXPECT(conn_unsent(n->server.end[0].conn) <
                   limits.out_bytes_pause + limits.in_bytes_max);
    }
    EXPECT_INT(quiet, 50); /* all buffers are full and nothing moves */
    conn_resume(n->client.conn);
    UNTIL(n, n->client.got.len == sent);
    for (size_t at = 0; at < sent; at += BIG)
        EXPECT(memcmp(n->client.got.ptr + at, data, BIG) == 0);
    free(data);
    net_stop(n);
}

void net_case_peer_that_never_reads_is_closed(struct os *os)
{
    struct net *n = net_start(os, &(struct server){.echo = false}, &limits);
    static uint8_t data[100000];

    client_open(n, &n->client);
    conn_pause(n->client.conn);
    UNTIL(n, n->server.count == 1);
    while (!n->server.end[0].closed) {
        if (n->server.end[0].conn && !conn_closing(n->server.end[0].conn))
            conn_send(n->server.end[0].conn, bytes_of(data, sizeof(data)));
        loop_pass(n->loop, 0);
    }
    net_stop(n);
}

void net_case_frame_beyond_limit_is_closed(struct os *os)
{
    struct conn_limits small = limits;
    small.in_bytes_max = 1000;
    struct net *n = net_start(os, &(struct server){.hold = true}, &small);
    static uint8_t data[1001];

    client_open(n, &n->client);
    conn_send(n->client.conn, bytes_of(data, 999));
    for (int i = 0; i < 20; i++)
        loop_pass(n->loop, 1000000);
    EXPECT(n->server.count == 1 && n->server.end[0].conn);
    conn_send(n->client.conn, bytes_of(data, 2));
    UNTIL(n, n->server.end[0].closed == 1);
    UNTIL(n, n->client.closed == 1);
    net_stop(n);
}

static void open_and_say_bye(struct server *s, struct end *e)
{
    static uint8_t data[700000];

    (void)s;
    fill(data, sizeof(data));
    conn_send(e->conn, bytes_of(data, sizeof(data)));
    conn_close_after_send(e->conn);
    EXPECT(conn_closing(e->conn));
    conn_send(e->conn, BYTES_LITERAL("not sent"));
}

/* All of the answer arrives although the client goes on sending into a closing connection. */
void net_case_close_after_send(struct os *os)
{
    struct net *n = net_start(os, &(struct server){.on_open = open_and_say_bye}, &limits);
    static uint8_t data[50000];

    client_open(n, &n->client);
    conn_send(n->client.conn, bytes_of(data, sizeof(data)));
    UNTIL(n, n->client.closed == 1);
    EXPECT_INT(n->client.got.len, 700000);
    EXPECT_INT(n->server.end[0].got.len, 0);
    UNTIL(n, listener_conns(n->listener) == 0);
    net_stop(n);
}

/* Runs the loop until the bare socket has given len bytes, or the end. */
static size_t bare_recv(struct net *n, struct os_sock *sock, void *to, size_t len, enum status *st)
{
    size_t got = 0;

    for (int passes = 0; passes < 200; passes++) {
        *st = os_sock_recv(sock, to, len, &got);
        if (*st != ST_AGAIN)
            break;
        loop_pass(n->loop, 1000000);
    }
    return got;
}

/* The client says that it has sent all; the server, which paused, still answers, and then ends. */
void net_case_half_close(struct os *os)
{
    struct net *n = net_start(os, &(struct server){.echo = false}, &limits);
    struct bytes question = BYTES_LITERAL("q");
    struct os_sock *sock;
    uint8_t got[16];
    enum status st;
    size_t sent;

    EXPECT_OK(os_connect(os, listener_address(n->listener), &sock));
    UNTIL(n, os_sock_send(sock, &question, 1, &sent) == ST_OK);
    os_sock_finish(sock);
    UNTIL(n, n->server.count == 1 && n->server.end[0].got.len == 1);
    conn_pause(n->server.end[0].conn); /* it owes an answer */
    EXPECT_INT(bare_recv(n, sock, got, sizeof(got), &st), 0);
    EXPECT_STATUS(st, ST_AGAIN);
    EXPECT(n->server.end[0].conn);
    conn_send(n->server.end[0].conn, BYTES_LITERAL("a"));
    conn_resume(n->server.end[0].conn);
    EXPECT_INT(bare_recv(n, sock, got, sizeof(got), &st), 1);
    EXPECT_INT(got[0], 'a');
    EXPECT_INT(bare_recv(n, sock, got, sizeof(got), &st), 0);
    EXPECT_STATUS(st, ST_END);
    EXPECT_INT(n->server.end[0].closed, 1);
    os_sock_close(sock);
    net_stop(n);
}

void net_case_pause_keeps_input(struct os *os)
{
    struct net *n = net_start(os, &(struct server){.hold = true}, &limits);
    struct end *e = &n->server.end[0];

    client_open(n, &n->client);
    conn_send(n->client.conn, BYTES_LITERAL("abc"));
    UNTIL(n, n->server.count == 1);
    for (int i = 0; i < 20; i++)
        loop_pass(n->loop, 1000000);
    conn_pause(e->conn);
    conn_pause(e->conn);
    e->hold = false;
    conn_resume(e->conn);
    conn_send(n->client.conn, BYTES_LITERAL("def"));
    for (int i = 0; i < 20; i++)
        loop_pass(n->loop, 1000000);
    EXPECT_INT(e->got.len, 0);
    conn_resume(e->conn);
    loop_pass(n->loop, 0);
    EXPECT(e->got.len >= 3); /* what was buffered is offered in the same pass */
    UNTIL(n, e->got.len == 6);
    EXPECT_BYTES(buf_view(&e->got), BYTES_LITERAL("abcdef"));
    net_stop(n);
}

void net_case_idle_is_closed(struct os *os)
{
    struct conn_limits idle = limits;
    idle.idle_ns_max = 50000000;
    struct net *n = net_start(os, &(struct server){.hold = true}, &idle);
    int64_t from, sent = 0;

    client_open(n, &n->client);
    UNTIL(n, n->client.closed == 1);
    EXPECT_INT(n->server.end[0].closed, 1);

    /* A byte now and then does not keep a frame alive that never ends. */
    client_open(n, &n->client);
    from = os_mono_ns(os);
    UNTIL(n, n->server.count == 2);
    while (n->client.closed == 1) {
        if (n->client.conn && os_mono_ns(os) - sent > 20000000) {
            conn_send(n->client.conn, BYTES_LITERAL("x"));
            sent = os_mono_ns(os);
        }
        loop_pass(n->loop, 10000000);
        EXPECT(os_mono_ns(os) - from < INT64_C(60000000000));
    }
    EXPECT_INT(n->server.end[1].closed, 1);
    net_stop(n);
}

void net_case_conns_max(struct os *os)
{
    struct conn_limits one = limits;
    one.conns_max = 1;
    struct net *n = net_start(os, &(struct server){.echo = true}, &one);
    struct end second = {0};

    client_open(n, &n->client);
    UNTIL(n, n->server.count == 1);
    client_open(n, &second);
    UNTIL(n, second.closed == 1);
    EXPECT_INT(listener_conns(n->listener), 1);
    conn_send(n->client.conn, BYTES_LITERAL("still"));
    UNTIL(n, n->client.got.len == 5);
    n->server.refuse = true;
    conn_close(n->client.conn);
    UNTIL(n, listener_conns(n->listener) == 0);
    client_open(n, &second);
    UNTIL(n, second.closed == 2);
    listener_stop(n->listener);
    client_open(n, &second);
    UNTIL(n, second.closed == 3);
    net_stop(n);
}

void net_case_conns_of_one_address(struct os *os)
{
    struct conn_limits two = limits;
    two.conns_ip_max = 2;
    struct net *n = net_start(os, &(struct server){.echo = true}, &two);
    struct end second = {0}, third = {0};

    client_open(n, &n->client);
    client_open(n, &second);
    UNTIL(n, n->server.count == 2);
    client_open(n, &third);
    UNTIL(n, third.closed == 1);
    EXPECT_INT(n->server.count, 2);
    conn_close(second.conn);
    UNTIL(n, listener_conns(n->listener) == 1);
    client_open(n, &third); /* there is room again */
    UNTIL(n, n->server.count == 3);
    conn_close(third.conn);
    UNTIL(n, third.closed == 2);
    net_stop(n);
}

static size_t keep_bytes(void *state, struct conn *conn, struct bytes in)
{
    struct end *e = state;

    buf_bytes(&e->got, in);
    EXPECT(conn_unfinished(conn, e->got.len));
    return in.len;
}

/* A face that takes bytes of a frame as they come: a byte now and then does not make it last. */
void net_case_frame_of_the_face_has_a_time(struct os *os)
{
    struct conn_limits quick = limits;
    struct end e = {0};
    struct loop *loop;
    struct listener *l;

    quick.idle_ns_max = 300000000;
    EXPECT_OK(loop_create(os, &loop));
    struct server server = {0};
    struct conn_handler keeping = server_handler;
    keeping.on_bytes = keep_bytes;
    EXPECT_OK(listener_open(loop, "127.0.0.1:0", &keeping, &server, &quick, &l));
    EXPECT_OK(conn_connect(loop, listener_address(l), &client_handler, &e, &client_limits, &e.conn));
    int sent = 0;
    while (!e.closed && sent < 200) {
        conn_send(e.conn, BYTES_LITERAL("x"));
        sent++;
        for (int64_t until = os_mono_ns(os) + 50000000; os_mono_ns(os) < until && !e.closed;)
            loop_pass(loop, 10000000);
    }
    EXPECT_INT(e.closed, 1);
    EXPECT(sent > 2 && sent < 200);
    listener_close(l);
    buf_deinit(&server.end[0].got);
    loop_destroy(loop);
}

/* Clients that do not read: all together may hold no more than the bound; who began first goes first, and
 * who reads is left alone. */
void net_case_output_of_all_is_bounded(struct os *os)
{
    enum { HOSTILE = 7 };
    struct conn_limits bounded = limits;
    struct end ends[HOSTILE] = {{0}};
    static uint8_t data[100000];
    int closed = 0;

    bounded.out_bytes_sum = 2000000;
    struct net *n = net_start(os, &(struct server){.echo = false}, &bounded);
    client_open(n, &n->client);
    UNTIL(n, n->server.count == 1);
    for (int i = 0; i < HOSTILE; i++) {
        client_open(n, &ends[i]);
        conn_pause(ends[i].conn);
        UNTIL(n, n->server.count == i + 2);
    }
    for (int round = 0; round < 400; round++) {
        size_t unsent = 0;
        for (int i = 0; i < n->server.count; i++) {
            struct conn *c = n->server.end[i].conn;
            if (c && !conn_closing(c) && conn_unsent(c) < 3000000)
                conn_send(c, bytes_of(data, sizeof(data)));
        }
        for (int i = 0; i < n->server.count; i++)
            unsent += n->server.end[i].conn ? conn_unsent(n->server.end[i].conn) : 0;
        EXPECT(unsent <= 2 * bounded.out_bytes_sum);
        loop_pass(n->loop, 20000000);
    }
    for (int i = 1; i < n->server.count; i++)
        closed += n->server.end[i].closed;
    EXPECT(closed > 0);
    EXPECT_INT(n->client.closed, 0);
    EXPECT_INT(n->server.end[0].closed, 0);
    for (int i = 0; i < HOSTILE; i++)
        if (ends[i].conn)
            conn_close(ends[i].conn);
    UNTIL(n, listener_conns(n->listener) == 1);
    for (int i = 0; i < HOSTILE; i++)
        buf_deinit(&ends[i].got);
    net_stop(n);
}

/* Frames that do not come to their end: all together may hold no more than the bound, and those that hold
 * little are left alone. */
void net_case_input_of_all_is_bounded(struct os *os)
{
    enum { EACH = 200000, HOSTILE = 7 };
    struct conn_limits bounded = limits;
    struct end ends[HOSTILE] = {{0}};
    int closed = 0;

    bounded.in_bytes_sum = 1000000; /* a buffer of one such may be 512 KiB */
    struct net *n = net_start(os, &(struct server){.hold = true}, &bounded);
    uint8_t *data = xmalloc(EACH);
    fill(data, EACH);
    client_open(n, &n->client);
    conn_send(n->client.conn, BYTES_LITERAL("small"));
    for (int i = 0; i < HOSTILE; i++) {
        client_open(n, &ends[i]);
        conn_send(ends[i].conn, bytes_of(data, EACH));
    }
    for (int i = 0; i < 2000; i++)
        loop_pass(n->loop, 100000);
    for (int i = 0; i < HOSTILE; i++)
        closed += ends[i].closed;
    EXPECT(closed >= 2 && closed < HOSTILE);
    EXPECT_INT(n->client.closed, 0);
    for (int i = 0; i < HOSTILE; i++)
        if (ends[i].conn)
            conn_close(ends[i].conn);
    UNTIL(n, listener_conns(n->listener) == 1);
    for (int i = 0; i < HOSTILE; i++)
        buf_deinit(&ends[i].got);
    free(data);
    net_stop(n);
}

/* A client that goes away amid a large answer is one closed connection, nothing more. */
void net_case_reset(struct os *os)
{
    struct net *n = net_start(os, &(struct server){.echo = true}, &limits);
    struct end other = {0};
    uint8_t *data = xmalloc(BIG);

    fill(data, BIG);
    client_open(n, &n->client);
    client_open(n, &other);
    conn_send(n->client.conn, bytes_of(data, BIG));
    UNTIL(n, n->client.got.len > 0);
    conn_close(n->client.conn);
    UNTIL(n, listener_conns(n->listener) == 1);
    conn_send(other.conn, BYTES_LITERAL("hello"));
    UNTIL(n, other.got.len == 5);
    conn_close(other.conn);
    UNTIL(n, other.closed == 1);
    buf_deinit(&other.got);
    free(data);
    net_stop(n);
}

#define CASE_ENTRY(name) {#name, net_case_##name},
const struct net_case net_cases[] = {NET_CASES(CASE_ENTRY)};
const int net_cases_count = (int)(sizeof(net_cases) / sizeof(net_cases[0]));

TEST(conn_cases_posix)
{
    for (int i = 0; i < net_cases_count; i++) {
        if (getenv("QW_CASES")) /* to see which one failed */
            fprintf(stderr, "case %s\n", net_cases[i].name);
        net_cases[i].run(os_posix());
    }
}
