/* conn.c: the life of one connection.
 *
 *   OPEN --peer's end--> HALF --all answered-----------------------------------> CLOSED
 *   OPEN, HALF --conn_close_after_send--> DRAINING --sent--> LINGERING --end, time--> CLOSED
 *   any --conn_close, error, limit-----------------------------------------------> CLOSED
 *
 * OPEN reads and sends. HALF sends only; the peer will send no more. DRAINING sends what is queued
 * and reads nothing. LINGERING has told the peer that all was sent and throws away what still
 * comes, because closing a socket with unread input resets it, and a reset can overtake the answer
 * on its way to the peer's program. CLOSED waits for the end of the pass.
 *
 * With TLS what is sent is encrypted in between (net/tls_session.h): `unsent` counts what is not
 * encrypted yet. Nothing is offered before the handshake is over, which has TLS_HANDSHAKE_NS.
 *
 * The face is told on_close when it enters LINGERING or is taken down, once. Callbacks of the face
 * never free the connection: it goes in its deferred turn, where no other code of it is running.
 */
#include "net/conn.h"

#include <stdlib.h>

#include "base/check.h"
#include "net/internal.h"
#include "net/tls_session.h"

enum {
    READ_BYTES = 64 * 1024,        /* asked of the socket at once */
    READ_TURN_BYTES = 256 * 1024,  /* then others have their turn */
    SEND_TURN_BYTES = 256 * 1024,  /* likewise */
    SEND_NOW_BYTES = 256 * 1024,   /* a queue so large does not wait for the end of the pass */
    CHUNK_BYTES = 16 * 1024,       /* small sends gather in chunks of this size */
    PARTS_MAX = 64,
    TLS_UNSENT_MAX = 256 * 1024,   /* answers of TLS itself to one that does not read them */
    FRAME_BYTES_PER_SECOND = 1024, /* a slower frame than this is held to be an attack */
};
#define SECOND_NS ((int64_t)1000000000)
#define LINGER_NS (2 * SECOND_NS)

enum conn_state { CONN_OPEN, CONN_HALF, CONN_DRAINING, CONN_LINGERING, CONN_CLOSED };

/* A piece of the output queue: a chunk of our own with room to grow, or somebody's bytes, or a file's. */
struct part {
    struct part *next;
    const uint8_t *ptr;
    size_t len; /* unsent */
    struct os_file *file; /* NULL: the bytes are at ptr */
    uint64_t file_pos;
    conn_release_fn *release;
    void *context;
    size_t room; /* left in own[] */
    uint8_t own[];
};

struct conn {
    struct loop *loop;
    struct os_sock *sock;
    struct tls *tls; /* NULL: none */
    struct loop_watch *watch;
    struct listener *listener;
    size_t in_counted; /* of `in` and face_holds, by the listener */
    size_t face_holds; /* of a frame that is not whole: by the face */
    struct conn_link link;
    const struct conn_handler *handler;
    void *face; /* the face's state */
    bool told;  /* on_close is still owed */
    bool ended; /* the peer has sent all */
    enum conn_state state;
    struct conn_limits limits;

    struct buf in;
    size_t in_at; /* of in: where the unused bytes begin */
    bool held;    /* input is not offered because too much output waits */
    unsigned paused;

    struct part *out_first, *out_last;
    size_t unsent;
    int64_t out_since_ns; /* while there is some: how long */
    bool blocked;   /* the socket takes no more for now */
    bool sent_some; /* since on_drain was last thought of */

    struct loop_defer defer;
    bool offer_again; /* in the deferred turn: resumed */

    struct loop_timer *timer; /* idle or linger limit; NULL: none */
    int64_t opened_ns;
    int64_t active_ns; /* a byte last went either way */
    int64_t frame_ns;  /* the oldest unused input came */
};

static void conn_ready(void *context, unsigned events);
static void conn_deferred(void *context);
static void conn_timer(void *context);

/* ---- small questions ---- */

static size_t in_len(const struct conn *c)
{
    return c->in.len - c->in_at;
}

