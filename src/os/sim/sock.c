/* sock.c: simulated TCP. What is sent is a segment in the receiver's queue that may be read from
 * its time of arrival on; the queue's bound is the sender's back-pressure.
 *
 * A reset discards what the other side has not read yet: the worst that TCP allows. Closing with
 * unread input resets, as Linux does.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "os/address.h"
#include "os/sim/internal.h"

enum { BACKLOG_MAX = 128, PORT_FIRST = 20000 };
#define NEVER INT64_MAX

struct segment {
    struct segment *next;
    int64_t at_ns;
    size_t len, used;
    uint8_t data[];
};

struct sim_sock {
    struct os_sock sock;
    struct sim_handle handle;
    struct sim_sock *next, *prev;
    bool is_listener;
    uint16_t port, remote_port;
    struct sim_poller *poller; /* where it is watched, if it is */
    unsigned events;
    void *tag;

    struct sim_sock *backlog;      /* a listener's, the oldest first */
    struct sim_sock *backlog_next; /* of a waiting one */
    struct sim_sock *listener;     /* likewise */

    struct sim_sock *peer; /* NULL: closed */
    int64_t up_ns;         /* connected from then on */
    int64_t end_ns;        /* the peer's end arrives */
    int64_t reset_ns;
    bool finished; /* we have sent all */
    struct segment *in_first, *in_last;
    size_t in_bytes;
    int64_t in_ns; /* the last segment's arrival */
};

static const struct os_sock_class sock_class;

static struct sim_sock *of(struct os_sock *sock)
{
    return (struct sim_sock *)sock;
}

static int64_t delay(struct sim *sim)
{
    int64_t most = sim->options.net_delay_ns_max;

    return sim->world->mono_ns + (most > 0 ? rng_between(&sim->world->net_rng, 0, most) : 0);
}

static enum status closed(struct sim_sock *s, const char *what, const char *why)
{
    return sim_failed(s->handle.sim, ST_CLOSED, what, "peer", why);
}

static bool is_dead(const struct sim_sock *s)
{
    return sim_handle_dead(&s->handle);
}

static bool is_reset(const struct sim_sock *s)
{
    return s->reset_ns <= s->handle.sim->world->mono_ns;
}

static size_t room(const struct sim_sock *s)
{
    size_t bound = s->handle.sim->options.net_buffer_bytes;

    return s->peer->in_bytes < bound ? bound - s->peer->in_bytes : 0;
}

static size_t cut(struct sim *sim, size_t len)
{
    if (len <= 1 || !sim_fault(sim, &sim->world->net_rng, sim->options.net_cut))
        return len;
    return 1 + (size_t)rng_below(&sim->world->net_rng, len - 1);
}

/* ---- life ---- */

static struct sim_sock *sock_new(struct sim *sim, uint16_t port)
{
    struct sim_sock *s = xcalloc(1, sizeof(*s));

    s->sock.class = &sock_class;
    s->handle.sim = sim;
    s->handle.life = sim->life;
    s->port = port;
    s->end_ns = s->reset_ns = NEVER;
    s->next = sim->world->net.socks;
    if (s->next)
        s->next->prev = s;
    sim->world->net.socks = s;
    return s;
}

static void drop_input(struct sim_sock *s)
{
    while (s->in_first) {
        struct segment *seg = s->in_first;
        s->in_first = seg->next;
        free(seg);
    }
    s->in_last = NULL;
    s->in_bytes = 0;
}

static void reset(struct sim_sock *s, int64_t at_ns)
{
    if (at_ns < s->reset_ns)
        s->reset_ns = at_ns;
}

static void send_end(struct sim_sock *s)
{
    struct sim_sock *peer = s->peer;
    int64_t at;

    s->finished = true;
    if (!peer)
        return;
    at = delay(s->handle.sim);
    peer->end_ns = at > peer->in_ns ? at : peer->in_ns;
}

static void leave_peer(struct sim_sock *s)
{
    if (!s->peer)
        return;
    if (s->in_bytes > 0)
        reset(s->peer, delay(s->handle.sim));
    else if (!s->finished)
        send_end(s);
    s->peer->peer = NULL;
    s->peer = NULL;
}

