/* How: the loop calls two hooks a pass. The first runs the engine's ticks; the second flushes the
 * log, and so releases what waited for the sync; the answers are sent, and only then comes the
 * log's background work. When any of them has a deadline but no input, one timer wakes the loop;
 * otherwise an idle server sleeps in the kernel without a limit.
 */
#include "app/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/outside.h"
#include "app/version.h"
#include "base/check.h"

struct server {
    struct os *os;
    struct loop *loop;
    struct log *log;
    struct outside_tables outside;
    struct engine *engine;
    struct tls_server *tls; /* NULL: none */
    struct security *security;
    struct kafka_face *kafka;
    struct http_face *http;
    struct loop_timer *timer;
    int64_t timer_at_ns;
    bool stopping;
    bool (*sync_later)(void *context);
    void *sync_later_context;
};

static const char *const face_names[FACE_COUNT] = {"kafka", "http", "pg", "redis"};

enum { STRAY_ID_SHOWN = 64 };

const char *face_name(enum face face)
{
    CHECK(face < FACE_COUNT);
    return face_names[face];
}

static void on_work(void *context)
{
    struct server *server = context;
    loop_wake(server->loop);
}

/* Sleeps no longer than the earliest thing that the clock alone makes due. */
static void arm_timer(struct server *server)
{
    int64_t engine_ns = engine_deadline_ns(server->engine), log_ns = log_deadline_ns(server->log);
    int64_t bridges_ns = bridges_deadline_ns(server->outside.bridges);
    int64_t at_ns = engine_ns < log_ns ? engine_ns : log_ns;

    if (bridges_ns < at_ns)
        at_ns = bridges_ns;

    if (at_ns == server->timer_at_ns)
        return;
    server->timer_at_ns = at_ns;
    if (at_ns == INT64_MAX)
        loop_timer_clear(server->timer);
    else
        loop_timer_set(server->timer, at_ns);
}

static void on_timer(void *context)
{
    struct server *server = context;
    server->timer_at_ns = INT64_MAX;
}

static bool run_ticks(void *context)
{
    struct server *server = context;
    return engine_pass(server->engine);
}

/* A failed write or sync is never retried: the log refuses from then on, says why, and recovery is
 * from the WAL at the next start. */
static bool flush_log(void *context)
{
    struct server *server = context;
    bool later = server->sync_later && server->sync_later(server->sync_later_context);

    if (!later)
        (void)log_flush(server->log);
    return later;
}

/* After the flush: what is carried outside is durable here. */
static bool carry(void *context)
{
    struct server *server = context;

    return bridges_pass(server->outside.bridges);
}

static bool work_on_log(void *context)
{
    struct server *server = context;
    bool more = log_work(server->log);

    arm_timer(server);
    return more;
}

static void on_tls_trouble(void *context, const char *what)
{
    (void)context;
    fprintf(stderr, "quickwater: the certificate stays as it was: %s\n", what);
}

static void on_bridge_trouble(void *context, struct bytes table, const char *why)
{
    (void)context;
    if (why)
        fprintf(stderr, "quickwater: `%.*s` cannot be carried on, it is tried again: %s\n", BYTES_FMT(table), why);
    else
        fprintf(stderr, "quickwater: `%.*s` is carried on\n", BYTES_FMT(table));
}

static enum status open_tls(struct server *server, const struct server_options *options,
                            struct diag *diag)
{
    struct tls_options tls = options->tls;

    if (!tls.certificate && (tls.key || tls.client_ca || tls.clients != TLS_CLIENTS_ANY)) {
        diag_hint(diag, "name its file: --tls-certificate FILE");
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "TLS is set up without a certificate of the server");
    }
    if (!tls.certificate)
        return ST_OK;
    tls.on_trouble = on_tls_trouble;
    return tls_server_open(server->os, &tls, &server->tls, diag);
}

/* Not said: half of what there is, as the log, requests and answers have bounds of their own beside it. */
static uint64_t memory_limit(struct os *os, uint64_t said)
{
    if (said == UINT64_MAX)
        return 0;
    return said ? said : os_memory_bytes(os) / 2;
}

static enum status open_parts(struct server *server, const struct server_options *options,
                              struct diag *diag)
{
    struct log_options log_options = options->log;
    struct engine_options engine_options = options->engine;