/* Encrypted, and not sent. */
static size_t unsent_tls(const struct conn *c)
{
    return c->tls ? tls_unsent(c->tls) : 0;
}

static bool wants_input(const struct conn *c)
{
    if (c->state == CONN_LINGERING)
        return true;
    return c->state == CONN_OPEN && c->paused == 0 && c->unsent < c->limits.out_bytes_pause &&
           unsent_tls(c) < TLS_UNSENT_MAX;
}

bool conn_closing(const struct conn *c)
{
    return c->state >= CONN_DRAINING;
}

size_t conn_unsent(const struct conn *c)
{
    return c->unsent;
}

struct loop *conn_loop(const struct conn *c)
{
    return c->loop;
}

void conn_address(const struct conn *c, char *local, char *remote, size_t size)
{
    os_sock_address(c->sock, local, remote, size);
}

const char *conn_server_name(const struct conn *c)
{
    return c->tls ? tls_server_name(c->tls) : NULL;
}

bool conn_has_tls(const struct conn *c)
{
    return c->tls != NULL;
}

bool conn_has_peer_certificate(const struct conn *c)
{
    return c->tls && tls_has_peer_certificate(c->tls);
}

bool conn_peer_subject(const struct conn *c, struct buf *out)
{
    return c->tls && tls_peer_subject(c->tls, out);
}

struct conn_link *conn_link(struct conn *c)
{
    return &c->link;
}

static void defer(struct conn *c)
{
    loop_defer(c->loop, &c->defer);
}

static void watch_update(struct conn *c)
{
    unsigned events = OS_HUP;

    if (!c->watch || c->state == CONN_CLOSED)
        return;
    if (wants_input(c))
        events |= OS_IN;
    if (c->blocked)
        events |= OS_OUT;
    loop_watch_set(c->watch, events);
}

/* ---- life ---- */

struct conn *conn_new(struct loop *loop, struct os_sock *sock, const struct conn_handler *handler,
                      const struct conn_limits *limits, struct listener *listener)
{
    struct conn *c = xcalloc(1, sizeof(*c));

    CHECK(limits->in_bytes_max > 0);
    CHECK(limits->out_bytes_pause > 0);
    CHECK(limits->out_bytes_max >= limits->out_bytes_pause);
    c->loop = loop;
    c->sock = sock;
    c->handler = handler;
    c->limits = *limits;
    c->listener = listener;
    c->defer = (struct loop_defer){.fn = conn_deferred, .context = c};
    c->opened_ns = c->active_ns = c->frame_ns = loop_mono_ns(loop);
    buf_init(&c->in, 0);
    return c;
}

bool conn_secure(struct conn *c, struct tls_server *server)
{
    c->tls = tls_begin(server, c->opened_ns);
    return c->tls != NULL;
}

enum status conn_start(struct conn *c, void *face)
{
    c->face = face;
    c->told = true;
    if (c->state == CONN_CLOSED)
        return ST_OK; /* already by on_open; its deferred turn does the rest */
    TRY(loop_watch_add(c->loop, c->sock, OS_HUP, conn_ready, c, &c->watch));
    if (c->limits.idle_ns_max > 0 || c->tls) {
        c->timer = loop_timer_create(c->loop, conn_timer, c);
        loop_timer_set(c->timer, c->tls ? c->opened_ns + TLS_HANDSHAKE_NS
                                        : c->active_ns + c->limits.idle_ns_max);
    }
    watch_update(c);
    return ST_OK;
}

enum status conn_connect(struct loop *loop, const char *address, const struct conn_handler *handler,
                         void *state, const struct conn_limits *limits, struct conn **out)
{
    struct os_sock *sock;
    struct conn *c;
    enum status st;

    *out = NULL;
    TRY(os_connect(loop_os(loop), address, &sock));
    c = conn_new(loop, sock, handler, limits, NULL);
    st = conn_start(c, state);
    if (st != ST_OK) {
        c->told = false; /* the status tells it */
        conn_destroy(c);
        return st;
    }
    *out = c;
    return ST_OK;
}

static void part_free(struct part *p)
{
    if (p->release)
        p->release(p->context);
    free(p);
}