void sim_socks_end(struct sim *sim)
{
    for (struct sim_sock *s = sim->world->net.socks; s; s = s->next)
        if (s->handle.sim == sim && s->peer && s->peer->handle.sim != sim) {
            reset(s->peer, delay(sim));
            s->peer->peer = NULL;
            s->peer = NULL;
        }
}

static void backlog_remove(struct sim_sock *listener, struct sim_sock *s)
{
    struct sim_sock **link = &listener->backlog;

    while (*link != s)
        link = &(*link)->backlog_next;
    *link = s->backlog_next;
    s->backlog_next = s->listener = NULL;
}

static void sock_end(struct sim_sock *s)
{
    struct sim *sim = s->handle.sim;

    while (s->backlog) {
        struct sim_sock *waiting = s->backlog;
        if (waiting->peer)
            reset(waiting->peer, delay(sim));
        sock_end(waiting);
    }
    if (s->listener)
        backlog_remove(s->listener, s);
    leave_peer(s);
    drop_input(s);
    if (s->prev)
        s->prev->next = s->next;
    else
        sim->world->net.socks = s->next;
    if (s->next)
        s->next->prev = s->prev;
    free(s);
}

static void sock_free(struct sim_handle *handle)
{
    sim_handle_close(handle);
    sock_end((struct sim_sock *)((char *)handle - offsetof(struct sim_sock, handle)));
}

static void sock_close(struct os_sock *sock)
{
    sock_free(&of(sock)->handle);
}

/* ---- for the poller ---- */

struct sim_sock *sim_sock_next(struct sim_sock *s)
{
    return s->next;
}

struct sim_poller *sim_sock_poller(const struct sim_sock *s, unsigned *events, void **tag)
{
    *events = s->events;
    *tag = s->tag;
    return s->poller;
}

void sim_sock_unwatch(struct sim_sock *s)
{
    s->poller = NULL;
    s->events = 0;
}

static unsigned listener_events(const struct sim_sock *s)
{
    for (struct sim_sock *w = s->backlog; w; w = w->backlog_next)
        if (w->up_ns <= s->handle.sim->world->mono_ns)
            return OS_IN;
    return 0;
}

unsigned sim_sock_events(const struct sim_sock *s)
{
    int64_t now = s->handle.sim->world->mono_ns;
    unsigned events = 0;

    if (is_dead(s))
        return 0;
    if (s->is_listener)
        return listener_events(s);
    if (is_reset(s))
        return OS_IN | OS_OUT | OS_HUP;
    if (now < s->up_ns)
        return 0;
    if ((s->in_first && s->in_first->at_ns <= now) || s->end_ns <= now)
        events |= OS_IN;
    if (!s->peer || s->finished || room(s) > 0)
        events |= OS_OUT;
    if (s->finished && s->end_ns <= now)
        events |= OS_HUP;
    return events;
}

static void earlier(int64_t *least, int64_t at_ns, int64_t now)
{
    if (at_ns > now && at_ns < *least)
        *least = at_ns;
}

int64_t sim_sock_changes_at(const struct sim_sock *s)
{
    int64_t now = s->handle.sim->world->mono_ns, least = NEVER;

    if (is_dead(s))
        return NEVER;
    for (struct sim_sock *w = s->backlog; w; w = w->backlog_next)
        earlier(&least, w->up_ns, now);
    if (!s->is_listener) {
        earlier(&least, s->up_ns, now);
        earlier(&least, s->end_ns, now);
        earlier(&least, s->reset_ns, now);
    }
    if (s->in_first)
        earlier(&least, s->in_first->at_ns, now);
    return least;
}

static enum status sock_watch(struct os_sock *sock, struct os_poller *poller, unsigned events,
                              void *tag)
{
    struct sim_sock *s = of(sock);

    CHECK_IF(events != 0, tag != NULL);
    if (is_dead(s))
        return events == 0 ? ST_OK : closed(s, "watch", "the handle is dead");
    CHECK_IF(s->events, s->poller == (struct sim_poller *)poller);
    s->events = events;
    s->tag = tag;
    s->poller = events ? (struct sim_poller *)poller : NULL;
    return ST_OK;
}

/* ---- bytes ---- */

