/* listener.c: takes connections in, so many at once, and survives having no handles left.
 *
 * When the process has no file handles an accept fails while the connection stays ready, which
 * would spin a level-triggered loop. The listener then stops watching, and looks again when one of
 * its connections has gone, or after a short time (handles may have been freed elsewhere).
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "net/internal.h"

enum { ACCEPT_TURN_MAX = 64, ADDRESS_MAX = 128 };
#define RETRY_NS ((int64_t)100 * 1000 * 1000)

/* Who connects, where connections of one address are bounded; there while it has any. */
struct peer {
    uint32_t conns;
    uint32_t host_len;
    char host[];
};

struct listener {
    struct loop *loop;
    struct os_sock *sock; /* NULL: stopped */
    struct loop_watch *watch;
    struct loop_timer *retry;
    const struct conn_handler *handler;
    void *context;
    struct conn_limits limits;
    struct tls_server *tls; /* NULL: none */
    struct conn *conns;
    uint32_t conns_len;
    struct map peers;
    size_t in_bytes, out_bytes; /* of the connections' input buffers; unsent */
    bool starved; /* no handles were left: not watching */
    char address[ADDRESS_MAX];
};

bool listener_input(struct listener *l, size_t had, size_t has)
{
    CHECK(l->in_bytes >= had);
    l->in_bytes += has - had;
    return l->limits.in_bytes_sum == 0 || l->in_bytes <= l->limits.in_bytes_sum;
}

/* ---- unsent output ---- */

/* A face that reads while others wait is a client's right; so the one goes that has stood still longest. */
static struct conn *longest_stuck(const struct listener *l)
{
    struct conn *longest = NULL;
    int64_t since = INT64_MAX;

    for (struct conn *c = l->conns; c; c = conn_link(c)->next) {
        if (conn_stuck_since(c) >= since)
            continue;
        longest = c;
        since = conn_stuck_since(c);
    }
    return longest;
}

bool listener_shed(struct listener *l)
{
    struct conn *c = longest_stuck(l);

    if (!c || loop_mono_ns(l->loop) - conn_stuck_since(c) < OUT_STUCK_NS)
        return false;
    conn_close(c);
    return true;
}

void listener_output(struct listener *l, size_t had, size_t has)
{
    size_t sum = l->limits.out_bytes_sum;

    CHECK(l->out_bytes >= had);
    l->out_bytes += has - had;
    if (has <= had || sum == 0)
        return;
    while (l->out_bytes > sum && listener_shed(l))
        ;
    while (l->out_bytes > 2 * sum)
        conn_close(longest_stuck(l));
}

/* ---- connections of one address ---- */

static struct bytes host_of(const char *address)
{
    const char *colon = strrchr(address, ':');

    return bytes_of(address, colon ? (size_t)(colon - address) : strlen(address));
}

/* False: it has as many as it may have. */
static bool peer_join(struct listener *l, struct os_sock *sock, struct peer **out)
{
    char local[ADDRESS_MAX], remote[ADDRESS_MAX];

    *out = NULL;
    if (l->limits.conns_ip_max == 0)
        return true;
    os_sock_address(sock, local, remote, sizeof(local));
    struct bytes host = host_of(remote);
    struct peer *peer = map_get(&l->peers, host);
    if (peer && peer->conns >= l->limits.conns_ip_max)
        return false;
    if (!peer) {
        peer = xcalloc(1, sizeof(*peer) + host.len);
        peer->host_len = (uint32_t)host.len;
        memcpy(peer->host, host.ptr, host.len);
        map_put(&l->peers, host, peer);
    }
    peer->conns++;
    *out = peer;
    return true;
}

static void peer_leave(struct listener *l, struct peer *peer)
{
    if (!peer || --peer->conns > 0)
        return;
    map_remove(&l->peers, bytes_of(peer->host, peer->host_len));
    free(peer);
}

/* ---- taking in ---- */