    log_options.in_memory = options->data_dir == NULL;
    engine_options.shards = options->shards;
    engine_options.memory_bytes_max = memory_limit(server->os, engine_options.memory_bytes_max);
    engine_options.disk_reserve_bytes = 2 * log_options.disk_reserve_bytes;
    if (!engine_options.threads)
        engine_options.threads = options->shards;
    TRY(open_tls(server, options, diag));
    TRY(loop_create(server->os, &server->loop));
    TRY(log_open(server->os, options->data_dir, &log_options, &server->log, diag));
    TRY(security_open(server->os, server->log, &options->security, &server->security, diag));
    const struct carrier_env carriers = {.os = server->os, .log = server->log, .wake = on_work,
                                         .on_trouble = on_bridge_trouble, .context = server};
    outside_open(&server->outside, &carriers);
    engine_options.outside = &server->outside.outside;
    engine_options.registry_address = options->listen[FACE_HTTP];
    TRY(engine_open(server->os, server->log, options->data_dir, &engine_options, &server->engine,
                    diag));
    engine_on_work(server->engine, on_work, server);
    log_on_work(server->log, on_work, server);
    server->timer = loop_timer_create(server->loop, on_timer, server);
    server->timer_at_ns = INT64_MAX;
    loop_hook_add(server->loop, run_ticks, server);
    loop_hook_add(server->loop, flush_log, server);
    loop_hook_add(server->loop, carry, server);
    loop_background_add(server->loop, work_on_log, server);
    return ST_OK;
}

/* Only this machine can dial it. A name may begin with "127." too, and be anybody's. */
static bool is_loopback(const char *address)
{
    if (strncmp(address, "127.", 4) == 0)
        return address[strspn(address, "0123456789.")] == ':';
    return strncmp(address, "localhost:", 10) == 0 || strncmp(address, "[::1]:", 6) == 0;
}

/* The job that a topic's deletion would pull the ground from under. */
static struct bytes topic_user(void *context, struct bytes topic)
{
    struct server *server = context;
    struct job *job = engine_topic_job(server->engine, topic);
    struct job_info info = {0};

    if (job)
        job_info(job, &info);
    return info.name;
}

static enum status topic_may_have(void *context, struct bytes topic, uint32_t partitions,
                                  struct diag *diag)
{
    struct server *server = context;

    return engine_topic_may_have(server->engine, topic, partitions, diag);
}

/* address NULL: for the HTTP face alone, which asks it for groups, transactions and topics. */
/* What the client says of itself is shown as far as a terminal does not obey it. */
static void on_stray(void *context, const struct kafka_stray *stray)
{
    char id[STRAY_ID_SHOWN + 1];
    size_t len = stray->client_id.len < STRAY_ID_SHOWN ? stray->client_id.len : STRAY_ID_SHOWN;

    (void)context;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = stray->client_id.ptr[i];
        id[i] = c < 0x20 || c >= 0x7f ? '?' : (char)c;
    }
    id[len] = 0;
    fprintf(
        stderr,
        "quickwater: the Kafka client '%s' at %s asks again and again where the broker is, and does nothing else: "
        "it seems not to reach %s, where it is told to go\n  %s\n",
        id, stray->host, stray->told,
        stray->advertised ? "that is the setting 'advertised' of [kafka]: an address that this client can dial"
                          : "that is where its connection arrives here: if it dials another address, set "
                            "'advertised' of [kafka] to that one");
}

static enum status open_kafka(struct server *server, const char *address, struct tls_server *tls,
                              const struct server_options *options)
{
    struct kafka_options kafka = options->kafka;

    kafka.topic_user = topic_user;
    kafka.topic_may_have = topic_may_have;
    kafka.topic_user_context = server;
    kafka.on_stray = on_stray;
    kafka.tls = tls;
    kafka.security = server->security;
    return kafka_face_open(server->loop, server->log, address, &kafka, &server->kafka);
}

