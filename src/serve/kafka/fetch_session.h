/* fetch_session.h: fetch sessions (KIP-227), as a state machine without I/O.
 *
 * A session remembers what a client fetches, so that a request names only what has changed in that
 * and an answer only the partitions that have something to tell. Its epoch counts its requests:
 *
 *     id 0, epoch 0        all partitions; the answer gives a session's id, or 0 where there is no
 * room id, epoch 1, 2, …    what is new, other or forgotten; the answer: what has changed id, epoch
 * -1 or 0    the session ends; epoch 0 asks for another
 *
 * The cache is bounded by sessions and by their partitions. When it is full a session gives way
 * that was not used for FETCH_SESSION_STALE_MS, else one that is that old and smaller than the new
 * one, as in Kafka; else there is no new one. A session is not bound to a connection.
 *
 * Owns:    copies of all it is given.
 * Threads: one.      Layer: serve.
 * Errors:  FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR:
 * the client starts anew. Limits:  FETCH_SESSION_PARTITIONS of one; FETCH_SESSIONS_PARTITIONS of
 * all: some 200 bytes each.
 */
#ifndef QW_SERVE_KAFKA_FETCH_SESSION_H
#define QW_SERVE_KAFKA_FETCH_SESSION_H

#include "base/arena.h"
#include "wire/kafka/messages.h"

enum {
    FETCH_SESSION_PARTITIONS = 100000,
    FETCH_SESSIONS_PARTITIONS = 500000,
    FETCH_SESSION_STALE_MS = 120000,
    FETCH_TOPIC_IDS_VERSION = 13, /* of Fetch: from it on topics go by id */
};

struct fetch_sessions;

struct fetch_sessions_options {
    uint32_t slots_max;      /* sessions */
    uint32_t partitions_max; /* of all of them; 0: FETCH_SESSIONS_PARTITIONS */
    void (*random)(void *context, void *to, size_t len);
    void *context;
};

/* How a request stands to its session, from its beginning to its answer. */
struct fetch_context {
    enum fetch_kind { FETCH_SESSIONLESS, FETCH_FULL, FETCH_INCREMENTAL } kind;
    int32_t id, epoch; /* INCREMENTAL: the epoch that the next request will have */
    bool by_id;
};

struct fetch_sessions *fetch_sessions_create(const struct fetch_sessions_options *options);
void fetch_sessions_destroy(struct fetch_sessions *sessions);
uint32_t fetch_sessions_count(const struct fetch_sessions *sessions);

/* Takes a request: *whole is it with all partitions that are to be fetched named, in the arena. */
enum kafka_error fetch_session_begin(struct fetch_sessions *sessions, int64_t now_ms,
                                     const struct kafka_fetch_req *req, int16_t version,
                                     struct arena *arena, struct kafka_fetch_req *whole,
                                     struct fetch_context *out) MUST_CHECK;
/* Whether it may be answered still, after a wait: not if its session has gone on without it. */
enum kafka_error fetch_session_check(const struct fetch_sessions *sessions,
                                     const struct fetch_context *context) MUST_CHECK;
/* The answer to whole, which has all its partitions: gets its session's id, and in an incremental
 * one the partitions without news are taken out. */
void fetch_session_end(struct fetch_sessions *sessions, int64_t now_ms,
                       const struct fetch_context *context, const struct kafka_fetch_req *whole,
                       struct kafka_fetch_res *res);

#endif
