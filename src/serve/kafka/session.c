/* A frame is a length (i32) and that many bytes: a request. Requests are decoded where they lie in
 * the connection's buffer; the handlers take what they need before they return. */
#include <stdio.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/endian.h"
#include "serve/kafka/face.h"
#include "serve/kafka/inside.h"

enum { LENGTH_BYTES = 4, FREE_CALLS_BUF_MAX = 64 << 10 };

struct session {
    struct kafka_face *face;
    struct conn *conn;
    struct session *next, *prev;
    struct call *first, *last; /* not answered yet, in order of arrival */
    uint32_t calls_count;
    bool paused;
    bool muted; /* until its timer: it did more than its quota */
    struct loop_timer *unmute; /* made when first needed */
    int64_t muted_until_ns;
    bool turned_away; /* muted since it came, and closed by the timer: its address has made too many connections */
    bool ending; /* closes when all calls are answered */
    int64_t reached_ns; /* when it was last noted that its client gets through; 0: never */
    struct auth auth;
    struct kafka_ask *ask; /* of a session inside the server, which has no connection and one call */
};

static void session_mute(struct session *s, int64_t wait_ms);

static void *on_open(void *context, struct conn *conn)
{
    struct kafka_face *face = context;
    struct session *s = xcalloc(1, sizeof(*s));

    s->face = face;
    s->conn = conn;
    s->next = face->sessions;
    if (s->next)
        s->next->prev = s;
    face->sessions = s;
    face->stats.conns++;
    auth_open(&s->auth, face->options.security, conn);
    int64_t wait_ms = quotas_connect(face->quotas, bytes_str(auth_host(&s->auth)), face_now_ms(face));
    s->turned_away = wait_ms > 0;
    if (s->turned_away)
        session_mute(s, wait_ms);
    return s;
}

/* ---- the life of a call ---- */

static struct call *call_new(struct session *s)
{
    struct kafka_face *face = s->face;
    struct call *call = face->free_calls;

    if (call) {
        face->free_calls = call->next;
        call->next = NULL;
    } else {
        call = xcalloc(1, sizeof(*call));
        arena_init(&call->arena, ARENA_BUDGET_NONE);
        buf_init(&call->out, 0);
    }
    call->face = face;
    call->session = s;
    call->serial = ++face->calls_made;
    if (s->last)
        s->last->next = call;
    else
        s->first = call;
    s->last = call;
    s->calls_count++;
    return call;
}

static void call_release_views(struct call *call)
{
    for (uint32_t i = 0; i < call->views_count; i++)
        log_view_release(&call->views[i]);
    call->views_count = 0;
}

/* Back to the free list, without what was large. */
static void call_free(struct call *call)
{
    struct kafka_face *face = call->face;
    struct arena arena = call->arena;
    struct buf out = call->out;

    call_release_views(call);
    face->calls_bytes -= call->counted_bytes;
    if (call->quota)
        quotas_release(call->quota);
    arena_reset(&arena);
    arena.budget_bytes = ARENA_BUDGET_NONE;
    if (arena.used_bytes > FREE_CALLS_BUF_MAX)
        arena_deinit(&arena);
    if (out.cap > FREE_CALLS_BUF_MAX)
        buf_deinit(&out);
    buf_clear(&out);
    *call = (struct call){.arena = arena, .out = out, .next = face->free_calls};
    face->free_calls = call;
}

static void view_release(void *context)
{
    struct log_view *view = context;

    log_view_release(view);
    free(view);
}

/* Takes the view. */
static void send_view(struct conn *conn, struct bytes data, struct log_view *view)
{
    if (data.len < KAFKA_VIEW_BYTES_MIN && !view->file) {
        conn_send(conn, data);
        log_view_release(view);
        return;
    }
    struct log_view *held = xmalloc(sizeof(*held));
    *held = *view;
    if (held->file)
        conn_send_file(conn, (struct conn_file){held->file, held->file_pos, data.len}, view_release, held);
    else
        conn_send_view(conn, data, view_release, held);
}