static void starve(struct listener *l)
{
    l->starved = true;
    loop_watch_set(l->watch, 0);
    loop_timer_set(l->retry, loop_mono_ns(l->loop) + RETRY_NS);
}

static void unstarve(void *context)
{
    struct listener *l = context;

    if (!l->starved || !l->sock)
        return;
    l->starved = false;
    loop_timer_clear(l->retry);
    loop_watch_set(l->watch, OS_IN);
}

static void take(struct listener *l, struct os_sock *sock)
{
    struct conn *c, *next = l->conns;
    void *face;

    struct peer *peer;
    if (l->conns_len >= l->limits.conns_max || !peer_join(l, sock, &peer)) {
        os_sock_close(sock);
        return;
    }
    c = conn_new(l->loop, sock, l->handler, &l->limits, l);
    conn_link(c)->peer = peer;
    conn_link(c)->next = next;
    if (next)
        conn_link(next)->prev = c;
    l->conns = c;
    l->conns_len++;
    if (l->tls && !conn_secure(c, l->tls)) {
        conn_destroy(c);
        return;
    }
    face = l->handler->on_open(l->context, c);
    if (!face || conn_start(c, face) != ST_OK)
        conn_destroy(c);
}

void listener_forget(struct listener *l, struct conn *c)
{
    struct conn_link *link = conn_link(c);

    if (link->prev)
        conn_link(link->prev)->next = link->next;
    else
        l->conns = link->next;
    if (link->next)
        conn_link(link->next)->prev = link->prev;
    peer_leave(l, link->peer);
    l->conns_len--;
    if (l->starved) /* its handle is closed a moment from now: look in the next pass */
        loop_timer_set(l->retry, loop_mono_ns(l->loop));
}

static void on_ready(void *context, unsigned events)
{
    struct listener *l = context;

    (void)events;
    for (int i = 0; i < ACCEPT_TURN_MAX && l->sock; i++) {
        struct os_sock *sock;
        enum status st = os_sock_accept(l->sock, &sock);
        if (st == ST_AGAIN)
            return;
        if (st != ST_OK) {
            starve(l);
            return;
        }
        take(l, sock);
    }
}

enum status listener_open(struct loop *loop, const char *address,
                          const struct conn_handler *handler, void *context,
                          const struct conn_limits *limits, struct listener **out)
{
    struct listener *l = xcalloc(1, sizeof(*l));
    char remote[ADDRESS_MAX];
    enum status st;

    *out = NULL;
    l->loop = loop;
    l->handler = handler;
    l->context = context;
    l->limits = *limits;
    map_init(&l->peers);
    st = os_listen(loop_os(loop), address, &l->sock);
    if (st != ST_OK)
        goto fail_listen;
    st = loop_watch_add(loop, l->sock, OS_IN, on_ready, l, &l->watch);
    if (st != ST_OK)
        goto fail_watch;
    os_sock_address(l->sock, l->address, remote, sizeof(remote));
    l->retry = loop_timer_create(loop, unstarve, l);
    *out = l;
    return ST_OK;
fail_watch:
    os_sock_close(l->sock);
fail_listen:
    free(l);
    return st;
}

const char *listener_address(const struct listener *l)
{
    return l->address;
}

uint32_t listener_conns(const struct listener *l)
{
    return l->conns_len;
}

void listener_secure(struct listener *l, struct tls_server *tls)
{
    l->tls = tls;
}

void listener_stop(struct listener *l)
{
    if (!l->sock)
        return;
    loop_timer_clear(l->retry);
    loop_watch_remove(l->watch);
    os_sock_close(l->sock);
    l->watch = NULL;
    l->sock = NULL;
}

void listener_close(struct listener *l)
{
    if (!l)
        return;
    listener_stop(l);
    l->starved = false;
    while (l->conns)
        conn_destroy(l->conns);
    loop_timer_destroy(l->retry);
    CHECK(map_size(&l->peers) == 0);
    map_deinit(&l->peers);
    free(l);
}
