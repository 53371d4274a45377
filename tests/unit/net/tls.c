/* TLS on a simulated network that cuts what is sent into pieces: bytes both ways, certificates of
 * clients, new certificates, and peers that never finish. */
#include "net/tls.h"

#include <stdlib.h>

#include "base/check.h"
#include "lib/test.h"
#include "lib/tls_peer.h"
#include "os/sim/sim.h"

static const struct conn_limits limits = {.in_bytes_max = 256 << 10,
                                          .out_bytes_pause = 256 << 10,
                                          .out_bytes_max = 4 << 20,
                                          .idle_ns_max = (int64_t)60e9,
                                          .conns_max = 3};

struct echo {
    struct conn *conn; /* the last that came */
    int opened, closed;
    bool bye; /* answer once, and close */
};

static void *echo_open(void *context, struct conn *conn)
{
    struct echo *e = context;

    e->conn = conn;
    e->opened++;
    return e;
}

static size_t echo_bytes(void *state, struct conn *conn, struct bytes in)
{
    struct echo *e = state;

    conn_send(conn, in);
    if (e->bye)
        conn_close_after_send(conn);
    return in.len;
}

static void echo_close(void *state, struct conn *conn)
{
    (void)conn;
    ((struct echo *)state)->closed++;
}

static const struct conn_handler echo_handler = {
    .on_open = echo_open, .on_bytes = echo_bytes, .on_close = echo_close};

struct place {
    struct os *os;
    struct loop *loop;
    struct tls_server *tls;
    struct listener *listener;
    struct echo echo;
    struct party ca, server, alice;
    int troubles;
};

static void on_trouble(void *context, const char *what)
{
    (void)what;
    ((struct place *)context)->troubles++;
}

static void place_open(struct place *p, enum tls_clients clients)
{
    struct os_sim_options options = os_sim_options_quiet();
    struct diag diag = {0};

    *p = (struct place){0};
    options.net_cut = 0.5;
    options.net_delay_ns_max = 100000;
    p->os = os_sim_create(test_seed(), &options);
    party_make(&p->ca, "ca", NULL);
    party_make(&p->server, "first", &p->ca);
    party_make(&p->alice, "alice", &p->ca);
    party_save(&p->ca, p->os, "ca.pem", NULL);
    party_save(&p->server, p->os, "cert.pem", "key.pem");
    EXPECT_OK(loop_create(p->os, &p->loop));
    struct tls_options tls = {.certificate = "cert.pem",
                              .key = "key.pem",
                              .client_ca = "ca.pem",
                              .clients = clients,
                              .on_trouble = on_trouble,
                              .context = p};
    EXPECT_OK(tls_server_open(p->os, &tls, &p->tls, &diag));
    EXPECT_OK(listener_open(p->loop, "node:9000", &echo_handler, &p->echo, &limits, &p->listener));
    listener_secure(p->listener, p->tls);
}

static void place_close(struct place *p)
{
    listener_close(p->listener);
    for (int i = 0; i < 4; i++)
        loop_pass(p->loop, 0);
    loop_destroy(p->loop);
    tls_server_close(p->tls);
    party_free(&p->ca);
    party_free(&p->server);
    party_free(&p->alice);
    os_sim_destroy(p->os);
}

static void run_ms(struct place *p, int64_t ms)
{
    int64_t end = os_mono_ns(p->os) + ms * 1000000;

    while (os_mono_ns(p->os) < end)
        loop_pass(p->loop, 1000000);
}

static void join(struct place *p, struct tls_peer *peer, const struct party *who)
{
    tls_peer_open(peer, p->loop, listener_address(p->listener), who, &p->ca);
    for (int i = 0; i < 2000 && !peer->up && !peer->failed && !peer->closed; i++)
        loop_pass(p->loop, 1000000);
}

TEST(tls_carries_bytes_both_ways)
{
    struct place p;
    struct tls_peer peer;
    size_t len = 700000;
    uint8_t *data = xmalloc(len);

    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i * 131 + i / 251);
    place_open(&p, TLS_CLIENTS_ANY);
    join(&p, &peer, NULL);
    EXPECT(peer.up);
    EXPECT_STR(peer.server, "first");
    EXPECT_STR(conn_server_name(p.echo.conn), "node");
    tls_peer_send(&peer, bytes_of(data, len));
    for (int i = 0; i < 20000 && peer.got.len < len; i++)
        loop_pass(p.loop, 1000000);
    EXPECT_BYTES(buf_view(&peer.got), bytes_of(data, len));
    tls_peer_close(&peer, p.loop);
    free(data);
    place_close(&p);
}

TEST(tls_close_after_send_says_good_bye)
{
    struct place p;
    struct tls_peer peer;

    place_open(&p, TLS_CLIENTS_ANY);
    p.echo.bye = true;
    join(&p, &peer, NULL);
    tls_peer_send(&peer, BYTES_LITERAL("last words"));
    for (int i = 0; i < 2000 && !peer.closed; i++)
        loop_pass(p.loop, 1000000);
    EXPECT_BYTES(buf_view(&peer.got), BYTES_LITERAL("last words"));
    EXPECT(peer.ended && !peer.failed);
    tls_peer_close(&peer, p.loop);
    place_close(&p);
}

static void expect_subject(struct place *p, const char *want)
{
    struct buf subject;

    buf_init(&subject, 0);
    EXPECT(conn_peer_subject(p->echo.conn, &subject) == (want != NULL));
    if (want)
        EXPECT_BYTES(buf_view(&subject), bytes_str(want));
    buf_deinit(&subject);
}