/* The frame's bytes with the views of the log between them, of which only small ones are copied. */
static void send_spliced(struct call *call)
{
    struct conn *conn = call->session->conn;
    size_t at = 0;

    CHECK(call->views_count == call->splices.count);
    for (uint32_t i = 0; i < call->splices.count; i++) {
        const struct kafka_splice *splice = &call->splices.at[i];
        conn_send(conn, bytes_of(call->out.ptr + at, splice->pos - at));
        send_view(conn, splice->data, &call->views[i]);
        at = splice->pos;
    }
    call->views_count = 0;
    conn_send(conn, bytes_of(call->out.ptr + at, call->out.len - at));
}

static void session_resume(struct session *s)
{
    if (!s->paused || s->calls_count > KAFKA_CALLS_MAX / 2)
        return;
    s->paused = false;
    conn_resume(s->conn);
}

/* Sends the answers that are due: those before which none is outstanding. */
static void session_send(struct session *s)
{
    while (s->first && s->first->done) {
        struct call *call = s->first;
        s->first = call->next;
        if (!s->first)
            s->last = NULL;
        s->calls_count--;
        if (call->out.len)
            send_spliced(call);
        call_free(call);
    }
    if (s->ending && !s->first)
        conn_close_after_send(s->conn);
    else
        session_resume(s);
}

static void call_finish(struct call *call)
{
    CHECK(!call->done);
    call->done = true;
    call->cancel = NULL;
    session_send(call->session);
}

/* ---- quotas ---- */

static void on_unmute(void *context)
{
    struct session *s = context;

    if (s->turned_away) {
        conn_close(s->conn);
        return;
    }
    s->muted = false;
    conn_resume(s->conn);
}

/* Nothing more is read for so long; what is due is sent all the same. */
static void session_mute(struct session *s, int64_t wait_ms)
{
    int64_t until_ns = loop_mono_ns(s->face->loop) + wait_ms * 1000000;

    if (s->muted && until_ns <= s->muted_until_ns)
        return;
    if (!s->unmute)
        s->unmute = loop_timer_create(s->face->loop, on_unmute, s);
    loop_timer_set(s->unmute, until_ns);
    s->muted_until_ns = until_ns;
    if (!s->muted)
        conn_pause(s->conn);
    s->muted = true;
}

static void charge(struct call *call, void *response)
{
    int64_t wait_ms = call->quota ? face_charge(call, response) : 0;

    if (wait_ms > 0 && !conn_closing(call->session->conn))
        session_mute(call->session, wait_ms);
}

void call_no_answer(struct call *call)
{
    charge(call, NULL);
    buf_clear(&call->out);
    call_finish(call);
}

/* To who asked from inside: the struct itself, kept as long as the call. */
static void hand_over(struct call *call, const void *response)
{
    struct kafka_ask *ask = call->session->ask;
    void *kept = arena_alloc(&call->arena, call->api->response->size);

    memcpy(kept, response, call->api->response->size);
    call->done = true;
    call->cancel = NULL;
    ask->response = kept;
    if (ask->answered)
        ask->answered(ask);
}

void call_answer(struct call *call, void *response)
{
    struct buf *out = &call->out;

    if (call->session->ask) {
        hand_over(call, response);
        return;
    }
    CHECK(out->len == 0);
    charge(call, response);
    buf_u32_be(out, 0);
    kafka_response_header_write(out, call->api, call->version, call->correlation_id);
    kafka_encode(call->api->response, call->version, response, out,
                 call->splices.at ? &call->splices : NULL);
    size_t size = out->len - LENGTH_BYTES + call->splices.bytes;
    CHECK(!out->failed && size <= INT32_MAX);
    buf_patch_u32_be(out, 0, (uint32_t)size);
    call_finish(call);
}

static void durable(struct log_waiter *waiter, bool failed)
{
    struct call *call = (struct call *)((char *)waiter - offsetof(struct call, waiter));

    call->cancel = NULL;
    if (failed && call->failed)
        call->failed(call);
    call_answer(call, call->answer);
}

static void cancel_durable(struct call *call)
{
    log_wait_cancel(call->face->log, &call->waiter);
}

void call_answer_durable(struct call *call, void *response, uint64_t lsn,
                         void (*failed)(struct call *))
{
    if (call->session->ask && call->session->ask->now) {
        call_answer(call, response);
        return;
    }
    call->answer = response;
    call->failed = failed;
    call->cancel = cancel_durable;
    call->waiter = (struct log_waiter){.fn = durable};
    log_wait(call->face->log, &call->waiter, lsn);
}