/* What waits to be sent has become more or less. */
static void unsent_set(struct conn *c, size_t unsent)
{
    size_t had = c->unsent;

    if (had == 0)
        c->out_since_ns = loop_mono_ns(c->loop);
    c->unsent = unsent;
    if (c->listener && had != unsent)
        listener_output(c->listener, had, unsent);
}

int64_t conn_stuck_since(const struct conn *c)
{
    return c->unsent ? c->out_since_ns : INT64_MAX;
}

static void drop_output(struct conn *c)
{
    while (c->out_first) {
        struct part *p = c->out_first;
        c->out_first = p->next;
        part_free(p);
    }
    c->out_last = NULL;
    unsent_set(c, 0);
    c->blocked = false;
}

static void tell_closed(struct conn *c)
{
    if (!c->told)
        return;
    c->told = false;
    loop_again(c->loop); /* the face may have given work to a hook */
    c->handler->on_close(c->face, c);
}

void conn_destroy(struct conn *c)
{
    c->state = CONN_CLOSED;
    drop_output(c);
    tell_closed(c);
    if (c->tls)
        tls_finish(c->tls, c->sock); /* as far as it goes: a client tells it from a cut wire */
    if (c->listener) {
        (void)listener_input(c->listener, c->in_counted, 0);
        listener_forget(c->listener, c);
    }
    loop_defer_cancel(c->loop, &c->defer);
    loop_timer_destroy(c->timer);
    if (c->watch)
        loop_watch_remove(c->watch);
    tls_end(c->tls);
    os_sock_close(c->sock);
    buf_deinit(&c->in);
    free(c);
}

void conn_close(struct conn *c)
{
    if (c->state == CONN_CLOSED)
        return;
    c->state = CONN_CLOSED;
    if (c->watch)
        loop_watch_set(c->watch, 0);
    drop_output(c);
    defer(c);
}

void conn_close_after_send(struct conn *c)
{
    if (conn_closing(c))
        return;
    c->paused = 0;
    c->state = CONN_DRAINING;
    watch_update(c);
    defer(c);
}

static void linger(struct conn *c)
{
    c->state = CONN_LINGERING;
    if (c->tls)
        tls_finish(c->tls, c->sock);
    os_sock_finish(c->sock);
    if (!c->timer)
        c->timer = loop_timer_create(c->loop, conn_timer, c);
    loop_timer_set(c->timer, loop_mono_ns(c->loop) + LINGER_NS);
    watch_update(c);
    tell_closed(c);
}

/* Called wherever the last of something may have gone: takes the edge that is due. */
static void settle(struct conn *c)
{
    if (c->unsent > 0 || unsent_tls(c) > 0)
        return;
    if (c->state == CONN_DRAINING && !c->ended)
        linger(c);
    else if (c->state == CONN_DRAINING)
        conn_close(c); /* a peer that has sent all cannot be overtaken by a reset */
    else if (c->state == CONN_HALF && c->paused == 0 && !c->offer_again)
        conn_close(c);
}

/* ---- input ---- */

/* False: the listener's connections hold more than they may together. */
static bool input_count(struct conn *c)
{
    size_t had = c->in_counted;

    c->in_counted = c->in.cap + c->face_holds;
    return !c->listener || listener_input(c->listener, had, c->in_counted);
}

/* A quiet connection holds no buffer. */
static void input_drop(struct conn *c)
{
    c->in_at = 0;
    buf_deinit(&c->in);
    buf_init(&c->in, 0);
    (void)input_count(c);
}

static void input_used(struct conn *c, size_t used)
{
    c->in_at += used;
    if (c->face_holds == 0) /* else it is the same frame still */
        c->frame_ns = loop_mono_ns(c->loop);
    if (in_len(c) == 0)
        input_drop(c);
}

bool conn_unfinished(struct conn *c, size_t bytes)
{
    if (c->face_holds != bytes && (c->face_holds == 0 || bytes == 0))
        c->frame_ns = loop_mono_ns(c->loop); /* it begins, or is over */
    c->face_holds = bytes;
    return input_count(c) || bytes <= READ_BYTES;
}