static enum status open_face(struct server *server, enum face face, const char *address,
                             const struct server_options *options, struct diag *diag)
{
    struct http_options http = options->http;
    struct tls_server *tls = options->plain[face] ? NULL : server->tls;
    bool asks = security_asks(server->security) && !(face == FACE_HTTP && http.no_users);
    enum status st;

    if (!is_loopback(address) && !options->insecure && !tls && !asks) {
        diag_hint(diag, "set a certificate (--tls-certificate) or users (--sasl), use 127.0.0.1, or "
                        "--insecure if all who can reach it may do everything");
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "the %s listener '%s' can be reached by others, and has neither TLS nor "
                        "authentication",
                        face_name(face), address);
    }
    switch (face) {
    case FACE_KAFKA: st = open_kafka(server, address, tls, options); break;
    case FACE_HTTP:
        if (!server->kafka)
            TRY(open_kafka(server, NULL, NULL, options));
        http.version = version_number();
        http.kafka = server->kafka;
        http.tls = tls;
        http.tls_watched = server->tls;
        http.security_watched = server->security;
        http.bridges = server->outside.bridges;
        http.security = asks || (security_has_acls(server->security) && !http.no_users)
                            ? server->security
                            : NULL;
        st = http_face_open(server->loop, server->log, server->engine, address, &http,
                            &server->http);
        break;
    default:
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED, "the %s face is not built yet",
                        face_name(face));
    }
    if (st != ST_OK)
        diag_set(diag, st, DIAG_VALUE, "the %s listener cannot open '%s': %s", face_name(face),
                 address, os_error_text(server->os));
    return st;
}

enum status server_open(struct os *os, const struct server_options *options, struct server **out,
                        struct diag *diag)
{
    struct server *server = xcalloc(1, sizeof(*server));
    enum status st;

    server->os = os;
    server->sync_later = options->sync_later;
    server->sync_later_context = options->sync_later_context;
    st = open_parts(server, options, diag);
    for (int i = 0; i < FACE_COUNT && st == ST_OK; i++)
        if (options->listen[i])
            st = open_face(server, (enum face)i, options->listen[i], options, diag);
    if (st != ST_OK) {
        diag_set(diag, st, DIAG_STATE, "the data directory '%s' cannot be opened: %s",
                 options->data_dir ? options->data_dir : "(none)", status_text(st));
        server_close(server);
        return st;
    }
    *out = server;
    return ST_OK;
}

void server_run(struct server *server)
{
    loop_run(server->loop);
}

void server_stop(struct server *server)
{
    loop_stop(server->loop);
}

static void close_engine(struct engine *engine)
{
    uint32_t left = engine_close(engine, true);

    if (left)
        fprintf(stderr, "quickwater: stopping: there was no time for a last checkpoint of %u jobs; the next start runs "
                        "their ticks since the one before again, and nothing is lost\n", left);
}

/* Faces first, so that nothing new comes, the HTTP face before the Kafka face that it asks; then the jobs, whose last checkpoints the log must still
 * take; then the log, which empties itself into the partition files. */
void server_close(struct server *server)
{
    if (server->http)
        http_face_close(server->http);
    if (server->kafka)
        kafka_face_close(server->kafka);
    if (server->timer) {
        loop_hook_remove(server->loop, run_ticks, server);
        loop_hook_remove(server->loop, flush_log, server);
        loop_hook_remove(server->loop, carry, server);
        loop_background_remove(server->loop, work_on_log, server);
        loop_timer_destroy(server->timer);
    }
    if (server->engine)
        close_engine(server->engine);
    outside_close(&server->outside);
    security_close(server->security);
    if (server->log)
        log_close(server->log);
    if (server->loop)
        loop_destroy(server->loop);
    tls_server_close(server->tls);
    free(server);
}

bool server_finished(const struct server *server)
{
    return engine_finished(server->engine) && bridges_done(server->outside.bridges);
}

void server_abandon(struct server *server)
{
    engine_abandon(server->engine);
}

struct loop *server_loop(struct server *server)
{
    return server->loop;
}

struct log *server_log(struct server *server)
{
    return server->log;
}

struct engine *server_engine(struct server *server)
{
    return server->engine;
}

const char *server_address(const struct server *server, enum face face)
{
    if (face == FACE_KAFKA && server->kafka)
        return kafka_face_address(server->kafka);
    if (face == FACE_HTTP && server->http)
        return http_face_address(server->http);
    return NULL;
}
