/* Loop and connections on the simulated network: the cases of conn.c with delays and cuts, then an
 * echo server amid resets, from several seeds, each run twice with the same outcome. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/rng.h"
#include "lib/test.h"
#include "net/conn.h"
#include "os/sim/sim.h"
#include "unit/net/conn.h"

TEST(conn_cases_simulated)
{
    for (uint64_t seed = test_seed(); seed < test_seed() + 5; seed++)
        for (int i = 0; i < net_cases_count; i++) {
            struct os_sim_options options = os_sim_options_quiet();
            if (seed > test_seed()) {
                options.net_delay_ns_max = 2000000;
                options.net_cut = 0.5;
            }
            struct os *os = os_sim_create(seed, &options);
            if (getenv("QW_CASES"))
                fprintf(stderr, "case %s seed %d\n", net_cases[i].name, (int)seed);
            net_cases[i].run(os);
            os_sim_destroy(os);
        }
}

/* ---- an echo server amid resets ---- */

enum { CLIENTS = 8, MESSAGES = 300, MESSAGE_MAX = 4000 };

struct client {
    struct conn *conn;
    struct rng rng;
    uint64_t sent, got; /* of this connection */
    int messages_left, lives;
    uint64_t got_all;
};

struct storm {
    struct loop *loop;
    struct listener *listener;
    struct client clients[CLIENTS];
    int served, server_closed;
};

static uint8_t byte_at(uint64_t pos)
{
    return (uint8_t)(pos * 7 + pos / 256);
}

static size_t client_bytes(void *state, struct conn *conn, struct bytes in)
{
    struct client *c = state;

    (void)conn;
    for (size_t i = 0; i < in.len; i++)
        EXPECT(in.ptr[i] == byte_at(c->got + i));
    c->got += in.len;
    c->got_all += in.len;
    EXPECT(c->got <= c->sent);
    return in.len;
}

static void client_close(void *state, struct conn *conn)
{
    struct client *c = state;

    EXPECT(c->conn == conn);
    c->conn = NULL;
}

static void *echo_open(void *context, struct conn *conn)
{
    struct storm *s = context;

    (void)conn;
    s->served++;
    return s;
}

static size_t echo_bytes(void *state, struct conn *conn, struct bytes in)
{
    size_t part = in.len > 3000 ? 3000 : in.len; /* by pieces: it is called again */

    (void)state;
    conn_send(conn, bytes_head(in, part));
    return part;
}

static void echo_close(void *state, struct conn *conn)
{
    struct storm *s = state;

    (void)conn;
    s->server_closed++;
}

static const struct conn_handler echo_handler = {echo_open, echo_bytes, echo_close, NULL};
static const struct conn_handler client_handler = {NULL, client_bytes, client_close, NULL};
static const struct conn_limits limits = {
    .in_bytes_max = 64 * 1024,
    .out_bytes_pause = 8 * 1024,
    .out_bytes_max = 1 << 20,
    .idle_ns_max = INT64_C(30000000000),
    .conns_max = 100,
};

static const struct conn_limits client_limits = {
    .in_bytes_max = 64 * 1024,
    .out_bytes_pause = 1 << 20,
    .out_bytes_max = 1 << 20,
};

static void client_send(struct client *c)
{
    uint8_t message[MESSAGE_MAX];
    size_t len = 1 + (size_t)rng_below(&c->rng, MESSAGE_MAX);

    for (size_t i = 0; i < len; i++)
        message[i] = byte_at(c->sent + i);
    c->sent += len;
    c->messages_left--;
    conn_send(c->conn, bytes_of(message, len));
}

/* One move of one client; false when it has nothing left to do. */
static bool client_move(struct storm *s, struct client *c)
{
    if (c->messages_left == 0 && (!c->conn || c->got == c->sent))
        return false;
    if (!c->conn) {
        c->sent = c->got = 0;
        c->lives++;
        EXPECT_OK(conn_connect(s->loop, listener_address(s->listener), &client_handler, c,
                               &client_limits, &c->conn));
    } else if (conn_closing(c->conn)) {
        return true;
    } else if (c->messages_left > 0 && conn_unsent(c->conn) < 100000 && rng_chance(&c->rng, 0.3)) {
        client_send(c);
    } else if (rng_chance(&c->rng, 0.002)) {
        conn_close(c->conn);
    }
    return true;
}

static uint64_t storm_run(uint64_t seed)
{
    struct os_sim_options options = os_sim_options_rough();
    struct storm *s = xcalloc(1, sizeof(*s));
    uint64_t hash = seed;
    struct os *os;
    bool busy = true;

    options.net_reset = 0.002;
    os = os_sim_create(seed, &options);
    EXPECT_OK(loop_create(os, &s->loop));
    EXPECT_OK(listener_open(s->loop, "127.0.0.1:7000", &echo_handler, s, &limits, &s->listener));
    EXPECT_STR(listener_address(s->listener), "127.0.0.1:7000");
    for (int i = 0; i < CLIENTS; i++) {
        s->clients[i].rng = rng_seed(seed * 100 + (uint64_t)i);
        s->clients[i].messages_left = MESSAGES;
    }
    for (int pass = 0; busy; pass++) {
        EXPECT(pass < 1000000);
        busy = false;
        for (int i = 0; i < CLIENTS; i++)
            busy |= client_move(s, &s->clients[i]);
        loop_pass(s->loop, 500000);
    }
    for (int i = 0; i < CLIENTS; i++) {
        struct client *c = &s->clients[i];
        hash = hash_combine(hash, c->got_all + (uint64_t)c->lives);
        if (c->conn)
            conn_close(c->conn);
    }
    while (listener_conns(s->listener) > 0)
        loop_pass(s->loop, 500000);
    loop_pass(s->loop, 0);
    EXPECT_INT(s->server_closed, s->served);
    EXPECT(os_sim_counts(os)->faults > 0);
    hash += (uint64_t)os_mono_ns(os) + os_sim_counts(os)->faults;
    listener_close(s->listener);
    loop_destroy(s->loop);
    os_sim_destroy(os);
    free(s);
    return hash;
}