/* Gives the face what is buffered until it wants more, pauses or closes. */
static void offer(struct conn *c)
{
    c->held = false;
    while (in_len(c) > 0 && c->paused == 0 && !conn_closing(c)) {
        if (c->unsent >= c->limits.out_bytes_pause) {
            c->held = true;
            return;
        }
        struct bytes in = bytes_skip(buf_view(&c->in), c->in_at);
        size_t used = c->handler->on_bytes(c->face, c, in);
        if (conn_closing(c))
            return;
        CHECK(used <= in.len);
        if (used == 0) {
            if (c->paused == 0 && in.len >= c->limits.in_bytes_max)
                conn_close(c); /* it can never be more: not a frame of this face */
            return;
        }
        input_used(c, used);
    }
}

/* Room for the next read, within the limit; what is unused moves to the front when needed. */
static size_t input_room(struct conn *c)
{
    size_t room = c->limits.in_bytes_max > in_len(c) ? c->limits.in_bytes_max - in_len(c) : 0;

    if (c->in_at > 0 && c->in.len + READ_BYTES > c->in.cap) {
        buf_consume(&c->in, c->in_at);
        c->in_at = 0;
    }
    return room < READ_BYTES ? room : READ_BYTES;
}

/* Receives into `in`; *full: there may be more to receive. ST_OK may have brought no byte that is
 * the face's, when TLS had something of its own. */
static enum status receive(struct conn *c, size_t room, bool *full)
{
    size_t got = 0;

    if (c->tls)
        return tls_recv(c->tls, c->sock, &c->in, full);
    enum status st = os_sock_recv(c->sock, buf_reserve(&c->in, room), room, &got);
    if (st == ST_OK)
        buf_advance(&c->in, got);
    *full = got == room;
    return st;
}

/* What was received, though the peer may have ended with it. */
static void received(struct conn *c, size_t got, size_t unused)
{
    if (got == 0)
        return;
    c->active_ns = loop_mono_ns(c->loop);
    if (unused == 0)
        c->frame_ns = c->active_ns;
    offer(c);
}

/* Not TLS, or a handshake that came to nothing: the alert that says so is still sent. */
static void tls_broken(struct conn *c)
{
    drop_output(c);
    conn_close_after_send(c);
}

/* One read and its offering; false when there is no more for now. */
static bool read_once(struct conn *c, size_t *total)
{
    size_t room = input_room(c), before = c->in.len, unused = in_len(c) + c->face_holds;
    bool full = false;

    if (room == 0)
        return false; /* full and the face is paused or over its output: it stays in the kernel */
    enum status st = receive(c, room, &full);
    if (st == ST_AGAIN)
        return false;
    *total += c->in.len - before;
    if (!input_count(c) && in_len(c) > READ_BYTES && c->in.len > before) {
        input_drop(c); /* at once, or the others of this pass would be closed for it too */
        conn_close(c); /* many large frames that do not come to their end */
        return false;
    }
    received(c, c->in.len - before, unused);
    if (unsent_tls(c) > 0)
        defer(c); /* TLS answers by itself */
    if (c->state == CONN_CLOSED)
        return false;
    if (st == ST_END) {
        c->ended = true;
        if (c->state == CONN_OPEN)
            c->state = CONN_HALF;
    } else if (st == ST_INVALID) {
        tls_broken(c);
    } else if (st != ST_OK) {
        conn_close(c);
    }
    return st == ST_OK && full;
}

static void discard_input(struct conn *c)
{
    uint8_t waste[4096];
    size_t got;

    for (int i = 0; i < 16; i++) {
        enum status st = os_sock_recv(c->sock, waste, sizeof(waste), &got);
        if (st == ST_AGAIN)
            return;
        if (st != ST_OK) {
            conn_close(c);
            return;
        }
    }
}

static void read_input(struct conn *c)
{
    size_t total = 0;

    if (c->state == CONN_LINGERING) {
        discard_input(c);
        return;
    }
    while (wants_input(c) && total < READ_TURN_BYTES)
        if (!read_once(c, &total))
            break;
    if (c->state == CONN_CLOSED)
        return;
    if (in_len(c) == 0 && c->in.cap > 0)
        input_drop(c);
    watch_update(c);
    settle(c);
}

