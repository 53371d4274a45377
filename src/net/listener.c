/* listener.c: takes connections in, so many at once, and survives having no handles left.
 *
 * When the process has no file handles an accept fails while the connection stays ready, which
 * would spin a level-triggered loop. The listener then stops watching, and looks again when one of
 * its connections has gone, or after a short time (handles may have been freed elsewhere).
 */
#include <stdlib.h>

#include "base/check.h"
#include "net/internal.h"

enum { ACCEPT_TURN_MAX = 64, ADDRESS_MAX = 128 };
#define RETRY_NS ((int64_t)100 * 1000 * 1000)

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
    size_t in_bytes; /* of the connections' input buffers */
    bool starved; /* no handles were left: not watching */
    char address[ADDRESS_MAX];
};

bool listener_input(struct listener *l, size_t had, size_t has)
{
    CHECK(l->in_bytes >= had);
    l->in_bytes += has - had;
    return l->limits.in_bytes_sum == 0 || l->in_bytes <= l->limits.in_bytes_sum;
}

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

    if (l->conns_len >= l->limits.conns_max) {
        os_sock_close(sock);
        return;
    }
    c = conn_new(l->loop, sock, l->handler, &l->limits, l);
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
    free(l);
}