TEST(conn_survives_resets_and_repeats)
{
    for (uint64_t seed = test_seed(); seed < test_seed() + 5; seed++) {
        uint64_t first = storm_run(seed), second = storm_run(seed);
        if (first != second)
            test_fail(__FILE__, __LINE__, "seed %d gave two outcomes", (int)seed);
    }
}

/* ---- several loops in one thread ---- */

static int fired[3];

static void fire(void *context)
{
    ++*(int *)context;
}

/* Time goes to the earliest timer of all, and no loop misses its own. */
TEST(loop_simulated_clock_is_shared)
{
    struct os *os = os_sim_create(test_seed(), NULL);
    struct loop_timer *timers[3];
    struct loop *loops[3];
    int64_t from = os_mono_ns(os);

    for (int i = 0; i < 3; i++) {
        EXPECT_OK(loop_create(os, &loops[i]));
        timers[i] = loop_timer_create(loops[i], fire, &fired[i]);
        loop_timer_set(timers[i], from + (3 - i) * INT64_C(3600000000000));
    }
    for (int pass = 0; !fired[0]; pass++) {
        EXPECT(pass < 1000);
        loop_pass(loops[pass % 3], -1);
        EXPECT(!fired[0] || (fired[1] && fired[2]));
        EXPECT(!fired[1] || fired[2]);
    }
    EXPECT(os_mono_ns(os) - from < 3 * INT64_C(3600000000000) + 1000000);
    EXPECT(!os_sim_stuck(os));
    for (int i = 0; i < 6; i++)
        loop_pass(loops[i % 3], -1);
    EXPECT(os_sim_stuck(os)); /* no timer, no socket: nothing will ever come */
    for (int i = 0; i < 3; i++) {
        loop_timer_destroy(timers[i]);
        loop_destroy(loops[i]);
    }
    os_sim_destroy(os);
}

/* Without handles the listener waits for some instead of spinning, and then goes on. */
TEST(listener_waits_for_handles)
{
    struct os_sim_options options = os_sim_options_quiet();
    struct os *os = os_sim_create(test_seed(), &options);
    struct storm s = {0};
    struct client a = {0}, b = {0};
    int passes = 0;

    EXPECT_OK(loop_create(os, &s.loop));
    EXPECT_OK(listener_open(s.loop, "127.0.0.1:7000", &echo_handler, &s, &limits, &s.listener));
    EXPECT_OK(conn_connect(s.loop, "127.0.0.1:7000", &client_handler, &a, &limits, &a.conn));
    loop_pass(s.loop, 0);
    EXPECT_INT(s.served, 1);
    EXPECT_OK(conn_connect(s.loop, "127.0.0.1:7000", &client_handler, &b, &limits, &b.conn));
    os_sim_options(os)->handles_max = 1;
    for (int64_t from = os_mono_ns(os); os_mono_ns(os) - from < 10000000000; passes++)
        loop_pass(s.loop, 10000000000);
    EXPECT(passes < 300); /* ten a second, with a pass or two to spare each */
    EXPECT_INT(s.served, 1);
    os_sim_options(os)->handles_max = 5;
    conn_close(a.conn);
    while (s.served < 2)
        loop_pass(s.loop, -1);
    conn_close(b.conn);
    while (listener_conns(s.listener) > 0 || b.conn)
        loop_pass(s.loop, -1);
    listener_close(s.listener);
    loop_destroy(s.loop);
    os_sim_destroy(os);
}

/* ---- two machines ---- */

struct machine {
    struct os *os;
    struct storm s;
};

static void server_start(struct machine *m)
{
    EXPECT_OK(loop_create(m->os, &m->s.loop));
    EXPECT_OK(
        listener_open(m->s.loop, "127.0.0.1:7000", &echo_handler, &m->s, &limits, &m->s.listener));
}

static void server_end(struct machine *m)
{
    listener_close(m->s.listener);
    loop_destroy(m->s.loop);
}

static void client_echo(struct machine *server, struct loop *loop, struct client *c)
{
    c->sent = c->got = 0;
    c->messages_left = 1;
    EXPECT_OK(conn_connect(loop, "127.0.0.1:7000", &client_handler, c, &client_limits, &c->conn));
    client_send(c);
    for (int pass = 0; c->got < c->sent; pass++) {
        EXPECT(pass < 100000);
        loop_pass(server->s.loop, -1);
        loop_pass(loop, -1);
    }
}

/* The server's machine loses its power; the client's hears of it and finds the next server. */
TEST(conn_client_outlives_the_server)
{
    struct os_sim_options options = os_sim_options_quiet();
    struct machine server = {0};
    struct client client = {0};
    struct os *client_os;
    struct loop *loop;

    options.net_delay_ns_max = 1000000;
    options.net_cut = 0.3;
    server.os = os_sim_create(test_seed(), &options);
    client_os = os_sim_machine(server.os, &options);
    client.rng = rng_seed(test_seed());
    EXPECT_OK(loop_create(client_os, &loop));
    for (int life = 0; life < 5; life++) {
        server_start(&server);
        client_echo(&server, loop, &client);
        os_sim_crash(server.os);
        for (int pass = 0; client.conn; pass++) {
            EXPECT(pass < 1000);
            loop_pass(loop, -1);
        }
        server_end(&server); /* what is left of the dead process */
    }
    loop_destroy(loop);
    os_sim_destroy(server.os);
}