void conn_pause(struct conn *c)
{
    c->paused++;
    watch_update(c);
}

void conn_resume(struct conn *c)
{
    if (conn_closing(c))
        return; /* closing let go of all pauses */
    CHECK(c->paused > 0);
    if (--c->paused > 0)
        return;
    c->active_ns = c->frame_ns = loop_mono_ns(c->loop);
    c->offer_again = true;
    watch_update(c);
    defer(c);
}

/* ---- output ---- */

static void append_part(struct conn *c, struct part *p)
{
    if (c->out_last)
        c->out_last->next = p;
    else
        c->out_first = p;
    c->out_last = p;
}

/* Takes n sent bytes off the front of the queue. */
static void output_sent(struct conn *c, size_t n)
{
    unsent_set(c, c->unsent - n);
    while (n > 0) {
        struct part *p = c->out_first;
        size_t take = n < p->len ? n : p->len;
        if (p->file)
            p->file_pos += take;
        else
            p->ptr += take;
        p->len -= take;
        n -= take;
        if (p->len > 0)
            break;
        c->out_first = p->next;
        if (!c->out_first)
            c->out_last = NULL;
        part_free(p);
        if (c->state == CONN_CLOSED)
            return; /* by the release: the queue is gone */
    }
}

static enum status send_once(struct conn *c, size_t *sent)
{
    struct bytes parts[PARTS_MAX];
    struct part *first = c->out_first;
    int count = 0;

    if (first && first->file)
        return os_sock_send_file(c->sock, first->file, first->file_pos,
                                 first->len < SEND_TURN_BYTES ? first->len : SEND_TURN_BYTES, sent);
    for (struct part *p = first; p && !p->file && count < PARTS_MAX; p = p->next)
        parts[count++] = bytes_of(p->ptr, p->len);
    return c->tls ? tls_send(c->tls, c->sock, parts, count, sent)
                  : os_sock_send(c->sock, parts, count, sent);
}

/* Sends what the socket takes. Calls nothing of the face's but releases. */
static void flush(struct conn *c)
{
    size_t total = 0, sent;

    while ((c->unsent > 0 || unsent_tls(c) > 0) && total < SEND_TURN_BYTES) {
        enum status st = send_once(c, &sent);
        if (st == ST_AGAIN)
            break;
        if (st != ST_OK) {
            conn_close(c);
            return;
        }
        if (sent > 0) {
            c->active_ns = loop_mono_ns(c->loop);
            output_sent(c, sent);
            c->sent_some = true;
        }
        total += sent;
        if (c->state == CONN_CLOSED)
            return;
    }
    /* TLS takes all there is until the socket is full; before the handshake, nothing */
    c->blocked = c->tls ? unsent_tls(c) > 0 : c->unsent > 0;
    if (c->tls && !c->blocked && c->unsent > 0 && tls_up(c->tls))
        defer(c); /* the turn was over */
    watch_update(c);
}

static void queued(struct conn *c, size_t len)
{
    unsent_set(c, c->unsent + len);
    if (c->state == CONN_CLOSED)
        return; /* all of the listener's together have too much */
    if (c->unsent >= SEND_NOW_BYTES && !c->blocked && !c->out_first->file)
        flush(c); /* a file takes no memory of ours while it waits for the others' turn */
    if (c->state == CONN_CLOSED)
        return;
    if (c->unsent > c->limits.out_bytes_max) {
        conn_close(c);
        return;
    }
    watch_update(c);
    if (!c->blocked)
        defer(c);
}

void conn_send(struct conn *c, struct bytes data)
{
    struct part *tail = c->out_last;

    if (conn_closing(c) || data.len == 0)
        return;
    if (!tail || tail->room < data.len) { /* room is 0 in what is not ours */
        size_t size = data.len < CHUNK_BYTES ? CHUNK_BYTES : data.len;
        tail = xmalloc(sizeof(*tail) + size);
        *tail = (struct part){.ptr = tail->own, .room = size};
        append_part(c, tail);
    }
    memcpy((uint8_t *)(uintptr_t)tail->ptr + tail->len, data.ptr, data.len);
    tail->len += data.len;
    tail->room -= data.len;
    queued(c, data.len);
}