void call_hang_up(struct call *call)
{
    call->face->stats.requests_refused++;
    conn_close(call->session->conn);
    call_no_answer(call);
}

/* ---- who and where ---- */

int64_t face_now_ms(const struct kafka_face *face)
{
    return loop_mono_ns(face->loop) / 1000000;
}

/* "host:port" or "[v6]:port" in two. */
static void split_address(const char *text, char host[KAFKA_HOST_MAX], int32_t *port)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text);

    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len >= KAFKA_HOST_MAX)
        len = KAFKA_HOST_MAX - 1;
    memcpy(host, text, len);
    host[len] = 0;
    if (port)
        *port = colon ? (int32_t)strtol(colon + 1, NULL, 10) : 0;
}

void call_address(const struct call *call, char host[KAFKA_HOST_MAX], int32_t *port)
{
    char local[KAFKA_HOST_MAX], remote[KAFKA_HOST_MAX];

    if (call->face->options.advertised) {
        split_address(call->face->options.advertised, host, port);
        return;
    }
    conn_address(call->session->conn, local, remote, sizeof(local));
    split_address(local, host, port);
    /* by the name that the certificate was checked against, or the next connection fails the check
     */
    const char *name = conn_server_name(call->session->conn);
    if (name && strlen(name) < KAFKA_HOST_MAX)
        memcpy(host, name, strlen(name) + 1);
}

void conn_host(const struct conn *conn, char host[KAFKA_HOST_MAX])
{
    char local[KAFKA_HOST_MAX], remote[KAFKA_HOST_MAX];

    conn_address(conn, local, remote, sizeof(local));
    split_address(remote, host, NULL);
}

void call_peer(const struct call *call, char host[KAFKA_HOST_MAX])
{
    if (call->session->conn)
        conn_host(call->session->conn, host);
    else
        snprintf(host, KAFKA_HOST_MAX, "%s", call->session->auth.host);
}

struct conn *call_conn(const struct call *call)
{
    return call->session->conn;
}

void call_last(struct call *call)
{
    call->session->ending = true;
}

struct auth *call_auth(const struct call *call)
{
    return &call->session->auth;
}

/* ---- requests ---- */

/* An API or version that is not served. There is no telling how its answer should look, save that
 * every response begins with an error code or with throttle time and one; error 35 in the version
 * the client asked for is what Kafka's own test brokers and Redpanda give. */
static void refuse_version(struct call *call, int16_t key)
{
    call->face->stats.requests_refused++;
    if (key == KAFKA_API_VERSIONS) {
        kafka_refuse_api_versions(call);
        return;
    }
    buf_u32_be(&call->out, 4 + 2);
    buf_u32_be(&call->out, (uint32_t)call->correlation_id);
    buf_u16_be(&call->out, KAFKA_ERR_UNSUPPORTED_VERSION);
    call_finish(call);
}

/* ---- clients that do not find us ---- */

static void report_stray(struct session *s, const struct call *call, const char *host)
{
    const struct kafka_options *o = &s->face->options;
    char told_host[KAFKA_HOST_MAX], told[KAFKA_HOST_MAX + 16];
    int32_t port;

    s->face->stats.strays++;
    if (!o->on_stray)
        return;
    call_address(call, told_host, &port);
    bool bare = strchr(told_host, ':') == NULL; /* else an IPv6 address */
    snprintf(told, sizeof(told), "%s%s%s:%d", bare ? "" : "[", told_host, bare ? "" : "]", port);
    o->on_stray(o->on_stray_context, &(struct kafka_stray){host, call->client_id, told, o->advertised != NULL});
}