/* ST_OK when bytes may flow, whichever way. */
static enum status check_up(struct sim_sock *s, const char *what)
{
    CHECK(!s->is_listener);
    if (is_dead(s))
        return closed(s, what, "the handle is dead");
    if (is_reset(s)) {
        drop_input(s);
        return closed(s, what, "connection reset");
    }
    return s->handle.sim->world->mono_ns < s->up_ns ? ST_AGAIN : ST_OK;
}

static enum status sock_recv(struct os_sock *sock, void *to, size_t len, size_t *got)
{
    struct sim_sock *s = of(sock);
    int64_t now = s->handle.sim->world->mono_ns;

    CHECK(len > 0);
    *got = 0;
    TRY(check_up(s, "receive from"));
    if (s->in_first && s->in_first->at_ns <= now)
        len = cut(s->handle.sim, len < s->in_bytes ? len : s->in_bytes);
    while (*got < len && s->in_first && s->in_first->at_ns <= now) {
        struct segment *seg = s->in_first;
        size_t part = seg->len - seg->used < len - *got ? seg->len - seg->used : len - *got;
        memcpy((uint8_t *)to + *got, seg->data + seg->used, part);
        *got += part;
        seg->used += part;
        s->in_bytes -= part;
        if (seg->used < seg->len)
            break;
        s->in_first = seg->next;
        if (!seg->next)
            s->in_last = NULL;
        free(seg);
    }
    if (*got > 0)
        return ST_OK;
    return s->end_ns <= now ? ST_END : ST_AGAIN;
}

/* The first len bytes of the parts, on their way to s. */
static void deliver(struct sim_sock *s, const struct bytes *parts, size_t len)
{
    struct segment *seg = xmalloc(sizeof(*seg) + len);
    int64_t at = delay(s->handle.sim);

    *seg = (struct segment){.at_ns = at > s->in_ns ? at : s->in_ns};
    for (; seg->len < len; parts++) {
        size_t part = parts->len < len - seg->len ? parts->len : len - seg->len;
        if (part > 0)
            memcpy(seg->data + seg->len, parts->ptr, part);
        seg->len += part;
    }
    if (s->in_last)
        s->in_last->next = seg;
    else
        s->in_first = seg;
    s->in_last = seg;
    s->in_ns = seg->at_ns;
    s->in_bytes += len;
}

static enum status sock_send(struct os_sock *sock, const struct bytes *parts, int count,
                             size_t *sent)
{
    struct sim_sock *s = of(sock);
    struct sim *sim = s->handle.sim;
    size_t len = 0;

    *sent = 0;
    for (int i = 0; i < count; i++)
        len += parts[i].len;
    CHECK(len > 0);
    TRY(check_up(s, "send to"));
    if (s->finished)
        return closed(s, "send to", "it was told that all was sent");
    if (!s->peer) { /* goes out, and what comes back is a reset */
        reset(s, delay(sim));
        *sent = len;
        return ST_OK;
    }
    if (sim_fault(sim, &sim->world->net_rng, sim->options.net_reset)) {
        reset(s->peer, delay(sim));
        reset(s, sim->world->mono_ns);
        return closed(s, "send to", "connection reset");
    }
    if (room(s) == 0)
        return ST_AGAIN;
    len = cut(sim, len < room(s) ? len : room(s));
    deliver(s->peer, parts, len);
    *sent = len;
    return ST_OK;
}

static enum status sock_send_file(struct os_sock *sock, struct os_file *file, uint64_t pos, size_t len,
                                  size_t *sent)
{
    struct sim *sim = of(sock)->handle.sim;
    uint8_t *copy = xmalloc(len);
    size_t got;

    *sent = 0;
    enum status st = os_file_read(file, pos, copy, len, &got);
    if (st == ST_OK && got == 0)
        st = sim_failed(sim, ST_IO, "send a file to", "peer", "the file ends before");
    if (st == ST_OK) {
        struct bytes part = bytes_of(copy, got);
        st = sock_send(sock, &part, 1, sent);
    }
    free(copy);
    return st;
}

static void sock_finish(struct os_sock *sock)
{
    struct sim_sock *s = of(sock);

    if (!is_dead(s) && !is_reset(s) && !s->finished)
        send_end(s);
}

