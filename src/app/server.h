/* server.h: one quickwater: a loop, a log, an engine and the faces that were asked for, wired.
 *
 * Everything that a pass of the loop does, in its order: sockets, then the engine's ticks, then the
 * log's one write and one sync, which releases the answers; background work of the log last.
 *
 * Runs on any `os`, so that the simulation runs what production runs.
 *
 * With several shards the engine has threads of its own for them; the loop's hosts the first.
 *
 * Owns:    all of it, until server_close.
 * Threads: server_open, server_run and server_close on one thread; server_stop and server_call
 *          from any.   Layer: app.
 */
#ifndef QW_APP_SERVER_H
#define QW_APP_SERVER_H

#include "base/diag.h"
#include "flow/engine.h"
#include "net/loop.h"
#include "net/tls.h"
#include "os/os.h"
#include "serve/http/http.h"
#include "serve/kafka/kafka.h"
#include "serve/security/security.h"
#include "store/log/log.h"

enum face { FACE_KAFKA, FACE_HTTP, FACE_PG, FACE_REDIS, FACE_COUNT };

struct server_options {
    const char *data_dir;           /* NULL: everything is in memory, nothing survives */
    const char *listen[FACE_COUNT]; /* "host:port"; NULL: that face is off */
    bool insecure;                  /* allow listeners that others can reach */
    struct tls_options tls;         /* certificate NULL: no TLS */
    bool plain[FACE_COUNT];         /* that face speaks no TLS all the same */
    uint32_t shards;
    struct security_options security;
    struct log_options log;
    struct engine_options engine;
    struct kafka_options kafka; /* but topic_user, tls and security, which the server sets */
    struct http_options http;   /* but version, tls and security */
    /* For the simulation; NULL: never. True: this pass leaves what is appended unsynced, as a slow
     * disk would; the next one comes at once. */
    bool (*sync_later)(void *context);
    void *sync_later_context;
};

struct server;

enum status server_open(struct os *os, const struct server_options *options, struct server **out,
                        struct diag *diag) MUST_CHECK;
/* Serves until server_stop. */
void server_run(struct server *server);
void server_stop(struct server *server);
/* A clean stop: answers what is under way, checkpoints the jobs, fills the partition files. */
void server_close(struct server *server);
/* After a CHECK has failed, on the thread of server_run: ends the other threads, and leaves all as
 * it is. */
void server_abandon(struct server *server);

/* Every job is at its end, and what it gave has arrived where it goes. */
bool server_finished(const struct server *server);

struct loop *server_loop(struct server *server);
struct log *server_log(struct server *server);
struct engine *server_engine(struct server *server);
/* "127.0.0.1:9092" with the real port, or NULL where the face is off. */
const char *server_address(const struct server *server, enum face face);
const char *face_name(enum face face); /* "kafka", "http", "pg", "redis" */

#endif