static void send_part(struct conn *c, const struct part *part)
{
    struct part *p;

    if (conn_closing(c) || part->len == 0) {
        if (part->release)
            part->release(part->context);
        return;
    }
    p = xmalloc(sizeof(*p));
    *p = *part;
    append_part(c, p);
    queued(c, part->len);
}

void conn_send_view(struct conn *c, struct bytes data, conn_release_fn *release, void *context)
{
    send_part(c, &(struct part){.ptr = data.ptr, .len = data.len, .release = release, .context = context});
}

void conn_send_file(struct conn *c, struct conn_file data, conn_release_fn *release, void *context)
{
    CHECK(!c->tls);
    send_part(
        c, &(struct part){
               .file = data.file, .file_pos = data.pos, .len = data.len, .release = release, .context = context});
}

void conn_send_now(struct conn *c)
{
    if (!conn_closing(c) && !c->blocked)
        flush(c); /* what follows from it is done at the end of the pass */
}

/* Output went: what waited for that goes on. */
static void after_flush(struct conn *c)
{
    bool drained = c->sent_some && c->unsent == 0;

    c->sent_some = false;
    if (c->state == CONN_CLOSED)
        return;
    if (drained && c->handler->on_drain && !conn_closing(c)) {
        loop_again(c->loop);
        c->handler->on_drain(c->face, c);
    }
    if (c->held && c->unsent < c->limits.out_bytes_pause) {
        loop_again(c->loop);
        offer(c);
    }
    if (c->state != CONN_CLOSED)
        settle(c);
}

/* ---- turns ---- */

static void conn_ready(void *context, unsigned events)
{
    struct conn *c = context;

    if ((events & OS_HUP) && !wants_input(c)) {
        conn_close(c); /* nothing is read that could tell it later */
        return;
    }
    if (events & OS_OUT) {
        flush(c);
        after_flush(c);
    }
    if ((events & (OS_IN | OS_HUP)) && wants_input(c))
        read_input(c);
}

static void conn_deferred(void *context)
{
    struct conn *c = context;

    if (c->state == CONN_CLOSED) {
        conn_destroy(c);
        return;
    }
    if (conn_closing(c) && c->in.cap > 0)
        input_drop(c); /* not in conn_close_after_send: on_bytes may have called it */
    if (c->offer_again) {
        c->offer_again = false;
        loop_again(c->loop);
        offer(c);
        if (c->state == CONN_CLOSED)
            return; /* queued again by conn_close */
    }
    if (!c->blocked)
        flush(c);
    after_flush(c);
}

/* When the connection has been too long without progress; INT64_MAX: the face holds it. */
static int64_t idle_at(const struct conn *c)
{
    int64_t at = c->active_ns + c->limits.idle_ns_max;
    int64_t frame_at;

    if (c->tls && !tls_up(c->tls))
        return c->opened_ns + TLS_HANDSHAKE_NS;
    if (c->limits.idle_ns_max <= 0)
        return INT64_MAX;
    if (c->paused > 0 && c->unsent == 0)
        return INT64_MAX;
    size_t unused = in_len(c) + c->face_holds;
    if (unused == 0 || c->paused > 0)
        return at;
    frame_at = c->frame_ns + c->limits.idle_ns_max +
               (int64_t)(unused / FRAME_BYTES_PER_SECOND) * SECOND_NS;
    return frame_at < at ? frame_at : at;
}

static void conn_timer(void *context)
{
    struct conn *c = context;
    int64_t now = loop_mono_ns(c->loop), at = idle_at(c);

    if (c->state >= CONN_LINGERING || at <= now)
        conn_close(c);
    else if (at != INT64_MAX)
        loop_timer_set(c->timer, at);
    else if (c->limits.idle_ns_max > 0)
        loop_timer_set(c->timer, now + c->limits.idle_ns_max);
}