static void sock_address(struct os_sock *sock, char *local, char *remote, size_t size)
{
    struct sim_sock *s = of(sock);

    CHECK(size > 0);
    snprintf(local, size, "127.0.0.1:%u", s->port);
    remote[0] = 0;
    if (!s->is_listener)
        snprintf(remote, size, "127.0.0.1:%u", s->remote_port);
}

/* ---- making them ---- */

static enum status sock_accept(struct os_sock *sock, struct os_sock **out)
{
    struct sim_sock *l = of(sock), *s;

    *out = NULL;
    CHECK(l->is_listener);
    if (is_dead(l))
        return closed(l, "accept from", "the handle is dead");
    for (s = l->backlog; s && s->up_ns > l->handle.sim->world->mono_ns; s = s->backlog_next)
        ;
    if (!s)
        return ST_AGAIN;
    TRY(sim_handle_check(l->handle.sim, "accept"));
    backlog_remove(l, s);
    sim_handle_open(l->handle.sim, &s->handle, sock_free);
    *out = &s->sock;
    return ST_OK;
}

static const struct os_sock_class sock_class = {
    .watch = sock_watch,
    .accept = sock_accept,
    .recv = sock_recv,
    .send = sock_send,
    .send_file = sock_send_file,
    .finish = sock_finish,
    .address = sock_address,
    .close = sock_close,
};

static struct sim_sock *listener_at(struct sim *sim, uint16_t port)
{
    for (struct sim_sock *s = sim->world->net.socks; s; s = s->next)
        if (s->is_listener && s->port == port && !is_dead(s))
            return s;
    return NULL;
}

static uint16_t free_port(struct sim *sim)
{
    do {
        if (sim->world->net.next_port < PORT_FIRST)
            sim->world->net.next_port = PORT_FIRST; /* it went round */
        sim->world->net.next_port++;
    } while (listener_at(sim, sim->world->net.next_port));
    return sim->world->net.next_port;
}

static enum status parse(struct sim *sim, const char *address, uint16_t *port)
{
    char host[OS_HOST_MAX];

    if (!os_address_split(address, host, port))
        return sim_failed(sim, ST_INVALID, "address", address, "not host:port");
    return ST_OK;
}

enum status sim_listen(struct os *os, const char *address, struct os_sock **out)
{
    struct sim *sim = sim_of(os);
    struct sim_sock *s;
    uint16_t port;

    *out = NULL;
    TRY(parse(sim, address, &port));
    TRY(sim_handle_check(sim, "listen"));
    if (port && listener_at(sim, port))
        return sim_failed(sim, ST_EXISTS, "listen on", address, "address in use");
    s = sock_new(sim, port ? port : free_port(sim));
    s->is_listener = true;
    sim_handle_open(sim, &s->handle, sock_free);
    *out = &s->sock;
    return ST_OK;
}

/* The other end, waiting at its listener. */
static void join_backlog(struct sim_sock *listener, struct sim_sock *client)
{
    struct sim *sim = listener->handle.sim;
    struct sim_sock *s = sock_new(sim, listener->port), **link = &listener->backlog;
    int waiting = 0;

    for (; *link; link = &(*link)->backlog_next)
        waiting++;
    *link = s;
    s->listener = listener;
    s->remote_port = client->port;
    s->up_ns = delay(sim);
    s->peer = client;
    client->peer = s;
    client->up_ns = delay(sim);
    sim->counts.connections++;
    if (waiting >= BACKLOG_MAX) {
        reset(client, delay(sim));
        sock_end(s);
    }
}

enum status sim_connect(struct os *os, const char *address, struct os_sock **out)
{
    struct sim *sim = sim_of(os);
    struct sim_sock *s, *listener;
    uint16_t port;

    *out = NULL;
    TRY(parse(sim, address, &port));
    TRY(sim_handle_check(sim, "connect"));
    s = sock_new(sim, free_port(sim));
    s->remote_port = port;
    sim_handle_open(sim, &s->handle, sock_free);
    listener = listener_at(sim, port);
    if (listener)
        join_backlog(listener, s);
    else
        reset(s, delay(sim));
    *out = &s->sock;
    return ST_OK;
}