static bool is_let_in(struct place *p, const struct party *who, const char *subject)
{
    struct tls_peer peer;

    join(p, &peer, who);
    if (!peer.closed && !peer.failed)
        tls_peer_send(&peer, BYTES_LITERAL("x")); /* in 1.3 the client is up before it is refused */
    for (int i = 0; i < 2000 && !peer.closed && !peer.failed && peer.got.len == 0; i++)
        loop_pass(p->loop, 1000000);
    bool in = peer.got.len == 1;
    if (in)
        expect_subject(p, subject);
    tls_peer_close(&peer, p->loop);
    run_ms(p, 3000);
    return in;
}

TEST(tls_clients_show_certificates)
{
    struct place p;
    struct party stranger;

    party_make(&stranger, "mallory", NULL);
    place_open(&p, TLS_CLIENTS_REQUIRED);
    EXPECT(is_let_in(&p, &p.alice, "CN=alice"));
    EXPECT(!is_let_in(&p, NULL, NULL));
    EXPECT(!is_let_in(&p, &stranger, NULL));
    EXPECT_INT(p.echo.opened, p.echo.closed);
    place_close(&p);
    place_open(&p, TLS_CLIENTS_ASKED);
    EXPECT(is_let_in(&p, &p.alice, "CN=alice"));
    EXPECT(is_let_in(&p, NULL, NULL));
    EXPECT(!is_let_in(&p, &stranger, NULL));
    place_close(&p);
    party_free(&stranger);
}

TEST(tls_takes_a_new_certificate_and_keeps_open_connections)
{
    struct place p;
    struct tls_peer old, new;
    struct party second;
    struct tls_stats stats;

    place_open(&p, TLS_CLIENTS_ANY);
    join(&p, &old, NULL);
    EXPECT_STR(old.server, "first");
    party_make(&second, "second", &p.ca);
    run_ms(&p, 2000);
    party_save(&second, p.os, "cert.pem", NULL); /* the key is not there yet: the first stays */
    join(&p, &new, NULL);
    EXPECT_STR(new.server, "first");
    EXPECT_INT(p.troubles, 1);
    tls_peer_close(&new, p.loop);
    run_ms(&p, 2000);
    join(&p, &new, NULL);
    EXPECT_INT(p.troubles, 1); /* told once */
    tls_peer_close(&new, p.loop);
    run_ms(&p, 2000);
    party_save(&second, p.os, "cert.pem", "key.pem");
    join(&p, &new, NULL);
    EXPECT_STR(new.server, "second");
    tls_peer_send(&old, BYTES_LITERAL("still here"));
    run_ms(&p, 100);
    EXPECT_BYTES(buf_view(&old.got), BYTES_LITERAL("still here"));
    tls_server_stats(p.tls, &stats);
    EXPECT_INT(stats.reloads, 1);
    tls_peer_close(&old, p.loop);
    tls_peer_close(&new, p.loop);
    party_free(&second);
    place_close(&p);
}

/* ---- peers that mean no good ---- */

struct raw {
    struct conn *conn;
    struct buf got;
    bool closed;
};

static size_t raw_bytes(void *state, struct conn *conn, struct bytes in)
{
    (void)conn;
    buf_bytes(&((struct raw *)state)->got, in);
    return in.len;
}

static void raw_close(void *state, struct conn *conn)
{
    (void)conn;
    ((struct raw *)state)->closed = true;
}

static const struct conn_handler raw_handler = {.on_bytes = raw_bytes, .on_close = raw_close};

static void raw_open(struct place *p, struct raw *r)
{
    *r = (struct raw){0};
    buf_init(&r->got, 0);
    EXPECT_OK(
        conn_connect(p->loop, listener_address(p->listener), &raw_handler, r, &limits, &r->conn));
}

TEST(tls_a_handshake_has_ten_seconds)
{
    struct place p;
    struct raw r;
    static const uint8_t hello[] = {22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3};

    place_open(&p, TLS_CLIENTS_ANY);
    raw_open(&p, &r);
    for (int s = 0; s < 9; s++) { /* a byte a second: what holds a plain connection */
        conn_send(r.conn, bytes_of(hello + s, 1));
        run_ms(&p, 1000);
        EXPECT(!r.closed);
    }
    run_ms(&p, 2500);
    EXPECT(r.closed);
    EXPECT_INT(p.echo.closed, 1);
    buf_deinit(&r.got);
    place_close(&p);
}

TEST(tls_garbage_gets_an_alert_and_is_closed)
{
    struct place p;
    struct raw r;

    place_open(&p, TLS_CLIENTS_ANY);
    raw_open(&p, &r);
    conn_send(r.conn, BYTES_LITERAL("GET / HTTP/1.1\r\nHost: node\r\n\r\n"));
    run_ms(&p, 3000);
    EXPECT(r.closed);
    EXPECT_INT(p.echo.closed, 1);
    buf_deinit(&r.got);
    place_close(&p);
}

TEST(tls_connections_are_counted_before_they_are_known)
{
    struct place p;
    struct raw r[4];

    place_open(&p, TLS_CLIENTS_REQUIRED);
    for (int i = 0; i < 4; i++)
        raw_open(&p, &r[i]);
    run_ms(&p, 1000);
    EXPECT_INT(listener_conns(p.listener), 3);
    EXPECT_INT(r[0].closed + r[1].closed + r[2].closed + r[3].closed, 1);
    run_ms(&p, 12000);
    EXPECT_INT(listener_conns(p.listener), 0);
    for (int i = 0; i < 4; i++)
        buf_deinit(&r[i].got);
    place_close(&p);
}