/* Notes who only asks where we are, and who does what else a client does. */
static void watch_for_stray(struct session *s, const struct call *call)
{
    int64_t now_ns = loop_mono_ns(s->face->loop);
    char host[KAFKA_HOST_MAX];

    switch (call->api->key) {
    case KAFKA_API_VERSIONS:
    case KAFKA_SASL_HANDSHAKE:
    case KAFKA_SASL_AUTHENTICATE:
    case KAFKA_INIT_PRODUCER_ID: return; /* asked of any node that is at hand */
    case KAFKA_METADATA:
    case KAFKA_DESCRIBE_CLUSTER:
    case KAFKA_FIND_COORDINATOR:
        conn_host(s->conn, host);
        if (strays_asked(s->face->strays, host, call->client_id, now_ns))
            report_stray(s, call, host);
        return;
    default:
        if (s->reached_ns && now_ns - s->reached_ns < STRAY_REACHED_NS / 2)
            return;
        s->reached_ns = now_ns;
        conn_host(s->conn, host);
        strays_reached(s->face->strays, host, call->client_id, now_ns);
    }
}

/* The handler; of a client whose share of time is limited, with its time taken. */
static void call_time(struct call *call, const struct kafka_route *route, const void *request)
{
    struct kafka_face *face = call->face;
    uint64_t serial = call->serial;

    if (!call->quota || !quota_is_set(call->quota, QUOTA_REQUEST)) {
        route->fn(call, request);
        return;
    }
    call->running = true;
    call->begun_ns = os_mono_ns(loop_os(face->loop));
    route->fn(call, request);
    if (call->serial != serial)
        return; /* answered, and gone */
    call->running = false;
    call->ran_ns = os_mono_ns(loop_os(face->loop)) - call->begun_ns;
}

static void call_run(struct call *call, const struct kafka_route *route, struct bytes body)
{
    if (route->keeps_request)
        body = arena_copy(&call->arena, body);
    struct reader r = reader_of(body);
    void *request = arena_alloc(&call->arena, call->api->request->size);
    call->arena.budget_bytes = call->arena.used_bytes + KAFKA_REQUEST_ARRAYS_MAX;
    enum status st = kafka_decode(call->api->request, call->version, &r, &call->arena, request);
    call->arena.budget_bytes = ARENA_BUDGET_NONE;
    call->counted_bytes = call->arena.used_bytes;
    call->face->calls_bytes += call->counted_bytes;
    /* Bytes after the request are let pass, as Kafka does: librdkafka 2.15 leaves three of them in
     * Metadata for all topics. */
    if (st != ST_OK) {
        call_hang_up(call);
        return;
    }
    struct kafka_face *face = call->face;
    struct session *s = call->session;
    uint64_t serial = call->serial;
    call_time(call, route, request);
    if (call->serial != serial || face->calls_bytes <= KAFKA_CALLS_BYTES_SUM)
        return;
    face->stats.requests_refused++;
    conn_close(s->conn); /* it and others let too much wait */
}

static void on_frame(struct session *s, struct bytes frame)
{
    struct reader r = reader_of(frame);
    struct kafka_request_header header;

    s->face->stats.requests++;
    bool whole = kafka_request_header_read(&r, &header);
    const struct kafka_route *route = kafka_route_find(header.api_key);
    if (whole && !auth_allows(&s->auth, header.api_key)) {
        s->face->stats.auth_failures++;
        conn_close(s->conn);
        return;
    }
    if (!whole || (frame.len > KAFKA_SMALL_FRAME_BYTES_MAX && header.api_key != KAFKA_PRODUCE)) {
        s->face->stats.requests_refused++;
        conn_close(s->conn);
        return;
    }
    struct call *call = call_new(s);
    call->api = kafka_api_find(header.api_key);
    call->version = header.api_version;
    call->correlation_id = header.correlation_id;
    call->client_id = header.client_id;
    call->request_bytes = (uint32_t)frame.len;
    call->quota = quotas_take(s->face->quotas, auth_user(&s->auth), header.client_id, face_now_ms(s->face));
    if (!route || !call->api || header.api_version < call->api->first ||
        header.api_version > call->api->last || header.api_version < route->version_min)
        return refuse_version(call, header.api_key);
    watch_for_stray(s, call);
    call_run(call, route, reader_rest(&r));
}

static void on_raw(struct session *s, struct bytes frame)
{
    if (auth_take_raw(&s->auth, frame))
        return;
    s->face->stats.auth_failures++;
    conn_close(s->conn);
}

/* Before somebody is known, no more than an authentication needs. */
static bool length_is_legal(const struct session *s, uint32_t len)
{
    if (s->auth.state == AUTH_RAW)
        return len <= KAFKA_AUTH_FRAME_BYTES;
    return len >= KAFKA_HEADER_BYTES_MIN && len <= s->face->options.frame_bytes_max &&
           (auth_is_over(&s->auth) || s->auth.again || len <= KAFKA_AUTH_FRAME_BYTES);
}

static size_t on_bytes(void *state, struct conn *conn, struct bytes in)
{
    struct session *s = state;
    size_t used = 0;

    while (in.len - used >= LENGTH_BYTES && !conn_closing(conn) && !s->ending && !s->muted) {
        if (s->calls_count >= KAFKA_CALLS_MAX) {
            s->paused = true;
            conn_pause(conn);
            break;
        }
        uint32_t len = load_u32_be(in.ptr + used);
        if (!length_is_legal(s, len)) {
            s->face->stats.requests_refused++;
            conn_close(conn);
            break;
        }
        if (in.len - used - LENGTH_BYTES < len)
            break;
        if (s->auth.state == AUTH_RAW)
            on_raw(s, bytes_of(in.ptr + used + LENGTH_BYTES, len));
        else
            on_frame(s, bytes_of(in.ptr + used + LENGTH_BYTES, len));
        used += LENGTH_BYTES + len;
        if (conn_unsent(conn) >= KAFKA_OUT_BYTES_PAUSE)
            break; /* the rest is offered again when that is sent */
    }
    return used;
}

static void on_close(void *state, struct conn *conn)
{
    struct session *s = state;
    struct kafka_face *face = s->face;

    (void)conn;
    while (s->first) {
        struct call *call = s->first;
        s->first = call->next;
        if (call->cancel)
            call->cancel(call);
        call_free(call);
    }
    if (s->prev)
        s->prev->next = s->next;
    else
        face->sessions = s->next;
    if (s->next)
        s->next->prev = s->prev;
    face->stats.conns--;
    if (s->unmute)
        loop_timer_destroy(s->unmute);
    auth_close(&s->auth);
    free(s);
}

static int kind_of(const struct session *s)
{
    if (s->auth.state == AUTH_DONE || s->auth.again)
        return (int)s->auth.mechanism;
    if (s->auth.state != AUTH_OPEN)
        return KAFKA_CONN_UNKNOWN;
    return conn_has_peer_certificate(s->conn) ? KAFKA_CONN_CERTIFICATE : KAFKA_CONN_OPEN;
}

void sessions_count(const struct kafka_face *face, uint32_t *out)
{
    memset(out, 0, KAFKA_CONN_KINDS * sizeof(*out));
    for (const struct session *s = face->sessions; s; s = s->next)
        out[kind_of(s)]++;
}

const struct conn_handler kafka_conn_handler = {
    .on_open = on_open, .on_bytes = on_bytes, .on_close = on_close};

/* ---- from inside ---- */

void kafka_ask(struct kafka_face *face, const struct kafka_who *who, int16_t key, int16_t version,
               const void *request, struct kafka_ask *ask)
{
    const struct kafka_route *route = kafka_route_find(key);
    struct session *s = xcalloc(1, sizeof(*s));
    struct call *call;

    s->face = face;
    s->ask = ask;
    s->auth = (struct auth){.security = face->options.security,
                            .state = AUTH_DONE,
                            .trusted = who->principal == NULL,
                            .principal = xstrdup(who->principal ? who->principal : "User:ANONYMOUS"),
                            .host = xstrdup(who->host),
                            .expires_ns = INT64_MAX};
    ask->response = NULL;
    ask->session = s;
    call = call_new(s);
    call->api = kafka_api_find(key);
    call->version = version;
    CHECK(route && !route->keeps_request && call->api);
    CHECK(version >= call->api->first && version <= call->api->last);
    route->fn(call, request);
}

void kafka_ask_end(struct kafka_ask *ask)
{
    struct session *s = ask->session;

    if (!s)
        return;
    if (s->first->cancel)
        s->first->cancel(s->first);
    call_free(s->first);
    auth_close(&s->auth);
    free(s);
    ask->session = NULL;
    ask->response = NULL;
}
